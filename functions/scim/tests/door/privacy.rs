//! No log line says who anybody is, or holds what opens anything.

use std::{
    io::{self, Write},
    sync::{Arc, Mutex},
};

use serde_json::json;
use tracing_subscriber::fmt::MakeWriter;

use crate::world::{TOKEN, World, jane};

/// Everything that was logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn no_line_names_anybody() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt().json().with_max_level(tracing::Level::DEBUG).with_writer(log.clone());
    let _guard = tracing::subscriber::set_default(subscriber.finish());
    let world = World::new();
    let id = world.created(&jane()).await;
    world.call("POST", "/Users", &jane()).await.error(409);
    world.found("userName eq \"jane.doe@example.com\"").await;
    world.get("/Users?filter=userName+sw+%22jane%22").await.error(400);
    world.get("/jane.doe").await.error(404);
    world.call_as("jane-doe-token-0123456789", "GET", "/Users", "").await.error(401);
    world.call_as(TOKEN, "POST", "/Users", "jane").await.error(400);
    world.patch(&id, json!([{"op": "replace", "path": "jane doe", "value": 1}])).await.error(400);
    world.patch(&id, json!([{"op": "replace", "value": {"active": false}}])).await.shows_inactive();
    world.patch(&id, json!([{"op": "replace", "value": {"active": true}}])).await;
    world.store.faults().fail_next(1);
    world.delete(&id).await.error(503);
    world.delete(&id).await;
    let bare = world.created(&json!({"userName": "janedoe"})).await;
    world.delete(&bare).await;

    let lines = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(lines.lines().count() > 15 && lines.contains(&id) && lines.contains("offboarding"), "{lines}");
    for secret in ["jane", "Jane", "Doe", "example.com", "@", "1mz050nq", "00ujl29u", TOKEN, "0123456789\""] {
        assert!(!lines.contains(secret), "{secret}: {lines}");
    }
}
