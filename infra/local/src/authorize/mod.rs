//! `cargo local authorize`: lets the service into Podio, once.
//!
//! The authorization-code flow: an operator opens a page of Podio's, signed in as the dedicated admin, and consents. The
//! browser comes back with a code ([`arrival`]), which buys a refresh token, which goes to where the worker reads it
//! ([`keep`]). No code, token or secret is printed. Source: developers.podio.com/authentication/server_side.

mod arrival;
mod keep;

use std::time::Duration;

use anyhow::Context as _;
use podio_client::{
    ClientSecret, Podio,
    oauth::{ClientCredentials, Grant},
};
use reqwest::Url;
use serde::Serialize;

pub use self::{
    arrival::{Arrival, read},
    keep::{Place, Secrets},
};

/// Where Podio asks a user whether to let a program in.
pub const CONSENT_URL: &str = "https://podio.com/oauth/authorize";

/// What is to be done.
pub struct Order {
    /// The API key's id; none takes the one that is kept already.
    pub client_id: Option<String>,
    /// The API key's secret; none takes the one that is kept already.
    pub client_secret: Option<ClientSecret>,
    /// Where Podio is.
    pub podio_url: String,
    /// Where Podio asks.
    pub consent_url: String,
    /// Where the browser is sent back to; on the domain that the API key is registered for.
    pub redirect_uri: String,
    /// How the browser's way back is learned.
    pub arrival: Arrival,
    /// Where the result goes.
    pub place: Place,
    /// Ask nobody and store nothing: say what would be done.
    pub dry_run: bool,
    /// How long the user may take.
    pub patience: Duration,
}

/// What was done. Holds no secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Authorized {
    /// The page that the user opens.
    pub authorize_url: String,
    /// Where the refresh token is kept.
    pub kept_in: String,
    /// Whether it was stored; not by a dry run.
    pub stored: bool,
    /// The new version, where versions are kept.
    pub version_id: Option<String>,
    /// The account that the service acts as, where Podio tells.
    pub acting_user: Option<u64>,
}

/// Runs the flow. `state` ties the browser's way back to this run; `tell` shows the page to open.
///
/// # Errors
/// The place cannot be read or written, the user refuses or takes too long, or Podio does.
pub async fn run(order: Order, state: &str, tell: impl FnOnce(&str)) -> anyhow::Result<Authorized> {
    let mut kept = order.place.open().await?;
    let client_id = order.client_id.or_else(|| kept.get(keep::CLIENT_ID)).context("PODIO_CLIENT_ID: is not set")?;
    let client_secret = order
        .client_secret
        .or_else(|| kept.get(keep::CLIENT_SECRET).map(ClientSecret::new))
        .context("PODIO_CLIENT_SECRET: is not set")?;
    let url = consent_url(&order.consent_url, &client_id, &order.redirect_uri, state)?;
    let report = Authorized {
        authorize_url: url.to_string(),
        kept_in: order.place.name(),
        stored: false,
        version_id: None,
        acting_user: None,
    };
    if order.dry_run {
        return Ok(report);
    }
    let arriving = order.arrival.ready(&order.redirect_uri).await?;
    tell(url.as_str());
    let back =
        tokio::time::timeout(order.patience, arriving.wait()).await.context("nobody has come back in time")??;
    let code = read(&back, state)?;

    let podio = Podio::new(&order.podio_url).context("Podio's address")?;
    let client = ClientCredentials { client_id: client_id.clone(), client_secret };
    let grant = Grant::Code { code, redirect_uri: order.redirect_uri };
    let granted = podio.token(&client, &grant).await.context("the code could not be exchanged")?;
    let refresh = granted.refresh_token.context("Podio gave no refresh token")?;
    kept.put(keep::CLIENT_ID, &client_id);
    kept.put(keep::CLIENT_SECRET, client.client_secret.expose());
    kept.put(keep::REFRESH_TOKEN, refresh.expose());
    let version_id = order.place.store(&kept).await?;
    Ok(Authorized { stored: true, version_id, acting_user: granted.acting_user.map(|user| user.0), ..report })
}

/// What ties a browser's way back to one run.
///
/// # Errors
/// The operating system has no random numbers.
pub fn new_state() -> anyhow::Result<String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|_| anyhow::anyhow!("the operating system gives no random numbers"))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn consent_url(base: &str, client_id: &str, redirect_uri: &str, state: &str) -> anyhow::Result<Url> {
    Url::parse(redirect_uri).context("the redirect address is no URL")?;
    let mut url = Url::parse(base).context("the page's address is no URL")?;
    url.query_pairs_mut()
        .append_pair("response_type", "code")
        .append_pair("client_id", client_id)
        .append_pair("redirect_uri", redirect_uri)
        .append_pair("state", state);
    Ok(url)
}
