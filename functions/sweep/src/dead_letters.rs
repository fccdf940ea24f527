//! What crashed the worker again and again becomes a failure that a person sees and can resume.

use podio_lifecycle::{
    hooks::{DeliveryState, Reason},
    job::Job,
    ledger::NotCommitted,
    offboarding::{Failure, FailureCode},
    ports::{DeadLetter, Metric},
};

use crate::{Sweep, Swept};

/// Receives in one sweep, of up to ten letters each.
const RECEIVES: usize = 10;

impl Sweep {
    pub(crate) async fn bury(&self, swept: &mut Swept) {
        for _ in 0..RECEIVES {
            let letters = match self.ports.dead_letters.receive().await {
                Ok(letters) => letters,
                Err(error) => {
                    tracing::warn!(%error, "the dead-letter queue could not be read; the next sweep tries again");
                    return;
                }
            };
            if letters.is_empty() {
                return;
            }
            for letter in letters {
                self.bury_one(&letter, swept).await;
            }
        }
    }

    async fn bury_one(&self, letter: &DeadLetter, swept: &mut Swept) {
        let job = match Job::decode(&letter.body) {
            Ok(job) => job,
            Err(error) => {
                // Stays where it is, and keeps its alarm ringing, until a person has looked.
                tracing::error!(%error, "unreadable dead letter");
                swept.unreadable += 1;
                return;
            }
        };
        match self.give_up(&job).await {
            Ok(()) => {}
            Err(error) => {
                tracing::warn!(%error, "the dead letter stays for the next sweep");
                swept.postponed += 1;
                return;
            }
        }
        swept.dead_letters += 1;
        if let Err(error) = self.ports.dead_letters.delete(&letter.receipt).await {
            tracing::warn!(%error, "the dead letter shows again; that changes nothing");
        }
    }

    /// Turns a job that kept crashing into something that a person sees, unless another message has done its work
    /// meanwhile.
    async fn give_up(&self, job: &Job) -> Result<(), NotCommitted> {
        let detail = format!(
            "The {} job crashed the worker again and again. Look for its panic in the worker's log, update, then retry.",
            job.kind()
        );
        let failed = match job {
            Job::Plan { .. } | Job::RemoveFromSpace { .. } | Job::RemoveFromOrg { .. } | Job::VerifyRemoval { .. } => {
                let failure = Failure { code: FailureCode::JobCrashed, detail };
                self.ledger().fail(job, &failure, self.now()).await?
            }
            Job::Delivery { delivery } => {
                let reason = Reason::new(FailureCode::JobCrashed.name(), detail);
                let refused = DeliveryState::Refused { at: self.now(), reason };
                let is_first = self.ports.deliveries.settle_delivery(delivery, &refused).await?;
                if is_first {
                    self.ports.metrics.add(Metric::RefusedDeliveries, 1);
                }
                is_first
            }
            // The end asks for its slots when it comes.
            Job::ReserveEnd { .. } => true,
            // The hooks are looked at again by and by.
            Job::KeepHooks { .. } => {
                self.ports.metrics.add(Metric::MissingHooks, 1);
                true
            }
        };
        if failed {
            tracing::error!(subject = job.subject(), job = job.kind(), "failed: the job kept crashing");
        }
        Ok(())
    }
}
