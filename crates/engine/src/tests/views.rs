//! What people are shown.

use super::{given, seconds};
use crate::command::{End, Exit, Report};
use crate::event::Usage;
use crate::view::AttemptStatus;

#[test]
fn a_row_tells_its_attempts_with_their_times() {
    let mut story = given(
        "{name: p, stages: [{name: a, run: exit 0, retry: {max_attempts: 2}}, {name: b, run: exit 0}]}",
    );
    let born = story.now;
    story.wait(seconds(1)).report("a", Report::Started { worker: "w1".into(), pid: Some(42) });
    assert_eq!(story.detail("b"), "waits for `a`");
    let exit = Exit {
        end: End::Code(3),
        outputs: Ok(Default::default()),
        usage: Usage { elapsed_ms: 1000, output_bytes: 5, ..Usage::default() },
        artifacts: Ok(Vec::new()),
        tail: "boom\n".into(),
    };
    story.wait(seconds(1)).report("a", Report::Exited(exit));
    assert_eq!(story.detail("a"), "exit code 3; try 2 of 2 (attempt 2) waits");
    let row = story.run.row(&"a".parse().unwrap()).unwrap();
    let [attempt] = row.attempts.as_slice() else { panic!() };
    assert_eq!(attempt.status, AttemptStatus::Failed);
    assert_eq!((attempt.detail.as_str(), attempt.exit_code), ("exit code 3", Some(3)));
    assert_eq!((attempt.worker, attempt.pid, attempt.tail), (Some("w1"), Some(42), "boom\n"));
    assert_eq!(attempt.scheduled_at, born);
    assert_eq!(attempt.started_at, born.checked_add(seconds(1)).ok());
    assert_eq!(attempt.finished_at, born.checked_add(seconds(2)).ok());
    assert_eq!(attempt.usage.unwrap().output_bytes, 5);
    assert_eq!(row.started_at, attempt.started_at);
    assert_eq!((story.run.progress().waiting, story.run.progress().running), (1, 0));
}

#[test]
fn events_name_the_rows_they_change() {
    let mut story = given("{name: p, stages: [{name: a, foreach: [1, 2], run: exit 0}]}");
    let events = story.succeed("a[2]");
    let names: Vec<_> = events.iter().filter_map(|event| event.execution()).collect();
    assert!(names.iter().all(|name| name.to_string() == "a[2]"), "{names:?}");
}
