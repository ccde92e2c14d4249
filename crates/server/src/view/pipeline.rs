//! Pipelines of the catalogue.

use api::pipeline::{InputOutline, PipelineSummary, Revision, StageOutline};
use pipeline::Pipeline;
use pipeline::model::{Input, Stage, Work};
use store::port::{Error, PipelineRow, Read, Recent, RevisionRow, ScheduleRow};

use super::{run, words};

fn summary(row: PipelineRow, recent: Recent, schedules: &[ScheduleRow]) -> PipelineSummary {
    let next_run = schedules.iter().filter_map(|row| row.next).min().filter(|_| row.enabled);
    PipelineSummary {
        name: row.name,
        description: row.description,
        enabled: row.enabled,
        revision: row.revision,
        created_at: row.created_at,
        updated_at: row.updated_at,
        last_run: recent.last.as_ref().map(run::summary),
        last_ten: recent.last_ten,
        p50_ms: recent.p50_ms,
        next_run,
    }
}

/// With what the store knows of its runs.
pub(crate) fn of_row(reader: &dyn Read, row: PipelineRow) -> Result<PipelineSummary, Error> {
    let mut recent = reader.recent(&row.name)?;
    if recent.last.as_ref().is_some_and(|last| last.superseded) {
        // The pipeline went back to an earlier one.
        recent.last = reader.latest(&row.name)?;
    }
    let schedules = reader.schedules(Some(&row.name))?;
    Ok(summary(row, recent, &schedules))
}

pub(crate) fn revision(row: RevisionRow) -> Revision {
    Revision {
        number: row.number,
        digest: row.digest,
        created_at: row.created_at,
        created_by: row.created_by,
        definition: row.text,
    }
}

/// What a run of it takes.
pub(crate) fn inputs(pipeline: &Pipeline) -> Vec<InputOutline> {
    let outline = |(name, input): (_, &Input)| InputOutline {
        name: ToString::to_string(&name),
        kind: input.kind.word().to_owned(),
        description: input.description.clone(),
        required: input.required && input.default.is_none(),
        default: input.default.clone(),
        schema: input.schema.clone(),
    };
    pipeline.inputs.iter().map(outline).collect()
}

/// Its stages in an order in which they could start.
pub(crate) fn outlines(pipeline: &Pipeline) -> Vec<StageOutline> {
    order(pipeline).into_iter().map(|place| outline(pipeline, place)).collect()
}

pub(crate) fn outline(pipeline: &Pipeline, place: usize) -> StageOutline {
    let stage = &pipeline.stages[place];
    StageOutline {
        name: stage.name.to_string(),
        kind: kind(stage).to_owned(),
        depends_on: stage
            .depends_on
            .iter()
            .map(|ix| pipeline.stages[ix.get()].name.to_string())
            .collect(),
        finally: stage.finally,
        condition: stage.condition.as_ref().map(words::condition),
        foreach: stage.foreach.as_ref().map(|foreach| words::value(&foreach.items)),
        asks: stage.asks(),
    }
}

/// What a stage does, in a word.
pub(crate) fn kind(stage: &Stage) -> &'static str {
    match &stage.work {
        Work::Run { .. } => "run",
        Work::Python { .. } => "python",
        Work::Noop => "noop",
        Work::Form => "form",
        Work::Child { .. } => "pipeline",
        Work::Agent(_) => "agent",
        Work::Merge(_) => "merge",
    }
}

/// A topological order that keeps to the order written where it can; `finally` stages last.
pub(crate) fn order(pipeline: &Pipeline) -> Vec<usize> {
    use std::cmp::Reverse;
    use std::collections::BinaryHeap;
    let key = |place: usize| Reverse((pipeline.stages[place].finally, place));
    let mut open: Vec<usize> = pipeline.stages.iter().map(|s| s.depends_on.len()).collect();
    let mut ready: BinaryHeap<Reverse<(bool, usize)>> =
        (0..open.len()).filter(|place| open[*place] == 0).map(key).collect();
    let mut order = Vec::with_capacity(open.len());
    while let Some(Reverse((_, place))) = ready.pop() {
        order.push(place);
        for next in &pipeline.stages[place].dependants {
            open[next.get()] -= 1;
            if open[next.get()] == 0 {
                ready.push(key(next.get()));
            }
        }
    }
    order
}
