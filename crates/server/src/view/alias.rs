//! Our words in those of others.

/// Of a run, where a run is called a pipeline of a task.
pub(crate) fn of_task(status: &str) -> &'static str {
    match status {
        "pending" => "pending",
        "paused" => "paused",
        "cancelling" => "stopping",
        "succeeded" => "completed",
        "failed" => "failed",
        "cancelled" => "stopped",
        _ => "running",
    }
}

/// Of a run with checkpoints. One that was created and never started has not begun.
pub(crate) fn of_run(status: &str, has_started: bool) -> &'static str {
    match (status, has_started) {
        ("pending" | "paused", false) => "not_started",
        ("paused", true) => "paused",
        ("succeeded", _) => "completed",
        ("failed", _) => "failed",
        ("cancelled", _) => "stopped",
        _ => "in_progress",
    }
}

/// Of a run, where only these six are known; `paused` is said beside them.
pub(crate) fn of_pipeline_run(status: &str, has_started: bool) -> &'static str {
    match (status, has_started) {
        ("pending" | "paused", false) => "Pending",
        ("waiting", _) => "WaitingApproval",
        ("succeeded", _) => "Succeeded",
        ("failed", _) => "Failed",
        ("cancelled", _) => "Cancelled",
        _ => "Running",
    }
}

/// The same of a stage.
pub(crate) fn of_pipeline_stage(status: &str) -> &'static str {
    match status {
        "blocked" | "listening" | "held" | "waiting_environment" => "Pending",
        "waiting_approval" | "waiting_input" => "WaitingApproval",
        "succeeded" => "Succeeded",
        "failed" => "Failed",
        "cancelled" => "Cancelled",
        "skipped" => "Skipped",
        "not_run" => "NotRun",
        _ => "Running",
    }
}

/// Of a checkpoint in a run. `gate`: of the approval that is asked for.
pub(crate) fn of_execution(status: &str, gate: Option<&str>) -> &'static str {
    match (status, gate) {
        ("waiting_approval", Some("complete")) => "waiting_approval_to_complete",
        ("waiting_approval", _) => "waiting_approval_to_start",
        ("blocked" | "listening" | "held" | "waiting_environment", _) => "pending",
        ("succeeded", _) => "completed",
        ("failed", _) => "failed",
        ("cancelled", _) => "stopped",
        ("skipped", _) => "skipped",
        ("not_run", _) => "not_run",
        ("unknown", _) => "unknown",
        _ => "in_progress",
    }
}
