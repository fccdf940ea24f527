//! `POST /oauth/token`.
//!
//! Form-encoded, as Podio's own clients send it. A server that does not read forms there says that the client id is
//! missing; only then the same is asked of `/oauth/token/v2`, which reads JSON. Source:
//! developers.podio.com/doc/oauth-authorization/get-access-token-22359.

use std::{collections::BTreeMap, time::Duration};

use http::{HeaderValue, Method};
use jiff::Timestamp;
use podio_lifecycle::ids::UserId;
use serde::Deserialize;

use crate::{
    answer::{Answer, BodyFault},
    client::{JSON, Podio},
    error::{Complaint, Error},
    oauth::{ClientCredentials, Grant},
    request,
    secret::{AccessToken, RefreshToken},
    tolerant::{self, RawId},
};

/// A new access token and what came with it.
#[derive(Debug, Clone)]
pub struct TokenGrant {
    /// To call the API with.
    pub access_token: AccessToken,
    /// To be stored in place of the old one; if `None`, the old one stays good.
    pub refresh_token: Option<RefreshToken>,
    /// How long the access token lives, from now.
    pub expires_in: Duration,
    /// The user whom the token acts for, if it acts for a user.
    pub acting_user: Option<UserId>,
    /// The scopes, separated by blanks, such as `global:all`.
    pub scope: Option<String>,
}

/// Why there is no token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// The refresh token is dead, or user name and password do not match. Somebody has to give a new one.
    #[error("Podio no longer accepts the stored credential{complaint}")]
    InvalidGrant {
        /// What Podio said.
        complaint: Complaint,
    },
    /// The API key is wrong.
    #[error("Podio does not accept the API key{complaint}")]
    InvalidClient {
        /// What Podio said.
        complaint: Complaint,
    },
    /// The account asks for a second factor, which a program has not: use an authorization-code grant's refresh token.
    #[error("the Podio account asks for a second factor; use a refresh token instead of a password")]
    MfaRequired,
    /// The token endpoint's own limiter. Minutes, as a rule.
    #[error("the rate limit of Podio's token endpoint is reached")]
    RateLimited {
        /// At least a second, at most a day.
        wait: Option<Duration>,
    },
    /// Podio, or the way to it, is down.
    #[error("Podio's token endpoint is unavailable")]
    Unavailable {
        /// The HTTP status, if one arrived.
        status: Option<u16>,
        /// The grant may have been used: a rotated refresh token would be lost. False only if nothing was sent.
        uncertain: bool,
    },
    /// Anything else.
    #[error("Podio's token endpoint gave an unexpected answer{}{complaint}", status.map(|status| format!(" ({status})")).unwrap_or_default())]
    Unexpected {
        /// The HTTP status; `None` if the request could not be sent.
        status: Option<u16>,
        /// What Podio said.
        complaint: Complaint,
    },
}

impl TokenError {
    /// Podio's finer machine code, such as `oauth.client.invalid_secret`.
    pub fn detail(&self) -> Option<&str> {
        match self {
            Self::InvalidGrant { complaint }
            | Self::InvalidClient { complaint }
            | Self::Unexpected { complaint, .. } => complaint.detail.as_deref(),
            _ => None,
        }
    }
}

/// What the documentation says; used where the answer says nothing sensible. A token that dies earlier costs one 401.
const DOCUMENTED_LIFE: Duration = Duration::from_secs(8 * 60 * 60);
const LONGEST_LIFE: u64 = 30 * 24 * 60 * 60;

/// What a form is called.
const FORM: HeaderValue = HeaderValue::from_static("application/x-www-form-urlencoded");

impl Podio {
    /// Exchanges a grant for an access token.
    ///
    /// One request; two where the server reads JSON only, or does not have the older address. Not charged to the quota of the calls.
    pub async fn token(&self, client: &ClientCredentials, grant: &Grant) -> Result<TokenGrant, TokenError> {
        let parameters: Vec<_> = client.parameters().into_iter().chain(grant.parameters()).collect();
        let body = serde_urlencoded::to_string(&parameters).map_err(|_| unsendable())?;
        let form = self.token_request("/oauth/token", (FORM, body)).await?;
        if !reads_json_only(&form) {
            return read(&form, self.now());
        }
        let parameters: BTreeMap<_, _> = parameters.into_iter().collect();
        let body = serde_json::to_string(&parameters).map_err(|_| unsendable())?;
        let json = self.token_request("/oauth/token/v2", (JSON, body)).await?;
        read(&json, self.now())
    }

    async fn token_request(&self, path: &str, body: (HeaderValue, String)) -> Result<Answer, TokenError> {
        let request = self.to(&Method::POST, path, Some(body)).ok_or_else(unsendable)?;
        let answer = self.fetch(request).await.map_err(|error| match error {
            Error::Unavailable { status, uncertain } => TokenError::Unavailable { status, uncertain },
            _ => unsendable(),
        })?;
        tracing::debug!(route = path, status = answer.status.as_u16(), "podio token call");
        Ok(answer)
    }
}

fn unsendable() -> TokenError {
    TokenError::Unexpected { status: None, complaint: Complaint::default() }
}

/// Whether the server did not see the form at all, or has the newer endpoint only.
fn reads_json_only(answer: &Answer) -> bool {
    if answer.status.as_u16() == 404 {
        return !answer.is_page();
    }
    let Some(complaint) = answer.complaint() else { return false };
    let words = complaint.raw_description().to_ascii_lowercase();
    answer.status.is_client_error()
        && complaint.code.as_deref() == Some("invalid_client")
        && words.contains("missing parameter client_id")
}

/// The result of a token request. Pure.
fn read(answer: &Answer, now: Timestamp) -> Result<TokenGrant, TokenError> {
    let status = answer.status.as_u16();
    let unavailable = TokenError::Unavailable { status: Some(status), uncertain: true };
    if answer.is_success() {
        return match &answer.body {
            Ok(body) if !answer.is_page() => read_success(body, status),
            Err(BodyFault::TooLarge) => {
                Err(TokenError::Unexpected { status: Some(status), complaint: Complaint::default() })
            }
            _ => Err(unavailable),
        };
    }
    let envelope = answer.complaint();
    // Without Podio's error object a web server in front of Podio has answered, and nobody has judged the grant.
    let is_unanswered = envelope.is_none() || !answer.status.is_client_error() || status == 408;
    let complaint = envelope.unwrap_or_default();
    if answer.is_rate_limit(&complaint) {
        return Err(TokenError::RateLimited { wait: answer.wait(&complaint, now) });
    }
    if is_unanswered {
        return Err(unavailable);
    }
    Err(match complaint.code.as_deref() {
        Some("invalid_grant") => TokenError::InvalidGrant { complaint },
        Some("invalid_client" | "unauthorized_client") => TokenError::InvalidClient { complaint },
        _ => TokenError::Unexpected { status: Some(status), complaint },
    })
}

fn read_success(body: &[u8], status: u16) -> Result<TokenGrant, TokenError> {
    let unexpected = || TokenError::Unexpected { status: Some(status), complaint: Complaint::default() };
    let raw: RawToken = request::json(body).map_err(|_| unexpected())?;
    let Some(access_token) = raw.access_token else {
        return Err(if raw.server_nonce.is_some() { TokenError::MfaRequired } else { unexpected() });
    };
    let life = raw.expires_in.filter(|seconds| (1..=LONGEST_LIFE).contains(seconds));
    Ok(TokenGrant {
        access_token: AccessToken::new(access_token),
        refresh_token: raw.refresh_token.map(RefreshToken::new),
        expires_in: life.map_or(DOCUMENTED_LIFE, Duration::from_secs),
        acting_user: raw.reference.and_then(RawReference::user),
        scope: raw.scope,
    })
}

#[derive(Deserialize)]
struct RawToken {
    #[serde(default, deserialize_with = "tolerant::text")]
    access_token: Option<String>,
    #[serde(default, deserialize_with = "tolerant::text")]
    refresh_token: Option<String>,
    #[serde(default, deserialize_with = "tolerant::lenient")]
    expires_in: Option<u64>,
    #[serde(default, rename = "ref", deserialize_with = "tolerant::lenient")]
    reference: Option<RawReference>,
    #[serde(default, deserialize_with = "tolerant::text")]
    scope: Option<String>,
    #[serde(default, deserialize_with = "tolerant::text")]
    server_nonce: Option<String>,
    #[serde(flatten)]
    _object: tolerant::ObjectOnly,
}

#[derive(Deserialize)]
struct RawReference {
    #[serde(rename = "type")]
    kind: String,
    id: RawId,
}

impl RawReference {
    fn user(self) -> Option<UserId> {
        (self.kind == "user").then_some(UserId(self.id.0))
    }
}
