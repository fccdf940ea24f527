//! An HR system that signs, and an operator with a token.

use std::time::Duration;

use jiff::Timestamp;
use podio_signatures::standard_webhooks::{self, Secret};
use reqwest::{Client, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};

/// The development values that `cargo local` sets.
const SECRET: &str = "whsec_ZGV2ZWxvcG1lbnQtb2ZmYm9hcmRpbmctc2VjcmV0ISE=";
const TOKEN: &str = "development-api-token-0001";

/// What came back.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// `Location`, if there is one.
    pub location: Option<String>,
    /// `Content-Type`.
    pub content_type: String,
    /// The body; null if it is not JSON.
    pub body: Value,
}

/// A caller of the API.
#[derive(Clone)]
pub struct Caller {
    http: Client,
    url: String,
    token: String,
    secret: Secret,
}

impl Caller {
    /// A caller of the API at `url`, with the development values.
    pub fn new(url: &str) -> Self {
        Self::with(url, TOKEN, SECRET)
    }

    /// A caller with values of its own.
    pub fn with(url: &str, token: &str, secret: &str) -> Self {
        // Another caller of this process may have installed it already.
        rustls::crypto::ring::default_provider().install_default().ok();
        let http = Client::builder().no_proxy().build().unwrap();
        Self { http, url: url.to_owned(), token: token.to_owned(), secret: secret.parse().unwrap() }
    }

    /// Posts a leaver as an HR system does, under the message id `message`.
    pub async fn post(&self, message: &str, body: &Value) -> Answer {
        self.post_at(Timestamp::now(), message, body.to_string().into_bytes()).await
    }

    /// Posts any bytes, signed at any time.
    pub async fn post_at(&self, at: Timestamp, message: &str, body: Vec<u8>) -> Answer {
        send(self.signed(at, message, body)).await
    }

    fn signed(&self, at: Timestamp, message: &str, body: Vec<u8>) -> RequestBuilder {
        self.unsigned(body.clone())
            .header(standard_webhooks::ID, message)
            .header(standard_webhooks::TIMESTAMP, at.as_second().to_string())
            .header(standard_webhooks::SIGNATURE, standard_webhooks::sign(&self.secret, message, at, &body))
    }

    /// Posts a leaver; what came back, unless nobody was there to answer or the answer was no.
    pub async fn try_post(&self, message: &str, body: &Value) -> Option<Value> {
        let (at, body) = (Timestamp::now(), body.to_string().into_bytes());
        let answer = self.signed(at, message, body).send().await.ok()?;
        if answer.status().is_success() { answer.json().await.ok() } else { None }
    }

    /// Posts a leaver without any proof of who asks.
    pub async fn post_unsigned(&self, body: &Value) -> Answer {
        send(self.unsigned(body.to_string().into_bytes())).await
    }

    fn unsigned(&self, body: Vec<u8>) -> RequestBuilder {
        self.http.post(format!("{}/offboardings", self.url)).header("content-type", "application/json").body(body)
    }

    /// Reads as an operator.
    pub async fn get(&self, path: &str) -> Answer {
        send(self.http.get(format!("{}{path}", self.url)).bearer_auth(&self.token)).await
    }

    /// Decides as an operator.
    pub async fn decide(&self, path: &str, body: &Value) -> Answer {
        send(self.http.post(format!("{}{path}", self.url)).bearer_auth(&self.token).json(body)).await
    }

    /// A leaver with that address is accepted; the offboarding's id.
    pub async fn leaver(&self, mail: &str) -> String {
        let answer = self.post(&format!("msg_{mail}"), &json!({"user": {"email": mail}})).await;
        assert_eq!(answer.status, 202, "{:?}", answer.body);
        answer.body["id"].as_str().unwrap().to_owned()
    }

    /// The offboarding, once it rests: completed, held, failed or cancelled.
    pub async fn rested(&self, id: &str, within: Duration) -> Value {
        self.until(id, within, |offboarding| {
            ["completed", "held", "failed", "cancelled"].iter().any(|state| offboarding["state"] == *state)
        })
        .await
    }

    /// The offboarding, once it is as it should be.
    pub async fn until(&self, id: &str, within: Duration, done: impl Fn(&Value) -> bool) -> Value {
        let look = async {
            loop {
                // While functions are killed on purpose, a look may fail.
                if let Some(found) = self.try_get(&format!("/offboardings/{id}")).await
                    && done(&found)
                {
                    return found;
                }
                sleep(Duration::from_millis(100)).await;
            }
        };
        match timeout(within, look).await {
            Ok(found) => found,
            Err(_) => panic!("not in time: {:#}", self.get(&format!("/offboardings/{id}")).await.body),
        }
    }

    async fn try_get(&self, path: &str) -> Option<Value> {
        let answer = self.http.get(format!("{}{path}", self.url)).bearer_auth(&self.token).send().await.ok()?;
        if !answer.status().is_success() {
            return None;
        }
        answer.json().await.ok()
    }
}

async fn send(request: RequestBuilder) -> Answer {
    let answer = request.send().await.expect("the API answers");
    let header = |name: &str| answer.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
    let (status, location, content_type) = (answer.status(), header("location"), header("content-type"));
    let body = answer.bytes().await.unwrap();
    Answer {
        status,
        location,
        content_type: content_type.unwrap_or_default(),
        body: serde_json::from_slice(&body).unwrap_or(Value::Null),
    }
}
