//! What a stage of agents would be asked, word for word, before a token is spent.

use std::path::Path;

use api::agent::prompt::{Before, Prompt, iteration, opening, planning, prompt, roster, turn};
use api::agent::{Adapter, Agent, Job, Shape, ToolKind};
use api::agents::{AgentPreview, AgentSummary, PreviewedAgent, PreviewedBlock};
use api::link::AttemptRef;
use engine::Run;
use pipeline::agent::Definition;
use pipeline::model::Work;

use super::{Agents, Listed, Made, Whereabouts};

/// Why there is nothing to be seen.
#[derive(Debug)]
pub(crate) enum Blind {
    NoStage {
        known: Vec<String>,
    },
    /// The stage is something else.
    NoAgent,
    /// It could not be started so: for people.
    Problem(String),
}

impl Agents {
    /// `run`: as it stands after its start.
    pub(crate) fn preview(
        &self,
        run: &Run,
        stage: &str,
        directory: &Path,
    ) -> Result<AgentPreview, Blind> {
        let Made { job, notices, sizes, .. } = self.foreseen(run, stage, directory)?;
        let context = job.context.iter().zip(&sizes.blocks).map(|(block, tokens)| PreviewedBlock {
            reference: block.reference.clone(),
            source: block.source.clone(),
            sha256: block.sha256.clone(),
            bytes: block.bytes,
            tokens: *tokens,
            cut: block.cut,
        });
        let agents = agents(&job).map_err(Blind::Problem)?;
        Ok(AgentPreview {
            pipeline: run.pipeline().name.clone(),
            stage: stage.to_owned(),
            shape: shape_word(&job.shape).to_owned(),
            agents,
            context: context.collect(),
            context_tokens: sizes.tokens,
            context_limit: sizes.limit,
            validate: job.validate.map(|check| check.command),
            result: job.result,
            notices,
        })
    }

    /// The job that the stage would get, as far as that is known.
    pub(super) fn foreseen(&self, run: &Run, stage: &str, directory: &Path) -> Result<Made, Blind> {
        let pipeline = run.pipeline();
        let Some(model) = pipeline.stages.iter().find(|of| &*of.name == stage) else {
            let is_agent = |of: &&pipeline::model::Stage| matches!(of.work, Work::Agent(_));
            let known = pipeline.stages.iter().filter(is_agent);
            return Err(Blind::NoStage { known: known.map(|of| of.name.to_string()).collect() });
        };
        let task = run.foresee(stage).ok_or(Blind::NoAgent)?;
        let folder = model.working_dir.as_ref().and_then(|folder| folder.literal());
        let working_dir = folder.map_or_else(|| directory.to_owned(), |f| directory.join(f));
        let attempt = AttemptRef {
            run: String::new(),
            execution: stage.to_owned(),
            number: 0,
            fence: 0,
            key: "preview-0-0-0".to_owned(),
        };
        let about = Whereabouts {
            attempt,
            run_name: run.link().map_or_else(String::new, |link| link.name),
            stage: stage.to_owned(),
            directory,
            working_dir: &working_dir,
            own: false,
            feedback: None,
            env: Vec::new(),
            secret_env: Vec::new(),
            taken: None,
            timeout: model.limits.timeout,
            idle: model.limits.idle,
        };
        self.make(pipeline, task, about).map_err(Blind::Problem)
    }
}

fn shape_word(shape: &Shape) -> &'static str {
    match shape {
        Shape::Single { .. } => "single",
        Shape::Loop { .. } => "loop",
        Shape::Discussion { .. } => "discussion",
        Shape::Meta { .. } => "meta",
    }
}

/// Everybody that is known before the work begins. The error says what is wrong with the template of
/// a loop.
fn agents(job: &Job) -> Result<Vec<PreviewedAgent>, String> {
    let one = |agent: &Agent, role: &str| previewed(agent, role, prompt(job, agent));
    Ok(match &job.shape {
        Shape::Single { agent } => vec![one(agent, "agent")],
        Shape::Loop { agent, rounds } => {
            let first = iteration(job, agent, rounds, 1, &Before::default())?;
            vec![previewed(agent, "agent", first)]
        }
        Shape::Discussion { members, talk } => {
            let (schema, words) = opening(job, talk);
            let first = |agent: &Agent| turn(job, agent, schema.as_ref(), &[words]);
            let members = members.iter().map(|member| previewed(member, "member", first(member)));
            members.chain(talk.chair.iter().map(|chair| one(chair, "chair"))).collect()
        }
        Shape::Meta { planner, allowance } => {
            let asked = turn(job, planner, Some(&roster(allowance)), &[&planning(allowance)]);
            let fallback = allowance.fallback.iter().map(|agent| one(agent, "fallback"));
            [previewed(planner, "planner", asked)].into_iter().chain(fallback).collect()
        }
    })
}

pub(super) fn previewed(agent: &Agent, role: &str, asked: Prompt) -> PreviewedAgent {
    PreviewedAgent {
        name: agent.name.clone(),
        role: role.to_owned(),
        adapter: adapter_words(&agent.adapter),
        model: agent.model.clone(),
        tools: agent.tools.iter().map(|kind| tool_word(*kind).to_owned()).collect(),
        digest: agent.digest.clone(),
        system: asked.system,
        text: asked.text,
    }
}

fn adapter_words(adapter: &Adapter) -> String {
    match adapter {
        Adapter::Api { provider, .. } => format!("api ({provider})"),
        Adapter::Acp { command, .. } => format!("acp ({})", command.join(" ")),
        Adapter::Claude { .. } => "claude".to_owned(),
        Adapter::Codex { .. } => "codex".to_owned(),
        Adapter::Command { argv, .. } => format!("command ({})", argv.join(" ")),
        Adapter::Inbox { .. } => "inbox".to_owned(),
        Adapter::Mock { .. } => "mock".to_owned(),
    }
}

pub(super) fn tool_word(kind: ToolKind) -> &'static str {
    match kind {
        ToolKind::Read => "read",
        ToolKind::Search => "search",
        ToolKind::Edit => "edit",
        ToolKind::Execute => "execute",
        ToolKind::Fetch => "fetch",
    }
}

/// A line of the list.
pub(crate) fn summary(listed: Listed) -> AgentSummary {
    let Listed { name, origin, definition, hidden } = listed;
    match definition {
        Ok(definition) => AgentSummary { hidden, ..of_definition(name, origin, &definition) },
        Err(problem) => AgentSummary {
            name,
            description: String::new(),
            origin,
            adapter: None,
            model: None,
            tools: None,
            extends: None,
            digest: None,
            hidden,
            problem: Some(problem),
            notices: Vec::new(),
        },
    }
}

pub(crate) fn of_definition(name: String, origin: String, of: &Definition) -> AgentSummary {
    let tuning = &of.spec.tuning;
    let words = |kinds: &Vec<pipeline::model::ToolKind>| {
        kinds.iter().map(|kind| kind.word().to_owned()).collect()
    };
    AgentSummary {
        name,
        description: of.spec.description.clone(),
        origin,
        adapter: tuning.adapter.as_ref().map(|adapter| adapter.kind.word().to_owned()),
        model: tuning.model.clone(),
        tools: tuning.tools.as_ref().map(words),
        extends: of.spec.extends.clone(),
        digest: Some(of.digest.clone()),
        hidden: false,
        problem: None,
        notices: of.notices.clone(),
    }
}
