//! Capabilities.

use std::sync::Arc;

use podio_lifecycle::capability::{Capabilities, Capability};

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
