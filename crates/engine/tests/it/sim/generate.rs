//! Random pipelines that are valid by construction.

mod flow;
mod people;

use pipeline::model::{HaltMode, OnConflict, OnFailure, Rule};

use crate::sim::rng::Rng;
use crate::sim::spec::{
    Asks, Cond, EffectSpec, FactSpec, Flow, ForeachSpec, GroupSpec, How, Items, Kind, Luck,
    RetrySpec, SECOND, Spec, StageSpec, UndoSpec,
};

const RULES: [Rule; 8] = [
    Rule::NoneFailedMinOneSuccess,
    Rule::AllSuccess,
    Rule::NoneFailed,
    Rule::AllDone,
    Rule::OneSuccess,
    Rule::OneFailed,
    Rule::AllFailed,
    Rule::Always,
];

/// How much of what a world may hold. Percentages.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Taste {
    /// A stage fails at least once.
    pub(crate) failing: u64,
    /// A stage has a `retry` of its own.
    pub(crate) retrying: u64,
    /// A failing stage halts the run (the rest continues or isolates).
    pub(crate) halting: u64,
    /// The run has a `max_parallel`.
    pub(crate) narrow: u64,
    /// A stage is `effects: once`.
    pub(crate) once: u64,
    /// A stage has a `total_timeout`.
    pub(crate) total: u64,
    /// Backoff is drawn, not computed.
    pub(crate) jitter: u64,
    /// A stage asks people something.
    pub(crate) asking: u64,
    /// Nobody is ever too late.
    pub(crate) patient: bool,
    /// A stage gives or waits for events.
    pub(crate) flowing: u64,
    /// A stage has a rollback action.
    pub(crate) undoing: u64,
}

/// A pipeline of 1 to 12 stages, now and then a large one.
pub(crate) fn pipeline(seed: u64, taste: Taste) -> Spec {
    let mut rng = Rng::of(seed, "pipeline");
    let list = rng.chance(35);
    let size = if rng.below(150) == 0 { rng.range(40, 120) } else { rng.range(1, 12) };
    let mut spec = Spec {
        seed: rng.next(),
        list,
        stages: vec![],
        finally: vec![],
        max_parallel: rng.chance(taste.narrow).then(|| u32::try_from(rng.range(1, 3)).unwrap()),
        halt_mode: rng.chance(25).then(|| rng.pick(&[HaltMode::Finish, HaltMode::Cancel])),
        default_retry: rng.chance(20).then(|| retry(&mut rng, taste)),
        group: rng.chance(30).then_some(GroupSpec {
            name: 'a',
            limit: 1,
            on_conflict: OnConflict::Queue,
        }),
        facts: facts(&mut rng),
        success: rng.chance(10).then(|| rng.chance(70)),
        breakpoints: vec![],
        step: false,
        deliveries: vec![],
        compensations: vec![],
    };
    for at in 1..=size {
        let stage = stage(&mut rng, &spec, &format!("s{at}"), taste);
        spec.stages.push(stage);
    }
    if list {
        place_in_list(&mut rng, &mut spec.stages);
    }
    keep_graph(&mut spec);
    flow::aim(&mut rng, &mut spec);
    for at in 1..=rng.pick(&[0, 0, 0, 1, 1, 2]) {
        let mut cleanup = stage(&mut rng, &spec, &format!("f{at}"), taste);
        cleanup.parallel_with = None;
        cleanup.flow = Flow::default();
        if cleanup.on_failure == Some(OnFailure::Rollback) {
            cleanup.on_failure = None;
        }
        cleanup.conditions.retain(|condition| !matches!(condition, Cond::OutcomeOf(..)));
        if cleanup
            .foreach
            .as_ref()
            .is_some_and(|each| matches!(each.items, Items::OutputOf(_) | Items::OutputOrNone(_)))
        {
            cleanup.foreach = None;
        }
        cleanup.deps = match (list, spec.finally.last()) {
            (true, _) => None,
            (false, Some(earlier)) if rng.chance(50) => Some(vec![earlier.name.clone()]),
            (false, _) => Some(vec![]),
        };
        spec.finally.push(cleanup);
    }
    flow::deliveries(&mut rng, &mut spec);
    spec.complete();
    spec
}

/// Without one `depends_on` a graph would be a list.
pub(crate) fn keep_graph(spec: &mut Spec) {
    if let (false, Some(first)) = (spec.list, spec.stages.first_mut()) {
        first.parallel_with = None;
        first.deps.get_or_insert_default();
    }
    spec.complete();
}

fn facts(rng: &mut Rng) -> FactSpec {
    let paths = [vec!["src/lib.rs".to_owned()], vec!["docs/a.md".to_owned()], vec![]];
    let labels = [vec![], vec!["wip".to_owned()]];
    FactSpec {
        branch: rng.chance(70).then(|| rng.pick(&["main", "dev"])),
        paths: rng.chance(60).then(|| paths[rng.index(3)].clone()),
        labels: rng.chance(60).then(|| labels[rng.index(2)].clone()),
    }
}

fn stage(rng: &mut Rng, spec: &Spec, name: &str, taste: Taste) -> StageSpec {
    let kind = rng.pick(&[Kind::Run, Kind::Run, Kind::Run, Kind::Run, Kind::Python, Kind::Noop]);
    // Drawn apart, so that agents change nothing else of a seed.
    let agent = kind == Kind::Run && Rng::of(spec.seed, name).chance(30);
    let kind = if agent { Kind::Agent } else { kind };
    let earlier: Vec<&StageSpec> = spec.stages.iter().collect();
    let mut stage = StageSpec {
        name: name.to_owned(),
        kind,
        deps: None,
        parallel_with: None,
        group: None,
        rule: rng.chance(25).then(|| rng.pick(&RULES)),
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
    };
    if !spec.list {
        edges(rng, &mut stage, &earlier);
    }
    conditions(rng, &mut stage);
    if kind != Kind::Noop {
        work(rng, &mut stage, spec, taste);
    }
    if rng.chance(taste.asking) {
        people::ask(rng, &mut stage, taste);
    }
    if !spec.list && rng.chance(taste.flowing) {
        flow::connect(rng, &mut stage, spec, taste);
    }
    if rng.chance(taste.undoing) {
        flow::undo(rng, &mut stage, taste);
    }
    if stage.kind == Kind::Agent && stage.flow.undo == UndoSpec::Missing {
        // Else its agent would be asked to undo it.
        stage.flow.undo = UndoSpec::Unneeded;
    }
    stage
}

fn edges(rng: &mut Rng, stage: &mut StageSpec, earlier: &[&StageSpec]) {
    if !earlier.is_empty() && rng.chance(12) {
        stage.parallel_with = Some(earlier[rng.index(earlier.len())].name.clone());
        return;
    }
    if rng.chance(10) {
        return;
    }
    let wanted = rng.pick(&[0, 1, 1, 1, 2, 2, 3]).min(earlier.len());
    let mut deps: Vec<String> = vec![];
    for _ in 0..wanted {
        // Mostly near ones, so that chains are long.
        let reach = if rng.chance(70) { earlier.len().min(3) } else { earlier.len() };
        let name = &earlier[earlier.len() - 1 - rng.index(reach)].name;
        if !deps.contains(name) {
            deps.push(name.clone());
        }
    }
    stage.deps = Some(deps);
}

fn conditions(rng: &mut Rng, stage: &mut StageSpec) {
    if !rng.chance(30) {
        return;
    }
    for _ in 0..rng.range(1, 2) {
        let condition = match rng.below(6) {
            0 => Cond::Branch(rng.pick(&["main", "d*"])),
            1 => Cond::Paths(rng.pick(&["src/**", "docs/**"])),
            2 => Cond::NoLabel("wip"),
            3 => Cond::Flag(rng.chance(70)),
            _ => match stage.deps.as_deref() {
                Some([first, ..]) => Cond::OutcomeOf(
                    first.clone(),
                    rng.pick(&["succeeded", "succeeded", "failed", "skipped"]),
                ),
                Some([]) | None => Cond::Flag(true),
            },
        };
        let same =
            |other: &Cond| std::mem::discriminant(other) == std::mem::discriminant(&condition);
        if !stage.conditions.iter().any(same) {
            stage.conditions.push(condition);
        }
    }
    stage.skip_unknown = rng.chance(30);
}

fn work(rng: &mut Rng, stage: &mut StageSpec, spec: &Spec, taste: Taste) {
    if rng.chance(18) {
        stage.foreach = Some(foreach(rng, stage, spec));
    }
    stage.outputs = stage.foreach.is_none() && rng.chance(25);
    if rng.chance(taste.retrying) {
        stage.retry = Some(retry(rng, taste));
    }
    if rng.chance(taste.failing) {
        stage.luck = luck(rng, stage);
    }
    stage.on_failure = if rng.chance(taste.halting) {
        rng.pick(&[None, Some(OnFailure::Halt)])
    } else {
        Some(rng.pick(&[OnFailure::Continue, OnFailure::Isolate]))
    };
    stage.halt_mode = rng.chance(15).then(|| rng.pick(&[HaltMode::Finish, HaltMode::Cancel]));
    stage.effects = if rng.chance(taste.once) {
        rng.pick(&[
            EffectSpec::Once,
            EffectSpec::Probed(0),
            EffectSpec::Probed(1),
            EffectSpec::Probed(7),
        ])
    } else {
        rng.pick(&[EffectSpec::Idempotent, EffectSpec::Idempotent, EffectSpec::Keyed])
    };
    if rng.chance(taste.flowing / 5) && !stage.outputs {
        child(rng, stage);
        return;
    }
    stage.timeout = (stage.luck.how == How::Hangs || rng.chance(10))
        .then(|| rng.range(20_000, 40_000) * SECOND / 1000);
    stage.total = rng.chance(taste.total).then(|| rng.range(5_000, 60_000) * SECOND / 1000);
}

/// A run of another pipeline: its failures have no code, and nobody keeps its time.
fn child(rng: &mut Rng, stage: &mut StageSpec) {
    stage.kind = Kind::Child;
    stage.effects = EffectSpec::Idempotent;
    stage.total = None;
    if stage.luck.how != How::NotStarted {
        stage.luck.how = How::Code(rng.pick(&[1, 2]));
    }
}

fn foreach(rng: &mut Rng, stage: &StageSpec, spec: &Spec) -> ForeachSpec {
    let source = stage.deps.iter().flatten().find(|name| spec.stage(name).outputs).cloned();
    let items = match (source, rng.below(3)) {
        (Some(name), 0) => Items::OutputOf(name),
        (Some(name), 1) => Items::OutputOrNone(name),
        (_, 0) => Items::Input,
        _ => Items::Literal(u32::try_from(rng.range(0, 5)).unwrap()),
    };
    ForeachSpec { items, max: rng.chance(40).then(|| u32::try_from(rng.range(1, 2)).unwrap()) }
}

fn luck(rng: &mut Rng, stage: &StageSpec) -> Luck {
    let how = match rng.below(12) {
        0 => How::Signal,
        1 => How::NotStarted,
        2 if stage.outputs => How::BadOutput,
        3 => How::Hangs,
        // By which the harness of an agent says what happened.
        4..=7 if stage.kind == Kind::Agent => How::Code(rng.pick(&[64, 65, 70, 73, 76, 80])),
        _ => How::Code(rng.pick(&[1, 2, 7])),
    };
    Luck { fails: rng.pick(&[1, 1, 2, 99]), how, half: rng.chance(50) }
}

fn retry(rng: &mut Rng, taste: Taste) -> RetrySpec {
    RetrySpec {
        max_attempts: u32::try_from(rng.range(1, 4)).unwrap(),
        initial: rng.range(1, 8) * SECOND / 2,
        kind: rng.pick(&["exponential", "linear", "constant"]),
        jitter: rng.chance(taste.jitter),
        not_on: if rng.chance(30) { vec![7] } else { vec![] },
    }
}

/// Groups and `parallel_with` of a list.
fn place_in_list(rng: &mut Rng, stages: &mut [StageSpec]) {
    let mut number = 0;
    let mut at = 0;
    while at < stages.len() {
        if rng.chance(20) {
            number += 1;
            let wide = usize::try_from(rng.range(1, 3)).unwrap();
            let end = (at + wide).min(stages.len());
            stages[at..end].iter_mut().for_each(|stage| stage.group = Some(number));
            at = end;
        } else {
            if at > 0 && rng.chance(12) {
                stages[at].parallel_with = Some(stages[rng.index(at)].name.clone());
            }
            at += 1;
        }
    }
}
