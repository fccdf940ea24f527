//! What crashed the worker again and again becomes a failure that a person sees and can resume.

use podio_lifecycle::{
    job::Job,
    offboarding::{Failure, FailureCode},
    ports::DeadLetter,
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
        let failure = Failure {
            code: FailureCode::JobCrashed,
            detail: format!(
                "The {} job crashed the worker again and again. Look for its panic in the worker's log, update, then retry.",
                job.kind()
            ),
        };
        match self.ledger().fail(&job, &failure, self.now()).await {
            Ok(true) => {
                tracing::error!(offboarding = %job.offboarding(), job = job.kind(), "failed: the job kept crashing")
            }
            // Another message has done its work meanwhile.
            Ok(false) => {}
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
}
