//! What approvals and inputs share: rows of requests, found by `A-17` and `I-5`.

use std::collections::HashMap;
use std::hash::Hash;

use api::words::{APPROVAL_STATUSES, INPUT_STATUSES};
use engine::Run;
use engine::id::RunId;
use store::port::{RequestKind, RequestQuery, RequestRow, RunRow};

use super::artifacts::Runs;
use super::body::Limit;
use super::problem::Fault;
use super::{pipelines, reference};
use crate::history;
use crate::refused::Refused;
use crate::shared::Shared;
use crate::view::request::letter;

pub(crate) use crate::view::request::id;

/// What is asked of either list.
#[derive(Debug)]
pub(crate) struct List {
    pub(crate) status: Option<String>,
    pub(crate) run: Option<String>,
    pub(crate) limit: Option<Limit>,
    pub(crate) after: Option<String>,
}

/// A request and its run.
pub(crate) struct Asked {
    pub(crate) row: RequestRow,
    pub(crate) run: RunRow,
}

fn number(kind: RequestKind, id: &str) -> Option<u64> {
    let (first, rest) = id.split_once('-')?;
    let fits = first.eq_ignore_ascii_case(&letter(kind).to_string());
    rest.parse().ok().filter(|_| fits)
}

pub(crate) async fn find(shared: &Shared, kind: RequestKind, id: &str) -> Result<Asked, Refused> {
    let (name, number) = (id.to_owned(), number(kind, id));
    shared
        .read(move |reader| {
            let row = match number {
                Some(number) => reader.request(number)?,
                None => None,
            };
            let missing = Refused::NotFound { what: kind.word(), name };
            let row = row.filter(|row| row.kind == kind).ok_or(missing)?;
            let run = Runs::default().get(reader, row.run)?.clone();
            Ok(Asked { row, run })
        })
        .await
}

/// Newest first, and what goes back as `after`.
pub(crate) async fn list(
    shared: &Shared,
    kind: RequestKind,
    list: List,
) -> Result<(Vec<Asked>, Option<String>), Fault> {
    let limit = pipelines::limit(list.limit);
    let before = match list.after.as_deref().map(|after| number(kind, after)) {
        None => None,
        Some(Some(number)) => Some(number),
        Some(None) => {
            return Err(pipelines::bad_after(&format!("an id such as `{}-17`", letter(kind))));
        }
    };
    let run = match list.run {
        Some(run) => Some(reference::run(shared, &run).await?.id),
        None => None,
    };
    let known = match kind {
        RequestKind::Approval => APPROVAL_STATUSES,
        RequestKind::Input => INPUT_STATUSES,
    };
    let statuses = pipelines::statuses(list.status.as_deref(), known)?;
    let query = RequestQuery { kind: Some(kind), statuses, run, before, limit: limit + 1 };
    let asked = shared
        .read(move |reader| {
            let mut runs = Runs::default();
            let rows = reader.requests(&query)?;
            rows.into_iter()
                .map(|row| Ok(Asked { run: runs.get(reader, row.run)?.clone(), row }))
                .collect::<Result<Vec<_>, Refused>>()
        })
        .await?;
    let page = pipelines::page_of("request", asked, limit, |of| id(&of.row), |of| of);
    Ok((page.data, page.next))
}

/// What has to be asked of runs, one question a run.
pub(crate) struct Standings<T>(HashMap<RunId, (RunRow, Vec<(u64, T)>)>);

impl<T> Default for Standings<T> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<T: Clone + Eq + Hash + Send + Sync + 'static> Standings<T> {
    pub(crate) fn want(&mut self, of: &Asked, what: T) {
        let (_, wanted) = self.0.entry(of.row.run).or_insert_with(|| (of.run.clone(), Vec::new()));
        wanted.push((of.row.number, what));
    }

    /// The answers, by the number of the request.
    pub(crate) async fn look(
        self,
        shared: &Shared,
        look: impl Fn(&Run, &T) -> String + Clone + Send + Sync + 'static,
    ) -> Result<HashMap<u64, String>, Refused> {
        let mut answers = HashMap::new();
        for (row, wanted) in self.0.into_values() {
            let look = look.clone();
            let seen = history::look(shared, &row, move |run| {
                wanted.iter().map(|(of, what)| (*of, look(run, what))).collect::<Vec<_>>()
            });
            match seen.await {
                Ok(seen) => answers.extend(seen),
                // The others are shown all the same.
                Err(Refused::Damaged { .. }) => {}
                Err(refused) => return Err(refused),
            }
        }
        Ok(answers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_of_their_kind() {
        assert_eq!(number(RequestKind::Approval, "A-17"), Some(17));
        assert_eq!(number(RequestKind::Approval, "a-17"), Some(17));
        for wrong in ["I-17", "17", "A-", "A--1", "A-x", ""] {
            assert_eq!(number(RequestKind::Approval, wrong), None, "{wrong}");
        }
    }
}
