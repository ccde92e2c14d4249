//! The work of an agent stage, as it is handed out: the text of its task, and what that mentions.

use indexmap::IndexMap;
use pipeline::model::{
    Adapter, AdapterKind, AgentUse, AgentWork, ContextRef, Crew, Mention, Mentioned, Output, Part,
    Stage, ValueKind, Wanted, Work,
};
use pipeline::text::{Part as TextPart, Root, Scope, Step, Template};
use serde_json::{Map, Value as Json, json};

use crate::desired::{AgentTask, Check, Given, GivenText};
use crate::event::{ArtifactRef, Inherited, RunLink};
use crate::run::Run;
use crate::scope::RunScope;
use crate::state::ExecIx;

/// What a mention says where there is nothing to go on from.
const FIRST: &str = "This run extends no other: there is nothing from before.";
const NO_FEEDBACK: &str = "Nobody has asked for changes yet.";

impl Run {
    /// Resolves task, check and mentions. The error names what is not there.
    pub(crate) fn agent_task(
        &self,
        ix: ExecIx,
        work: &AgentWork,
        scope: &RunScope<'_>,
    ) -> Result<AgentTask, String> {
        let stage = self.model(ix.stage);
        let text = work.task.text.resolve_text(scope).map_err(|e| format!("task: {e}"))?;
        let adapter = work.adapter.as_ref().map(|chosen| adapter_of(chosen, scope)).transpose()?;
        let check = work.validate.as_ref().or(match &work.crew {
            Crew::Loop { repeat, .. } => repeat.validate.as_ref(),
            Crew::Single { .. } | Crew::Discussion(_) | Crew::Meta(_) => None,
        });
        let check = check
            .map(|check| {
                let command = check.command.splice(scope).map_err(|e| format!("validate: {e}"))?;
                let (timeout, protect) = (check.timeout, check.protect.clone());
                Ok::<_, String>(Check { command, timeout, protect })
            })
            .transpose()?;
        let mut given = Vec::new();
        for mention in &work.task.mentions {
            let found = self.given(ix, mention, scope).or_else(|why| {
                not_known(mention, scope).ok_or_else(|| format!("`{}`: {why}", mention.written))
            });
            given.extend(found?);
        }
        for wanted in &stage.context {
            let (_, artifacts) = self.wanted(wanted)?;
            for artifact in artifacts {
                let reference = format!("{}/{}", wanted.written, artifact.path);
                if given.iter().all(|known: &Given| known.reference != reference) {
                    given.push(laid(reference, wanted, artifact));
                }
            }
        }
        Ok(AgentTask {
            work: with_adapter(work, adapter),
            task: text,
            check,
            given,
            result: result_of(stage, work),
        })
    }

    /// What an agent stage would be asked, as far as that is known before it runs: what is not
    /// stands in it as `‹...›`. `None`: there is no such stage of an agent.
    pub fn foresee(&self, stage: &str) -> Option<AgentTask> {
        let ix = self.ix(stage)?;
        let Work::Agent(work) = &self.model(ix).work else { return None };
        let scope = RunScope::stage(self, ix);
        let adapter = work.adapter.as_ref().and_then(|chosen| adapter_of(chosen, &scope).ok());
        let check = work.validate.as_ref().map(|check| Check {
            command: foreseen(&check.command, &scope),
            timeout: check.timeout,
            protect: check.protect.clone(),
        });
        let known = |mention: &Mention| match mention.of {
            Mentioned::Feedback => Err("there is none before the first attempt".to_owned()),
            Mentioned::Stage { .. }
            | Mentioned::Previous { .. }
            | Mentioned::Version { .. }
            | Mentioned::Mapped { .. }
            | Mentioned::Input { .. }
            | Mentioned::File { .. }
            | Mentioned::Undone => self.given(ExecIx { stage: ix, instance: 0 }, mention, &scope),
        };
        let given = work.task.mentions.iter().flat_map(|mention| {
            known(mention).unwrap_or_else(|why| {
                let reference = mention.written.clone();
                let text = GivenText::Said(format!("‹not known yet: {why}›"));
                vec![Given { reference, source: "a later moment".to_owned(), age: 0, text }]
            })
        });
        Some(AgentTask {
            work: with_adapter(work, adapter),
            task: foreseen(&work.task.text, &scope),
            check,
            given: given.collect(),
            result: result_of(self.model(ix), work),
        })
    }

    fn given(
        &self,
        ix: ExecIx,
        mention: &Mention,
        scope: &RunScope<'_>,
    ) -> Result<Vec<Given>, String> {
        let head = self.state.head.as_deref().ok_or("the run was not created")?;
        let said = |source: String, text: String| {
            vec![Given {
                reference: mention.written.clone(),
                source,
                age: 0,
                text: GivenText::Said(text),
            }]
        };
        match &mention.of {
            Mentioned::Stage { stage, part } => {
                let of = self.ix(stage).ok_or("there is no such stage")?;
                let end = self.state.stage(of).end();
                let end = end.ok_or_else(|| format!("`{stage}` has not settled"))?;
                let left = Left {
                    outputs: &end.outputs,
                    artifacts: self.left_by(of),
                    source: format!("stage {stage} of {}", head.name),
                    age: 0,
                };
                left.part(mention, stage, part)
            }
            Mentioned::Previous { stage, part } => match (&head.extends, head.previous(stage)) {
                (None, _) => Ok(said("the run before".to_owned(), FIRST.to_owned())),
                (Some(_), Some(given)) => {
                    Left::inherited(given, head.number).part(mention, stage, part)
                }
                (Some(link), None) => {
                    Err(format!("neither {} nor a run before it finished `{stage}`", link.name))
                }
            },
            Mentioned::Version { number, stage, part } => {
                let mut all = head.inherited.iter();
                let given = all.find(|g| g.from.number == *number && g.stage == *stage);
                let given = given.ok_or_else(|| {
                    format!("no ancestor of this run is v{number} with `{stage}` done")
                })?;
                Left::inherited(given, head.number).part(mention, stage, part)
            }
            Mentioned::Mapped { name } => {
                let value = scope.get(&Root::Mapped);
                let value = value.as_ref().and_then(|value| value.get(name));
                let value = value.ok_or("the input mapping gave no such value")?;
                Ok(said("the input of this stage".to_owned(), text_of(value)))
            }
            Mentioned::Input { name } => {
                let value = scope.get(&Root::Value(name.clone()));
                let value = value.filter(|value| !value.is_null()).ok_or("it has no value")?;
                Ok(said(format!("the inputs of {}", head.name), text_of(&value)))
            }
            Mentioned::File { path } => Ok(vec![Given {
                reference: mention.written.clone(),
                source: "the workspace".to_owned(),
                age: 0,
                text: GivenText::File(path.clone()),
            }]),
            Mentioned::Feedback => {
                let people = self.state.exec(ix).people.as_deref();
                let words = people.and_then(|people| people.feedback.clone());
                let text = words.unwrap_or_else(|| NO_FEEDBACK.to_owned());
                Ok(said("the last request for changes".to_owned(), text))
            }
            Mentioned::Undone => {
                let outputs = scope.get(&Root::Own);
                let text = outputs.as_deref().map_or_else(|| "{}".to_owned(), pretty);
                Ok(said(format!("what is to be undone in {}", head.name), text))
            }
        }
    }
}

/// What stands for a mention of what nobody knows, where that is noted.
fn not_known(mention: &Mention, scope: &RunScope<'_>) -> Option<Vec<Given>> {
    let unknown = match &mention.of {
        Mentioned::Stage { stage, .. } => scope.is_unknown(&Root::Output(stage.to_string())),
        Mentioned::Previous { stage, .. } => scope.is_unknown(&Root::Previous(stage.to_string())),
        Mentioned::Version { .. }
        | Mentioned::Mapped { .. }
        | Mentioned::Input { .. }
        | Mentioned::File { .. }
        | Mentioned::Feedback
        | Mentioned::Undone => false,
    };
    let text = unknown.then(|| scope.stand_in(&mention.written)).flatten()?;
    let reference = mention.written.clone();
    let text = GivenText::Said(text);
    Some(vec![Given { reference, source: "nobody yet".to_owned(), age: 0, text }])
}

/// The kind that a reference comes to. What more such an adapter needs stands with the agent.
fn adapter_of(chosen: &Template, scope: &dyn Scope) -> Result<Adapter, String> {
    let word = chosen.resolve_text(scope).map_err(|e| format!("adapter: {e}"))?;
    let kind = AdapterKind::of(&word)
        .ok_or_else(|| format!("adapter: `{word}` is none of {}", AdapterKind::WORDS.join(", ")))?;
    Ok(Adapter::of(kind))
}

fn with_adapter(work: &AgentWork, adapter: Option<Adapter>) -> AgentWork {
    let mut work = work.clone();
    work.tuning.adapter = adapter.or(work.tuning.adapter);
    work
}

/// A template with what is known by now.
fn foreseen(template: &Template, scope: &dyn Scope) -> String {
    let parts = template.parts.iter().map(|part| {
        let one = Template { parts: vec![part.clone()] };
        match part {
            TextPart::Literal(text) => text.clone(),
            TextPart::Reference(reference) => one
                .resolve_text(scope)
                .unwrap_or_else(|_not_yet| format!("‹${{{}}}›", reference.source)),
        }
    });
    parts.collect()
}

/// How many runs lie between: what is cut first is the oldest.
fn age(number: u64, from: &RunLink) -> u64 {
    number.saturating_sub(from.number).max(1)
}

/// An artifact that the stage has in its folder of context.
fn laid(reference: String, wanted: &ContextRef, artifact: ArtifactRef) -> Given {
    let (source, age) = match &wanted.from {
        Wanted::Stage(stage) => (format!("stage {stage}"), 0),
        Wanted::Previous { stage } => (format!("stage {stage} of the run before"), 1),
        Wanted::Version { number, stage } => (format!("stage {stage} of v{number}"), 1),
    };
    let ArtifactRef { digest, bytes, format, .. } = artifact;
    Given { reference, source, age, text: GivenText::Stored { digest, bytes, format } }
}

/// What a stage left.
struct Left<'l> {
    outputs: &'l Json,
    artifacts: Vec<ArtifactRef>,
    source: String,
    age: u64,
}

impl<'l> Left<'l> {
    /// By a run that this one, of this number, goes on from.
    fn inherited(given: &'l Inherited, number: u64) -> Self {
        Self {
            outputs: &given.outputs,
            artifacts: given.artifacts.clone(),
            source: format!("stage {} of {}", given.stage, given.from.name),
            age: age(number, &given.from),
        }
    }

    fn part(self, mention: &Mention, stage: &str, part: &Part) -> Result<Vec<Given>, String> {
        match part {
            Part::Whole => self.whole(&mention.written, stage),
            Part::Output(name, path) => {
                let value = self.outputs.get(name).and_then(|value| inside(value, path));
                let value = value.ok_or_else(|| format!("`{stage}` gave no such output"))?;
                Ok(vec![self.said(&mention.written, text_of(value))])
            }
            Part::Artifact(wanted) => {
                let found = self.artifacts.iter().find(|of| is_called(of, wanted));
                let found = found.ok_or_else(|| {
                    let names: Vec<&str> = self.artifacts.iter().map(|of| &*of.path).collect();
                    let left =
                        if names.is_empty() { "nothing".to_owned() } else { names.join(", ") };
                    format!("`{stage}` left no artifact of this name; it left {left}")
                })?;
                Ok(vec![self.stored(&mention.written, found)])
            }
        }
    }

    /// Its outputs, then its artifacts; an empty stage is an error, never an empty text.
    fn whole(self, written: &str, stage: &str) -> Result<Vec<Given>, String> {
        let mut given = Vec::new();
        if self.outputs.as_object().is_none_or(|outputs| !outputs.is_empty()) {
            given.push(self.said(written, pretty(self.outputs)));
        }
        for artifact in &self.artifacts {
            given.push(self.stored(&format!("{written}/{}", artifact.path), artifact));
        }
        if given.is_empty() {
            return Err(format!("`{stage}` left neither outputs nor artifacts"));
        }
        Ok(given)
    }

    fn said(&self, reference: &str, text: String) -> Given {
        let reference = reference.to_owned();
        Given { reference, source: self.source.clone(), age: self.age, text: GivenText::Said(text) }
    }

    fn stored(&self, reference: &str, artifact: &ArtifactRef) -> Given {
        let (digest, bytes) = (artifact.digest.clone(), artifact.bytes);
        Given {
            reference: reference.to_owned(),
            source: self.source.clone(),
            age: self.age,
            text: GivenText::Stored { digest, bytes, format: artifact.format.clone() },
        }
    }
}

/// By its name, by its path, or by the last part of that.
fn is_called(artifact: &ArtifactRef, wanted: &str) -> bool {
    let last = artifact.path.rsplit('/').next().unwrap_or_default();
    artifact.name == wanted || artifact.path == wanted || last == wanted
}

fn inside<'j>(value: &'j Json, path: &[Step]) -> Option<&'j Json> {
    path.iter().try_fold(value, |value, step| match step {
        Step::Field(name) => value.get(name),
        Step::Index(at) => value.get(at),
    })
}

fn text_of(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::Array(_) | Json::Object(_) => {
            pretty(value)
        }
    }
}

fn pretty(value: &Json) -> String {
    format!("{value:#}")
}

/// The schema of what an agent has to hand in; `None` where free text will do.
fn result_of(stage: &Stage, work: &AgentWork) -> Option<Json> {
    (!work.free_text).then(|| result_schema(&stage.outputs))
}

/// JSON Schema 2020-12 of an object that holds these outputs.
pub fn result_schema(outputs: &IndexMap<String, Output>) -> Json {
    let mut properties = Map::new();
    let mut required = Vec::new();
    for (name, output) in outputs {
        let mut of = match &output.schema {
            Some(Json::Object(schema)) => schema.clone(),
            Some(_) | None => Map::new(),
        };
        if let Some(kind) = json_type(output.kind) {
            of.entry("type").or_insert_with(|| json!(kind));
        }
        if !output.description.is_empty() {
            of.entry("description").or_insert_with(|| json!(output.description));
        }
        properties.insert(name.clone(), Json::Object(of));
        if output.required {
            required.push(name.clone());
        }
    }
    json!({
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    })
}

fn json_type(kind: ValueKind) -> Option<&'static str> {
    match kind {
        ValueKind::String => Some("string"),
        ValueKind::Integer => Some("integer"),
        ValueKind::Number => Some("number"),
        ValueKind::Boolean => Some("boolean"),
        ValueKind::List => Some("array"),
        ValueKind::Map => Some("object"),
        ValueKind::Any => None,
    }
}

/// Who does it, in words: `reviewer`, `a council of architect and tester`.
pub(crate) fn who(work: &AgentWork) -> String {
    let name = |agent: &AgentUse| match agent {
        AgentUse::Named(name) => name.clone(),
        AgentUse::Written(spec) if !spec.name.is_empty() => spec.name.clone(),
        AgentUse::Written(spec) => spec.extends.clone().unwrap_or_else(|| "an agent".to_owned()),
    };
    match &work.crew {
        Crew::Single { agent } | Crew::Loop { agent: Some(agent), .. } => name(agent),
        Crew::Loop { agent: None, repeat } => {
            format!(
                "the agent of the loop {}",
                repeat.extends.as_deref().unwrap_or("of this stage")
            )
        }
        Crew::Discussion(talk) => {
            let names: Vec<String> = talk.members.iter().map(name).collect();
            format!("{} in a discussion", names.join(", "))
        }
        Crew::Meta(meta) => format!("a team of {}", name(&meta.planner)),
    }
}
