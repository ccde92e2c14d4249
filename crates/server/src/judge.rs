//! What every trigger says to an event, whether it came or is only tried. Nothing is started.

use std::sync::Arc;

use api::event::{PipelineVerdict, ReasonView, TriggerVerdict, TriggerView};
use pipeline::Pipeline;
use pipeline::model::{StartOn, StartTrigger};
use pipeline::trigger::Incoming;
use pipeline::when::{Globs, Reason, Truth};
use store::port::{GivenEvent, PipelineQuery, PipelineRow, Read};

use crate::conductor::live::guarded;
use crate::conductor::route::is_meant;
use crate::definition::Definitions;
use crate::incoming;
use crate::refused::Refused;

/// Rows read at once.
const PAGE: u32 = 500;

/// A pipeline that has triggers.
struct Listening {
    row: PipelineRow,
    pipeline: Arc<Pipeline>,
}

/// By name, enabled or not. Those that cannot be read any more are passed over, as they are when
/// an event comes.
fn listening(
    reader: &dyn Read,
    definitions: &Definitions,
    only: Option<&str>,
) -> Result<Vec<Listening>, Refused> {
    let mut found = Vec::new();
    let mut after = None;
    loop {
        let rows = match only {
            Some(name) => {
                let missing = || Refused::NotFound { what: "pipeline", name: name.to_owned() };
                vec![reader.pipeline(name)?.ok_or_else(missing)?]
            }
            None => reader.pipelines(&PipelineQuery { after: after.take(), limit: PAGE })?,
        };
        let last = only.is_some() || rows.len() < PAGE as usize;
        after = rows.last().map(|row| row.name.clone());
        for row in rows {
            let text = reader.revision(&row.name, None)?.map(|revision| revision.text);
            if !text.is_some_and(|text| text.contains("triggers")) {
                continue;
            }
            match definitions.current(reader, &row.name) {
                Ok((pipeline, _, _)) if pipeline.triggers.is_empty() => {}
                Ok((pipeline, _, _)) => found.push(Listening { row, pipeline }),
                Err(Refused::Unreadable { .. }) => {}
                Err(refused) => return Err(refused),
            }
        }
        if last {
            return Ok(found);
        }
    }
}

/// Every trigger that there is.
pub(crate) fn triggers(
    reader: &dyn Read,
    definitions: &Definitions,
    only: Option<&str>,
) -> Result<Vec<TriggerView>, Refused> {
    let all = listening(reader, definitions, only)?;
    let of = |Listening { row, pipeline }: &Listening| -> Vec<TriggerView> {
        let view = |trigger: &StartTrigger| TriggerView {
            pipeline: row.name.clone(),
            trigger: trigger.name.clone(),
            kind: kind(trigger).to_owned(),
            on: words(trigger),
            enabled: row.enabled,
        };
        pipeline.triggers.iter().map(view).collect()
    };
    Ok(all.iter().flat_map(of).collect())
}

/// What the triggers say to this event.
pub(crate) fn judge(
    reader: &dyn Read,
    definitions: &Definitions,
    only: Option<&str>,
    event: &GivenEvent,
) -> Result<Vec<PipelineVerdict>, Refused> {
    let incoming = incoming::of(event, incoming::shown(event));
    let target = event.target.as_ref();
    let all = listening(reader, definitions, only)?;
    let verdicts = all.into_iter().map(|Listening { row, pipeline }| {
        let meant = |trigger: &&StartTrigger| is_meant(target, &pipeline.name, trigger);
        let triggers: Vec<TriggerVerdict> = pipeline
            .triggers
            .iter()
            .filter(meant)
            .map(|trigger| verdict(&pipeline, trigger, &incoming))
            .collect();
        let starts = |verdict: &TriggerVerdict| verdict.matches && verdict.problem.is_empty();
        PipelineVerdict {
            starts: row.enabled && event.run.is_none() && triggers.iter().any(starts),
            pipeline: row.name,
            revision: row.revision,
            enabled: row.enabled,
            triggers,
        }
    });
    Ok(verdicts.collect())
}

fn verdict(pipeline: &Pipeline, trigger: &StartTrigger, incoming: &Incoming) -> TriggerVerdict {
    let mut verdict = TriggerVerdict {
        trigger: trigger.name.clone(),
        matches: false,
        reason: ReasonView { truth: "false".to_owned(), says: String::new(), parts: Vec::new() },
        inputs: serde_json::Map::new(),
        problem: String::new(),
    };
    let judged = match guarded(|| trigger.judge(&pipeline.name, incoming)) {
        Ok(judged) => judged,
        Err(problem) => return TriggerVerdict { problem, ..verdict },
    };
    verdict.matches = judged.starts;
    verdict.reason = reason(judged.reason);
    if judged.starts {
        match guarded(|| trigger.inputs(&incoming.data)) {
            Ok(Ok(inputs)) => verdict.inputs = inputs.into_iter().collect(),
            Ok(Err(unresolved)) => verdict.problem = unresolved.to_string(),
            Err(problem) => verdict.problem = problem,
        }
    }
    verdict
}

fn reason(Reason { truth, says, parts }: Reason) -> ReasonView {
    let truth = match truth {
        Truth::True => "true",
        Truth::False => "false",
        Truth::Unknown => "unknown",
    };
    let parts = parts.into_iter().map(reason).collect();
    ReasonView { truth: truth.to_owned(), says, parts }
}

pub(crate) fn kind(trigger: &StartTrigger) -> &'static str {
    match &trigger.on {
        StartOn::Event(_) => "event",
        StartOn::Schedule(_) => "schedule",
        StartOn::Completion(_) => "completion",
        StartOn::Files(_) => "files",
    }
}

/// What it waits for.
pub(crate) fn words(trigger: &StartTrigger) -> String {
    match &trigger.on {
        StartOn::Event(start) => {
            let globs = |name: &str, globs: &Option<Globs>| {
                globs.as_ref().map(|globs| format!("{name} {}", globs.patterns.join(" ")))
            };
            let labels = start.labels.as_ref().map(|test| {
                let all = [&test.any, &test.all, &test.none];
                let names: Vec<&str> = all.into_iter().flatten().map(String::as_str).collect();
                format!("labels {}", names.join(" "))
            });
            let parts = [
                start.source.as_ref().map(|source| format!("source {source}")),
                globs("branches", &start.branches),
                globs("branches_ignore", &start.branches_ignore),
                globs("tags", &start.tags),
                globs("tags_ignore", &start.tags_ignore),
                globs("paths", &start.paths),
                globs("paths_ignore", &start.paths_ignore),
                labels,
                start.filter.as_ref().map(|filter| filter.source.clone()),
            ];
            let parts: Vec<String> = parts.into_iter().flatten().collect();
            match parts.is_empty() {
                true => start.event.clone(),
                false => format!("{} ({})", start.event, parts.join("; ")),
            }
        }
        StartOn::Schedule(start) => {
            format!("{} {}", start.schedule.expression, start.schedule.zone)
        }
        StartOn::Completion(start) => {
            let endings: Vec<&str> = start.status.iter().map(|ending| ending.word()).collect();
            format!("{} {}", start.pipeline, endings.join(" or "))
        }
        StartOn::Files(start) => {
            format!("{} in {}", start.files.patterns.join(" "), start.directory)
        }
    }
}
