//! The ports that the bugs sit in, in the place of the real ones.

use std::{
    collections::{BTreeMap, BTreeSet},
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
    ids::{OffboardingId, SpaceId},
    offboarding::{
        Abandoned, Claim, Filter, Finalizing, Interrupted, LastLook, Offboarding, OnHold, PersonClaim, Plan, Removing,
        State, Work,
    },
    pause::Pause,
    ports::{Credentials, Page, ReadOffboardings, ReadPause, SaveError, SpaceRemovals, StoreError, WriteOffboardings},
    removal::{RemovalState, SpaceKey, SpaceRemoval},
    work::{JobId, Priority, Waiting},
};
use podio_sandbox::config;

use super::Bug;

/// Every space is settled, whatever is stored.
pub(super) struct Settled(pub(super) Arc<dyn ReadOffboardings>);

/// Whoever was cancelled, and has a plan, leaves.
pub(super) struct Revived(pub(super) Arc<dyn ReadOffboardings>);

/// What is scheduled begins two hours early.
pub(super) struct Hasty(pub(super) Arc<dyn ReadOffboardings>);

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
        if let State::Cancelled { left: Abandoned::Plan(plan), .. } = offboarding.state {
            offboarding.state = State::Removing(Removing { plan, release: false });
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

/// Removals of which everybody whose plan ever named a space waits for it.
pub(super) struct Everybody {
    pub(super) inner: Arc<dyn SpaceRemovals>,
    pub(super) work: Arc<dyn WorkTable>,
    pub(super) written: Mutex<BTreeSet<SpaceKey>>,
}

impl Everybody {
    fn note(&self, removals: &[SpaceRemoval]) {
        let pending = removals.iter().filter(|removal| removal.state == RemovalState::Pending);
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        written.extend(pending.map(|removal| removal.key.clone()));
    }
}

#[async_trait]
impl SpaceRemovals for Everybody {
    async fn space(&self, key: &SpaceKey) -> Result<Option<SpaceRemoval>, StoreError> {
        self.inner.space(key).await
    }

    async fn save_space(&self, removal: &SpaceRemoval) -> Result<(), SaveError> {
        self.note(std::slice::from_ref(removal));
        self.inner.save_space(removal).await
    }

    async fn save_spaces(&self, removals: &[SpaceRemoval]) -> Result<(), SaveError> {
        self.note(removals);
        self.inner.save_spaces(removals).await
    }

    async fn waiting_in(&self, space: SpaceId, _: usize) -> Result<Vec<SpaceKey>, StoreError> {
        let named: Vec<SpaceKey> = {
            let written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
            written.iter().filter(|key| key.space == space).cloned().collect()
        };
        for key in &named {
            let removal = self.inner.space(key).await?.filter(|removal| removal.state == RemovalState::Pending);
            let long_since = Timestamp::UNIX_EPOCH;
            let waiting = removal.and_then(|it| it.waiting_since(long_since, Priority::Removal, long_since).waiting());
            if let Some(waiting) = waiting {
                self.work.put(&waiting).await?;
            }
        }
        Ok(named)
    }
}

/// A work table that forgets what it is for.
pub(super) struct Careless {
    pub(super) inner: Arc<dyn WorkTable>,
    pub(super) bug: Bug,
    /// How each job waited when it was shown last.
    pub(super) shown: Mutex<BTreeMap<JobId, Waiting>>,
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
pub(super) struct Blind {
    pub(super) inner: Arc<dyn QuotaRecord>,
    pub(super) writes: AtomicU64,
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
pub(super) struct Changed {
    pub(super) inner: Arc<dyn WriteOffboardings>,
    pub(super) bug: Bug,
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
            Bug::OrgBeforeTheLastSpace => changed.state = finalized(changed.state),
            Bug::CountedTwice if settled.is_some() => changed.state = counted_again(changed.state),
            Bug::ClaimForgotten => {
                if let Some(claim) = claim_of(&mut changed.state) {
                    *claim = Claim::None;
                }
            }
            Bug::RefusalOverlooked => {
                if let Some(plan) = plan_of(&mut changed.state) {
                    plan.previewed = true;
                }
            }
            Bug::CancelIgnored if matches!(changed.state, State::Cancelled { .. }) => return Ok(()),
            Bug::AddressLogged => {
                let mail = changed.state.leaver().and_then(|leaver| leaver.email.as_ref());
                tracing::info!(mail = mail.map(|mail| mail.as_str()), "saved");
            }
            _ => {}
        }
        self.inner.save(expected, &changed, person, settled).await
    }
}

/// Leaves the organization, whatever spaces are left.
fn finalized(state: State) -> State {
    let State::Removing(Removing { mut plan, .. }) = state else { return state };
    plan.spaces.pending = 0;
    State::Finalizing(Finalizing { plan, claim: Claim::None, look: LastLook::default(), work: Work::default() })
}

/// Counts a space once more.
fn counted_again(state: State) -> State {
    let State::Removing(mut it) = state else { return state };
    it.plan.spaces.pending -= 1;
    it.plan.spaces.removed += 1;
    if it.plan.spaces.pending == 0 { finalized(State::Removing(it)) } else { State::Removing(it) }
}

fn claim_of(state: &mut State) -> Option<&mut Claim> {
    match state {
        State::Finalizing(it) => Some(&mut it.claim),
        State::Held { stopped: OnHold::Stage(Interrupted::Finalizing { claim, .. }), .. }
        | State::Failed { stopped: Interrupted::Finalizing { claim, .. }, .. } => Some(claim),
        _ => None,
    }
}

fn plan_of(state: &mut State) -> Option<&mut Plan> {
    match state {
        State::Removing(it) => Some(&mut it.plan),
        State::Finalizing(it) => Some(&mut it.plan),
        State::Verifying(it) => Some(&mut it.plan),
        _ => None,
    }
}

/// A record of the quota whose last reservation is written down when the next one is.
pub(super) struct Late {
    pub(super) inner: Arc<dyn QuotaRecord>,
    pub(super) unwritten: Mutex<Option<Quota>>,
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
pub(super) struct Overwritten(pub(super) Arc<dyn Credentials>);

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

/// Sees no pause.
pub(super) struct NeverPaused;

#[async_trait]
impl ReadPause for NeverPaused {
    async fn pause(&self) -> Result<Pause, StoreError> {
        Ok(Pause::default())
    }
}
