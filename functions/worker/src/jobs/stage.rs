//! The job that carries on the present stage of an offboarding, and what becomes of it when it could not go on.

use jiff::{SignedDuration, Timestamp};
use podio_lifecycle::{
    actor::Actor,
    ids::OffboardingId,
    ledger::NotCommitted,
    offboarding::{Event, Failure, FailureCode, Offboarding, Stage, State},
    ports::StoreError,
    removal::{RemovalState, SpaceKey, SpaceRemoval},
    retry::backoff,
    work::JobId,
};

use super::StageTask;
use crate::{Worker, batch::Left, session::Session, verdict::Halt};

/// What has failed for so long while others succeeded is for a person to look at.
const PATIENCE: SignedDuration = SignedDuration::from_hours(24);
/// Others succeed if Podio has answered somebody within that time.
const LATELY: SignedDuration = SignedDuration::from_hours(1);

impl Worker {
    /// Runs the job of an offboarding's stage.
    pub(crate) async fn run_stage(&self, job: &JobId, session: &mut Session<'_>) -> Result<Left, StoreError> {
        let Some(id) = job.subject.parse::<OffboardingId>().ok() else { return self.leave(job).await };
        let Some(offboarding) = self.ports.offboardings.load(&id).await? else { return self.leave(job).await };
        let Some(waiting) = offboarding.waiting() else { return self.leave(job).await };
        session.record_for(vec![id.clone()]);
        session.at_priority(waiting.priority);
        let mut stage = StageTask { search: offboarding.work.search.clone(), offboarding };
        let result = self.carry_on(&mut stage, session).await;
        let noted = match result {
            Ok(()) => Ok(()),
            Err(halt) => self.note_halt(&mut stage, halt, session).await,
        };
        // Whatever was written, this attempt has not died.
        self.ports.work.survived(job).await?;
        match noted {
            Ok(()) | Err(Halt::Overtaken) => {}
            Err(Halt::Storage(error)) => return Err(error),
            Err(_) => {}
        }
        Ok(if stage.offboarding.waiting().is_some() { Left::Waits } else { Left::Done })
    }

    async fn carry_on(&self, stage: &mut StageTask, session: &mut Session<'_>) -> Result<(), Halt> {
        if stage.offboarding.state == State::Scheduled {
            let (id, now) = (&stage.offboarding.id, self.now());
            stage.offboarding = self.ledger().commit_by(&Actor::schedule(), id, &Event::Due, now).await?;
        }
        match stage.offboarding.state.stage() {
            Some(Stage::Planning) => self.plan(stage, session).await,
            Some(Stage::Removing) => self.release(stage, session).await,
            Some(Stage::Finalizing) => self.remove_from_org(stage, session).await,
            Some(Stage::Verifying) => self.verify_removal(stage, session).await,
            None => self.seal(stage, session).await,
        }
    }

    /// Whoever has failed or cancelled an offboarding, a door perhaps, had no key to seal its evidence with.
    async fn seal(&self, stage: &mut StageTask, session: &mut Session<'_>) -> Result<(), Halt> {
        stage.offboarding = self.ledger().seal(&stage.offboarding, self.now()).await?;
        session.fresh_stage(&stage.offboarding);
        tracing::info!(offboarding = %stage.offboarding.id, "evidence sealed");
        Ok(())
    }

    /// Puts the removals of a plan that a person has resumed back into the work table.
    async fn release(&self, stage: &mut StageTask, session: &mut Session<'_>) -> Result<(), Halt> {
        let offboarding = &stage.offboarding;
        let plan = offboarding.plan.ok_or(Halt::Overtaken)?;
        let spaces = self.ports.offboardings.spaces(&offboarding.id, plan).await?;
        let open = |removal: &SpaceRemoval| removal.state == RemovalState::Pending && offboarding.owns(removal);
        for removal in spaces.into_iter().filter(open) {
            let released = SpaceRemoval { faults: 0, faulted_since: None, ..removal };
            let released = released.waiting_since(self.now(), offboarding.space_priority(), offboarding.place);
            self.ports.removals.save_space(&released).await?;
            session.fresh_removal(&released);
        }
        self.advance(stage, Event::Released, session).await
    }

    /// Writes down why a stage's job stopped.
    async fn note_halt(&self, stage: &mut StageTask, halt: Halt, session: &mut Session<'_>) -> Result<(), Halt> {
        let event = match halt {
            Halt::Wait => self.waits(stage, None, session),
            Halt::Pause(until) => self.waits(stage, Some(until), session),
            Halt::Fault => {
                let work = &stage.offboarding.work;
                if self.has_failed_for_long(work.faulted_since) {
                    Event::KeepsFailing
                } else {
                    let again_at = self.now() + backoff(work.faults + 1, self.jitter());
                    Event::Faulted { again_at, search: stage.search.clone() }
                }
            }
            Halt::Fail(failure) => {
                tracing::error!(offboarding = %stage.offboarding.id, code = failure.code.name(), "failed");
                Event::Failed(failure)
            }
            halt @ (Halt::Storage(_) | Halt::Overtaken) => return Err(halt),
        };
        self.advance(stage, event, session).await
    }

    /// The job waits for its next calls. One that has made many goes on among the removals, at the place that these give it.
    fn waits(&self, stage: &StageTask, until: Option<Timestamp>, session: &Session<'_>) -> Event {
        let ceiling = self.dispatcher.configured;
        let before = stage.offboarding.work.calls;
        let calls = before + session.calls();
        let pace = ceiling.window() / i32::try_from(ceiling.limit()).unwrap_or(i32::MAX);
        let own = pace * i32::try_from(session.calls()).unwrap_or(i32::MAX);
        Event::Waits { until, search: stage.search.clone(), calls, place: stage.offboarding.place + own }
    }

    /// Whether there have been nothing but faults for a day, while Podio has answered others.
    pub(crate) fn has_failed_for_long(&self, since: Option<Timestamp>) -> bool {
        let now = self.now();
        let others_succeed = |since: Timestamp| {
            self.dispatcher.with_known(|known| {
                known.outages.answered_at.is_some_and(|at| at > since && now.duration_since(at) < LATELY)
            })
        };
        since.is_some_and(|since| now.duration_since(since) > PATIENCE && others_succeed(since))
    }

    /// Fails the offboarding whose job keeps killing its worker.
    pub(crate) async fn give_up_offboarding(&self, job: &JobId) -> Result<(), StoreError> {
        let of_space = job.subject.parse::<SpaceKey>().map(|key| key.offboarding);
        let Some(id) = of_space.ok().or_else(|| job.subject.parse().ok()) else { return Ok(()) };
        let detail = "A job of this offboarding has ended its worker again and again. Look for it in the worker's log, \
                      update, then retry.";
        let failure = Failure { code: FailureCode::JobCrashed, detail: detail.to_owned() };
        let failed = self.fail_offboarding(&id, failure).await?;
        // A person decides now. Jobs that died together with this one would else fail it again, one after each retry.
        if let Some(offboarding) = &failed
            && let Some(plan) = offboarding.plan
        {
            for removal in self.ports.offboardings.spaces(&id, plan).await? {
                self.ports.work.survived(&removal.key.job()).await?;
            }
        }
        // A retry puts it back. The stage of one that has failed now is still to be sealed.
        if failed.is_none() || job.kind == JobId::SPACE {
            self.ports.work.leave(job).await?;
        }
        self.ports.work.survived(job).await
    }

    /// Fails an offboarding, whoever writes in between.
    pub(crate) async fn fail_offboarding(
        &self,
        id: &OffboardingId,
        failure: Failure,
    ) -> Result<Option<Offboarding>, StoreError> {
        let code = failure.code;
        match self.ledger().commit_anyhow(id, &Event::Failed(failure), self.now()).await {
            Ok(offboarding) => {
                tracing::error!(offboarding = %id, code = code.name(), "failed");
                Ok(Some(offboarding))
            }
            Err(NotCommitted::Store(error)) => Err(error),
            Err(_) => Ok(None),
        }
    }
}
