//! The way to Podio where time is driven: real HTTP on a socket, whose latency passes in virtual time.
//!
//! Each request waits half the latency before Podio judges it and half before it is answered. It waits as a sleeper of
//! the shared clock, next to all others that are under way, so forty calls at once take the time of one. A request that
//! has left goes on to Podio even if its sender dies meanwhile.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use jiff::SignedDuration;
use podio_sandbox::{Request, Response, Running};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    task::{JoinHandle, JoinSet},
};

use crate::VirtualClock;

/// No client waits for longer, so an answer that is held is cut by then at the latest.
const PATIENCE: SignedDuration = SignedDuration::from_secs(20);

/// Stands in front of a sandbox.
pub(crate) struct Gateway {
    pub url: String,
    server: JoinHandle<()>,
}

impl Gateway {
    /// Each request and each answer adds one to `stirs`.
    pub(crate) async fn open(podio: Arc<Running>, clock: Arc<VirtualClock>, stirs: Arc<AtomicU64>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let server = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                stream.set_nodelay(true).unwrap();
                let (podio, clock, stirs) = (podio.clone(), clock.clone(), stirs.clone());
                stirs.fetch_add(1, Ordering::Relaxed);
                connections.spawn(async move { serve(stream, &podio, &clock, &stirs).await });
                while connections.try_join_next().is_some() {}
            }
        });
        Self { url, server }
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// Serves one connection until its client closes it or a fault cuts it.
async fn serve(stream: TcpStream, podio: &Running, clock: &VirtualClock, stirs: &AtomicU64) {
    let mut stream = BufReader::new(stream);
    while let Some(request) = read(&mut stream).await {
        stirs.fetch_add(1, Ordering::Relaxed);
        let half = clock.latency() / 2;
        clock.sleep_until(clock.read() + half).await;
        let answer = podio.with_state(|state| state.answer(clock.read(), &request));
        let held = SignedDuration::try_from(answer.hold).unwrap_or(PATIENCE).min(PATIENCE);
        clock.sleep_until(clock.read() + half + held).await;
        stirs.fetch_add(1, Ordering::Relaxed);
        // Who does not listen any more has died.
        if answer.cut || stream.get_mut().write_all(&wire(&answer.response)).await.is_err() {
            return;
        }
    }
}

/// One request; none when the client has closed the connection.
async fn read(stream: &mut BufReader<TcpStream>) -> Option<Request> {
    let first = line(stream).await?;
    let mut words = first.split(' ');
    let mut request = Request::new(words.next()?, words.next()?);
    loop {
        let header = line(stream).await?;
        let Some((name, value)) = header.split_once(':') else { break };
        request.headers.push((name.trim().to_ascii_lowercase(), value.trim().to_owned()));
    }
    let length = request.headers.iter().find(|(name, _)| name == "content-length").map(|(_, value)| value);
    request.body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
    stream.read_exact(&mut request.body).await.ok()?;
    Some(request)
}

async fn line(stream: &mut BufReader<TcpStream>) -> Option<String> {
    let mut line = String::new();
    let read = stream.read_line(&mut line).await.ok()?;
    (read > 0).then(|| line.trim_end().to_owned())
}

fn wire(response: &Response) -> Vec<u8> {
    let mut head = format!("HTTP/1.1 {} -\r\n", response.status);
    for (name, value) in &response.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    if response.status != 204 {
        head.push_str(&format!("content-length: {}\r\n", response.body.len()));
    }
    head.push_str("\r\n");
    [head.as_bytes(), &response.body].concat()
}
