//! Carries hook deliveries to their receivers: a POST with a form, and 2xx within the time allowed is success.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use reqwest::Client;
use tokio::sync::watch;

use super::{Core, told};
use crate::state::Delivery;
use crate::switches::DeliveryOrder;

/// How long the courier sleeps at most, so that a clock moved by hand is noticed.
const GLANCE: Duration = Duration::from_millis(200);

/// A client of its own TLS settings, so that the process keeps its own. It trusts nobody: receivers are on loopback.
pub(super) fn client() -> io::Result<Client> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    let client =
        Client::builder().tls_backend_preconfigured(tls).no_proxy().redirect(reqwest::redirect::Policy::none());
    client.build().map_err(io::Error::other)
}

/// Delivers until told to stop.
pub(super) async fn run(core: Arc<Core>, client: Client, stopped: watch::Receiver<bool>) {
    let deliver = async {
        loop {
            let (due, order) = {
                let mut state = core.lock();
                (state.hooks.take_due(core.config.clock.now()), state.switches.delivery_order)
            };
            for delivery in due {
                let carried = carry(Arc::clone(&core), client.clone(), delivery);
                match order {
                    // Each on its own, so that a slow receiver keeps nobody waiting.
                    DeliveryOrder::AtOnce => drop(tokio::spawn(carried)),
                    DeliveryOrder::InOrder | DeliveryOrder::Reversed | DeliveryOrder::Shuffled => carried.await,
                }
            }
            let next = core.lock().hooks.next_due();
            match next {
                Some(_) => drop(tokio::time::timeout(GLANCE, core.deliveries.notified()).await),
                None => core.deliveries.notified().await,
            }
        }
    };
    tokio::select! {
        () = deliver => {}
        () = told(stopped) => {}
    }
}

async fn carry(core: Arc<Core>, client: Client, delivery: Delivery) {
    let timeout = core.lock().switches.hook_timeout_seconds;
    let delivered = post(&client, &delivery, Duration::from_secs(timeout.into())).await;
    let now = core.config.clock.now();
    core.change(|state| state.settle_delivery(now, delivery, delivered));
}

async fn post(client: &Client, delivery: &Delivery, timeout: Duration) -> bool {
    match client.post(&delivery.url).form(&delivery.form).timeout(timeout).send().await {
        Ok(response) => response.status().is_success(),
        Err(error) => {
            tracing::debug!(hook = %delivery.hook_id, error = %error.without_url(), "a hook was not delivered");
            false
        }
    }
}
