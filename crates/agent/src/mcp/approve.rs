//! Whether an agent of others may use a tool of its own: its names and arguments in our terms.

use std::sync::Arc;

use api::agent::ToolKind;
use serde_json::{Value as Json, json};

use crate::desk::{Call, Desk, Where};
use crate::tools::output::{SIDE, ends};
use crate::tools::place::Place;

pub(super) const NAME: &str = "approve";
pub(super) const DESCRIPTION: &str = "Whether a tool may be used.";

pub(super) fn schema() -> Json {
    json!({
        "type": "object", "required": ["tool_name", "input"],
        "properties": {
            "tool_name": { "type": "string" },
            "input": { "type": "object" },
            "tool_use_id": { "type": "string" },
        },
    })
}

/// In the words of `claude --permission-prompt-tool`.
pub(super) async fn decide(desk: &Arc<Desk>, input: &Json) -> Json {
    let name = input["tool_name"].as_str().unwrap_or_default();
    let id = input["tool_use_id"].as_str().unwrap_or(name);
    let call = foreign(desk, id, name, &input["input"]);
    match desk.permit(&call).await {
        Ok(()) => json!({ "behavior": "allow", "updatedInput": input["input"] }),
        Err(message) => json!({ "behavior": "deny", "message": message }),
    }
}

/// A call of a coding agent's own tool, named as these agents name theirs.
pub(crate) fn foreign(desk: &Desk, id: &str, name: &str, input: &Json) -> Call {
    let own = ["mcp__orchestrate__", "mcp__orch__"].iter().any(|own| name.starts_with(own));
    let word = |keys: &[&str]| keys.iter().find_map(|key| input.get(key)?.as_str());
    let path = word(&["file_path", "filePath", "path", "notebook_path", "abs_path"]);
    let command = match &input["command"] {
        Json::Array(words) => {
            Some(words.iter().filter_map(Json::as_str).collect::<Vec<_>>().join(" "))
        }
        command => command.as_str().or(word(&["cmd"])).map(str::to_owned),
    };
    let about = command.as_deref().or(path).or(word(&["pattern", "url", "query"]));
    let title = about.map_or_else(|| name.to_owned(), |about| format!("{name} {about}"));
    // Servers that the definition names are granted by that; rules name them as they do for ours.
    let server = desk.agent.mcp.iter().find_map(|server| {
        let tool = name.strip_prefix("mcp__")?.strip_prefix(&*server.name)?.strip_prefix("__")?;
        Some(format!("mcp {} {tool}", server.name))
    });
    let granted = own || server.is_some();
    Call {
        id: id.to_owned(),
        kind: if own { ToolKind::Read } else { kind(name) },
        title,
        input: input.clone(),
        path: path.filter(|_| !granted).map(|path| place_of(desk, path)),
        command: server.or(command),
        granted,
    }
}

/// What came of a call, as agents tell it: a text, or a list of parts; never more than people read.
pub(crate) fn said(content: &Json) -> String {
    let text = match content {
        Json::Array(parts) => {
            let text = |part: &Json| {
                let inner = part.get("content").unwrap_or(part);
                inner["text"].as_str().map(str::to_owned)
            };
            parts.iter().filter_map(text).collect::<Vec<_>>().join("\n")
        }
        Json::String(text) => text.clone(),
        Json::Null => String::new(),
        other => other.to_string(),
    };
    if text.len() <= 2 * SIDE {
        return text;
    }
    let (head, tail) = ends(&text, SIDE);
    let left_out = text.len() - head.len() - tail.len();
    format!("{head}\n[... {left_out} bytes left out ...]\n{tail}")
}

pub(crate) fn place_of(desk: &Desk, path: &str) -> Where {
    let place = Place::open(desk.room.job.workspace.as_ref());
    match place.ok().and_then(|place| place.real(path)) {
        Some(path) => Where::Inside(path),
        None => Where::Outside(path.to_owned()),
    }
}

/// What a tool of another agent does, told by its name; one that nobody knows may do anything.
pub(crate) fn kind(name: &str) -> ToolKind {
    match name.to_ascii_lowercase().as_str() {
        "read" | "notebookread" | "list" | "ls" | "read_file" | "view" | "todowrite"
        | "todoread" => ToolKind::Read,
        "glob" | "grep" | "search" | "find" => ToolKind::Search,
        "edit" | "multiedit" | "write" | "notebookedit" | "write_file" | "apply_patch"
        | "patch" | "delete" | "move" => ToolKind::Edit,
        "webfetch" | "websearch" | "fetch" => ToolKind::Fetch,
        _ => ToolKind::Execute,
    }
}
