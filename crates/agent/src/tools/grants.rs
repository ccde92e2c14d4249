//! What a model is offered: the tools that the agent's definition grants, and those of the house.

use api::agent::ToolKind;
use serde_json::{Value as Json, json};

use super::{Hand, Tool, house};
use crate::desk::Desk;
use crate::mcp::client::{Client, Remote};

pub(super) fn tools(desk: &Desk) -> Vec<Tool> {
    let granted = |kind| desk.agent.tools.contains(&kind);
    let mut tools: Vec<Tool> = own().into_iter().filter(|tool| granted(tool.kind)).collect();
    tools.push(Tool {
        name: "todo".into(),
        description: "Write down your plan as a list, and what of it is done.".into(),
        schema: json!({
            "type": "object", "additionalProperties": false, "required": ["items"],
            "properties": { "items": { "type": "array", "items": {
                "type": "object", "additionalProperties": false, "required": ["text", "status"],
                "properties": {
                    "text": { "type": "string" },
                    "status": { "enum": ["open", "doing", "done"] },
                },
            } } },
        }),
        kind: ToolKind::Read,
        harmless: true,
        hand: Hand::Todo,
    });
    tools.extend(house::offers(desk).into_iter().map(|offer| Tool {
        name: offer.name.to_owned(),
        description: offer.description,
        schema: offer.schema,
        kind: ToolKind::Read,
        harmless: true,
        hand: Hand::House(offer.house),
    }));
    tools
}

/// The tools of an MCP server; its name stands before theirs.
pub(super) fn of_server(client: &Client, place: usize) -> Vec<Tool> {
    let tool = |remote: &Remote| Tool {
        name: name_of(client, remote),
        description: remote.description.clone(),
        schema: remote.schema.clone(),
        kind: if remote.reads_only { ToolKind::Read } else { ToolKind::Execute },
        harmless: remote.reads_only,
        hand: Hand::Remote(place),
    };
    client.tools.iter().map(tool).collect()
}

/// As providers take names: letters, digits, `_` and `-`, at most 64 of them.
pub(super) fn name_of(client: &Client, remote: &Remote) -> String {
    let fit = |c: char| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' };
    format!("{}__{}", client.name, remote.name).chars().map(fit).take(64).collect()
}

fn path() -> Json {
    json!({ "type": "string", "minLength": 1, "description": "relative to the working directory" })
}

fn count() -> Json {
    json!({ "type": "integer", "minimum": 1 })
}

fn text() -> Json {
    json!({ "type": "string" })
}

fn tool(name: &str, what: &str, kind: ToolKind, hand: Hand, required: Json, fields: Json) -> Tool {
    Tool {
        name: name.to_owned(),
        description: what.to_owned(),
        schema: json!({
            "type": "object", "additionalProperties": false,
            "required": required, "properties": fields,
        }),
        kind,
        harmless: matches!(hand, Hand::Read | Hand::List | Hand::Glob | Hand::Grep),
        hand,
    }
}

/// The tools that work on the workspace.
fn own() -> Vec<Tool> {
    vec![
        tool(
            "read",
            "Read a text file: all of it, or `limit` lines from line `offset` (from 1) on.",
            ToolKind::Read,
            Hand::Read,
            json!(["path"]),
            json!({ "path": path(), "offset": count(), "limit": count() }),
        ),
        tool(
            "list",
            "List a folder; names of folders end in `/`.",
            ToolKind::Read,
            Hand::List,
            json!([]),
            json!({ "path": path() }),
        ),
        tool(
            "write",
            "Write a whole text file; folders above it are made, what it held is replaced.",
            ToolKind::Edit,
            Hand::Write,
            json!(["path", "content"]),
            json!({ "path": path(), "content": text() }),
        ),
        tool(
            "edit",
            "Replace `old` by `new` in a text file. `old` has to stand there exactly once, unless \
             `all` is true.",
            ToolKind::Edit,
            Hand::Edit,
            json!(["path", "old", "new"]),
            json!({
                "path": path(), "old": { "type": "string", "minLength": 1 }, "new": text(),
                "all": { "type": "boolean" },
            }),
        ),
        tool(
            "glob",
            "Find files whose path below the folder `path` fits a pattern such as `src/**/*.rs`.",
            ToolKind::Search,
            Hand::Glob,
            json!(["pattern"]),
            json!({ "pattern": text(), "path": path() }),
        ),
        tool(
            "grep",
            "Find lines that a regular expression fits, in all text files below `path`, or only in \
             those whose path fits `glob`.",
            ToolKind::Search,
            Hand::Grep,
            json!(["pattern"]),
            json!({ "pattern": text(), "path": path(), "glob": text() }),
        ),
        tool(
            "bash",
            "Run a command in the working directory. It gets no input. What it leaves running is \
             ended. `timeout` is in seconds: 120 without one, at most 600.",
            ToolKind::Execute,
            Hand::Bash,
            json!(["command"]),
            json!({
                "command": { "type": "string", "minLength": 1 },
                "timeout": { "type": "integer", "minimum": 1, "maximum": 600 },
            }),
        ),
    ]
}
