//! Storage that fails, before the work or after it: the provider repeats its request, and one offboarding comes of it.

use podio_aws::twin::Moment;
use serde_json::json;

use crate::world::{World, jane};

#[tokio::test]
async fn request_repeated_after_any_fault_starts_one_offboarding() {
    for method in ["PATCH", "DELETE"] {
        for fatal in 0..12 {
            for moment in [Moment::Before, Moment::After] {
                let world = World::new();
                let id = world.created(&jane()).await;
                let mut operations = 0;
                world.store.faults().decided_by(move |_, at| {
                    operations += usize::from(at == moment);
                    at == moment && operations == fatal + 1
                });
                let body = json!({"Operations": [{"op": "replace", "path": "active", "value": false}]});
                let path = format!("/Users/{id}");
                let first = world.call(method, &path, &body).await;
                assert!(matches!(first.status, 200 | 204 | 503), "{first:?}");
                if first.status == 503 {
                    first.error(503);
                    assert_eq!(first.headers["retry-after"], "5");
                }
                world.store.faults().end();
                let second = world.call(method, &path, &body).await;
                assert!(matches!(second.status, 200 | 204 | 404), "{method} {fatal} {moment:?}: {second:?}");
                world.only_offboarding().await;
            }
        }
    }
}

#[tokio::test]
async fn offboarding_that_ended_before_the_repetition_is_not_begun_again() {
    let world = World::new();
    let id = world.created(&jane()).await;
    world.store.faults().decided_by(|operation, moment| operation == "save_scim_user" && moment == Moment::Before);
    let body = json!([{"op": "replace", "path": "active", "value": false}]);
    world.patch(&id, body.clone()).await.error(503);
    world.store.faults().end();
    let started = world.only_offboarding().await.id;
    world.removed(&started).await;
    world.patch(&id, body).await.shows_inactive();
    assert_eq!(world.only_offboarding().await.state.name(), "completed");
    assert_eq!(world.user(&id).await.departure.unwrap().offboarding, started);
}

#[tokio::test]
async fn every_route_tells_of_storage_that_is_down() {
    let world = World::new();
    let id = world.created(&jane()).await;
    world.store.faults().decided_by(|_, moment| moment == Moment::Before);
    let patch = json!({"Operations": [{"op": "replace", "path": "active", "value": false}]});
    for (method, path, body) in [
        ("GET", "/Users".to_owned(), json!(null)),
        ("GET", format!("/Users/{id}"), json!(null)),
        ("GET", "/Users?filter=userName%20eq%20%22x%22".to_owned(), json!(null)),
        ("POST", "/Users".to_owned(), jane()),
        ("POST", "/.search".to_owned(), json!({})),
        ("PUT", format!("/Users/{id}"), jane()),
        ("PATCH", format!("/Users/{id}"), patch),
        ("DELETE", format!("/Users/{id}"), json!(null)),
    ] {
        world.call(method, &path, &body).await.error(503);
    }
}
