//! The worker under a backlog of a few virtual hours.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops where its premise fails")]

use podio_sandbox::{Profile, WindowModel};
use quota_table::{
    bounds, cost,
    measured::Row,
    product,
    scene::{Foreign, Scene},
};

const HOURS: u32 = 2;

async fn rejections(model: WindowModel, workers: usize, foreign: Foreign) -> Row {
    let name = format!("{model:?} x {workers}, {foreign:?}");
    product::row(name, &Scene::hours(model, HOURS, foreign), workers, |_| ()).await
}

#[tokio::test]
async fn four_workers_whose_clocks_disagree_meet_no_420_under_a_backlog() {
    for model in [WindowModel::Fixed, WindowModel::FirstCall, WindowModel::Sliding] {
        let row = rejections(model, 4, Foreign::Nobody).await;
        assert_eq!(row.rejections, 0, "{row:#?}");
        let worker = row.worker.unwrap();
        assert!(worker.crashes > 0 && worker.lost_answers > 0, "{worker:?}");
    }
}

#[tokio::test]
async fn somebody_who_spends_a_fifth_of_the_key_costs_at_most_one_420_an_hour() {
    for model in [WindowModel::Fixed, WindowModel::FirstCall, WindowModel::Sliding] {
        let row = rejections(model, 4, Foreign::Steady).await;
        assert!(row.most_rejections <= 1, "{row:#?}");
    }
}

#[tokio::test]
async fn one_leaver_costs_their_spaces_and_five_calls() {
    let cost = cost::measure(Profile::Documented, 300, 60, 1).await;
    assert_eq!(cost.removed, 1);
    assert_eq!(bounds::too_dear(&cost), None);
    assert_eq!(cost.recipe, 1 + 1 + 60 + 1 + 1);
}

#[test]
fn a_cost_above_the_bound_is_told() {
    let dear = cost::Cost { documented: true, spaces: 200, leavers: 1, removed: 1, calls: 18, recipe: 207 };
    assert!(bounds::too_dear(&dear).is_some());
    assert!(bounds::too_dear(&cost::Cost { calls: 17, ..dear.clone() }).is_none());
    assert!(bounds::too_dear(&cost::Cost { leavers: 100, calls: 413, ..dear.clone() }).is_some());
    assert!(bounds::too_dear(&cost::Cost { documented: false, calls: 208, ..dear }).is_some());
}
