//! Going back: what is superseded is stopped and counts no more, and can come back as it was.

use std::collections::BTreeMap;

use engine::event::Event;
use engine::id::ExecutionId;

use super::{Book, Broken, Ledger, StageBook};
use crate::sim::oracle;
use crate::sim::spec::Micros;

#[derive(Clone, Debug)]
pub(crate) struct Going {
    executions: Vec<ExecutionId>,
    pause: bool,
}

/// The view before a rewind, kept until new work starts.
#[derive(Clone, Debug)]
pub(crate) struct Before {
    stages: Vec<StageBook>,
    executions: BTreeMap<ExecutionId, Book>,
    again: Vec<ExecutionId>,
    finished: Option<engine::event::FinalStatus>,
    halted: Option<ExecutionId>,
    cancelling: bool,
    forced: bool,
    /// The rewind paused the run.
    paused: bool,
    active: Micros,
}

impl Ledger<'_> {
    /// It is being taken out of the run.
    pub(super) fn superseded(&self, id: &ExecutionId) -> bool {
        let going = self.going.as_ref();
        let whole = ExecutionId::stage(id.stage.clone());
        going.is_some_and(|going| going.executions.iter().any(|one| one == id || *one == whole))
            || self.taking_back
    }

    /// What is asked now is taken back because a rewind is undone.
    pub(crate) fn undoes_rewind(&mut self, undoes: bool) {
        self.taking_back = undoes;
    }

    pub(super) fn rewind_requested(
        &mut self,
        to: &str,
        inclusive: bool,
        pause: bool,
        executions: &[ExecutionId],
    ) -> Result<(), Broken> {
        let at = self.at(to)?;
        ensure!(self.going.is_none(), "the run goes back twice at once");
        ensure!(!self.undoing(), "the run goes back in a rollback");
        ensure!(!self.cancelling || self.finished.is_some(), "a cancelled run goes back");
        ensure!(self.stages[at].ready, "the run goes back to {to}, which has not run");
        let below = oracle::descendants(self.nodes, at);
        let has = |at: usize| {
            executions.iter().any(|id| *id.stage == *self.nodes[at].name && (id.instance.is_none()))
        };
        ensure!(has(at) == inclusive || self.retries(at), "{to} itself: {inclusive}");
        for one in &below {
            let touched = self.stages[*one].ready || self.stages[*one].settled.is_some();
            let name = &self.nodes[*one].name;
            ensure!(!touched || has(*one), "{name} is behind {to} and is not superseded");
        }
        for id in executions {
            let one = self.at(&id.stage)?;
            let behind = below.contains(&one) || one == at || self.nodes[one].finally;
            ensure!(behind || self.retries(one), "{id} is not behind {to} and is superseded");
        }
        self.going = Some(Going { executions: executions.to_vec(), pause });
        self.before = None;
        Ok(())
    }

    /// Nothing more can start in the run as it stands: what did not succeed is tried again too.
    fn retries(&self, at: usize) -> bool {
        let stuck = self.finished.is_some() || self.halted.is_some();
        stuck && self.stages[at].settled.is_some()
    }

    pub(super) fn rewound(
        &mut self,
        executions: &[ExecutionId],
        now: Micros,
    ) -> Result<(), Broken> {
        let Some(going) = self.going.take() else {
            return Err("the run went back and nobody asked for it".into());
        };
        ensure!(going.executions == executions, "it went back otherwise than it was asked");
        for id in executions {
            for (one, book) in self.executions.iter().filter(|(one, _)| one.stage == id.stage) {
                let meant = id.instance.is_none() || *one == *id;
                ensure!(!meant || book.live.is_none(), "{one} is superseded while it runs");
                ensure!(!meant || book.people.gate.is_none(), "{one} is superseded and still asks");
                ensure!(!meant || book.people.form.is_none(), "{one} is superseded and still asks");
            }
        }
        let paused = going.pause && !self.paused;
        self.before = Some(Box::new(Before {
            stages: self.stages.clone(),
            executions: self.executions.clone(),
            again: executions.to_vec(),
            finished: self.finished,
            halted: self.halted.clone(),
            cancelling: self.cancelling,
            forced: self.forced,
            paused,
            active: self.active(now),
        }));
        let halt_goes = self.finished.is_some()
            || self.halted.as_ref().is_some_and(|cause| {
                executions
                    .iter()
                    .any(|id| id == cause || (id.stage == cause.stage && id.instance.is_none()))
            });
        self.again(executions)?;
        self.round += 1;
        if halt_goes {
            self.halted = None;
        }
        self.undo.over = false;
        if self.finished.take().is_some() {
            (self.cancelling, self.forced, self.started) = (false, false, false);
        }
        if paused {
            (self.paused, self.paused_at, self.stopped) = (true, now, false);
        }
        Ok(())
    }

    pub(super) fn rewind_undone(&mut self, now: Micros) -> Result<(), Broken> {
        let Some(before) = self.before.take() else {
            return Err("a rewind is undone after new work started, or that never was".into());
        };
        let Before {
            stages,
            executions,
            again,
            finished,
            halted,
            cancelling,
            forced,
            paused,
            active,
        } = *before;
        let away = self.active(now) - active;
        for (at, node) in self.nodes.iter().enumerate() {
            if node.compensates.is_some() || again.iter().any(|id| *id.stage == *node.name) {
                self.stages[at] = stages[at].clone();
            }
        }
        for (id, book) in &mut self.executions {
            let undoes = id.stage.ends_with(".rollback");
            if !undoes && !again.iter().any(|one| one.stage == id.stage) {
                continue;
            }
            let mut was = executions.get(id).cloned().unwrap_or_default();
            // What was asked since is history, too.
            was.people.gates = book.people.gates;
            was.people.trigger_gates = book.people.trigger_gates;
            was.people.forms = book.people.forms;
            was.shift(away);
            *book = was;
        }
        (self.finished, self.halted) = (finished, halted);
        (self.cancelling, self.forced) = (cancelling, forced);
        if finished.is_some() {
            self.started = true;
        }
        if self.paused && (paused || finished.is_some()) {
            self.unpause(now);
        }
        Ok(())
    }

    /// After these a rewind cannot be undone any more.
    pub(super) fn new_work(&mut self, event: &Event) {
        let works = matches!(
            event,
            Event::AttemptScheduled { .. }
                | Event::FormSubmitted { .. }
                | Event::GateVoted { .. }
                | Event::EventEmitted { .. }
                | Event::RunHalted { .. }
                | Event::RunCancelRequested { .. }
                | Event::RunFinished { .. }
                | Event::RunRetried { .. }
                | Event::RollbackRequested { .. }
                | Event::RollbackStarted { .. }
        );
        if works {
            self.before = None;
        }
    }
}
