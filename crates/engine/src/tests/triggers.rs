//! What starts a stage beside its dependencies.

use serde_json::{Value as Json, json};

use super::{Story, given, given_with, inputs, parse, start};
use crate::command::{Advance, Vote};
use crate::event::{Decision, Occurrence, Person};
use crate::{Command, Event, Rejection};

pub(super) fn occurrence(id: &str, kind: &str, data: Json) -> Occurrence {
    Occurrence { id: id.into(), kind: kind.into(), data, source: "user:ana".into() }
}

impl Story {
    pub(super) fn deliver(&mut self, id: &str, kind: &str, data: Json) -> Vec<Event> {
        self.when(Command::Deliver { occurrence: Box::new(occurrence(id, kind, data)) })
    }

    pub(super) fn env(&self, execution: &str, name: &str) -> Json {
        let task = self.run.task(&self.attempt(execution)).unwrap();
        let pieces = serde_json::to_value(&task.env[name]).unwrap();
        pieces[0]["plain"].clone()
    }
}

fn by(name: &str) -> Person {
    Person { name: name.into(), ..Person::default() }
}

const RELEASE: &str = "name: p
stages:
  - {name: build, run: exit 0}
  - name: deploy
    depends_on: build
    triggers: [{event: go, filter: 'event.to == \"prod\"'}]
    run: ./deploy
    env: {WHO: '${event.who}', KIND: '${item.type}'}
";

#[test]
fn a_stage_waits_for_its_event_and_sees_it() {
    let mut story = given(RELEASE);
    story.then("running", "build=running deploy=blocked");
    story.succeed("build");
    story.then("waiting", "build=succeeded deploy=listening");
    assert_eq!(story.detail("deploy"), "waits for an event `go`");
    assert_eq!(story.run.trigger_words("deploy"), ["an event `go`"]);
    story.deliver("e1", "go", json!({"to": "test", "who": "bo"}));
    story.then("waiting", "build=succeeded deploy=listening");
    assert_eq!(
        story.detail("deploy"),
        "waits for an event `go`, but the one that came does not match: \
         `event.to == \"prod\"` does not hold"
    );
    story.deliver("e2", "go", json!({"to": "prod", "who": "cy"}));
    story.then("running", "build=succeeded deploy=running");
    assert_eq!(
        (story.env("deploy", "WHO"), story.env("deploy", "KIND")),
        (json!("cy"), json!("go"))
    );
    let event = story.run.events().nth(1).unwrap();
    assert_eq!(event.started[0].to_string(), "deploy");
    story.succeed("deploy");
    assert_eq!(story.status(), "succeeded");
}

/// SEMANTICS 12, number 7.
#[test]
fn an_event_just_before_the_wait_is_consumed_and_the_same_delivery_counts_once() {
    let mut story = given(RELEASE);
    let go = json!({"to": "prod", "who": "bo"});
    assert_eq!(story.deliver("e1", "go", go.clone()).len(), 1);
    assert!(story.deliver("e1", "go", go.clone()).is_empty(), "the same delivery");
    story.succeed("build");
    story.then("running", "build=succeeded deploy=running");
    let refusal =
        story.refused(Command::Deliver { occurrence: Box::new(occurrence("e2", "go", go)) });
    assert_eq!(
        refusal.to_string(),
        "no stage of this run listens to `go`: `deploy` waits for no more of them"
    );
    let refusal =
        story.refused(Command::Deliver { occurrence: Box::new(occurrence("e3", "no", json!({}))) });
    assert_eq!(refusal.to_string(), "no stage of this run listens to `no`: they wait for `go`");
    assert_eq!(story.run.events().count(), 1);
}

#[test]
fn any_of_its_triggers_starts_a_stage_and_none_left_skips_it() {
    let yaml = "name: p
inputs: {force: {type: boolean, default: false}}
stages:
  - {name: plan, depends_on: [], run: exit 0, on_failure: continue}
  - {name: check, depends_on: [], run: exit 0}
  - name: after
    triggers:
      - {completion: plan, success_only: true}
      - {condition: inputs.force && stages.check.outcome == 'failed', variables: [force]}
    run: exit 0
";
    let mut story = given(yaml);
    story.then("running", "plan=running check=running after=listening");
    story.succeed("plan");
    assert_eq!(story.live(), "check after");
    // A failed one with `continue` counts as good.
    let mut story = given(&yaml.replace(", on_failure: continue", ", on_failure: isolate"));
    story.fail("plan");
    story.then("running", "plan=failed check=running after=listening");
    let events = story.succeed("check");
    assert!(events.iter().any(|event| event.name() == "stage.settled"));
    story.then("failed", "plan=failed check=succeeded after=skipped");
    assert_eq!(
        story.detail("after"),
        "it needed `plan` to succeed, but it failed or `inputs.force && stages.check.outcome == \
         'failed'` to hold"
    );
}

#[test]
fn a_condition_is_judged_again_when_a_stage_it_reads_settles() {
    let mut story = given_with(
        "name: p
inputs: {limit: integer}
stages:
  - {name: measure, depends_on: [], run: exit 0, outputs: {n: integer}}
  - {name: slow, depends_on: [], run: exit 0}
  - name: alarm
    triggers: [{condition: stages.measure.outputs.n > inputs.limit, variables: [limit]}]
    run: exit 0
",
        inputs(json!({"limit": 3})),
    );
    assert_eq!(story.live(), "measure slow");
    let events = story.succeed_with("measure", json!({"n": 5}));
    let fired = events.iter().find_map(|event| {
        let Event::StageTriggered { stage, fired } = event else { return None };
        Some((stage.to_string(), fired.by.clone()))
    });
    assert_eq!(
        fired.unwrap(),
        ("alarm".into(), "`stages.measure.outputs.n > inputs.limit`".into())
    );
    assert_eq!(story.live(), "slow alarm");
}

#[test]
fn all_triggers_have_to_fire_whatever_their_order() {
    let yaml = "name: p
stages:
  - {name: plan, depends_on: [], run: exit 0}
  - name: go
    triggers: {all: [{completion: plan, success_only: true}, {event: a}, {event: b}, {manual: true}]}
    run: exit 0
    env: {X: '${event.x}'}
";
    let mut story = given(yaml);
    story.deliver("1", "b", json!({"x": "first"}));
    story.then("running", "plan=running go=listening");
    let advance = |name: &str| Command::Advance(Advance { by: by(name), execution: None });
    story.when(advance("bo"));
    assert_eq!(
        story.run.trigger_words("go"),
        ["`plan` to succeed", "an event `a`"],
        "what has fired is not waited for"
    );
    let refusal = story.refused(advance("bo"));
    assert!(matches!(refusal, Rejection::NothingHeld { .. }), "{refusal}");
    story.deliver("2", "a", json!({"x": "second"}));
    story.succeed("plan");
    assert_eq!(story.live(), "go");
    assert_eq!(story.env("go", "X"), json!("second"), "the newest event is the one that is seen");
    let mut story = given(yaml);
    story.fail("plan");
    story.then("failed", "plan=failed go=not_run");
}

#[test]
fn a_manual_trigger_needs_somebody() {
    let mut story = given(
        "name: p
stages:
  - {name: build, run: exit 0}
  - {name: ship, depends_on: build, triggers: [{manual: true}], run: exit 0}
",
    );
    let ship = || Some("ship".parse().unwrap());
    let advance = Command::Advance(Advance { by: by("bo"), execution: ship() });
    let refusal = story.refused(advance.clone());
    assert!(matches!(refusal, Rejection::NothingHeld { .. }), "{refusal}");
    story.succeed("build");
    story.then("waiting", "build=succeeded ship=listening");
    assert_eq!(story.detail("ship"), "waits for somebody to start it");
    story.pause(false);
    assert_eq!(story.refused(advance.clone()), Rejection::Paused);
    story.resume();
    story.when(advance.clone());
    assert_eq!(story.live(), "ship");
    story.fail("ship");
    // Other work has to be started anew.
    story.retry(None);
    story.then("waiting", "build=succeeded ship=listening");
    story.when(advance);
    assert_eq!(story.live(), "ship");
}

#[test]
fn a_listening_stage_ends_with_its_run() {
    let mut story = given(RELEASE);
    story.succeed("build");
    story.cancel();
    story.then("cancelled", "build=succeeded deploy=not_run");
    let mut story = given(
        "name: p
stages:
  - {name: bad, depends_on: [], run: exit 1}
  - {name: wait, depends_on: [], triggers: [{event: x}], run: exit 0}
",
    );
    story.fail("bad");
    story.then("failed", "bad=failed wait=not_run");
    assert_eq!(story.detail("wait"), "the run halted because `bad` failed");
}

#[test]
fn a_rule_that_cannot_hold_waits_for_no_trigger() {
    let mut story = given(
        "name: p
stages:
  - {name: a, depends_on: [], run: exit 1, on_failure: isolate}
  - {name: b, depends_on: a, triggers: [{event: x}], run: exit 0}
",
    );
    story.fail("a");
    story.then("failed", "a=failed b=not_run");
    assert!(!story.kinds().contains(&"stage.listening"));
}

#[test]
fn after_a_retry_an_event_of_before_still_counts() {
    let mut story = given(RELEASE);
    story.succeed("build");
    story.deliver("e1", "go", json!({"to": "prod", "who": "bo"}));
    story.fail("deploy");
    story.retry(None);
    assert_eq!(story.live(), "deploy");
    assert_eq!(story.env("deploy", "WHO"), json!("bo"));
}

/// An event costs the stages that listen to its type, and no others.
#[test]
fn events_find_their_stages_by_type() {
    let mut yaml = "name: p\nstages:\n  - {name: s, depends_on: [], run: exit 0}\n".to_owned();
    for n in 0..1_000 {
        yaml.push_str(&format!("  - {{name: t{n}, triggers: [{{event: k{n}}}], noop: true}}\n"));
    }
    let pipeline = parse(&yaml);
    let mut run = crate::Run::new(pipeline);
    let now = "2026-01-01T00:00:00Z".parse().unwrap();
    run.handle(Command::Create(Box::new(start())), now).unwrap();
    for n in 0..1_000 {
        let event = occurrence(&format!("e{n}"), &format!("k{n}"), json!({}));
        let stored = run.handle(Command::Deliver { occurrence: Box::new(event) }, now).unwrap();
        let names: Vec<_> = stored.iter().map(|stamped| stamped.event.name()).collect();
        assert_eq!(
            names,
            [
                "event.received",
                "stage.triggered",
                "stage.ready",
                "execution.settled",
                "stage.settled"
            ]
        );
    }
}

const APPROVED: &str = "name: p
stages:
  - {name: build, run: exit 0}
  - name: ship
    depends_on: build
    triggers: [{manual: {approval: {approvers: [bo], instructions: 'Ship it?'}}}, {event: hotfix}]
    run: exit 0
";

fn vote(story: &Story, decision: Decision) -> Command {
    let gates = story.run.gates();
    let gate = gates.iter().find(|gate| gate.id.execution.stage.as_ref() == "ship").unwrap();
    Command::Vote(Box::new(Vote {
        gate: gate.id.clone(),
        by: by("bo"),
        decision,
        comment: "because".into(),
        digest: None,
        alone: false,
    }))
}

#[test]
fn an_approval_starts_a_stage_and_a_rejection_fails_it() {
    let mut story = given(APPROVED);
    story.succeed("build");
    story.then("waiting", "build=succeeded ship=waiting_approval");
    let approve = vote(&story, Decision::Approve);
    let events = story.when(approve);
    assert!(events.iter().any(|event| matches!(
        event,
        Event::StageTriggered { fired, .. } if fired.by == "bo"
    )));
    assert_eq!(story.live(), "ship");
    let mut story = given(APPROVED);
    story.succeed("build");
    let reject = vote(&story, Decision::Reject);
    story.when(reject);
    story.then("failed", "build=succeeded ship=failed");
    assert_eq!(story.detail("ship"), "rejected by bo: because");
    // What else starts it makes the question void.
    let mut story = given(APPROVED);
    story.succeed("build");
    let late = vote(&story, Decision::Approve);
    story.deliver("1", "hotfix", json!({}));
    assert_eq!(story.live(), "ship");
    story.refused(late);
    story.succeed("ship");
    assert_eq!(story.status(), "succeeded");
}
