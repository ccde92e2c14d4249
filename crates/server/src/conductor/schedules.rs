//! The schedules of pipelines: what is due, what was missed, what is dealt with.
//!
//! Knows no clock and no store: it is told the time, and gives rows to keep.

use std::collections::{BTreeSet, HashMap};

use jiff::{SignedDuration, Timestamp};
use pipeline::Pipeline;
use pipeline::model::{CatchUp, ScheduleStart, StartOn};
use pipeline::schedule::Schedule;
use store::port::{KeptSchedules, ScheduleRow};

#[cfg(test)]
mod tests;

/// What is found due so long after its time was not missed: this process was held up.
const HELD_UP: SignedDuration = SignedDuration::from_secs(60);

/// The schedules of enabled pipelines.
#[derive(Debug, Default)]
pub(crate) struct Schedules {
    by_due: BTreeSet<(Timestamp, String)>,
    pipelines: HashMap<String, Vec<Armed>>,
    /// Nothing is due before that is said: only a server that stays lets schedules begin runs.
    begun: bool,
    /// Rows that changed and are not on disk.
    unsaved: BTreeSet<String>,
    /// What is in memory was not stored: it has to be read again.
    pub(crate) doubtful: bool,
}

#[derive(Clone, Debug)]
struct Armed {
    row: ScheduleRow,
    schedule: Schedule,
    catch_up: CatchUp,
}

/// A time that has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Due {
    pub(crate) trigger: String,
    pub(crate) at: Timestamp,
    pub(crate) expression: String,
    pub(crate) zone: String,
}

/// What is said of the times that were missed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Skipped {
    pub(crate) trigger: String,
    pub(crate) times: u64,
    pub(crate) last: Timestamp,
}

/// From when on the times of a schedule count that is known already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum From {
    /// From where they were left off.
    LeftOff,
    /// From now: nobody was meant to look at what passed.
    Now,
}

impl Schedules {
    /// Takes the schedules that an enabled pipeline has now. Those that were not known, or were
    /// written in another way, begin at `now`.
    pub(crate) fn set(
        &mut self,
        pipeline: &Pipeline,
        known: &[ScheduleRow],
        from: From,
        now: Timestamp,
    ) {
        let name = &pipeline.name;
        self.disarm(name);
        let starts = pipeline.triggers.iter().filter_map(|trigger| match &trigger.on {
            StartOn::Schedule(start) => Some((trigger.name.as_str(), start)),
            StartOn::Event(_) | StartOn::Completion(_) | StartOn::Files(_) => None,
        });
        let armed: Vec<Armed> = starts
            .map(|(trigger, start)| {
                let same = |row: &&ScheduleRow| {
                    row.trigger == trigger
                        && row.expression == start.schedule.expression
                        && row.zone == start.schedule.zone
                };
                let known = known.iter().find(same).cloned();
                arm(name, trigger, start, known, from, now)
            })
            .collect();
        let rows: Vec<&ScheduleRow> = armed.iter().map(|armed| &armed.row).collect();
        if rows != known.iter().collect::<Vec<_>>() {
            self.unsaved.insert(name.clone());
        }
        if !armed.is_empty() {
            self.pipelines.insert(name.clone(), armed);
            self.enter(name);
        }
    }

    /// The pipeline is disabled or gone: nothing of it is due. Its rows are left as they are.
    pub(crate) fn disarm(&mut self, pipeline: &str) {
        if let Some(next) = self.next_of(pipeline) {
            self.by_due.remove(&(next, pipeline.to_owned()));
        }
        self.pipelines.remove(pipeline);
        self.unsaved.remove(pipeline);
    }

    /// It has no schedule any more: its rows go.
    pub(crate) fn forget(&mut self, pipeline: &str) {
        self.disarm(pipeline);
        self.unsaved.insert(pipeline.to_owned());
    }

    /// The rows as they are now, in memory.
    pub(crate) fn rows(&self, pipeline: &str) -> Vec<ScheduleRow> {
        let armed = self.pipelines.get(pipeline).into_iter().flatten();
        armed.map(|armed| armed.row.clone()).collect()
    }

    /// Forgets everything, to be set again.
    pub(crate) fn clear(&mut self) {
        *self = Self { begun: self.begun, ..Self::default() };
    }

    /// From now on things are due. Gives the pipelines with schedules: what passed while nobody
    /// looked is missed.
    pub(crate) fn begin(&mut self) -> Vec<String> {
        self.begun = true;
        let mut names: Vec<String> = self.pipelines.keys().cloned().collect();
        names.sort_unstable();
        names
    }

    /// When something is due next.
    pub(crate) fn next(&self) -> Option<Timestamp> {
        let due = self.by_due.first().map(|(due, _)| *due);
        due.filter(|_| self.begun)
    }

    /// Whether there is something to store, whenever something is due.
    pub(crate) fn is_behind(&self) -> bool {
        !self.unsaved.is_empty() || self.doubtful
    }

    /// Rows that changed and are not on disk; they count as stored now.
    pub(crate) fn take_unsaved(&mut self) -> Vec<KeptSchedules> {
        let names = std::mem::take(&mut self.unsaved);
        names.into_iter().map(|pipeline| self.kept(&pipeline)).collect()
    }

    /// The row of a pipeline as they are to be stored.
    pub(crate) fn kept(&self, pipeline: &str) -> KeptSchedules {
        KeptSchedules { pipeline: pipeline.to_owned(), rows: self.rows(pipeline) }
    }

    /// Pipelines of which something is due.
    pub(crate) fn due(&self, now: Timestamp) -> Vec<String> {
        if !self.begun {
            return Vec::new();
        }
        let due = self.by_due.iter().take_while(|(at, _)| *at <= now);
        due.map(|(_, pipeline)| pipeline.clone()).collect()
    }

    /// Deals with everything of the pipeline that is due at `now`: each time is given once, or
    /// passed over. `absent`: nobody was there until now, so all of it was missed.
    pub(crate) fn settle(
        &mut self,
        pipeline: &str,
        now: Timestamp,
        absent: bool,
    ) -> (Vec<Due>, Vec<Skipped>) {
        if let Some(next) = self.next_of(pipeline) {
            self.by_due.remove(&(next, pipeline.to_owned()));
        }
        let (mut due, mut skipped) = (Vec::new(), Vec::new());
        for armed in self.pipelines.get_mut(pipeline).into_iter().flatten() {
            let (times, passed) = armed.settle(now, absent);
            due.extend(times.into_iter().map(|at| Due {
                trigger: armed.row.trigger.clone(),
                at,
                expression: armed.row.expression.clone(),
                zone: armed.row.zone.clone(),
            }));
            if let Some((times, last)) = passed {
                skipped.push(Skipped { trigger: armed.row.trigger.clone(), times, last });
            }
        }
        due.sort_by_key(|due| due.at);
        self.enter(pipeline);
        (due, skipped)
    }

    fn next_of(&self, pipeline: &str) -> Option<Timestamp> {
        self.pipelines.get(pipeline)?.iter().filter_map(|armed| armed.row.next).min()
    }

    fn enter(&mut self, pipeline: &str) {
        if let Some(next) = self.next_of(pipeline) {
            self.by_due.insert((next, pipeline.to_owned()));
        }
    }
}

fn arm(
    pipeline: &str,
    trigger: &str,
    start: &ScheduleStart,
    known: Option<ScheduleRow>,
    from: From,
    now: Timestamp,
) -> Armed {
    let schedule = start.schedule.clone();
    let mut row = known.unwrap_or_else(|| ScheduleRow {
        pipeline: pipeline.to_owned(),
        trigger: trigger.to_owned(),
        expression: schedule.expression.clone(),
        zone: schedule.zone.clone(),
        until: now,
        next: None,
        fired: None,
        skipped: 0,
        skipped_until: None,
    });
    if from == From::Now {
        // The clock may have been set back: what was given is not given again.
        row.until = row.until.max(now);
    }
    // Computed again: the rules of the zone may have changed.
    row.next = schedule.next(row.until);
    Armed { row, schedule, catch_up: start.catch_up }
}

impl Armed {
    /// The times to give, and how many were passed over, with the last of them.
    fn settle(
        &mut self,
        now: Timestamp,
        absent: bool,
    ) -> (Vec<Timestamp>, Option<(u64, Timestamp)>) {
        if self.row.next.is_none_or(|next| next > now) {
            return (Vec::new(), None);
        }
        let missed = self.schedule.missed(self.row.until, now);
        let late = |time: &Timestamp| absent || now.duration_since(*time) > HELD_UP;
        let (mut old, on_time): (Vec<Timestamp>, Vec<Timestamp>) =
            missed.last.into_iter().partition(late);
        let started = match self.catch_up {
            CatchUp::Skip => 0,
            CatchUp::Last => 1,
            CatchUp::All => old.len(),
        };
        let given = old.split_off(old.len().saturating_sub(started));
        let times = missed.earlier as u64 + old.len() as u64;
        let skipped = old.last().map(|last| (times, *last));
        let skipped = skipped.or_else(|| {
            // More than a hundred, of which the last hundred are given.
            (times > 0).then_some((times, self.row.until))
        });
        self.row.until = now;
        if let Some((times, last)) = skipped {
            self.row.skipped += times;
            self.row.skipped_until = Some(last);
        }
        let given: Vec<Timestamp> = given.into_iter().chain(on_time).collect();
        self.row.fired = given.last().copied().or(self.row.fired);
        self.row.next = self.schedule.next(now);
        (given, skipped)
    }
}
