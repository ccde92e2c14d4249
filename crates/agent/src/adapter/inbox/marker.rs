//! What a task file says, and how its answer is read.

use serde::Deserialize;
use serde_json::Value as Json;

use crate::adapter::Message;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Status {
    Completed,
    Blocked,
    Failed,
}

impl Status {
    const WORDS: [(&str, Self); 3] =
        [("COMPLETED", Self::Completed), ("BLOCKED", Self::Blocked), ("FAILED", Self::Failed)];
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(super) struct Done {
    pub(super) status: Status,
    #[serde(default)]
    pub(super) summary: String,
    #[serde(default)]
    pub(super) outputs: Option<Json>,
}

/// The task file. Its own words about the marker are fenced, so that they are none.
pub(super) fn task(id: &str, done: &str, message: &Message) -> String {
    let (system, text) = (&message.system, message.words(false));
    format!(
        "---\ntask: {id}\ndone: {done}\n---\n\n{system}\n\n{text}\n\n\
         # When you are done\n\nWrite `{done}` (under another name first, then rename it):\n\n\
         ```json\n{{\"attempt\": \"{id}\", \"status\": \"completed\", \"summary\": \"what you did\", \
         \"outputs\": {{}}}}\n```\n\nor add this line to the end of this file, and what you did below it:\n\n\
         ```\n## Status: COMPLETED\n```\n\nThe status may also be `BLOCKED` or `FAILED`, with the reason.\n"
    )
}

/// # Errors
/// Why this is no answer to this task.
pub(super) fn answer(id: &str, bytes: &[u8]) -> Result<Done, String> {
    let value: Json = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    match value["attempt"].as_str() {
        Some(of) if of != id => return Err(format!("it answers `{of}`, not `{id}`")),
        Some(_) | None => {}
    }
    serde_json::from_value(value).map_err(|error| error.to_string())
}

/// The first marker that stands alone on a line outside of fences, with what follows it.
pub(super) fn marked(text: &str) -> Option<Done> {
    let mut fenced = false;
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        }
        if fenced {
            continue;
        }
        let Some(word) = line.trim_end().strip_prefix("## Status: ") else { continue };
        let word = word.trim_end_matches(|c: char| !c.is_ascii_alphabetic());
        let status = Status::WORDS.iter().find(|(known, _)| *known == word);
        if let Some((_, status)) = status {
            let summary = lines.collect::<Vec<_>>().join("\n").trim().to_owned();
            let summary = if summary.is_empty() { word.to_ascii_lowercase() } else { summary };
            return Some(Done { status: *status, summary, outputs: None });
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_marker_that_is_quoted_is_none() {
        let message = Message {
            number: 1,
            system: "You.".into(),
            text: "Do.".into(),
            fresh: None,
            again: false,
        };
        let task = task("code-1", ".orchestrate/done/code-1.json", &message);
        assert_eq!(marked(&task), None, "{task}");
        for (added, expected) in [
            ("## Status: COMPLETED", Some((Status::Completed, "completed"))),
            ("## Status: COMPLETED ✅\nAll of it.\n", Some((Status::Completed, "All of it."))),
            ("## Status: BLOCKED\n\nno key", Some((Status::Blocked, "no key"))),
            ("## Status: FAILED", Some((Status::Failed, "failed"))),
            ("I will write ## Status: COMPLETED", None),
            ("```\n## Status: COMPLETED\n```", None),
            ("## Status: COMPLETED or not", None),
            ("# Status: COMPLETED", None),
        ] {
            let found = marked(&format!("{task}\n{added}"));
            let found = found.as_ref().map(|done| (done.status, &*done.summary));
            assert_eq!(found, expected, "{added}");
        }
    }

    #[test]
    fn an_answer_to_another_task_is_stale() {
        let done = br#"{"attempt": "code-1", "status": "completed", "outputs": {"n": 1}}"#;
        assert_eq!(answer("code-1", done).unwrap().outputs, Some(serde_json::json!({"n": 1})));
        assert!(answer("code-2", done).unwrap_err().contains("answers `code-1`"));
        for broken in [&b"{"[..], b"{}", b"[]", br#"{"status": "perhaps"}"#] {
            assert!(answer("code-1", broken).is_err());
        }
    }
}
