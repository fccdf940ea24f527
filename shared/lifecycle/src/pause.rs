//! Nothing is removed while the service is paused: a person has stopped it, and a person lets it go on.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::actor::Actor;

/// Decisions that are remembered.
const HISTORY: usize = 50;

/// Whether removals are paused, and who has decided so.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    /// Since when; none where nothing is paused.
    #[serde(default)]
    pub since: Option<Timestamp>,
    /// What was decided, newest last, the oldest forgotten.
    #[serde(default)]
    pub history: Vec<Decided>,
    /// Bumped by each write.
    #[serde(default)]
    pub revision: u64,
}

/// One decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decided {
    /// When.
    pub at: Timestamp,
    /// What.
    pub event: PauseEvent,
    /// By whom.
    pub actor: Actor,
    /// Why, in the words of whoever decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// What can be decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PauseEvent {
    /// Nothing is to be removed from now on.
    Paused,
    /// Removals go on.
    Resumed,
}

impl Pause {
    /// Whether nothing may be removed.
    pub fn is_on(&self) -> bool {
        self.since.is_some()
    }

    /// The pause after a decision; none where it says what holds already.
    pub fn decided(&self, event: PauseEvent, actor: Actor, reason: Option<String>, now: Timestamp) -> Option<Self> {
        let since = match (event, self.since) {
            (PauseEvent::Paused, Some(_)) | (PauseEvent::Resumed, None) => return None,
            (PauseEvent::Paused, None) => Some(now),
            (PauseEvent::Resumed, Some(_)) => None,
        };
        let mut history = self.history.clone();
        history.push(Decided { at: now, event, actor, reason });
        if history.len() > HISTORY {
            history.remove(0);
        }
        Some(Self { since, history, revision: self.revision })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn a_pause_is_decided_once_and_ended_once() {
        let decide = |pause: &Pause, event, now| pause.decided(event, Actor::schedule(), None, at(now));
        let never = Pause::default();
        assert_eq!(decide(&never, PauseEvent::Resumed, 1), None);
        let paused = decide(&never, PauseEvent::Paused, 2).unwrap();
        assert_eq!((paused.is_on(), paused.since), (true, Some(at(2))));
        assert_eq!(decide(&paused, PauseEvent::Paused, 3), None);
        let resumed = decide(&paused, PauseEvent::Resumed, 4).unwrap();
        assert!(!resumed.is_on());
        assert_eq!(
            resumed.history.iter().map(|it| it.event).collect::<Vec<_>>(),
            [PauseEvent::Paused, PauseEvent::Resumed]
        );
    }

    #[test]
    fn the_history_does_not_grow_without_end() {
        let mut pause = Pause::default();
        for second in 0..200 {
            let event = if pause.is_on() { PauseEvent::Resumed } else { PauseEvent::Paused };
            pause = pause.decided(event, Actor::schedule(), None, at(second)).unwrap();
        }
        assert_eq!(pause.history.len(), HISTORY);
        assert_eq!(pause.history.last().map(|it| it.at), Some(at(199)));
    }
}
