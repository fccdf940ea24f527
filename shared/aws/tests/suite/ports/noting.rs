//! Capabilities, and the pause.

use std::sync::Arc;

use podio_lifecycle::{
    actor::Actor,
    capability::{Capabilities, Capability},
    pause::{Pause, PauseEvent},
    ports::SaveError,
};

use super::{Store, at};

pub async fn what_was_learned_is_remembered(store: Arc<impl Store>) {
    assert_eq!(store.capabilities().await, Ok(Capabilities::default()));
    let mut known = Capabilities::default();
    known.missing(Capability::EndMemberInfo, at(0));
    store.learned(&known).await.unwrap();
    known.missing(Capability::MemberByMail, at(5));
    store.learned(&known).await.unwrap();
    assert_eq!(store.capabilities().await, Ok(known));
}

pub async fn of_two_decisions_at_once_one_has_to_look_again(store: Arc<impl Store>) {
    assert_eq!(store.pause().await, Ok(Pause::default()));
    let decide =
        |pause: &Pause, event, n| pause.decided(event, Actor::schedule(), Some("why".to_owned()), at(n)).unwrap();
    let paused = decide(&Pause::default(), PauseEvent::Paused, 1);
    store.save_pause(&paused).await.unwrap();
    assert_eq!(store.save_pause(&paused).await, Err(SaveError::Conflict));
    let stored = store.pause().await.unwrap();
    assert_eq!((stored.is_on(), stored.since, stored.revision), (true, Some(at(1)), 1));
    store.save_pause(&decide(&stored, PauseEvent::Resumed, 2)).await.unwrap();
    let stored = store.pause().await.unwrap();
    assert_eq!((stored.is_on(), stored.history.len(), stored.revision), (false, 2, 2));
}
