//! The API, as a program calls it.

use std::{env, fs, time::Duration};

use reqwest::{Client, Method, StatusCode};
use serde_json::Value;

use crate::exit::Exit;

/// How long an answer may take: the API answers within fifteen seconds.
const PATIENCE: Duration = Duration::from_secs(30);
const URL: &str = "PODIO_LIFECYCLE_URL";
const TOKEN: &str = "PODIO_LIFECYCLE_TOKEN";
const TOKEN_FILE: &str = "PODIO_LIFECYCLE_TOKEN_FILE";

/// Why something could not be done, as a sentence, and how the program ends.
#[derive(Debug)]
pub struct Failed {
    /// The sentence.
    pub why: String,
    /// The end.
    pub exit: Exit,
}

impl Failed {
    /// It could not be done.
    pub fn new(why: impl Into<String>) -> Self {
        Self { why: why.into(), exit: Exit::Error }
    }
}

/// The API at one address, with a token.
pub struct Api {
    client: Client,
    url: String,
    token: String,
}

impl Api {
    /// The API that the environment names. A token in a flag would stand in the history of the shell.
    pub fn of_environment() -> Result<Self, Failed> {
        let usage = |why: String| Failed { why, exit: Exit::Usage };
        let url = env::var(URL).map_err(|_| usage(format!("{URL} is not set: the address of the API")))?;
        let token = match (env::var(TOKEN), env::var(TOKEN_FILE)) {
            (Ok(token), _) => token,
            (_, Ok(file)) => fs::read_to_string(&file).map_err(|error| Failed::new(format!("{file}: {error}")))?,
            _ => return Err(usage(format!("neither {TOKEN} nor {TOKEN_FILE} is set"))),
        };
        // Somebody else may have chosen already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder().timeout(PATIENCE).build().map_err(|error| Failed::new(error.to_string()))?;
        Ok(Self { client, url: url.trim_end_matches('/').to_owned(), token: token.trim().to_owned() })
    }

    /// An answer in JSON.
    pub async fn get(&self, path: &str, query: &[(&str, String)]) -> Result<Value, Failed> {
        let text = self.send(Method::GET, path, query, None).await?;
        serde_json::from_str(&text).map_err(|_| Failed::new("the API has not answered in JSON; is the address right?"))
    }

    /// Asks for something to be done, in JSON where there is more to say.
    pub async fn post(&self, path: &str, body: Option<&Value>) -> Result<Value, Failed> {
        let body = body.map(|body| ("application/json", body.to_string().into_bytes()));
        let text = self.send(Method::POST, path, &[], body).await?;
        serde_json::from_str(&text).map_err(|_| Failed::new("the API has not answered in JSON; is the address right?"))
    }

    /// Sends a file.
    pub async fn put(&self, path: &str, media_type: &'static str, body: Vec<u8>) -> Result<Value, Failed> {
        let text = self.send(Method::PUT, path, &[], Some((media_type, body))).await?;
        serde_json::from_str(&text).map_err(|_| Failed::new("the API has not answered in JSON; is the address right?"))
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        query: &[(&str, String)],
        body: Option<(&'static str, Vec<u8>)>,
    ) -> Result<String, Failed> {
        let mut url = format!("{}{path}", self.url);
        if !query.is_empty() {
            let query = serde_urlencoded::to_string(query).map_err(|error| Failed::new(error.to_string()))?;
            url = format!("{url}?{query}");
        }
        let mut request = self.client.request(method, url).bearer_auth(&self.token);
        if let Some((media_type, body)) = body {
            request = request.header("content-type", media_type).body(body);
        }
        let unreachable = |error: reqwest::Error| Failed {
            why: format!("the API does not answer: {}", error.without_url()),
            exit: Exit::TryAgain,
        };
        let answer = request.send().await.map_err(unreachable)?;
        let status = answer.status();
        let text = answer.text().await.map_err(unreachable)?;
        if status.is_success() { Ok(text) } else { Err(refused(status, &text)) }
    }
}

/// A refusal, in the API's own words.
fn refused(status: StatusCode, text: &str) -> Failed {
    let problem: Value = serde_json::from_str(text).unwrap_or_default();
    let mut why = problem["detail"].as_str().map_or_else(|| format!("the API answers {status}"), str::to_owned);
    for error in problem["errors"].as_array().into_iter().flatten() {
        let place = error["pointer"].as_str().or(error["parameter"].as_str()).unwrap_or_default();
        why.push_str(&format!("\n  {place}: {}", error["detail"].as_str().unwrap_or_default()));
    }
    let exit = match status.as_u16() {
        401 | 403 => Exit::NotAllowed,
        404 => Exit::NotFound,
        429 | 500..=599 => Exit::TryAgain,
        _ => Exit::Error,
    };
    Failed { why, exit }
}
