//! Messages that the worker could not take.
//!
//! A message is an order to do something that also waits in the work table, so a readable one that ended here is done with:
//! its job is taken up again, and an attempt that keeps dying is counted there. What nobody can read stays, and keeps its
//! alarm ringing, until a person has looked.

use podio_engine::Message;

use crate::{Sweep, Swept};

/// Receives in one sweep, of up to ten letters each.
const RECEIVES: usize = 10;

impl Sweep {
    pub(crate) async fn read_dead_letters(&self, swept: &mut Swept) {
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
                match Message::decode(&letter.body) {
                    Err(error) => {
                        tracing::error!(%error, "unreadable dead letter");
                        swept.unreadable += 1;
                    }
                    Ok(_) => {
                        tracing::error!("a message was not taken by the worker; its job is taken up again");
                        swept.dead_letters += 1;
                        if let Err(error) = self.ports.dead_letters.delete(&letter.receipt).await {
                            tracing::warn!(%error, "the dead letter shows again; that changes nothing");
                        }
                    }
                }
            }
        }
    }
}
