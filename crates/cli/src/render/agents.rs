//! Agents, and what they would be asked, as text.

use api::agents::{AgentDetail, AgentPreview, AgentSummary, PreviewedAgent, Takeover};

use crate::output::table::Table;
use crate::terminal::Palette;
use crate::words;

/// `agent list`
pub fn list(agents: &[AgentSummary]) -> Table {
    let mut table = Table::new(&["NAME", "TOOLS", "MODEL", "FROM", "DESCRIPTION"]);
    for agent in agents {
        let says = match (&agent.problem, agent.hidden) {
            (Some(problem), _) => format!("cannot be read: {}", words::one_line(problem)),
            (None, true) => "hidden by the one above".to_owned(),
            (None, false) => agent.description.clone(),
        };
        table.row(vec![
            agent.name.as_str().into(),
            tools(agent.tools.as_deref()).into(),
            agent.model.as_deref().unwrap_or("-").into(),
            agent.origin.as_str().into(),
            says.into(),
        ]);
    }
    table
}

fn tools(tools: Option<&[String]>) -> String {
    match tools {
        None => "all".to_owned(),
        Some([]) => "none".to_owned(),
        Some(tools) => tools.join(","),
    }
}

/// `agent show`
pub fn detail(agent: &AgentDetail, palette: Palette) -> String {
    let of = &agent.summary;
    let mut text = format!("{}  {}\n", palette.bold(&of.name), words::one_line(&of.description));
    let mut line = |name: &str, value: &str| text += &format!("  {name:<8} {value}\n");
    line("from", &of.origin);
    for (name, value) in [("extends", &of.extends), ("adapter", &of.adapter), ("model", &of.model)]
    {
        if let Some(value) = value {
            line(name, value);
        }
    }
    line("tools", &tools(of.tools.as_deref()));
    if let Some(digest) = &of.digest {
        line("digest", short(digest));
    }
    for notice in &of.notices {
        line("notice", notice);
    }
    if let Some(problem) = &of.problem {
        line("problem", problem);
    }
    text + "\n" + agent.prompt.trim_end() + "\n"
}

/// `agent prompt`
pub fn preview(seen: &AgentPreview, palette: Palette) -> String {
    let title = format!("{} of {}", seen.stage, seen.pipeline);
    let mut text = format!("{}  {}\n", palette.bold(&title), seen.shape);
    for notice in &seen.notices {
        text += &format!("  notice: {notice}\n");
    }
    if !seen.context.is_empty() {
        let (tokens, limit) = (seen.context_tokens, seen.context_limit);
        text += &format!("  context: about {tokens} of {limit} tokens\n");
    }
    for block in &seen.context {
        let cut = if block.cut { ", cut" } else { "" };
        text += &format!(
            "    {}  {} bytes, about {} tokens{cut}, sha256 {}, from {}\n",
            block.reference,
            block.bytes,
            block.tokens,
            short(&block.sha256),
            block.source
        );
    }
    if let Some(check) = &seen.validate {
        text += &format!("  validated by: {}\n", words::one_line(check));
    }
    for agent in &seen.agents {
        text += &asked(agent, palette);
    }
    text
}

pub(super) fn asked(agent: &PreviewedAgent, palette: Palette) -> String {
    let model = agent.model.as_deref().map_or_else(String::new, |model| format!(", model {model}"));
    format!(
        "\n{} {}  {}{model}; tools {}; digest {}\n\n{}\n{}\n\n{}\n{}\n",
        agent.role,
        palette.bold(&agent.name),
        agent.adapter,
        tools(Some(&agent.tools)),
        short(&agent.digest),
        palette.dim("--- system"),
        agent.system.trim_end(),
        palette.dim("--- task"),
        agent.text.trim_end(),
    )
}

fn short(digest: &str) -> &str {
    digest.get(..12).unwrap_or(digest)
}

/// `agent attach --print`, `agent hand-back`
pub fn takeover(takeover: &Takeover) -> String {
    let Takeover { run, stage, by, .. } = takeover;
    if takeover.status != "held" {
        let who = takeover.handed_back_by.as_deref().unwrap_or(by);
        let what = match (takeover.status.as_str(), takeover.accept) {
            ("handed_back", Some(true)) => "handed back: what is there is the result",
            ("handed_back", _) => "handed back: its agent goes on",
            _ => "over: the work ended while it was held",
        };
        return format!("{stage} of {run} {what}, by {who}\n");
    }
    let mut text = format!("{stage} of {run} is held by {by} since {}\n", takeover.since);
    let mut line = |name: &str, value: &str| text += &format!("  {name:<9} {value}\n");
    match &takeover.attach {
        None => line("attach", "the agent has not let go yet"),
        Some(way) => {
            let then = match way.resumes {
                true => "its session goes on when you hand back",
                false => "its work begins anew when you hand back",
            };
            line("agent", &format!("{}; {then}", way.agent));
            line("directory", &way.directory);
            line("runs", &way.runs);
            line("attach", &way.command);
        }
    }
    line("hand back", &hand_back(takeover));
    text
}

pub fn hand_back(takeover: &Takeover) -> String {
    let Takeover { run, stage, .. } = takeover;
    let stage = if stage.contains('[') { format!("'{stage}'") } else { stage.clone() };
    format!("orchestrate agent hand-back {run} {stage} [--note TEXT] [--accept]")
}
