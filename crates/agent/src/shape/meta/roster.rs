//! The team that a planner draws up: what it may look like, and whether it holds.

use api::agent::{Agent, Allowance, ToolKind};
use serde::Deserialize;
use serde_json::Value as Json;
use sha2::{Digest as _, Sha256};

#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(super) struct Roster {
    pub(super) mode: Mode,
    #[serde(default)]
    pub(super) rounds: Option<u32>,
    /// One of the agents, who then is no member.
    #[serde(default)]
    pub(super) chair: Option<String>,
    pub(super) agents: Vec<Member>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Mode {
    Single,
    Sequential,
    Parallel,
    Council,
    Debate,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(super) struct Member {
    pub(super) name: String,
    role: String,
    prompt: String,
    #[serde(default)]
    task: Option<String>,
    #[serde(default)]
    model: Option<String>,
    #[serde(default)]
    tools: Option<Vec<ToolKind>>,
    #[serde(default)]
    budget_share: Option<f64>,
}

impl Mode {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Single => "single",
            Self::Sequential => "sequential",
            Self::Parallel => "parallel",
            Self::Council => "council",
            Self::Debate => "debate",
        }
    }

    /// How many members it needs, at least and at most.
    fn members(self) -> (usize, usize) {
        match self {
            Self::Single => (1, 1),
            Self::Sequential => (1, usize::MAX),
            Self::Parallel | Self::Council | Self::Debate => (2, usize::MAX),
        }
    }
}

impl Member {
    /// With no more than the stage allows.
    pub(super) fn agent(&self, planner: &Agent, allowance: &Allowance) -> Agent {
        let mut system = format!("{}\n\n{}", self.role.trim(), self.prompt.trim());
        if let Some(task) = &self.task {
            system.push_str(&format!("\n\nYour part of the work: {}", task.trim()));
        }
        let digest = Sha256::digest(&system);
        let allowed = |kind: &ToolKind| allowance.tools.contains(kind);
        let tools = self.tools.clone().unwrap_or_else(|| allowance.tools.clone());
        Agent {
            name: self.name.clone(),
            adapter: allowance.adapter.clone(),
            model: self.model.clone().or_else(|| planner.model.clone()),
            temperature: None,
            tools: tools.into_iter().filter(allowed).collect(),
            mcp: Vec::new(),
            permissions: planner.permissions.clone(),
            lens: None,
            share: self.budget_share,
            digest: digest.iter().map(|byte| format!("{byte:02x}")).collect(),
            system,
        }
    }
}

/// A roster that fits the schema, if it holds.
///
/// # Errors
/// What does not, each as `path: message`.
pub(super) fn read(said: &Json) -> Result<Roster, Vec<String>> {
    let roster: Roster =
        serde_json::from_value(said.clone()).map_err(|error| vec![format!("/: {error}")])?;
    let mut problems = Vec::new();
    for (place, one) in roster.agents.iter().enumerate() {
        if roster.agents[..place].iter().any(|other| other.name == one.name) {
            problems.push(format!("/agents/{place}/name: `{}` is there twice", one.name));
        }
    }
    let shares: f64 = roster.agents.iter().filter_map(|one| one.budget_share).sum();
    // Three thirds may be a little more than one.
    if shares > 1.0 + 1e-9 {
        problems.push(format!("/agents: the budget shares come to {shares}, more than 1"));
    }
    let mut members = roster.agents.len();
    if let Some(chair) = &roster.chair {
        match roster.agents.iter().any(|one| one.name == *chair) {
            true => members -= 1,
            false => problems.push(format!("/chair: `{chair}` is none of the agents")),
        }
    }
    let (least, most) = roster.mode.members();
    if members < least || members > most {
        let word = roster.mode.word();
        let wanted = if most == 1 { "exactly 1".to_owned() } else { format!("at least {least}") };
        problems.push(format!("/agents: `{word}` needs {wanted} beside the chair, not {members}"));
    }
    if problems.is_empty() { Ok(roster) } else { Err(problems) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn roster(mode: &str, names: &[&str], more: Json) -> Json {
        let agent = |name: &&str| json!({ "name": name, "role": "r", "prompt": "p" });
        let agents: Vec<Json> = names.iter().map(agent).collect();
        let mut roster = json!({ "mode": mode, "rationale": "r", "agents": agents });
        for (key, value) in more.as_object().unwrap() {
            roster[key] = value.clone();
        }
        roster
    }

    #[test]
    fn a_roster_that_does_not_hold_says_why() {
        for (said, problem) in [
            (roster("single", &["aa"], json!({})), None),
            (roster("debate", &["aa", "bb", "cc"], json!({ "chair": "cc" })), None),
            (roster("debate", &["aa", "bb"], json!({ "chair": "bb" })), Some("at least 2")),
            (roster("single", &["aa", "bb"], json!({})), Some("exactly 1")),
            (roster("parallel", &["aa", "aa"], json!({})), Some("`aa` is there twice")),
            (
                roster("council", &["aa", "bb"], json!({ "chair": "cc" })),
                Some("none of the agents"),
            ),
        ] {
            let problems = read(&said).err().unwrap_or_default().join("\n");
            match problem {
                None => assert_eq!(problems, ""),
                Some(part) => assert!(problems.contains(part), "{problems}"),
            }
        }
        let mut shares = roster("parallel", &["aa", "bb"], json!({}));
        for place in [0, 1] {
            shares["agents"][place]["budget_share"] = json!(0.6);
        }
        assert!(read(&shares).unwrap_err()[0].contains("more than 1"));
    }

    #[test]
    fn a_member_gets_no_more_than_the_stage_allows() {
        let agent =
            json!({ "name": "p", "system": "", "adapter": { "kind": "mock" }, "model": "m" });
        let planner: Agent = serde_json::from_value(agent).unwrap();
        let allowance: Allowance = serde_json::from_value(json!({
            "max_agents": 2, "tools": ["read"], "models": [], "adapter": { "kind": "mock" },
        }))
        .unwrap();
        let mut said = roster("single", &["aa"], json!({}));
        said["agents"][0]["tools"] = json!(["read", "execute"]);
        let made = read(&said).unwrap().agents[0].agent(&planner, &allowance);
        assert_eq!((made.tools, made.model.as_deref()), (vec![ToolKind::Read], Some("m")));
    }
}
