//! What GitHub Actions understands beside plain lines.

use crate::live::board::FailedAttempt;
use crate::words;

/// A folded group with the last lines of an attempt that failed for good.
pub fn group(failed: &FailedAttempt) -> String {
    let mut text =
        format!("::group::{} attempt {}: its last lines\n", failed.execution, failed.number);
    for line in failed.tail.lines() {
        let line = words::without_escapes(line);
        // A line of the log must not become a command.
        text += if line.trim_start().starts_with("::") { "| " } else { "" };
        text += &line;
        text.push('\n');
    }
    text += "::endgroup::\n";
    text
}

/// `::error file=ci.yaml,line=12,title=test failed::exit 101`
pub fn annotation(file: Option<(&str, usize)>, title: &str, message: &str) -> String {
    let place = match file {
        Some((file, line)) => format!("file={},line={line},", property(file)),
        None => String::new(),
    };
    format!("::error {place}title={}::{}\n", property(title), data(message))
}

fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

/// Line (from 1) at which a definition names this stage.
pub fn line_of_stage(definition: &str, stage: &str) -> Option<usize> {
    definition
        .lines()
        .position(|line| {
            if !line.starts_with([' ', '-']) {
                return false;
            }
            let rest = line.trim_start().trim_start_matches(['-', ' ', '{']);
            rest.strip_prefix("name:").is_some_and(|value| {
                let value = value.trim_start().trim_start_matches(['"', '\'']);
                value.strip_prefix(stage).is_some_and(|rest| {
                    !rest.starts_with(|c: char| c.is_alphanumeric() || "-_".contains(c))
                })
            })
        })
        .map(|line| line + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stages_are_found_in_both_styles() {
        let text = "name: test\nstages:\n  - name: test-all\n  - {name: test, run: x}\n";
        assert_eq!(line_of_stage(text, "test-all"), Some(3));
        assert_eq!(line_of_stage(text, "test"), Some(4));
        assert_eq!(line_of_stage(text, "build"), None);
    }

    #[test]
    fn output_cannot_forge_a_command() {
        let failed = FailedAttempt {
            execution: "a".into(),
            stage: "a".into(),
            number: 1,
            tail: "ok\n::set-output name=x::y\n".into(),
        };
        assert_eq!(
            group(&failed),
            "::group::a attempt 1: its last lines\nok\n| ::set-output name=x::y\n::endgroup::\n"
        );
        assert_eq!(
            annotation(Some(("a,b.yaml", 3)), "t: x", "50%\nend"),
            "::error file=a%2Cb.yaml,line=3,title=t%3A x::50%25%0Aend\n"
        );
    }
}
