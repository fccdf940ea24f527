//! Whatever somebody does to stored evidence behind the worker's back, the door notices.

use fastrand::Rng;
use podio_aws::twin::Evidence;
use podio_lifecycle::{
    evidence::{Jwk, StoredSeal},
    ids::OffboardingId,
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::json;

use crate::{
    evidence::{completed_for, record},
    world::World,
};

/// Changes to try.
const CHANGES: usize = 300;

#[derive(Debug, Clone, Copy)]
enum Kind {
    Flip,
    Delete,
    Add,
    Reorder,
    Swap,
}

const KINDS: [Kind; 5] = [Kind::Flip, Kind::Delete, Kind::Add, Kind::Reorder, Kind::Swap];

/// One letter of a text becomes another.
fn flip(text: &mut String, rng: &mut Rng) {
    let mut letters: Vec<char> = text.chars().collect();
    let at = rng.usize(..letters.len());
    let other = rng.alphanumeric();
    letters[at] = if letters[at] == other { '!' } else { other };
    *text = letters.into_iter().collect();
}

/// The same for what is stored as JSON; none where that cannot be read any more, as in the table.
fn flip_json<T: Serialize + DeserializeOwned>(value: &T, rng: &mut Rng) -> Option<T> {
    let mut text = serde_json::to_string(value).unwrap();
    flip(&mut text, rng);
    serde_json::from_str(&text).ok()
}

/// Two of the three people, in any order.
fn pair(ids: &[OffboardingId; 3], rng: &mut Rng) -> (OffboardingId, OffboardingId) {
    let first = rng.usize(..3);
    let second = (first + 1 + rng.usize(..2)) % 3;
    (ids[first].clone(), ids[second].clone())
}

fn change(kind: Kind, evidence: &mut Evidence, ids: &[OffboardingId; 3], rng: &mut Rng) {
    let (id, other) = pair(ids, rng);
    let n = rng.u32(1..=4);
    match kind {
        Kind::Flip => match rng.u8(..6) {
            0 => flip(&mut evidence.calls.get_mut(&id).unwrap().get_mut(&n).unwrap().text, rng),
            1 => flip(&mut evidence.calls.get_mut(&id).unwrap().get_mut(&n).unwrap().hash, rng),
            2 => flip(evidence.statements.get_mut(&id).unwrap(), rng),
            3 => flip(any(&mut evidence.records, rng), rng),
            4 => {
                let number = rng.u64(1..=2);
                match flip_json(&evidence.seals[&number], rng) {
                    Some(seal) => evidence.seals.insert(number, seal),
                    None => evidence.seals.remove(&number),
                };
            }
            _ => {
                let kid = evidence.keys.keys().next().unwrap().clone();
                let flipped: Option<Jwk> = flip_json(&evidence.keys[&kid], rng);
                match flipped {
                    Some(key) => evidence.keys.insert(kid, key),
                    None => evidence.keys.remove(&kid),
                };
            }
        },
        Kind::Delete => match rng.u8(..5) {
            0 => drop(evidence.calls.get_mut(&id).unwrap().remove(&n)),
            1 => drop(evidence.statements.remove(&id)),
            2 => {
                let name = evidence.records.keys().nth(rng.usize(..2)).unwrap().clone();
                evidence.records.remove(&name);
            }
            3 => drop(evidence.seals.remove(&rng.u64(1..=2))),
            _ => evidence.keys.clear(),
        },
        Kind::Add => {
            let calls = evidence.calls.get_mut(&id).unwrap();
            let mut added = calls[&n].clone();
            added.n = 5;
            calls.insert(5, added);
        }
        Kind::Reorder => {
            let calls = evidence.calls.get_mut(&id).unwrap();
            let m = n % 4 + 1;
            let (mut one, mut two) = (calls[&n].clone(), calls[&m].clone());
            (one.n, two.n) = (m, n);
            if rng.bool() {
                // As somebody would who hopes that only the hashes are looked at.
                std::mem::swap(&mut one.hash, &mut two.hash);
            }
            calls.extend([(m, one), (n, two)]);
        }
        Kind::Swap => match rng.u8(..4) {
            0 => swap(&mut evidence.calls, &id, &other),
            1 => swap(&mut evidence.statements, &id, &other),
            2 => {
                let (one, two) = first_two(evidence.records.keys());
                swap(&mut evidence.records, &one, &two);
            }
            _ => {
                swap(&mut evidence.seals, &1, &2);
                if rng.bool() {
                    let renumbered =
                        |(number, seal): (&u64, &StoredSeal)| (*number, StoredSeal { number: *number, ..seal.clone() });
                    evidence.seals = evidence.seals.iter().map(renumbered).collect();
                }
            }
        },
    }
}

fn first_two<K: Clone>(mut keys: impl Iterator<Item = impl std::borrow::Borrow<K>>) -> (K, K) {
    let mut next = || keys.next().unwrap().borrow().clone();
    (next(), next())
}

fn any<'a, K, V>(map: &'a mut std::collections::BTreeMap<K, V>, rng: &mut Rng) -> &'a mut V {
    let at = rng.usize(..map.len());
    map.values_mut().nth(at).unwrap()
}

fn swap<K: Ord + Clone, V: Clone>(map: &mut std::collections::BTreeMap<K, V>, one: &K, two: &K) {
    let (first, second) = (map[one].clone(), map[two].clone());
    map.extend([(one.clone(), second), (two.clone(), first)]);
}

#[tokio::test]
async fn every_change_of_stored_evidence_is_noticed() {
    let world = World::new();
    let jane = completed_for(&world, "jane@example.com").await;
    let john = completed_for(&world, "john@example.com").await;
    // Of somebody who is still leaving, too.
    let ada = world.accepted(json!({"user": {"email": "ada@example.com"}})).await;
    for n in 1..=4 {
        world.clock.advance(1);
        record(&world, &ada, "GET", "/org/678", 200, n).await;
    }
    let ids = [jane, john, ada];
    let integrities = async || {
        let mut found = Vec::new();
        for id in &ids {
            let evidence = world.get(&format!("/offboardings/{id}/evidence")).await;
            assert_eq!(evidence.status, 200, "{}", evidence.text);
            found.push(evidence.json()["integrity"].as_str().unwrap().to_owned());
        }
        found
    };
    let untouched = world.store.tamper(|evidence| evidence.clone());
    let mut rng = Rng::with_seed(7);
    for round in 0..CHANGES {
        assert_eq!(integrities().await, ["verified", "verified", "unsigned"]);
        let kind = KINDS[round % KINDS.len()];
        let changed = world.store.tamper(|evidence| {
            change(kind, evidence, &ids, &mut rng);
            *evidence != untouched
        });
        assert!(changed, "round {round} has changed nothing");
        let found = integrities().await;
        assert!(found.iter().any(|integrity| integrity == "altered"), "round {round}, {kind:?}: {found:?}");
        world.store.tamper(|evidence| *evidence = untouched.clone());
    }
}
