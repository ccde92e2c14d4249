//! One try, as shown.

use jiff::Timestamp;

use crate::command::Verdict;
use crate::event::{AttemptResult, Failure, RunLink, Usage};
use crate::state::execution::Attempt;
use crate::words;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AttemptStatus {
    /// Scheduled; the hands have not said that it started.
    Queued,
    Running,
    Stopping,
    Succeeded,
    Failed,
    Stopped,
    Lost,
    Unknown,
}

impl AttemptStatus {
    pub fn word(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Stopping => "stopping",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Stopped => "stopped",
            Self::Lost => "lost",
            Self::Unknown => "unknown",
        }
    }
}

#[derive(Clone, Debug)]
pub struct AttemptView<'r> {
    pub number: u32,
    pub fence: u64,
    pub status: AttemptStatus,
    /// A rewind went back behind it: what it gave counts no more.
    pub superseded: bool,
    /// In words: why it failed, was stopped, is unknown.
    pub detail: String,
    pub worker: Option<&'r str>,
    pub pid: Option<u32>,
    /// It is a run of its own.
    pub child: Option<&'r RunLink>,
    pub scheduled_at: Timestamp,
    pub started_at: Option<Timestamp>,
    pub finished_at: Option<Timestamp>,
    pub exit_code: Option<i32>,
    pub result: Option<&'r AttemptResult>,
    /// Once it ended.
    pub usage: Option<&'r Usage>,
    /// The last lines of its output, once it ended.
    pub tail: &'r str,
}

impl<'r> AttemptView<'r> {
    pub(crate) fn of(attempt: &'r Attempt) -> Self {
        let end = attempt.end.as_deref();
        let doubt = attempt.doubt.as_deref();
        let resolved = doubt.and_then(|doubt| doubt.resolved.as_ref());
        let (status, detail) = match (end, doubt) {
            (Some(end), _) => (of_result(&end.result), words::result(&end.result)),
            (None, Some(doubt)) => match resolved {
                None => (AttemptStatus::Unknown, doubt.message.clone()),
                Some((_, by, Verdict::Succeeded)) => {
                    (AttemptStatus::Succeeded, format!("succeeded, says {by}: {}", doubt.message))
                }
                Some((_, by, Verdict::Failed)) => {
                    (AttemptStatus::Failed, format!("failed, says {by}: {}", doubt.message))
                }
                Some((_, by, Verdict::Retry)) => {
                    (AttemptStatus::Lost, format!("not done, says {by}: {}", doubt.message))
                }
            },
            (None, None) => match (attempt.stopping, &attempt.started) {
                (Some(reason), _) => {
                    (AttemptStatus::Stopping, words::stopped(reason).replace("stopped", "stopping"))
                }
                (None, Some(_)) => (AttemptStatus::Running, String::new()),
                (None, None) => (AttemptStatus::Queued, String::new()),
            },
        };
        Self {
            number: attempt.number,
            fence: attempt.fence,
            status,
            superseded: attempt.superseded,
            detail,
            worker: attempt.started.as_ref().map(|started| &*started.worker),
            pid: attempt.started.as_ref().and_then(|started| started.pid),
            child: attempt.started.as_ref().and_then(|started| started.child.as_ref()),
            scheduled_at: attempt.scheduled_at,
            started_at: attempt.started.as_ref().map(|started| started.at),
            finished_at: end.map(|end| end.at).or_else(|| resolved.map(|(at, _, _)| *at)),
            exit_code: end.and_then(|end| exit_code(&end.result)),
            result: end.map(|end| &end.result),
            usage: end.map(|end| &end.usage),
            tail: end.map_or("", |end| &end.tail),
        }
    }
}

fn of_result(result: &AttemptResult) -> AttemptStatus {
    match result {
        AttemptResult::Succeeded { .. } => AttemptStatus::Succeeded,
        AttemptResult::Failed { .. } => AttemptStatus::Failed,
        AttemptResult::Stopped { .. } => AttemptStatus::Stopped,
        AttemptResult::Lost { .. } => AttemptStatus::Lost,
    }
}

fn exit_code(result: &AttemptResult) -> Option<i32> {
    match result {
        AttemptResult::Succeeded { .. } => Some(0),
        AttemptResult::Failed { failure } => match failure {
            Failure::ExitCode { code } | Failure::Agent { code, .. } => Some(*code),
            Failure::InvalidOutput { .. } | Failure::InvalidArtifact { .. } => Some(0),
            Failure::Signal { .. }
            | Failure::Timeout { .. }
            | Failure::IdleTimeout { .. }
            | Failure::TotalTimeout { .. }
            | Failure::NotStarted { .. }
            | Failure::Unresolved { .. }
            | Failure::Expression { .. }
            | Failure::Lost { .. }
            | Failure::DecidedFailed
            | Failure::Rejected { .. }
            | Failure::ApprovalTimeout { .. }
            | Failure::FormTimeout { .. }
            | Failure::RevisionsExhausted { .. }
            | Failure::InvalidInput { .. }
            | Failure::ChildRefused { .. }
            | Failure::ChildFailed { .. } => None,
        },
        AttemptResult::Stopped { .. } | AttemptResult::Lost { .. } => None,
    }
}
