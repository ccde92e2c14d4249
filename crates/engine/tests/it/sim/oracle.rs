//! What a run must come to, from the page of semantics and nothing else: plain recursion over the
//! written pipeline and the scripts of its attempts. No events, no state.

mod flow;
mod people;

use engine::event::{Conclusion, FinalStatus, Outcome};
use engine::id::ExecutionId;
use pipeline::model::{HaltMode, OnFailure, Rule};

use crate::sim::spec::{
    Asks, Cond, How, INPUT_FILES, Items, Micros, OUTPUT_ITEMS, Spec, StageSpec, TriggerSpec,
};

/// A stage and its place, once list order, groups and `parallel_with` have become edges.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) name: String,
    pub(crate) deps: Vec<usize>,
    pub(crate) rule: Rule,
    pub(crate) finally: bool,
    /// Stages whose end or events may start it.
    pub(crate) sources: Vec<usize>,
    /// The stage that it undoes.
    pub(crate) compensates: Option<usize>,
}

pub(crate) fn graph(spec: &Spec) -> Vec<Node> {
    let mut nodes = vec![];
    for (stages, finally) in [(&spec.stages, false), (&spec.finally, true)] {
        let first = nodes.len();
        let rows = rows(stages);
        for (at, stage) in stages.iter().enumerate() {
            let deps = if spec.list {
                let row = rows.iter().position(|row| row.contains(&at)).unwrap();
                row.checked_sub(1).map_or(vec![], |before| rows[before].clone())
            } else {
                written(stages, at)
            };
            let usual = match (finally, spec.list) {
                (true, _) => Rule::AllDone,
                (false, true) => Rule::NoneFailed,
                (false, false) => Rule::NoneFailedMinOneSuccess,
            };
            nodes.push(Node {
                name: stage.name.clone(),
                deps: deps.into_iter().map(|dep| first + dep).collect(),
                rule: stage.rule.unwrap_or(usual),
                finally,
                sources: sources(spec, stage),
                compensates: None,
            });
        }
    }
    for stage in &spec.compensations {
        let undone = stage.name.strip_suffix(".rollback").unwrap();
        nodes.push(Node {
            name: stage.name.clone(),
            deps: vec![],
            rule: Rule::AllDone,
            finally: false,
            sources: vec![],
            compensates: nodes.iter().position(|node| node.name == undone),
        });
    }
    nodes
}

/// Places (in the order of the stages, then `finally`) of those that its triggers look at.
fn sources(spec: &Spec, stage: &StageSpec) -> Vec<usize> {
    let mut names: Vec<&str> = vec![];
    for trigger in stage.flow.triggers.iter().flat_map(|triggers| &triggers.list) {
        match trigger {
            TriggerSpec::Completion { stage, .. } | TriggerSpec::Condition { stage, .. } => {
                names.push(stage);
            }
            TriggerSpec::Event(listen) => names.extend(spec.emitters(listen.event)),
            TriggerSpec::Manual(_) => {}
        }
    }
    let all: Vec<&str> = spec.all().map(|stage| stage.name.as_str()).collect();
    names.iter().filter_map(|name| all.iter().position(|one| one == name)).collect()
}

fn place(stages: &[StageSpec], name: &str) -> usize {
    stages.iter().position(|stage| stage.name == name).unwrap()
}

/// DAG mode: its own `depends_on`, or that of the stage it runs beside.
fn written(stages: &[StageSpec], at: usize) -> Vec<usize> {
    if let Some(beside) = &stages[at].parallel_with {
        return written(stages, place(stages, beside));
    }
    stages[at].deps.iter().flatten().map(|name| place(stages, name)).collect()
}

/// List mode: every row waits for the whole row before it.
fn rows(stages: &[StageSpec]) -> Vec<Vec<usize>> {
    let mut rows: Vec<Vec<usize>> = vec![];
    for (at, stage) in stages.iter().enumerate() {
        let joins = match (&stage.parallel_with, stage.group) {
            (Some(beside), _) => {
                let beside = place(stages, beside);
                rows.iter().position(|row| row.contains(&beside))
            }
            (None, Some(group)) => {
                rows.iter().position(|row| row.iter().any(|i| stages[*i].group == Some(group)))
            }
            (None, None) => None,
        };
        match joins {
            Some(row) => rows[row].push(at),
            None => rows.push(vec![at]),
        }
    }
    rows
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Run,
    Skip,
    NotRun,
}

/// The dependency rules, over the conclusions of settled dependencies.
pub(crate) fn rule(rule: Rule, deps: &[Conclusion]) -> Verdict {
    let count = |wanted: &[Conclusion]| deps.iter().filter(|one| wanted.contains(one)).count();
    let all = deps.len();
    let good = count(&[Conclusion::Success, Conclusion::Warning]);
    let failed = count(&[Conclusion::Failure]);
    let skipped = count(&[Conclusion::Skipped]);
    let bad = all - good - skipped;
    if all == 0 {
        return Verdict::Run;
    }
    let holds = match rule {
        Rule::NoneFailedMinOneSuccess => bad == 0 && good > 0,
        Rule::AllSuccess => good == all,
        Rule::NoneFailed => bad == 0,
        Rule::AllDone | Rule::Always => true,
        Rule::OneSuccess => good > 0,
        Rule::OneFailed => failed > 0,
        Rule::AllFailed => failed == all,
    };
    if holds {
        Verdict::Run
    } else if skipped == all {
        Verdict::Skip
    } else {
        Verdict::NotRun
    }
}

/// A success, with or without a warning.
pub(crate) fn good(conclusion: Conclusion) -> bool {
    match conclusion {
        Conclusion::Success | Conclusion::Warning => true,
        Conclusion::Failure | Conclusion::Cancelled | Conclusion::Skipped | Conclusion::NotRun => {
            false
        }
    }
}

pub(crate) fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Succeeded => "succeeded",
        Outcome::Failed => "failed",
        Outcome::Cancelled => "cancelled",
        Outcome::Skipped => "skipped",
        Outcome::NotRun => "not_run",
        Outcome::WouldHave => "would_have",
    }
}

pub(crate) fn conclusion(stage: &StageSpec, outcome: Outcome) -> Conclusion {
    match outcome {
        Outcome::Succeeded => Conclusion::Success,
        Outcome::Failed if stage.on_failure == Some(OnFailure::Continue) => Conclusion::Warning,
        Outcome::Failed => Conclusion::Failure,
        Outcome::Cancelled => Conclusion::Cancelled,
        Outcome::Skipped => Conclusion::Skipped,
        Outcome::NotRun => Conclusion::NotRun,
        Outcome::WouldHave => Conclusion::Success,
    }
}

/// What a fanned-out stage comes to: the worst of its instances.
pub(crate) fn together(outcomes: &[Outcome]) -> Outcome {
    let order = [Outcome::Failed, Outcome::Cancelled, Outcome::NotRun, Outcome::Succeeded];
    order.into_iter().find(|one| outcomes.contains(one)).unwrap_or(Outcome::Skipped)
}

/// Three values: `None` is unknown.
fn holds(spec: &Spec, condition: &Cond, outcome_of: impl Fn(&str) -> Outcome) -> Option<bool> {
    match condition {
        Cond::Branch(glob) => spec.facts.branch.map(|branch| match glob.strip_suffix('*') {
            Some(start) => branch.starts_with(start),
            None => branch == *glob,
        }),
        Cond::Paths(glob) => {
            let folder = glob.trim_end_matches("**");
            let paths = spec.facts.paths.as_ref()?;
            Some(paths.iter().any(|path| path.starts_with(folder)))
        }
        Cond::NoLabel(label) => Some(!spec.facts.labels.as_ref()?.iter().any(|one| one == label)),
        Cond::Flag(wanted) => Some(*wanted),
        Cond::OutcomeOf(stage, wanted) => Some(word(outcome_of(stage)) == *wanted),
    }
}

fn passes(spec: &Spec, stage: &StageSpec, outcome_of: impl Fn(&str) -> Outcome) -> bool {
    let values: Vec<_> =
        stage.conditions.iter().map(|condition| holds(spec, condition, &outcome_of)).collect();
    if values.contains(&Some(false)) {
        false
    } else if values.contains(&None) {
        !stage.skip_unknown
    } else {
        true
    }
}

/// Everything that waits for a stage, directly or not.
pub(crate) fn descendants(nodes: &[Node], of: usize) -> Vec<usize> {
    let mut below: Vec<usize> = vec![];
    loop {
        let more = (0..nodes.len()).find(|at| {
            let above = nodes[*at].deps.iter().chain(&nodes[*at].sources);
            let waits = above.into_iter().any(|dep| *dep == of || below.contains(dep));
            waits && *at != of && !below.contains(at)
        });
        match more {
            Some(at) => below.push(at),
            None => return below,
        }
    }
}

/// What must come of a run that nobody disturbs.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Prediction {
    pub(crate) outcomes: Vec<(Outcome, Conclusion)>,
    pub(crate) status: FinalStatus,
    /// When it ends, where that can be told without the dispatcher's choices.
    pub(crate) end: Option<Micros>,
    /// Something halted the run, so outcomes depend on time.
    pub(crate) halted: bool,
}

#[derive(Clone, Copy, Debug)]
struct Fate {
    outcome: Outcome,
    conclusion: Conclusion,
    end: Micros,
    /// When it halted the run.
    halts: Option<Micros>,
}

#[derive(Clone, Copy, Debug)]
struct Halt {
    at: Micros,
    mode: HaltMode,
}

struct Oracle<'a> {
    spec: &'a Spec,
    nodes: &'a [Node],
    fates: Vec<Option<Fate>>,
    halt: Option<Halt>,
    /// A tie, or the dispatcher's choice, decides something.
    unsure: bool,
}

/// `None` when the outcome hangs on the dispatcher's choices.
pub(crate) fn predict(spec: &Spec, nodes: &[Node]) -> Option<Prediction> {
    let untimed = spec.max_parallel.is_some()
        || spec.all().any(|stage| {
            let waits = stage.luck.fails > 0 && spec.retry_of(stage).jitter;
            waits || stage.foreach.as_ref().is_some_and(|each| each.max.is_some())
        });
    let mut oracle =
        Oracle { spec, nodes, fates: vec![None; nodes.len()], halt: None, unsure: false };
    oracle.main();
    let first = (0..nodes.len()).filter_map(|at| Some((oracle.fates[at]?.halts?, at))).min();
    if let Some((at, stage)) = first {
        let mode = spec.stage(&nodes[stage].name).halt_mode.or(spec.halt_mode);
        oracle.halt = Some(Halt { at, mode: mode.unwrap_or(HaltMode::Finish) });
        oracle.fates = vec![None; nodes.len()];
        oracle.main();
    }
    let main_end = oracle.fates.iter().flatten().map(|fate| fate.end).max().unwrap_or(0);
    oracle.cleanup(main_end);
    // When a halt meets somebody who is waited for is their choice; so is who gets a lock first.
    let asked = spec.all().any(|stage| stage.asks != Asks::default());
    if asked && first.is_some() {
        return None;
    }
    let flows = spec.all().any(|stage| stage.flow.triggers.is_some());
    if flows && first.is_some() {
        return None;
    }
    // What is undone, and how long that takes, the bookkeeper checks.
    let undoes = first.is_some() && spec.all().any(|stage| stage.flow.rollback_to.is_some());
    let untimed = untimed || flows || spec.all().any(StageSpec::lock);
    let timed = first.is_some() || spec.all().any(|stage| stage.total.is_some());
    if oracle.unsure || (untimed && timed) {
        return None;
    }
    let main = nodes.iter().zip(&oracle.fates).filter(|(node, _)| node.compensates.is_none());
    let fates: Vec<Fate> = main.map(|(_, fate)| fate.unwrap()).collect();
    let failed = fates.iter().any(|fate| fate.conclusion == Conclusion::Failure);
    let status = if failed || spec.success == Some(false) {
        FinalStatus::Failed
    } else {
        FinalStatus::Succeeded
    };
    Some(Prediction {
        outcomes: fates.iter().map(|fate| (fate.outcome, fate.conclusion)).collect(),
        status,
        end: (!untimed && !undoes).then(|| fates.iter().map(|fate| fate.end).max().unwrap_or(0)),
        halted: first.is_some(),
    })
}

impl Oracle<'_> {
    fn main(&mut self) {
        for at in 0..self.nodes.len() {
            if !self.nodes[at].finally && self.nodes[at].compensates.is_none() {
                self.fate(at, 0);
            }
        }
    }

    fn cleanup(&mut self, from: Micros) {
        for at in 0..self.nodes.len() {
            if self.nodes[at].finally {
                self.fate(at, from);
            }
        }
    }

    fn fate(&mut self, at: usize, from: Micros) -> Fate {
        if let Some(fate) = self.fates[at] {
            return fate;
        }
        let deps = self.nodes[at].deps.clone();
        let before: Vec<Fate> = deps.iter().map(|dep| self.fate(*dep, from)).collect();
        for source in self.nodes[at].sources.clone() {
            self.fate(source, from);
        }
        let start = before.iter().map(|fate| fate.end).max().unwrap_or(from);
        let fate = self.judge(at, start, &before);
        self.fates[at] = Some(fate);
        fate
    }

    fn judge(&mut self, at: usize, start: Micros, before: &[Fate]) -> Fate {
        let stage = self.spec.stage(&self.nodes[at].name);
        let still = |outcome| Fate {
            outcome,
            conclusion: conclusion(stage, outcome),
            end: start,
            halts: None,
        };
        let node = &self.nodes[at];
        let concluded: Vec<Conclusion> = before.iter().map(|fate| fate.conclusion).collect();
        match rule(node.rule, &concluded) {
            Verdict::Skip => return still(Outcome::Skipped),
            Verdict::NotRun => return still(Outcome::NotRun),
            Verdict::Run => {}
        }
        let fates = self.fates.clone();
        let nodes = self.nodes;
        let outcome_of = |name: &str| {
            let dep = nodes.iter().position(|node| node.name == name).unwrap();
            fates[dep].unwrap().outcome
        };
        let halt = self.halt.filter(|_| !node.finally && node.rule != Rule::Always);
        if halt.is_some_and(|halt| start >= halt.at) {
            return Fate { end: halt.unwrap().at.max(start), ..still(Outcome::NotRun) };
        }
        if !passes(self.spec, stage, outcome_of) || !self.fires(stage) {
            return still(Outcome::Skipped);
        }
        if stage.fed().is_some() {
            let ends = self.fed(stage, start, halt);
            let fate = self.ended(stage, &ends, start);
            // An instance that cannot be done halts the run whenever that is seen.
            let lacking = ends.iter().any(|(outcome, _)| *outcome == Outcome::NotRun);
            self.unsure |= lacking && fate.conclusion == Conclusion::Failure;
            return fate;
        }
        let Some(each) = &stage.foreach else {
            let id = ExecutionId::stage(&*stage.name);
            let (outcome, end) = self.execution(stage, &id, start, halt);
            return self.ended(stage, &[(outcome, end)], start);
        };
        let items = match &each.items {
            Items::Literal(n) => *n,
            Items::Input => INPUT_FILES,
            Items::OutputOf(source) | Items::OutputOrNone(source) => {
                match (outcome_of(source), &each.items) {
                    (Outcome::Succeeded, _) => OUTPUT_ITEMS,
                    (_, Items::OutputOrNone(_)) => 0,
                    _ => {
                        // The list does not exist: the stage fails on the spot. Whoever starts
                        // at this very instant may or may not have been first.
                        let fate = self.ended(stage, &[(Outcome::Failed, start)], start);
                        self.unsure |= fate.halts.is_some();
                        return fate;
                    }
                }
            }
        };
        let ends: Vec<_> = (1..=items)
            .map(|i| self.execution(stage, &ExecutionId::instance(&*stage.name, i), start, halt))
            .collect();
        self.ended(stage, &ends, start)
    }

    fn ended(&self, stage: &StageSpec, ends: &[(Outcome, Micros)], start: Micros) -> Fate {
        let outcomes: Vec<Outcome> = ends.iter().map(|(outcome, _)| *outcome).collect();
        let outcome = match together(&outcomes) {
            // Nobody halts here: it needed an instance that did not succeed.
            Outcome::NotRun if stage.fed().is_some() => Outcome::Failed,
            together => together,
        };
        let halting =
            matches!(stage.on_failure, None | Some(OnFailure::Halt | OnFailure::Rollback));
        let failures = ends.iter().filter(|(outcome, _)| *outcome == Outcome::Failed);
        Fate {
            outcome,
            conclusion: conclusion(stage, outcome),
            end: ends.iter().map(|(_, end)| *end).max().unwrap_or(start),
            halts: failures.map(|(_, end)| *end).min().filter(|_| halting),
        }
    }

    /// The tries of one execution, one after the other, until one of them is the last.
    fn work(
        &self,
        stage: &StageSpec,
        id: &ExecutionId,
        start: Micros,
        halt: Option<Halt>,
    ) -> (Outcome, Micros) {
        let retry = self.spec.retry_of(stage);
        let deadline = stage.total.map_or(Micros::MAX, |total| start + total);
        let mut now = start;
        for number in 1.. {
            let script = self.spec.script(id, number);
            let dies = self.spec.dying(id, number);
            let natural = now + script.lasts;
            let stopped = halt.filter(|halt| halt.mode == HaltMode::Cancel).map(|halt| halt.at);
            if let Some(at) = stopped.filter(|at| *at < natural.min(deadline)) {
                return (Outcome::Cancelled, at + dies);
            }
            if natural > deadline {
                return (Outcome::Failed, deadline + dies);
            }
            now = natural;
            let Some(how) = script.ends else { return (Outcome::Succeeded, now) };
            let never = matches!(how, How::Code(code) if retry.not_on.contains(&code));
            if number >= retry.max_attempts || never {
                return (Outcome::Failed, now);
            }
            let due = now + retry.base(number);
            if let Some(halt) = halt.filter(|halt| halt.at < due.min(deadline)) {
                // It has failed and may not be tried again.
                return (Outcome::Failed, halt.at.max(now));
            }
            if due > deadline {
                return (Outcome::Failed, deadline);
            }
            now = due;
        }
        unreachable!("every list of tries ends")
    }
}
