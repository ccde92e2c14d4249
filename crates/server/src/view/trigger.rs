//! What starts runs by itself, in words.

use api::trigger::{ScheduleView, TriggerOutline};
use pipeline::Pipeline;
use store::port::ScheduleRow;

use crate::judge::{kind, words};

/// `rows`: of this pipeline. Nothing of a disabled one is due.
pub(crate) fn outlines(
    pipeline: &Pipeline,
    rows: &[ScheduleRow],
    enabled: bool,
) -> Vec<TriggerOutline> {
    let next = |name: &str| rows.iter().find(|row| row.trigger == name).and_then(|row| row.next);
    let triggers = pipeline.triggers.iter().map(|trigger| TriggerOutline {
        name: trigger.name.clone(),
        kind: kind(trigger).to_owned(),
        says: words(trigger),
        next: next(&trigger.name).filter(|_| enabled),
    });
    triggers.collect()
}

pub(crate) fn schedule(row: ScheduleRow, enabled: bool) -> ScheduleView {
    ScheduleView {
        pipeline: row.pipeline,
        trigger: row.trigger,
        schedule: row.expression,
        timezone: row.zone,
        enabled,
        next: row.next.filter(|_| enabled),
        last: row.fired,
        skipped: row.skipped,
        skipped_until: row.skipped_until,
    }
}
