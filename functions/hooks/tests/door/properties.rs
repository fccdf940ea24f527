//! What holds whatever comes.

use proptest::prelude::*;

use crate::world::World;

fn run<T>(test: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(test)
}

/// A form with names that mean something and texts that may not.
fn form() -> impl Strategy<Value = Vec<(String, String)>> {
    let name = prop_oneof![
        Just("type".to_owned()),
        Just("hook_id".to_owned()),
        Just("item_id".to_owned()),
        Just("item_revision_id".to_owned()),
        Just("file_ids".to_owned()),
        Just("code".to_owned()),
        ".{0,12}",
    ];
    let text = prop_oneof![
        Just("item.update".to_owned()),
        Just("hook.verify".to_owned()),
        any::<u64>().prop_map(|n| n.to_string()),
        ".{0,40}",
    ];
    prop::collection::vec((name, text), 0..12)
}

proptest! {
    #[test]
    fn any_bytes_are_answered_and_what_is_answered_yes_is_stored(body in prop::collection::vec(any::<u8>(), 0..300)) {
        let world = World::new();
        let status = run(world.send("POST", &world.address("space", 5), &body)).status().as_u16();
        prop_assert!(status == 200 || status == 400);
        prop_assert_eq!(world.store.deliveries().len(), usize::from(status == 200));
    }

    #[test]
    fn any_form_with_a_type_is_a_delivery_and_its_duplicate_is_the_same_one(mut fields in form()) {
        let given = |name: &str| {
            let first = fields.iter().find(|(known, _)| known == name);
            first.map(|(_, text)| text.trim().to_owned()).filter(|text| !text.is_empty())
        };
        let is_delivery = match given("type").as_deref() {
            None => false,
            Some("hook.verify") => {
                let hook = given("hook_id").is_some_and(|hook| hook.parse::<u64>().is_ok());
                hook && given("code").is_some()
            }
            Some(_) => true,
        };
        let world = World::new();
        let expected = if is_delivery { 200 } else { 400 };
        prop_assert_eq!(run(world.deliver(&serde_urlencoded::to_string(&fields).unwrap())), expected);
        if is_delivery {
            // Where a name comes once, the order says nothing.
            let mut names: Vec<_> = fields.iter().map(|(name, _)| name.clone()).collect();
            names.sort();
            names.dedup();
            if names.len() == fields.len() {
                fields.reverse();
            }
            prop_assert_eq!(run(world.deliver(&serde_urlencoded::to_string(&fields).unwrap())), 200);
            prop_assert_eq!(world.store.deliveries().len(), 1);
        }
    }

    #[test]
    fn no_path_but_the_right_one_gets_past_the_key(path in "/hooks/podio/[a-z_]{0,8}/[0-9]{0,8}/[0-9a-f]{0,64}") {
        let world = World::new();
        prop_assert_eq!(run(world.send("POST", &path, b"type=item.create")).status().as_u16(), 404);
    }
}
