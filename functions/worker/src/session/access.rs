//! What every call to Podio passes, whichever job makes it.

use std::sync::Arc;

use jiff::SignedDuration;
use podio_client::Podio;
use podio_engine::Dispatcher;
use podio_lifecycle::{
    capability::{Capabilities, Capability},
    ports::{Clock, LearnCapabilities, Metric, Metrics, RecordCalls, StoreError},
};

use super::{probe::Probe, tokens::Tokens};
use crate::halt::Halt;

/// The credential, the quota and the record of calls. Jobs reach none of them but through a session.
pub(crate) struct Access {
    pub(super) podio: Podio,
    pub(super) tokens: Tokens,
    pub(super) dispatcher: Arc<Dispatcher>,
    pub(super) offers: Offers,
    pub(super) record: Arc<dyn RecordCalls>,
    pub(super) metrics: Arc<dyn Metrics>,
    pub(super) clock: Arc<dyn Clock>,
    /// Finds out what others have left of the quota.
    pub(super) probe: Probe,
}

impl Access {
    /// The way to `podio` with the account behind `tokens`.
    pub(crate) fn new(podio: Podio, tokens: Tokens, dispatcher: Arc<Dispatcher>, ports: &crate::Ports) -> Self {
        Self {
            podio,
            tokens,
            dispatcher,
            offers: Offers::new(ports),
            record: ports.record.clone(),
            metrics: ports.metrics.clone(),
            clock: ports.clock.clone(),
            probe: Probe::default(),
        }
    }

    /// Podio refused although there should have been room: everything stops for as long as it says.
    pub(super) async fn refused(&self, wait: Option<std::time::Duration>) -> Result<(), Halt> {
        let wait = wait.and_then(|wait| SignedDuration::try_from(wait).ok());
        tracing::warn!(wait_seconds = wait.map(|wait| wait.as_secs()), "Podio answered 420");
        self.metrics.add(Metric::QuotaRejections, 1);
        Ok(self.dispatcher.refused(wait).await?)
    }
}

/// What Podio is known to offer, and what it is not.
#[derive(Clone)]
pub(crate) struct Offers {
    capabilities: Arc<dyn LearnCapabilities>,
    clock: Arc<dyn Clock>,
}

impl Offers {
    pub(crate) fn new(ports: &crate::Ports) -> Self {
        Self { capabilities: ports.capabilities.clone(), clock: ports.clock.clone() }
    }

    /// All that is known.
    pub(crate) async fn known(&self) -> Result<Capabilities, StoreError> {
        self.capabilities.capabilities().await
    }

    /// Whether a call that only some Podios know is worth trying.
    pub(crate) async fn may_offer(&self, capability: Capability) -> Result<bool, StoreError> {
        Ok(self.known().await?.may_offer(capability, self.clock.now()))
    }

    /// Remembers that Podio does not know a route.
    pub(crate) async fn learn_missing(&self, capability: Capability) -> Result<(), StoreError> {
        let mut known = self.known().await?;
        known.missing(capability, self.clock.now());
        tracing::info!(?capability, "Podio does not offer this; using the fallback for a week");
        self.capabilities.learned(&known).await
    }

    /// Remembers that Podio does what it said it would.
    pub(crate) async fn learn_proven(&self, capability: Capability) -> Result<(), StoreError> {
        let mut known = self.known().await?;
        known.proven(capability, self.clock.now());
        tracing::info!(?capability, "Podio was seen to offer this");
        self.capabilities.learned(&known).await
    }
}
