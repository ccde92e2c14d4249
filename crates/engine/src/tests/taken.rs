//! A person takes the place of an agent, and hands the work back.

use super::people::person;
use super::{Story, exited, given, seconds};
use crate::command::{Command, End, HandBack, Inquire, LetGo, Rejection, StopReason, TakeOver};
use crate::event::{Attach, Event, GateKind, Person};

const AGENT: &str = "{name: p, stages: [{name: a, agent: implementer, task: do it}, \
                     {name: b, run: exit 0}]}";

fn take(by: &str) -> Command {
    Command::TakeOver(TakeOver { execution: "a".parse().unwrap(), by: person(by) })
}

fn back(by: &str, note: &str, accept: bool) -> Command {
    let (execution, note) = ("a".parse().unwrap(), note.to_owned());
    Command::HandBack(HandBack { execution, by: person(by), note, accept })
}

fn let_go(story: &Story, hold: u32) -> Command {
    let attach = Attach { command: "sh attach".to_owned(), ..Attach::default() };
    Command::LetGo(Box::new(LetGo { attempt: story.attempt("a"), hold, attach }))
}

fn inquire(story: &Story, key: &str) -> Command {
    Command::Inquire(Box::new(Inquire {
        attempt: story.attempt("a"),
        kind: GateKind::Permission,
        key: key.to_owned(),
        question: "may I?".to_owned(),
        choices: Vec::new(),
        detail: serde_json::Value::Null,
    }))
}

fn held(story: &Story) -> bool {
    story.run.taken(&"a".parse().unwrap()).is_some_and(|taken| taken.is_held())
}

#[test]
fn it_is_held_until_it_is_handed_back_and_then_goes_on() {
    let mut story = given(AGENT);
    story.then("running", "a=running b=blocked");
    story.when(take("ana"));
    story.then("waiting", "a=held_by_human b=blocked");
    assert!(story.detail("a").starts_with("held by ana since 2026-"), "{}", story.detail("a"));
    assert_eq!(story.live(), "a", "its attempt is live");
    story.when(let_go(&story, 1));
    assert!(story.when(let_go(&story, 1)).is_empty(), "it says so once");
    let taken = story.run.taken(&"a".parse().unwrap()).unwrap();
    assert_eq!(taken.attach.unwrap().command, "sh attach");

    story.when(back("ana", "use CSS variables", false));
    story.then("running", "a=running b=blocked");
    let told = story.run.task(&story.attempt("a")).unwrap().taken.unwrap();
    let said = told.back.unwrap();
    assert_eq!(
        (told.hold, &*said.by, &*said.note, said.accept),
        (1, "ana", "use CSS variables", false)
    );
    story.succeed_with("a", serde_json::json!({"text": "done"}));
    story.succeed("b");
    story.then("succeeded", "a=succeeded b=succeeded");
}

#[test]
fn a_second_taker_hears_who_holds_it_and_only_the_holder_or_an_administrator_hands_it_back() {
    let mut story = given(AGENT);
    story.when(take("ana"));
    assert!(story.when(take("ana")).is_empty(), "ana holds it already");
    let refusal = story.refused(take("bo")).to_string();
    assert!(refusal.contains("held by ana since"), "{refusal}");
    assert!(matches!(story.refused(back("bo", "", false)), Rejection::HeldByHuman { .. }));
    let admin = Person { groups: vec!["admin".to_owned()], ..person("root") };
    let execution = "a".parse().unwrap();
    story.when(Command::HandBack(HandBack {
        execution,
        by: admin,
        note: String::new(),
        accept: true,
    }));
    let refusal = story.refused(back("ana", "", false)).to_string();
    assert!(refusal.contains("root handed it back"), "{refusal}");
    story.when(take("bo"));
    assert_eq!(story.run.taken(&"a".parse().unwrap()).unwrap().hold, 2);
}

#[test]
fn what_cannot_be_taken_over_says_why() {
    let mut story = given(AGENT);
    story.started("a");
    let of = |name: &str, by: &str| {
        Command::TakeOver(TakeOver { execution: name.parse().unwrap(), by: person(by) })
    };
    for (command, says) in [
        (of("b", "ana"), "no agent works there"),
        (of("c", "ana"), "no stage is called `c`"),
        (of("a", "agent:tester"), "agents take nobody's place"),
        (back("ana", "", false), "nobody holds `a`: it is running"),
    ] {
        let refusal = story.refused(command).to_string();
        assert!(refusal.contains(says), "{refusal}");
    }
    story.pause(false);
    assert!(matches!(story.refused(take("ana")), Rejection::Paused));
    story.resume();
    story.fail("a");
    let refusal = story.refused(take("ana")).to_string();
    assert!(refusal.contains("has already failed"), "{refusal}");

    let talk = "{name: p, stages: [{name: a, task: do it, discussion: {mode: parallel, \
                members: [tester, reviewer]}}]}";
    let mut story = given(talk);
    let refusal = story.refused(take("ana")).to_string();
    assert!(refusal.contains("several agents work there"), "{refusal}");
}

#[test]
fn what_it_asked_is_taken_back_and_asked_anew_when_it_goes_on() {
    let mut story = given(AGENT);
    story.when(inquire(&story, "tool-1"));
    story.then("waiting", "a=waiting_approval b=blocked");
    story.when(take("ana"));
    story.then("waiting", "a=held_by_human b=blocked");
    assert_eq!(story.run.inquiry(&"a".parse().unwrap(), "tool-1").unwrap().word(), "void");
    assert!(matches!(story.refused(inquire(&story, "tool-2")), Rejection::HeldByHuman { .. }));
    story.when(back("ana", "", false));
    assert_eq!(story.when(inquire(&story, "tool-1")).len(), 1);
    story.then("waiting", "a=waiting_approval b=blocked");
}

#[test]
fn a_hold_survives_the_loss_of_its_attempt_and_a_kill_of_its_harness() {
    let mut story = given(AGENT);
    story.when(take("ana"));
    story.when(let_go(&story, 1));
    story.lose("a");
    story.then("waiting", "a=held_by_human b=blocked");
    assert_eq!(story.attempt("a").number, 2);
    let taken = story.run.taken(&"a".parse().unwrap()).unwrap();
    assert!(taken.is_held() && taken.attach.is_none(), "the next attempt has not let go yet");
    let told = story.run.task(&story.attempt("a")).unwrap().taken.unwrap();
    assert_eq!((told.hold, told.back), (1, None));
    // No retry is written: a signal would be its end.
    story.report("a", exited(End::Signal(9)));
    story.then("waiting", "a=held_by_human b=blocked");
    story.when(back("ana", "", false));
    story.report("a", exited(End::Signal(9)));
    story.then("failed", "a=failed b=not_run");
}

#[test]
fn every_way_out_of_a_hold() {
    let mut story = given(AGENT);
    story.when(take("ana"));
    story.cancel();
    let refusal = story.refused(back("ana", "", false)).to_string();
    assert!(refusal.contains("it is being stopped"), "{refusal}");
    story.stopped("a", StopReason::Cancelled);
    story.then("cancelled", "a=cancelled b=not_run");
    assert!(!held(&story));

    let mut story = given(AGENT);
    story.when(take("ana"));
    story.pause(true);
    story.stopped("a", StopReason::Paused);
    assert!(matches!(story.refused(back("ana", "", false)), Rejection::Paused));
    story.resume();
    story.then("waiting", "a=held_by_human b=blocked");
    story.succeed_with("a", serde_json::json!({"text": "it ended all the same"}));
    story.then("running", "a=succeeded b=running");
    assert!(!held(&story));
    let refusal = story.refused(back("ana", "", false));
    assert!(matches!(refusal, Rejection::NotTakenOver { .. }), "{refusal}");
}

#[test]
fn no_clock_runs_while_it_is_held() {
    let mut story = given(
        "{name: p, stages: [{name: a, agent: implementer, task: do it, total_timeout: 10m}]}",
    );
    story.wait(seconds(60));
    story.when(take("ana"));
    assert!(story.run.desired().timers.is_empty());
    story.wait(seconds(3600));
    story.lose("a");
    assert!(story.run.desired().timers.is_empty(), "nor in the attempt after it");
    story.wait(seconds(3600));
    story.when(back("ana", "", false));
    let timers = story.run.desired().timers;
    assert_eq!(timers.len(), 1);
    assert_eq!(timers[0].due.duration_since(story.now).as_secs(), 9 * 60);
}

#[test]
fn who_lets_go_late_is_not_heard() {
    let mut story = given(AGENT);
    story.when(take("ana"));
    let late = let_go(&story, 1);
    story.when(back("ana", "", false));
    assert!(matches!(story.refused(late), Rejection::Stale { .. }));
    let again = story.when(take("ana"));
    assert!(matches!(again[..], [Event::ExecutionTakenOver { hold: 2, .. }]), "{again:?}");
    assert!(matches!(story.refused(let_go(&story, 1)), Rejection::Stale { .. }));
}
