//! What a task refers to: does it exist, and is it known by then?

use std::collections::HashMap;
use std::sync::Arc;

use super::references::{Checker, output_names};
use super::site::Site;
use super::upstream::Why;
use crate::authored::{
    AuthoredAgent, AuthoredMention, AuthoredPrompt, AuthoredStage, AuthoredWork, Mentions, Placed,
};
use crate::diagnostic::{Code, Diagnostic};
use crate::model::{
    AgentUse, AgentWork, Crew, LoopSpec, Mention, Mentioned, Part, Prompt, Stage, StageName,
    Validation,
};
use crate::source::Span;
use crate::text::Template;

impl Checker<'_, '_, '_> {
    /// `undoes`: it stands in what undoes the stage.
    pub(super) fn agent_work(&mut self, work: &AuthoredAgent, ix: usize, undoes: bool) {
        let (value, script) = match undoes {
            true => (Site::UndoValue, Site::UndoScript),
            false => (Site::Value, Site::Script),
        };
        self.template(&work.task.text, Some(ix), value);
        if let Some(adapter) = &work.adapter {
            self.template(adapter, Some(ix), value);
        }
        for mention in &work.task.mentions {
            self.mention(mention, ix, undoes);
        }
        for check in [work.validate.as_ref(), loop_check(&work.crew)].into_iter().flatten() {
            self.template(&check.command, Some(ix), script);
        }
    }

    fn mention(&mut self, mention: &Placed<AuthoredMention>, ix: usize, undoes: bool) {
        let span = mention.span;
        let written = &mention.value.written;
        match &mention.value.of {
            Mentions::Stage { stage, part } => {
                let Some(target) = self.mentioned(stage, written, span) else { return };
                if !(undoes && target == ix) {
                    self.need(ix, target, span, written.clone(), Why::Reads);
                }
                self.part(target, part, written, span);
            }
            Mentions::Previous { stage, part } | Mentions::Version { stage, part, .. } => {
                let target = match stage {
                    Some(stage) => self.mentioned(stage, written, span),
                    None => Some(ix),
                };
                if let Some(target) = target {
                    self.part(target, part, written, span);
                }
            }
            Mentions::Input(name) => self.mentioned_input(name, ix, span),
            Mentions::File(path) => self.mentioned_file(path, span),
            Mentions::Feedback => {}
        }
    }

    fn mentioned(&mut self, stage: &str, written: &str, span: Span) -> Option<usize> {
        if let Some(ix) = self.graph.names.get(stage) {
            return Some(*ix);
        }
        if self.reader.refused.contains(stage) {
            return None;
        }
        let names = self.graph.names.keys().map(String::as_str);
        let near = self.reader.sink.did_you_mean(stage, names);
        let help = match near.is_empty() {
            true => format!("for the text itself write `@{written}`"),
            false => near,
        };
        let message = format!("`{written}` names no stage");
        self.reader.push(
            Diagnostic::new(Code::BAD_MENTION, span, message)
                .label("no stage has this name")
                .help(help),
        );
        None
    }

    /// Whether the stage can leave such a thing.
    fn part(&mut self, target: usize, part: &Part, written: &str, span: Span) {
        let authored = self.authored;
        let stage = &authored.stages[target];
        let name = stage.name.as_ref().map_or("?", |name| &name.value);
        let files = files_of(stage);
        let (message, help) = match part {
            Part::Output(key, _) => {
                let _ = self.output_kind(target, key, span);
                return;
            }
            Part::Whole if files.is_empty() && output_names(stage).is_empty() => (
                format!("`{written}`: `{name}` leaves neither outputs nor artifacts"),
                format!("declare them at `{name}`, or name another stage"),
            ),
            Part::Artifact(wanted) if !files.iter().any(|file| is_called(file, wanted)) => {
                let near = self.reader.sink.did_you_mean(wanted, files.iter().map(|f| f.0));
                let names: Vec<&str> = files.iter().map(|file| file.0).collect();
                let help = match (near.is_empty(), names.is_empty()) {
                    (false, _) => near,
                    (true, false) => format!("`{name}` leaves: {}", names.join(", ")),
                    (true, true) => {
                        format!("declare it at `{name}`: `artifacts: {{plan: {wanted}}}`")
                    }
                };
                (format!("stage `{name}` leaves no artifact `{wanted}`"), help)
            }
            Part::Whole | Part::Artifact(_) => return,
        };
        self.reader.push(Diagnostic::new(Code::BAD_MENTION, span, message).help(help));
    }

    /// A field of the input mapping, else an input of the run.
    fn mentioned_input(&mut self, name: &str, ix: usize, span: Span) {
        let mapped = is_mapped(&self.authored.stages[ix], name);
        self.used.values.insert(name.to_owned());
        if !mapped && !self.is_value(name) {
            self.undefined(name, span, None);
        }
    }

    fn mentioned_file(&mut self, path: &str, span: Span) {
        let leaves = path.starts_with('/') || path.split('/').any(|part| part == "..");
        if leaves || path.contains('\\') || path.len() > 1024 {
            let message = format!("`{path}` leaves the working directory");
            self.reader.push(
                Diagnostic::new(Code::BAD_PATH, span, message)
                    .help("a path below it, such as `@file:docs/goal.md`"),
            );
        }
    }
}

fn loop_check(crew: &Crew) -> Option<&Validation> {
    match crew {
        Crew::Loop { repeat, .. } => repeat.validate.as_ref(),
        Crew::Single { .. } | Crew::Discussion(_) | Crew::Meta(_) => None,
    }
}

fn is_mapped(stage: &AuthoredStage, name: &str) -> bool {
    stage.input.as_ref().is_some_and(|mapping| mapping.names().any(|field| field == name))
}

/// Name and path of each file that it may leave.
fn files_of(stage: &AuthoredStage) -> Vec<(&str, &str)> {
    let saved = stage.people.form.as_ref().and_then(|form| form.value.save_as.as_ref());
    let saved = saved.map(|save| (save.artifact.as_str(), save.artifact.as_str()));
    let declared = stage.artifacts.iter().map(|(name, of)| (name.value.as_str(), of.path.as_str()));
    declared.chain(saved).collect()
}

fn is_called((name, path): &(&str, &str), wanted: &str) -> bool {
    let last = path.rsplit('/').next().unwrap_or_default();
    // Instances of a fan-out leave theirs below their number.
    let inner = wanted.split_once('/').map_or(wanted, |(_, inner)| inner);
    [wanted, inner].iter().any(|wanted| name == wanted || path == wanted) || last == wanted
}

/// Whether the stage answers with text, which is its output `text`.
pub(super) fn answers_with_text(stage: &AuthoredStage) -> bool {
    matches!(stage.work, Some(AuthoredWork::Agent(_))) && stage.outputs.is_empty()
}

/// Where a task stands: whose it is, and what its stage was given.
pub(super) struct Whose<'s> {
    pub(super) stage: &'s StageName,
    pub(super) mapped: Vec<String>,
    pub(super) free_text: bool,
    pub(super) names: &'s HashMap<String, usize>,
}

pub(super) fn build(written: AuthoredAgent, whose: &Whose<'_>) -> AgentWork {
    AgentWork {
        crew: written.crew,
        task: prompt(written.task, whose),
        tuning: written.tuning,
        adapter: written.adapter,
        budget: written.budget,
        validate: written.validate,
        free_text: whose.free_text,
    }
}

fn prompt(written: AuthoredPrompt, whose: &Whose<'_>) -> Prompt {
    let named = |stage: Option<String>| match stage {
        Some(stage) => Arc::from(stage),
        None => whose.stage.clone(),
    };
    let mention = |mention: AuthoredMention| Mention {
        of: match mention.of {
            Mentions::Stage { stage, part } => Mentioned::Stage { stage: Arc::from(stage), part },
            Mentions::Previous { stage, part } => Mentioned::Previous { stage: named(stage), part },
            Mentions::Version { number, stage, part } => {
                Mentioned::Version { number, stage: named(stage), part }
            }
            Mentions::Input(name) if whose.mapped.contains(&name) => Mentioned::Mapped { name },
            Mentions::Input(name) => Mentioned::Input { name },
            Mentions::File(path) => Mentioned::File { path },
            Mentions::Feedback => Mentioned::Feedback,
        },
        written: mention.written,
    };
    let mentions = written.mentions.into_iter().map(|placed| mention(placed.value)).collect();
    Prompt { text: written.text, mentions }
}

/// Undoes a stage of agents where its author said nothing: the same agent is asked to.
pub(super) fn undoing(of: &Stage, work: &AgentWork) -> AgentWork {
    let agent = match &work.crew {
        Crew::Single { agent } => agent.clone(),
        Crew::Loop { agent: Some(agent), .. } => agent.clone(),
        Crew::Loop { agent: None, repeat } => return loop_undoing(of, work, repeat),
        Crew::Discussion(talk) => talk.chair.clone().unwrap_or_else(|| talk.members[0].clone()),
        Crew::Meta(meta) => meta.planner.clone(),
    };
    asked_to_undo(of, work, agent)
}

/// The agent of a loop type is known only when that is looked up.
fn loop_undoing(of: &Stage, work: &AgentWork, repeat: &LoopSpec) -> AgentWork {
    let agent = repeat.agent.clone().unwrap_or_else(|| "implementer".to_owned());
    asked_to_undo(of, work, AgentUse::Named(agent))
}

fn asked_to_undo(of: &Stage, work: &AgentWork, agent: AgentUse) -> AgentWork {
    let text = format!(
        "Roll back the stage `{}`: undo what it did, and nothing else. What it gave is given \
         below as @undone. Where something cannot be undone, say so.",
        of.name
    );
    AgentWork {
        crew: Crew::Single { agent },
        task: Prompt {
            text: Template::of_literal(text),
            mentions: vec![Mention { written: "@undone".to_owned(), of: Mentioned::Undone }],
        },
        tuning: work.tuning.clone(),
        adapter: work.adapter.clone(),
        budget: work.budget,
        validate: None,
        free_text: true,
    }
}
