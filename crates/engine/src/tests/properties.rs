//! What holds for every pipeline: cost, and the journal at every cut.

use std::fmt::Write as _;

use super::{Story, given, start};
use crate::command::Command;
use crate::{Event, Run, Status};

/// SEMANTICS 12, number 1: a crash between any two stored batches finds the same live attempts.
#[test]
fn at_every_cut_of_the_journal_desired_is_what_was_scheduled_and_not_finished() {
    let mut story = given(
        "name: p
max_parallel: 2
stages:
  - {name: a, depends_on: [], foreach: {items: [1, 2, 3], max_parallel: 2}, run: exit 0, retry: {max_attempts: 2}}
  - {name: b, depends_on: [], run: exit 0, effects: once}
  - {name: c, depends_on: [a, b], run: exit 0}
finally: [{name: z, run: exit 0}]
",
    );
    story.fail("a[1]");
    story.lose("a[2]");
    story.fire();
    let mut guard = 0;
    while !story.run.is_finished() {
        guard += 1;
        assert!(guard < 100, "{}", story.rows());
        let live = story.live();
        match live.split(' ').next() {
            Some("b") => drop(story.lose("b")),
            Some("") | None => drop(story.resolve("b", crate::command::Verdict::Succeeded)),
            Some(name) => drop(story.succeed(name)),
        }
    }
    assert_eq!(story.status(), "succeeded");
    for cut in 0..=story.journal.len() {
        let run = Run::replay(story.pipeline.clone(), &story.journal[..cut]).unwrap();
        let mut live = std::collections::BTreeSet::new();
        for stamped in &story.journal[..cut] {
            if let Event::AttemptScheduled { attempt } = &stamped.event {
                live.insert(attempt.fence);
            }
            if let Event::AttemptFinished { attempt, .. } | Event::AttemptUnknown { attempt, .. } =
                &stamped.event
            {
                live.remove(&attempt.fence);
            }
        }
        let desired: Vec<u64> = run.desired().attempts.iter().map(|a| a.fence).collect();
        assert_eq!(desired, live.into_iter().collect::<Vec<_>>(), "after {cut} events");
        assert_eq!(run.desired(), run.desired());
    }
}

fn layered(stages: u32) -> String {
    let mut yaml = "name: p\nstages:\n  - {name: s0, depends_on: [], noop: true}\n".to_owned();
    for at in 1..stages {
        let deps: Vec<String> =
            (0..3).filter_map(|k| at.checked_sub(1 + 7 * k)).map(|dep| format!("s{dep}")).collect();
        let _ =
            writeln!(yaml, "  - {{name: s{at}, depends_on: [{}], noop: true}}", deps.join(", "));
    }
    yaml
}

/// Time would depend on the machine, so the number of steps is what is bounded here, and time
/// only very loosely: a look at all stages in each step would take minutes.
#[test]
fn ten_times_the_stages_cost_ten_times_the_steps() {
    let pipeline = super::parse(&layered(2_000));
    let mut run = Run::new(pipeline);
    let began = std::time::Instant::now();
    let events =
        run.handle(Command::Create(Box::new(start())), "2026-01-01T00:00:00Z".parse().unwrap());
    assert_eq!(events.unwrap().len(), 3 * 2_000 + 3);
    assert_eq!(run.status(), Status::Succeeded);
    assert!(began.elapsed().as_secs() < 5, "{:?}", began.elapsed());
}

/// `cargo test --release -p engine -- --ignored --nocapture speed`
#[test]
#[ignore = "a measurement"]
fn speed() {
    for stages in [1_000, 10_000] {
        let pipeline = super::parse(&layered(stages));
        let began = std::time::Instant::now();
        let mut run = Run::new(pipeline);
        let now = "2026-01-01T00:00:00Z".parse().unwrap();
        let events = run.handle(Command::Create(Box::new(start())), now).unwrap();
        let took = began.elapsed();
        println!("{stages} noop stages: {} events in {took:?}", events.len());
    }
}

#[test]
fn a_story_can_be_told_twice() {
    let tell = || -> Story {
        let mut story =
            given("{name: p, stages: [{name: a, run: exit 0, retry: {max_attempts: 2}}]}");
        story.fail("a");
        story.fire();
        story.succeed("a");
        story
    };
    assert_eq!(tell().journal, tell().journal);
}
