//! A definition without mistakes to the model: every default filled in.

use std::sync::Arc;
use std::time::Duration;

use super::graph::Graph;
use crate::authored::{Authored, AuthoredInput, AuthoredRetry, AuthoredStage, AuthoredWork, Named};
use crate::model::{
    Backoff, BackoffKind, Compensation, Effects, Foreach, HaltMode, Input, Limits, OnFailure,
    Pipeline, Retry, Rule, Stage, StageIx, Work,
};
use crate::when::{Condition, OnUnknown, Test};

const TIMEOUT: Duration = Duration::from_secs(30 * 60);
const MAX_REVISIONS: u32 = 3;
const GRACE: Duration = Duration::from_secs(10);
const BACKOFF_INITIAL: Duration = Duration::from_secs(1);
const BACKOFF_MAX: Duration = Duration::from_secs(60);

/// `None` only where a mistake was already reported.
pub(super) fn build(authored: Authored, graph: Graph) -> Option<Pipeline> {
    let Authored { stages: written, retry, .. } = authored;
    graph.order?;
    let mut dependants = vec![Vec::new(); written.len()];
    for (ix, depends_on) in graph.depends_on.iter().enumerate() {
        for before in depends_on {
            dependants[*before].push(stage_ix(ix));
        }
    }
    let halt_mode = authored.halt_mode.unwrap_or(HaltMode::Finish);
    let mut stages = Vec::with_capacity(written.len());
    for ((stage, depends_on), dependants) in
        written.into_iter().zip(graph.depends_on).zip(dependants)
    {
        let defaults = Defaults { retry: &retry, halt_mode, list_order: graph.list_order };
        let depends_on = depends_on.into_iter().map(stage_ix).collect();
        stages.push(build_stage(stage, depends_on, dependants, &defaults)?);
    }
    let variables = unplaced(authored.variables);
    let inputs = authored
        .inputs
        .into_iter()
        .map(|(name, written)| {
            let input = input(written, variables.contains_key(&name.value));
            (name.value, input)
        })
        .collect();
    Some(Pipeline {
        name: authored.name?.value,
        description: authored.description,
        inputs,
        variables,
        config: indexmap::IndexMap::new(),
        outputs: indexmap::IndexMap::new(),
        env: unplaced(authored.env),
        working_dir: authored.working_dir,
        secrets: authored.secrets.into_iter().map(|name| name.value).collect(),
        concurrency: authored.concurrency,
        max_parallel: authored.max_parallel,
        halt_mode,
        success: authored.success.map(|success| success.expression),
        stages,
        list_order: graph.list_order,
    })
}

fn stage_ix(ix: usize) -> StageIx {
    StageIx(ix as u32)
}

fn unplaced<T>(named: Named<T>) -> indexmap::IndexMap<String, T> {
    named.into_iter().map(|(name, value)| (name.value, value)).collect()
}

/// An input that nothing else gives a value must be given.
fn input(written: AuthoredInput, is_variable: bool) -> Input {
    let AuthoredInput { mut input, required } = written;
    input.required = required.unwrap_or(input.default.is_none() && !is_variable);
    input
}

struct Defaults<'a> {
    retry: &'a AuthoredRetry,
    halt_mode: HaltMode,
    list_order: bool,
}

fn build_stage(
    stage: AuthoredStage,
    depends_on: Vec<StageIx>,
    dependants: Vec<StageIx>,
    defaults: &Defaults<'_>,
) -> Option<Stage> {
    let work = match stage.work? {
        AuthoredWork::Run { script, shell } => Work::Run { script, shell },
        AuthoredWork::Python { source, parameters } => {
            Work::Python { source, parameters: unplaced(parameters) }
        }
        AuthoredWork::Noop => Work::Noop,
    };
    let tests: Vec<Test> = stage
        .when
        .map(|when| when.value)
        .into_iter()
        .chain(stage.condition.map(|condition| Test::Expression(condition.expression)))
        .collect();
    let on_unknown = if stage.skip_unknown { OnUnknown::Skip } else { OnUnknown::Run };
    let default_rule = match (stage.finally, defaults.list_order) {
        // Each clean-up is tried, whatever the one before came to.
        (true, true | false) => Rule::AllDone,
        (false, true) => Rule::NoneFailed,
        (false, false) => Rule::NoneFailedMinOneSuccess,
    };
    let default_effects =
        if stage.environment.is_some() { Effects::Once } else { Effects::Idempotent };
    Some(Stage {
        name: Arc::from(stage.name?.value),
        description: stage.description,
        work,
        depends_on,
        dependants,
        rule: stage.rule.map_or(default_rule, |rule| rule.value),
        condition: all_of(tests).map(|test| Condition { test, on_unknown }),
        foreach: stage.foreach.map(|items| Foreach {
            items: items.value,
            max_parallel: stage.max_parallel.map(|limit| limit.value),
        }),
        triggers: None,
        held: false,
        approve_start: None,
        approve_complete: None,
        form: None,
        max_revisions: MAX_REVISIONS,
        input: None,
        output: None,
        artifacts: indexmap::IndexMap::new(),
        context: Vec::new(),
        emits: Vec::new(),
        compensation: Compensation::Missing,
        compensates: None,
        rollback_to: None,
        env: unplaced(stage.env),
        working_dir: stage.working_dir,
        outputs: unplaced(stage.outputs),
        limits: Limits {
            timeout: Some(stage.timeout.map_or(TIMEOUT, |timeout| timeout.value)),
            total: stage.total_timeout.map(|timeout| timeout.value),
            idle: stage.idle_timeout.map(|timeout| timeout.value),
            grace: stage.grace.unwrap_or(GRACE),
        },
        retry: merge(&stage.retry, defaults.retry),
        on_failure: stage.on_failure.unwrap_or(OnFailure::Halt),
        halt_mode: stage.halt_mode.unwrap_or(defaults.halt_mode),
        effects: stage.effects.unwrap_or(default_effects),
        probe: stage.probe.map(|probe| probe.value),
        environment: stage.environment,
        finally: stage.finally,
    })
}

fn all_of(mut tests: Vec<Test>) -> Option<Test> {
    match tests.len() {
        0 => None,
        1 => tests.pop(),
        _ => Some(Test::All(tests)),
    }
}

/// Key by key: the stage's, else the pipeline's, else the default.
fn merge(own: &AuthoredRetry, outer: &AuthoredRetry) -> Retry {
    let initial = own.initial.or(outer.initial).unwrap_or(BACKOFF_INITIAL);
    Retry {
        max_attempts: own.max_attempts.or(outer.max_attempts).unwrap_or(1),
        backoff: Backoff {
            kind: own.kind.or(outer.kind).unwrap_or(BackoffKind::Exponential),
            initial,
            // A long first wait is meant, also where nothing was said of the longest.
            max: own.max.or(outer.max).unwrap_or(BACKOFF_MAX).max(initial),
            jitter: own.jitter.or(outer.jitter).unwrap_or(true),
        },
        not_on: own.not_on.clone().or_else(|| outer.not_on.clone()).unwrap_or_default(),
    }
}
