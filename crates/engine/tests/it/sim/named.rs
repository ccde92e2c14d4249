//! Failures that others are known for, each as a property over many runs (SEMANTICS 12).

mod flow;
mod people;

use std::collections::BTreeSet;

use engine::admission::{Policy, Step, admit};
use engine::command::{Command, End, Report, TimerKind};
use engine::desired::Desired;
use engine::event::{Event, FinalStatus, Outcome};
use engine::id::RunId;
use indexmap::IndexMap;
use pipeline::model::{OnConflict, Rule};

use crate::sim::faults::{Case, Weather, case};
use crate::sim::generate::{Taste, pipeline};
use crate::sim::hands::exit;
use crate::sim::invariants::Broken;
use crate::sim::oracle::{self, Node};
use crate::sim::rng::Rng;
use crate::sim::spec::{
    Asks, EffectSpec, FactSpec, Flow, GroupSpec, How, Kind, Luck, Micros, RetrySpec, SECOND, Spec,
    StageSpec,
};
use crate::sim::world::{Answer, World, compile, create, instant, replay};

/// TERM to death in this world, at most.
const GRACE: Micros = 5 * SECOND;
/// After so long a silent worker is lost.
const LEASE: Micros = 30 * SECOND;

/// Visits every step of a run; what the visitor does to its copy of the world, the run never sees.
fn at_every_step(
    case: &Case,
    nodes: &[Node],
    mut visit: impl FnMut(World<'_>) -> Result<(), Broken>,
) {
    let mut world = World::new(case, nodes).unwrap();
    world.begin(false).unwrap();
    loop {
        let now = world.now;
        if let Err(broken) = visit(world.clone()) {
            panic!(
                "seed {}, at {now} µs: {broken}\n{}\n{}",
                case.seed,
                case.spec.yaml(),
                world.told.join("\n")
            );
        }
        if !world.step().unwrap() {
            return;
        }
    }
}

fn storms(count: usize) -> impl Iterator<Item = Case> {
    (0..)
        .map(case)
        .filter(|case| case.weather == Weather::Storm && case.spec.stages.len() < 9)
        .take(count)
}

fn run_id(world: &World<'_>) -> RunId {
    world.run.header().unwrap().run
}

fn cancel() -> Command {
    Command::Cancel { by: "sim".into(), reason: "enough".into() }
}

#[test]
fn occupancy_equals_live_attempts_after_kill_at_every_event_boundary() {
    for mut case in storms(40) {
        // Another run of its group waits.
        let mut next = alone(u64::MAX, vec![bare("next")]);
        case.spec.group = Some(GroupSpec { name: 'a', limit: 1, on_conflict: OnConflict::Queue });
        next.spec.group = case.spec.group;
        let nodes = oracle::graph(&case.spec);
        let next_nodes = oracle::graph(&next.spec);
        let mut waiting = World::new(&next, &next_nodes).unwrap();
        waiting.begin(true).unwrap();
        at_every_step(&case, &nodes, |mut world| {
            world.kill()?;
            let inside = world.run.occupant();
            let open = world.ledger.finished.is_none();
            let steps = admit(
                [inside.clone(), waiting.run.occupant()].into_iter().flatten(),
                &Policy::default(),
            );
            let lets_it_in = steps.iter().any(|step| *step == Step::Admit(run_id(&waiting)));
            if inside.is_some() != open || lets_it_in == (open && world.ledger.started) {
                return Err(format!("beside {inside:?} admission says {steps:?}"));
            }
            world.calm_down();
            world.finish()?;
            let live = world.run.desired().attempts.len() + world.ledger.live_attempts().len();
            if live > 0 || world.run.occupant().is_some() {
                return Err(format!("{live} attempts outlive the run"));
            }
            let steps = admit(
                [world.run.occupant(), waiting.run.occupant()].into_iter().flatten(),
                &Policy::default(),
            );
            let wanted = [Step::Admit(run_id(&waiting))];
            if steps == wanted { Ok(()) } else { Err(format!("the next run waits: {steps:?}")) }
        });
        // Also between the events of one decision, which no store ever separates: what is derived
        // from half a decision is still what its events say.
        let mut world = World::new(&case, &nodes).unwrap();
        world.begin(false).unwrap();
        world.finish().unwrap();
        for cut in 0..=world.journal.len() {
            world.cut_agrees(cut).unwrap_or_else(|broken| panic!("cut at {cut}: {broken}"));
        }
    }
}

#[test]
fn cancel_from_each_state_ends_cancelled() {
    let mut seen = BTreeSet::new();
    for case in storms(60) {
        let nodes = oracle::graph(&case.spec);
        let finally = !case.spec.finally.is_empty();
        at_every_step(&case, &nodes, |mut world| {
            if world.ledger.finished.is_some() || world.ledger.cancelling {
                return Ok(());
            }
            seen.extend(world.situation());
            world.calm_down();
            let silent = world.now % 4 == 0;
            if silent {
                seen.insert("lost worker");
                world.silence_workers(LEASE);
            }
            let from = world.now;
            if world.submit(cancel())? != Answer::Accepted {
                return Err("cancel is refused".into());
            }
            world.finish()?;
            if world.ledger.finished != Some(FinalStatus::Cancelled) {
                return Err(format!("a cancelled run ended {:?}", world.ledger.finished));
            }
            let took = world.ended() - from;
            if !finally && took > GRACE + LEASE {
                return Err(format!("cancelling took {took} µs"));
            }
            Ok(())
        });
    }
    for state in ["pending", "running", "retry wait", "unknown", "paused", "queued", "lost worker"]
    {
        assert!(seen.contains(state), "never cancelled while {state}: {seen:?}");
    }
}

#[test]
fn a_paused_run_starts_nothing_and_its_deadlines_move() {
    let mut stood = 0;
    for seed in 0..60 {
        let taste = Taste {
            failing: 50,
            retrying: 35,
            halting: 0,
            narrow: 30,
            once: 0,
            total: 40,
            jitter: 30,
            asking: 0,
            patient: false,
            flowing: 0,
            undoing: 0,
        };
        let spec = pipeline(seed, taste);
        let case = Case { seed, spec, weather: Weather::Storm, acts: vec![] };
        if case.spec.stages.len() > 12 {
            continue;
        }
        let nodes = oracle::graph(&case.spec);
        at_every_step(&case, &nodes, |mut world| {
            if world.ledger.finished.is_some() {
                return Ok(());
            }
            let pause = Command::Pause { by: "sim".into(), now: world.now % 2 == 0 };
            if world.submit(pause)? != Answer::Accepted {
                return Err("pause is refused".into());
            }
            let from = world.journal.len();
            world.settle_hands()?;
            world.now += 3600 * SECOND;
            world.settle_hands()?;
            let begun = world.journal[from..].iter().find(|stamped| {
                matches!(stamped.event, Event::StageReady { .. } | Event::AttemptScheduled { .. })
            });
            if let Some(begun) = begun {
                return Err(format!("while paused: {:?}", begun.event));
            }
            let desired = world.run.desired();
            if !desired.attempts.is_empty() || !desired.timers.is_empty() {
                return Err(format!("a paused run that came to rest desires {desired:?}"));
            }
            if world.ledger.finished.is_some() {
                // The last attempt ended, and nothing was left to start.
                return Ok(());
            }
            stood += 1;
            // The bookkeeper counts waits and total_timeout in unpaused time, to the microsecond.
            let resume = Command::Resume { by: "sim".into() };
            if world.submit(resume)? != Answer::Accepted {
                return Err("resume is refused".into());
            }
            world.finish()
        });
    }
    assert!(stood > 300, "paused only {stood} times");
}

fn bare(name: &str) -> StageSpec {
    StageSpec {
        name: name.into(),
        kind: Kind::Run,
        deps: Some(vec![]),
        parallel_with: None,
        group: None,
        rule: None,
        conditions: vec![],
        skip_unknown: false,
        foreach: None,
        retry: None,
        on_failure: None,
        halt_mode: None,
        effects: EffectSpec::Idempotent,
        timeout: None,
        total: None,
        outputs: false,
        luck: Luck { fails: 0, how: How::Code(1), half: false },
        asks: Asks::default(),
        flow: Flow::default(),
    }
}

fn after_stage(name: &str, dep: &str) -> StageSpec {
    StageSpec { deps: Some(vec![dep.into()]), ..bare(name) }
}

fn alone(seed: u64, stages: Vec<StageSpec>) -> Case {
    let spec = Spec {
        seed,
        list: false,
        stages,
        finally: vec![],
        max_parallel: None,
        halt_mode: None,
        default_retry: None,
        group: None,
        facts: FactSpec { branch: None, paths: None, labels: None },
        success: None,
        breakpoints: vec![],
        step: false,
        deliveries: vec![],
        compensations: vec![],
    };
    Case { seed, spec, weather: Weather::Storm, acts: vec![] }
}

fn retry(max_attempts: u32, initial: Micros) -> Option<RetrySpec> {
    Some(RetrySpec { max_attempts, initial, kind: "constant", jitter: false, not_on: vec![] })
}

#[test]
fn a_stage_waiting_for_retry_frees_its_slot() {
    let flaky = StageSpec {
        retry: retry(3, 20 * SECOND),
        luck: Luck { fails: 1, how: How::Code(1), half: false },
        ..bare("flaky")
    };
    let mut case = alone(1, vec![flaky, bare("other")]);
    case.spec.max_parallel = Some(1);
    let nodes = oracle::graph(&case.spec);
    let mut world = World::new(&case, &nodes).unwrap();
    world.begin(false).unwrap();
    let waits = |event: &Event| matches!(event, Event::RetryScheduled { .. });
    while !world.journal.iter().any(|stamped| waits(&stamped.event)) {
        assert!(world.step().unwrap());
    }
    let desired = world.run.desired();
    let running: Vec<_> =
        desired.attempts.iter().map(|attempt| attempt.execution.to_string()).collect();
    assert_eq!(running, ["other"], "the slot of a waiting stage is taken at once");
    assert_eq!(desired.timers.len(), 1);
    world.finish().unwrap();
    assert_eq!(world.ledger.finished, Some(FinalStatus::Succeeded));
}

#[test]
fn a_timer_of_one_generation_never_acts_on_the_next() {
    let mut acted = 0;
    let mut refused = 0;
    let mut seed = 0;
    while acted + refused < 10_000 {
        seed += 1;
        let flaky = StageSpec {
            retry: retry(6, SECOND),
            total: Some(60 * SECOND),
            luck: Luck { fails: 4, how: How::Code(1), half: false },
            ..bare("flaky")
        };
        let case = alone(seed, vec![flaky]);
        let nodes = oracle::graph(&case.spec);
        let mut world = World::new(&case, &nodes).unwrap();
        world.begin(false).unwrap();
        let mut rng = Rng::of(seed, "race");
        loop {
            // Every timer that could ever be meant, in any order, at the very instant at which
            // something else happens.
            if rng.chance(60) {
                world.skip_to_timer(rng.pick(&[0, 0, 1]));
            }
            for _ in 0..rng.below(6) {
                let kind = rng.pick(&[TimerKind::Retry, TimerKind::Total]);
                let generation = u32::try_from(rng.below(8)).unwrap();
                let answer = world.race("flaky", kind, generation).unwrap();
                match answer {
                    Answer::Accepted => acted += 1,
                    Answer::Refused | Answer::Silence => refused += 1,
                }
            }
            if rng.chance(5) {
                let by = "sim".to_owned();
                let command = if world.ledger.paused {
                    Command::Resume { by }
                } else {
                    Command::Pause { by, now: rng.chance(50) }
                };
                world.submit(command).unwrap();
            }
            if !world.step().unwrap() {
                break;
            }
        }
        let results = world.results_of("flaky");
        assert!(results.iter().all(|count| *count <= 1), "an attempt has two results");
    }
    assert!(acted > 100, "only {acted} of the raced timers were armed and due");
}

#[test]
fn a_report_and_a_timer_of_one_instant_give_one_result() {
    for first in [true, false] {
        let slow = StageSpec { total: Some(10 * SECOND), ..bare("slow") };
        let case = alone(3, vec![slow]);
        let nodes = oracle::graph(&case.spec);
        let mut world = World::new(&case, &nodes).unwrap();
        world.begin(false).unwrap();
        let attempt = world.run.desired().attempts[0].clone();
        world.now = 10 * SECOND;
        let report = Command::Report {
            attempt,
            report: Report::Exited(exit(End::Code(0), Ok(IndexMap::new()))),
        };
        if first {
            assert_eq!(world.submit(report), Ok(Answer::Accepted));
            assert_eq!(world.race("slow", TimerKind::Total, 0), Ok(Answer::Refused));
            assert_eq!(world.ledger.finished, Some(FinalStatus::Succeeded));
        } else {
            assert_eq!(world.race("slow", TimerKind::Total, 0), Ok(Answer::Accepted));
            assert_eq!(world.submit(report), Ok(Answer::Accepted));
        }
        assert_eq!(world.results_of("slow"), [1]);
        assert!(world.ledger.finished.is_some());
    }
}

#[test]
fn a_worker_that_reports_after_another_finished_changes_nothing() {
    let case = alone(4, vec![bare("work")]);
    let nodes = oracle::graph(&case.spec);
    let mut world = World::new(&case, &nodes).unwrap();
    world.begin(false).unwrap();
    let silent = world.run.desired().attempts[0].clone();
    let lost = Report::Lost { message: "its lease expired".into() };
    world.submit(Command::Report { attempt: silent.clone(), report: lost }).unwrap();
    world.finish().unwrap();
    assert_eq!(world.ledger.finished, Some(FinalStatus::Succeeded));
    let before = world.journal.clone();
    for report in [
        Report::Started { worker: "silent".into(), pid: None },
        Report::Exited(exit(End::Code(1), Ok(IndexMap::new()))),
        Report::NotStarted { message: "late".into() },
        Report::Lost { message: "late".into() },
        Report::Probed { exit_code: Some(1) },
    ] {
        let late = Command::Report { attempt: silent.clone(), report };
        assert_eq!(world.submit(late), Ok(Answer::Refused));
    }
    assert_eq!(world.journal, before);
}

#[test]
fn a_skip_does_not_spread_past_a_stage_that_takes_it() {
    let a = StageSpec { conditions: vec![crate::sim::spec::Cond::Flag(false)], ..bare("a") };
    let b = StageSpec { deps: Some(vec!["a".into()]), rule: Some(Rule::AllDone), ..bare("b") };
    let c = StageSpec { deps: Some(vec!["b".into()]), ..bare("c") };
    let d = StageSpec { deps: Some(vec!["a".into()]), ..bare("d") };
    let case = alone(5, vec![a, b, c, d]);
    let nodes = oracle::graph(&case.spec);
    let mut world = World::new(&case, &nodes).unwrap();
    world.begin(false).unwrap();
    world.finish().unwrap();
    let outcomes: Vec<_> = world.ledger.outcomes().iter().map(|one| one.unwrap().0).collect();
    assert_eq!(
        outcomes,
        [Outcome::Skipped, Outcome::Succeeded, Outcome::Succeeded, Outcome::Skipped]
    );
    for stamped in &world.journal {
        if let Event::StageSettled { stage, outcome: Outcome::Skipped, reason, .. } = &stamped.event
        {
            let kept = serde_json::to_value(reason).unwrap();
            let wanted = if &**stage == "a" { "condition" } else { "all_skipped" };
            assert_eq!(kept["kind"], wanted, "the reason of {stage}'s skip");
        }
    }
}

#[test]
fn a_run_that_cannot_be_dispatched_settles_after_bounded_tries() {
    let never = StageSpec {
        retry: retry(4, SECOND),
        luck: Luck { fails: 99, how: How::NotStarted, half: false },
        ..bare("never")
    };
    let case = alone(6, vec![never]);
    let nodes = oracle::graph(&case.spec);
    let mut world = World::new(&case, &nodes).unwrap();
    world.begin(false).unwrap();
    world.finish().unwrap();
    assert_eq!(world.ledger.finished, Some(FinalStatus::Failed));
    assert_eq!(world.results_of("never").len(), 4);
    let run = replay(&world.pipeline, &world.journal);
    assert_eq!(run.desired().attempts, []);
    assert!(run.desired().timers.is_empty());
}

#[test]
fn a_run_that_can_never_start_leaves_the_queue() {
    // Its group names an input that nobody gave.
    let text = "name: nowhere\ninputs: {who: {type: string, required: false}}\n\
                concurrency: \"deploy-${inputs.who}\"\nstages: [{name: a, run: \"true\"}]\n\
                finally: [{name: b, run: \"true\"}]\n";
    let mut run = engine::Run::new(compile(text).unwrap());
    let case = alone(7, vec![bare("a")]);
    let events = run.handle(create(&case.spec), instant(0)).unwrap();
    assert_eq!(run.final_status(), Some(FinalStatus::Failed), "{events:#?}");
    assert!(run.reason().contains("who"), "{}", run.reason());
    assert!(run.occupant().is_none());
    assert_eq!(run.desired(), Desired::default());
    let retry = Command::Retry { by: "sim".into(), from: None };
    assert!(run.handle(retry, instant(1)).is_err(), "trying again cannot help");
}
