//! Holds, breakpoints, and environments.

use crate::command::{Advance, Breakpoints, Rejection};
use crate::event::Event;
use crate::id::ExecutionId;
use crate::run::Run;
use crate::state::execution::ExecutionState;
use crate::state::people::Wait;

impl Run {
    /// Lets one execution go on.
    pub(in crate::decide) fn advance(&self, advance: Advance) -> Result<Vec<Event>, Rejection> {
        let Advance { by, execution } = advance;
        self.unfinished()?;
        let held = self.held().into_iter().map(|(id, _, _)| id);
        let held: Vec<ExecutionId> = held.chain(self.startable()).collect();
        let nothing = |hint: String| Rejection::NothingHeld { hint };
        let execution = match (execution, held.as_slice()) {
            (Some(id), _) => {
                let stage = self.ix(&id.stage).ok_or_else(|| self.no_such(&id))?;
                if !held.contains(&id) {
                    let status = match self.row(&id) {
                        Some(row) => row.status.word(),
                        None => return Err(self.no_such(&id)),
                    };
                    let of = self.model(stage).name.clone();
                    let instances: Vec<String> = held
                        .iter()
                        .filter(|held| held.stage == of)
                        .map(ToString::to_string)
                        .collect();
                    return Err(nothing(if instances.is_empty() {
                        format!("`{id}` is {status}")
                    } else {
                        format!("`{id}` is {status}; held are: {}", instances.join(", "))
                    }));
                }
                id
            }
            (None, []) => return Err(nothing("no execution waits to be let go on".to_owned())),
            (None, [only]) => only.clone(),
            (None, [first, ..]) if self.state.step => first.clone(),
            (None, several) => {
                let names: Vec<String> =
                    several.iter().take(10).map(|id| format!("`{id}`")).collect();
                return Err(nothing(format!("name one of {}", names.join(", "))));
            }
        };
        if self.state.pause.is_some() {
            return Err(Rejection::Paused);
        }
        let started = self.start_by_hand(&execution, &by.name);
        Ok(vec![started.unwrap_or(Event::ExecutionAdvanced { execution, by: by.name })])
    }

    /// Also while the run is paused.
    pub(in crate::decide) fn set_breakpoints(
        &self,
        breakpoints: Breakpoints,
    ) -> Result<Vec<Event>, Rejection> {
        let Breakpoints { by, stages, step } = breakpoints;
        self.unfinished()?;
        for stage in &stages {
            if self.ix(stage).is_none() {
                return Err(self.no_such(&ExecutionId::stage(stage.clone())));
            }
        }
        Ok(vec![Event::BreakpointsSet { by, stages, step }])
    }

    /// The environment is free.
    pub(in crate::decide) fn grant(&self, execution: ExecutionId) -> Result<Vec<Event>, Rejection> {
        self.unfinished()?;
        let ix = self.exec_ix(&execution).ok_or_else(|| self.no_such(&execution))?;
        let waits = match self.state.exec(ix).state {
            ExecutionState::Waiting(Wait::Environment { .. }) => true,
            ExecutionState::Waiting(_)
            | ExecutionState::Idle
            | ExecutionState::Queued { .. }
            | ExecutionState::Live { .. }
            | ExecutionState::Ended(_)
            | ExecutionState::Backoff { .. }
            | ExecutionState::Unknown { .. }
            | ExecutionState::Settled(_) => false,
        };
        if !waits {
            let execution = execution.to_string();
            return Err(Rejection::NotWaitingForEnvironment { execution });
        }
        if self.state.pause.is_some() {
            return Err(Rejection::Paused);
        }
        Ok(vec![Event::EnvironmentGranted { execution }])
    }
}
