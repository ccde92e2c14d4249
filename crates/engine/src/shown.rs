//! What people are shown when they are asked to decide, and the digest that binds their decision to
//! it.

use jiff::Timestamp;
use pipeline::model::{StageIx, Work};
use pipeline::text::Piece;
use serde_json::{Map, Value as Json, json};
use sha2::{Digest as _, Sha256};

use crate::agent::who;
use crate::desired::{PythonProgram, Task, TaskWork};
use crate::event::{AttemptResult, Failure, GateId, GateKind, Inquiry};
use crate::run::Run;
use crate::state::ExecIx;
use crate::state::people::Gate;

/// Hex SHA-256 over canonical JSON: no spaces, keys sorted.
pub fn digest(shown: &Json) -> String {
    let mut text = String::new();
    canonical(shown, &mut text);
    Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn canonical(value: &Json, to: &mut String) {
    match value {
        Json::Object(map) => {
            let mut keys: Vec<&String> = map.keys().collect();
            keys.sort();
            to.push('{');
            for (place, key) in keys.into_iter().enumerate() {
                if place > 0 {
                    to.push(',');
                }
                to.push_str(&Json::String(key.clone()).to_string());
                to.push(':');
                canonical(&map[key], to);
            }
            to.push('}');
        }
        Json::Array(items) => {
            to.push('[');
            for (place, item) in items.iter().enumerate() {
                if place > 0 {
                    to.push(',');
                }
                canonical(item, to);
            }
            to.push(']');
        }
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => {
            to.push_str(&value.to_string());
        }
    }
}

impl Run {
    /// What whoever decides at this gate is shown: the resolved task, what it gave, the revision of
    /// the pipeline. Its [`digest`] is the gate's. `None`: there is no such gate, or the run went
    /// on, and what was shown cannot be shown again.
    pub fn shown(&self, id: &GateId) -> Option<Json> {
        let gate = self.find_gate(id)?;
        let shown = match id.kind {
            GateKind::Trigger => {
                self.shown_of_trigger(self.ix(&id.execution.stage)?, &gate.instructions)
            }
            GateKind::Permission | GateKind::Question => {
                let ix = self.exec_ix(&id.execution)?;
                self.shown_of_inquiry(ix, id.kind, gate.inquiry.as_deref()?)
            }
            GateKind::Start | GateKind::Complete => {
                let ix = self.exec_ix(&id.execution)?;
                self.shown_of(ix, id.kind, &gate.instructions, gate.opened_at).ok()?
            }
        };
        (digest(&shown) == gate.digest).then_some(shown)
    }

    pub(crate) fn find_gate(&self, id: &GateId) -> Option<&Gate> {
        let gates = match id.kind {
            GateKind::Trigger => &self.state.stage(self.ix(&id.execution.stage)?).gates,
            GateKind::Start | GateKind::Complete | GateKind::Permission | GateKind::Question => {
                let people = self.state.exec(self.exec_ix(&id.execution)?).people.as_deref()?;
                &people.gates
            }
        };
        let gate = gates.get(id.generation.checked_sub(1)? as usize)?;
        (gate.kind == id.kind).then_some(gate)
    }

    pub(crate) fn shown_of_trigger(&self, ix: StageIx, instructions: &str) -> Json {
        Json::Object(self.about(ix, &self.model(ix).name, GateKind::Trigger, instructions))
    }

    /// What an attempt wants, and the work it is about.
    pub(crate) fn shown_of_inquiry(&self, ix: ExecIx, kind: GateKind, asks: &Inquiry) -> Json {
        let name = self.exec_id(ix).to_string();
        let mut shown = self.about(ix.stage, &name, kind, "");
        shown.insert("inquiry".to_owned(), json!(asks));
        Json::Object(shown)
    }

    /// As of `at`. The failure: the work cannot be prepared, and must not be asked about.
    pub(crate) fn shown_of(
        &self,
        ix: ExecIx,
        kind: GateKind,
        instructions: &str,
        at: Timestamp,
    ) -> Result<Json, Failure> {
        let stage = self.model(ix.stage);
        let name = self.exec_id(ix).to_string();
        let mut shown = self.about(ix.stage, &name, kind, instructions);
        if let Some(item) = self.item(ix) {
            shown.insert("item".to_owned(), item.clone());
        }
        let works = match &stage.work {
            Work::Run { .. }
            | Work::Python { .. }
            | Work::Child { .. }
            | Work::Agent(_)
            | Work::Merge(_) => true,
            Work::Noop | Work::Form => false,
        };
        // What is asked of a person first cannot be part of it yet.
        if works && (kind == GateKind::Complete || stage.form.is_none()) {
            let task = self.prepare(ix, &self.next_attempt(ix));
            match (task, kind) {
                (Ok(task), _) => {
                    shown.insert("task".to_owned(), task_json(&task));
                }
                (Err(failure), GateKind::Start | GateKind::Trigger) => return Err(failure),
                (Err(_), GateKind::Complete | GateKind::Permission | GateKind::Question) => {}
            }
        }
        if let (Some(form), GateKind::Start) = (&stage.form, kind) {
            let fields: Vec<&String> = form.fields.keys().collect();
            shown.insert("asks".to_owned(), json!(fields));
        }
        if kind == GateKind::Complete {
            self.results(ix, at, &mut shown);
        }
        Ok(Json::Object(shown))
    }

    fn about(
        &self,
        ix: StageIx,
        stage: &str,
        kind: GateKind,
        instructions: &str,
    ) -> Map<String, Json> {
        let head = self.state.head.as_deref();
        let mut shown = Map::new();
        let mut put = |key: &str, value: Json| shown.insert(key.to_owned(), value);
        put("pipeline", json!(self.pipeline.name));
        put("revision", json!(head.map_or(0, |head| head.revision)));
        put("definition", json!(head.map_or("", |head| &head.digest)));
        put("run", head.map_or(Json::Null, |head| head.run["name"].clone()));
        put("stage", json!(stage));
        put("gate", json!(kind.word()));
        if let Some(environment) = &self.model(ix).environment {
            put("environment", json!(environment));
        }
        if !instructions.is_empty() {
            put("instructions", json!(instructions));
        }
        shown
    }

    /// What the work had given by then.
    fn results(&self, ix: ExecIx, at: Timestamp, shown: &mut Map<String, Json>) {
        use crate::state::people::FormEnd;
        let execution = self.state.exec(ix);
        let ended = execution.attempts.iter().rev().find_map(|attempt| {
            let end = attempt.end.as_deref().filter(|end| end.at <= at)?;
            match &end.result {
                AttemptResult::Succeeded { outputs, artifacts } => Some((outputs, artifacts)),
                AttemptResult::Failed { .. }
                | AttemptResult::Stopped { .. }
                | AttemptResult::Lost { .. } => None,
            }
        });
        let forms = execution.people.as_deref().map_or(&[][..], |people| &people.forms);
        let answered = forms.iter().rev().find_map(|form| match &form.closed {
            Some(FormEnd::Submitted { at: then, values, artifacts, .. }) if *then <= at => {
                Some((form.revision, values, artifacts))
            }
            Some(FormEnd::Submitted { .. } | FormEnd::TimedOut { .. } | FormEnd::Void { .. })
            | None => None,
        });
        let mut artifacts = Vec::new();
        if let Some((outputs, files)) = ended {
            shown.insert("outputs".to_owned(), json!(outputs));
            artifacts.extend(files);
        }
        if let Some((_, values, files)) = answered {
            shown.insert("form".to_owned(), json!(values));
            artifacts.extend(files);
        }
        shown.insert("artifacts".to_owned(), json!(artifacts));
    }
}

/// Secrets stay names.
pub(crate) fn task_json(task: &Task) -> Json {
    let text = |pieces: &[Piece]| -> String {
        let shown = pieces.iter().map(|piece| match piece {
            Piece::Plain(text) => text.clone(),
            Piece::Secret(name) => format!("${{secrets.{name}}}"),
        });
        shown.collect()
    };
    let mut shown = match &task.work {
        TaskWork::Command { argv } => json!({"command": argv}),
        TaskWork::Python { program, parameters } => {
            let (kind, program) = match program {
                PythonProgram::File(path) => ("python_file", path),
                PythonProgram::Code(code) => ("python", code),
            };
            json!({kind: program, "parameters": parameters})
        }
        TaskWork::Child { pipeline, inputs } => json!({"pipeline": pipeline, "inputs": inputs}),
        TaskWork::Merge(merge) => {
            json!({"merge": merge.from, "into": merge.into, "check": merge.check})
        }
        TaskWork::Agent(agent) => {
            let context: Vec<&str> = agent.given.iter().map(|given| &*given.reference).collect();
            json!({"agent": who(&agent.work), "task": agent.task, "context": context})
        }
    };
    if let Json::Object(map) = &mut shown {
        let env: Map<String, Json> =
            task.env.iter().map(|(name, pieces)| (name.clone(), json!(text(pieces)))).collect();
        if !env.is_empty() {
            map.insert("env".to_owned(), Json::Object(env));
        }
        map.insert("directory".to_owned(), json!(task.directory));
        if let Some(dir) = &task.working_dir {
            map.insert("working_dir".to_owned(), json!(dir));
        }
        if let Some(input) = &task.input {
            map.insert("input".to_owned(), input.clone());
        }
        if !task.context.is_empty() {
            let laid: Map<String, Json> =
                task.context.iter().map(|laid| (laid.path.clone(), json!(laid.digest))).collect();
            map.insert("context".to_owned(), Json::Object(laid));
        }
    }
    shown
}
