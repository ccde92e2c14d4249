//! Notices on their way.

use engine::id::RunId;
use jiff::Timestamp;

use super::State;
use crate::port::{
    NewNotice, NoticeMove, NoticeQuery, NoticeRow, NoticeStatus, OpenNotices, Outcome, Refusal,
};

impl State {
    pub(super) fn put_notice(&mut self, run: RunId, notice: &NewNotice) {
        if self.notices.iter().any(|known| known.key == notice.key) {
            return;
        }
        let request = notice.about.as_ref().and_then(|about| {
            let found = self.requests.iter().find(|row| {
                row.run == run
                    && row.execution == about.execution
                    && row.gate == about.gate
                    && row.generation == about.generation
            });
            found.map(|row| row.number)
        });
        self.notices.push(NoticeRow {
            number: self.notices.last().map_or(1, |row| row.number + 1),
            key: notice.key.clone(),
            target: notice.target.clone(),
            kind: notice.kind.clone(),
            run,
            request,
            content: notice.content.clone(),
            status: NoticeStatus::Waiting,
            attempts: 0,
            problem: String::new(),
            created_at: notice.at,
            since: notice.at,
            due_at: notice.at,
            settled_at: None,
        });
    }

    pub(super) fn settle_notice(&mut self, moved: &NoticeMove) -> Outcome {
        let waits = |row: &&mut NoticeRow| {
            row.number == moved.number && row.status == NoticeStatus::Waiting
        };
        if let Some(row) = self.notices.iter_mut().find(waits) {
            row.status = moved.status;
            row.attempts += 1;
            row.problem.clone_from(&moved.problem);
            row.due_at = moved.due_at;
            row.settled_at = (moved.status != NoticeStatus::Waiting).then_some(moved.at);
        }
        Outcome::Done
    }

    pub(super) fn retry_notice(&mut self, number: u64, at: Timestamp) -> Result<Outcome, Refusal> {
        let found = self.notices.iter_mut().find(|row| row.number == number);
        let row = found.ok_or(Refusal::NoSuchNotice { number })?;
        if row.status == NoticeStatus::Delivered {
            return Err(Refusal::NoticeDelivered { number });
        }
        row.status = NoticeStatus::Waiting;
        row.attempts = 0;
        row.since = at;
        row.due_at = at;
        row.settled_at = None;
        Ok(Outcome::Done)
    }

    pub(super) fn notices(&self, query: &NoticeQuery) -> Vec<NoticeRow> {
        let wanted = |row: &&NoticeRow| {
            query.target.as_ref().is_none_or(|target| row.target == *target)
                && (query.statuses.is_empty() || query.statuses.contains(&row.status))
                && query.run.is_none_or(|run| row.run == run)
                && query.before.is_none_or(|before| row.number < before)
        };
        let limit = query.limit as usize;
        match query.oldest_first {
            true => self.notices.iter().filter(wanted).take(limit).cloned().collect(),
            false => self.notices.iter().rev().filter(wanted).take(limit).cloned().collect(),
        }
    }

    pub(super) fn notice(&self, number: u64) -> Option<NoticeRow> {
        self.notices.iter().find(|row| row.number == number).cloned()
    }

    pub(super) fn open_notices(&self) -> Vec<OpenNotices> {
        let mut open: Vec<OpenNotices> = Vec::new();
        for row in self.notices.iter().filter(|row| row.status != NoticeStatus::Delivered) {
            let place = open.binary_search_by(|of| of.target.cmp(&row.target));
            let place = place.unwrap_or_else(|place| {
                let target = row.target.clone();
                open.insert(place, OpenNotices { target, waiting: 0, given_up: 0 });
                place
            });
            match row.status {
                NoticeStatus::Waiting => open[place].waiting += 1,
                NoticeStatus::GivenUp => open[place].given_up += 1,
                NoticeStatus::Delivered => {}
            }
        }
        open
    }
}
