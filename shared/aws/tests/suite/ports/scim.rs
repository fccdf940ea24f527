//! Users of identity providers.

use std::sync::Arc;

use podio_lifecycle::{
    ports::ScimUserNotSaved,
    scim::{Email, Index, ScimUser, ScimUserId, Wish},
};

use super::{Store, at, at_once};

/// The user of that name and number, who was created in that second.
fn user(name: &str, n: u8) -> ScimUser {
    let work = Email { value: format!("{name}@Work.example"), kind: Some("work".into()), primary: None };
    let wish = Wish { external_id: Some(format!("ext-{n}")), emails: vec![work], ..Wish::named(name) };
    ScimUser::new(ScimUserId::new(at(i64::from(n)), [n; 10]), wish, at(i64::from(n)))
}

fn name(name: &str) -> Index {
    Index::UserName(name.to_owned())
}

async fn found(store: &impl Store, index: Index) -> Vec<ScimUserId> {
    store.scim_users_by(&index).await.unwrap().into_iter().map(|user| user.id).collect()
}

pub async fn a_user_is_found_by_each_of_its_names(store: Arc<impl Store>) {
    let jane = user("Jane", 1);
    assert_eq!(store.scim_user(&jane.id).await, Ok(None));
    store.create_scim_user(&jane).await.unwrap();
    store.create_scim_user(&user("john", 2)).await.unwrap();
    assert_eq!(store.scim_user(&jane.id).await, Ok(Some(jane.clone())));
    for index in [name("jane"), Index::ExternalId("ext-1".into()), Index::WorkAddress("jane@work.example".into())] {
        assert_eq!(store.scim_users_by(&index).await, Ok(vec![jane.clone()]));
    }
    for index in [name("Jane"), name("jan"), Index::ExternalId("EXT-1".into()), Index::WorkAddress("jane".into())] {
        assert_eq!(found(&*store, index).await, []);
    }
    let twin = ScimUser { wish: Wish { user_name: "other".into(), ..jane.wish.clone() }, ..user("other", 3) };
    store.create_scim_user(&twin).await.unwrap();
    let both = found(&*store, Index::WorkAddress("jane@work.example".into())).await;
    assert_eq!(both, [jane.id, twin.id], "only the name is one user's");
}

pub async fn a_user_name_is_one_users_until_it_is_deleted(store: Arc<impl Store>) {
    let jane = user("jane", 1);
    store.create_scim_user(&jane).await.unwrap();
    let other = user("JANE", 2);
    assert_eq!(store.create_scim_user(&other).await, Err(ScimUserNotSaved::NameTaken));
    assert_eq!(store.scim_user(&other.id).await, Ok(None), "nothing is left of it");
    assert_eq!(found(&*store, Index::ExternalId("ext-2".into())).await, []);

    let john = user("john", 3);
    store.create_scim_user(&john).await.unwrap();
    let renamed = ScimUser { wish: Wish { user_name: "Jane".into(), ..john.wish.clone() }, ..john.clone() };
    assert_eq!(store.save_scim_user(&john, &renamed).await, Err(ScimUserNotSaved::NameTaken));
    assert_eq!(found(&*store, name("john")).await, [john.id]);

    store.delete_scim_user(&jane).await.unwrap();
    assert_eq!(store.scim_user(&jane.id).await, Ok(None));
    assert_eq!(store.delete_scim_user(&jane).await, Err(ScimUserNotSaved::Conflict), "once");
    store.create_scim_user(&other).await.unwrap();
    assert_eq!(found(&*store, name("jane")).await, [other.id]);
}

pub async fn a_user_is_written_on_condition_of_what_was_read(store: Arc<impl Store>) {
    let jane = user("jane", 1);
    store.create_scim_user(&jane).await.unwrap();
    let shown = Wish { display_name: Some("Jane".into()), ..jane.wish.clone() };
    store.save_scim_user(&jane, &jane.wishing(shown, at(5))).await.unwrap();
    let stored = store.scim_user(&jane.id).await.unwrap().unwrap();
    assert_eq!((stored.revision, stored.modified_at), (1, at(5)));

    let inactive = |user: &ScimUser| user.wishing(Wish { active: false, ..user.wish.clone() }, at(6));
    assert_eq!(store.save_scim_user(&jane, &inactive(&jane)).await, Err(ScimUserNotSaved::Conflict));
    assert_eq!(store.delete_scim_user(&jane).await, Err(ScimUserNotSaved::Conflict));
    store.save_scim_user(&stored, &inactive(&stored)).await.unwrap();
    let stored = store.scim_user(&jane.id).await.unwrap().unwrap();
    assert_eq!((stored.revision, stored.wish.active), (2, false));
    let nobody = user("nobody", 9);
    assert_eq!(store.save_scim_user(&nobody, &nobody).await, Err(ScimUserNotSaved::Conflict));
}

pub async fn of_many_users_at_once_one_gets_the_name(store: Arc<impl Store>) {
    let answers =
        at_once(
            &store,
            8,
            |store, n| async move { store.create_scim_user(&user("jane", u8::try_from(n).unwrap())).await },
        )
        .await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1, "{answers:?}");
    assert_eq!(found(&*store, name("jane")).await.len(), 1);
    assert_eq!(store.scim_page(None, 0, 10).await.unwrap().total, 1);
}

pub async fn users_are_listed_in_order_of_creation(store: Arc<impl Store>) {
    for n in (0..25).rev() {
        let mut user = user(&format!("user{n}"), n);
        user.wish.active = n % 5 != 0;
        store.create_scim_user(&user).await.unwrap();
    }
    let page = |active, skip, count| {
        let store = store.clone();
        async move {
            let page = store.scim_page(active, skip, count).await.unwrap();
            let names: Vec<String> = page.users.into_iter().map(|user| user.wish.user_name).collect();
            (names.join(" "), page.total)
        }
    };
    assert_eq!(page(None, 0, 3).await, ("user0 user1 user2".to_owned(), 25));
    assert_eq!(page(None, 23, 5).await, ("user23 user24".to_owned(), 25));
    assert_eq!(page(None, 25, 5).await, (String::new(), 25));
    assert_eq!(page(None, 0, 0).await, (String::new(), 25));
    assert_eq!(page(Some(false), 1, 2).await, ("user5 user10".to_owned(), 5));

    let first = store.scim_page(Some(false), 0, 1).await.unwrap().users.remove(0);
    let back = first.wishing(Wish { active: true, ..first.wish.clone() }, at(60));
    store.save_scim_user(&first, &back).await.unwrap();
    assert_eq!(page(Some(false), 0, 1).await, ("user5".to_owned(), 4));
    assert_eq!(page(Some(true), 0, 2).await, ("user0 user1".to_owned(), 21), "in its old place");
}

pub async fn what_no_longer_holds_finds_nobody(store: Arc<impl Store>) {
    let jane = user("jane", 1);
    store.create_scim_user(&jane).await.unwrap();
    let joan = Wish { active: false, ..user("joan", 7).wish };
    store.save_scim_user(&jane, &jane.wishing(joan, at(5))).await.unwrap();
    for index in [name("jane"), Index::ExternalId("ext-1".into()), Index::WorkAddress("jane@work.example".into())] {
        assert_eq!(found(&*store, index).await, []);
    }
    for index in [name("joan"), Index::ExternalId("ext-7".into()), Index::WorkAddress("joan@work.example".into())] {
        assert_eq!(found(&*store, index).await, std::slice::from_ref(&jane.id));
    }
    store.create_scim_user(&user("jane", 2)).await.unwrap();
    let stored = store.scim_user(&jane.id).await.unwrap().unwrap();
    store.delete_scim_user(&stored).await.unwrap();
    assert_eq!(found(&*store, name("joan")).await, []);
    assert_eq!(store.scim_page(None, 0, 9).await.unwrap().total, 1);
}
