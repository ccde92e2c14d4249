//! A notice in words, the same for every kind of target.

use jiff::Timestamp;
use serde_json::{Value as Json, json};
use store::port::NoticeRow;

use super::content::Content;

/// In characters; what a stage or a person wrote may be of any length.
const LONGEST: usize = 2000;
/// Of a title: more than a line of a mail or a heading of a chat takes.
const LONGEST_TITLE: usize = 140;

/// Ready to be sent. `title`, `text` and `facts` hold no control characters but line breaks in
/// `text`; they are plain text, to be escaped where it is written into something else.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Letter {
    /// The same for every try: receivers tell repetitions by it.
    pub(crate) key: String,
    /// `N-17`
    pub(crate) id: String,
    pub(crate) kind: String,
    pub(crate) at: Timestamp,
    pub(crate) title: String,
    pub(crate) text: String,
    pub(crate) facts: Vec<(&'static str, String)>,
    /// Where it can be seen or decided; nothing without `public_url`.
    pub(crate) url: Option<String>,
    /// The same on a command line.
    pub(crate) command: String,
    /// The mail addresses of those whom the rule wants to be addressed.
    pub(crate) people: Vec<String>,
    body: Json,
}

impl Letter {
    pub(crate) fn new(row: &NoticeRow, public_url: Option<&str>, people: Vec<String>) -> Self {
        let content: Content = serde_json::from_value(row.content.clone()).unwrap_or_default();
        let request = row.request.map(|number| match row.kind.starts_with("input.") {
            true => format!("I-{number}"),
            false => format!("A-{number}"),
        });
        let command = match &request {
            Some(request) if row.kind.starts_with("input.") => {
                format!("orchestrate input show {request}")
            }
            Some(request) => format!("orchestrate approval show {request}"),
            None => format!("orchestrate runs show {}", content.run),
        };
        let path = match &request {
            Some(request) => format!("inbox/{request}"),
            None => format!("runs/{}/{}", segment(&content.pipeline), content.number),
        };
        let url = public_url.map(|base| format!("{base}/{path}"));
        let title = shorten(&line(&title(&row.kind, &content)), LONGEST_TITLE);
        let text = shorten(&lines(&content.text), LONGEST);
        let facts = facts(&content);
        let id = id(row.number);
        let mut body = json!({
            "id": row.key,
            "number": id,
            "kind": row.kind,
            "at": row.created_at,
            "title": title,
            "text": text,
            "run": {
                "id": row.run.to_string(),
                "name": content.run,
                "pipeline": content.pipeline,
                "number": content.number,
            },
            "request": request,
            "url": url,
            "command": command,
        });
        if let (Json::Object(body), Ok(Json::Object(said))) =
            (&mut body, serde_json::to_value(&content))
        {
            for (key, value) in said {
                if !matches!(&*key, "run" | "pipeline" | "number" | "text" | "addressed") {
                    body.insert(key, value);
                }
            }
        }
        Self {
            key: row.key.clone(),
            id,
            kind: row.kind.clone(),
            at: row.created_at,
            title,
            text,
            facts,
            url,
            command,
            people,
            body,
        }
    }

    /// Asked for by `by`, to see whether anything arrives.
    pub(crate) fn test(key: String, by: &str, at: Timestamp, public_url: Option<&str>) -> Self {
        let title = "A test notice from Orchestrate".to_owned();
        let text =
            "Nothing has happened: somebody wants to know whether notices arrive.".to_owned();
        let command = "orchestrate notify targets".to_owned();
        let by = line(by);
        let url = public_url.map(str::to_owned);
        let body = json!({
            "id": key,
            "number": null,
            "kind": "test",
            "at": at,
            "title": title,
            "text": text,
            "by": by,
            "url": url,
            "command": command,
        });
        Self {
            id: "test".to_owned(),
            kind: "test".to_owned(),
            facts: vec![("Asked for by", by)],
            people: Vec::new(),
            key,
            at,
            title,
            text,
            url,
            command,
            body,
        }
    }

    /// As JSON, for programs: documented in `docs/guide/notifications.md`.
    pub(crate) fn body(&self) -> &Json {
        &self.body
    }

    /// As plain text.
    pub(crate) fn plain(&self) -> String {
        let mut text = format!("{}\n", self.title);
        if !self.text.is_empty() {
            text.push_str(&format!("\n{}\n", self.text));
        }
        text.push('\n');
        for (label, value) in &self.facts {
            text.push_str(&format!("{label}: {value}\n"));
        }
        if let Some(url) = &self.url {
            text.push_str(&format!("\n{url}\n"));
        }
        text.push_str(&format!("\n    {}\n", self.command));
        text
    }
}

/// `N-17`
pub(crate) fn id(number: u64) -> String {
    format!("N-{number}")
}

fn title(kind: &str, content: &Content) -> String {
    let Content { run, stage, result, because, .. } = content;
    match kind {
        "approval.requested" => format!("{stage} of {run} needs approval"),
        "approval.reminder" => {
            let percent = content.percent.unwrap_or_default();
            format!("{stage} of {run} still needs approval: {percent} % of the time has passed")
        }
        "approval.resolved" => match result.as_str() {
            "approved" => format!("{stage} of {run} was approved"),
            "rejected" => format!("{stage} of {run} was rejected"),
            "changes_requested" => format!("Changes were requested of {stage} of {run}"),
            "timed_out" => format!("Nobody decided on {stage} of {run} in time"),
            _void => format!("{stage} of {run} needs no approval any more"),
        },
        "input.requested" => format!("{stage} of {run} needs input"),
        "run.failed" => format!("{run} failed"),
        "run.succeeded" => format!("{run} succeeded"),
        "run.recovered" => format!("{run} succeeded again after a failure"),
        "run.cancelled" => format!("{run} was cancelled"),
        "stage.unknown" => format!("{stage} of {run}: nobody knows whether its work was done"),
        other => format!("{run}: {other} {because}"),
    }
}

fn facts(content: &Content) -> Vec<(&'static str, String)> {
    let mut facts = vec![("Run", content.run.clone())];
    let mut add = |label, value: &str| {
        if !value.is_empty() {
            facts.push((label, shorten(&line(value), 300)));
        }
    };
    add("Stage", &content.stage);
    add("Environment", &content.environment);
    add("By", &content.by);
    add("Asked", &content.people.join(", "));
    if content.need > 0 {
        add("Votes", &format!("{} of {}", content.have, content.need));
    }
    if let Some(due) = content.due {
        let due = due.strftime("%Y-%m-%d %H:%M UTC").to_string();
        match content.on_timeout.as_str() {
            "" => add("Until", &due),
            then => add("Until", &format!("{due}, then {then}")),
        }
    }
    add("Because", &content.because);
    facts
}

/// One part of a path.
/// A part of a path.
pub(crate) fn segment(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// Without anything that ends a line, moves a cursor or hides what follows.
fn line(text: &str) -> String {
    text.chars().map(|c| if is_control(c) { ' ' } else { c }).collect()
}

fn lines(text: &str) -> String {
    let text = text.replace("\r\n", "\n");
    let kept = text.trim().chars().map(|c| if c != '\n' && is_control(c) { ' ' } else { c });
    kept.collect()
}

/// Also those that turn the direction of writing.
fn is_control(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

pub(super) fn shorten(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        None => text.to_owned(),
        Some(_) => {
            let kept: String = text.chars().take(most - 1).collect();
            format!("{kept}\u{2026}")
        }
    }
}
