//! Why a command did not do what it was asked, and what to do instead.

use std::fmt::Write as _;
use std::io;

use api::problem::{Diagnostic, Problem};
use serde_json::json;

use crate::exit::Exit;
use crate::terminal::Palette;

pub type Result<T, E = Failure> = std::result::Result<T, E>;

/// Printed once, on stderr, by `main`.
#[derive(Clone, Debug)]
pub struct Failure {
    pub exit: Exit,
    /// `not_found`, or the code of the first diagnostic.
    pub code: String,
    /// What went wrong: lower case, no full stop, the chain of causes after colons.
    pub message: String,
    /// What to do: a runnable command or a sentence each.
    pub hints: Vec<String>,
    pub diagnostics: Vec<Diagnostic>,
    /// Text that replaces `error: message` (diagnostics with their carets).
    pub rendered: Option<Box<str>>,
}

impl Failure {
    pub fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self {
            exit,
            code: word(exit).to_owned(),
            message: message.into(),
            hints: Vec::new(),
            diagnostics: Vec::new(),
            rendered: None,
        }
    }

    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message)
    }

    /// `operation` is a fragment that fits after "could not".
    pub fn internal(operation: &str, cause: &dyn std::error::Error) -> Self {
        Self::new(Exit::Internal, format!("could not {operation}: {}", chain(cause)))
    }

    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        let hint = hint.into();
        if !self.hints.contains(&hint) {
            self.hints.push(hint);
        }
        self
    }

    /// Ends the command with this code and says nothing more.
    pub fn silent(exit: Exit) -> Self {
        Self { rendered: Some("".into()), ..Self::new(exit, "") }
    }

    pub fn from_problem(problem: Problem) -> Self {
        let exit = match problem.code.as_str() {
            "definition_invalid" => Exit::Invalid,
            "invalid_input" => Exit::Usage,
            "not_found" => Exit::NotFound,
            "conflict" => Exit::Conflict,
            "not_allowed" => Exit::NotAllowed,
            "overloaded" => Exit::Unreachable,
            "storage_full" | "internal" => Exit::Internal,
            _ => match problem.status {
                404 => Exit::NotFound,
                409 | 412 => Exit::Conflict,
                401 | 403 => Exit::NotAllowed,
                400 | 422 => Exit::Usage,
                429 | 503 => Exit::Unreachable,
                _ => Exit::Internal,
            },
        };
        let message = if problem.detail.is_empty() { problem.title } else { problem.detail };
        Self {
            exit,
            code: problem.code,
            message,
            hints: problem.hints,
            diagnostics: problem.diagnostics,
            rendered: None,
        }
    }

    /// `error: ...`, a blank line, `hint: ...`.
    pub fn text(&self, palette: Palette) -> String {
        let mut text = match &self.rendered {
            Some(rendered) => rendered.to_string(),
            None => format!("{} {}\n", palette.error("error:"), self.message),
        };
        if !self.hints.is_empty() {
            text.push('\n');
        }
        for hint in &self.hints {
            // Writing to a `String` cannot fail.
            let _ = writeln!(text, "{} {hint}", palette.note("hint:"));
        }
        text
    }

    /// `orchestrate.error/v1`
    pub fn json(&self) -> serde_json::Value {
        let first = self.diagnostics.first();
        json!({
            "schema": "orchestrate.error/v1",
            "code": first.map_or(self.code.as_str(), |diagnostic| diagnostic.code.as_str()),
            "exit": self.exit.code(),
            "message": first.map_or(self.message.as_str(), |d| d.message.as_str()),
            "spans": first.map_or_else(|| json!([]), |diagnostic| json!(diagnostic.spans)),
            "help": first.map_or_else(|| self.hints.join("\n"), |d| d.help.clone()),
            "hints": self.hints,
            "diagnostics": self.diagnostics,
        })
    }
}

fn word(exit: Exit) -> &'static str {
    match exit {
        Exit::Ok => "ok",
        Exit::Internal => "internal",
        Exit::Usage => "usage",
        Exit::Invalid => "definition_invalid",
        Exit::NotFound => "not_found",
        Exit::Conflict => "conflict",
        Exit::NotAllowed => "not_allowed",
        Exit::Unreachable => "unreachable",
        Exit::RunFailed => "run_failed",
        Exit::Cancelled => "cancelled",
        Exit::TimedOut => "timed_out",
        Exit::StillWaiting => "still_waiting",
        Exit::Rejected => "rejected",
        Exit::Interrupted => "interrupted",
        Exit::BrokenPipe => "broken_pipe",
        Exit::Attempt(_) => "attempt",
    }
}

/// An error and its causes, joined by colons.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        let said = next.to_string();
        if !text.ends_with(&said) {
            text.push_str(": ");
            text.push_str(&said);
        }
        cause = next.source();
    }
    text
}

/// Writing our output failed. A reader that went away is no error.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self::silent(Exit::BrokenPipe);
        }
        Self::internal("write the output", &error)
    }
}
