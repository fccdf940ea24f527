//! One send is one request on the wire, whatever happens to it, and a failure says whether it may have taken effect.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use podio_client::{BuildError, Error, Podio, Timeouts, org_member, user};
use podio_lifecycle::ids::{OrgId, UserId};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use crate::stub::{client, install_crypto, token};

const OK: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 13\r\n\r\n{\"user_id\":3}";
const CUT: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{\"user_id\":3}";

/// A server that answers the n-th request over all connections with the n-th answer and, when it has none, reads the
/// request and hangs up. Returns its address and the count of requests read.
async fn hanging_up_after(answers: &'static [&'static [u8]]) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let count = Arc::new(AtomicUsize::new(0));
    let seen = count.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let seen = seen.clone();
            tokio::spawn(async move {
                while read_head(&mut stream).await {
                    let number = seen.fetch_add(1, Ordering::SeqCst);
                    let Some(answer) = answers.get(number) else { return };
                    stream.write_all(answer).await.unwrap();
                    if *answer == CUT {
                        return;
                    }
                }
            });
        }
    });
    (base, count)
}

/// Whether a whole request head arrived.
async fn read_head(stream: &mut TcpStream) -> bool {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return false,
        }
    }
    true
}

#[tokio::test]
async fn a_connection_dropped_after_the_request_is_not_tried_again() {
    // Given a server that reads the request and hangs up
    let (base, count) = hanging_up_after(&[]).await;
    let podio = client(&base);
    // When a member is removed and looked up
    let removal = podio.send(&token(), &org_member::remove(OrgId(1), UserId(3))).await;
    let lookup = podio.send(&token(), &org_member::get(OrgId(1), UserId(3))).await;
    // Then each was asked once, and nobody knows whether it took effect
    assert_eq!(removal.result, Err(Error::Unavailable { status: None, uncertain: true }));
    assert_eq!(removal.receipt.status, None);
    assert_eq!(lookup.result.unwrap_err(), Error::Unavailable { status: None, uncertain: true });
    assert_eq!(count.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_kept_connection_dropped_after_the_request_is_not_tried_again() {
    // Given a connection that served one request well
    let (base, count) = hanging_up_after(&[OK]).await;
    let podio = client(&base);
    assert!(podio.send(&token(), &user::own()).await.result.is_ok());
    // When the server hangs up on the second
    let second = podio.send(&token(), &org_member::remove(OrgId(1), UserId(3))).await;
    // Then there is no third
    assert_eq!(second.result, Err(Error::Unavailable { status: None, uncertain: true }));
    assert_eq!(count.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_body_cut_short_is_no_result() {
    let (base, count) = hanging_up_after(&[CUT, CUT]).await;
    let podio = client(&base);
    let exchange = podio.send(&token(), &user::own()).await;
    assert_eq!(exchange.result, Err(Error::Unavailable { status: Some(200), uncertain: true }));
    assert_eq!(exchange.receipt.status, Some(200));
    let removal = podio.send(&token(), &org_member::remove(OrgId(1), UserId(3))).await;
    assert_eq!(removal.result, Err(Error::Unavailable { status: Some(200), uncertain: true }));
    assert_eq!(count.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_server_that_never_answers_runs_into_the_timeout() {
    // Given a listener that nobody serves: connections are made by the kernel and nothing is ever said
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    install_crypto();
    let timeouts = Timeouts { whole: Duration::from_millis(100), ..Timeouts::default() };
    let podio = Podio::with_timeouts(&format!("http://{}", listener.local_addr().unwrap()), timeouts).unwrap();
    // When, then
    let exchange = podio.send(&token(), &user::own()).await;
    assert_eq!(exchange.result, Err(Error::Unavailable { status: None, uncertain: true }));
}

#[tokio::test]
async fn a_call_may_be_less_patient_than_the_client_but_never_more() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    install_crypto();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let (short, long) = (Duration::from_millis(100), Duration::from_secs(3_600));
    for (whole, patience) in [(long, short), (short, long)] {
        let podio = Podio::with_timeouts(&base, Timeouts { whole, ..Timeouts::default() }).unwrap();
        let removal = podio.send(&token(), &org_member::remove(OrgId(1), UserId(3)).within(patience)).await;
        assert_eq!(removal.result, Err(Error::Unavailable { status: None, uncertain: true }));
    }
}

#[tokio::test]
async fn without_a_connection_nothing_can_have_taken_effect() {
    // Given a port on which nobody listens any more
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let podio = client(&format!("http://{}", listener.local_addr().unwrap()));
    drop(listener);
    // When, then
    let exchange = podio.send(&token(), &org_member::remove(OrgId(1), UserId(3))).await;
    assert_eq!(exchange.result, Err(Error::Unavailable { status: None, uncertain: false }));
    assert_eq!(exchange.receipt.path, "/org/1/member/3");
}

#[test]
fn tokens_go_to_https_or_to_this_machine_only() {
    install_crypto();
    for good in [
        "https://api.podio.com",
        "https://api.podio.com/",
        "http://127.0.0.1:1",
        "http://localhost:1/x",
        "http://[::1]:1",
    ] {
        assert!(Podio::new(good).is_ok(), "{good}");
    }
    for bad in [
        "",
        "api.podio.com",
        "http://api.podio.com",
        "ftp://localhost",
        "https://u:p@api.podio.com",
        "https://api.podio.com/?x",
        "https://api.podio.com/#x",
    ] {
        assert!(matches!(Podio::new(bad), Err(BuildError::Address)), "{bad}");
    }
}
