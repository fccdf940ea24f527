//! Who was removed by which offboarding, and which item became which.

use std::sync::Arc;

use jiff::Timestamp;
use podio_lifecycle::{
    ids::{ItemId, OrgId, UserId},
    leavers_app::LeaverItem,
    offboarding::{Offboarding, PersonClaim},
    ports::{Created, SaveError},
};

use super::{Store, accepted, at_once, leaver, removed, user};

const ORG: OrgId = OrgId(678);

fn gone(offboarding: &Offboarding, id: u64) -> Offboarding {
    Offboarding { state: removed(user(id)), ..offboarding.clone() }
}

pub async fn who_was_removed_is_remembered_and_free_again(store: Arc<impl Store>) {
    let jane = accepted(&*store, leaver("jane@example.com", 0)).await;
    assert_eq!(store.removed(ORG, &[UserId(7)]).await, Ok(vec![]));
    store.save(0, &gone(&jane, 7), PersonClaim::Removed, None).await.unwrap();
    assert_eq!(store.removed(ORG, &[UserId(7)]).await, Ok(vec![(UserId(7), jane.id.clone())]));
    assert_eq!(store.removed(OrgId(9), &[UserId(7)]).await, Ok(vec![]), "another organization's");

    let again = accepted(&*store, leaver("jane@example.com", 5)).await;
    store.save(0, &gone(&again, 7), PersonClaim::Removed, None).await.unwrap();
    assert_eq!(store.removed(ORG, &[UserId(7)]).await, Ok(vec![(UserId(7), again.id)]), "the last one counts");
}

pub async fn who_is_only_let_go_is_not_remembered(store: Arc<impl Store>) {
    let jane = accepted(&*store, leaver("jane@example.com", 0)).await;
    store.save(0, &gone(&jane, 7), PersonClaim::Release, None).await.unwrap();
    assert_eq!(store.removed(ORG, &[UserId(7)]).await, Ok(vec![]));

    let john = accepted(&*store, leaver("john@example.com", 0)).await;
    let late = store.save(3, &gone(&john, 8), PersonClaim::Removed, None).await;
    assert_eq!(late, Err(SaveError::Conflict));
    assert_eq!(store.removed(ORG, &[UserId(8)]).await, Ok(vec![]), "nor is what was not written");
    let again = leaver("john@example.com", 1);
    assert_eq!(store.create(&again, None).await, Ok(Created::AlreadyRunning(john.id)));
}

pub async fn the_removed_are_told_from_a_crowd(store: Arc<impl Store>) {
    for user in [3, 150] {
        let offboarding = accepted(&*store, leaver(&format!("leaver{user}@example.com"), 0)).await;
        store.save(0, &gone(&offboarding, user), PersonClaim::Removed, None).await.unwrap();
    }
    let crowd: Vec<UserId> = (1..=230).map(UserId).collect();
    let mut found: Vec<u64> = store.removed(ORG, &crowd).await.unwrap().into_iter().map(|(user, _)| user.0).collect();
    found.sort_unstable();
    assert_eq!(found, [3, 150]);
    assert_eq!(store.removed(ORG, &[]).await, Ok(vec![]));
}

pub async fn an_item_is_remembered_by_its_latest_revision(store: Arc<impl Store>) {
    let became =
        |revision, second| LeaverItem { item: ItemId(5), revision, offboarding: leaver("jane@example.com", second).id };
    assert_eq!(store.leaver_item(ItemId(5)).await, Ok(None));
    assert_eq!(store.remember_item(&became(3, 1)).await, Ok(true));
    assert_eq!(store.remember_item(&became(2, 2)).await, Ok(false), "an earlier one comes late");
    assert_eq!(store.leaver_item(ItemId(5)).await, Ok(Some(became(3, 1))));
    assert_eq!(store.remember_item(&became(3, 3)).await, Ok(true));
    assert_eq!(store.remember_item(&became(10, 4)).await, Ok(true));
    assert_eq!(store.leaver_item(ItemId(5)).await, Ok(Some(became(10, 4))));
    assert_eq!(store.leaver_item(ItemId(6)).await, Ok(None));
}

pub async fn a_turn_is_one_offboardings_until_it_ends(store: Arc<impl Store>) {
    let [ann, bob] = [1, 2].map(|second| leaver("jane@example.com", second).id);
    let at = |second| Timestamp::from_second(second).unwrap();
    assert_eq!(store.take_turn(ORG, &ann, at(100), at(160)).await, Ok(true));
    assert_eq!(store.take_turn(ORG, &bob, at(101), at(161)).await, Ok(false), "it is somebody else's");
    assert_eq!(store.take_turn(OrgId(ORG.0 + 1), &bob, at(101), at(161)).await, Ok(true), "but not everywhere");
    assert_eq!(store.take_turn(ORG, &ann, at(110), at(170)).await, Ok(true), "its holder may have it for longer");
    store.end_turn(ORG, &bob).await.unwrap();
    assert_eq!(store.take_turn(ORG, &bob, at(169), at(200)).await, Ok(false), "and nobody else may end it");
    assert_eq!(store.take_turn(ORG, &bob, at(170), at(200)).await, Ok(true), "the dead keep it for no longer");
    store.end_turn(ORG, &bob).await.unwrap();
    assert_eq!(store.take_turn(ORG, &ann, at(171), at(200)).await, Ok(true));
}

pub async fn of_many_who_want_a_turn_at_once_one_gets_it(store: Arc<impl Store>) {
    let taken = at_once(&store, 12, async |store, n| {
        let (now, until) = (Timestamp::from_second(100).unwrap(), Timestamp::from_second(160).unwrap());
        let holder = leaver("jane@example.com", i64::try_from(n).unwrap()).id;
        store.take_turn(ORG, &holder, now, until).await.unwrap()
    });
    assert_eq!(taken.await.into_iter().filter(|taken| *taken).count(), 1);
}

pub async fn of_many_revisions_at_once_the_latest_stays(store: Arc<impl Store>) {
    at_once(&store, 12, async |store, revision| {
        let offboarding = leaver("jane@example.com", i64::try_from(revision).unwrap()).id;
        store.remember_item(&LeaverItem { item: ItemId(5), revision, offboarding }).await.unwrap()
    })
    .await;
    assert_eq!(store.leaver_item(ItemId(5)).await.unwrap().map(|item| item.revision), Some(11));
}
