//! Taking a request: a new offboarding, the same one again, or a second request for somebody who is leaving already.
//!
//! All doors that take requests go through here. A new offboarding is stored with its idempotency key and its claim on the
//! person; a second request changes the one that holds the claim, and its key is stored with that change. So a key is known
//! exactly if its request has had its effect, and a request that is refused leaves nothing behind.

use jiff::Timestamp;

use crate::{
    ids::{OffboardingId, OrgId},
    offboarding::{Event, MergedField, Offboarding, Refusal, Request, State},
    ports::{AcceptOffboardings, Created, IdempotencyKey, Joined, ReadOffboardings, SaveError, StoreError, WakeWorker},
};

/// Attempts at a change that others keep overtaking.
const CONTENDED: usize = 12;

/// What it takes to accept a request.
pub struct Acceptance<'a> {
    /// To store it.
    pub accept: &'a dyn AcceptOffboardings,
    /// To read what runs already.
    pub offboardings: &'a dyn ReadOffboardings,
    /// To tell the worker of it; none where the caller is the worker.
    pub wake: Option<&'a dyn WakeWorker>,
}

/// What became of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It is a new offboarding.
    New(Offboarding),
    /// The same request was accepted before.
    Repeated(Offboarding),
    /// It has changed an offboarding that had not begun; or nothing, if that one says the same.
    Merged(Offboarding, Vec<MergedField>),
    /// The person is being removed already.
    UnderWay(Offboarding),
    /// It contradicts an offboarding that has not begun. Nothing is stored.
    Refused(Offboarding, Refusal),
    /// Its key was used for another request.
    KeyReused,
}

/// A request that was taken.
#[derive(Debug)]
pub struct Accepted {
    /// What became of it.
    pub answer: Answer,
    /// Why the worker could not be told, if so. The sweep finds what waits.
    pub left_to_sweep: Option<String>,
}

impl Acceptance<'_> {
    /// Takes a request. `id` is that of the new offboarding, should there be one.
    ///
    /// # Errors
    /// Storage failed; the request may or may not have been taken, and can be sent again with its key.
    pub async fn take(
        &self,
        id: OffboardingId,
        org: OrgId,
        request: &Request,
        key: Option<&IdempotencyKey>,
        now: Timestamp,
    ) -> Result<Accepted, StoreError> {
        let offboarding = Offboarding::accept(id, org, request.clone(), now);
        for _ in 0..CONTENDED {
            let running = match self.accept.create(&offboarding, key).await? {
                Created::New => return Ok(self.tell(Answer::New(offboarding)).await),
                Created::Repeated(id) => return Ok(Answer::Repeated(self.load(&id).await?).into()),
                Created::KeyReused => return Ok(Answer::KeyReused.into()),
                Created::AlreadyRunning(id) => self.load(&id).await?,
            };
            let event = Event::AskedAgain(Box::new(request.clone()));
            let answer = match running.apply_by(&request.source.actor(), event, now) {
                Ok(change) => {
                    let fields = change.offboarding.acts.last().filter(|_| change.offboarding.acts != running.acts);
                    let fields = fields.map(|act| act.merged.clone()).unwrap_or_default();
                    Answer::Merged(change.offboarding, fields)
                }
                Err(Refusal::UnderWay) => Answer::UnderWay(running.clone()),
                // It has ended in between, so the person is free.
                Err(Refusal::Ended) => continue,
                Err(refusal) => return Ok(Answer::Refused(running, refusal).into()),
            };
            let changed = match &answer {
                Answer::Merged(offboarding, _) if offboarding.acts != running.acts => Some(offboarding),
                _ => None,
            };
            match self.accept.join(&running, changed, key, now).await {
                Ok(Joined::Done) => return Ok(self.tell(answer).await),
                Ok(Joined::Repeated(id)) => return Ok(Answer::Repeated(self.load(&id).await?).into()),
                Ok(Joined::KeyReused) => return Ok(Answer::KeyReused.into()),
                Err(SaveError::Conflict | SaveError::PersonTaken(_)) => {}
                Err(SaveError::Store(error)) => return Err(error),
            }
        }
        Err(StoreError::Unavailable("too many write the same at once".to_owned()))
    }

    /// What was named here is stored, so a record that is missing is storage that is not what it says.
    async fn load(&self, id: &OffboardingId) -> Result<Offboarding, StoreError> {
        let found = self.offboardings.load(id).await?;
        found.ok_or_else(|| StoreError::Unavailable("a record that was named is missing".to_owned()))
    }

    /// Whoever waits for a later day need not be told of.
    async fn tell(&self, answer: Answer) -> Accepted {
        let starts = match &answer {
            Answer::New(offboarding) => matches!(offboarding.state, State::Planning(_)),
            Answer::Merged(offboarding, fields) => {
                matches!(offboarding.state, State::Planning(_)) && !fields.is_empty()
            }
            Answer::Repeated(_) | Answer::UnderWay(_) | Answer::Refused(..) | Answer::KeyReused => false,
        };
        let told = match self.wake.filter(|_| starts) {
            Some(wake) => wake.wake().await,
            None => Ok(()),
        };
        Accepted { answer, left_to_sweep: told.err().map(|error| error.to_string()) }
    }
}

impl From<Answer> for Accepted {
    fn from(answer: Answer) -> Self {
        Self { answer, left_to_sweep: None }
    }
}
