//! Bugs that are planted to see the oracles bite.
//!
//! None of them is in the product: each sits in a port that the simulation puts in the place of the real one, and does
//! there what a mistake in the product would have done.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use podio_engine::{
    ports::{Claimed, QuotaRecord, WorkTable},
    quota::Quota,
};
use podio_lifecycle::{
    credentials::TokenRecord,
    ids::OffboardingId,
    offboarding::{Filter, Offboarding, PersonClaim, State},
    ports::{Credentials, Page, ReadOffboardings, SaveError, StoreError, WriteOffboardings},
    removal::{RemovalState, SpaceRemoval},
    work::{JobId, Waiting},
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
    /// Moments are written down after the call that they are for.
    MomentAfterTheCall,
    /// Two dispatches that meet both reserve, and the second one's record takes the place of the first's.
    DispatchedTwice,
    /// An order that was lost is never found.
    LostOrderNeverFound,
    /// An attempt begins although another one has begun.
    ClaimNotChecked,
    /// A space is counted down twice.
    CountedTwice,
    /// A page of a web server's is taken for Podio's word that somebody is gone.
    PageIsGone,
    /// The refresh token that Podio gave is overwritten by the one that it took the place of.
    RefreshTokenOverwritten,
    /// The proof is made up.
    NoReadBack,
    /// That the unsafe call may be on its way is not remembered.
    ClaimForgotten,
    /// A cancellation is confirmed and not stored.
    CancelIgnored,
    /// Whoever was cancelled while the plan was written down is taken out of the spaces that it names, alone or with others.
    CancelledLeavesAllTheSame,
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
    pub const ALL: [Self; 18] = [
        Self::OrgBeforeTheLastSpace,
        Self::WrongRouteIsGone,
        Self::MomentAfterTheCall,
        Self::DispatchedTwice,
        Self::LostOrderNeverFound,
        Self::ClaimNotChecked,
        Self::CountedTwice,
        Self::PageIsGone,
        Self::RefreshTokenOverwritten,
        Self::NoReadBack,
        Self::ClaimForgotten,
        Self::CancelIgnored,
        Self::CancelledLeavesAllTheSame,
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
            Self::MomentAfterTheCall | Self::DispatchedTwice | Self::ClaimNotChecked => &[3],
            Self::PageIsGone => &[1, 2],
            Self::NoReadBack => &[2],
            Self::ClaimForgotten => &[7],
            Self::CancelIgnored | Self::CancelledLeavesAllTheSame | Self::StartedEarly => &[6],
            // The second guard stops the offboarding before it does any harm.
            Self::CountedTwice
            | Self::RefreshTokenOverwritten
            | Self::RefusalOverlooked
            | Self::LostOrderNeverFound
            | Self::NoSweep => &[9],
            Self::AddressLogged => &[8],
        }
    }

    /// What the bug does to requests and answers of Podio's, if it sits there.
    pub fn lie(self) -> Option<Lie> {
        match self {
            Self::WrongRouteIsGone => Some(Lie { detour: mistype, change: wrong_route_is_gone }),
            Self::NoReadBack => Some(Lie { detour: ask_nobody, change: nobody_there }),
            Self::DangerOverlooked => Some(Lie { detour: |_| (), change: overlook_danger }),
            Self::PageIsGone => Some(Lie { detour: |_| (), change: page_is_gone }),
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
            Self::MomentAfterTheCall => {
                wiring.quota = Arc::new(Late { inner: wiring.quota, unwritten: Mutex::default() });
            }
            Self::RefreshTokenOverwritten => {
                wiring.credentials = Arc::new(Overwritten(wiring.credentials));
            }
            Self::CancelledLeavesAllTheSame => wiring.offboardings = Arc::new(Revived(wiring.offboardings)),
            Self::StartedEarly => {
                wiring.offboardings = Arc::new(Hasty(wiring.offboardings));
                wiring.work = Arc::new(Careless { inner: wiring.work, bug: self, shown: Mutex::default() });
            }
            Self::DispatchedTwice => wiring.quota = Arc::new(Blind { inner: wiring.quota, writes: AtomicU64::new(0) }),
            Self::LostOrderNeverFound | Self::ClaimNotChecked => {
                wiring.work = Arc::new(Careless { inner: wiring.work, bug: self, shown: Mutex::default() });
            }
            Self::NoSweep => wiring.scene.sweep_every = SignedDuration::from_hours(100_000),
            Self::WrongRouteIsGone | Self::NoReadBack | Self::DangerOverlooked | Self::PageIsGone => {}
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

fn page_is_gone(_: &Request, answer: &mut Answer) {
    if answer.response.status == 410 && answer.response.body.starts_with(b"<") {
        let body = serde_json::json!({"error": "gone", "error_description": "Object gone", "error_propagate": false});
        answer.response.body = body.to_string().into_bytes();
    }
}

/// Every space is settled, whatever is stored.
struct Settled(Arc<dyn ReadOffboardings>);

/// Whoever was cancelled once there was a plan leaves.
struct Revived(Arc<dyn ReadOffboardings>);

/// What is scheduled begins two hours early.
struct Hasty(Arc<dyn ReadOffboardings>);

macro_rules! reads {
    ($wrapper:ident, $load:expr, $spaces:expr) => {
        #[async_trait]
        impl ReadOffboardings for $wrapper {
            async fn load(&self, id: &OffboardingId) -> Result<Option<Offboarding>, StoreError> {
                Ok(self.0.load(id).await?.map($load))
            }

            async fn list(
                &self,
                filter: &Filter,
                limit: usize,
                before: Option<&OffboardingId>,
            ) -> Result<Page, StoreError> {
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

            async fn spaces(&self, id: &OffboardingId, plan: u64) -> Result<Vec<SpaceRemoval>, StoreError> {
                Ok(self.0.spaces(id, plan).await?.into_iter().map($spaces).collect())
            }

            async fn active(&self, limit: usize) -> Result<Vec<Offboarding>, StoreError> {
                self.0.active(limit).await
            }
        }
    };
}

reads!(Settled, |offboarding| offboarding, |removal: SpaceRemoval| match removal.state {
    RemovalState::Pending => SpaceRemoval { state: RemovalState::Removed, ..removal },
    _ => removal,
});

reads!(
    Revived,
    |mut offboarding: Offboarding| {
        if matches!(offboarding.state, State::Cancelled { .. }) && offboarding.plan.is_some() {
            offboarding.state = State::Removing;
        }
        offboarding
    },
    |removal| removal
);

reads!(
    Hasty,
    |mut offboarding: Offboarding| {
        offboarding.request.effective_at =
            offboarding.request.effective_at.map(|at| at - SignedDuration::from_hours(2));
        offboarding
    },
    |removal| removal
);

/// A work table that forgets what it is for.
struct Careless {
    inner: Arc<dyn WorkTable>,
    bug: Bug,
    /// How each job waited when it was shown last.
    shown: Mutex<BTreeMap<JobId, Waiting>>,
}

#[async_trait]
impl WorkTable for Careless {
    async fn ready(
        &self,
        now: Timestamp,
        recovered: Option<Timestamp>,
        limit: usize,
    ) -> Result<Vec<Waiting>, StoreError> {
        let early = if self.bug == Bug::StartedEarly { SignedDuration::from_hours(2) } else { SignedDuration::ZERO };
        let mut ready = self.inner.ready(now + early, recovered, limit).await?;
        if self.bug == Bug::LostOrderNeverFound {
            let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
            ready.retain(|job| shown.insert(job.job.clone(), job.clone()).as_ref() != Some(job));
        }
        Ok(ready)
    }

    async fn put(&self, waiting: &Waiting) -> Result<(), StoreError> {
        self.inner.put(waiting).await
    }

    async fn claim(&self, job: &JobId, attempt: Timestamp) -> Result<Claimed, StoreError> {
        match self.inner.claim(job, attempt).await? {
            Claimed::No if self.bug == Bug::ClaimNotChecked => Ok(Claimed::Yes { deaths: 0 }),
            claimed => Ok(claimed),
        }
    }

    async fn claimed(&self, job: &JobId) -> Result<Option<Timestamp>, StoreError> {
        self.inner.claimed(job).await
    }

    async fn survived(&self, job: &JobId) -> Result<(), StoreError> {
        self.inner.survived(job).await
    }

    async fn wait_again(&self, waiting: &Waiting) -> Result<(), StoreError> {
        self.inner.wait_again(waiting).await
    }

    async fn leave(&self, job: &JobId) -> Result<(), StoreError> {
        self.inner.leave(job).await
    }
}

/// A record of the quota in which every second write is lost, as if another dispatch had written over it.
struct Blind {
    inner: Arc<dyn QuotaRecord>,
    writes: AtomicU64,
}

#[async_trait]
impl QuotaRecord for Blind {
    async fn read(&self) -> Result<(Quota, u64), StoreError> {
        self.inner.read().await
    }

    async fn write(&self, expected: u64, quota: &Quota) -> Result<(), SaveError> {
        if self.writes.fetch_add(1, Ordering::Relaxed) % 2 == 1 {
            return Ok(());
        }
        self.inner.write(expected, quota).await
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
        settled: Option<&SpaceRemoval>,
    ) -> Result<(), SaveError> {
        let mut changed = offboarding.clone();
        match self.bug {
            Bug::OrgBeforeTheLastSpace if changed.state == State::Removing => finalize(&mut changed),
            Bug::CountedTwice if settled.is_some() && changed.state == State::Removing => {
                changed.open -= 1;
                if changed.open == 0 {
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
        self.inner.save(expected, &changed, person, settled).await
    }
}

fn finalize(changed: &mut Offboarding) {
    changed.state = State::Finalizing;
    changed.open = 0;
}

/// A record of the quota whose last reservation is written down when the next one is.
struct Late {
    inner: Arc<dyn QuotaRecord>,
    unwritten: Mutex<Option<Quota>>,
}

#[async_trait]
impl QuotaRecord for Late {
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
