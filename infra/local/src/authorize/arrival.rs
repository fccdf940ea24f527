//! The browser's way back, with a code in its address.

use std::io::BufRead as _;

use anyhow::{Context as _, bail, ensure};
use axum::{Router, extract::State, http::Uri, response::Html};
use podio_client::AuthorizationCode;
use reqwest::Url;
use tokio::{net::TcpListener, sync::mpsc};

use crate::task::Task;

const THANKS: &str = "<!doctype html><title>Podio Lifecycle</title><p>Done. You can close this window.</p>";

/// How the address that the browser comes back to is learned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrival {
    /// The browser comes to a port of this machine.
    Listen,
    /// The operator pastes the address as one line.
    Paste,
}

/// Ready for it.
pub(super) enum Arriving {
    Listening { came: mpsc::Receiver<Uri>, base: Url, _serving: Task },
    Pasting,
}

impl Arrival {
    /// Listens before anybody is sent on the way.
    pub(super) async fn ready(self, redirect_uri: &str) -> anyhow::Result<Arriving> {
        if self == Self::Paste {
            return Ok(Arriving::Pasting);
        }
        let base = Url::parse(redirect_uri)?;
        let ours = matches!(base.host_str(), Some("localhost" | "127.0.0.1")) && base.scheme() == "http";
        ensure!(ours, "nobody comes to this machine by {redirect_uri}: paste the address instead (--paste)");
        let port = base.port_or_known_default().context("the redirect address has no port")?;
        let listener =
            TcpListener::bind(("127.0.0.1", port)).await.with_context(|| format!("port {port} cannot be had"))?;
        let (tell, came) = mpsc::channel(8);
        let router = Router::new().fallback(arrived).with_state(tell);
        let serving = Task::spawn("the browser's way back", async move {
            if let Err(error) = axum::serve(listener, router).await {
                tracing::error!(%error, "the port for the browser ended");
            }
        });
        Ok(Arriving::Listening { came, base, _serving: serving })
    }
}

impl Arriving {
    /// The address.
    pub(super) async fn wait(self) -> anyhow::Result<Url> {
        match self {
            Self::Listening { mut came, base, _serving } => loop {
                let uri = came.recv().await.context("the port for the browser is closed")?;
                let mut url = base.clone();
                url.set_query(uri.query());
                // A browser asks for an icon, too.
                if value(&url, "code").or_else(|| value(&url, "error")).is_some() {
                    return Ok(url);
                }
            },
            Self::Pasting => {
                let line = tokio::task::spawn_blocking(|| {
                    let mut line = String::new();
                    std::io::stdin().lock().read_line(&mut line).map(|_| line)
                });
                Url::parse(line.await??.trim()).map_err(|_| anyhow::anyhow!("what was pasted is no address"))
            }
        }
    }
}

async fn arrived(State(tell): State<mpsc::Sender<Uri>>, uri: Uri) -> Html<&'static str> {
    // Who comes when it is over is thanked all the same.
    let _ = tell.try_send(uri);
    Html(THANKS)
}

/// The code in the address, if it belongs to this run.
///
/// # Errors
/// The user has refused, the address is of another run, or holds no code. None of them shows the address.
pub fn read(back: &Url, state: &str) -> anyhow::Result<AuthorizationCode> {
    ensure!(value(back, "state").as_deref() == Some(state), "this address belongs to another run; start again");
    match value(back, "error").as_deref() {
        None => {}
        Some("access_denied") => bail!("the user did not consent"),
        Some(_) => bail!("Podio refused; is the redirect address on the API key's domain?"),
    }
    value(back, "code").map(AuthorizationCode::new).context("there is no code in the address")
}

/// Of several with one name the last counts.
fn value(url: &Url, name: &str) -> Option<String> {
    url.query_pairs().filter(|(key, _)| key == name).last().map(|(_, value)| value.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(address: &str) -> Result<String, String> {
        let url = Url::parse(address).unwrap();
        read(&url, "st4te").map(|code| code.expose().to_owned()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_code_of_this_run_is_taken() {
        assert_eq!(told("http://localhost:1/?code=c0de&state=st4te"), Ok("c0de".to_owned()));
    }

    #[test]
    fn anything_else_is_refused_without_showing_it() {
        let refused = [
            ("http://localhost:1/?code=c0de", "another run"),
            ("http://localhost:1/?code=c0de&state=other", "another run"),
            ("http://localhost:1/?state=st4te", "no code"),
            ("http://localhost:1/?error=access_denied&state=st4te", "did not consent"),
            ("http://localhost:1/?error=c0de&state=st4te", "refused"),
        ];
        for (address, word) in refused {
            let error = told(address).unwrap_err();
            assert!(error.contains(word) && !error.contains("c0de"), "{error}");
        }
    }
}
