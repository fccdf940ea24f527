//! Calls and capabilities.

use std::sync::Arc;

use podio_lifecycle::{
    capability::{Capabilities, Capability},
    evidence::CallRecord,
};

use super::{Store, at, leaver};

pub async fn calls_are_kept_in_the_order_of_sending(store: Arc<impl Store>) {
    let (jane, john) = (leaver("jane@example.com", 0), leaver("john@example.com", 0));
    let call = |second: i64, path: &str| CallRecord {
        at: at(second),
        answered_at: at(second),
        method: "DELETE".into(),
        path: path.into(),
        status: Some(204),
        request_id: None,
    };
    assert_eq!(store.calls(&jane.id).await, Ok(vec![]));
    for (n, second) in [(0, 9), (1, 3), (2, 9), (3, 10)] {
        store.record(&jane.id, &call(second, &format!("/space/{n}")), [n; 10]).await.unwrap();
    }
    store.record(&john.id, &call(1, "/space/9"), [9; 10]).await.unwrap();

    let expected = [call(3, "/space/1"), call(9, "/space/0"), call(9, "/space/2"), call(10, "/space/3")];
    assert_eq!(store.calls(&jane.id).await.unwrap(), expected);
    assert_eq!(store.count_calls(&jane.id).await, Ok(4));
    assert_eq!(store.count_calls(&john.id).await, Ok(1));
}

pub async fn what_was_learned_is_remembered(store: Arc<impl Store>) {
    assert_eq!(store.capabilities().await, Ok(Capabilities::default()));
    let mut known = Capabilities::default();
    known.missing(Capability::EndMemberInfo, at(0));
    store.learned(&known).await.unwrap();
    known.missing(Capability::MemberByMail, at(5));
    store.learned(&known).await.unwrap();
    assert_eq!(store.capabilities().await, Ok(known));
}
