//! Attempts that wait for a worker with labels, apart from those that wait for the own hands: what
//! nothing can take holds up nobody else.

use std::collections::{BTreeMap, VecDeque};

use engine::id::{AttemptId, RunId};

/// What a worker has to have, sorted.
pub(crate) type Labels = Vec<String>;

#[derive(Debug, Default)]
pub(super) struct Elsewhere {
    /// No map and no queue is empty.
    by_labels: BTreeMap<Labels, BTreeMap<RunId, VecDeque<AttemptId>>>,
}

impl Elsewhere {
    /// These of a run, and no others, wait. Says whether anything is different.
    pub(super) fn set(&mut self, run: RunId, attempts: Vec<(AttemptId, Labels)>) -> bool {
        if attempts.is_empty() && self.by_labels.is_empty() {
            return false;
        }
        let before: Vec<AttemptId> = self.of_run(run).cloned().collect();
        self.remove(run);
        for (attempt, labels) in attempts {
            self.push(run, attempt, labels);
        }
        !self.of_run(run).eq(&before)
    }

    pub(super) fn push(&mut self, run: RunId, attempt: AttemptId, labels: Labels) {
        self.by_labels.entry(labels).or_default().entry(run).or_default().push_back(attempt);
    }

    pub(super) fn give_back(&mut self, run: RunId, attempt: AttemptId, labels: Labels) {
        self.by_labels.entry(labels).or_default().entry(run).or_default().push_front(attempt);
    }

    /// Says whether there were any.
    pub(super) fn remove(&mut self, run: RunId) -> bool {
        let mut any = false;
        self.by_labels.retain(|_, runs| {
            any |= runs.remove(&run).is_some();
            !runs.is_empty()
        });
        any
    }

    /// Takes the next one, the oldest run first, among those whose labels `fits` finds something for.
    pub(super) fn take<T>(
        &mut self,
        fits: impl Fn(&Labels) -> Option<T>,
    ) -> Option<(RunId, AttemptId, Labels, T)> {
        let (_, labels, found) = self
            .by_labels
            .iter()
            .filter_map(|(labels, runs)| Some((*runs.keys().next()?, labels, fits(labels)?)))
            .min_by_key(|(run, ..)| *run)?;
        let labels = labels.clone();
        let runs = self.by_labels.get_mut(&labels)?;
        let mut first = runs.first_entry()?;
        let run = *first.key();
        let attempt = first.get_mut().pop_front()?;
        if first.get().is_empty() {
            first.remove();
        }
        if runs.is_empty() {
            self.by_labels.remove(&labels);
        }
        Some((run, attempt, labels, found))
    }

    /// In order for each set of labels.
    pub(super) fn of_run(&self, run: RunId) -> impl Iterator<Item = &AttemptId> {
        self.by_labels.values().filter_map(move |runs| runs.get(&run)).flatten()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&Labels, RunId, &AttemptId)> {
        self.by_labels.iter().flat_map(|(labels, runs)| {
            runs.iter().flat_map(move |(run, queue)| {
                queue.iter().map(move |attempt| (labels, *run, attempt))
            })
        })
    }

    pub(super) fn labels(&self) -> impl Iterator<Item = &Labels> {
        self.by_labels.keys()
    }

    pub(super) fn len(&self) -> usize {
        self.by_labels.values().flat_map(BTreeMap::values).map(VecDeque::len).sum()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.by_labels.is_empty()
    }
}
