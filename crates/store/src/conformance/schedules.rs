use std::slice::from_ref;

use super::Fixture;
use super::sample::at;
use crate::port::{Change, KeptSchedules, Outcome, ScheduleRow};

fn row(pipeline: &str, trigger: &str, until: u64) -> ScheduleRow {
    ScheduleRow {
        pipeline: pipeline.to_owned(),
        trigger: trigger.to_owned(),
        expression: "0 2 * * *".to_owned(),
        zone: "Europe/Berlin".to_owned(),
        until: at(until),
        next: Some(at(until + 10)),
        fired: None,
        skipped: 0,
        skipped_until: None,
    }
}

pub fn the_schedules_of_a_pipeline_are_kept_and_replaced(mut memory: Fixture) {
    let mut keep = |pipeline: &str, rows: &[ScheduleRow]| {
        let kept = KeptSchedules { pipeline: pipeline.to_owned(), rows: rows.to_vec() };
        assert_eq!(memory.commit(Change::KeepSchedules(kept)), Outcome::Done);
        memory.reader.schedules(None).expect("reads")
    };
    let (first, second) = (row("b", "nightly", 5), row("b", "hourly", 6));
    let other = row("a", "nightly", 7);
    assert_eq!(keep("b", &[first.clone(), second.clone()]), [second.clone(), first.clone()]);
    assert_eq!(keep("a", from_ref(&other)), [other.clone(), second, first.clone()]);
    let later = ScheduleRow {
        until: at(90),
        fired: Some(at(80)),
        skipped: 3,
        skipped_until: Some(at(70)),
        ..first
    };
    assert_eq!(keep("b", from_ref(&later)), [other, later.clone()]);
    assert_eq!(keep("a", &[]), *from_ref(&later));
    let of = |name| memory.reader.schedules(Some(name)).expect("reads");
    assert_eq!((of("b"), of("a")), (vec![later], vec![]));
}
