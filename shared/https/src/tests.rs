//! The pool against servers that do as they are told.

use jiff::SignedDuration;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::mpsc,
};

use super::*;

const LIMITS: Limits =
    Limits { connect: Duration::from_secs(5), idle: Duration::from_secs(30), largest_body: 8, proxied: false };

/// A server whose connections answer every request with `answer`; each is told when it is made.
async fn answering(answer: &'static str) -> (String, mpsc::UnboundedReceiver<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}/", listener.local_addr().unwrap());
    let (connected, connections) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            connected.send(()).unwrap();
            tokio::spawn(async move {
                while read_request(&mut stream).await {
                    stream.write_all(answer.as_bytes()).await.unwrap();
                }
            });
        }
    });
    (base, connections)
}

async fn read_request(stream: &mut TcpStream) -> bool {
    let mut request = [0; 4096];
    stream.read(&mut request).await.is_ok_and(|read| read > 0)
}

fn pool() -> Connections {
    rustls::crypto::ring::default_provider().install_default().ok();
    Connections::new(LIMITS).unwrap()
}

fn get(base: &str) -> Request<Bytes> {
    Request::get(base).body(Bytes::new()).unwrap()
}

async fn body(answer: &'static str) -> Result<Bytes, BodyFault> {
    let (base, _connections) = answering(answer).await;
    pool().send(get(&base), Duration::from_millis(500)).await.unwrap().into_body()
}

#[tokio::test]
async fn who_wakes_up_after_a_freeze_connects_anew() {
    let (base, mut connections) = answering("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
    let pool = pool();
    let start = Timestamp::now();
    let mut made = 0;
    for (seconds, expected) in [(0, 1), (20, 1), (45, 1), (76, 2), (80, 2), (3_600, 3), (3_601, 3), (0, 4)] {
        let client = pool.client_at(start + SignedDuration::from_secs(seconds));
        client.execute(get(&base).try_into().unwrap()).await.unwrap().bytes().await.unwrap();
        while connections.try_recv().is_ok() {
            made += 1;
        }
        assert_eq!(made, expected, "at {seconds} s");
    }
}

#[tokio::test]
async fn a_connection_is_kept_until_it_is_to_be_forgotten() {
    let (base, mut connections) = answering("HTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n").await;
    let pool = pool();
    for _ in 0..2 {
        let answer = pool.send(get(&base), Duration::from_secs(5)).await.unwrap();
        assert_eq!(answer.status(), 500);
    }
    assert!(connections.try_recv().is_ok() && connections.try_recv().is_err());
    pool.forget();
    pool.send(get(&base), Duration::from_secs(5)).await.unwrap();
    assert!(connections.try_recv().is_ok());
}

#[tokio::test]
async fn a_body_is_there_as_a_whole_or_not() {
    let whole = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\n1234\r\n4\r\n5678\r\n0\r\n\r\n";
    assert_eq!(body(whole).await, Ok(Bytes::from_static(b"12345678")));
    assert_eq!(body("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n123456789").await, Err(BodyFault::TooLarge));
    // The rest never comes.
    assert_eq!(body("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n1234").await, Err(BodyFault::Broken));
}

#[tokio::test]
async fn what_was_lost_says_whether_it_may_have_taken_effect() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}/", listener.local_addr().unwrap());
    let pool = pool();
    // Connections are made by the kernel, and nothing is ever said.
    assert_eq!(pool.send(get(&base), Duration::from_millis(50)).await.unwrap_err(), Lost::Late);
    // Somebody reads the request and hangs up.
    let hangs_up = async { read_request(&mut listener.accept().await.unwrap().0).await };
    let (answer, _) = tokio::join!(pool.send(get(&base), Duration::from_secs(5)), async {
        assert!(listener.accept().await.is_ok());
        hangs_up.await
    },);
    assert_eq!(answer.unwrap_err(), Lost::Broken);
    // Nobody listens any more.
    drop(listener);
    assert_eq!(pool.send(get(&base), Duration::from_secs(5)).await.unwrap_err(), Lost::Unconnected);
}

#[tokio::test]
async fn where_tls_is_asked_for_nothing_is_said_without_it() {
    let (base, _connections) = answering("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
    let secure = base.replacen("http:", "https:", 1);
    assert_eq!(pool().send(get(&secure), Duration::from_secs(5)).await.unwrap_err(), Lost::Unconnected);
}
