//! People: gates block, votes race timers, what is handed on stays listed, what waits survives.

use engine::command::{Command, Delegate, Revoke, TimerId, TimerKind};
use engine::event::{Decision, Event, FinalStatus, GateId, GateKind, Outcome, Resolution};
use engine::id::ExecutionId;
use engine::{Rejection, Run};
use pipeline::model::{Electorate, OnTimeout, Quorum};

use super::{alone, at_every_step, bare};
use crate::sim::faults::Case;
use crate::sim::invariants::Broken;
use crate::sim::oracle;
use crate::sim::rng::Rng;
use crate::sim::spec::{Asks, Cond, ForeachSpec, FormSpec, Items, Kind, SECOND, StageSpec, named};
use crate::sim::world::{Answer, World, replay};

fn gate(approvers: &[&str]) -> Electorate {
    Electorate {
        approvers: approvers.iter().map(|one| (*one).to_owned()).collect(),
        quorum: Quorum::All,
        timeout: std::time::Duration::from_secs(60),
        reminders: vec![],
        ..Electorate::default()
    }
}

fn gated(name: &str, approvers: &[&str]) -> StageSpec {
    StageSpec { asks: Asks { start: Some(gate(approvers)), ..Asks::default() }, ..bare(name) }
}

fn after(name: &str, deps: &[&str]) -> StageSpec {
    StageSpec { deps: Some(deps.iter().map(|dep| (*dep).to_owned()).collect()), ..bare(name) }
}

/// Nobody says anything by themselves; the hands end all that runs.
fn rest(world: &mut World<'_>) -> Result<(), Broken> {
    world.mute = true;
    world.settle_hands()
}

fn begun(world: &World<'_>) -> Vec<String> {
    let scheduled = world.journal.iter().filter_map(|stamped| match &stamped.event {
        Event::AttemptScheduled { attempt } => Some(attempt.execution.to_string()),
        _ => None,
    });
    scheduled.collect()
}

fn open(world: &World<'_>) -> Vec<GateId> {
    world.ledger.open_gates().into_iter().map(|gate| gate.id.clone()).collect()
}

fn say(world: &mut World<'_>, gate: &GateId, who: &str, decision: Decision) -> Answer {
    let command = world.vote(gate, &named(who), decision, None);
    world.submit(command).unwrap()
}

/// 4, all but the child run (see `a_gate_of_a_child_run_blocks_its_parent`).
#[test]
fn a_gate_in_a_branch_or_an_instance_blocks_and_a_skipped_one_never_does() {
    let items = ForeachSpec { items: Items::Literal(3), max: None };
    let each = StageSpec { foreach: Some(items), ..gated("each", &["bo"]) };
    let skipped = StageSpec { conditions: vec![Cond::Flag(false)], ..gated("skipped", &["ana"]) };
    let case = alone(
        1,
        vec![
            gated("left", &["ana"]),
            bare("right"),
            skipped,
            each,
            StageSpec {
                rule: Some(pipeline::model::Rule::NoneFailed),
                ..after("join", &["left", "right", "skipped", "each"])
            },
        ],
    );
    let nodes = oracle::graph(&case.spec);
    let mut world = World::new(&case, &nodes).unwrap();
    world.mute = true;
    world.begin(false).unwrap();
    rest(&mut world).unwrap();
    assert_eq!(begun(&world), ["right"], "only what nobody is asked about runs");
    assert_eq!(open(&world).len(), 4, "one for the branch, one for each instance, none skipped");
    let gates = open(&world);
    let of = |name: &str| gates.iter().find(|gate| gate.execution.to_string() == name).unwrap();
    assert_eq!(say(&mut world, of("each[2]"), "bo", Decision::Approve), Answer::Accepted);
    rest(&mut world).unwrap();
    assert_eq!(begun(&world), ["right", "each[2]"], "an instance blocks itself only");
    for name in ["each[1]", "each[3]"] {
        assert_eq!(say(&mut world, of(name), "bo", Decision::Approve), Answer::Accepted);
        rest(&mut world).unwrap();
    }
    assert!(!begun(&world).contains(&"join".to_owned()), "the branch is still asked about");
    assert_eq!(say(&mut world, of("left"), "ana", Decision::Approve), Answer::Accepted);
    world.finish().unwrap();
    assert!(begun(&world).contains(&"join".to_owned()));
    assert_eq!(world.ledger.finished, Some(FinalStatus::Succeeded));
}

/// A gate that is open, about `kind`, and the run at that moment.
fn asked(kind: GateKind, on_timeout: OnTimeout) -> (Run, GateId, u64) {
    let mut electorate = gate(&["ana", "devops"]);
    electorate.on_timeout = on_timeout;
    electorate.quorum = Quorum::Any;
    if on_timeout == OnTimeout::Escalate {
        electorate.escalate_to = vec!["cy".into()];
    }
    let mut stage = bare("work");
    stage.asks.max_revisions = 2;
    match kind {
        GateKind::Permission | GateKind::Question => unreachable!("asked by attempts"),
        GateKind::Start | GateKind::Trigger => stage.asks.start = Some(electorate),
        GateKind::Complete => stage.asks.complete = Some(electorate),
    }
    let case = alone(2, vec![stage]);
    let nodes = oracle::graph(&case.spec);
    let mut world = World::new(&case, &nodes).unwrap();
    world.mute = true;
    world.begin(false).unwrap();
    rest(&mut world).unwrap();
    let gate = open(&world).pop().unwrap();
    (world.run.clone(), gate, world.now)
}

/// 5: ten thousand times a vote and the gate's timer come at one instant. The order of the log
/// decides, the other one is refused, and the gate has one end.
#[test]
fn a_vote_and_a_timer_of_one_instant_give_one_result() {
    let policies = [
        OnTimeout::Reject,
        OnTimeout::Approve,
        OnTimeout::Escalate,
        OnTimeout::Skip,
        OnTimeout::Fail,
    ];
    let worlds: Vec<_> = [GateKind::Start, GateKind::Complete]
        .into_iter()
        .flat_map(|kind| policies.map(|policy| (asked(kind, policy), policy)))
        .collect();
    let mut rng = Rng::new(5);
    let (mut votes, mut timers) = (0, 0);
    for _ in 0..10_000 {
        let ((run, gate, _), policy) = &worlds[rng.index(worlds.len())];
        let mut run = run.clone();
        let due = run.desired().timers.iter().map(|timer| timer.due).max().unwrap();
        let timer = run
            .desired()
            .timers
            .iter()
            .find(|timer| matches!(timer.id.kind, TimerKind::Gate(_)))
            .unwrap()
            .id
            .clone();
        let decision = rng.pick(&[Decision::Approve, Decision::Reject]);
        let vote = |who: &str| {
            Command::Vote(Box::new(engine::command::Vote {
                gate: gate.clone(),
                by: named(who),
                decision,
                comment: "now".into(),
                digest: None,
                alone: false,
            }))
        };
        let fire = Command::Fire { timer };
        let mut all = vec![];
        let first_votes = rng.chance(50);
        let (one, other) = if first_votes { (vote("ana"), fire) } else { (fire, vote("ana")) };
        all.extend(run.handle(one, due).unwrap());
        let second = run.handle(other, due);
        let escalates = *policy == OnTimeout::Escalate && !first_votes;
        match &second {
            // The run may have ended by it.
            Err(Rejection::Finished { .. }) => assert!(!escalates),
            Err(Rejection::StaleTimer) => assert!(first_votes),
            Err(Rejection::GateResolved { .. }) => assert!(!first_votes && !escalates),
            // The gate has other slots now, and its deadline begins anew.
            Err(Rejection::NotEligible { .. }) => assert!(escalates),
            other => panic!("the loser of the race is answered {other:?}"),
        }
        let ends: Vec<_> = all
            .iter()
            .filter_map(|stamped| match &stamped.event {
                Event::GateResolved { gate: one, resolution } if one == gate => Some(resolution),
                _ => None,
            })
            .collect();
        assert_eq!(ends.len(), usize::from(!escalates), "{all:#?}");
        for end in ends {
            let voted = matches!(end, Resolution::Approved | Resolution::Rejected { .. });
            assert_eq!(voted, first_votes, "{end:?}");
            if voted { votes += 1 } else { timers += 1 }
        }
    }
    assert!(votes > 4_000 && timers > 3_000, "{votes} won by votes, {timers} by timers");
}

/// 5: whatever was armed or shown for one generation of a gate does nothing to the next.
#[test]
fn what_belongs_to_one_generation_of_a_gate_changes_nothing_in_the_next() {
    let mut stage = bare("work");
    stage.asks.max_revisions = 2;
    stage.asks.complete = Some(gate(&["ana"]));
    let case = alone(3, vec![stage]);
    let nodes = oracle::graph(&case.spec);
    let mut world = World::new(&case, &nodes).unwrap();
    world.mute = true;
    world.begin(false).unwrap();
    rest(&mut world).unwrap();
    let first = open(&world).pop().unwrap();
    assert_eq!(say(&mut world, &first, "ana", Decision::RequestChanges), Answer::Accepted);
    rest(&mut world).unwrap();
    let second = open(&world).pop().unwrap();
    assert_eq!(second.generation, first.generation + 1);
    let before = world.journal.len();
    world.now += 3600 * SECOND;
    for generation in 0..8 {
        if generation == second.generation * 2 {
            continue;
        }
        for kind in [TimerKind::Gate(GateKind::Complete), TimerKind::Gate(GateKind::Start)] {
            let execution = ExecutionId::stage("work");
            let timer = TimerId { execution, kind, generation };
            assert_eq!(world.submit(Command::Fire { timer }), Ok(Answer::Refused));
        }
    }
    assert_eq!(say(&mut world, &first, "ana", Decision::Approve), Answer::Refused);
    let stale = world.vote(&second, &named("ana"), Decision::Approve, Some("0".repeat(64)));
    assert_eq!(world.submit(stale), Ok(Answer::Refused));
    assert_eq!(world.journal.len(), before);
    assert_eq!(say(&mut world, &second, "ana", Decision::Approve), Answer::Accepted);
    world.finish().unwrap();
    assert_eq!(world.ledger.finished, Some(FinalStatus::Succeeded));
}

fn hand(gate: &GateId, by: &str, to: &str) -> Command {
    Command::Delegate(Box::new(Delegate { gate: gate.clone(), by: named(by), to: named(to) }))
}

fn take_back(gate: &GateId, by: &str, to: &str) -> Command {
    Command::Revoke(Box::new(Revoke { gate: gate.clone(), by: named(by), to: to.into() }))
}

/// 6: a delegated request stays pending, listed and usable; nobody votes twice; a revocation works
/// until the delegate has voted; who handed what to whom is on record.
#[test]
fn a_delegated_request_stays_listed_nobody_votes_twice_and_revoke_works() {
    let case = alone(4, vec![gated("work", &["ana", "cy"])]);
    let nodes = oracle::graph(&case.spec);
    let mut world = World::new(&case, &nodes).unwrap();
    world.mute = true;
    world.begin(false).unwrap();
    let id = open(&world).pop().unwrap();
    let due = world.run.gate(&id).unwrap().due;
    assert_eq!(world.submit(hand(&id, "ana", "cy")), Ok(Answer::Refused), "cy has a slot");
    assert_eq!(world.submit(hand(&id, "di", "ed")), Ok(Answer::Refused), "di has none");
    assert_eq!(world.submit(hand(&id, "ana", "ed")), Ok(Answer::Accepted));
    let shown = world.run.gate(&id).unwrap();
    assert!(shown.is_open(), "it stays pending");
    assert_eq!(shown.due, due, "and its deadline stays");
    assert_eq!(shown.slots[0].delegate, Some("ed"), "it is the delegate's, too");
    assert_eq!(world.submit(hand(&id, "ed", "ana")), Ok(Answer::Refused), "a circle");
    assert_eq!(
        say(&mut world, &id, "ana", Decision::Approve),
        Answer::Refused,
        "it was given away"
    );
    assert_eq!(world.submit(take_back(&id, "cy", "ed")), Ok(Answer::Refused), "not cy's");
    assert_eq!(world.submit(take_back(&id, "ana", "ed")), Ok(Answer::Accepted));
    assert_eq!(say(&mut world, &id, "ed", Decision::Approve), Answer::Refused, "it was taken back");
    assert_eq!(world.submit(hand(&id, "ana", "di")), Ok(Answer::Accepted));
    assert_eq!(say(&mut world, &id, "di", Decision::Approve), Answer::Accepted);
    assert_eq!(say(&mut world, &id, "di", Decision::Approve), Answer::Refused, "twice");
    assert_eq!(world.submit(take_back(&id, "ana", "di")), Ok(Answer::Refused), "di has voted");
    assert_eq!(
        say(&mut world, &id, "ana", Decision::Approve),
        Answer::Refused,
        "one slot, one vote"
    );
    assert!(begun(&world).is_empty(), "cy was not heard yet");
    let shown = world.run.gate(&id).unwrap();
    let chain: Vec<_> =
        shown.delegations.iter().map(|one| (one.from, one.to, one.revoked_at.is_some())).collect();
    assert_eq!(chain, [("ana", "ed", true), ("ana", "di", false)]);
    assert_eq!(say(&mut world, &id, "cy", Decision::Approve), Answer::Accepted);
    world.finish().unwrap();
    assert_eq!(world.ledger.finished, Some(FinalStatus::Succeeded));
}

fn waiting() -> Vec<StageSpec> {
    let form = FormSpec {
        assignees: vec![],
        timeout: Some(300),
        on_timeout: pipeline::model::FormTimeout::Fail,
        prefilled: false,
        missing: false,
    };
    let mut asked = after("asked", &["before"]);
    asked.kind = Kind::Form;
    asked.asks.form = Some(form);
    let mut checked = after("checked", &["before"]);
    checked.asks.complete = Some(gate(&["ana", "cy"]));
    let mut held = after("held", &["before"]);
    held.asks.held = true;
    let mut first = after("first", &["before"]);
    first.asks.start = Some(gate(&["bo", "leads"]));
    let end = after("end", &["asked", "checked", "held", "first"]);
    vec![bare("before"), asked, checked, held, first, end]
}

/// 14: in a pause no stage starts, nobody is heard, and every deadline of people moves by it.
#[test]
fn a_pause_hears_nobody_and_moves_what_people_are_given() {
    let mut stood = 0;
    let case = alone(5, waiting());
    let nodes = oracle::graph(&case.spec);
    at_every_step(&case, &nodes, |mut world| {
        if world.ledger.finished.is_some() {
            return Ok(());
        }
        let dues = |world: &World<'_>| {
            let timers = world.run.desired().timers;
            timers.into_iter().map(|timer| (timer.id, timer.due)).collect::<Vec<_>>()
        };
        world.mute = true;
        let before = dues(&world);
        let gates = open(&world);
        world.submit(Command::Pause { by: "ana".into(), now: false })?;
        let from = world.journal.len();
        for gate in &gates {
            let vote = world.vote(gate, &named("cy"), Decision::Reject, None);
            ensure!(world.submit(vote)? == Answer::Refused, "a vote is heard in a pause");
        }
        ensure!(world.run.desired().timers.is_empty(), "a timer is armed in a pause");
        ensure!(world.journal.len() == from, "something happened in a pause");
        let span = 3600 * SECOND;
        world.now += span;
        world.submit(Command::Resume { by: "ana".into() })?;
        let after = dues(&world);
        for (id, due) in before {
            let moved = after.iter().find(|(one, _)| *one == id).map(|(_, due)| *due);
            let wanted = due + std::time::Duration::from_micros(span);
            ensure!(moved == Some(wanted), "{id:?} was due {due}, is {moved:?}");
            stood += 1;
        }
        ensure!(open(&world) == gates, "a gate did not survive the pause");
        Ok(())
    });
    assert!(stood > 10, "only {stood} deadlines stood still");
}

/// 15: a server that dies while people are asked comes back to the same question, with the votes
/// that were cast, and runs nothing again that was done.
#[test]
fn what_waits_for_people_survives_kill_as_it_was() {
    let mut asked = 0;
    for seed in 6..16 {
        let case = Case { seed, ..alone(seed, waiting()) };
        let nodes = oracle::graph(&case.spec);
        at_every_step(&case, &nodes, |mut world| {
            let shown = |run: &Run| {
                let gates = run.gates().into_iter().map(|gate| format!("{gate:?}"));
                gates
                    .chain(run.forms().into_iter().map(|form| format!("{form:?}")))
                    .collect::<Vec<_>>()
            };
            let before = shown(&world.run);
            let done = begun(&world);
            asked += before.len();
            world.kill()?;
            ensure!(shown(&world.run) == before, "after a crash other things are asked");
            let again = replay(&world.pipeline, &world.journal);
            ensure!(again == world.run, "the journal says something else");
            world.finish()?;
            let mut all = begun(&world);
            ensure!(all.starts_with(&done), "what was done before the crash is done again");
            all.sort();
            let count = all.len();
            all.dedup();
            // A request for changes does work again, and says so.
            let changes = world
                .journal
                .iter()
                .filter(|stamped| matches!(stamped.event, Event::RevisionRequested { .. }));
            ensure!(count - all.len() == changes.count(), "something ran twice: {all:?}");
            Ok(())
        });
    }
    assert!(asked > 100, "people were asked only {asked} things");
}

/// 4: the run inside waits, so does the stage that started it, and nothing behind it starts.
#[test]
fn a_gate_of_a_child_run_blocks_its_parent() {
    let mut outer = bare("outer");
    outer.kind = Kind::Child;
    let parent_case = alone(20, vec![outer, after("next", &["outer"])]);
    let child_case = alone(21, vec![gated("inner", &["ana"])]);
    let (nodes, inner) = (oracle::graph(&parent_case.spec), oracle::graph(&child_case.spec));
    let mut parent = World::new(&parent_case, &nodes).unwrap();
    let mut child = World::new(&child_case, &inner).unwrap();
    parent.begin(false).unwrap();
    child.mute = true;
    child.begin(false).unwrap();
    rest(&mut child).unwrap();
    child.now += 50 * SECOND;
    assert!(begun(&child).is_empty() && child.ledger.finished.is_none());
    let attempt = parent.run.desired().attempts[0].clone();
    assert_eq!(begun(&parent), ["outer"], "nothing behind it starts");
    parent.now = child.now;
    let id = open(&child).pop().unwrap();
    assert_eq!(say(&mut child, &id, "ana", Decision::Approve), Answer::Accepted);
    child.finish().unwrap();
    assert_eq!(child.ledger.finished, Some(FinalStatus::Succeeded));
    assert_eq!(begun(&parent), ["outer"], "until the server has said so");
    let report = engine::command::Report::Exited(crate::sim::hands::exit(
        engine::command::End::Code(0),
        Ok(indexmap::IndexMap::new()),
    ));
    assert_eq!(parent.submit(Command::Report { attempt, report }), Ok(Answer::Accepted));
    assert_eq!(begun(&parent), ["outer", "next"]);
    let settled = parent.ledger.outcomes()[0].map(|(outcome, _)| outcome);
    assert_eq!(settled, Some(Outcome::Succeeded));
}
