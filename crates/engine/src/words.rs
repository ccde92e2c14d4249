//! Reasons in words, for people.

use pipeline::when::Reason;

use crate::command::StopReason;
use crate::event::{AttemptResult, Decision, Failure, Outcome, Resolution, Settled};

/// As the end of a sentence about a stage.
pub fn ended(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Succeeded => "succeeded",
        Outcome::Failed => "failed",
        Outcome::Cancelled => "was cancelled",
        Outcome::Skipped => "was skipped",
        Outcome::NotRun => "did not run",
        Outcome::WouldHave => "would have run",
    }
}

/// Why a stage or execution settled as it did; empty when its work was done.
pub fn settled(reason: &Settled) -> String {
    match reason {
        Settled::Done => String::new(),
        Settled::Failed { failure: why } => failure(why),
        Settled::InstancesFailed { failed, of } => {
            format!("{} of {of} instances failed: {}", failed.len(), numbers(failed))
        }
        Settled::Condition { reason } => condition(reason),
        Settled::AllSkipped => "every stage it depends on was skipped".to_owned(),
        Settled::NoItems => "there are no items".to_owned(),
        Settled::NotTriggered { reason } => reason.clone(),
        Settled::TimedOut => "nobody answered in time".to_owned(),
        Settled::Needs { keys } => {
            let keys: Vec<String> = keys.iter().map(|key| format!("`{key}`")).collect();
            format!("it needs {}, which did not succeed", keys.join(", "))
        }
        Settled::Rule { rule, causes } => {
            let names: Vec<String> = causes.iter().take(5).map(|c| format!("`{c}`")).collect();
            let more = causes.len() - names.len();
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            format!("`{rule}` does not hold because of {}{more}", names.join(", "))
        }
        Settled::Halted { cause } => format!("the run halted because `{cause}` failed"),
        Settled::RollingBack { to } => format!("the run is rolled back to `{to}`"),
        Settled::Cancelled => "the run was cancelled".to_owned(),
        Settled::Unstartable { message } => message.clone(),
        Settled::WouldHave => "nothing was done: this is a shadow run".to_owned(),
    }
}

/// The leaves that decided a condition; the tree has all of them.
pub fn condition(reason: &Reason) -> String {
    let mut leaves = Vec::new();
    decisive(reason, &mut leaves);
    leaves.truncate(5);
    leaves.join("; ")
}

fn decisive(reason: &Reason, leaves: &mut Vec<String>) {
    match reason.parts.as_slice() {
        [] => leaves.push(reason.says.clone()),
        // A negation: what is below it came out the other way.
        [part] if part.truth != reason.truth => {
            leaves.push(format!("{} ({})", reason.says, condition(part)));
        }
        parts => {
            let same = parts.iter().filter(|part| part.truth == reason.truth);
            same.for_each(|part| decisive(part, leaves));
        }
    }
}

fn numbers(numbers: &[u32]) -> String {
    let shown: Vec<String> = numbers.iter().take(10).map(ToString::to_string).collect();
    let more = if numbers.len() > 10 { ", …" } else { "" };
    format!("{}{more}", shown.join(", "))
}

pub fn failure(failure: &Failure) -> String {
    match failure {
        Failure::ExitCode { code } => format!("exit code {code}"),
        Failure::Agent { code, says } => format!("{says} (exit code {code})"),
        Failure::Signal { signal } => match signal_name(*signal) {
            Some(name) => format!("killed by {name} (signal {signal})"),
            None => format!("killed by signal {signal}"),
        },
        Failure::Timeout { after_ms } => format!("timed out after {}", duration(*after_ms)),
        Failure::IdleTimeout { after_ms } => format!("no output for {}", duration(*after_ms)),
        Failure::TotalTimeout { after_ms } => {
            format!("all its attempts together took longer than {}", duration(*after_ms))
        }
        Failure::NotStarted { message } => format!("could not be started: {message}"),
        Failure::InvalidOutput { message } => format!("wrong outputs: {message}"),
        Failure::Unresolved { message } | Failure::Expression { message } => message.clone(),
        Failure::Lost { message } => format!("its worker was lost too often: {message}"),
        Failure::DecidedFailed => "decided to have failed".to_owned(),
        Failure::Rejected { by, reason } => format!("rejected by {by}: {reason}"),
        Failure::ApprovalTimeout { after_ms } => {
            format!("nobody decided within {}", duration(*after_ms))
        }
        Failure::FormTimeout { after_ms } => {
            format!("nobody answered within {}", duration(*after_ms))
        }
        Failure::RevisionsExhausted { max, feedback } => {
            format!("changes were requested more than {max} times, last: {feedback}")
        }
        Failure::InvalidInput { message } => format!("wrong inputs: {message}"),
        Failure::InvalidArtifact { message } => format!("wrong artifacts: {message}"),
        Failure::ChildRefused { message } => format!("its run could not be started: {message}"),
        Failure::ChildFailed { run, reason } if reason.is_empty() => format!("{run} failed"),
        Failure::ChildFailed { run, reason } => format!("{run} failed: {reason}"),
    }
}

/// What became of a gate: `the gate was ...`.
pub fn resolution(resolution: &Resolution) -> String {
    match resolution {
        Resolution::Approved => "approved".to_owned(),
        Resolution::Rejected { by, reason } => format!("rejected by {by}: {reason}"),
        Resolution::ChangesRequested { by, feedback } => {
            format!("sent back by {by} for changes: {feedback}")
        }
        Resolution::TimedOutApproved => "approved, as nobody decided in time".to_owned(),
        Resolution::TimedOutRejected => "rejected, as nobody decided in time".to_owned(),
        Resolution::TimedOutSkipped => "skipped, as nobody decided in time".to_owned(),
        Resolution::TimedOutFailed => "failed, as nobody decided in time".to_owned(),
        Resolution::Void { reason } if reason.is_empty() => "taken back".to_owned(),
        Resolution::Void { reason } => format!("taken back: {reason}"),
    }
}

pub fn decision(decision: Decision) -> &'static str {
    match decision {
        Decision::Approve => "approve",
        Decision::Reject => "reject",
        Decision::RequestChanges => "request_changes",
    }
}

/// Empty when it succeeded.
pub fn result(result: &AttemptResult) -> String {
    match result {
        AttemptResult::Succeeded { .. } => String::new(),
        AttemptResult::Failed { failure: why } => failure(why),
        AttemptResult::Stopped { reason } => stopped(*reason).to_owned(),
        AttemptResult::Lost { message } => format!("lost: {message}"),
    }
}

pub fn stopped(reason: StopReason) -> &'static str {
    match reason {
        StopReason::Timeout => "stopped: it ran too long",
        StopReason::IdleTimeout => "stopped: it was silent for too long",
        StopReason::TotalTimeout => "stopped: all its attempts together took too long",
        StopReason::Cancelled => "stopped: the run was cancelled",
        StopReason::Paused => "stopped: the run was paused",
        StopReason::Halted => "stopped: the run was halted",
        StopReason::Superseded => "stopped: the run went back behind it",
    }
}

/// `1 h 30 min`, `2.5 s`, `300 ms`.
pub fn duration(ms: u64) -> String {
    let (seconds, minutes, hours) = (ms / 1000, ms / 60_000, ms / 3_600_000);
    match ms {
        0..1000 => format!("{ms} ms"),
        1000..60_000 if ms.is_multiple_of(1000) => format!("{seconds} s"),
        1000..60_000 => format!("{seconds}.{} s", ms % 1000 / 100),
        60_000..3_600_000 if seconds.is_multiple_of(60) => format!("{minutes} min"),
        60_000..3_600_000 => format!("{minutes} min {} s", seconds % 60),
        _ if minutes.is_multiple_of(60) => format!("{hours} h"),
        _ => format!("{hours} h {} min", minutes % 60),
    }
}

/// Signals have the same numbers on all systems that we run on.
fn signal_name(signal: i32) -> Option<&'static str> {
    Some(match signal {
        1 => "SIGHUP",
        2 => "SIGINT",
        3 => "SIGQUIT",
        4 => "SIGILL",
        6 => "SIGABRT",
        8 => "SIGFPE",
        9 => "SIGKILL",
        11 => "SIGSEGV",
        13 => "SIGPIPE",
        14 => "SIGALRM",
        15 => "SIGTERM",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_short() {
        let table = [
            (0, "0 ms"),
            (300, "300 ms"),
            (2500, "2.5 s"),
            (30_000, "30 s"),
            (90_000, "1 min 30 s"),
            (1_800_000, "30 min"),
            (3_600_000, "1 h"),
            (5_400_000, "1 h 30 min"),
        ];
        for (ms, wanted) in table {
            assert_eq!(duration(ms), wanted);
        }
    }
}
