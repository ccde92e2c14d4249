//! What a generated pipeline is, before it becomes YAML: the oracle reads this, the engine reads
//! the YAML, and the two meet only in what they say about the run.

pub(crate) mod flow;
pub(crate) mod people;

use std::fmt::Write as _;

use engine::id::ExecutionId;
use pipeline::model::{HaltMode, OnConflict, OnFailure, Rule};

pub(crate) use flow::*;
pub(crate) use people::*;

use crate::sim::rng::Rng;

/// Microseconds of virtual time since the run was created.
pub(crate) type Micros = u64;

pub(crate) const SECOND: Micros = 1_000_000;

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Spec {
    /// Scripts of the attempts and the run's own chance are drawn from it.
    pub(crate) seed: u64,
    /// No `depends_on` anywhere.
    pub(crate) list: bool,
    pub(crate) stages: Vec<StageSpec>,
    pub(crate) finally: Vec<StageSpec>,
    pub(crate) max_parallel: Option<u32>,
    pub(crate) halt_mode: Option<HaltMode>,
    /// `error_handling:`, the default of every stage's `retry:`.
    pub(crate) default_retry: Option<RetrySpec>,
    pub(crate) group: Option<GroupSpec>,
    pub(crate) facts: FactSpec,
    /// `success:` names a variable with this value.
    pub(crate) success: Option<bool>,
    /// Given with the start of the run.
    pub(crate) breakpoints: Vec<String>,
    pub(crate) step: bool,
    /// Events from outside.
    pub(crate) deliveries: Vec<Delivery>,
    /// What undoes stages, made of their `rollback:` by [`Spec::complete`].
    pub(crate) compensations: Vec<StageSpec>,
}

/// `concurrency:`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct GroupSpec {
    pub(crate) name: char,
    pub(crate) limit: u32,
    pub(crate) on_conflict: OnConflict,
}

/// What is known about the event that started the run.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct FactSpec {
    pub(crate) branch: Option<&'static str>,
    pub(crate) paths: Option<Vec<String>>,
    pub(crate) labels: Option<Vec<String>>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct StageSpec {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    /// DAG mode; `None`: the key is absent. Names of earlier stages.
    pub(crate) deps: Option<Vec<String>>,
    pub(crate) parallel_with: Option<String>,
    /// List mode: neighbours of one number are one `parallel:` group.
    pub(crate) group: Option<u32>,
    pub(crate) rule: Option<Rule>,
    pub(crate) conditions: Vec<Cond>,
    pub(crate) skip_unknown: bool,
    pub(crate) foreach: Option<ForeachSpec>,
    pub(crate) retry: Option<RetrySpec>,
    pub(crate) on_failure: Option<OnFailure>,
    pub(crate) halt_mode: Option<HaltMode>,
    pub(crate) effects: EffectSpec,
    pub(crate) timeout: Option<Micros>,
    pub(crate) total: Option<Micros>,
    /// Declares the outputs `count` (integer) and `list` (list), and writes them on success.
    pub(crate) outputs: bool,
    pub(crate) luck: Luck,
    pub(crate) asks: Asks,
    pub(crate) flow: Flow,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Run,
    Python,
    Noop,
    /// `form:` is all there is to do.
    Form,
    /// `pipeline:`
    Child,
    /// `agent:`
    Agent,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EffectSpec {
    Idempotent,
    Keyed,
    Once,
    /// `once` with a `probe:` that answers with this exit code.
    Probed(i32),
}

impl Kind {
    /// Attempts are made of it.
    pub(crate) fn works(self) -> bool {
        match self {
            Self::Run | Self::Python | Self::Child | Self::Agent => true,
            Self::Noop | Self::Form => false,
        }
    }
}

impl EffectSpec {
    pub(crate) fn once(self) -> bool {
        match self {
            Self::Once | Self::Probed(_) => true,
            Self::Idempotent | Self::Keyed => false,
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Cond {
    /// `when: {branch: ...}`
    Branch(&'static str),
    /// `when: {paths: ...}`
    Paths(&'static str),
    /// `when: {labels: {none: [...]}}`
    NoLabel(&'static str),
    /// `if:` over an input.
    Flag(bool),
    /// `if:` over what happened to an upstream stage.
    OutcomeOf(String, &'static str),
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ForeachSpec {
    pub(crate) items: Items,
    pub(crate) max: Option<u32>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Items {
    Literal(u32),
    /// `${inputs.files}`, a list of three.
    Input,
    /// `${stages.x.outputs.list}` without a default: x must have succeeded.
    OutputOf(String),
    /// The same with `?? []`.
    OutputOrNone(String),
}

pub(crate) const INPUT_FILES: u32 = 3;
pub(crate) const OUTPUT_ITEMS: u32 = 2;

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct RetrySpec {
    pub(crate) max_attempts: u32,
    pub(crate) initial: Micros,
    pub(crate) kind: &'static str,
    pub(crate) jitter: bool,
    pub(crate) not_on: Vec<i32>,
}

pub(crate) const BACKOFF_CAP: Micros = 20 * SECOND;

/// How the tries of a stage end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Luck {
    /// So many tries fail before one succeeds.
    pub(crate) fails: u32,
    pub(crate) how: How,
    /// Of a `foreach` stage only every second instance fails.
    pub(crate) half: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum How {
    Code(i32),
    Signal,
    NotStarted,
    BadOutput,
    /// Runs until its `timeout`.
    Hangs,
}

/// One try: how long and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Try {
    pub(crate) lasts: Micros,
    pub(crate) ends: Option<How>,
}

/// Outcomes of agents that no further try helps.
pub(crate) const HOPELESS: [i32; 7] = [66, 67, 69, 70, 73, 74, 78];

pub(crate) const DEFAULT_TIMEOUT: Micros = 30 * 60 * SECOND;

impl Spec {
    pub(crate) fn all(&self) -> impl Iterator<Item = &StageSpec> {
        self.stages.iter().chain(&self.finally)
    }

    pub(crate) fn stage(&self, name: &str) -> &StageSpec {
        let mut all = self.all().chain(&self.compensations);
        all.find(|stage| stage.name == name).unwrap()
    }

    pub(crate) fn retry_of(&self, stage: &StageSpec) -> RetrySpec {
        let usual = self.default_retry.clone().unwrap_or(RetrySpec {
            max_attempts: 1,
            initial: SECOND,
            kind: "exponential",
            jitter: true,
            not_on: vec![],
        });
        let mut retry = match &stage.retry {
            None => usual,
            // Key by key: the generator leaves an empty `not_on` out.
            Some(own) if own.not_on.is_empty() => RetrySpec { not_on: usual.not_on, ..own.clone() },
            Some(own) => own.clone(),
        };
        if stage.kind == Kind::Agent {
            retry.not_on.extend(HOPELESS);
        }
        retry
    }

    /// The script of one try, counted from 1 over tries that count.
    pub(crate) fn script(&self, execution: &ExecutionId, number: u32) -> Try {
        let stage = self.stage(&execution.stage);
        let mut rng = Rng::of(self.seed, &format!("{execution}#{number}"));
        let odd = execution.instance.is_some_and(|n| n % 2 == 1);
        let fails = number <= stage.luck.fails && !(stage.luck.half && odd);
        let ends = fails.then_some(stage.luck.how);
        let lasts = match ends {
            Some(How::NotStarted) => rng.range(1, SECOND),
            Some(How::Hangs) => stage.timeout.unwrap_or(DEFAULT_TIMEOUT),
            _ => rng.range(1, 30 * SECOND),
        };
        Try { lasts, ends }
    }

    /// How long a child takes to die after TERM.
    pub(crate) fn dying(&self, execution: &ExecutionId, number: u32) -> Micros {
        Rng::of(self.seed, &format!("{execution}#{number} dies")).range(1, 5 * SECOND)
    }

    pub(crate) fn yaml(&self) -> String {
        let mut out = String::from("name: sim\nversion: 1\n");
        out.push_str("inputs:\n  flag: {type: boolean, default: true}\n");
        out.push_str("  files: {type: list, default: [a, b, c]}\n");
        if self.all().any(|stage| stage.flow.mapping.is_some()) {
            out.push_str("  missing: {type: string, required: false}\n");
        }
        if let Some(GroupSpec { name, limit, on_conflict }) = &self.group {
            let word = match on_conflict {
                OnConflict::Queue => "queue",
                OnConflict::CancelRunning => "cancel_running",
                OnConflict::CancelNew => "cancel_new",
            };
            let _ = writeln!(
                out,
                "concurrency: {{group: \"{name}-${{inputs.flag}}\", limit: {limit}, on_conflict: {word}}}"
            );
        }
        if let Some(max) = self.max_parallel {
            let _ = writeln!(out, "max_parallel: {max}");
        }
        if let Some(mode) = self.halt_mode {
            let _ = writeln!(out, "halt_mode: {}", halt_word(mode));
        }
        if let Some(retry) = &self.default_retry {
            let _ = writeln!(out, "error_handling: {}", retry.yaml(true));
        }
        if let Some(success) = self.success {
            let _ = writeln!(out, "success: \"inputs.flag == {success}\"");
        }
        out.push_str("stages:\n");
        let mut open = None;
        for stage in &self.stages {
            if stage.group.is_some() && stage.group != open {
                out.push_str("  - parallel:\n");
            }
            open = stage.group;
            stage.yaml(&mut out, if open.is_some() { "      " } else { "  " });
        }
        if !self.finally.is_empty() {
            out.push_str("finally:\n");
            for stage in &self.finally {
                stage.yaml(&mut out, "  ");
            }
        }
        out
    }
}

impl StageSpec {
    fn yaml(&self, out: &mut String, indent: &str) {
        let _ = writeln!(out, "{indent}- name: {}", self.name);
        let mut line = |text: String| {
            let _ = writeln!(out, "{indent}  {text}");
        };
        match self.kind {
            Kind::Run => line("run: \"true\"".into()),
            Kind::Python => line("python: {code: \"pass\"}".into()),
            Kind::Noop => line("noop: true".into()),
            Kind::Form => {}
            Kind::Child => line("pipeline: other".into()),
            Kind::Agent => line("agent: implementer".into()),
        }
        if self.kind == Kind::Agent {
            line("task: Do what ${run.number} needs.".into());
        }
        self.asks_yaml(self.kind == Kind::Form, &mut line);
        self.flow_yaml(&mut line);
        if let Some(deps) = &self.deps {
            match deps.as_slice() {
                [one] => line(format!("depends_on: {one}")),
                many => line(format!("depends_on: [{}]", many.join(", "))),
            }
        }
        if let Some(other) = &self.parallel_with {
            line(format!("parallel_with: {other}"));
        }
        if let Some(rule) = self.rule {
            line(format!("rule: {}", rule_word(rule)));
        }
        self.conditions_yaml(&mut line);
        if let Some(foreach) = &self.foreach {
            line(foreach.yaml());
        }
        if let Some(retry) = &self.retry {
            line(format!("retry: {}", retry.yaml(false)));
        }
        match self.on_failure {
            None => {}
            Some(OnFailure::Halt) => line("on_failure: halt".into()),
            Some(OnFailure::Continue) => line("on_failure: continue".into()),
            Some(OnFailure::Isolate) => line("on_failure: isolate".into()),
            Some(OnFailure::Rollback) => line("on_failure: rollback".into()),
        }
        if let Some(mode) = self.halt_mode {
            line(format!("halt_mode: {}", halt_word(mode)));
        }
        match self.effects {
            // The default, but not where an environment is named.
            EffectSpec::Idempotent if self.asks.environment.is_none() => {}
            EffectSpec::Idempotent => line("effects: idempotent".into()),
            EffectSpec::Keyed => line("effects: keyed".into()),
            EffectSpec::Once => line("effects: once".into()),
            EffectSpec::Probed(_) => {
                line("effects: once".into());
                line("probe: \"true\"".into());
            }
        }
        if let Some(timeout) = self.timeout {
            line(format!("timeout: {}ms", timeout / 1000));
        }
        if let Some(total) = self.total {
            line(format!("total_timeout: {}ms", total / 1000));
        }
        if self.outputs {
            line("outputs: {count: integer, list: {type: list}}".into());
        }
    }

    fn conditions_yaml(&self, line: &mut impl FnMut(String)) {
        let mut when = vec![];
        let mut tests = vec![];
        for condition in &self.conditions {
            match condition {
                Cond::Branch(glob) => when.push(format!("branch: {glob:?}")),
                Cond::Paths(glob) => when.push(format!("paths: {glob:?}")),
                Cond::NoLabel(label) => when.push(format!("labels: {{none: [{label}]}}")),
                Cond::Flag(wanted) => tests.push(format!("inputs.flag == {wanted}")),
                Cond::OutcomeOf(stage, outcome) => {
                    tests.push(format!("stages.{stage}.outcome == '{outcome}'"));
                }
            }
        }
        if !when.is_empty() {
            line(format!("when: {{{}}}", when.join(", ")));
        }
        if !tests.is_empty() {
            line(format!("if: \"{}\"", tests.join(" && ")));
        }
        if self.skip_unknown {
            line("on_unknown: skip".into());
        }
    }
}

impl ForeachSpec {
    fn yaml(&self) -> String {
        let items = match &self.items {
            Items::Literal(n) => {
                let names: Vec<_> = (1..=*n).map(|i| format!("i{i}")).collect();
                format!("[{}]", names.join(", "))
            }
            Items::Input => "\"${inputs.files}\"".into(),
            Items::OutputOf(stage) => format!("\"${{stages.{stage}.outputs.list}}\""),
            Items::OutputOrNone(stage) => format!("'${{stages.{stage}.outputs.list ?? []}}'"),
        };
        match self.max {
            None => format!("foreach: {items}"),
            Some(max) => format!("foreach: {{items: {items}, max_parallel: {max}}}"),
        }
    }
}

impl RetrySpec {
    fn yaml(&self, strategy: bool) -> String {
        let lead = if strategy { "strategy: retry, " } else { "" };
        let codes: Vec<_> = self.not_on.iter().map(i32::to_string).collect();
        let not_on = if codes.is_empty() {
            String::new()
        } else {
            format!(", not_on: [{}]", codes.join(", "))
        };
        format!(
            "{{{lead}max_attempts: {}, backoff: {{kind: {}, initial: {}ms, max: {}ms, jitter: {}}}{not_on}}}",
            self.max_attempts,
            self.kind,
            self.initial / 1000,
            BACKOFF_CAP / 1000,
            self.jitter,
        )
    }

    /// The longest wait after so many counted failures.
    pub(crate) fn base(&self, failed: u32) -> Micros {
        let wait = match self.kind {
            "constant" => self.initial,
            "linear" => self.initial * u64::from(failed),
            "exponential" => self.initial << (failed - 1).min(20),
            other => panic!("no backoff is called {other}"),
        };
        wait.min(BACKOFF_CAP)
    }
}

fn halt_word(mode: HaltMode) -> &'static str {
    match mode {
        HaltMode::Finish => "finish",
        HaltMode::Cancel => "cancel",
    }
}

pub(crate) fn rule_word(rule: Rule) -> &'static str {
    match rule {
        Rule::NoneFailedMinOneSuccess => "none_failed_min_one_success",
        Rule::AllSuccess => "all_success",
        Rule::NoneFailed => "none_failed",
        Rule::AllDone => "all_done",
        Rule::OneSuccess => "one_success",
        Rule::OneFailed => "one_failed",
        Rule::AllFailed => "all_failed",
        Rule::Always => "always",
    }
}
