//! What a shadow run said instead of doing it.

use super::ensure;
use crate::event::WouldHave;
use crate::run::Run;
use crate::state::execution::ExecutionState;
use crate::state::people::Wait;

impl Run {
    /// An execution goes on behind the step that it spoke of. What a stage says before it has
    /// executions moves nothing.
    pub(super) fn would_have(&mut self, said: &WouldHave) -> Result<(), String> {
        ensure(self.state.is_shadow(), || "the run is no shadow run".to_owned())?;
        let intention = said.intention.clone();
        let Some(id) = &said.execution else {
            self.state.would.push(intention);
            return Ok(());
        };
        let stage = self.ix(&id.stage).ok_or_else(|| format!("no stage is called `{id}`"))?;
        let step = self.exec_ix(id).map(|ix| (ix, &self.state.exec(ix).state));
        match step {
            Some((ix, ExecutionState::Waiting(Wait::Due(step)))) => {
                let step = *step;
                self.state.exec_mut(ix).would.push(intention);
                self.state.proceed(&self.pipeline, ix, step);
            }
            Some((ix, ExecutionState::Queued { .. })) => {
                let execution = self.state.exec_mut(ix);
                execution.would.push(intention);
                execution.told += 1;
            }
            None | Some((_, ExecutionState::Idle | ExecutionState::Settled(_))) => {
                self.state.stages[stage.get()].would.push(intention);
            }
            Some((
                _,
                ExecutionState::Waiting(_)
                | ExecutionState::Live { .. }
                | ExecutionState::Ended(_)
                | ExecutionState::Backoff { .. }
                | ExecutionState::Unknown { .. },
            )) => return Err(format!("`{id}` has nothing to say")),
        }
        Ok(())
    }
}
