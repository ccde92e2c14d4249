//! What live attempts ask of people.

use serde_json::json;

use super::people::{approval, changed, person, stage};
use super::{Story, given, seconds};
use crate::command::{Command, Inquire, Rejection, StopReason, Vote};
use crate::event::{Decision, Event, GateKind, Resolution};

const TWO: &str = "{name: p, stages: [{name: a, run: exit 0}, {name: b, run: exit 0}]}";

fn inquire(story: &Story, key: &str, kind: GateKind) -> Command {
    Command::Inquire(Box::new(Inquire {
        attempt: story.attempt("a"),
        kind,
        key: key.to_owned(),
        question: "may I run `make install`?".to_owned(),
        choices: Vec::new(),
        detail: json!({"command": "make install"}),
    }))
}

fn answered(story: &Story, key: &str) -> &'static str {
    story.run.inquiry(&"a".parse().unwrap(), key).unwrap().word()
}

#[test]
fn an_attempt_that_asks_goes_on_and_the_run_waits() {
    let mut story = given(TWO);
    story.started("a");
    story.when(inquire(&story, "tool-1", GateKind::Permission));
    story.then("waiting", "a=waiting_approval b=blocked");
    assert_eq!(story.live(), "a");
    let detail = story.detail("a");
    assert!(detail.contains("make install"), "{detail}");

    story.approve("a", "bo");
    story.then("running", "a=running b=blocked");
    assert_eq!(answered(&story, "tool-1"), "approved");
    story.succeed("a");
    story.succeed("b");
    story.then("succeeded", "a=succeeded b=succeeded");
}

#[test]
fn a_refusal_is_an_answer_and_does_not_end_the_attempt() {
    let mut story = given(TWO);
    story.when(inquire(&story, "tool-1", GateKind::Permission));
    story.reject("a", "bo");
    story.then("running", "a=running b=blocked");
    assert_eq!(answered(&story, "tool-1"), "rejected");
}

#[test]
fn silence_refuses_even_where_a_gate_would_approve() {
    let mut story = changed(TWO, |p| {
        let mut asked = approval(&["devops"]);
        asked.electorate.on_timeout = pipeline::model::OnTimeout::Approve;
        asked.electorate.timeout = seconds(60);
        asked.electorate.reminders = Vec::new();
        stage(p, "a").approve_complete = Some(asked);
    });
    story.when(inquire(&story, "tool-1", GateKind::Permission));
    let events = story.fire();
    let resolved = events.iter().any(|event| {
        matches!(event, Event::GateResolved { resolution: Resolution::TimedOutRejected, .. })
    });
    assert!(resolved, "{events:?}");
    story.then("running", "a=running b=blocked");
}

#[test]
fn the_approvers_of_the_results_decide_what_is_allowed_on_the_way() {
    let mut story = changed(TWO, |p| stage(p, "a").approve_complete = Some(approval(&["devops"])));
    story.when(inquire(&story, "tool-1", GateKind::Permission));
    let refusal = story.refused(story.vote("a", "lee", Decision::Approve));
    assert!(matches!(refusal, Rejection::NotEligible { .. }), "{refusal}");
    let refusal = story.refused(story.vote("a", "agent:architect", Decision::Approve));
    assert!(matches!(refusal, Rejection::NotEligible { .. }), "{refusal}");
    story.approve("a", "bea");
    story.then("running", "a=running b=blocked");
    story.succeed("a");
    story.then("waiting", "a=waiting_approval b=blocked");
}

#[test]
fn the_same_key_is_asked_once_and_a_second_thing_waits_its_turn() {
    let mut story = given(TWO);
    story.when(inquire(&story, "tool-1", GateKind::Permission));
    assert!(story.when(inquire(&story, "tool-1", GateKind::Permission)).is_empty());
    let refusal = story.refused(inquire(&story, "tool-2", GateKind::Permission));
    assert!(matches!(refusal, Rejection::AsksAlready { .. }), "{refusal}");
    story.approve("a", "bo");
    assert!(story.when(inquire(&story, "tool-1", GateKind::Permission)).is_empty());
    assert_eq!(story.when(inquire(&story, "tool-2", GateKind::Permission)).len(), 1);
}

#[test]
fn an_answer_outlives_the_attempt_that_asked_and_a_question_without_one_is_asked_anew() {
    let mut story = given(TWO);
    story.when(inquire(&story, "tool-1", GateKind::Permission));
    story.approve("a", "bo");
    story.when(inquire(&story, "tool-2", GateKind::Permission));
    story.lose("a");
    assert_eq!(answered(&story, "tool-1"), "approved");
    assert_eq!(answered(&story, "tool-2"), "void");
    story.then("running", "a=running b=blocked");
    assert!(story.when(inquire(&story, "tool-1", GateKind::Permission)).is_empty());
    story.when(inquire(&story, "tool-2", GateKind::Permission));
    assert_eq!(answered(&story, "tool-2"), "pending");
}

#[test]
fn whoever_is_stopped_asks_nobody_any_more() {
    let mut story = given(TWO);
    story.when(inquire(&story, "tool-1", GateKind::Permission));
    story.cancel();
    assert_eq!(answered(&story, "tool-1"), "void");
    let refusal = story.refused(inquire(&story, "tool-2", GateKind::Permission));
    assert!(matches!(refusal, Rejection::Stale { .. }), "{refusal}");
    story.stopped("a", StopReason::Cancelled);
    story.then("cancelled", "a=cancelled b=not_run");
}

#[test]
fn the_words_of_an_approval_answer_a_question() {
    let mut story = given(TWO);
    let Command::Inquire(mut asked) = inquire(&story, "question-1", GateKind::Question) else {
        unreachable!()
    };
    asked.choices = vec!["css".to_owned(), "theme".to_owned()];
    story.when(Command::Inquire(asked));
    let say = |story: &Story, comment: &str| {
        let (gate, by) = (story.open("a"), person("ana"));
        let comment = comment.to_owned();
        let decision = Decision::Approve;
        Command::Vote(Box::new(Vote { gate, by, decision, comment, digest: None, alone: false }))
    };
    assert!(matches!(story.refused(say(&story, " ")), Rejection::Blank { .. }));
    let refusal = story.refused(say(&story, "neither"));
    assert_eq!(
        refusal.to_string(),
        "`neither` is none of the answers that were asked for: css, theme"
    );
    // Whoever started the run may answer: words are no vote.
    story.when(say(&story, "css"));
    let gate = story.run.inquiry(&"a".parse().unwrap(), "question-1").unwrap();
    assert_eq!(gate.votes[0].comment, "css");
}

#[test]
fn the_time_of_all_attempts_stands_still_while_people_are_asked() {
    let mut story = given("{name: p, stages: [{name: a, run: exit 0, total_timeout: 10m}]}");
    story.wait(seconds(60));
    story.when(inquire(&story, "tool-1", GateKind::Permission));
    story.wait(seconds(3600));
    story.approve("a", "bo");
    let timers = story.run.desired().timers;
    assert_eq!(timers.len(), 1);
    assert_eq!(timers[0].due.duration_since(story.now).as_secs(), 9 * 60);
}

#[test]
fn a_pause_moves_the_deadline_of_what_is_asked() {
    let mut story = given(TWO);
    story.when(inquire(&story, "tool-1", GateKind::Permission));
    let due = story.run.open_gates()[0].due;
    story.pause(false);
    assert!(matches!(story.refused(story.vote("a", "bo", Decision::Approve)), Rejection::Paused));
    story.wait(seconds(100));
    story.resume();
    assert_eq!(story.run.open_gates()[0].due.duration_since(due).as_secs(), 100);
}
