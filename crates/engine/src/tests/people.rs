//! Gates: who decides, and what follows.

use std::sync::Arc;

use pipeline::model::{Approval, Electorate, OnTimeout, Pipeline, Quorum, Stage};
use serde_json::json;

use super::{Story, parse, seconds, start};
use crate::command::{Command, Create, Delegate, Rejection, Revoke, TimerId, TimerKind, Vote};
use crate::event::{Decision, Environment, Event, GateId, GateKind, Person, Resolution, Settled};
use crate::{Run, shown};

pub(crate) fn approval(approvers: &[&str]) -> Approval {
    let approvers = approvers.iter().map(|name| (*name).to_owned()).collect();
    Approval { electorate: Electorate { approvers, ..Electorate::default() }, instructions: None }
}

pub(crate) fn stage<'p>(pipeline: &'p mut Pipeline, name: &str) -> &'p mut Stage {
    pipeline.stages.iter_mut().find(|stage| &*stage.name == name).unwrap()
}

/// A run of this pipeline after the change.
pub(crate) fn changed(yaml: &str, change: impl FnOnce(&mut Pipeline)) -> Story {
    changed_with(yaml, start(), change)
}

pub(crate) fn changed_with(
    yaml: &str,
    create: Create,
    change: impl FnOnce(&mut Pipeline),
) -> Story {
    let mut pipeline = parse(yaml);
    change(Arc::make_mut(&mut pipeline));
    let run = Run::new(pipeline.clone());
    let now = "2026-01-01T00:00:00Z".parse().unwrap();
    let mut story = Story { run, pipeline, journal: vec![], now };
    story.when(Command::Create(Box::new(create)));
    story
}

/// `ana` starts all runs; the others have one group each but for `dee`.
pub(crate) fn person(name: &str) -> Person {
    let groups: &[&str] = match name {
        "bo" | "bea" => &["devops"],
        "lee" => &["lead"],
        "max" => &["devops", "lead"],
        "root" => &["admin"],
        _ => &[],
    };
    Person {
        name: name.into(),
        groups: groups.iter().map(|group| (*group).into()).collect(),
        through: None,
    }
}

impl Story {
    pub(crate) fn open(&self, execution: &str) -> GateId {
        let open = self.run.open_gates();
        let gate = open.iter().find(|gate| gate.id.execution.to_string() == execution);
        gate.unwrap_or_else(|| panic!("no gate of `{execution}`: {}", self.rows())).id.clone()
    }

    pub(crate) fn vote(&self, execution: &str, by: &str, decision: Decision) -> Command {
        self.vote_at(self.open(execution), by, decision)
    }

    pub(crate) fn vote_at(&self, gate: GateId, by: &str, decision: Decision) -> Command {
        let comment = match decision {
            Decision::Approve => "",
            Decision::Reject => "too early",
            Decision::RequestChanges => "shorter",
        };
        let (by, comment) = (person(by), comment.to_owned());
        Command::Vote(Box::new(Vote { gate, by, decision, comment, digest: None, alone: false }))
    }

    pub(crate) fn approve(&mut self, execution: &str, by: &str) -> Vec<Event> {
        self.when(self.vote(execution, by, Decision::Approve))
    }

    pub(crate) fn reject(&mut self, execution: &str, by: &str) -> Vec<Event> {
        self.when(self.vote(execution, by, Decision::Reject))
    }

    pub(crate) fn send_back(&mut self, execution: &str, by: &str) -> Vec<Event> {
        self.when(self.vote(execution, by, Decision::RequestChanges))
    }

    pub(crate) fn delegate(&self, execution: &str, by: &str, to: &str) -> Command {
        let (by, to) = (person(by), person(to));
        Command::Delegate(Box::new(Delegate { gate: self.open(execution), by, to }))
    }

    pub(crate) fn revoke(&self, execution: &str, by: &str, to: &str) -> Command {
        let gate = self.open(execution);
        Command::Revoke(Box::new(Revoke { gate, by: person(by), to: to.into() }))
    }

    fn have(&self, execution: &str) -> (u32, Vec<String>) {
        let gate = self.run.gate(&self.open(execution)).unwrap();
        (gate.have, gate.missing())
    }
}

const TWO: &str = "{name: p, stages: [{name: a, run: exit 0}, {name: b, run: exit 0}]}";

fn gated(approvers: &[&str], quorum: Quorum) -> Story {
    changed(TWO, |p| {
        let mut asked = approval(approvers);
        asked.electorate.quorum = quorum;
        stage(p, "a").approve_start = Some(asked);
    })
}

#[test]
fn a_start_gate_blocks_until_every_slot_is_filled() {
    let mut story = gated(&["devops", "lead"], Quorum::All);
    story.then("waiting", "a=waiting_approval b=blocked");
    assert_eq!(story.live(), "");
    assert_eq!(story.detail("a"), "waits for approval to start, 0 of 2: devops, lead");
    assert_eq!(story.run.reason(), "`a` waits for approval to start, 0 of 2: devops, lead");
    assert_eq!(story.run.progress().waiting, 1);
    story.approve("a", "bo");
    assert_eq!(story.have("a"), (1, vec!["lead".to_owned()]));
    // Another member of the same group fills nothing.
    story.approve("a", "bea");
    assert_eq!(story.have("a").0, 1);
    let events = story.approve("a", "lee");
    let names: Vec<_> = events.iter().map(Event::name).collect();
    assert_eq!(names, ["gate.voted", "gate.resolved", "attempt.scheduled"], "one step");
    story.then("running", "a=running b=blocked");
    story.succeed("a");
    story.succeed("b");
    assert_eq!(story.status(), "succeeded");
    assert_eq!(story.run.gates()[0].word(), "approved");
}

#[test]
fn quorums() {
    let table: [(&[&str], Quorum, u32, &[&str]); 8] = [
        (&["devops", "lead"], Quorum::Any, 1, &["lee"]),
        (&["devops", "lead", "dee"], Quorum::Count(2), 2, &["dee", "bo"]),
        (&["devops", "lead"], Quorum::All, 2, &["max", "bo"]),
        (&["devops", "devops"], Quorum::All, 2, &["max", "bo"]),
        (&[], Quorum::All, 1, &["dee"]),
        (&[], Quorum::Any, 1, &["dee"]),
        (&[], Quorum::Count(3), 3, &["dee", "bo", "lee"]),
        // More than there are cannot be needed.
        (&["devops"], Quorum::Count(5), 1, &["bo"]),
    ];
    for (approvers, quorum, needed, voters) in table {
        let mut story = gated(approvers, quorum);
        assert_eq!(story.run.open_gates()[0].policy.needed, needed, "{approvers:?} {quorum:?}");
        for voter in voters {
            assert_eq!(story.status(), "waiting", "{approvers:?} {quorum:?} before {voter}");
            story.approve("a", voter);
        }
        assert_eq!(story.live(), "a", "{approvers:?} {quorum:?}");
    }
}

#[test]
fn one_rejection_rejects_and_is_never_retried() {
    let mut story = changed(
        "{name: p, stages: [{name: a, run: exit 0, retry: {max_attempts: 5}}, {name: b, run: exit 0}]}",
        |p| stage(p, "a").approve_start = Some(approval(&["devops", "lead"])),
    );
    story.approve("a", "bo");
    story.reject("a", "lee");
    story.then("failed", "a=failed b=not_run");
    assert_eq!(story.run.reason(), "`a` failed: rejected by lee: too early");
    let gate = story.run.gates()[0].id.clone();
    assert_eq!(
        story.refused(story.vote_at(gate, "bo", Decision::Reject)),
        Rejection::GateResolved { resolution: "rejected by lee: too early".into() }
    );
}

#[test]
fn a_rejected_gate_of_a_stage_that_may_fail_is_a_warning() {
    let mut story = changed(&TWO.replace("a, run", "a, on_failure: continue, run"), |p| {
        stage(p, "a").approve_start = Some(approval(&["devops"]));
    });
    story.reject("a", "bo");
    story.then("running", "a=failed b=running");
}

#[test]
fn who_may_not_vote() {
    let mut story = gated(&["devops", "ana", "agent:x"], Quorum::All);
    let refusal = |by: &str| story.run.may_vote(&story.open("a"), &person(by), false);
    for (by, why) in [
        ("dee", "the approvers are devops, ana, agent:x"),
        ("agent:x", "agents never vote"),
        ("ana", "whoever started the run does not decide about it (`allow_self` is not set)"),
    ] {
        let wanted = Rejection::NotEligible { who: by.into(), act: "vote", reason: why.into() };
        assert_eq!(refusal(by), Err(wanted.clone()));
        assert_eq!(
            story
                .run
                .clone()
                .handle(story.vote("a", by, Decision::Approve), story.now)
                .unwrap_err(),
            wanted
        );
    }
    assert_eq!(refusal("bo"), Ok(()));
    // There is nobody else.
    assert_eq!(story.run.may_vote(&story.open("a"), &person("ana"), true), Ok(()));
    story.approve("a", "bo");
    assert_eq!(
        story.refused(story.vote("a", "bo", Decision::Approve)),
        Rejection::VotedAlready { who: "bo".into(), decision: "approve" }
    );
    let unknown = GateId { generation: 9, ..story.open("a") };
    let refusal = story.refused(story.vote_at(unknown, "bo", Decision::Approve));
    assert_eq!(
        refusal.to_string(),
        "there is no such gate: a start gate 9 was never opened; open are: a start gate 1"
    );
    // He may change his mind.
    story.reject("a", "bo");
    story.then("failed", "a=failed b=not_run");
    let gate = &story.run.gates()[0];
    assert_eq!(gate.votes.iter().map(|vote| vote.replaced).collect::<Vec<_>>(), [true, false]);
}

#[test]
fn whoever_started_the_run_decides_when_that_is_allowed() {
    let mut story = changed(TWO, |p| {
        let mut asked = approval(&["ana"]);
        asked.electorate.allow_self = true;
        stage(p, "a").approve_start = Some(asked);
    });
    story.approve("a", "ana");
    assert_eq!(story.live(), "a");
}

#[test]
fn a_rejection_needs_a_reason() {
    let mut story = gated(&["devops"], Quorum::All);
    let Command::Vote(mut vote) = story.vote("a", "bo", Decision::Reject) else { panic!() };
    vote.comment = " \n".into();
    let refusal = story.refused(Command::Vote(vote));
    assert_eq!(refusal, Rejection::Blank { what: "the reason of a rejection" });
    let refusal = story.refused(story.vote("a", "bo", Decision::RequestChanges));
    assert!(matches!(refusal, Rejection::NothingToChange { .. }));
}

#[test]
fn a_decision_is_bound_to_what_was_shown() {
    let mut story = changed(TWO, |p| {
        stage(p, "a").approve_start = Some(approval(&["devops"]));
        stage(p, "a").approve_complete = Some(approval(&["devops"]));
    });
    let id = story.open("a");
    let gate = story.run.gate(&id).unwrap();
    let shown = story.run.shown(&id).unwrap();
    assert_eq!(gate.digest, shown::digest(&shown));
    assert_eq!(gate.digest.len(), 64);
    assert_eq!(shown["task"]["command"], json!(["sh", "-e", "-c", "exit 0"]));
    let digest = gate.digest.to_owned();
    let Command::Vote(mut vote) = story.vote("a", "bo", Decision::Approve) else { panic!() };
    vote.digest = Some("0".repeat(64));
    let refusal = story.refused(Command::Vote(vote.clone()));
    assert_eq!(refusal, Rejection::StaleDigest { shown: "0".repeat(64), current: digest.clone() });
    vote.digest = Some(digest);
    story.when(Command::Vote(vote));
    story.succeed_with("a", json!({"size": 3}));
    let complete = story.open("a");
    assert_eq!((complete.kind, complete.generation), (GateKind::Complete, 2));
    let shown = story.run.shown(&complete).unwrap();
    assert_eq!(shown["outputs"], json!({"size": 3}));
    assert_eq!(shown["artifacts"], json!([]));
    assert!(story.run.shown(&id).is_some(), "it can be looked at later");
}

#[test]
fn the_digest_does_not_depend_on_the_order_of_keys() {
    let (a, b) =
        (r#"{"x":[1,{"b":2.5,"a":null}],"a":"é\n"}"#, r#"{"a":"é\n","x":[1,{"a":null,"b":2.5}]}"#);
    let parse = |text: &str| serde_json::from_str(text).unwrap();
    assert_eq!(shown::digest(&parse(a)), shown::digest(&parse(b)));
    assert_ne!(shown::digest(&parse(a)), shown::digest(&json!({"a": "é\n", "x": [1]})));
}

#[test]
fn a_complete_gate_holds_back_what_was_done() {
    let mut story = changed(TWO, |p| {
        stage(p, "a").approve_complete = Some(approval(&["devops"]));
    });
    story.succeed_with("a", json!({"x": 1}));
    story.then("waiting", "a=waiting_approval b=blocked");
    assert_eq!(story.run.row(&"a".parse().unwrap()).unwrap().outputs, None);
    story.approve("a", "bo");
    story.then("running", "a=succeeded b=running");
    let row = story.run.row(&"a".parse().unwrap()).unwrap();
    assert_eq!(row.outputs, Some(&json!({"x": 1})));
}

#[test]
fn an_attempt_that_failed_is_not_asked_about() {
    let mut story = changed(TWO, |p| {
        stage(p, "a").approve_complete = Some(approval(&["devops"]));
    });
    story.fail("a");
    story.then("failed", "a=failed b=not_run");
    assert!(story.run.gates().is_empty());
}

/// SEMANTICS 12, number 4: in a parallel branch and in an item of a fan-out a gate blocks what is
/// behind it and nothing else; of a stage that is skipped it asks nobody.
#[test]
fn a_gate_blocks_wherever_it_stands_and_a_skipped_one_never_does() {
    let mut story = changed(
        "name: p
inputs: {go: {type: boolean, default: false}}
stages:
  - {name: a, depends_on: [], run: exit 0}
  - {name: b, depends_on: [], run: exit 0}
  - {name: c, depends_on: a, run: exit 0}
  - {name: d, depends_on: b, run: exit 0, if: 'inputs.go'}
  - {name: e, depends_on: d, rule: all_done, run: exit 0}
  - {name: f, depends_on: [], foreach: [1, 2, 3], run: exit 0, max_parallel: 2}
",
        |p| {
            for name in ["a", "d", "f"] {
                stage(p, name).approve_start = Some(approval(&["devops"]));
            }
        },
    );
    story.then(
        "running",
        "a=waiting_approval b=running c=blocked d=blocked e=blocked f=waiting_approval \
         f[1]=waiting_approval f[2]=waiting_approval f[3]=waiting_approval",
    );
    story.succeed("b");
    assert!(story.rows().contains("d=skipped e=running"), "{}", story.rows());
    story.succeed("e");
    assert_eq!(story.status(), "waiting");
    // The items do not wait for each other, and hold no place while they wait.
    for (item, live) in [("f[3]", "f[3]"), ("f[1]", "f[3] f[1]"), ("f[2]", "f[3] f[1]")] {
        story.approve(item, "bo");
        assert_eq!(story.live(), live);
    }
    story.succeed("f[3]");
    assert_eq!(story.live(), "f[1] f[2]");
    story.reject("a", "bo");
    assert!(story.rows().contains("a=failed b=succeeded c=not_run"), "{}", story.rows());
    assert_eq!(story.run.gates().iter().filter(|gate| &*gate.id.execution.stage == "d").count(), 0);
}

#[test]
fn the_environments_policy_replaces_what_the_author_wrote() {
    let policy = |approvers: &[&str]| Environment {
        approval: Some(approval(approvers).electorate),
        ..Environment::default()
    };
    for written in [None, Some(approval(&["dee"]))] {
        let environments = [("production".to_owned(), policy(&["lead"]))].into_iter().collect();
        let mut story = changed_with(TWO, Create { environments, ..start() }, |p| {
            stage(p, "a").environment = Some("production".into());
            stage(p, "b").environment = Some("test".into());
            stage(p, "a").approve_start = written;
        });
        let gates = story.run.open_gates();
        assert_eq!(gates[0].policy.electorate.approvers, ["lead"]);
        assert_eq!(gates[0].policy.environment.as_deref(), Some("production"));
        story.approve("a", "lee");
        story.succeed("a");
        assert_eq!(story.live(), "b", "an environment without a policy asks nobody");
    }
}

/// SEMANTICS 12, number 6.
#[test]
fn a_delegated_request_stays_listed_and_its_chain_is_on_record() {
    let mut story = gated(&["devops", "lead"], Quorum::All);
    story.when(story.delegate("a", "bo", "dee"));
    assert_eq!(story.have("a"), (0, vec!["dee".to_owned(), "lead".to_owned()]));
    assert_eq!(
        story.refused(story.vote("a", "bo", Decision::Approve)),
        Rejection::NotEligible {
            who: "bo".into(),
            act: "vote",
            reason: "they passed their slot to dee".into()
        }
    );
    story.when(story.delegate("a", "dee", "flo"));
    story.when(story.delegate("a", "flo", "gus"));
    for (by, to, why) in [
        ("gus", "hal", "a slot is passed on 3 times at most"),
        ("gus", "dee", "the slot came from them, and would go in a circle"),
        ("gus", "bo", "the slot came from them, and would go in a circle"),
        ("gus", "lee", "they may decide here already"),
        ("gus", "gus", "nobody stands in for themselves"),
        ("gus", "ana", "they started the run, and do not decide about it"),
        ("gus", "agent:y", "agents never vote"),
    ] {
        let refusal = story.refused(story.delegate("a", by, to));
        assert_eq!(refusal, Rejection::BadDelegation { to: to.into(), reason: why.into() });
    }
    assert_eq!(
        story.refused(story.revoke("a", "lee", "gus")),
        Rejection::NotEligible {
            who: "lee".into(),
            act: "revoke",
            reason: "the delegation is that of flo".into()
        }
    );
    // What was passed on further ends with it, the last first.
    let events = story.when(story.revoke("a", "dee", "flo"));
    assert_eq!(events.len(), 2);
    assert_eq!(story.have("a").1, ["dee", "lead"]);
    story.approve("a", "dee");
    assert_eq!(
        story.refused(story.revoke("a", "bo", "dee")),
        Rejection::CannotRevoke { to: "dee".into(), reason: "dee has already voted".into() }
    );
    let refusal = story.refused(story.delegate("a", "dee", "hal"));
    assert_eq!(
        refusal,
        Rejection::BadDelegation { to: "hal".into(), reason: "dee has already voted".into() }
    );
    story.approve("a", "max");
    assert_eq!(story.live(), "a");
    let gate = &story.run.gates()[0];
    let chain: Vec<_> = gate
        .delegations
        .iter()
        .map(|link| (link.slot, link.from, link.to, link.revoked_at.is_some()))
        .collect();
    assert_eq!(chain, [(0, "bo", "dee", false), (0, "dee", "flo", true), (0, "flo", "gus", true)]);
}

#[test]
fn an_admin_ends_anybodys_delegation_and_its_owner_decides_again() {
    let mut story = gated(&["devops"], Quorum::All);
    assert_eq!(
        story.refused(story.revoke("a", "bo", "dee")),
        Rejection::CannotRevoke { to: "dee".into(), reason: "no slot is passed to them".into() }
    );
    story.when(story.delegate("a", "bo", "dee"));
    story.when(story.revoke("a", "root", "dee"));
    story.approve("a", "bo");
    assert_eq!(story.live(), "a");
}

#[test]
fn one_slot_is_passed_on_and_the_other_is_kept() {
    // Max fills either of two; bo has filled the first.
    let mut story = gated(&["devops", "lead"], Quorum::All);
    story.approve("a", "bo");
    story.when(story.delegate("a", "max", "dee"));
    assert_eq!(story.run.gates()[0].delegations[0].slot, 1);
    // Another member of the group keeps hers, and so does max of the other slot.
    assert_eq!(story.run.may_vote(&story.open("a"), &person("lee"), false), Ok(()));
    assert_eq!(story.run.may_vote(&story.open("a"), &person("max"), false), Ok(()));
    story.approve("a", "dee");
    assert_eq!(story.live(), "a");
}

fn with_timeout(change: impl FnOnce(&mut Electorate)) -> Story {
    changed(TWO, |p| {
        let mut asked = approval(&["devops"]);
        asked.electorate.timeout = seconds(1000);
        change(&mut asked.electorate);
        stage(p, "a").approve_start = Some(asked);
    })
}

#[test]
fn reminders_then_the_deadline() {
    let mut story = with_timeout(|_| ());
    let mut fired = vec![];
    for _ in 0..3 {
        let timer = story.run.desired().timers.iter().min_by_key(|t| t.due).unwrap().clone();
        let names: Vec<_> = story.fire().iter().map(Event::name).collect();
        let after = story.now.duration_since(story.journal[0].at).as_secs();
        fired.push((timer.id.kind, timer.id.generation, after, names[0]));
    }
    assert_eq!(
        fired,
        [
            (TimerKind::Remind(GateKind::Start, 50), 2, 500, "gate.reminded"),
            (TimerKind::Remind(GateKind::Start, 90), 2, 900, "gate.reminded"),
            (TimerKind::Gate(GateKind::Start), 2, 1000, "gate.resolved"),
        ]
    );
    story.then("failed", "a=failed b=not_run");
    assert_eq!(story.run.reason(), "`a` failed: nobody decided within 16 min 40 s");
    assert!(story.run.desired().timers.is_empty());
}

#[test]
fn what_happens_when_nobody_decides() {
    for (on_timeout, status, rows, word) in [
        (OnTimeout::Reject, "failed", "a=failed b=not_run", Resolution::TimedOutRejected),
        (OnTimeout::Fail, "failed", "a=failed b=not_run", Resolution::TimedOutFailed),
        (OnTimeout::Approve, "running", "a=running b=blocked", Resolution::TimedOutApproved),
        (OnTimeout::Skip, "running", "a=skipped b=running", Resolution::TimedOutSkipped),
        // To nobody: as a rejection.
        (OnTimeout::Escalate, "failed", "a=failed b=not_run", Resolution::TimedOutRejected),
    ] {
        let mut story = with_timeout(|electorate| {
            electorate.on_timeout = on_timeout;
            electorate.reminders.clear();
        });
        story.fire();
        story.then(status, rows);
        assert_eq!(story.run.gates()[0].resolution.map(|(_, came)| came), Some(&word));
        assert_eq!(story.run.gates()[0].word(), "timed_out");
    }
}

#[test]
fn an_escalation_asks_others_anew_and_then_rejects() {
    let mut story = with_timeout(|electorate| {
        electorate.approvers = vec!["devops".into(), "dee".into()];
        electorate.on_timeout = OnTimeout::Escalate;
        electorate.escalate_to = vec!["lead".into()];
        electorate.reminders = vec![50];
    });
    story.approve("a", "bo");
    story.when(story.delegate("a", "dee", "flo"));
    story.fire();
    let old = story.run.desired().timers[0].id.clone();
    story.fire();
    let gate = story.run.open_gates().remove(0);
    assert_eq!((gate.have, gate.policy.needed, gate.missing()), (0, 1, vec!["lead".to_owned()]));
    assert!(gate.escalated && gate.delegations[0].revoked_at.is_some());
    assert_eq!(gate.due.duration_since(story.now).as_secs(), 1000);
    assert_eq!(gate.id.generation, 1, "it is the same gate");
    let kinds: Vec<_> =
        story.run.desired().timers.iter().map(|t| (t.id.kind, t.id.generation)).collect();
    assert_eq!(
        kinds,
        [(TimerKind::Remind(GateKind::Start, 50), 3), (TimerKind::Gate(GateKind::Start), 3)]
    );
    assert_eq!(story.refused(Command::Fire { timer: old }), Rejection::StaleTimer);
    let refusal = story.refused(story.vote("a", "bo", Decision::Approve));
    assert!(matches!(refusal, Rejection::NotEligible { .. }));
    story.fire();
    let mut approved = Story {
        run: story.run.clone(),
        pipeline: story.pipeline.clone(),
        journal: story.journal.clone(),
        now: story.now,
    };
    approved.approve("a", "lee");
    assert_eq!(approved.live(), "a");
    story.fire();
    story.then("failed", "a=failed b=not_run");
}

/// SEMANTICS 12, number 5: of gates.
#[test]
fn a_timer_of_one_gate_never_acts_on_the_next_and_a_vote_beats_it_or_not() {
    let once = |vote_first: bool| {
        let mut story = changed(TWO, |p| {
            let mut asked = approval(&["devops"]);
            asked.electorate.timeout = seconds(60);
            asked.electorate.reminders.clear();
            stage(p, "a").approve_complete = Some(asked);
            stage(p, "a").max_revisions = 3;
        });
        story.succeed("a");
        let timer = story.run.desired().timers[0].clone();
        story.now = timer.due;
        let fire = Command::Fire { timer: timer.id };
        let vote = story.vote("a", "bo", Decision::RequestChanges);
        let (first, second) = if vote_first { (vote, fire) } else { (fire, vote) };
        story.when(first);
        let refusal = story.refused(second.clone());
        (story, refusal, second)
    };
    let (mut story, refusal, timer) = once(true);
    assert_eq!(refusal, Rejection::StaleTimer);
    // The next gate of the same execution: the old timer is long due.
    story.succeed("a");
    assert_eq!(story.open("a").generation, 2);
    story.wait(seconds(3600));
    assert_eq!(story.refused(timer), Rejection::StaleTimer);
    story.then("waiting", "a=waiting_approval b=blocked");
    let (story, refusal, _) = once(false);
    assert!(matches!(refusal, Rejection::GateResolved { .. }), "{refusal}");
    story.then("failed", "a=failed b=not_run");
}

#[test]
fn a_timer_is_not_due_early() {
    let mut story = with_timeout(|_| ());
    let timers = story.run.desired().timers;
    for timer in timers {
        let refusal = story.refused(Command::Fire { timer: timer.id });
        assert_eq!(refusal, Rejection::NotDue { due: timer.due });
    }
    let later = TimerId {
        execution: "a".parse().unwrap(),
        kind: TimerKind::Remind(GateKind::Start, 90),
        generation: 2,
    };
    story.wait(seconds(950));
    assert_eq!(story.refused(Command::Fire { timer: later }), Rejection::StaleTimer, "50 first");
}

/// SEMANTICS 12, number 14: of people.
#[test]
fn a_pause_asks_nobody_hears_nobody_and_moves_deadlines() {
    let mut story = with_timeout(|_| ());
    story.wait(seconds(100)).pause(false);
    assert!(story.run.desired().timers.is_empty());
    assert_eq!(story.refused(story.vote("a", "bo", Decision::Approve)), Rejection::Paused);
    assert_eq!(story.refused(story.delegate("a", "bo", "dee")), Rejection::Paused);
    let fire = TimerId {
        execution: "a".parse().unwrap(),
        kind: TimerKind::Gate(GateKind::Start),
        generation: 2,
    };
    story.wait(seconds(5000));
    assert_eq!(story.refused(Command::Fire { timer: fire }), Rejection::StaleTimer);
    story.resume();
    let dues: Vec<_> = story
        .run
        .desired()
        .timers
        .iter()
        .map(|timer| timer.due.duration_since(story.now).as_secs())
        .collect();
    assert_eq!(dues, [400, 900]);
    // A gate that would open now waits for the end of the next pause, and its time begins then.
    let mut story = changed(TWO, |p| stage(p, "b").approve_start = Some(approval(&["devops"])));
    story.pause(false);
    story.succeed("a");
    story.then("paused", "a=succeeded b=blocked");
    story.resume();
    story.then("waiting", "a=succeeded b=waiting_approval");
}

#[test]
fn a_gate_that_opened_in_a_pause_has_its_time_after_it() {
    let mut story = changed(TWO, |p| {
        let mut asked = approval(&["devops"]);
        asked.electorate.timeout = seconds(1000);
        asked.electorate.reminders.clear();
        stage(p, "a").approve_complete = Some(asked);
    });
    story.pause(false);
    story.wait(seconds(50)).succeed("a");
    story.wait(seconds(70)).resume();
    let due = story.run.desired().timers[0].due;
    assert_eq!(due.duration_since(story.now).as_secs(), 1000);
}

/// People are waited for outside of every limit.
#[test]
fn the_total_timeout_stands_still_while_people_are_asked() {
    let mut story =
        changed("{name: p, stages: [{name: a, run: exit 0, total_timeout: 60s}]}", |p| {
            stage(p, "a").approve_start = Some(approval(&["devops"]));
            stage(p, "a").approve_complete = Some(approval(&["devops"]));
            stage(p, "a").max_revisions = 1;
        });
    let total = |story: &Story| {
        let timers = story.run.desired().timers;
        let timer = timers.into_iter().find(|timer| timer.id.kind == TimerKind::Total)?;
        Some(timer.due.duration_since(story.now).as_secs())
    };
    story.wait(seconds(5000));
    assert_eq!(total(&story), None);
    story.approve("a", "bo");
    assert_eq!(total(&story), Some(60));
    story.wait(seconds(20)).succeed("a");
    assert_eq!(total(&story), None);
    story.wait(seconds(5000)).send_back("a", "bo");
    assert_eq!(total(&story), Some(40));
}

#[test]
fn changes_are_requested_of_a_script_that_runs_again() {
    let mut story = changed(
        "{name: p, stages: [{name: a, run: exit 0, retry: {max_attempts: 2, backoff: {kind: constant, initial: 1s, jitter: false}}}]}",
        |p| {
            stage(p, "a").approve_complete = Some(approval(&["devops"]));
            stage(p, "a").max_revisions = 2;
        },
    );
    story.succeed_with("a", json!({"n": 1}));
    let first = story.open("a");
    let events = story.send_back("a", "bo");
    let names: Vec<_> = events.iter().map(Event::name).collect();
    assert_eq!(
        names,
        ["gate.voted", "gate.resolved", "execution.revision_requested", "attempt.scheduled"]
    );
    let task = story.run.task(&story.attempt("a")).unwrap();
    assert_eq!((task.revision, task.feedback.as_deref()), (1, Some("shorter")));
    assert!(task.effect_key.ends_with("-2"), "{}", task.effect_key);
    // It has all of its tries again.
    story.fail("a");
    story.then("running", "a=retrying");
    story.fire();
    story.succeed_with("a", json!({"n": 2}));
    assert_eq!(story.open("a").generation, 2);
    assert_eq!(
        story.refused(story.vote_at(first, "bo", Decision::Approve)),
        Rejection::GateResolved { resolution: "sent back by bo for changes: shorter".into() }
    );
    story.approve("a", "bo");
    story.then("succeeded", "a=succeeded");
    assert_eq!(story.run.row(&"a".parse().unwrap()).unwrap().outputs, Some(&json!({"n": 2})));
}

#[test]
fn changes_are_not_requested_for_ever() {
    let mut story = changed(TWO, |p| {
        stage(p, "a").approve_complete = Some(approval(&["devops"]));
        stage(p, "a").max_revisions = 1;
    });
    story.succeed("a");
    story.send_back("a", "bo");
    story.succeed("a");
    story.send_back("a", "bo");
    story.then("failed", "a=failed b=not_run");
    assert_eq!(
        story.run.reason(),
        "`a` failed: changes were requested more than 1 times, last: shorter"
    );
}

#[test]
fn cancel_and_halt_take_back_what_is_asked() {
    let yaml = "{name: p, stages: [{name: a, depends_on: [], run: exit 0}, {name: b, depends_on: [], run: exit 0}, {name: c, depends_on: [], run: exit 0}]}";
    let make = || {
        let mut story = changed(yaml, |p| {
            stage(p, "a").approve_start = Some(approval(&["devops"]));
            stage(p, "b").approve_complete = Some(approval(&["devops"]));
        });
        story.succeed("b");
        story.then("running", "a=waiting_approval b=waiting_approval c=running");
        story
    };
    let mut story = make();
    let open = story.open("a");
    story.cancel();
    story.then("cancelling", "a=cancelled b=cancelled c=stopping");
    assert!(story.run.open_gates().is_empty() && story.run.desired().timers.is_empty());
    assert_eq!(
        story.refused(story.vote_at(open, "bo", Decision::Approve)),
        Rejection::GateResolved { resolution: "taken back: the run was cancelled".into() }
    );
    let mut story = make();
    story.fail("c");
    story.then("failed", "a=not_run b=cancelled c=failed");
    let void = Resolution::Void { reason: "the run halted because `c` failed".into() };
    assert!(story.run.gates().iter().all(|gate| gate.resolution.map(|(_, r)| r) == Some(&void)));
    // Tried again, all of it is asked again.
    story.retry(None);
    story.then("running", "a=waiting_approval b=running c=running");
    assert_eq!(story.open("a").generation, 2);
}

#[test]
fn what_ends_well_in_a_halting_run_is_not_asked_about() {
    let mut story = changed(
        "{name: p, stages: [{name: a, depends_on: [], run: exit 0}, {name: b, depends_on: [], run: exit 0}]}",
        |p| stage(p, "b").approve_complete = Some(approval(&["devops"])),
    );
    story.fail("a");
    story.succeed("b");
    story.then("failed", "a=failed b=cancelled");
    let row = story.run.row(&"b".parse().unwrap()).unwrap();
    assert!(matches!(row.settled, Some(Settled::Halted { .. })));
    assert!(story.run.gates().is_empty());
}

#[test]
fn what_cannot_start_is_not_asked_about() {
    let mut story = changed(
        "{name: p, stages: [{name: a, run: 'exit 0', working_dir: '${event.dir}'}]}",
        |p| {
            stage(p, "a").approve_start = Some(approval(&["devops"]));
        },
    );
    story.then("failed", "a=failed");
    assert!(story.run.reason().contains("event.dir"), "{}", story.run.reason());
    assert!(story.run.gates().is_empty());
    let refusal =
        story.refused(Command::Retry { by: "ana".into(), from: Some("b".parse().unwrap()) });
    assert!(matches!(refusal, Rejection::NoSuchStage { .. }));
}

#[test]
fn nothing_is_waited_for_where_something_else_goes_on() {
    let mut story = changed(
        "{name: p, stages: [{name: a, depends_on: [], run: exit 0}, {name: b, depends_on: [], run: exit 0}]}",
        |p| stage(p, "a").approve_start = Some(approval(&["devops"])),
    );
    story.then("running", "a=waiting_approval b=running");
    story.succeed("b");
    assert_eq!(story.status(), "waiting");
}

#[test]
fn a_noop_may_be_approved_and_cannot_be_changed() {
    let mut story = changed("{name: p, stages: [{name: a, noop: true}]}", |p| {
        stage(p, "a").approve_complete = Some(approval(&["devops"]));
    });
    story.then("waiting", "a=waiting_approval");
    let refusal = story.refused(story.vote("a", "bo", Decision::RequestChanges));
    assert_eq!(refusal, Rejection::NothingToChange { reason: "the stage does nothing".into() });
    story.approve("a", "bo");
    story.then("succeeded", "a=succeeded");
}

#[test]
fn explain_names_the_nearest_cause_first() {
    let mut story = changed(
        "{name: p, stages: [{name: a, run: exit 0}, {name: b, run: exit 0}, {name: c, run: exit 0}]}",
        |p| stage(p, "a").approve_start = Some(approval(&["devops"])),
    );
    let told = story.run.explain();
    let list: Vec<_> = told.iter().map(|told| told.execution.to_string()).collect();
    assert_eq!(list, ["a", "b", "c"]);
    assert_eq!(told[0].because, ["waits for approval to start, 0 of 1: devops"]);
    assert_eq!(told[0].remedies, ["orchestrate approval list --pending --run p#1"]);
    assert_eq!(
        told[2].because,
        ["waits for `b`", "`a` is waiting approval: waits for approval to start, 0 of 1: devops"]
    );
    assert_eq!(told[2].remedies, told[0].remedies);
    story.pause(false);
    let told = story.run.explain();
    assert_eq!(told[0].because.last().unwrap(), "the run is paused by ana");
    assert_eq!(told[0].remedies.last().unwrap(), "orchestrate runs resume p#1");
    story.resume();
    story.approve("a", "bo");
    assert_eq!(story.run.explain()[0].because, ["it waits for a free slot"]);
    story.started("a");
    assert_eq!(story.run.explain().len(), 2, "what runs needs no explanation");
    story.cancel();
    story.stopped("a", crate::command::StopReason::Cancelled);
    assert!(story.run.explain().is_empty());
}
