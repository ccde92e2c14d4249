use std::collections::BTreeMap;

use engine::admission::{Orchestration, Order};
use serde_json::json;

use super::Fixture;
use super::sample::at;
use crate::port::{
    Change, DrainingRow, Outcome, Refusal, RolloutChange, RolloutMode, RolloutRow, RolloutWish,
    TrailEntry, TrailQuery,
};

pub fn the_rollout_is_kept_version_by_version_and_each_leaves_an_entry(mut memory: Fixture) {
    let mut save = |row: &RolloutRow, action: &str| {
        let entry = TrailEntry {
            at: at(row.version),
            by: "ana".to_owned(),
            action: action.to_owned(),
            subject: row.mode.word().to_owned(),
            detail: json!({ "reason": "tonight" }),
        };
        let change = RolloutChange { row: row.clone(), entry };
        let outcome = memory.commit(Change::SaveRollout(Box::new(change)));
        let query = TrailQuery { limit: 9, ..TrailQuery::default() };
        let trail = memory.reader.trail(&query).expect("reads");
        (outcome, memory.reader.rollout().expect("reads"), trail.len())
    };
    let moved = |current, expected| Outcome::Refused(Refusal::RolloutMoved { current, expected });
    let untouched = RolloutRow::default();
    assert_eq!(
        (untouched.mode, untouched.orchestration),
        (RolloutMode::Production, Orchestration::Parallel)
    );
    let second = RolloutRow { version: 2, ..untouched.clone() };
    assert_eq!(save(&second, "rollout.switched"), (moved(0, 1), untouched, 0));
    let first = RolloutRow {
        version: 1,
        mode: RolloutMode::Pilot,
        pilot_tasks: vec!["TASK-1*".to_owned()],
        orchestration: Orchestration::Hybrid,
        max_tasks: Some(3),
        scheduler: Order::Fifo,
        wip: BTreeMap::from([("implementer".to_owned(), 2)]),
        switched_at: Some(at(1)),
        switched_by: Some("ana".to_owned()),
        mode_since: Some(at(4)),
        draining: None,
    };
    assert_eq!(save(&first, "rollout.switched"), (Outcome::Done, first.clone(), 1));
    assert_eq!(save(&first, "rollout.switched"), (moved(1, 0), first.clone(), 1));
    let to = RolloutWish {
        orchestration: Some(Orchestration::Sequential),
        wip: Some(BTreeMap::new()),
        ..RolloutWish::default()
    };
    let draining = DrainingRow { to, by: "bo".to_owned(), since: at(2), reason: "x".to_owned() };
    let drains = RolloutRow { version: 2, draining: Some(draining), ..first.clone() };
    assert_eq!(save(&drains, "rollout.draining"), (Outcome::Done, drains.clone(), 2));
    let given_up = RolloutRow { version: 3, ..first };
    assert_eq!(save(&given_up, "rollout.given_up"), (Outcome::Done, given_up, 3));
    assert_eq!(memory.reader.verify_trail().expect("verifies"), 3);
}
