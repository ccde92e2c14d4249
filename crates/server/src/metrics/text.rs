//! The text format of Prometheus, version 0.0.4.

use std::fmt::Write as _;

use super::catalogue::Metric;
use super::instrument::{Counter, Family, Histogram};

#[derive(Debug, Default)]
pub(super) struct Text {
    out: String,
    /// Whose head was written last.
    head: &'static str,
}

impl Text {
    pub(super) fn one(&mut self, metric: &'static Metric, labels: &[&str], value: f64) {
        self.begin(metric);
        self.line(metric.name, &pairs(metric, labels), value);
    }

    pub(super) fn counters(&mut self, family: &Family<Counter>) {
        self.begin(family.metric);
        for (labels, counter) in family.all() {
            let pairs = pairs(family.metric, &labels);
            self.line(family.metric.name, &pairs, counter.get() as f64);
        }
    }

    pub(super) fn histograms(&mut self, family: &Family<Histogram>) {
        self.begin(family.metric);
        for (labels, histogram) in family.all() {
            let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
            self.histogram(family.metric, &labels, &histogram);
        }
    }

    pub(super) fn histogram(
        &mut self,
        metric: &'static Metric,
        labels: &[&str],
        histogram: &Histogram,
    ) {
        self.begin(metric);
        let own = pairs(metric, labels);
        let mut count = 0;
        for (bound, upto) in histogram.cumulated() {
            let bound = if bound.is_infinite() { "+Inf".to_owned() } else { bound.to_string() };
            let mut with = own.clone();
            with.push(format!("le=\"{bound}\""));
            self.line(&format!("{}_bucket", metric.name), &with, upto as f64);
            count = upto;
        }
        self.line(&format!("{}_sum", metric.name), &own, histogram.sum());
        self.line(&format!("{}_count", metric.name), &own, count as f64);
    }

    pub(super) fn finish(self) -> String {
        self.out
    }

    /// Lines of one metric stand together under its head.
    pub(super) fn begin(&mut self, metric: &'static Metric) {
        if self.head == metric.name {
            return;
        }
        self.head = metric.name;
        // Writing to a `String` cannot fail.
        let _ = writeln!(self.out, "# HELP {} {}", metric.name, metric.help);
        let _ = writeln!(self.out, "# TYPE {} {}", metric.name, metric.kind.word());
    }

    fn line(&mut self, name: &str, pairs: &[String], value: f64) {
        let labels =
            if pairs.is_empty() { String::new() } else { format!("{{{}}}", pairs.join(",")) };
        let _ = writeln!(self.out, "{name}{labels} {value}");
    }
}

fn pairs<T: AsRef<str>>(metric: &Metric, labels: &[T]) -> Vec<String> {
    debug_assert_eq!(labels.len(), metric.labels.len(), "{}", metric.name);
    metric.labels.iter().zip(labels).map(|(name, value)| pair(name, value.as_ref())).collect()
}

fn pair(name: &str, value: &str) -> String {
    let value = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    format!("{name}=\"{value}\"")
}
