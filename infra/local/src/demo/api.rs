//! The caller's side of the API.

use anyhow::Context as _;
use jiff::Timestamp;
use podio_signatures::standard_webhooks::{self, Secret};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::client;

/// A caller with a signing secret and a bearer token.
pub(super) struct Api {
    client: reqwest::Client,
    url: String,
    token: String,
    secret: Secret,
}

/// What the demo reads of `GET /offboardings/{id}`.
#[derive(Debug, Clone, Deserialize, Serialize)]
pub(super) struct Offboarding {
    pub(super) id: String,
    pub(super) state: String,
    pub(super) user: User,
    pub(super) progress: Counts,
    pub(super) outcome: Option<String>,
    pub(super) hold: Option<Value>,
    pub(super) failure: Option<Value>,
    pub(super) eta: Option<Timestamp>,
    pub(super) podio_calls: u64,
}

/// The leaver.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
pub(super) struct User {
    pub(super) user_id: Option<u64>,
    pub(super) email: Option<String>,
    pub(super) name: Option<String>,
}

/// How far it is.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
pub(super) struct Counts {
    pub(super) spaces_total: u64,
    pub(super) spaces_removed: u64,
    pub(super) spaces_already_gone: u64,
    pub(super) spaces_left_to_org_removal: u64,
    pub(super) spaces_pending: u64,
}

impl Offboarding {
    /// Whether it goes no further without a person.
    pub(super) fn is_settled(&self) -> bool {
        matches!(self.state.as_str(), "completed" | "failed" | "cancelled" | "held")
    }
}

impl Api {
    /// A caller of `url`.
    pub(super) fn new(url: String, token: String, secret: &str) -> anyhow::Result<Self> {
        let secret = secret.parse().context("OFFBOARDING_SECRETS")?;
        Ok(Self { client: client::loopback()?, url, token, secret })
    }

    /// Posts a leaver as an HR system would, and returns the offboarding's id.
    pub(super) async fn post_leaver(&self, email: &str, now: Timestamp) -> anyhow::Result<String> {
        let body = json!({"user": {"email": email}, "reason": "left the company", "requested_by": "cargo local demo"});
        let body = body.to_string();
        let message = format!("msg_{:x}", now.as_nanosecond());
        let answer = self
            .client
            .post(format!("{}/offboardings", self.url))
            .header("content-type", "application/json")
            .header(standard_webhooks::ID, &message)
            .header(standard_webhooks::TIMESTAMP, now.as_second().to_string())
            .header(standard_webhooks::SIGNATURE, standard_webhooks::sign(&self.secret, &message, now, body.as_bytes()))
            .body(body)
            .send()
            .await?;
        let accepted: Value = read(answer).await.context("the leaver was not accepted")?;
        accepted["id"].as_str().map(str::to_owned).context("the answer names no offboarding")
    }

    /// The offboarding, without its spaces.
    pub(super) async fn offboarding(&self, id: &str) -> anyhow::Result<Offboarding> {
        self.get(&format!("/offboardings/{id}?fields=summary")).await
    }

    /// The record.
    pub(super) async fn evidence(&self, id: &str) -> anyhow::Result<Value> {
        self.get(&format!("/offboardings/{id}/evidence")).await
    }

    /// The quota.
    pub(super) async fn quota(&self) -> anyhow::Result<Value> {
        self.get("/quota").await
    }

    async fn get<T: serde::de::DeserializeOwned>(&self, path: &str) -> anyhow::Result<T> {
        let answer = self.client.get(format!("{}{path}", self.url)).bearer_auth(&self.token).send().await?;
        read(answer).await.with_context(|| format!("GET {path}"))
    }
}

async fn read<T: serde::de::DeserializeOwned>(answer: reqwest::Response) -> anyhow::Result<T> {
    let status = answer.status();
    let body = answer.bytes().await?;
    if !status.is_success() {
        let problem: Value = serde_json::from_slice(&body).unwrap_or_default();
        let detail = problem["detail"].as_str().or(problem["title"].as_str()).unwrap_or("no reason given");
        anyhow::bail!("{status}: {detail}");
    }
    serde_json::from_slice(&body).context("not the JSON of the contract")
}
