//! Bodies as Podio sends them, and as it might.

use podio_lifecycle::{
    hooks::{DeliveryState, EventType, FileAction, HookRef, ObjectIds},
    ids::{AppId, CommentId, FileId, FormId, HookId, ItemId, ProfileId, SpaceId, StatusId, TaskId, UserId},
    work::JobId,
};

use crate::world::{LEAVERS_APP, World};

/// One body for each type of event, what is read from it, and whether the service itself has something to do.
fn corpus() -> Vec<(&'static str, EventType, ObjectIds, bool)> {
    let none = ObjectIds::default;
    let item = |revision| ObjectIds { item_id: Some(ItemId(9)), item_revision_id: Some(revision), ..none() };
    let comment = || ObjectIds { item_id: Some(ItemId(9)), comment_id: Some(CommentId(4)), ..none() };
    let app = || ObjectIds { app_id: Some(AppId(6)), ..none() };
    let form = || ObjectIds { form_id: Some(FormId(3)), ..app() };
    let task = || ObjectIds { task_id: Some(TaskId(2)), ..none() };
    let contact = || ObjectIds { profile_id: Some(ProfileId(8)), ..none() };
    let status = || ObjectIds { status_id: Some(StatusId(1)), ..none() };
    let member = || ObjectIds { user_id: Some(UserId(77)), ..none() };
    let file = || ObjectIds {
        item_id: Some(ItemId(9)),
        action_type: Some(FileAction::FileDeleted),
        file_ids: vec![FileId(1), FileId(2)],
        ..none()
    };
    let space = |id| ObjectIds { space_id: Some(SpaceId(id)), ..none() };
    vec![
        ("type=hook.verify&hook_id=7&code=b9079247", EventType::Verify, none(), true),
        ("type=item.create&hook_id=7&item_id=9&item_revision_id=0&external_id=", EventType::ItemCreate, item(0), false),
        ("item_id=9&type=item.update&item_revision_id=2&hook_id=7", EventType::ItemUpdate, item(2), false),
        ("type=item.delete&hook_id=7&item_id=9&item_revision_id=3", EventType::ItemDelete, item(3), false),
        ("type=comment.create&hook_id=7&item_id=9&comment_id=4", EventType::CommentCreate, comment(), false),
        ("type=comment.delete&hook_id=7&item_id=9&comment_id=4", EventType::CommentDelete, comment(), false),
        (
            "type=file.change&hook_id=7&item_id=9&action_type=file_deleted&file_ids=1%2C2",
            EventType::FileChange,
            file(),
            false,
        ),
        ("type=app.create&hook_id=7&app_id=6", EventType::AppCreate, app(), true),
        ("type=app.update&hook_id=7&app_id=6", EventType::AppUpdate, app(), false),
        ("type=app.delete&hook_id=7&app_id=6", EventType::AppDelete, app(), false),
        ("type=form.create&hook_id=7&form_id=3&app_id=6", EventType::FormCreate, form(), false),
        ("type=form.update&hook_id=7&form_id=3&app_id=6", EventType::FormUpdate, form(), false),
        ("type=form.delete&hook_id=7&form_id=3&app_id=6", EventType::FormDelete, form(), false),
        ("type=task.create&hook_id=7&task_id=2", EventType::TaskCreate, task(), false),
        ("type=task.update&hook_id=7&task_id=2", EventType::TaskUpdate, task(), false),
        ("type=task.delete&hook_id=7&task_id=2", EventType::TaskDelete, task(), false),
        ("type=tag.add&hook_id=7", EventType::TagAdd, none(), false),
        ("type=tag.delete&hook_id=7", EventType::TagDelete, none(), false),
        ("type=contact.create&hook_id=7&profile_id=8", EventType::ContactCreate, contact(), false),
        ("type=contact.update&hook_id=7&profile_id=8", EventType::ContactUpdate, contact(), false),
        ("type=contact.delete&hook_id=7&profile_id=8", EventType::ContactDelete, contact(), false),
        ("type=status.create&hook_id=7&status_id=1", EventType::StatusCreate, status(), false),
        ("type=status.update&hook_id=7&status_id=1", EventType::StatusUpdate, status(), false),
        ("type=status.delete&hook_id=7&status_id=1", EventType::StatusDelete, status(), false),
        ("type=member.add&hook_id=7&user_id=77", EventType::MemberAdd, member(), true),
        ("type=member.remove&hook_id=7&user_id=77", EventType::MemberRemove, member(), false),
        ("type=space.create&hook_id=7&space_id=12", EventType::SpaceCreate, space(12), true),
        ("type=space.update&hook_id=7&space_id=12", EventType::SpaceUpdate, space(12), false),
        ("type=rating.add&hook_id=7&rating=5", EventType::Other("rating.add".into()), none(), false),
    ]
}

#[tokio::test]
async fn every_event_is_answered_with_nothing_once_it_is_stored() {
    let corpus = corpus();
    assert!(EventType::KNOWN.iter().all(|known| corpus.iter().any(|(_, kind, ..)| kind == known)), "none is left out");
    for (body, kind, ids, has_effect) in corpus {
        let world = World::new();
        let answer = world.send("POST", &world.address("space", 5), body.as_bytes()).await;
        assert_eq!((answer.status().as_u16(), answer.body().len()), (200, 0), "{body}");
        let stored = world.stored();
        assert_eq!((&stored.event.kind, &stored.event.ids), (&kind, &ids), "{body}");
        assert_eq!((stored.on.clone(), stored.hook), (HookRef::space(SpaceId(5)), Some(HookId(7))), "{body}");
        let (jobs, state) = if has_effect {
            (vec![JobId::new(JobId::DELIVERY, &stored.id)], DeliveryState::Received)
        } else {
            (vec![], DeliveryState::Kept)
        };
        assert_eq!((world.waiting().await, stored.state), (jobs, state), "{body}");
    }
}

#[tokio::test]
async fn with_a_bus_every_event_has_a_job() {
    for (body, ..) in corpus() {
        let world = World::with_a_bus();
        assert_eq!(world.deliver(body).await, 200);
        assert_eq!(world.waiting().await.len(), 1, "{body}");
    }
}

#[tokio::test]
async fn items_of_the_leavers_app_have_a_job_and_those_of_others_have_none() {
    let mut world = World::with_a_bus();
    world.settings.interest.bus = false;
    let body = b"type=item.create&hook_id=7&item_id=9&item_revision_id=0";
    world.send("POST", &world.address("app", LEAVERS_APP + 1), body).await;
    assert_eq!(world.waiting().await, []);
    world.send("POST", &world.address("app", LEAVERS_APP), body).await;
    assert_eq!(world.waiting().await.len(), 1);
}

#[tokio::test]
async fn ids_that_are_missing_or_no_numbers_stop_nothing() {
    for body in [
        "type=item.create",
        "type=item.create&hook_id=&item_id=",
        "type=item.create&hook_id=seven&item_id=-9&item_revision_id=1.5",
        "type=item.create&hook_id=99999999999999999999999&item_id=0x9",
        "type=member.add&user_id=%F0%9F%99%82",
        "type=item.create&item_id=%ff%fe",
    ] {
        let world = World::new();
        assert_eq!(world.deliver(body).await, 200, "{body}");
        let stored = world.stored();
        assert_eq!((stored.hook, stored.event.ids), (None, ObjectIds::default()), "{body}");
    }
}

#[tokio::test]
async fn names_are_decoded_and_the_first_of_a_name_counts() {
    let world = World::new();
    let body = "%74ype=item%2Ecreate&hook_id=7&item_id=+9+&item_id=10&type=hook.verify&code=x";
    assert_eq!(world.deliver(body).await, 200);
    let stored = world.stored();
    assert_eq!(
        (stored.event.kind, stored.event.ids.item_id, stored.code),
        (EventType::ItemCreate, Some(ItemId(9)), None)
    );
}

#[tokio::test]
async fn json_is_understood_too() {
    let world = World::new();
    let body = r#"{"type": "member.add", "hook_id": 7, "user_id": "77", "more": {"nested": [1]}, "nothing": null}"#;
    assert_eq!(world.deliver(body).await, 200);
    let stored = world.stored();
    assert_eq!(
        (stored.event.kind, stored.event.ids.user_id, stored.hook),
        (EventType::MemberAdd, Some(UserId(77)), Some(HookId(7)))
    );
}

#[tokio::test]
async fn no_name_of_a_stranger_is_kept_at_length() {
    let world = World::new();
    assert_eq!(world.deliver(&format!("type={}", "ü".repeat(40_000))).await, 200);
    assert_eq!(world.stored().event.kind, EventType::Other("ü".repeat(80)));
}
