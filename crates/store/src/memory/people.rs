//! Requests, drafts and artifacts.

use engine::id::RunId;
use jiff::Timestamp;
use serde_json::Value as Json;

use super::State;
use crate::port::{
    ArtifactQuery, ArtifactRow, DraftRow, Outcome, Refusal, RequestQuery, RequestRow,
};

/// The row of this number in a list that is numbered from 1 without gaps.
pub(super) fn numbered<T>(rows: &[T], number: u64) -> Option<&T> {
    rows.get(usize::try_from(number).ok()?.checked_sub(1)?)
}

impl State {
    pub(super) fn put_request(&mut self, run: RunId, request: &RequestRow) -> u64 {
        let same = |known: &&mut RequestRow| {
            known.run == run
                && known.execution == request.execution
                && known.gate == request.gate
                && known.generation == request.generation
        };
        if let Some(known) = self.requests.iter_mut().find(same) {
            known.status.clone_from(&request.status);
            known.due_at = request.due_at;
            known.closed_at = request.closed_at;
            known.body.clone_from(&request.body);
            return known.number;
        }
        let number = self.requests.len() as u64 + 1;
        self.requests.push(RequestRow { number, run, ..request.clone() });
        number
    }

    pub(super) fn put_artifact(&mut self, run: RunId, artifact: &ArtifactRow) -> u64 {
        let same = |known: &&mut ArtifactRow| {
            known.run == run
                && known.execution == artifact.execution
                && known.attempt == artifact.attempt
                && known.generation == artifact.generation
                && known.name == artifact.name
        };
        if let Some(known) = self.artifacts.iter_mut().find(same) {
            known.status.clone_from(&artifact.status);
            return known.number;
        }
        let number = self.artifacts.len() as u64 + 1;
        self.artifacts.push(ArtifactRow { number, run, ..artifact.clone() });
        number
    }

    pub(super) fn save_draft(
        &mut self,
        (request, seen): (u64, Option<Option<Timestamp>>),
        values: &Json,
        by: &str,
        at: Timestamp,
    ) -> Result<Outcome, Refusal> {
        let found = numbered(&self.requests, request);
        let found = found.ok_or(Refusal::NoSuchRequest { number: request })?;
        if found.closed_at.is_some() {
            let status = found.status.clone();
            return Err(Refusal::RequestClosed { number: request, status });
        }
        let before = self.drafts.get(&request).map(|before| before.at);
        if seen.is_some_and(|seen| seen != before) {
            return Err(Refusal::DraftMoved { number: request });
        }
        let at = DraftRow::next(before, at);
        let draft = DraftRow { request, by: by.to_owned(), at, values: values.clone() };
        self.drafts.insert(request, draft);
        Ok(Outcome::Done)
    }

    pub(super) fn drop_artifacts(&mut self, numbers: &[u64]) -> Outcome {
        for row in self.artifacts.iter_mut().filter(|row| numbers.contains(&row.number)) {
            ArtifactRow::DROPPED.clone_into(&mut row.status);
        }
        Outcome::Done
    }

    pub(super) fn requests(&self, query: &RequestQuery) -> Vec<RequestRow> {
        let wanted = |row: &&RequestRow| {
            query.kind.is_none_or(|kind| row.kind == kind)
                && (query.statuses.is_empty() || query.statuses.contains(&row.status))
                && query.run.is_none_or(|run| row.run == run)
                && query.before.is_none_or(|before| row.number < before)
        };
        let newest = self.requests.iter().rev().filter(wanted);
        newest.take(query.limit as usize).cloned().collect()
    }

    pub(super) fn artifacts(&self, query: &ArtifactQuery) -> Vec<ArtifactRow> {
        let wanted = |row: &&ArtifactRow| {
            query.run.is_none_or(|run| row.run == run)
                && query.stage.as_ref().is_none_or(|stage| row.stage() == *stage)
                && (query.statuses.is_empty() || query.statuses.contains(&row.status))
                && query.digest.as_ref().is_none_or(|digest| row.digest == *digest)
                && query.before.is_none_or(|before| row.number < before)
        };
        let newest = self.artifacts.iter().rev().filter(wanted);
        newest.take(query.limit as usize).cloned().collect()
    }
}
