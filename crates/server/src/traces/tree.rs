//! The spans of one run, folded from its journal. Pure: the same events give the same spans, in
//! whatever process.
//!
//! A span is given out when it ends. What stands above it may end later; its id is known before.

use std::collections::{HashMap, HashSet};

use engine::command::Verdict;
use engine::event::{AttemptResult, Event, Failure, Stamped};
use engine::id::{AttemptId, ExecutionId, RunId};
use engine::status;
use jiff::Timestamp;
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;

use crate::notices::segment;

use super::context::{self, Context, SpanId};
use super::span::{Ended, Named, Open};

#[derive(Debug)]
pub(super) struct Tree {
    run: RunId,
    context: Context,
    pipeline: String,
    /// Rounds of the run that have begun: it can go on after its end.
    rounds: u32,
    root: Option<Open>,
    /// Said of the next round too.
    about: Vec<(&'static str, String)>,
    executions: HashMap<ExecutionId, Life>,
    /// How often each one has begun.
    begun: HashMap<ExecutionId, u32>,
    /// By fence.
    attempts: HashMap<u64, (AttemptId, Open)>,
    /// Executions whose own end was told, and whose stage's end follows.
    ended: HashSet<ExecutionId>,
}

/// An execution, or a stage with instances, that has not settled.
#[derive(Debug)]
struct Life {
    open: Open,
    /// The number of its first attempt.
    first: Option<u32>,
}

impl Tree {
    /// `None`: a journal begins with the creation. `base`: where people find this server.
    pub(super) fn new(first: &Stamped, base: Option<&str>) -> Option<Self> {
        let Event::RunCreated {
            run,
            pipeline,
            number,
            revision,
            by,
            extends,
            parent,
            task,
            traceparent,
            ..
        } = &first.event
        else {
            return None;
        };
        let name = match task {
            Some(task) => task.run_name(),
            None => format!("{pipeline}#{number}"),
        };
        let mut about = vec![
            ("cicd.pipeline.action.name", "RUN".to_owned()),
            ("orchestrate.run.name", name),
            ("orchestrate.run.by", by.clone()),
            ("orchestrate.pipeline.revision", revision.to_string()),
        ];
        if let Some(base) = base {
            about.push((
                "cicd.pipeline.run.url.full",
                format!("{base}/runs/{}/{number}", segment(pipeline)),
            ));
        }
        about.extend(extends.as_ref().map(|of| ("orchestrate.run.extends", of.name.clone())));
        about.extend(parent.as_ref().map(|of| ("orchestrate.run.parent", of.link.name.clone())));
        let mut tree = Self {
            run: *run,
            context: Context::of(*run, traceparent.as_deref()),
            pipeline: pipeline.clone(),
            rounds: 0,
            root: None,
            about,
            executions: HashMap::new(),
            begun: HashMap::new(),
            attempts: HashMap::new(),
            ended: HashSet::new(),
        };
        tree.root(first.at);
        Some(tree)
    }

    /// The spans that end with the next event.
    pub(super) fn take(&mut self, stamped: &Stamped) -> Vec<Span> {
        let spans = self.follow(stamped);
        if self.context.sampled { spans } else { Vec::new() }
    }

    /// Whether it has nothing open: it can be folded anew should the run go on.
    pub(super) fn is_at_rest(&self) -> bool {
        self.root.is_none()
    }

    fn follow(&mut self, stamped: &Stamped) -> Vec<Span> {
        let at = stamped.at;
        let event = &stamped.event;
        match event {
            Event::RunFinished { status, reason } => {
                let mut spans = self.abandon(|_| true, at);
                spans.extend(self.end_root(at, Ended::of_run(*status, reason)));
                return spans;
            }
            Event::RunRetried { executions, .. } | Event::RunRewound { executions } => {
                self.root(at).note(at, event);
                return self.abandon(|of| executions.iter().any(|id| covers(id, of)), at);
            }
            Event::RewindRequested { .. }
            | Event::RewindUndone { .. }
            | Event::RollbackRequested { .. }
            | Event::RollbackStarted { .. } => self.root(at).note(at, event),
            Event::AttemptScheduled { attempt } => {
                let life = self.life(&attempt.execution, at);
                life.first.get_or_insert(attempt.number);
                self.attempts.insert(attempt.fence, (attempt.clone(), Open::at(at)));
            }
            Event::AttemptStarted { attempt, worker, pid, child } => {
                let Some((_, open)) = self.attempts.get_mut(&attempt.fence) else {
                    return Vec::new();
                };
                open.start = at;
                if child.is_none() {
                    open.text("cicd.worker.name", worker);
                }
                if let Some(child) = child {
                    open.text("orchestrate.run.child", &child.name);
                }
                if let Some(pid) = pid {
                    open.number("process.pid", *pid);
                }
            }
            Event::AttemptStopping { attempt, .. } | Event::AttemptUnknown { attempt, .. } => {
                if let Some((_, open)) = self.attempts.get_mut(&attempt.fence) {
                    open.note(at, event);
                }
            }
            Event::AttemptFinished { attempt, result, .. } => {
                if let (Some((_, open)), Some(code)) =
                    (self.attempts.get_mut(&attempt.fence), exit_code(result))
                {
                    open.number("process.exit.code", code);
                }
                return self.end_attempt(attempt.fence, at, Ended::of_attempt(result));
            }
            Event::AttemptResolved { attempt, verdict, .. } => {
                self.note(&attempt.execution, stamped);
                let ended = match verdict {
                    Verdict::Succeeded => Ended::SUCCEEDED,
                    Verdict::Failed | Verdict::Retry => Ended::lost("nobody knew its end"),
                };
                return self.end_attempt(attempt.fence, at, ended);
            }
            Event::StageExpanded { stage, items } => {
                let count = i64::try_from(items.len()).unwrap_or(i64::MAX);
                let id = ExecutionId::stage(stage.clone());
                self.life(&id, at).open.number("orchestrate.stage.instances", count);
            }
            Event::ExecutionSettled { execution, outcome, conclusion, reason, .. } => {
                if execution.instance.is_none() {
                    self.ended.insert(execution.clone());
                }
                let ended = Ended::of_execution(*outcome, reason);
                return self.settle(execution, at, ended, status::conclusion(*conclusion));
            }
            Event::StageSettled { stage, outcome, conclusion, reason, .. } => {
                let id = ExecutionId::stage(stage.clone());
                if self.ended.remove(&id) && !self.executions.contains_key(&id) {
                    return Vec::new();
                }
                let ended = Ended::of_execution(*outcome, reason);
                return self.settle(&id, at, ended, status::conclusion(*conclusion));
            }
            _ => self.happened(stamped),
        }
        Vec::new()
    }

    /// What ends no span: an event of what it is about.
    fn happened(&mut self, stamped: &Stamped) {
        let Some(id) = stamped.event.execution() else {
            if let Some(root) = &mut self.root {
                root.note(stamped.at, &stamped.event);
            }
            return;
        };
        if begins(&stamped.event) {
            self.life(&id, stamped.at);
        }
        // It says when the span begins, and nothing else.
        if !matches!(stamped.event, Event::StageReady { .. }) {
            self.note(&id, stamped);
        }
    }

    fn note(&mut self, id: &ExecutionId, stamped: &Stamped) {
        if let Some(life) = self.executions.get_mut(id) {
            life.open.note(stamped.at, &stamped.event);
        }
    }

    /// The run's own span, begun anew where it had ended.
    fn root(&mut self, at: Timestamp) -> &mut Open {
        if self.root.is_none() {
            self.rounds += 1;
        }
        let (rounds, pipeline, run, about) = (self.rounds, &self.pipeline, self.run, &self.about);
        self.root.get_or_insert_with(|| {
            let mut open = Open::at(at);
            of_run(&mut open, pipeline, run);
            for (key, value) in about {
                open.text(key, value);
            }
            open.number("orchestrate.run.round", rounds);
            open
        })
    }

    fn life(&mut self, id: &ExecutionId, at: Timestamp) -> &mut Life {
        self.root(at);
        if id.instance.is_some() {
            self.begin(&ExecutionId::stage(id.stage.clone()), at);
        }
        self.begin(id, at)
    }

    fn begin(&mut self, id: &ExecutionId, at: Timestamp) -> &mut Life {
        let (pipeline, run, begun) = (&self.pipeline, self.run, &mut self.begun);
        self.executions.entry(id.clone()).or_insert_with(|| {
            *begun.entry(id.clone()).or_default() += 1;
            let mut open = Open::at(at);
            of_run(&mut open, pipeline, run);
            open.text("cicd.pipeline.task.name", &*id.stage);
            open.text("cicd.pipeline.task.run.id", format!("{run}/{id}"));
            if let Some(instance) = id.instance {
                open.number("orchestrate.stage.instance", instance);
            }
            Life { open, first: None }
        })
    }

    /// Ends the span of an execution; one that never began was there for a moment.
    fn settle(
        &mut self,
        id: &ExecutionId,
        at: Timestamp,
        ended: Ended,
        conclusion: &str,
    ) -> Vec<Span> {
        self.life(id, at).open.text("orchestrate.stage.conclusion", conclusion);
        // Of a stage, also instances: nothing of it goes on.
        let mut spans = self.abandon(|of| of != id && covers(id, of), at);
        spans.extend(self.end_attempts(id, at));
        spans.extend(self.end_execution(id, at, ended));
        spans
    }

    /// Whatever is open of these executions has ended without a word of its own.
    fn abandon(&mut self, of: impl Fn(&ExecutionId) -> bool, at: Timestamp) -> Vec<Span> {
        let mut open: Vec<ExecutionId> =
            self.executions.keys().filter(|id| of(id)).cloned().collect();
        // Instances before their stage, and always in the same order.
        open.sort_unstable_by(|a, b| b.cmp(a));
        let mut spans = Vec::new();
        for id in open {
            spans.extend(self.end_attempts(&id, at));
            spans.extend(self.end_execution(&id, at, Ended::CANCELLED));
        }
        spans
    }

    fn end_attempts(&mut self, id: &ExecutionId, at: Timestamp) -> Vec<Span> {
        let own = self.attempts.iter().filter(|(_, (of, _))| of.execution == *id);
        let mut fences: Vec<u64> = own.map(|(fence, _)| *fence).collect();
        fences.sort_unstable();
        let end = |fence| self.end_attempt(fence, at, Ended::CANCELLED);
        fences.into_iter().flat_map(end).collect()
    }

    fn end_attempt(&mut self, fence: u64, at: Timestamp, ended: Ended) -> Vec<Span> {
        let Some((attempt, mut open)) = self.attempts.remove(&fence) else { return Vec::new() };
        let id = &attempt.execution;
        of_run(&mut open, &self.pipeline, self.run);
        open.text("cicd.pipeline.task.name", &*id.stage);
        let own = format!("{}/{id}/{}", self.run, attempt.number);
        open.text("cicd.pipeline.task.run.id", own);
        open.text("cicd.pipeline.task.run.result", ended.result);
        open.number("orchestrate.attempt.number", attempt.number);
        let named = Named {
            id: context::attempt(self.run, fence),
            parent: Some(self.id_of(id)),
            is_remote: false,
            name: format!("{id} attempt {}", attempt.number),
            kind: SpanKind::Internal,
        };
        vec![open.end(&self.context, named, at, ended)]
    }

    fn end_execution(&mut self, id: &ExecutionId, at: Timestamp, ended: Ended) -> Option<Span> {
        let own = self.id_of(id);
        let mut life = self.executions.remove(id)?;
        life.open.text("cicd.pipeline.task.run.result", ended.result);
        let parent = match id.instance {
            Some(_) => self.id_of(&ExecutionId::stage(id.stage.clone())),
            None => context::round(self.run, self.rounds),
        };
        let named = Named {
            id: own,
            parent: Some(parent),
            is_remote: false,
            name: id.to_string(),
            kind: SpanKind::Internal,
        };
        Some(life.open.end(&self.context, named, at, ended))
    }

    fn end_root(&mut self, at: Timestamp, ended: Ended) -> Option<Span> {
        let mut open = self.root.take()?;
        open.text("cicd.pipeline.result", ended.result);
        // A later round stands below the first, so that a trace has one beginning.
        let (parent, is_remote) = match self.rounds {
            1 => (self.context.parent, self.context.parent.is_some()),
            _ => (Some(context::round(self.run, 1)), false),
        };
        let named = Named {
            id: context::round(self.run, self.rounds),
            parent,
            is_remote,
            name: format!("RUN {}", self.pipeline),
            kind: SpanKind::Server,
        };
        Some(open.end(&self.context, named, at, ended))
    }

    /// Of an open execution: by its first attempt, or by how often it began where it has none.
    fn id_of(&self, id: &ExecutionId) -> SpanId {
        match self.executions.get(id).and_then(|life| life.first) {
            Some(first) => context::execution(self.run, id, first),
            None => context::stage(self.run, id, self.begun.get(id).copied().unwrap_or(1)),
        }
    }
}

fn of_run(open: &mut Open, pipeline: &str, run: RunId) {
    open.text("cicd.pipeline.name", pipeline);
    open.text("cicd.pipeline.run.id", run.to_string());
}

/// Whether what is said of an execution is said of this one: of a stage, its instances too.
fn covers(of: &ExecutionId, id: &ExecutionId) -> bool {
    of == id || (of.instance.is_none() && of.stage == id.stage)
}

fn exit_code(result: &AttemptResult) -> Option<i32> {
    match result {
        AttemptResult::Succeeded { .. } => Some(0),
        AttemptResult::Failed {
            failure: Failure::ExitCode { code } | Failure::Agent { code, .. },
        } => Some(*code),
        AttemptResult::Failed { .. }
        | AttemptResult::Stopped { .. }
        | AttemptResult::Lost { .. } => None,
    }
}

/// Whether an execution is at work, or waits for somebody, from this event on.
fn begins(event: &Event) -> bool {
    matches!(
        event,
        Event::StageReady { .. }
            | Event::StageTriggered { .. }
            | Event::StageFed { .. }
            | Event::GateOpened { .. }
            | Event::FormOpened(_)
            | Event::ExecutionHeld { .. }
            | Event::AwaitsEnvironment { .. }
    )
}

#[cfg(test)]
mod tests;
