//! What an attempt came to: a pure function of what is known at its end.
//!
//! Exit code 0 is not success, and its absence is not failure: programs were seen to end with 0
//! after denied tools, broken arguments, schemas never met, empty answers and interrupts.

use api::agent::{AgentOutcome, ErrorClass, Evidence, StoppedBy, Terminal, Verdict};

/// Judges in the order of certainty: what we did ourselves, what the agent's protocol said, what is
/// missing, what the check said.
pub fn judge(evidence: &Evidence) -> Verdict {
    if let Some(by) = evidence.stopped {
        return stopped(by);
    }
    if let Some(reason) = &evidence.blocked {
        return verdict(AgentOutcome::Blocked, false, format!("the agent is blocked: {reason}"));
    }
    match &evidence.terminal {
        None => {
            let how = match (evidence.exit_code, evidence.signal) {
                (_, Some(signal)) => format!("killed by signal {signal}"),
                (Some(code), None) => format!("exit code {code}"),
                (None, None) => "its end is not known".to_owned(),
            };
            let says = format!("the agent ended without a last word ({how})");
            return verdict(AgentOutcome::Interrupted, true, says);
        }
        Some(Terminal::Error { class, message }) => return failed(*class, message),
        Some(Terminal::Refused { message }) => {
            return verdict(AgentOutcome::Refused, false, format!("the model refused: {message}"));
        }
        Some(Terminal::Completed) => {}
    }
    if let Some(first) = evidence.result_problems.first() {
        let more = evidence.result_problems.len() - 1;
        let more = if more == 0 { String::new() } else { format!(" and {more} more") };
        let says = format!("the result breaks its schema: {first}{more}");
        return verdict(AgentOutcome::NoResult, true, says);
    }
    if evidence.denied > 0 && evidence.validated != Some(true) {
        let says = format!("{} tool calls were refused; nothing proves the work", evidence.denied);
        return verdict(AgentOutcome::Denied, false, says);
    }
    if !evidence.has_result {
        let says = "the agent ended and handed nothing in".to_owned();
        return verdict(AgentOutcome::NoResult, true, says);
    }
    if evidence.validated == Some(false) {
        let says = "the check of the work failed".to_owned();
        return verdict(AgentOutcome::ValidationFailed, true, says);
    }
    verdict(AgentOutcome::Succeeded, false, "done".to_owned())
}

fn stopped(by: StoppedBy) -> Verdict {
    let (outcome, retryable, says) = match by {
        StoppedBy::Cancelled => (AgentOutcome::Cancelled, false, "stopped on request"),
        StoppedBy::WallClock => (AgentOutcome::TimedOut, true, "its time was up"),
        StoppedBy::Idle => (AgentOutcome::Stalled, true, "it fell silent"),
        StoppedBy::Budget => (AgentOutcome::BudgetExhausted, false, "its budget is spent"),
        StoppedBy::Turns => (AgentOutcome::TurnsExhausted, false, "its turns are used up"),
        StoppedBy::Stuck => (AgentOutcome::Stuck, true, "it made the same failing call again"),
    };
    verdict(outcome, retryable, says.to_owned())
}

fn failed(class: ErrorClass, message: &str) -> Verdict {
    let (outcome, retryable, what) = match class {
        ErrorClass::Auth => (AgentOutcome::AuthFailed, false, "the model's key is not accepted"),
        ErrorClass::RateLimited => (AgentOutcome::Unavailable, true, "the model is rate limited"),
        ErrorClass::Unavailable => (AgentOutcome::Unavailable, true, "the model is not available"),
        ErrorClass::ContextTooLong => {
            (AgentOutcome::ContextExhausted, true, "the conversation is too long for the model")
        }
        ErrorClass::OutputLimit => (AgentOutcome::NoResult, true, "the answer was cut off"),
        ErrorClass::Budget => (AgentOutcome::BudgetExhausted, false, "its budget is spent"),
        ErrorClass::Harness => (AgentOutcome::Error, true, "the harness cannot go on"),
        ErrorClass::Invalid => (AgentOutcome::Error, false, "the model refused the request"),
    };
    verdict(outcome, retryable, format!("{what}: {message}"))
}

fn verdict(outcome: AgentOutcome, retryable: bool, says: String) -> Verdict {
    Verdict { outcome, retryable, says }
}
