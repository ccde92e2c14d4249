//! Stages that get an instance for each event.

use serde_json::json;

use super::triggers::occurrence;
use super::{Story, given, given_with, start};
use crate::command::{Rewind, StopReason};
use crate::{Command, Event};

/// Twelve specs with dependencies, at most three at once: the cascade in small.
const CASCADE: &str = "name: p
stages:
  - name: specify
    depends_on: []
    run: ./specify
    outputs: {specs: list}
    emit: [{event: spec.ready, foreach: '${outputs.specs}', when: '!item.draft', data: {spec: '${item}'}}]
  - name: implement
    triggers: [{event: spec.ready, key: event.spec.id, needs: event.spec.needs}]
    parallel_instances: 3
    run: ./implement
    env: {ID: '${event.spec.id}'}
    outputs: {n: integer}
  - {name: report, depends_on: implement, run: exit 0, env: {ALL: '${stages.implement.outputs.items}'}}
";

fn spec(id: &str, needs: &[&str]) -> serde_json::Value {
    json!({"id": id, "needs": needs, "draft": false})
}

fn specs(story: &mut Story, specs: &[serde_json::Value]) -> Vec<Event> {
    story.succeed_with("specify", json!({"specs": specs}))
}

#[test]
fn each_event_gives_an_instance_that_waits_for_those_it_needs() {
    let mut story = given(CASCADE);
    story.then("running", "specify=running implement=listening report=blocked");
    let draft = json!({"id": "z", "needs": [], "draft": true});
    specs(
        &mut story,
        &[
            spec("a", &[]),
            spec("b", &["a"]),
            draft,
            spec("c", &[]),
            spec("d", &["b", "c"]),
            spec("e", &[]),
            spec("f", &[]),
        ],
    );
    story.then(
        "running",
        "specify=succeeded implement=running implement[1]=running implement[2]=blocked \
         implement[3]=running implement[4]=blocked implement[5]=running implement[6]=queued \
         report=blocked",
    );
    assert_eq!(story.detail("implement[4]"), "waits for `b`, `c`");
    let row = story.run.row(&"implement[4]".parse().unwrap()).unwrap();
    assert_eq!((row.key, row.needs), (Some("d"), &["b".to_owned(), "c".to_owned()][..]));
    assert_eq!(story.env("implement[3]", "ID"), json!("c"));
    story.succeed_with("implement[3]", json!({"n": 3}));
    assert_eq!(story.live(), "implement[1] implement[5] implement[6]", "first come, first served");
    story.succeed_with("implement[1]", json!({"n": 1}));
    assert_eq!(story.live(), "implement[5] implement[6] implement[2]");
    for n in [5, 6, 2] {
        story.succeed_with(&format!("implement[{n}]"), json!({ "n": n }));
    }
    assert_eq!(story.live(), "implement[4]");
    story.succeed_with("implement[4]", json!({"n": 4}));
    assert_eq!(story.live(), "report");
    let all: serde_json::Value =
        serde_json::from_str(story.env("report", "ALL").as_str().unwrap()).unwrap();
    assert_eq!(all, json!([{"n": 1}, {"n": 2}, {"n": 3}, {"n": 4}, {"n": 5}, {"n": 6}]));
    story.succeed("report");
    assert_eq!(story.status(), "succeeded");
    let progress = story.run.progress();
    assert_eq!((progress.total, progress.succeeded), (8, 8));
}

#[test]
fn a_failed_need_keeps_others_from_running() {
    let yaml = CASCADE.replace(
        "    parallel_instances: 3",
        "    parallel_instances: 3\n    on_failure: continue",
    );
    let mut story = given(&yaml);
    specs(&mut story, &[spec("a", &[]), spec("b", &["a"]), spec("c", &["b"]), spec("d", &[])]);
    story.fail("implement[1]");
    story.then(
        "running",
        "specify=succeeded implement=running implement[1]=failed implement[2]=not_run \
         implement[3]=not_run implement[4]=running report=blocked",
    );
    assert_eq!(story.detail("implement[2]"), "it needs `a`, which did not succeed");
    assert_eq!(story.detail("implement[3]"), "it needs `b`, which did not succeed");
    story.succeed_with("implement[4]", json!({"n": 4}));
    assert_eq!(story.live(), "report");
    story.succeed("report");
    // What failed, and what waited for it, is done again; what succeeded stays.
    story.retry(Some("implement[1]"));
    assert_eq!(story.live(), "implement[1]");
    story.succeed_with("implement[1]", json!({"n": 1}));
    story.succeed_with("implement[2]", json!({"n": 2}));
    story.succeed_with("implement[3]", json!({"n": 3}));
    assert_eq!(story.live(), "report", "what descends from it is done again");
    story.succeed("report");
    assert_eq!(story.status(), "succeeded");
}

#[test]
fn needs_that_never_come_and_needs_in_a_ring_fail_the_stage() {
    for wrong in [
        vec![spec("a", &[]), spec("b", &["nobody"])],
        vec![spec("a", &[]), spec("b", &["c"]), spec("c", &["b"])],
        vec![spec("a", &[]), spec("b", &["b"])],
    ] {
        let mut story = given(CASCADE);
        specs(&mut story, &wrong);
        story.succeed_with("implement[1]", json!({"n": 1}));
        assert_eq!(story.status(), "failed", "{}", story.rows());
        assert_eq!(
            story.run.row(&"implement[2]".parse().unwrap()).unwrap().status.word(),
            "not_run"
        );
        assert!(
            story.detail("implement").starts_with("it needs `"),
            "{}",
            story.detail("implement")
        );
    }
}

#[test]
fn a_key_that_came_before_and_an_event_that_does_not_fit_are_passed_over() {
    let yaml =
        CASCADE.replace("key: event.spec.id,", "filter: event.spec.id != 'x', key: event.spec.id,");
    let mut story = given(&yaml);
    specs(
        &mut story,
        &[
            spec("a", &[]),
            spec("x", &[]),
            spec("a", &[]),
            json!({"id": [], "needs": [], "draft": false}),
        ],
    );
    let passed: Vec<String> = story
        .run
        .events()
        .flat_map(|event| event.passed_over.into_iter().map(|(_, why)| why.to_owned()))
        .collect();
    assert_eq!(
        passed,
        [
            "`event.spec.id != 'x'` does not hold",
            "`implement[1]` has the key `a` already",
            "`event.spec.id` is neither text nor a number",
        ]
    );
    assert_eq!(story.live(), "implement[1]");
}

#[test]
fn without_events_the_stage_is_skipped() {
    let mut story = given(CASCADE);
    specs(&mut story, &[]);
    story.then("succeeded", "specify=succeeded implement=skipped report=skipped");
    assert_eq!(story.run.progress().total, 3);
    // An emitter that fails can give nothing any more.
    let mut story = given(
        &CASCADE.replace("    run: ./specify", "    run: ./specify\n    on_failure: isolate"),
    );
    story.fail("specify");
    story.then("failed", "specify=failed implement=skipped report=skipped");
    // When it succeeds after all, the events come.
    story.retry(None);
    specs(&mut story, &[spec("a", &[])]);
    story.succeed_with("implement[1]", json!({"n": 1}));
    story.succeed("report");
    assert_eq!(story.status(), "succeeded");
}

#[test]
fn what_cannot_be_emitted_fails_the_attempt() {
    let mut story = given(CASCADE);
    let attempt = story.attempt("specify");
    story.succeed_with("specify", json!({"specs": [{"id": "a"}]}));
    assert!(story.run.task(&attempt).is_none());
    assert_eq!(story.status(), "failed");
    assert!(
        story
            .detail("specify")
            .starts_with("wrong outputs: emit `spec.ready`: item 1: `!item.draft`"),
        "{}",
        story.detail("specify")
    );
    assert!(!story.kinds().contains(&"event.emitted"));
}

#[test]
fn events_from_outside_are_taken_until_as_many_came_as_expected() {
    let yaml = "name: p
stages:
  - name: work
    triggers: [{event: job}]
    parallel_instances: 1
    expect: 3
    run: exit 0
";
    let mut story = given(yaml);
    story.then("waiting", "work=listening");
    assert_eq!(story.detail("work"), "waits for events `job`: 0 of 3 came");
    story.deliver("1", "job", json!({}));
    story.deliver("2", "job", json!({}));
    story.then("running", "work=running work[1]=running work[2]=queued");
    story.succeed("work[1]");
    story.succeed("work[2]");
    story.then("waiting", "work=listening work[1]=succeeded work[2]=succeeded");
    story.deliver("3", "job", json!({}));
    assert!(story.kinds().contains(&"stage.closed"));
    let late = Command::Deliver { occurrence: Box::new(occurrence("4", "job", json!({}))) };
    assert!(story.refused(late).to_string().contains("waits for no more of them"));
    story.succeed("work[3]");
    assert_eq!(story.status(), "succeeded");
    let mut story = given(yaml);
    story.deliver("1", "job", json!({}));
    story.cancel();
    story.stopped("work[1]", crate::command::StopReason::Cancelled);
    assert_eq!(story.status(), "cancelled");
    let mut story = given(yaml);
    story.cancel();
    story.then("cancelled", "work=not_run");
}

#[test]
fn a_halt_closes_what_is_fed() {
    let mut story = given(
        "name: p
stages:
  - {name: bad, depends_on: [], run: exit 1}
  - {name: one, triggers: [{event: job}], parallel_instances: 1, expect: 9, run: exit 0}
  - {name: two, triggers: [{event: other}], parallel_instances: 1, run: exit 0}
",
    );
    story.deliver("1", "job", json!({}));
    story.deliver("2", "job", json!({}));
    story.fail("bad");
    story.then("running", "bad=failed one=running one[1]=running one[2]=not_run two=not_run");
    assert_eq!(story.detail("two"), "the run halted because `bad` failed");
    story.succeed("one[1]");
    assert_eq!(story.status(), "failed");
}

#[test]
fn an_emitter_that_runs_again_replaces_its_events() {
    let mut story = given(CASCADE);
    specs(&mut story, &[spec("a", &[]), spec("b", &[])]);
    story.succeed_with("implement[1]", json!({"n": 1}));
    story.succeed_with("implement[2]", json!({"n": 2}));
    story.succeed("report");
    story.retry(Some("specify"));
    story.then("running", "specify=running implement=listening report=blocked");
    assert_eq!(story.run.events().count(), 0);
    specs(&mut story, &[spec("c", &[])]);
    story
        .then("running", "specify=succeeded implement=running implement[1]=running report=blocked");
    let event = story.run.events().next().unwrap();
    assert_eq!(
        (event.occurrence.id.as_str(), event.occurrence.source.as_str()),
        ("specify/2/1", "specify")
    );
    assert_eq!(story.attempt("implement[1]").number, 2, "numbers go on");
}

#[test]
fn events_in_a_pause_are_not_lost_and_start_nothing() {
    let mut story = given(
        "name: p
stages: [{name: one, triggers: [{event: job}], parallel_instances: 2, expect: 2, run: exit 0}]
",
    );
    story.pause(false);
    story.deliver("1", "job", json!({}));
    assert_eq!(story.live(), "");
    story.resume();
    assert_eq!(story.live(), "one[1]");
}

/// Growing by one costs the same however many there are.
#[test]
fn a_thousand_events_feed_one_by_one() {
    let yaml = "name: p
stages: [{name: one, triggers: [{event: job, key: event.n}], parallel_instances: 10, expect: 1000, noop: true}]
";
    let story = given_with(yaml, start());
    let mut run = story.run;
    for n in 0..1000 {
        let event = occurrence(&format!("e{n}"), "job", json!({ "n": n }));
        let stored =
            run.handle(Command::Deliver { occurrence: Box::new(event) }, story.now).unwrap();
        assert!(stored.len() < 8, "{n}: {}", stored.len());
    }
    assert_eq!(run.status().word(), "succeeded");
    assert_eq!(run.progress().succeeded, 1000);
}

#[test]
fn going_back_behind_an_emitter_forgets_its_events_until_that_is_undone() {
    let mut story = given(CASCADE);
    specs(&mut story, &[spec("a", &[]), spec("b", &["a"]), spec("c", &["b"])]);
    story.succeed_with("implement[1]", json!({"n": 1}));
    assert_eq!(story.live(), "implement[2]");
    let rewind = Rewind { by: "ana".into(), to: "specify".into(), inclusive: true, pause: true };
    story.when(Command::Rewind(rewind));
    story.stopped("implement[2]", StopReason::Superseded);
    story.then("paused", "specify=blocked implement=blocked report=blocked");
    assert_eq!(story.run.events().count(), 0);
    story.when(Command::UndoRewind { by: "ana".into() });
    assert_eq!(story.run.events().count(), 3);
    assert_eq!(story.live(), "implement[2]");
    story.succeed_with("implement[2]", json!({"n": 2}));
    story.succeed_with("implement[3]", json!({"n": 3}));
    assert_eq!(story.live(), "report");
    let rewind = Rewind { by: "ana".into(), to: "specify".into(), inclusive: true, pause: false };
    story.when(Command::Rewind(rewind));
    story.stopped("report", StopReason::Superseded);
    specs(&mut story, &[spec("z", &[])]);
    story
        .then("running", "specify=succeeded implement=running implement[1]=running report=blocked");
    story.succeed_with("implement[1]", json!({"n": 9}));
    story.succeed("report");
    assert_eq!(story.status(), "succeeded");
}
