//! Reasons in words.

use engine::event::{Failure, Settled};
use pipeline::when::{Reason, Truth};
use serde_json::Value as Json;

use crate::words;

pub fn failure(failure: &Failure) -> String {
    match failure {
        Failure::ExitCode { code } => format!("exit {code}"),
        Failure::Signal { signal } => format!("killed by signal {signal}{}", signal_name(*signal)),
        Failure::Timeout { after_ms } => format!("timeout after {}", words::duration(*after_ms)),
        Failure::IdleTimeout { after_ms } => {
            format!("idle timeout: no output for {}", words::duration(*after_ms))
        }
        Failure::TotalTimeout { after_ms } => {
            format!("total timeout after {}", words::duration(*after_ms))
        }
        Failure::NotStarted { message } => format!("could not start: {message}"),
        Failure::InvalidOutput { message } => format!("invalid output: {message}"),
        Failure::Unresolved { message } | Failure::Expression { message } => message.clone(),
        Failure::Lost { message } => format!("lost: {message}"),
        Failure::DecidedFailed => "decided to have failed".to_owned(),
    }
}

fn signal_name(signal: i32) -> &'static str {
    match signal {
        1 => " (HUP)",
        2 => " (INT)",
        3 => " (QUIT)",
        6 => " (ABRT)",
        9 => " (KILL)",
        11 => " (SEGV)",
        13 => " (PIPE)",
        15 => " (TERM)",
        _ => "",
    }
}

pub fn settled(reason: &Settled) -> String {
    match reason {
        Settled::Done => String::new(),
        Settled::Failed { failure: why } => failure(why),
        Settled::InstancesFailed { failed, of } => {
            let named: Vec<String> = failed.iter().take(8).map(u32::to_string).collect();
            let more = if failed.len() > named.len() { ", ..." } else { "" };
            format!("{} of {of} instances failed ({}{more})", failed.len(), named.join(", "))
        }
        Settled::Condition { reason } => format!("when {}", condition(reason)),
        Settled::AllSkipped => "everything it depends on was skipped".to_owned(),
        Settled::NoItems => "foreach has no items".to_owned(),
        Settled::Rule { rule, causes } => {
            let causes: Vec<&str> = causes.iter().map(AsRef::as_ref).collect();
            format!("{rule} cannot hold: {}", causes.join(", "))
        }
        Settled::Halted { cause } => format!("the run halted when {cause} failed"),
        Settled::Unstartable { message } => message.clone(),
        Settled::Cancelled => "the run was cancelled".to_owned(),
    }
}

/// The leaves that decided.
pub fn condition(reason: &Reason) -> String {
    let deciding: Vec<String> = reason
        .parts
        .iter()
        .filter(|part| reason.says != "all of" || part.truth == reason.truth)
        .map(condition)
        .collect();
    let unknown =
        if reason.truth == Truth::Unknown && reason.parts.is_empty() { " (unknown)" } else { "" };
    match (reason.says.as_str(), deciding.as_slice()) {
        (says, []) => format!("{says}{unknown}"),
        ("not", [one]) => format!("not ({one})"),
        (_, [one]) => one.clone(),
        ("any of", all) => format!("none of: {}", all.join("; ")),
        (_, all) => all.join("; "),
    }
}

/// `count=3, quote=Simplicity…`: what a stage gave, on one line.
pub fn outputs<'a>(outputs: impl Iterator<Item = (&'a str, &'a Json)>) -> String {
    let shown: Vec<String> = outputs
        .map(|(name, value)| {
            let text = match value {
                Json::String(text) => words::one_line(text),
                Json::Array(items) => words::count(items.len() as u64, "item"),
                Json::Object(map) => words::count(map.len() as u64, "key"),
                scalar => scalar.to_string(),
            };
            format!("{name}={}", words::shorten_end(&text, 32))
        })
        .collect();
    words::shorten_end(&shown.join(", "), 72)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaf(truth: Truth, says: &str) -> Reason {
        Reason { truth, says: says.to_owned(), parts: Vec::new() }
    }

    #[test]
    fn the_deciding_leaves_of_a_condition_are_named() {
        let no = leaf(Truth::False, "branch [\"main\"]: topic does not match");
        let yes = leaf(Truth::True, "environment [\"staging\"]: staging matches");
        let all = Reason {
            truth: Truth::False,
            says: "all of".into(),
            parts: vec![yes.clone(), no.clone()],
        };
        assert_eq!(condition(&all), "branch [\"main\"]: topic does not match");
        let any = Reason { truth: Truth::False, says: "any of".into(), parts: vec![all, no] };
        assert_eq!(
            condition(&any),
            "none of: branch [\"main\"]: topic does not match; branch [\"main\"]: topic does not match"
        );
        let not = Reason { truth: Truth::False, says: "not".into(), parts: vec![yes] };
        assert_eq!(condition(&not), "not (environment [\"staging\"]: staging matches)");
    }

    #[test]
    fn failures_name_their_kind() {
        assert_eq!(failure(&Failure::ExitCode { code: 101 }), "exit 101");
        assert_eq!(failure(&Failure::Signal { signal: 9 }), "killed by signal 9 (KILL)");
        assert_eq!(failure(&Failure::Timeout { after_ms: 30_000 }), "timeout after 30.0s");
    }
}
