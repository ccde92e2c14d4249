//! An attempt that is a run of its own has ended.

use indexmap::IndexMap;
use serde_json::Value as Json;

use super::report::ms;
use crate::command::StopReason;
use crate::event::{AttemptResult, Failure, FinalStatus};
use crate::run::Run;
use crate::state::ExecIx;

impl Run {
    pub(super) fn child_ended(
        &self,
        ix: ExecIx,
        status: FinalStatus,
        reason: String,
        outputs: IndexMap<String, Json>,
    ) -> AttemptResult {
        let failed = |failure| AttemptResult::Failed { failure };
        let started = self.state.exec(ix).attempts.last().and_then(|last| last.started.as_ref());
        let child = started.and_then(|started| started.child.as_ref());
        let run = child.map_or_else(|| "its run".to_owned(), |child| child.name.clone());
        match (status, self.asked_to_stop(ix)) {
            (FinalStatus::Succeeded, _) => match self.accepted(ix, outputs) {
                Ok(outputs) => AttemptResult::Succeeded { outputs, artifacts: Vec::new() },
                Err(message) => failed(Failure::InvalidOutput { message }),
            },
            (FinalStatus::Cancelled, Some(StopReason::TotalTimeout)) => {
                let total = self.model(ix.stage).limits.total;
                failed(Failure::TotalTimeout { after_ms: ms(total) })
            }
            (FinalStatus::Cancelled, Some(reason)) => AttemptResult::Stopped { reason },
            (FinalStatus::Cancelled, None) => {
                let reason = if reason.is_empty() { "cancelled".to_owned() } else { reason };
                failed(Failure::ChildFailed { run, reason })
            }
            (FinalStatus::Failed, _) => failed(Failure::ChildFailed { run, reason }),
        }
    }
}
