//! Events from outside, tokens, rewinds and the trail of decisions.

use engine::event::{Event, Stamped};
use engine::id::RunId;
use jiff::Timestamp;

use super::{Rewind, State};
use crate::audit::decided_by;
use crate::port::{
    AuditQuery, AuditRow, GivenEvent, GivenQuery, GivenRow, KeptSchedules, Outcome, Refusal,
    RewindRow, RolloutRow, Routed, RunRow, ScheduleRow, Taker, TokenRow, WorkerChange,
};

impl State {
    pub(super) fn store_event(&mut self, event: &GivenEvent) -> Outcome {
        if let Some(known) = self.given.iter().find(|row| row.event.id == event.id) {
            return Outcome::Given { number: known.number, created: false };
        }
        let number = self.given.len() as u64 + 1;
        self.given.push(GivenRow {
            number,
            event: event.clone(),
            taken_by: Vec::new(),
            routed_at: None,
            problem: String::new(),
            matches: Vec::new(),
        });
        Outcome::Given { number, created: true }
    }

    pub(super) fn route_event(&mut self, routed: &Routed) -> Outcome {
        let open = |row: &&mut GivenRow| row.event.id == routed.id && row.routed_at.is_none();
        if let Some(row) = self.given.iter_mut().find(open) {
            row.routed_at = Some(routed.at);
            row.problem.clone_from(&routed.problem);
            row.matches.clone_from(&routed.matches);
            if routed.paths.is_some() {
                row.event.facts.paths.clone_from(&routed.paths);
            }
        }
        Outcome::Done
    }

    pub(super) fn given_events(&self, query: &GivenQuery) -> Vec<GivenRow> {
        let wanted = |row: &&GivenRow| {
            let is_asked_for = |kind| query.kinds.iter().any(|asked| asked == kind);
            (query.kinds.is_empty() || row.event.kinds().any(is_asked_for))
                && (!query.unrouted || row.routed_at.is_none())
                && query.since.is_none_or(|since| row.event.at >= since)
                && query.after.is_none_or(|after| row.number > after)
                && query.before.is_none_or(|before| row.number < before)
        };
        let limit = query.limit as usize;
        let mut rows: Vec<GivenRow> = match query.oldest_first {
            true => self.given.iter().filter(wanted).take(limit).cloned().collect(),
            false => self.given.iter().rev().filter(wanted).take(limit).cloned().collect(),
        };
        if !query.deliveries {
            rows.iter_mut().for_each(|row| row.event.delivery = None);
        }
        rows
    }

    pub(super) fn change_worker(&mut self, change: &WorkerChange) -> Outcome {
        match change {
            WorkerChange::Put(row) => drop(self.workers.insert(row.name.clone(), (**row).clone())),
            WorkerChange::Forget { name } => drop(self.workers.remove(name)),
        }
        Outcome::Done
    }

    pub(super) fn keep_schedules(&mut self, kept: &KeptSchedules) -> Outcome {
        self.schedules.retain(|(pipeline, _), _| *pipeline != kept.pipeline);
        for row in &kept.rows {
            let row = ScheduleRow { pipeline: kept.pipeline.clone(), ..row.clone() };
            self.schedules.insert((row.pipeline.clone(), row.trigger.clone()), row);
        }
        Outcome::Done
    }

    pub(super) fn save_rollout(&mut self, row: &RolloutRow) -> Result<Outcome, Refusal> {
        let (current, expected) = (self.rollout.version, row.version.saturating_sub(1));
        if current + 1 != row.version {
            return Err(Refusal::RolloutMoved { current, expected });
        }
        self.rollout = row.clone();
        Ok(Outcome::Done)
    }

    /// What an event means to other tables than its run's.
    pub(super) fn note(&mut self, run: RunId, name: &str, seq: u64, event: &Stamped, hash: &str) {
        if let Some(by) = decided_by(&event.event) {
            self.decisions.push(AuditRow {
                position: self.head.events,
                run,
                run_name: name.to_owned(),
                seq,
                by: by.to_owned(),
                action: event.event.name().to_owned(),
                event: event.clone(),
                hash: hash.to_owned(),
            });
        }
        if let Event::EventReceived { occurrence } = &event.event
            && let Some(row) = self.given.iter_mut().find(|row| row.event.id == occurrence.id)
        {
            row.taken_by.push(Taker { run, name: name.to_owned() });
        }
    }

    pub(super) fn audit(&self, query: &AuditQuery) -> Vec<AuditRow> {
        let wanted = |row: &&AuditRow| {
            query.run.is_none_or(|run| row.run == run)
                && query.by.as_ref().is_none_or(|by| row.by == *by)
                && query.action.as_ref().is_none_or(|action| row.action == *action)
                && query.since.is_none_or(|since| row.event.at >= since)
                && query.until.is_none_or(|until| row.event.at < until)
                && query.before.is_none_or(|before| row.position < before)
        };
        let newest = self.decisions.iter().rev().filter(wanted);
        newest.take(query.limit as usize).cloned().collect()
    }

    pub(super) fn create_token(&mut self, token: TokenRow) -> Result<Outcome, Refusal> {
        let taken = |known: &TokenRow| known.id == token.id || known.hash == token.hash;
        if self.tokens.iter().any(taken) {
            return Err(Refusal::TokenExists { id: token.id });
        }
        self.tokens.push(token);
        Ok(Outcome::Done)
    }

    pub(super) fn revoke_token(&mut self, id: &str, at: Timestamp) -> Result<Outcome, Refusal> {
        let found = self.tokens.iter_mut().find(|token| token.id == id);
        let found = found.ok_or_else(|| Refusal::NoSuchToken { id: id.to_owned() })?;
        found.revoked_at.get_or_insert(at);
        Ok(Outcome::Done)
    }

    fn lines<'a>(&'a mut self, pipeline: &'a str) -> impl Iterator<Item = &'a mut RunRow> {
        let lines = self.runs.values_mut().map(|run| &mut run.row);
        lines.filter(move |row| row.pipeline == pipeline)
    }

    fn newest(&mut self, pipeline: &str) -> u64 {
        self.lines(pipeline).map(|row| row.number).max().unwrap_or(0)
    }

    pub(super) fn rewind(
        &mut self,
        pipeline: &str,
        to: u64,
        by: &str,
        at: Timestamp,
    ) -> Result<Outcome, Refusal> {
        let named = || (pipeline.to_owned(), to);
        let goal = self.lines(pipeline).find(|row| row.number == to).map(|row| row.superseded);
        let Some(revived) = goal else {
            let (pipeline, number) = named();
            return Err(Refusal::NoSuchRun { pipeline, number });
        };
        let later = self.lines(pipeline).filter(|row| row.number > to && !row.superseded);
        let mut runs: Vec<u64> = later.map(|row| row.number).collect();
        runs.sort_unstable();
        if runs.is_empty() && !revived {
            let (pipeline, number) = named();
            return Err(Refusal::LatestAlready { pipeline, number });
        }
        for row in self.lines(pipeline).filter(|row| row.number >= to) {
            row.superseded = row.number > to;
        }
        let row = RewindRow {
            number: self.rewinds.len() as u64 + 1,
            pipeline: pipeline.to_owned(),
            to,
            by: by.to_owned(),
            at,
            superseded: runs.clone(),
            undone_by: None,
            undone_at: None,
        };
        let newest = self.newest(pipeline);
        self.rewinds.push(Rewind { row, newest, revived });
        Ok(Outcome::Rewound { runs })
    }

    pub(super) fn undo_rewind(
        &mut self,
        pipeline: &str,
        by: &str,
        at: Timestamp,
    ) -> Result<Outcome, Refusal> {
        let number = self.newest(pipeline);
        let stands = |rewind: &&mut Rewind| {
            rewind.row.pipeline == pipeline && rewind.row.undone_at.is_none()
        };
        let Some(last) = self.rewinds.iter_mut().rev().find(stands) else {
            return Err(Refusal::NoRewind { pipeline: pipeline.to_owned() });
        };
        if last.newest != number {
            let pipeline = pipeline.to_owned();
            return Err(Refusal::RewindOver { pipeline, number });
        }
        last.row.undone_by = Some(by.to_owned());
        last.row.undone_at = Some(at);
        let (to, revived, runs) = (last.row.to, last.revived, last.row.superseded.clone());
        for row in self.lines(pipeline) {
            if runs.contains(&row.number) {
                row.superseded = false;
            } else if row.number == to && revived {
                row.superseded = true;
            }
        }
        Ok(Outcome::Rewound { runs })
    }
}
