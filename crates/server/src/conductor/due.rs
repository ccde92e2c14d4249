//! What the conductor does when it is time: events of its own, stored and held against triggers
//! like every other one, in the same commit as the note that the time is dealt with.

use jiff::Timestamp;
use pipeline::Pipeline;
use pipeline::model::StartOn;
use pipeline::trigger::{OWN_SOURCE, SCHEDULE_DUE};
use serde_json::json;
use store::port::{Change, Error, GivenEvent, ScheduleRow, Target};

use super::Conductor;
use super::batch::Batch;
use super::schedules::{Due, From, Skipped};
use crate::refused::Refused;
use crate::watch;

impl Conductor {
    /// The schedules of all enabled pipelines, as they were left off.
    pub(super) fn open_schedules(&mut self) -> Result<(), Error> {
        let rows = self.reader.schedules(None)?;
        let now = self.clock.now();
        for pipeline in self.routes.pipelines() {
            let known: Vec<ScheduleRow> =
                rows.iter().filter(|row| row.pipeline == pipeline.name).cloned().collect();
            if has_schedule(&pipeline) || !known.is_empty() {
                self.schedules.set(&pipeline, &known, From::LeftOff, now);
            }
        }
        Ok(())
    }

    /// From now on what is due starts runs; what passed while nobody was there is missed.
    pub(super) fn begin_schedules(&mut self, batch: &mut Batch) {
        for pipeline in self.schedules.begin() {
            self.settle_schedule(&pipeline, true, batch);
        }
    }

    /// A pipeline was saved, enabled, disabled or deleted.
    pub(super) fn follow_schedules(&mut self, change: &Change) {
        let now = self.clock.now();
        let (name, from) = match change {
            Change::SavePipeline { name, .. } => (name, From::LeftOff),
            Change::SetEnabled { name, enabled: true, .. } => (name, From::Now),
            Change::SetEnabled { name, enabled: false, .. } => return self.schedules.disarm(name),
            Change::DeletePipeline { name, .. } => return self.schedules.forget(name),
            _not_of_the_catalogue => return,
        };
        let read = || {
            let row = self.reader.pipeline(name)?;
            Ok((row.is_some_and(|row| row.enabled), self.reader.schedules(Some(name))?))
        };
        let (enabled, known): (bool, Vec<ScheduleRow>) = match read() {
            Ok(read) => read,
            Err(error) => {
                let error: Error = error;
                tracing::error!(pipeline = name, %error, "its schedules cannot be read");
                self.schedules.doubtful = true;
                return;
            }
        };
        let Some(pipeline) = self.routes.pipeline(name) else {
            // Not a trigger is left; or it is disabled, and goes on when it is enabled.
            return match enabled && !known.is_empty() {
                true => self.schedules.forget(name),
                false => self.schedules.disarm(name),
            };
        };
        if has_schedule(&pipeline) || !known.is_empty() {
            self.schedules.set(&pipeline, &known, from, now);
        }
    }

    /// Whoever watches files is told which.
    pub(super) fn publish_files(&self) {
        let wanted = watch::of(&self.routes.pipelines());
        self.files.send_if_modified(|known| {
            let other = *known != wanted;
            if other {
                *known = wanted;
            }
            other
        });
    }

    /// Gives what is due, and stores what is known of schedules.
    pub(super) fn fire_schedules(&mut self, batch: &mut Batch) {
        if self.full {
            return;
        }
        if self.schedules.doubtful {
            self.schedules.clear();
            if let Err(error) = self.open_schedules() {
                tracing::error!(%error, "the schedules cannot be read");
                self.schedules.doubtful = true;
                return;
            }
        }
        for pipeline in self.schedules.due(self.clock.now()) {
            self.settle_schedule(&pipeline, false, batch);
        }
        for kept in self.schedules.take_unsaved() {
            batch.store(Change::KeepSchedules(kept));
        }
    }

    fn settle_schedule(&mut self, pipeline: &str, absent: bool, batch: &mut Batch) {
        let now = self.clock.now();
        let (due, skipped) = self.schedules.settle(pipeline, now, absent);
        for Skipped { trigger, times, last } in &skipped {
            tracing::warn!(pipeline, trigger, times, %last, "times of a schedule were passed over");
        }
        if due.is_empty() && skipped.is_empty() {
            return;
        }
        for due in due {
            let id = format!("schedule:{pipeline}:{}:{}", due.trigger, due.at);
            if let Err(refused) = self.take_in(due_event(id, pipeline, due, now), batch) {
                tracing::error!(pipeline, cause = %refused, "what is due has to wait");
                // Read again, with what was not given still to come.
                self.schedules.doubtful = true;
                self.full |= matches!(refused, Refused::StorageFull);
                return;
            }
        }
        batch.store(Change::KeepSchedules(self.schedules.kept(pipeline)));
    }
}

fn has_schedule(pipeline: &Pipeline) -> bool {
    pipeline.triggers.iter().any(|trigger| matches!(trigger.on, StartOn::Schedule(_)))
}

fn due_event(id: String, pipeline: &str, due: Due, now: Timestamp) -> GivenEvent {
    let late = now.duration_since(due.at).as_millis();
    let data = json!({
        "pipeline": pipeline,
        "trigger": due.trigger,
        "due": due.at,
        "schedule": due.expression,
        "timezone": due.zone,
        "late_ms": u64::try_from(late).unwrap_or(0),
    });
    GivenEvent {
        id,
        kind: SCHEDULE_DUE.to_owned(),
        data,
        source: OWN_SOURCE.to_owned(),
        by: format!("schedule:{}", due.trigger),
        target: Some(Target { pipeline: pipeline.to_owned(), trigger: due.trigger }),
        ..GivenEvent::default()
    }
}
