//! The bounds of those who wait and of bursts, each broken by a row that breaks it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops where its premise fails")]

use quota_table::{
    bounds,
    burst::{self, Burst, Crowd},
    waits::{Bound, Question, Wait},
};

/// A hundred waits of which the five longest take too long.
fn at_the_bound(bound: Bound) -> Vec<Option<i64>> {
    (0..100).map(|n| Some(if n % 20 == 7 { bound.p95 + 1 } else { bound.p95 })).collect()
}

#[test]
fn each_who_waits_has_a_bound_of_their_own() {
    let bounds = Question::ALL.map(|question| (question.name(), question.bound().behind, question.bound().p95));
    let expected = [
        ("plan behind 5,000", 5_000, 360),
        ("plans in a rush", 1_000, 600),
        ("urgent behind 5,000", 5_000, 900),
        ("after a layoff", 300, 1_800),
    ];
    assert_eq!(bounds, expected);
}

#[test]
fn who_waits_too_long_is_told_of() {
    for question in Question::ALL {
        let (name, bound) = (question.name(), question.bound());
        let broken = |wait: &Wait| bounds::too_late(wait);
        let mut waits = at_the_bound(bound);
        let good = Wait::of(name, bound, &waits);
        assert_eq!(broken(&good), Vec::<String>::new());
        let bad = [
            Wait { behind: bound.behind - 1, ..good.clone() },
            Wait { rejections: 1, ..good.clone() },
            Wait { unpunctual: 1, ..good.clone() },
        ];
        for wait in bad {
            assert_eq!(broken(&wait).len(), 1, "{wait:?}");
        }
        waits[50] = Some(bound.p95 + 1);
        let [late] = &broken(&Wait::of(name, bound, &waits))[..] else { panic!("the sixth of a hundred is late") };
        assert!(late.starts_with(&format!("{name}: p95 of ")), "{late}");
        waits[50..56].fill(None);
        let [late] = &broken(&Wait::of(name, bound, &waits))[..] else { panic!("six of a hundred wait still") };
        assert!(late.ends_with("94 of 100 are through"), "{late}");
        assert_eq!(broken(&Wait::of(name, bound, &[])).len(), 1, "nobody was measured");
        assert_eq!(broken(&Wait::of(name, bound, &[Some(bound.p95 + 1)])).len(), 1, "one alone");
    }
}

#[test]
fn a_burst_that_writes_too_often_is_told_of() {
    let good = Burst {
        name: "quota writes".to_owned(),
        done: (1, 1),
        calls: 100,
        writes: 15,
        dispatches: 15,
        seconds: 7,
        real_seconds: 0.0,
        most_for_hundred_calls: Some(bounds::MOST_WRITES_OF_A_BURST),
    };
    assert_eq!(bounds::too_busy(&good), Vec::<String>::new());
    let bad = [
        Burst { done: (0, 1), ..good.clone() },
        Burst { dispatches: 14, ..good.clone() },
        Burst { writes: 16, dispatches: 16, ..good.clone() },
    ];
    for burst in bad {
        assert_eq!(bounds::too_busy(&burst).len(), 1, "{burst:?}");
    }
    let free = Burst { writes: 40, dispatches: 40, most_for_hundred_calls: None, ..good };
    assert_eq!(bounds::too_busy(&free), Vec::<String>::new());
}

#[tokio::test]
async fn a_burst_writes_once_for_each_dispatch() {
    for crowd in Crowd::ALL {
        let burst = burst::measure(crowd).await;
        assert_eq!(bounds::too_busy(&burst), Vec::<String>::new(), "{burst:?}");
        assert!(burst.writes > 0 && burst.seconds < 60, "{burst:?}");
    }
}
