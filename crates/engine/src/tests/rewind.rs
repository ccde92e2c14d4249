//! Going back to a stage, and thinking better of it.

use serde_json::json;

use super::{Story, exited, given, seconds};
use crate::command::{Command, End, Rejection, Report, Rewind, StopReason, Vote};
use crate::event::{Decision, Event, GateId, GateKind, Person, Resolution};

const CHAIN: &str = "name: p
stages:
  - {name: a, depends_on: [], run: exit 0}
  - {name: b, depends_on: a, run: exit 0, outputs: {n: integer}}
  - {name: c, depends_on: b, run: exit 0}
  - {name: d, depends_on: c, run: exit 0}
  - {name: side, depends_on: a, run: exit 0}
finally: [{name: z, run: exit 0}]
";

fn to(stage: &str, inclusive: bool, pause: bool) -> Command {
    Command::Rewind(Rewind { by: "ana".into(), to: stage.into(), inclusive, pause })
}

fn undo() -> Command {
    Command::UndoRewind { by: "ana".into() }
}

fn until_d() -> Story {
    let mut story = given(CHAIN);
    story.succeed("a");
    story.succeed("side");
    story.succeed_with("b", json!({"n": 1}));
    story.succeed("c");
    story
}

#[test]
fn what_descends_is_superseded_and_done_again_and_the_rest_stays() {
    let mut story = until_d();
    story.when(to("b", false, false));
    story
        .then("running", "a=succeeded b=succeeded c=succeeded d=stopping side=succeeded z=blocked");
    assert_eq!(story.stops(), [("d".to_owned(), StopReason::Superseded)]);
    assert_eq!(
        story.refused(to("b", true, false)).to_string(),
        "cannot go back to `b`: the run is going back already"
    );
    let events = story.stopped("d", StopReason::Superseded);
    assert!(matches!(events[1], Event::RunRewound { .. }), "{events:#?}");
    story.then("running", "a=succeeded b=succeeded c=running d=blocked side=succeeded z=blocked");
    assert_eq!(story.attempt("c").number, 2, "numbers go on");
    let row = story.run.row(&"c".parse().unwrap()).unwrap();
    let seen: Vec<(u32, bool)> = row.attempts.iter().map(|a| (a.number, a.superseded)).collect();
    assert_eq!(seen, [(1, true), (2, false)]);
    assert!(!story.run.row(&"b".parse().unwrap()).unwrap().attempts[0].superseded);
    story.succeed("c");
    story.succeed("d");
    story.succeed("z");
    assert_eq!(story.status(), "succeeded");
    assert_eq!(story.run.progress().settled, 6);
}

#[test]
fn inclusive_does_the_stage_itself_again() {
    let mut story = until_d();
    story.when(to("b", true, false));
    story.stopped("d", StopReason::Superseded);
    story.then("running", "a=succeeded b=running c=blocked d=blocked side=succeeded z=blocked");
}

#[test]
fn what_ends_before_it_is_stopped_is_superseded_all_the_same() {
    let mut story = until_d();
    story.when(to("b", false, false));
    story.succeed("d");
    story.then("running", "a=succeeded b=succeeded c=running d=blocked side=succeeded z=blocked");
    let mut story = until_d();
    story.when(to("b", false, false));
    story.fail("d");
    story.then("running", "a=succeeded b=succeeded c=running d=blocked side=succeeded z=blocked");
    assert!(story.run.halted_by().is_none(), "its failure counts no more");
}

#[test]
fn while_it_stops_nothing_starts_but_others_may_end() {
    let mut story = given(CHAIN);
    story.succeed("a");
    story.succeed_with("b", json!({"n": 1}));
    story.when(to("b", false, false));
    story.succeed("side");
    story.then("running", "a=succeeded b=succeeded c=stopping d=blocked side=succeeded z=blocked");
    story.stopped("c", StopReason::Superseded);
    story.then("running", "a=succeeded b=succeeded c=running d=blocked side=succeeded z=blocked");
}

#[test]
fn a_finished_run_goes_on_and_what_did_not_succeed_is_tried_again() {
    let mut story = until_d();
    story.fail("d");
    story.succeed("z");
    assert_eq!(story.status(), "failed");
    story.when(to("b", false, false));
    story.then("running", "a=succeeded b=succeeded c=running d=blocked side=succeeded z=blocked");
    story.succeed("c");
    story.succeed("d");
    story.succeed("z");
    assert_eq!(story.status(), "succeeded");
    // Of a halted run also what the halt kept from running, elsewhere.
    let mut story =
        given(&CHAIN.replace("{name: side, depends_on: a,", "{name: side, depends_on: d,"));
    story.succeed("a");
    story.fail("b");
    story.succeed("z");
    story.then("failed", "a=succeeded b=failed c=not_run d=not_run side=not_run z=succeeded");
    story.when(to("a", false, false));
    story.then("running", "a=succeeded b=running c=blocked d=blocked side=blocked z=blocked");
}

#[test]
fn a_halted_run_goes_on() {
    let mut story = given(CHAIN);
    story.succeed("a");
    story.fail("b");
    story.then("running", "a=succeeded b=failed c=not_run d=not_run side=running z=blocked");
    story.when(to("b", true, false));
    story.then("running", "a=succeeded b=running c=blocked d=blocked side=running z=blocked");
    assert!(story.run.halted_by().is_none());
    story.succeed("side");
    story.succeed_with("b", json!({"n": 2}));
    assert_eq!(story.live(), "c");
}

#[test]
fn what_fails_elsewhere_while_it_stops_still_halts() {
    let mut story = given(CHAIN);
    story.succeed("a");
    story.succeed_with("b", json!({"n": 1}));
    story.when(to("b", false, false));
    story.fail("side");
    story.stopped("c", StopReason::Superseded);
    story.then("running", "a=succeeded b=succeeded c=not_run d=not_run side=failed z=running");
}

#[test]
fn it_can_be_undone_until_new_work_starts() {
    let mut story = until_d();
    assert_eq!(
        story.refused(undo()),
        Rejection::NothingToUndo { reason: "the run never went back".into() }
    );
    story.succeed("d");
    story.succeed("z");
    let before = story.rows();
    story.when(to("a", true, true));
    story.then("paused", "a=blocked b=blocked c=blocked d=blocked side=blocked z=blocked");
    assert!(story.run.can_undo_rewind());
    story.when(undo());
    story.then("succeeded", &before);
    assert!(!story.run.row(&"c".parse().unwrap()).unwrap().attempts[0].superseded);
    assert_eq!(story.run.progress().succeeded, 6);
    assert!(story.run.paused_at().is_none());
    // Not after an attempt was scheduled.
    story.when(to("b", false, false));
    let refusal = story.refused(undo());
    assert_eq!(refusal, Rejection::NothingToUndo { reason: "new work has started since".into() });
}

#[test]
fn undone_what_was_stopped_is_started_again_and_nothing_is_lost() {
    let mut story = until_d();
    story.when(to("a", true, true));
    assert!(story.refused(undo()).to_string().contains("still being stopped"));
    story.stopped("d", StopReason::Superseded);
    story.then("paused", "a=blocked b=blocked c=blocked d=blocked side=blocked z=blocked");
    story.wait(seconds(60)).when(undo());
    story.then("running", "a=succeeded b=succeeded c=succeeded d=running side=succeeded z=blocked");
    assert_eq!(story.attempt("d").number, 2);
    assert_eq!(story.run.row(&"b".parse().unwrap()).unwrap().outputs, Some(&json!({"n": 1})));
    story.succeed("d");
    story.succeed("z");
    assert_eq!(story.status(), "succeeded");
}

#[test]
fn undone_what_ended_elsewhere_meanwhile_stays_ended() {
    let mut story = given(CHAIN);
    story.succeed("a");
    story.succeed_with("b", json!({"n": 1}));
    story.when(to("b", false, true));
    story.stopped("c", StopReason::Superseded);
    story.then("paused", "a=succeeded b=succeeded c=blocked d=blocked side=running z=blocked");
    story.succeed("side");
    story.when(undo());
    story.then("running", "a=succeeded b=succeeded c=running d=blocked side=succeeded z=blocked");
}

#[test]
fn a_backoff_that_was_superseded_comes_back_with_its_time_left() {
    let yaml = "name: p
stages:
  - {name: a, depends_on: [], run: exit 0}
  - {name: b, depends_on: a, run: exit 0, retry: {max_attempts: 3, backoff: {kind: constant, initial: 10s}}}
";
    let mut story = given(yaml);
    story.succeed("a");
    story.fail("b");
    let left = |story: &Story| {
        let timer = story.run.desired().timers[0].clone();
        timer.due.duration_since(story.now)
    };
    let before = left(&story);
    story.when(to("a", false, true));
    assert!(story.run.desired().timers.is_empty());
    story.wait(seconds(1000)).when(undo());
    assert_eq!(left(&story), before);
    story.fire();
    assert_eq!(story.attempt("b").number, 2);
}

#[test]
fn cancelled_while_it_goes_back_it_is_cancelled() {
    let mut story = until_d();
    story.when(to("b", false, false));
    story.cancel();
    story.then(
        "cancelling",
        "a=succeeded b=succeeded c=succeeded d=stopping side=succeeded z=blocked",
    );
    story.stopped("d", StopReason::Superseded);
    story.succeed("z");
    story.then(
        "cancelled",
        "a=succeeded b=succeeded c=succeeded d=cancelled side=succeeded z=succeeded",
    );
    let mut story = until_d();
    story.when(to("b", false, true));
    story.stopped("d", StopReason::Superseded);
    story.cancel();
    assert!(matches!(story.refused(undo()), Rejection::NothingToUndo { .. }));
}

#[test]
fn refusals_name_the_reason() {
    let mut story = until_d();
    let table = [
        ("x", false, "no stage is called `x`"),
        ("z", true, "`finally` stages come again by themselves"),
        ("d", false, "it has not ended; `inclusive` does it again"),
        ("side", false, "nothing after it has begun"),
    ];
    for (stage, inclusive, says) in table {
        let refusal = story.refused(to(stage, inclusive, false));
        assert!(refusal.to_string().contains(says), "{refusal}");
        assert_eq!(story.run.rewind_impact(stage, inclusive).refused, Some(refusal));
    }
    let mut story = given(CHAIN);
    let refusal = story.refused(to("b", true, false));
    assert_eq!(refusal.to_string(), "cannot go back to `b`: it has not run");
    story.fail("a");
    story.succeed("z");
    let refusal = story.refused(to("a", false, false));
    assert!(refusal.to_string().contains("it did not succeed"), "{refusal}");
    story.when(to("a", true, false));
    story.cancel();
    assert!(story.refused(to("a", true, false)).to_string().contains("being cancelled"));
    let mut story = given(&CHAIN.replace("{name: c, ", "{name: c, effects: once, "));
    story.succeed("a");
    story.succeed_with("b", json!({"n": 1}));
    story.lose("c");
    let refusal = story.refused(to("b", false, false));
    assert!(refusal.to_string().contains("`c` needs a decision first"), "{refusal}");
}

#[test]
fn a_superseded_attempt_of_unknown_outcome_is_decided_first() {
    let mut story = given(&CHAIN.replace("{name: c, ", "{name: c, effects: once, "));
    story.succeed("a");
    story.succeed("side");
    story.succeed_with("b", json!({"n": 1}));
    story.when(to("b", false, false));
    story.lose("c");
    story.then("waiting", "a=succeeded b=succeeded c=unknown d=blocked side=succeeded z=blocked");
    story.resolve("c", crate::command::Verdict::Succeeded);
    story.then("running", "a=succeeded b=succeeded c=running d=blocked side=succeeded z=blocked");
}

#[test]
fn the_impact_says_what_would_happen() {
    let story = until_d();
    let impact = story.run.rewind_impact("b", true);
    let says: Vec<String> =
        impact.steps.iter().map(|step| format!("{} {}", step.stage, step.what)).collect();
    assert_eq!(says, ["b is done again", "c is done again", "d is stopped and done again"]);
    assert_eq!(impact.refused, None);
}

#[test]
fn a_paused_run_goes_back_and_stays_paused() {
    let mut story = until_d();
    story.pause(false);
    story.when(to("b", false, false));
    story.stopped("d", StopReason::Superseded);
    story.then("paused", "a=succeeded b=succeeded c=blocked d=blocked side=succeeded z=blocked");
    story.when(undo());
    assert_eq!(story.status(), "paused", "it was before");
    story.resume();
    assert_eq!(story.live(), "d");
}

#[test]
fn stale_reports_of_superseded_attempts_change_nothing() {
    let mut story = until_d();
    let d = story.attempt("d");
    story.when(to("b", false, false));
    story.stopped("d", StopReason::Superseded);
    story.succeed("c");
    let late = Command::Report { attempt: d, report: exited(End::Code(0)) };
    assert!(matches!(story.refused(late), Rejection::Stale { .. }));
}

const GATED: &str = "name: p
stages:
  - {name: a, depends_on: [], run: exit 0}
  - {name: b, depends_on: a, run: exit 0, requires_approval: true}
  - {name: c, depends_on: b, run: exit 0}
";

fn vote(generation: u32) -> Command {
    Command::Vote(Box::new(Vote {
        gate: GateId { execution: "b".parse().unwrap(), kind: GateKind::Start, generation },
        by: Person { name: "bo".into(), ..Person::default() },
        decision: Decision::Approve,
        comment: String::new(),
        digest: None,
        alone: false,
    }))
}

#[test]
fn open_gates_are_void_and_are_asked_anew_also_after_an_undo() {
    let mut story = given(GATED);
    story.succeed("a");
    story.then("waiting", "a=succeeded b=waiting_approval c=blocked");
    let events = story.when(to("a", true, true));
    assert!(events.iter().any(|event| matches!(
        event,
        Event::GateResolved { resolution: Resolution::Void { .. }, .. }
    )));
    assert!(matches!(story.refused(vote(1)), Rejection::Paused | Rejection::GateResolved { .. }));
    story.when(undo());
    story.then("waiting", "a=succeeded b=waiting_approval c=blocked");
    assert!(matches!(story.refused(vote(1)), Rejection::GateResolved { .. }));
    story.when(vote(2));
    story.then("running", "a=succeeded b=running c=blocked");
    // A gate that opened after the rewind is void when it is undone.
    story.succeed("b");
    story.when(to("a", false, false));
    story.stopped("c", StopReason::Superseded);
    story.then("waiting", "a=succeeded b=waiting_approval c=blocked");
    story.when(undo());
    story.then("running", "a=succeeded b=succeeded c=running");
    assert!(matches!(story.refused(vote(3)), Rejection::GateResolved { .. }));
    // A vote ends the time in which it can be undone.
    story.when(to("a", false, false));
    story.stopped("c", StopReason::Superseded);
    story.when(vote(4));
    assert!(matches!(story.refused(undo()), Rejection::NothingToUndo { .. }));
}

const FED: &str = "name: p
stages:
  - name: plan
    depends_on: []
    run: exit 0
    outputs: {specs: list}
    emit: [{event: spec.ready, foreach: '${outputs.specs}', data: {spec: '${item}'}}]
  - name: build
    triggers: [{event: spec.ready}]
    parallel_instances: 2
    run: exit 0
  - {name: last, depends_on: build, run: exit 0}
";

#[test]
fn a_fed_stage_takes_the_remembered_events_again() {
    let mut story = given(FED);
    story.succeed_with("plan", json!({"specs": ["x", "y", "z"]}));
    story.succeed("build[1]");
    story.succeed("build[2]");
    story.succeed("build[3]");
    story.then("running", "plan=succeeded build=succeeded build[1]=succeeded build[2]=succeeded build[3]=succeeded last=running");
    story.when(to("plan", false, false));
    story.stopped("last", StopReason::Superseded);
    story.then("running", "plan=succeeded build=running build[1]=running build[2]=running build[3]=queued last=blocked");
    // The emitter itself again: its events are new ones.
    story.when(to("plan", true, true));
    story.stopped("build[1]", StopReason::Superseded);
    story.stopped("build[2]", StopReason::Superseded);
    story.then("paused", "plan=blocked build=blocked last=blocked");
    let past = story.run.row(&"build[3]".parse().unwrap()).expect("what it left is still known");
    assert!(past.attempts.iter().all(|attempt| attempt.superseded));
    assert_eq!(story.run.past_instances("build"), 3);
    assert!(story.run.row(&"build[4]".parse().unwrap()).is_none());
    let mut other = Story {
        run: story.run.clone(),
        pipeline: story.pipeline.clone(),
        journal: story.journal.clone(),
        now: story.now,
    };
    other.resume();
    other.succeed_with("plan", json!({"specs": ["q"]}));
    other.then("running", "plan=succeeded build=running build[1]=running last=blocked");
    other.succeed("build[1]");
    other.then("running", "plan=succeeded build=succeeded build[1]=succeeded last=running");
    story.when(undo());
    story.then("running", "plan=succeeded build=running build[1]=running build[2]=queued build[3]=running last=blocked");
    for n in [1, 3, 2] {
        story.succeed(&format!("build[{n}]"));
    }
    story.succeed("last");
    assert_eq!(story.status(), "succeeded");
}

#[test]
fn after_a_rollback_what_was_undone_is_done_again() {
    let yaml = "name: p
stages:
  - {name: a, depends_on: [], run: exit 0}
  - {name: b, depends_on: a, run: exit 0, rollback: exit 0}
  - {name: c, depends_on: b, run: exit 0, on_failure: rollback, rollback_to: b}
";
    let mut story = given(yaml);
    story.succeed("a");
    story.succeed("b");
    story.fail("c");
    assert!(story.refused(to("b", true, false)).to_string().contains("a rollback is under way"));
    assert!(story.refused(to("b.rollback", true, false)).to_string().contains("it undoes `b`"));
    story.succeed("b.rollback");
    story.then("failed", "a=succeeded b=succeeded c=failed b.rollback=succeeded");
    // Also when only what follows is named: it builds on what is no longer there.
    story.when(to("b", false, true));
    story.then("paused", "a=succeeded b=blocked c=blocked");
    assert!(story.run.rollback().is_none());
    story.when(undo());
    story.then("failed", "a=succeeded b=succeeded c=failed b.rollback=succeeded");
    assert!(story.run.rollback().is_some());
    story.when(to("a", false, false));
    story.then("running", "a=succeeded b=running c=blocked");
}

/// At every event: the journal up to it gives a run that the rest goes on from.
#[test]
fn every_prefix_of_a_rewind_can_be_folded() {
    let mut story = given(FED);
    story.succeed_with("plan", json!({"specs": ["x", "y", "z"]}));
    story.succeed("build[1]");
    story.when(to("plan", true, true));
    story.stopped("build[2]", StopReason::Superseded);
    story.report("build[3]", Report::Lost { message: "gone".into() });
    story.when(undo());
    story.when(to("plan", false, false));
    for at in 0..=story.journal.len() {
        let (known, rest) = story.journal.split_at(at);
        let mut run = crate::Run::replay(story.pipeline.clone(), known).unwrap();
        for stamped in rest {
            run.evolve(stamped).unwrap();
        }
        assert!(run == story.run);
    }
}
