//! What the known coding programs find in their home: where the model is, that they have to ask, and
//! nothing that anybody else configured. Facts about versions stand in
//! `docs/decisions/0029-coding-clis.md`.

use std::io;

use api::agent::ToolKind;
use serde_json::{Value as Json, json};

use super::home::Home;
use crate::desk::Desk;

/// The name of a model that nobody named; the gateway puts the provider's own in its place.
const MODEL: &str = "default";
/// A call of the house may wait for a person, in seconds.
const FOR_EVER_S: u32 = 2_000_000;

/// How `codex` treats commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asks {
    /// Whoever speaks its protocol with it answers.
    Client,
    /// Nobody: its sandbox is the rule.
    Nobody,
}

/// Lays all of them: each program reads only its own.
///
/// # Errors
/// When a file cannot be written.
pub(crate) fn lay(home: &Home, desk: &Desk, base: &str, codex: &str) -> io::Result<()> {
    home.put(".codex/config.toml", codex)?;
    home.put(".claude/settings.json", &claude(&desk.agent.tools).to_string())?;
    home.put(".gemini/settings.json", &gemini().to_string())?;
    home.put(".config/opencode/opencode.json", &opencode(desk, base).to_string())?;
    Ok(())
}

/// The tools of `claude` that stand for kinds.
pub(crate) fn claude_tools(kinds: &[ToolKind]) -> Vec<&'static str> {
    let of = |kind: &ToolKind| match kind {
        ToolKind::Read => ["Read", "TodoWrite"].as_slice(),
        ToolKind::Search => &["Grep", "Glob"],
        ToolKind::Edit => &["Edit", "Write", "NotebookEdit"],
        ToolKind::Execute => &["Bash"],
        ToolKind::Fetch => &["WebFetch", "WebSearch"],
    };
    kinds.iter().flat_map(of).copied().collect()
}

/// Nothing is so harmless that the rules are not asked; what the agent has no tool for is refused.
pub(crate) fn claude(kinds: &[ToolKind]) -> Json {
    let all =
        [ToolKind::Read, ToolKind::Search, ToolKind::Edit, ToolKind::Execute, ToolKind::Fetch];
    let others: Vec<ToolKind> = all.into_iter().filter(|kind| !kinds.contains(kind)).collect();
    json!({
        "permissions": {
            "ask": claude_tools(kinds),
            "allow": ["mcp__orchestrate"],
            "deny": claude_tools(&others),
        },
        "includeCoAuthoredBy": false,
    })
}

fn gemini() -> Json {
    json!({
        "security": { "auth": { "selectedType": "gemini-api-key" }, "folderTrust": { "enabled": false } },
        "general": { "disableAutoUpdate": true, "disableUpdateNag": true },
        "privacy": { "usageStatisticsEnabled": false },
        "telemetry": { "enabled": false },
    })
}

fn opencode(desk: &Desk, base: &str) -> Json {
    let model = desk.agent.model.as_deref().unwrap_or(MODEL);
    let has = |kind| if desk.agent.tools.contains(&kind) { "ask" } else { "deny" };
    json!({
        "share": "disabled",
        "autoupdate": false,
        "model": format!("orchestrate/{model}"),
        "small_model": format!("orchestrate/{model}"),
        "provider": { "orchestrate": {
            "npm": "@ai-sdk/openai-compatible",
            "name": "orchestrate",
            "options": {
                "baseURL": format!("{base}/v1"),
                "apiKey": "{env:ORCHESTRATE_MODEL_TOKEN}",
            },
            "models": { model: { "name": model } },
        } },
        "permission": {
            "edit": has(ToolKind::Edit),
            "bash": has(ToolKind::Execute),
            "webfetch": has(ToolKind::Fetch),
            "external_directory": "ask",
        },
    })
}

/// `config.toml` of `codex`; `house`: the words that start the tools of the house, where they are
/// not told over the protocol.
pub(crate) fn codex(desk: &Desk, base: &str, asks: Asks, house: &[String]) -> String {
    let agent = &desk.agent;
    let model = agent.model.as_deref().unwrap_or(MODEL);
    let writes = [ToolKind::Edit, ToolKind::Execute].iter().any(|kind| agent.tools.contains(kind));
    let sandbox = if writes { "workspace-write" } else { "read-only" };
    let approval = match asks {
        Asks::Client => "untrusted",
        Asks::Nobody => "never",
    };
    let mut toml = format!(
        "model = {}\nmodel_provider = \"orchestrate\"\napproval_policy = \"{approval}\"\n\
         sandbox_mode = \"{sandbox}\"\ncheck_for_update_on_startup = false\n\n\
         [model_providers.orchestrate]\nname = \"orchestrate\"\nbase_url = {}\n\
         env_key = \"ORCHESTRATE_MODEL_TOKEN\"\nwire_api = \"responses\"\n\
         request_max_retries = 2\nstream_max_retries = 2\n",
        quoted(model),
        quoted(&format!("{base}/v1")),
    );
    let mut server = |name: &str, command: &[String], more: &str| {
        let [program, args @ ..] = command else { return };
        let args: Vec<String> = args.iter().map(|word| quoted(word)).collect();
        toml.push_str(&format!(
            "\n[mcp_servers.{}]\ncommand = {}\nargs = [{}]\n{more}",
            quoted(name),
            quoted(program),
            args.join(", ")
        ));
    };
    let always = format!(
        "default_tools_approval_mode = \"approve\"\ntool_timeout_sec = {FOR_EVER_S}\n\
         startup_timeout_sec = 60\n"
    );
    server("orchestrate", house, &always);
    if asks == Asks::Nobody {
        for named in &agent.mcp {
            let env: Vec<String> = named
                .env
                .iter()
                .map(|(name, value)| format!("{} = {}", quoted(name), quoted(value)))
                .collect();
            let more = format!("env = {{ {} }}\n{always}", env.join(", "));
            server(&named.name, &named.command, &more);
        }
    }
    toml
}

/// A string of TOML: JSON's escapes are among its own.
fn quoted(text: &str) -> String {
    Json::from(text).to_string().replace('\u{7f}', "\\u007f")
}

/// What `claude` would ask a person before the first word: its theme, whether the folder is trusted,
/// whether the key is to be used.
///
/// # Errors
/// When the file cannot be written.
pub(crate) fn greet_person(home: &Home, workspace: &str, token: &str) -> io::Result<()> {
    const STATE: &str = ".claude/.claude.json";
    /// Of a key, so much is remembered.
    const SHOWN: usize = 20;
    let known = std::fs::read(home.path().join(STATE)).unwrap_or_default();
    let mut state: Json = serde_json::from_slice(&known).unwrap_or_default();
    // The program writes it, and whatever runs in there may.
    for place in ["", "/projects"] {
        match state.pointer_mut(place) {
            Some(part) if part.is_object() => {}
            Some(part) => *part = json!({}),
            None => state["projects"] = json!({}),
        }
    }
    let tail = token.char_indices().rev().nth(SHOWN - 1).map_or(0, |(at, _)| at);
    state["hasCompletedOnboarding"] = Json::Bool(true);
    if !state["projects"][workspace].is_object() {
        state["projects"][workspace] = json!({});
    }
    state["projects"][workspace]["hasTrustDialogAccepted"] = Json::Bool(true);
    state["customApiKeyResponses"] = json!({ "approved": [&token[tail..]], "rejected": [] });
    home.put(STATE, &state.to_string())
}
