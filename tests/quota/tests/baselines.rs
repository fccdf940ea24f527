//! The baselines: each can meet what the worker must not, so none of the bounds holds by itself.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops where its premise fails")]

use jiff::Timestamp;
use podio_sandbox::WindowModel;
use quota_table::{
    baseline::{self, Strategy},
    bounds,
    measured::{OfWorker, Row},
    scene::{Foreign, Scene},
};

const MODELS: [WindowModel; 3] = [WindowModel::Fixed, WindowModel::FirstCall, WindowModel::Sliding];

fn start() -> Timestamp {
    "2026-12-01T08:00:00Z".parse().unwrap()
}

fn row(strategy: Strategy, model: WindowModel, foreign: Foreign) -> Row {
    baseline::row(strategy, strategy.name().to_owned(), &Scene::hours(model, 4, foreign), start())
}

#[test]
fn who_calls_as_fast_as_possible_meets_one_420_in_each_window() {
    for model in MODELS {
        let row = row(Strategy::AsFastAsPossible, model, Foreign::Nobody);
        assert!(row.rejections >= 3, "{model:?}: {}", row.rejections);
        assert!(row.share > 0.99, "{model:?}: {}", row.share);
        assert_eq!(row.removed.0, row.removed.1);
    }
}

#[test]
fn who_backs_off_meets_a_420_a_minute() {
    for model in MODELS {
        let row = row(Strategy::BackOff, model, Foreign::Nobody);
        assert!(row.most_rejections > 50, "{model:?}: {}", row.most_rejections);
    }
}

#[test]
fn a_bucket_that_refills_while_it_is_emptied_overdraws_the_first_window() {
    for model in MODELS {
        assert!(row(Strategy::TokenBucket, model, Foreign::Nobody).rejections >= 1, "{model:?}");
    }
}

#[test]
fn each_bound_is_broken_by_a_row_that_breaks_it() {
    let worker = OfWorker {
        most_receives: 2,
        writes_for_dispatch: 1.0,
        dead_letters: 0,
        crashes: 0,
        lost_answers: 0,
        unpunctual: 0,
        real_seconds: 0.0,
    };
    let mut good = row(Strategy::Spacing, WindowModel::Sliding, Foreign::Nobody);
    good.worker = Some(worker.clone());
    assert_eq!(bounds::broken(&good), Vec::<String>::new());
    let bad_of_worker = [
        OfWorker { most_receives: 3, ..worker.clone() },
        OfWorker { writes_for_dispatch: 1.1, ..worker.clone() },
        OfWorker { dead_letters: 1, ..worker.clone() },
        OfWorker { unpunctual: 1, ..worker },
    ];
    let bad = bad_of_worker.into_iter().map(|worker| Row { worker: Some(worker), ..good.clone() });
    let bad = bad.chain([
        Row { share: 0.994, ..good.clone() },
        Row { rejections: 1, ..good.clone() },
        Row { removed: (1, 2), ..good.clone() },
        Row { foreign: Foreign::Steady, most_rejections: 2, ..good.clone() },
    ]);
    for row in bad {
        assert_eq!(bounds::broken(&row).len(), 1, "{row:?}");
    }
    // The others' calls are nobody's fault.
    let shared = Row { foreign: Foreign::Steady, share: 0.8, rejections: 3, most_rejections: 1, ..good };
    assert_eq!(bounds::broken(&shared), Vec::<String>::new());
}

#[test]
fn the_eager_client_breaks_the_workers_bounds() {
    let mut eager = row(Strategy::AsFastAsPossible, WindowModel::Sliding, Foreign::Nobody);
    assert!(bounds::broken(&eager).is_empty(), "nothing is asked of the others");
    eager.worker = Some(OfWorker {
        most_receives: 1,
        writes_for_dispatch: 0.0,
        dead_letters: 0,
        crashes: 0,
        lost_answers: 0,
        unpunctual: 0,
        real_seconds: 0.0,
    });
    assert!(bounds::broken(&eager).iter().any(|broken| broken.contains("refusals, not 0")));
}
