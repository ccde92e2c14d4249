//! Which events are decisions, and whose: the same for every implementation.

use engine::event::{Event, Resolution};

/// Nobody decided in time.
const TIMER: &str = "timer";
/// It follows from what was decided before.
const SYSTEM: &str = "system";

/// Who decided or changed something by this event; `None`: it is no decision.
pub(crate) fn decided_by(event: &Event) -> Option<&str> {
    match event {
        Event::RunCreated { by, .. }
        | Event::RunPaused { by, .. }
        | Event::RunResumed { by }
        | Event::RunCancelRequested { by, .. }
        | Event::RunRetried { by, .. }
        | Event::AttemptResolved { by, .. }
        | Event::DelegationRevoked { by, .. }
        | Event::FormSubmitted { by, .. }
        | Event::RevisionRequested { by, .. }
        | Event::ExecutionAdvanced { by, .. }
        | Event::BreakpointsSet { by, .. }
        | Event::RollbackRequested { by, .. }
        | Event::RollbackStarted { by, .. }
        | Event::RewindRequested { by, .. }
        | Event::RewindUndone { by } => Some(by),
        Event::GateVoted { by, .. } => Some(&by.name),
        Event::ExecutionTakenOver { by, .. } | Event::ExecutionHandedBack { by, .. } => {
            Some(&by.name)
        }
        Event::GateDelegated { from, .. } => Some(&from.name),
        Event::GateResolved { resolution, .. } => Some(resolved_by(resolution)),
        Event::EventReceived { occurrence } => Some(&occurrence.source),
        Event::GateEscalated { .. } | Event::FormTimedOut { .. } => Some(TIMER),
        Event::RollbackFinished { .. } | Event::WouldHave(_) => Some(SYSTEM),
        Event::RunStarted
        | Event::RunHalted { .. }
        | Event::RunFinished { .. }
        | Event::StageReady { .. }
        | Event::StageExpanded { .. }
        | Event::StageSettled { .. }
        | Event::AttemptScheduled { .. }
        | Event::AttemptStarted { .. }
        | Event::AttemptStopping { .. }
        | Event::AttemptFinished { .. }
        | Event::AttemptUnknown { .. }
        | Event::AttemptLetGo { .. }
        | Event::RetryScheduled { .. }
        | Event::Requeued { .. }
        | Event::ExecutionSettled { .. }
        | Event::GateOpened { .. }
        | Event::GateReminded { .. }
        | Event::FormOpened(_)
        | Event::ExecutionHeld { .. }
        | Event::AwaitsEnvironment { .. }
        | Event::EnvironmentGranted { .. }
        | Event::EventEmitted { .. }
        | Event::StageTriggered { .. }
        | Event::StageFed { .. }
        | Event::StagePassedOver { .. }
        | Event::StageClosed { .. }
        | Event::StageListening { .. }
        | Event::FormVoided { .. }
        | Event::RunRewound { .. } => None,
    }
}

fn resolved_by(resolution: &Resolution) -> &str {
    match resolution {
        Resolution::Rejected { by, .. } | Resolution::ChangesRequested { by, .. } => by,
        Resolution::Approved | Resolution::Void { .. } => SYSTEM,
        Resolution::TimedOutApproved
        | Resolution::TimedOutRejected
        | Resolution::TimedOutSkipped
        | Resolution::TimedOutFailed => TIMER,
    }
}
