//! Concurrency groups.

use jiff::Timestamp;
use pipeline::model::OnConflict;
use uuid::Uuid;

use super::{given_with, start};
use crate::admission::{Group, NO_ROOM, Occupant, Policy, REPLACED, Stand, Step, Turn, admit};
use crate::command::{Command, Create};
use crate::id::RunId;

fn run(n: u128, stand: Stand, on_conflict: OnConflict, limit: u32) -> Occupant {
    Occupant {
        run: RunId(Uuid::from_u128(n)),
        group: Some(Group { name: "g".into(), limit, on_conflict }),
        turn: None,
        since: Timestamp::from_second(i64::try_from(n).unwrap()).unwrap(),
        stand,
    }
}

fn turn(task: &str, waits: bool) -> Turn {
    Turn {
        task: task.into(),
        waits,
        name: format!("{task}-1"),
        priority: 0,
        paths: Vec::new(),
        at: String::new(),
    }
}

fn steps(occupants: Vec<Occupant>) -> String {
    let steps = admit(occupants, &Policy::default()).into_iter().map(|step| match step {
        Step::Admit(id) => format!("+{}", id.0.as_u128()),
        Step::Cancel(id, why) if why == REPLACED => format!("-{}", id.0.as_u128()),
        Step::Cancel(id, why) => {
            assert_eq!(why, NO_ROOM);
            format!("x{}", id.0.as_u128())
        }
    });
    steps.collect::<Vec<_>>().join(" ")
}

#[test]
fn who_may_start() {
    use OnConflict::{CancelNew, CancelRunning, Queue};
    use Stand::{Inside, Leaving, Paused, Waiting};
    let table: Vec<(&str, Vec<Occupant>, &str)> = vec![
        ("an empty group", vec![run(1, Waiting, Queue, 1)], "+1"),
        (
            "in order",
            vec![run(3, Waiting, Queue, 2), run(1, Waiting, Queue, 2), run(2, Waiting, Queue, 2)],
            "+1 +2",
        ),
        ("full", vec![run(1, Inside, Queue, 1), run(2, Waiting, Queue, 1)], ""),
        ("a leaver still occupies", vec![run(1, Leaving, Queue, 1), run(2, Waiting, Queue, 1)], ""),
        (
            "a paused one is passed over",
            vec![run(1, Paused, Queue, 1), run(2, Waiting, Queue, 1)],
            "+2",
        ),
        ("refuse the new", vec![run(1, Inside, CancelNew, 1), run(2, Waiting, CancelNew, 1)], "x2"),
        (
            "take the new when there is room",
            vec![run(1, Inside, CancelNew, 2), run(2, Waiting, CancelNew, 2)],
            "+2",
        ),
        (
            "replace the running one",
            vec![run(1, Inside, CancelRunning, 1), run(2, Waiting, CancelRunning, 1)],
            "-1",
        ),
        (
            "ask only once",
            vec![run(1, Leaving, CancelRunning, 1), run(2, Waiting, CancelRunning, 1)],
            "",
        ),
        (
            "the newest replaces all",
            vec![
                run(1, Inside, CancelRunning, 1),
                run(2, Waiting, CancelRunning, 1),
                run(3, Waiting, CancelRunning, 1),
            ],
            "-2 -1",
        ),
        (
            "one place each",
            vec![
                run(1, Inside, CancelRunning, 2),
                run(2, Leaving, CancelRunning, 2),
                run(3, Waiting, CancelRunning, 2),
                run(4, Waiting, CancelRunning, 2),
            ],
            "-1",
        ),
        ("a limit of zero is one", vec![run(1, Waiting, Queue, 0)], "+1"),
    ];
    for (says, occupants, wanted) in table {
        assert_eq!(steps(occupants), wanted, "{says}");
    }
}

#[test]
fn runs_of_one_task_take_turns() {
    use Stand::{Inside, Leaving, Paused, Waiting};
    let of = |n: u128, task: &str, waits: bool, stand: Stand| Occupant {
        group: None,
        turn: Some(turn(task, waits)),
        ..run(n, stand, OnConflict::Queue, 1)
    };
    let grouped = |n: u128, task: &str, stand: Stand| Occupant {
        turn: Some(turn(task, true)),
        ..run(n, stand, OnConflict::Queue, 1)
    };
    let table: Vec<(&str, Vec<Occupant>, &str)> = vec![
        ("nobody is there", vec![of(1, "t", true, Waiting)], "+1"),
        ("one goes on", vec![of(1, "t", true, Inside), of(2, "t", true, Waiting)], ""),
        ("one is leaving", vec![of(1, "t", true, Leaving), of(2, "t", true, Waiting)], ""),
        ("in order", vec![of(3, "t", true, Waiting), of(2, "t", true, Waiting)], "+2"),
        ("another task", vec![of(1, "t", true, Inside), of(2, "u", true, Waiting)], "+2"),
        (
            "one that was held is first",
            vec![of(1, "t", true, Paused), of(2, "t", true, Waiting)],
            "",
        ),
        (
            "an older one that is retried",
            vec![of(1, "t", true, Waiting), of(2, "t", true, Inside)],
            "",
        ),
        (
            "beside those that allow it",
            vec![of(1, "t", false, Inside), of(2, "t", true, Waiting)],
            "",
        ),
        (
            "no turn, no place in the group",
            vec![of(1, "t", true, Inside), grouped(2, "t", Waiting), grouped(3, "u", Waiting)],
            "+3",
        ),
        (
            "a turn, and no place in the group",
            vec![grouped(1, "u", Inside), grouped(2, "t", Waiting)],
            "",
        ),
    ];
    for (says, occupants, wanted) in table {
        assert_eq!(steps(occupants), wanted, "{says}");
    }
}

/// SEMANTICS 12, number 1: however a run ends, its place is free and the next one starts.
#[test]
fn occupancy_is_derived_so_the_next_run_starts_however_this_one_ended() {
    let yaml = "{name: p, concurrency: g, stages: [{name: a, run: exit 0, effects: once}]}";
    let ends: [fn(&mut super::Story); 5] = [
        |story| drop(story.succeed("a")),
        |story| drop(story.fail("a")),
        |story| {
            story.cancel();
            story.lose("a");
        },
        |story| {
            story.lose("a");
            story.cancel();
        },
        |story| {
            story.pause(true);
            story.stopped("a", crate::command::StopReason::Paused);
            story.cancel();
        },
    ];
    for (at, end) in ends.into_iter().enumerate() {
        let mut first = given_with(yaml, start());
        let second = given_with(yaml, Create { run: RunId(Uuid::from_u128(2)), ..start() });
        let ask = |first: &super::Story| {
            admit(
                [second.run.occupant(), first.run.occupant()].into_iter().flatten(),
                &Policy::default(),
            )
        };
        let id = first.run.header().unwrap().run;
        assert_eq!(ask(&first), [Step::Admit(id)]);
        first.when(Command::Admit);
        assert_eq!(ask(&first), []);
        end(&mut first);
        assert!(first.run.is_finished(), "end {at}: {}", first.rows());
        assert_eq!(ask(&first), [Step::Admit(second.run.header().unwrap().run)], "end {at}");
    }
}
