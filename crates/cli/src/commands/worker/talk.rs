//! What a worker says while it works: a verb and what it is about, a line each; with
//! `--output json` a document a line on stdout.

use ::worker::remote::{Event, How};
use api::link::AttemptRef;
use serde_json::{Value, json};

use crate::context::Context;
use crate::output;
use crate::terminal::Palette;
use crate::words;

/// Width of the verb.
const VERB: usize = 12;
/// So much of the id of a run tells it from others.
const ID: usize = 8;

pub(super) struct Talk {
    name: String,
    server: String,
    palette: Palette,
    quiet: bool,
    text: bool,
}

impl Talk {
    pub(super) fn new(context: &Context, name: String, server: String) -> Self {
        let (palette, quiet) = (context.talk_palette(), context.global.quiet);
        Self { name, server, palette, quiet, text: context.is_text() }
    }

    pub(super) fn tell(&self, event: &Event) {
        if !self.text {
            // Nobody who reads: the work goes on.
            let _gone = output::print(&format!("{}\n", self.document(event)));
            return;
        }
        if !self.quiet {
            let (verb, text) = self.words(event);
            output::say(&line(self.palette, verb, &text));
        }
    }

    fn words(&self, event: &Event) -> (&'static str, String) {
        let Self { name, server, .. } = self;
        match event {
            Event::Connected { again: false } => ("Connected", format!("as {name} to {server}")),
            Event::Connected { again: true } => ("Reconnected", format!("to {server}")),
            Event::Away { why } => {
                ("Away", format!("{}; what runs goes on, trying again", words::one_line(why)))
            }
            Event::Started { attempt } => ("Running", of(attempt)),
            Event::Ended { attempt, how } => {
                let (verb, why) = verb(how);
                let why = words::one_line(why);
                let gap = if why.is_empty() { "" } else { ": " };
                (verb, format!("{}{gap}{why}", of(attempt)))
            }
            Event::Draining { left } => {
                let left = words::count(*left as u64, "attempt");
                ("Draining", format!("{left} to finish; once more to stop them"))
            }
            Event::Stopping { left } => ("Stopping", words::count(*left as u64, "attempt")),
        }
    }

    fn document(&self, event: &Event) -> Value {
        let (verb, text) = self.words(event);
        let attempt = match event {
            Event::Started { attempt } | Event::Ended { attempt, .. } => Some(attempt),
            Event::Connected { .. }
            | Event::Away { .. }
            | Event::Draining { .. }
            | Event::Stopping { .. } => None,
        };
        json!({
            "schema": "orchestrate.worker/v1",
            "event": verb.to_ascii_lowercase().replace(' ', "_"),
            "worker": self.name,
            "run": attempt.map(|attempt| &attempt.run),
            "stage": attempt.map(|attempt| &attempt.execution),
            "attempt": attempt.map(|attempt| attempt.number),
            "text": text,
        })
    }
}

fn verb(how: &How) -> (&'static str, &str) {
    match how {
        How::Succeeded => ("Succeeded", ""),
        How::Failed(why) => ("Failed", why),
        How::Stopped(why) => ("Stopped", why),
        How::NotStarted(why) => ("Not started", why),
        How::Lost(why) => ("Lost", why),
    }
}

/// `implement[2] of 019a2b3c, attempt 2`
fn of(attempt: &AttemptRef) -> String {
    let AttemptRef { run, execution, number, .. } = attempt;
    let run = run.get(..ID).unwrap_or(run);
    let again = if *number > 1 { format!(", attempt {number}") } else { String::new() };
    format!("{execution} of {run}{again}")
}

fn line(palette: Palette, verb: &str, text: &str) -> String {
    let gap = " ".repeat(VERB.saturating_sub(words::width(verb)));
    format!("{gap}{} {text}\n", palette.status(verb, verb))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_has_a_verb_of_twelve_columns() {
        let talk = Talk {
            name: "w1".into(),
            server: "http://a:7070".into(),
            palette: Palette::PLAIN,
            quiet: false,
            text: true,
        };
        let attempt = AttemptRef {
            run: "019a2b3c4d5e".into(),
            execution: "test[2]".into(),
            number: 2,
            fence: 1,
            key: "k".into(),
        };
        let said = |event: &Event| {
            let (verb, text) = talk.words(event);
            line(talk.palette, verb, &text)
        };
        let connected = said(&Event::Connected { again: false });
        assert_eq!(connected, "   Connected as w1 to http://a:7070\n");
        let how = How::Failed("exit code 3".into());
        let failed = Event::Ended { attempt, how };
        assert_eq!(said(&failed), "      Failed test[2] of 019a2b3c, attempt 2: exit code 3\n");
        assert_eq!(talk.document(&failed)["event"], "failed");
        assert_eq!(talk.document(&failed)["stage"], "test[2]");
    }
}
