//! A definition without mistakes to the model: every default filled in.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use indexmap::IndexMap;

use super::agent::{Whose, answers_with_text};
use super::graph::Graph;
use super::references::TEXT;
use super::triggers;
use super::undo::Undoing;
use crate::authored::{
    Authored, AuthoredContext, AuthoredEmit, AuthoredInput, AuthoredMapping, AuthoredRetry,
    AuthoredSource, AuthoredStage, AuthoredTransform, AuthoredWork, ContextRun, Named, Placed,
};
use crate::model::{
    Backoff, BackoffKind, Compensation, ContextRef, Crew, Effects, Emit, Foreach, HaltMode, Input,
    Limits, Mapping, MappingField, OnFailure, Output, Pipeline, Retry, Rule, Runtime, RuntimeKind,
    Source, Stage, StageIx, Transform, ValueKind, Wanted, Work,
};
use crate::when::{Condition, OnUnknown, Test};

pub(super) const TIMEOUT: Duration = Duration::from_secs(30 * 60);
pub(super) const AGENT_TIMEOUT: Duration = Duration::from_secs(60 * 60);
/// Many conversations, each with a time of its own.
const LOOP_TIMEOUT: Duration = Duration::from_secs(6 * 60 * 60);
pub(super) const AGENT_IDLE: Duration = Duration::from_secs(10 * 60);
const MAX_REVISIONS: u32 = 3;
pub(super) const GRACE: Duration = Duration::from_secs(10);
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
    let defaults = Defaults {
        retry: &retry,
        halt_mode,
        list_order: graph.list_order,
        auto_advance: authored.auto_advance,
        runtime: authored.runtime.as_ref().map(|runtime| &runtime.value),
    };
    let emitters: HashMap<String, Vec<usize>> = Graph::emitters(&written)
        .into_iter()
        .map(|(event, stages)| (event.to_owned(), stages))
        .collect();
    let mut undoing = Undoing { defaults, first: written.len(), stages: Vec::new() };
    let mut stages = Vec::with_capacity(written.len());
    let edges = graph.depends_on.into_iter().zip(dependants).zip(graph.sources);
    for (ix, (stage, ((depends_on, dependants), sources))) in
        written.into_iter().zip(edges).enumerate()
    {
        let place = Place {
            ix: stage_ix(ix),
            depends_on: depends_on.into_iter().map(stage_ix).collect(),
            dependants,
            sources,
            plain: graph.plain.get(&ix).copied(),
            names: &graph.names,
            emitters: &emitters,
        };
        stages.push(build_stage(stage, place, &mut undoing)?);
    }
    stages.append(&mut undoing.stages);
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
        config: authored.config,
        outputs: unplaced(authored.outputs),
        env: unplaced(authored.env),
        working_dir: authored.working_dir,
        secrets: authored.secrets.into_iter().map(|name| name.value).collect(),
        concurrency: authored.concurrency,
        max_parallel: authored.max_parallel,
        agents: unplaced(authored.agents),
        loop_types: unplaced(authored.loop_types),
        budget: authored.budget,
        halt_mode,
        success: authored.success.map(|success| success.expression),
        repository: authored.repository,
        triggers: authored.triggers.into_iter().map(super::starts::build).collect(),
        stages,
        list_order: graph.list_order,
    })
}

pub(super) fn stage_ix(ix: usize) -> StageIx {
    StageIx(ix as u32)
}

pub(super) fn unplaced<T>(named: Named<T>) -> IndexMap<String, T> {
    named.into_iter().map(|(name, value)| (name.value, value)).collect()
}

/// An input that nothing else gives a value must be given.
fn input(written: AuthoredInput, is_variable: bool) -> Input {
    let AuthoredInput { mut input, required } = written;
    input.required = required.unwrap_or(input.default.is_none() && !is_variable);
    input
}

#[derive(Clone, Copy)]
pub(super) struct Defaults<'a> {
    pub(super) retry: &'a AuthoredRetry,
    halt_mode: HaltMode,
    list_order: bool,
    auto_advance: bool,
    runtime: Option<&'a Runtime>,
}

/// Where a stage stands in the graph.
struct Place<'a> {
    ix: StageIx,
    depends_on: Vec<StageIx>,
    dependants: Vec<StageIx>,
    sources: Vec<usize>,
    /// The rule that its triggers came to.
    plain: Option<Rule>,
    names: &'a HashMap<String, usize>,
    emitters: &'a HashMap<String, Vec<usize>>,
}

pub(super) fn work(written: AuthoredWork, whose: &Whose<'_>) -> Work {
    match written {
        AuthoredWork::Run { script, shell } => Work::Run { script, shell },
        AuthoredWork::Python { source, parameters } => {
            Work::Python { source, parameters: unplaced(parameters) }
        }
        AuthoredWork::Noop => Work::Noop,
        AuthoredWork::Form => Work::Form,
        AuthoredWork::Child { pipeline, inputs } => {
            Work::Child { pipeline: pipeline.value, inputs: unplaced(inputs) }
        }
        AuthoredWork::Merge(merge) => {
            Work::Merge(Box::new(super::trees::merge(merge.value, whose.names)))
        }
        AuthoredWork::Agent(written) => Work::Agent(Box::new(super::agent::build(*written, whose))),
    }
}

fn build_stage(
    mut stage: AuthoredStage,
    place: Place<'_>,
    undoing: &mut Undoing<'_>,
) -> Option<Stage> {
    let defaults = undoing.defaults;
    let rollback = stage.rollback.take();
    let free_text = answers_with_text(&stage);
    let mapped: Vec<String> =
        stage.input.iter().flat_map(|m| m.names()).map(str::to_owned).collect();
    let input = stage.input.take().map(mapping);
    let output = stage.output.take().map(mapping);
    let context = context(std::mem::take(&mut stage.context), stage.name.as_ref()?);
    let rollback_to = match (stage.rollback_to.take(), stage.on_failure) {
        (Some(to), _) => Some(stage_ix(*place.names.get(&to.value)?)),
        (None, Some(OnFailure::Rollback)) => Some(place.ix),
        (None, Some(OnFailure::Halt | OnFailure::Continue | OnFailure::Isolate) | None) => None,
    };
    let follows = !place.depends_on.is_empty() || !place.sources.is_empty();
    let held = match stage.people.auto_advance {
        Some(on) => !on,
        None => !defaults.auto_advance && !stage.finally && follows,
    };
    let triggers = match (stage.triggers.take(), place.plain) {
        (Some(written), None) => {
            Some(triggers::build(written, place.sources, place.names, place.emitters)?)
        }
        (Some(_), Some(_)) | (None, _) => None,
    };
    let given = Given { mapped, free_text, names: place.names };
    let mut built = with_limits(&mut stage, &defaults, given)?;
    built.worktree = super::trees::tree(&stage, place.names);
    built.rule = stage.rule.map(|rule| rule.value).or(place.plain).unwrap_or(built.rule);
    built.depends_on = place.depends_on;
    built.dependants = place.dependants;
    built.triggers = triggers;
    built.held = held;
    built.approve_start = stage.people.approve_start.map(|gate| gate.value);
    built.approve_complete = stage.people.approve_complete.map(|gate| gate.value);
    built.form = stage.people.form.map(|form| form.value);
    built.max_revisions = stage.people.max_revisions.unwrap_or(MAX_REVISIONS);
    built.input = input;
    built.output = output;
    built.artifacts = unplaced(stage.artifacts);
    built.context = context;
    built.emits = stage.emits.into_iter().map(emit).collect();
    built.rollback_to = rollback_to;
    built.compensation = undoing.of(rollback.map(|rollback| rollback.value), &built, place.ix);
    Some(built)
}

/// What the work of a stage is read with.
struct Given<'a> {
    mapped: Vec<String>,
    free_text: bool,
    names: &'a HashMap<String, usize>,
}

/// The stage with what concerns its work alone.
fn with_limits(
    stage: &mut AuthoredStage,
    defaults: &Defaults<'_>,
    given: Given<'_>,
) -> Option<Stage> {
    let name: Arc<str> = Arc::from(stage.name.take()?.value);
    let Given { mapped, free_text, names } = given;
    let work = work(stage.work.take()?, &Whose { stage: &name, mapped, free_text, names });
    if free_text {
        stage.outputs.push((Placed::new(TEXT.to_owned(), stage.span), text_output()));
    }
    let tests: Vec<Test> = stage
        .when
        .take()
        .map(|when| when.value)
        .into_iter()
        .chain(stage.condition.take().map(|condition| Test::Expression(condition.expression)))
        .collect();
    let on_unknown = if stage.skip_unknown { OnUnknown::Skip } else { OnUnknown::Run };
    let rule = match (stage.finally, defaults.list_order) {
        // Each clean-up is tried, whatever the one before came to.
        (true, true | false) => Rule::AllDone,
        (false, true) => Rule::NoneFailed,
        (false, false) => Rule::NoneFailedMinOneSuccess,
    };
    // People are waited for, and a child run has limits of its own.
    let timeout = match &work {
        Work::Form | Work::Child { .. } => None,
        Work::Agent(of) => Some(match of.crew {
            Crew::Loop { .. } => LOOP_TIMEOUT,
            Crew::Single { .. } | Crew::Discussion(_) | Crew::Meta(_) => AGENT_TIMEOUT,
        }),
        Work::Run { .. } | Work::Python { .. } | Work::Noop | Work::Merge(_) => Some(TIMEOUT),
    };
    let idle = matches!(work, Work::Agent(_)).then_some(AGENT_IDLE);
    let runtime = runtime(stage.runtime.take(), &work, stage.runs_on.is_empty(), defaults);
    // A child run is found again by its id, so nothing of it is ever done twice.
    let once = stage.environment.is_some() && !matches!(work, Work::Child { .. });
    let effects = if once { Effects::Once } else { Effects::Idempotent };
    Some(Stage {
        name,
        description: std::mem::take(&mut stage.description),
        work,
        rule,
        condition: all_of(tests).map(|test| Condition { test, on_unknown }),
        foreach: stage.foreach.take().map(|items| Foreach {
            items: items.value,
            max_parallel: stage.max_parallel.as_ref().map(|limit| limit.value),
        }),
        env: unplaced(std::mem::take(&mut stage.env)),
        working_dir: stage.working_dir.take(),
        outputs: unplaced(std::mem::take(&mut stage.outputs)),
        limits: Limits {
            timeout: stage.timeout.as_ref().map(|timeout| timeout.value).or(timeout),
            total: stage.total_timeout.as_ref().map(|timeout| timeout.value),
            idle: stage.idle_timeout.as_ref().map(|timeout| timeout.value).or(idle),
            grace: stage.grace.unwrap_or(GRACE),
        },
        retry: merge(&stage.retry, defaults.retry),
        on_failure: stage.on_failure.unwrap_or(OnFailure::Halt),
        halt_mode: stage.halt_mode.unwrap_or(defaults.halt_mode),
        effects: stage.effects.unwrap_or(effects),
        probe: stage.probe.take().map(|probe| probe.value),
        environment: stage.environment.take(),
        runtime,
        runs_on: std::mem::take(&mut stage.runs_on),
        finally: stage.finally,
        ..bare_stage()
    })
}

/// Only scripts and Python programs run elsewhere; on a worker of another machine they are
/// processes. `here`: it runs on the server's own.
fn runtime(
    own: Option<Placed<Runtime>>,
    work: &Work,
    here: bool,
    defaults: &Defaults<'_>,
) -> Option<Runtime> {
    let movable = here
        && match work {
            Work::Run { .. } | Work::Python { .. } => true,
            Work::Noop | Work::Form | Work::Child { .. } | Work::Merge(_) | Work::Agent(_) => false,
        };
    let said = own.map(|own| own.value).or_else(|| defaults.runtime.cloned());
    said.filter(|runtime| movable && runtime.kind() != RuntimeKind::Process)
}

/// Of an agent that answers with text.
fn text_output() -> Output {
    let description = "What the agent answered".to_owned();
    Output { description, kind: ValueKind::String, required: false, schema: None }
}

/// A milestone without a name: what a stage is where nothing is said.
pub(super) fn bare_stage() -> Stage {
    Stage {
        name: Arc::from(""),
        description: String::new(),
        work: Work::Noop,
        depends_on: Vec::new(),
        dependants: Vec::new(),
        rule: Rule::NoneFailedMinOneSuccess,
        condition: None,
        foreach: None,
        triggers: None,
        held: false,
        approve_start: None,
        approve_complete: None,
        form: None,
        max_revisions: MAX_REVISIONS,
        input: None,
        output: None,
        artifacts: IndexMap::new(),
        context: Vec::new(),
        emits: Vec::new(),
        compensation: Compensation::None,
        compensates: None,
        rollback_to: None,
        env: IndexMap::new(),
        worktree: None,
        working_dir: None,
        outputs: IndexMap::new(),
        limits: Limits { timeout: Some(TIMEOUT), total: None, idle: None, grace: GRACE },
        retry: merge(&AuthoredRetry::default(), &AuthoredRetry::default()),
        on_failure: OnFailure::Halt,
        halt_mode: HaltMode::Finish,
        effects: Effects::Idempotent,
        probe: None,
        environment: None,
        runtime: None,
        runs_on: Vec::new(),
        finally: false,
    }
}

fn mapping(written: AuthoredMapping) -> Mapping {
    let fields = written.fields.into_iter().map(|field| MappingField {
        written: field.written,
        from: match field.from {
            AuthoredSource::Reference(reference) => {
                Source::Reference(AuthoredSource::into_template(reference))
            }
            AuthoredSource::Raw(path) => Source::Raw(path),
            AuthoredSource::Expression(expression) => Source::Expression(expression.expression),
        },
        to: field.to.value,
        required: field.required,
        default: field.default,
        transforms: field
            .transforms
            .into_iter()
            .map(|transform| match transform {
                AuthoredTransform::Fixed(transform) => transform,
                AuthoredTransform::Expression(one) => Transform::Expression(one.expression),
            })
            .collect(),
    });
    Mapping { fields: fields.collect(), schema: written.schema }
}

fn emit(written: AuthoredEmit) -> Emit {
    Emit {
        event: written.event.value,
        foreach: written.foreach.map(|items| items.value),
        when: written.when.map(|when| when.expression),
        data: written.data,
    }
}

fn context(written: Vec<Placed<AuthoredContext>>, own: &Placed<String>) -> Vec<ContextRef> {
    let one = |context: AuthoredContext| {
        let stage = Arc::from(context.stage.as_deref().unwrap_or(&own.value));
        let from = match context.run {
            ContextRun::This => Wanted::Stage(stage),
            ContextRun::Previous => Wanted::Previous { stage },
            ContextRun::Version(number) => Wanted::Version { number, stage },
        };
        ContextRef { written: context.written, from }
    };
    written.into_iter().map(|context| one(context.value)).collect()
}

fn all_of(mut tests: Vec<Test>) -> Option<Test> {
    match tests.len() {
        0 => None,
        1 => tests.pop(),
        _ => Some(Test::All(tests)),
    }
}

/// Key by key: the stage's, else the pipeline's, else the default.
pub(super) fn merge(own: &AuthoredRetry, outer: &AuthoredRetry) -> Retry {
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
