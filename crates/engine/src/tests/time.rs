//! Timers and generations.

use super::{given, seconds};
use crate::command::{Command, Rejection, StopReason, TimerId, TimerKind};

const TOTAL: &str = "name: p
stages:
  - name: a
    run: exit 0
    total_timeout: 60s
    retry: {max_attempts: 9, backoff: {kind: constant, initial: 50s, jitter: false}}
";

/// SEMANTICS 12, number 5, the timers.
#[test]
fn a_timer_of_one_generation_cannot_act_on_the_next() {
    let mut story = given(
        "{name: p, stages: [{name: a, run: exit 0,
           retry: {max_attempts: 5, backoff: {kind: constant, initial: 10s, jitter: false}}}]}",
    );
    story.fail("a");
    let old = story.run.desired().timers[0].id.clone();
    assert_eq!((old.kind, old.generation), (TimerKind::Retry, 2));
    let early = story.refused(Command::Fire { timer: old.clone() });
    assert!(matches!(early, Rejection::NotDue { .. }));
    story.fire();
    assert_eq!(story.refused(Command::Fire { timer: old.clone() }), Rejection::StaleTimer);
    story.fail("a");
    // The next wait has begun; the old timer is long due and must not shorten it.
    assert_eq!(story.refused(Command::Fire { timer: old }), Rejection::StaleTimer);
    assert_eq!(story.rows(), "a=retrying");
    let unknown =
        TimerId { execution: "b".parse().unwrap(), kind: TimerKind::Retry, generation: 1 };
    assert_eq!(story.refused(Command::Fire { timer: unknown }), Rejection::StaleTimer);
}

#[test]
fn total_timeout_stops_the_attempt_that_runs() {
    let mut story = given(TOTAL);
    let timer = story.run.desired().timers[0].clone();
    assert_eq!(timer.due.duration_since(story.now).as_secs(), 60);
    story.fire();
    assert_eq!(story.stops(), [("a".to_owned(), StopReason::TotalTimeout)]);
    assert!(story.run.desired().timers.is_empty());
    assert_eq!(story.refused(Command::Fire { timer: timer.id }), Rejection::StaleTimer);
    story.stopped("a", StopReason::TotalTimeout);
    story.then("failed", "a=failed");
    assert_eq!(story.detail("a"), "all its attempts together took longer than 1 min");
}

#[test]
fn total_timeout_ends_a_backoff() {
    let mut story = given(TOTAL);
    story.wait(seconds(20)).fail("a");
    let kinds: Vec<_> = story.run.desired().timers.iter().map(|timer| timer.id.kind).collect();
    assert_eq!(kinds, [TimerKind::Retry, TimerKind::Total]);
    story.fire();
    story.then("failed", "a=failed");
}

#[test]
fn paused_time_is_not_in_the_total_timeout() {
    let mut story = given(TOTAL);
    story.wait(seconds(20)).pause(false);
    assert!(story.run.desired().timers.is_empty());
    story.wait(seconds(500)).resume();
    let timer = story.run.desired().timers[0].clone();
    assert_eq!(timer.due.duration_since(story.now).as_secs(), 40);
}

#[test]
fn a_wait_that_began_in_a_pause_begins_with_its_end() {
    let mut story = given(TOTAL);
    story.wait(seconds(5)).pause(false);
    story.wait(seconds(100)).fail("a");
    story.wait(seconds(100)).resume();
    let timers = story.run.desired().timers;
    assert_eq!(timers[0].due.duration_since(story.now).as_secs(), 50);
    assert_eq!(timers[1].due.duration_since(story.now).as_secs(), 55);
}

#[test]
fn a_clock_that_jumps_back_does_not_turn_the_journal_round() {
    let mut story = given(TOTAL);
    story.now = "2020-01-01T00:00:00Z".parse().unwrap();
    story.fail("a");
    assert!(story.journal.windows(2).all(|pair| pair[0].at <= pair[1].at));
}

#[test]
fn the_run_draws_its_waits_from_its_seed() {
    let yaml = "{name: p, stages: [{name: a, run: exit 0, retry: {max_attempts: 9}}]}";
    let mut dues = vec![];
    for _ in 0..2 {
        let mut story = given(yaml);
        story.fail("a");
        dues.push(story.run.desired().timers[0].due);
    }
    assert_eq!(dues[0], dues[1]);
}
