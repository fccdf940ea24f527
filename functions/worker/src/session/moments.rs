//! The moments at which one run may call.

use std::collections::VecDeque;

use jiff::{SignedDuration, Timestamp};
use podio_engine::{order::Reserved, quota::Ceiling};
use podio_lifecycle::work::Priority;
use tokio::sync::MutexGuard;

use super::Access;
use crate::halt::Halt;

/// A moment this near is waited for in the function.
pub(super) const SHORT: SignedDuration = SignedDuration::from_secs(2);
/// An order arrives that much before its moment at most: two seconds, rounded by the queue's clock, by a clock that is behind.
const EARLIEST: SignedDuration = SignedDuration::from_secs(8);

/// The moments of an order, in their order, and further ones where there is room right now.
pub(super) struct Moments<'a> {
    access: &'a Access,
    reserved: VecDeque<Reserved>,
    missed: Vec<Reserved>,
    deadline: Timestamp,
    /// As which further moments are taken.
    pub(super) priority: Priority,
}

impl<'a> Moments<'a> {
    pub(super) fn new(access: &'a Access, reserved: &[Reserved], deadline: Timestamp) -> Self {
        let reserved = reserved.iter().copied().collect();
        Self { access, reserved, missed: Vec::new(), deadline, priority: Priority::Interactive }
    }

    /// The moments that nobody has spent.
    pub(super) fn into_unspent(self) -> impl Iterator<Item = Reserved> {
        self.missed.into_iter().chain(self.reserved)
    }

    /// Whether this run may go on calling.
    pub(super) fn in_time(&self) -> Result<(), Halt> {
        if self.access.clock.now() > self.deadline { Err(Halt::Wait) } else { Ok(()) }
    }

    /// Waits for a moment without spending it.
    pub(super) async fn be_ready(&mut self, route: &str) -> Result<(), Halt> {
        let moment = self.next(route).await?;
        self.reserved.push_front(moment);
        if self.access.is_refused() { Err(Halt::Wait) } else { Ok(()) }
    }

    /// Spends a moment, and takes the turn if others wait for the answer. A run that has missed the moment meanwhile takes
    /// another, and one that learns that Podio refuses everything waits until that is over.
    pub(super) async fn take(&mut self, route: &str) -> Result<Option<MutexGuard<'a, ()>>, Halt> {
        loop {
            let moment = self.next(route).await?;
            let turn = self.access.turn_to_probe().await;
            if self.access.is_refused() {
                self.reserved.push_front(moment);
                return Err(Halt::Wait);
            }
            if !self.is_missed(moment) {
                return Ok(turn);
            }
            self.missed.push(moment);
            self.in_time()?;
        }
    }

    /// The next moment under the ceiling of a route, once it has come; one that was missed is not worth anything.
    async fn next(&mut self, route: &str) -> Result<Reserved, Halt> {
        let limit = self.ceiling(route).key();
        loop {
            let reserved = self.reserved.iter().position(|moment| moment.limit == limit);
            let moment = match reserved.and_then(|index| self.reserved.remove(index)) {
                Some(moment) if self.is_missed(moment) => {
                    self.missed.push(moment);
                    continue;
                }
                Some(moment) => moment,
                None => {
                    let more = self.access.dispatcher.one_more(route, self.priority, SHORT).await?;
                    more.ok_or(Halt::Wait)?
                }
            };
            let ahead = moment.at.duration_since(self.access.clock.now());
            if ahead > EARLIEST {
                self.reserved.push_front(moment);
                return Err(Halt::Wait);
            }
            if ahead > SignedDuration::ZERO {
                self.access.clock.sleep(ahead).await;
            }
            return Ok(moment);
        }
    }

    fn ceiling(&self, route: &str) -> Ceiling {
        let configured = self.access.dispatcher.configured;
        self.access.dispatcher.with_known(|known| known.ceiling(route, configured))
    }

    fn is_missed(&self, moment: Reserved) -> bool {
        self.access.clock.now().duration_since(moment.at) > self.access.dispatcher.configured.lateness()
    }
}
