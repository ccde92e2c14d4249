//! Counters and histograms of constant size: nobody has to tidy them up, whether they are read or
//! not.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use super::catalogue::Metric;

/// A label's values come from outside in places (names of pipelines): beyond so many series the
/// rest is counted together under `other`.
const SERIES: usize = 2000;

#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self, count: u64) {
        self.0.fetch_add(count, Ordering::Relaxed);
    }

    pub(super) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

#[derive(Debug)]
pub(crate) struct Histogram {
    bounds: &'static [f64],
    /// One more than bounds; not cumulated.
    buckets: Box<[AtomicU64]>,
    sum: Mutex<f64>,
}

impl Histogram {
    pub(super) fn new(metric: &'static Metric) -> Self {
        let buckets = (0..=metric.buckets.len()).map(|_| AtomicU64::new(0)).collect();
        Self { bounds: metric.buckets, buckets, sum: Mutex::new(0.0) }
    }

    pub(crate) fn observe(&self, value: f64) {
        let place = self.bounds.iter().position(|bound| value <= *bound);
        let place = place.unwrap_or(self.bounds.len());
        self.buckets[place].fetch_add(1, Ordering::Relaxed);
        *self.sum.lock().unwrap_or_else(PoisonError::into_inner) += value;
    }

    pub(super) fn sum(&self) -> f64 {
        *self.sum.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Each bound with how many were at most so much; the last one is all of them.
    pub(super) fn cumulated(&self) -> impl Iterator<Item = (f64, u64)> {
        let mut count = 0;
        let bounds = self.bounds.iter().copied().chain([f64::INFINITY]);
        bounds.zip(&*self.buckets).map(move |(bound, bucket)| {
            count += bucket.load(Ordering::Relaxed);
            (bound, count)
        })
    }
}

/// What a family is made of.
pub(crate) trait Instrument {
    fn of(metric: &'static Metric) -> Self;
}

impl Instrument for Counter {
    fn of(_metric: &'static Metric) -> Self {
        Self::default()
    }
}

impl Instrument for Histogram {
    fn of(metric: &'static Metric) -> Self {
        Self::new(metric)
    }
}

/// One instrument for each combination of labels.
#[derive(Debug)]
pub(crate) struct Family<T> {
    pub(super) metric: &'static Metric,
    series: RwLock<BTreeMap<Vec<String>, Arc<T>>>,
}

impl<T: Instrument> Family<T> {
    pub(super) fn new(metric: &'static Metric) -> Self {
        Self { metric, series: RwLock::default() }
    }

    /// The labels in the order of the catalogue.
    pub(crate) fn with(&self, labels: &[&str]) -> Arc<T> {
        debug_assert_eq!(labels.len(), self.metric.labels.len(), "{}", self.metric.name);
        let mut key: Vec<String> = labels.iter().map(|label| (*label).to_owned()).collect();
        if let Some(found) = self.series.read().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return Arc::clone(found);
        }
        let mut series = self.series.write().unwrap_or_else(PoisonError::into_inner);
        if series.len() >= SERIES {
            key.fill("other".to_owned());
        }
        Arc::clone(series.entry(key).or_insert_with(|| Arc::new(T::of(self.metric))))
    }

    pub(super) fn all(&self) -> Vec<(Vec<String>, Arc<T>)> {
        let series = self.series.read().unwrap_or_else(PoisonError::into_inner);
        series.iter().map(|(labels, of)| (labels.clone(), Arc::clone(of))).collect()
    }
}
