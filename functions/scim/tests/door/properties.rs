//! What holds whatever comes.

use proptest::prelude::*;

use crate::world::{TOKEN, World, jane};

fn run<T>(test: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(test)
}

/// Bodies that are nearly right, with bytes of them exchanged.
fn nearly() -> impl Strategy<Value = Vec<u8>> {
    let whole = prop::sample::select(vec![
        r#"{"Operations": [{"op": "replace", "path": "active", "value": "False"}]}"#.to_owned(),
        r#"{"Operations": [{"op": "replace", "value": {"active": false, "name.givenName": "x"}}]}"#.to_owned(),
        r#"{"Operations": [{"op": "add", "path": "emails[type eq \"work\"].value", "value": "a@b.example"}]}"#
            .to_owned(),
        jane().to_string(),
    ]);
    (whole, prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4)).prop_map(|(text, flips)| {
        let mut bytes = text.into_bytes();
        for (at, byte) in flips {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        bytes
    })
}

proptest! {
    #[test]
    fn any_body_is_answered_and_one_person_leaves_at_most(
        bodies in prop::collection::vec((prop::sample::select(vec!["PATCH", "PUT", "POST"]), nearly()), 1..4),
    ) {
        let world = World::new();
        run(async {
            let id = world.created(&jane()).await;
            for (method, body) in bodies {
                let path = if method == "POST" { "/Users".to_owned() } else { format!("/Users/{id}") };
                let uri = format!("https://hr.example.com/scim/v2{path}");
                let request = lambda_http::http::Request::builder().method(method).uri(uri);
                let request = request.header("authorization", format!("Bearer {TOKEN}"));
                let reply = world.send(request.body(lambda_http::Body::from(body)).unwrap()).await;
                prop_assert!(matches!(reply.status, 200 | 201 | 400 | 409), "{reply:?}");
                if reply.status >= 400 {
                    reply.error(reply.status);
                }
            }
            let leaving = world.offboardings().await.into_iter().filter(|one| one.state.name() != "cancelled").count();
            prop_assert_eq!(leaving > 0, !world.user(&id).await.wish.active);
            prop_assert!(leaving <= 1);
            Ok(())
        })?;
    }

    #[test]
    fn any_query_and_path_is_answered(path in "[!-~]{0,30}", query in "[ -~]{0,60}") {
        let world = World::new();
        let uri = format!("https://hr.example.com/scim/v2/{path}?{query}").replace([' ', '"', '<', '>', '\\', '^', '`', '{', '|', '}'], "%20");
        let Ok(request) = lambda_http::http::Request::get(uri).header("authorization", format!("Bearer {TOKEN}")).body(lambda_http::Body::Empty) else {
            return Ok(());
        };
        let reply = run(world.send(request));
        prop_assert!(matches!(reply.status, 200 | 400 | 404 | 405 | 501), "{reply:?}");
    }
}
