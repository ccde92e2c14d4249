//! Closed sets of words, as the description of the API says them.

use utoipa::openapi::schema::{Object, ObjectBuilder, Type};

macro_rules! words {
    ($($(#[$doc:meta])* $name:ident, $schema:ident = [$($word:literal)*];)*) => {
        $(
            $(#[$doc])*
            pub const $name: &[&str] = &[$($word),*];

            $(#[$doc])*
            pub fn $schema() -> Object {
                one_of($name)
            }
        )*
    };
}

words! {
    /// Statuses of a run.
    RUN_STATUSES, run_status = [
        "pending" "running" "waiting" "paused" "cancelling" "succeeded" "failed" "cancelled"
    ];
    /// By what runs are sorted; with `-` the largest first.
    RUN_SORTS, run_sorts = [
        "created" "-created" "duration" "-duration" "name" "-name" "status" "-status"
    ];
    /// Statuses of a stage and its instances.
    STAGE_STATUSES, stage_status = [
        "blocked" "listening" "queued" "running" "retrying" "stopping" "waiting_approval"
        "waiting_input" "waiting_environment" "held" "held_by_human" "unknown" "succeeded" "failed" "cancelled"
        "skipped" "not_run" "would_have"
    ];
    /// What a run really does.
    RUN_MODES, run_mode = ["shadow" "production"];
    /// Modes of the installation, the most careful first.
    ROLLOUT_MODES, rollout_mode = ["shadow" "pilot" "production"];
    /// Statuses of an attempt.
    ATTEMPT_STATUSES, attempt_status = [
        "queued" "running" "stopping" "succeeded" "failed" "stopped" "lost" "unknown"
    ];
    /// What a gate is at.
    GATE_KINDS, gate_kind = ["start" "complete" "trigger" "permission" "question"];
    /// Statuses of an approval.
    APPROVAL_STATUSES, approval_status = [
        "pending" "approved" "rejected" "changes_requested" "timed_out" "void"
    ];
    /// What people decide at a gate.
    DECISIONS, decision = ["approve" "reject" "request_changes"];
    /// Statuses of a form.
    INPUT_STATUSES, input_status = ["open" "submitted" "timed_out" "void"];
    /// Kinds of fields of a form.
    FIELD_KINDS, field_kind = ["text" "number" "boolean" "file" "multiline_text" "select" "date"];
    /// Statuses of an artifact.
    ARTIFACT_STATUSES, artifact_status = ["staged" "promoted" "superseded" "dropped"];
    /// What is said of an attempt that nobody knows the end of.
    VERDICTS, verdict = ["retry" "succeeded" "failed"];
    /// Ways to go back.
    UNDOING_VERBS, undoing_verb = ["rollback" "rewind" "undo"];
    /// How bad a diagnostic is.
    SEVERITIES, severity = ["error" "warning"];
}

/// Words of statuses of runs, separated by commas.
pub fn run_statuses() -> Object {
    some_of(RUN_STATUSES)
}

/// Words of statuses of approvals, separated by commas.
pub fn approval_statuses() -> Object {
    some_of(APPROVAL_STATUSES)
}

/// Words of statuses of forms, separated by commas.
pub fn input_statuses() -> Object {
    some_of(INPUT_STATUSES)
}

/// Words of statuses of artifacts, separated by commas.
pub fn artifact_statuses() -> Object {
    some_of(ARTIFACT_STATUSES)
}

fn some_of(words: &[&str]) -> Object {
    let word = words.join("|");
    let pattern = format!("^({word})(,({word}))*$");
    ObjectBuilder::new().schema_type(Type::String).pattern(Some(pattern)).build()
}

fn one_of(words: &[&str]) -> Object {
    let values = words.iter().map(|word| (*word).to_owned());
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(values)).build()
}
