//! Bugs that are planted to see the oracles bite.
//!
//! None of them is in the product: each sits in a port that the simulation puts in the place of the real one, and does
//! there what a mistake in the product would have done.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use podio_lifecycle::{
    credentials::TokenRecord,
    ids::OffboardingId,
    job::BatchKey,
    offboarding::{Due, DueKind, Filter, Offboarding, PersonClaim, State},
    ports::{Credentials, Page, QuotaLog, ReadOffboardings, SaveError, StoreError, WriteOffboardings},
    quota::Quota,
    removal::{RemovalBatch, RemovalState},
};
use podio_sandbox::{Answer, Request, config};
use serde_json::Value;

use crate::{podio::Lie, wiring::Wiring};

/// A bug.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bug {
    /// The organization is left before the last space.
    OrgBeforeTheLastSpace,
    /// A mistyped path, and its 404 is taken for a membership that is gone.
    WrongRouteIsGone,
    /// Slots are written down after the call that they are for.
    SlotAfterTheCall,
    /// A batch is counted down twice.
    CountedTwice,
    /// The refresh token that Podio gave is overwritten by the one that it took the place of.
    RefreshTokenOverwritten,
    /// The proof is made up.
    NoReadBack,
    /// That the unsafe call may be on its way is not remembered.
    ClaimForgotten,
    /// A cancellation is confirmed and not stored.
    CancelIgnored,
    /// What is scheduled is started two hours early.
    StartedEarly,
    /// The preview's spaces that would be deleted are passed over.
    DangerOverlooked,
    /// A space that refused is taken for one that the organization removal ends.
    RefusalOverlooked,
    /// Nobody sends again what was lost.
    NoSweep,
    /// An address is logged.
    AddressLogged,
}

impl Bug {
    /// All of them.
    pub const ALL: [Self; 13] = [
        Self::OrgBeforeTheLastSpace,
        Self::WrongRouteIsGone,
        Self::SlotAfterTheCall,
        Self::CountedTwice,
        Self::RefreshTokenOverwritten,
        Self::NoReadBack,
        Self::ClaimForgotten,
        Self::CancelIgnored,
        Self::StartedEarly,
        Self::DangerOverlooked,
        Self::RefusalOverlooked,
        Self::NoSweep,
        Self::AddressLogged,
    ];

    /// The rules that it breaks; 9 stands for liveness.
    pub fn breaks(self) -> &'static [u8] {
        match self {
            Self::OrgBeforeTheLastSpace | Self::WrongRouteIsGone | Self::DangerOverlooked => &[1],
            Self::SlotAfterTheCall => &[3],
            Self::NoReadBack => &[2],
            Self::ClaimForgotten => &[7],
            Self::CancelIgnored | Self::StartedEarly => &[6],
            // The second guard stops the offboarding before it does any harm.
            Self::CountedTwice | Self::RefreshTokenOverwritten | Self::RefusalOverlooked | Self::NoSweep => &[9],
            Self::AddressLogged => &[8],
        }
    }

    /// What the bug does to requests and answers of Podio's, if it sits there.
    pub fn lie(self) -> Option<Lie> {
        match self {
            Self::WrongRouteIsGone => Some(Lie { detour: mistype, change: wrong_route_is_gone }),
            Self::NoReadBack => Some(Lie { detour: ask_nobody, change: nobody_there }),
            Self::DangerOverlooked => Some(Lie { detour: |_| (), change: overlook_danger }),
            _ => None,
        }
    }

    /// The wiring with the bug in it.
    pub(crate) fn plant(self, mut wiring: Wiring) -> Wiring {
        match self {
            Self::OrgBeforeTheLastSpace => {
                wiring.offboardings = Arc::new(Settled(wiring.offboardings));
                wiring.changes = Arc::new(Changed { inner: wiring.changes, bug: self });
            }
            Self::CountedTwice
            | Self::ClaimForgotten
            | Self::CancelIgnored
            | Self::RefusalOverlooked
            | Self::AddressLogged => {
                wiring.changes = Arc::new(Changed { inner: wiring.changes, bug: self });
            }
            Self::SlotAfterTheCall => {
                wiring.quota = Arc::new(Late { inner: wiring.quota, unwritten: Mutex::default() });
            }
            Self::RefreshTokenOverwritten => {
                wiring.credentials = Arc::new(Overwritten(wiring.credentials));
            }
            Self::StartedEarly => wiring.sweep_ahead = SignedDuration::from_hours(2),
            Self::NoSweep => wiring.scene.sweep_every = SignedDuration::from_hours(100_000),
            Self::WrongRouteIsGone | Self::NoReadBack | Self::DangerOverlooked => {}
        }
        wiring
    }
}

fn path(request: &Request) -> Vec<&str> {
    request.path.trim_start_matches('/').split('/').collect()
}

fn mistype(request: &mut Request) {
    if request.method == "DELETE" {
        request.path = request.path.replacen("/space/", "/spaces/", 1);
    }
}

fn wrong_route_is_gone(request: &Request, answer: &mut Answer) {
    if request.method == "DELETE" && request.path.starts_with("/spaces/") {
        say_not_found(answer);
    }
}

fn is_read_back(request: &Request) -> bool {
    request.method == "GET" && matches!(path(request)[..], ["org", _, "member", user] if user.parse::<u64>().is_ok())
}

fn ask_nobody(request: &mut Request) {
    if is_read_back(request) {
        request.path = "/somewhere/else".to_owned();
    }
}

fn nobody_there(request: &Request, answer: &mut Answer) {
    if request.path == "/somewhere/else" {
        say_not_found(answer);
    }
}

fn say_not_found(answer: &mut Answer) {
    if let Ok(mut body) = serde_json::from_slice::<Value>(&answer.response.body)
        && answer.response.status == 404
    {
        body["error"] = Value::from("not_found");
        body["error_description"] = Value::from("Object not found");
        answer.response.body = body.to_string().into_bytes();
    }
}

fn overlook_danger(request: &Request, answer: &mut Answer) {
    if request.path.ends_with("/end_member_info")
        && let Ok(mut body) = serde_json::from_slice::<Value>(&answer.response.body)
        && answer.response.status == 200
    {
        let mut removed = body["to_remove"].as_array().cloned().unwrap_or_default();
        removed.extend(body["to_delete"].as_array().cloned().unwrap_or_default());
        body["to_remove"] = Value::from(removed);
        body["to_delete"] = Value::from(Vec::<Value>::new());
        answer.response.body = body.to_string().into_bytes();
    }
}

/// Every batch is settled, whatever is stored.
struct Settled(Arc<dyn ReadOffboardings>);

#[async_trait]
impl ReadOffboardings for Settled {
    async fn load(&self, id: &OffboardingId) -> Result<Option<Offboarding>, StoreError> {
        self.0.load(id).await
    }

    async fn list(&self, filter: &Filter, limit: usize, before: Option<&OffboardingId>) -> Result<Page, StoreError> {
        self.0.list(filter, limit, before).await
    }

    async fn count_accepted(
        &self,
        since: Timestamp,
        until: &OffboardingId,
        at_most: usize,
    ) -> Result<usize, StoreError> {
        self.0.count_accepted(since, until, at_most).await
    }

    async fn batches(&self, id: &OffboardingId, plan: u64) -> Result<Vec<RemovalBatch>, StoreError> {
        let mut batches = self.0.batches(id, plan).await?;
        for space in batches.iter_mut().flat_map(|batch| &mut batch.spaces) {
            if space.state == RemovalState::Pending {
                space.state = RemovalState::Removed;
            }
        }
        Ok(batches)
    }

    async fn active(&self, limit: usize) -> Result<Vec<Offboarding>, StoreError> {
        self.0.active(limit).await
    }
}

/// A transition that results in something else.
struct Changed {
    inner: Arc<dyn WriteOffboardings>,
    bug: Bug,
}

#[async_trait]
impl WriteOffboardings for Changed {
    async fn save(
        &self,
        expected: u64,
        offboarding: &Offboarding,
        person: PersonClaim,
        counted: Option<BatchKey>,
    ) -> Result<(), SaveError> {
        let mut changed = offboarding.clone();
        match self.bug {
            Bug::OrgBeforeTheLastSpace if changed.state == State::Removing => finalize(&mut changed),
            Bug::CountedTwice if counted.is_some() && changed.state == State::Removing => {
                changed.open_batches -= 1;
                if changed.open_batches == 0 {
                    finalize(&mut changed);
                }
            }
            Bug::ClaimForgotten => changed.work.claim = Default::default(),
            Bug::RefusalOverlooked => changed.previewed = true,
            Bug::CancelIgnored if matches!(changed.state, State::Cancelled { .. }) => return Ok(()),
            Bug::AddressLogged => {
                let mail = changed.leaver.as_ref().and_then(|leaver| leaver.email.as_ref());
                tracing::info!(mail = mail.map(|mail| mail.as_str()), "saved");
            }
            _ => {}
        }
        self.inner.save(expected, &changed, person, counted).await
    }
}

fn finalize(changed: &mut Offboarding) {
    changed.state = State::Finalizing;
    changed.open_batches = 0;
    changed.due = Some(Due { kind: DueKind::Watch, at: changed.updated_at });
}

/// A reservation log whose last reservation is written down when the next one is.
struct Late {
    inner: Arc<dyn QuotaLog>,
    unwritten: Mutex<Option<Quota>>,
}

#[async_trait]
impl QuotaLog for Late {
    async fn read(&self) -> Result<(Quota, u64), StoreError> {
        self.inner.read().await
    }

    async fn write(&self, expected: u64, quota: &Quota) -> Result<(), SaveError> {
        let before = self.unwritten.lock().unwrap_or_else(PoisonError::into_inner).replace(quota.clone());
        match before {
            Some(before) => self.inner.write(expected, &before).await,
            None => Ok(()),
        }
    }
}

/// A table of tokens in which the refresh token that Podio gave is overwritten by the one that was configured.
struct Overwritten(Arc<dyn Credentials>);

#[async_trait]
impl Credentials for Overwritten {
    async fn load(&self) -> Result<Option<TokenRecord>, StoreError> {
        self.0.load().await
    }

    async fn save(&self, record: &TokenRecord) -> Result<(), SaveError> {
        let record = TokenRecord { refresh_token: Some(config::REFRESH_TOKEN.into()), ..record.clone() };
        self.0.save(&record).await
    }
}
