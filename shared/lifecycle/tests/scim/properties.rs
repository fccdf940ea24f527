//! No input makes the reading panic, and what is refused names nobody.

use podio_lifecycle::scim::{Filter, Path, Wish, create, patch, replace};
use proptest::prelude::*;
use serde_json::{Value, json};

/// Pieces of what providers write, put together at random.
fn words() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        prop::sample::select(vec![
            "userName",
            "active",
            "emails",
            "emails[",
            "type",
            " eq ",
            "\"work\"",
            "]",
            ".value",
            ".",
            " and ",
            "True",
            "false",
            "\"",
            "\\",
            "\\u00",
            "urn:",
            "urn:ietf:params:scim:schemas:core:2.0:User",
            ":",
            "(",
            "not ",
            "name",
            ".givenName",
            "$",
        ])
        .prop_map(str::to_owned),
        ".{0,6}",
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        words().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec((words(), inner), 0..5)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

fn operations() -> impl Strategy<Value = Value> {
    let op = prop_oneof![Just("add"), Just("Replace"), Just("remove"), Just("x")];
    let operation = (op, prop::option::of(words()), values())
        .prop_map(|(op, path, value)| json!({"op": op, "path": path, "value": value}));
    prop::collection::vec(operation, 0..4).prop_map(|operations| json!({"Operations": operations}))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    #[test]
    fn no_path_or_filter_panics(text in words()) {
        let _ = Path::parse(&text);
        let _ = Filter::parse(&text);
    }

    #[test]
    fn no_body_panics_or_leaves_a_user_without_a_name(body in prop_oneof![values(), operations()]) {
        let before = Wish::named("jane@example.com");
        for changed in [create(&body), replace(&before, &body), patch(&before, &body)] {
            match changed {
                Ok(changed) => prop_assert!(!changed.wish.user_name.trim().is_empty()),
                Err(refused) => prop_assert!(!refused.to_string().contains("jane")),
            }
        }
    }
}
