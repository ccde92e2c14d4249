//! Between the words of the hands and those of the engine.

use api::link;
use engine::command::{End, Exit, Report, StopReason};
use engine::event::{ArtifactRef, Usage};
use engine::id::{AttemptId, RunId};
use indexmap::IndexMap;
use pipeline::value::parse_output_file;
use uuid::Uuid;

/// Probes run beside the attempt they ask about.
const PROBE: &str = "-probe";

/// Whose attempt a report speaks of.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Whose {
    pub(crate) run: RunId,
    pub(crate) attempt: AttemptId,
    pub(crate) probe: bool,
}

/// `None`: not a name that we ever gave.
pub(crate) fn whose(attempt: &link::AttemptRef) -> Option<Whose> {
    Some(Whose {
        run: RunId(Uuid::try_parse(&attempt.run).ok()?),
        attempt: AttemptId {
            execution: attempt.execution.parse().ok()?,
            number: attempt.number,
            fence: attempt.fence,
        },
        probe: attempt.key.ends_with(PROBE),
    })
}

pub(crate) fn reference(whose: &Whose, key: &str) -> link::AttemptRef {
    link::AttemptRef {
        run: whose.run.to_string(),
        execution: whose.attempt.execution.to_string(),
        number: whose.attempt.number,
        fence: whose.attempt.fence,
        key: key.to_owned(),
    }
}

/// What a report means for its run; `None` for what the journal does not hold.
pub(crate) fn of_attempt(what: link::What, worker: &str) -> Option<Report> {
    match what {
        link::What::Started { pid } => {
            Some(Report::Started { worker: worker.to_owned(), pid: Some(pid) })
        }
        link::What::Exited(exit) => Some(Report::Exited(self::exit(*exit))),
        link::What::NotStarted { message } => Some(Report::NotStarted { message }),
        link::What::Lost { message } => Some(Report::Lost { message }),
        link::What::Output { .. } | link::What::NeverStarted | link::What::Seen(_) => None,
    }
}

/// What the end of a probe means: 0 and 1 decide, everything else leaves it to a person.
pub(crate) fn of_probe(what: &link::What) -> Option<Report> {
    match what {
        link::What::Exited(exit) => Some(Report::Probed {
            exit_code: match exit.end {
                link::End::Code(code) => Some(code),
                link::End::Signal(_) | link::End::Stopped(_) => None,
            },
        }),
        link::What::NotStarted { .. } | link::What::Lost { .. } => {
            Some(Report::Probed { exit_code: None })
        }
        link::What::Started { .. }
        | link::What::Output { .. }
        | link::What::NeverStarted
        | link::What::Seen(_) => None,
    }
}

/// After this report the hands hold the attempt no longer.
pub(crate) fn is_last(what: &link::What) -> bool {
    match what {
        link::What::Exited(_) | link::What::NotStarted { .. } | link::What::Lost { .. } => true,
        link::What::Started { .. }
        | link::What::Output { .. }
        | link::What::NeverStarted
        | link::What::Seen(_) => false,
    }
}

fn exit(exit: link::Exit) -> Exit {
    let outputs = match (&exit.outputs, &exit.outputs_error) {
        (_, Some(problem)) => Err(problem.clone()),
        (Some(text), None) => parse_output_file(text),
        (None, None) => Ok(IndexMap::new()),
    };
    let outputs = outputs.map(|outputs| with_branch(outputs, exit.committed));
    let artifacts = match exit.artifacts_error {
        Some(problem) => Err(problem),
        None => Ok(exit.artifacts.into_iter().map(artifact).collect()),
    };
    let mut tail = exit.tail;
    for warning in &exit.warnings {
        if !tail.is_empty() && !tail.ends_with('\n') {
            tail.push('\n');
        }
        tail.push_str("orchestrate: ");
        tail.push_str(warning);
    }
    Exit {
        end: match exit.end {
            link::End::Code(code) => End::Code(code),
            link::End::Signal(signal) => End::Signal(signal),
            link::End::Stopped(reason) => End::Stopped(stop_reason(reason)),
        },
        outputs,
        artifacts,
        usage: Usage {
            elapsed_ms: exit.elapsed_ms,
            user_ms: exit.user_ms,
            system_ms: exit.system_ms,
            max_rss_bytes: exit.max_rss_bytes,
            output_bytes: exit.output_bytes,
        },
        tail,
    }
}

/// Where the work of a stage in a worktree is found; what it says itself of the same name wins.
fn with_branch(
    mut outputs: IndexMap<String, serde_json::Value>,
    committed: Option<Box<link::Committed>>,
) -> IndexMap<String, serde_json::Value> {
    let Some(committed) = committed else {
        return outputs;
    };
    let link::Committed { branch, commit, base, files, added, removed } = *committed;
    let changes = serde_json::json!({"files": files, "added": added, "removed": removed});
    let own = [("branch", branch.into()), ("commit", commit.into()), ("base", base.into())];
    for (name, value) in own.into_iter().chain([("changes", changes)]) {
        outputs.entry(name.to_owned()).or_insert(value);
    }
    outputs
}

fn artifact(collected: link::Collected) -> ArtifactRef {
    let link::Collected { name, path, digest, bytes, format } = collected;
    ArtifactRef { name, path, digest, bytes, format }
}

/// The end of an attempt that was stopped before the hands ever heard of it.
pub(crate) fn never_handed_out(reason: StopReason) -> Report {
    Report::Exited(Exit {
        end: End::Stopped(reason),
        outputs: Ok(IndexMap::new()),
        artifacts: Ok(Vec::new()),
        usage: Usage::default(),
        tail: String::new(),
    })
}

pub(crate) fn stopped(reason: StopReason) -> link::Stopped {
    match reason {
        StopReason::Timeout => link::Stopped::Timeout,
        StopReason::IdleTimeout => link::Stopped::IdleTimeout,
        StopReason::TotalTimeout => link::Stopped::TotalTimeout,
        StopReason::Cancelled => link::Stopped::Cancelled,
        StopReason::Paused => link::Stopped::Paused,
        StopReason::Halted => link::Stopped::Halted,
        StopReason::Superseded => link::Stopped::Superseded,
    }
}

fn stop_reason(reason: link::Stopped) -> StopReason {
    match reason {
        link::Stopped::Timeout => StopReason::Timeout,
        link::Stopped::IdleTimeout => StopReason::IdleTimeout,
        link::Stopped::TotalTimeout => StopReason::TotalTimeout,
        link::Stopped::Cancelled => StopReason::Cancelled,
        link::Stopped::Paused => StopReason::Paused,
        link::Stopped::Halted => StopReason::Halted,
        link::Stopped::Superseded => StopReason::Superseded,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine::id::ExecutionId;

    #[test]
    fn a_reference_leads_back_to_its_attempt() {
        let attempt =
            AttemptId { execution: ExecutionId::instance("build", 3), number: 2, fence: 9 };
        let mut whose = Whose { run: RunId(Uuid::now_v7()), attempt, probe: false };
        assert_eq!(super::whose(&reference(&whose, "k-1")), Some(whose.clone()));
        whose.probe = true;
        assert_eq!(super::whose(&reference(&whose, "k-1-probe")), Some(whose));
    }
}
