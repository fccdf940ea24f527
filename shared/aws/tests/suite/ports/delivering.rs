//! Deliveries of Podio's.

use std::sync::Arc;

use podio_lifecycle::{
    hooks::{Delivery, DeliveryState, Fields, HookRef, Interest, Reason},
    ids::{AppId, SpaceId},
    ports::{Accepted, SaveError},
};

use super::{Store, at, at_once};

fn delivery(form: &str, second: i64) -> Delivery {
    let pairs = form.split('&').filter_map(|pair| pair.split_once('='));
    let fields: Fields = pairs.map(|(name, text)| (name.to_owned(), text.to_owned())).collect();
    Delivery::read(HookRef::space(SpaceId(5)), &fields, at(second), Interest::default()).unwrap()
}

fn verification(second: i64) -> Delivery {
    delivery("type=hook.verify&hook_id=7&code=b9079247", second)
}

fn refused(second: i64) -> DeliveryState {
    DeliveryState::Refused { at: at(second), reason: Reason::new("wrong_code", "Podio does not know the code.") }
}

pub async fn a_delivery_is_stored_once_and_comes_back_as_it_was(store: Arc<impl Store>) {
    let added = delivery("type=member.add&hook_id=7&user_id=3&file_ids=1,2&action_type=file_created", 0);
    assert_eq!(store.delivery(&added.id).await, Ok(None));
    for new in [added.clone(), verification(0), delivery("type=tag.add", 0), delivery("type=rating.add&hook_id=x", 0)] {
        assert_eq!(store.accept(&new).await, Ok(Accepted::New));
        assert_eq!(store.delivery(&new.id).await, Ok(Some(new)));
    }
    let leavers = Interest { leavers_app: Some(AppId(55)), ..Interest::default() };
    let fields: Fields =
        [("type", "item.create"), ("item_id", "9")].map(|(a, b)| (a.into(), b.into())).into_iter().collect();
    let item = Delivery::read(HookRef::app(AppId(55)), &fields, at(0), leavers).unwrap();
    store.accept(&item).await.unwrap();
    assert_eq!(store.delivery(&item.id).await, Ok(Some(item.clone())), "and how urgent it is");
    let ready = store.ready(at(0), None, 10).await.unwrap();
    assert_eq!(ready.first(), item.waiting().as_ref(), "before all others");
    let again = Delivery { faults: 3, ..added.clone() };
    assert_eq!(store.accept(&again).await, Ok(Accepted::Repeated));
    assert_eq!(store.delivery(&added.id).await, Ok(Some(added)), "and stays as it was");
}

pub async fn of_many_duplicates_at_once_one_is_stored(store: Arc<impl Store>) {
    let accepted = at_once(&store, 20, |store, _| async move { store.accept(&verification(0)).await.unwrap() }).await;
    assert_eq!(accepted.into_iter().filter(|accepted| *accepted == Accepted::New).count(), 1);
}

pub async fn a_job_that_waits_is_noted_by_who_read_it_last(store: Arc<impl Store>) {
    let new = verification(0);
    store.accept(&new).await.unwrap();
    let paused = new.paused(Some(at(101)));
    assert_eq!(store.note_delivery(&paused).await, Ok(()));
    assert_eq!(store.note_delivery(&paused).await, Err(SaveError::Conflict), "somebody else has written since");
    let stored = store.delivery(&new.id).await.unwrap().unwrap();
    assert_eq!(stored, Delivery { revision: 1, ..paused });

    store.note_delivery(&stored.faulted(at(150), at(200))).await.unwrap();
    let stored = store.delivery(&new.id).await.unwrap().unwrap();
    assert_eq!((stored.faults, stored.faulted_at, stored.not_before), (1, Some(at(150)), Some(at(200))));
}

pub async fn a_delivery_is_ended_once_and_its_code_forgotten(store: Arc<impl Store>) {
    let new = verification(0);
    assert_eq!(store.settle_delivery(&new.id, &refused(9)).await, Ok(false), "what never came");
    store.accept(&new).await.unwrap();
    assert_eq!(store.settle_delivery(&new.id, &refused(9)).await, Ok(true));
    assert_eq!(store.settle_delivery(&new.id, &DeliveryState::Handled { at: at(10) }).await, Ok(false));
    let stored = store.delivery(&new.id).await.unwrap().unwrap();
    assert_eq!((&stored.state, &stored.code, stored.waiting()), (&refused(9), &None, None));

    assert_eq!(
        store.note_delivery(&stored.paused(Some(at(60)))).await,
        Err(SaveError::Conflict),
        "nothing follows the end"
    );
    assert_eq!(store.accept(&verification(1)).await, Ok(Accepted::Ended));
    assert_eq!(store.delivery(&new.id).await, Ok(Some(stored)));
}

pub async fn a_delivery_waits_in_the_work_table_until_it_is_ended(store: Arc<impl Store>) {
    let late = delivery("type=member.add&user_id=1", 0);
    let soon = delivery("type=member.add&user_id=2", 0);
    let kept = delivery("type=tag.add", 0);
    for new in [&late, &soon, &kept] {
        store.accept(new).await.unwrap();
    }
    store.note_delivery(&late.faulted(at(5), at(300))).await.unwrap();
    let late = store.delivery(&late.id).await.unwrap().unwrap();
    let ready = async |second| store.ready(at(second), None, 10).await.unwrap();
    assert_eq!(ready(299).await, [soon.waiting().unwrap()], "nothing is to be done about the third");
    let mut both = ready(300).await;
    both.sort_by(|one, other| one.job.cmp(&other.job));
    let mut expected = [soon.waiting().unwrap(), late.waiting().unwrap()];
    expected.sort_by(|one, other| one.job.cmp(&other.job));
    assert_eq!(both, expected);

    store.settle_delivery(&soon.id, &DeliveryState::Handled { at: at(1) }).await.unwrap();
    store.settle_delivery(&late.id, &DeliveryState::Handled { at: at(301) }).await.unwrap();
    assert_eq!(ready(900).await, []);
    let ended = store.delivery(&late.id).await.unwrap().unwrap();
    assert_eq!((ended.not_before, ended.faulted_at, ended.faults), (None, None, 1), "it pauses no more");
    assert_eq!(store.active(10).await, Ok(vec![]), "and no delivery is taken for an offboarding");
}
