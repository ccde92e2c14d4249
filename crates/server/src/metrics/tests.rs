use std::collections::BTreeSet;

use super::catalogue::{ALL, Kind};
use super::*;

#[test]
fn names_follow_the_conventions_and_are_there_once() {
    let mut seen = BTreeSet::new();
    for metric in ALL {
        assert!(seen.insert(metric.name), "{}", metric.name);
        assert_eq!(
            metric.kind == Kind::Counter,
            metric.name.ends_with("_total"),
            "{}",
            metric.name
        );
        assert_eq!(metric.kind == Kind::Histogram, !metric.buckets.is_empty(), "{}", metric.name);
        assert!(metric.buckets.is_sorted_by(|a, b| a < b), "{}", metric.name);
        assert!(page().contains(&format!("| `{}` |", metric.name)));
    }
}

#[test]
fn a_histogram_cumulates_and_a_label_is_escaped() {
    let metrics = Metrics::default();
    metrics.queue_seconds.observe(0.02);
    metrics.queue_seconds.observe(7.0);
    metrics.queue_seconds.observe(1e9);
    metrics.runs_created.with(&["a \"b\"\\\n"]).add(2);
    let mut text = Text::default();
    counted(&metrics, &mut text);
    let text = text.finish();
    for line in [
        "# TYPE orchestrate_attempt_queue_seconds histogram",
        "orchestrate_attempt_queue_seconds_bucket{le=\"0.01\"} 0",
        "orchestrate_attempt_queue_seconds_bucket{le=\"0.05\"} 1",
        "orchestrate_attempt_queue_seconds_bucket{le=\"15\"} 2",
        "orchestrate_attempt_queue_seconds_bucket{le=\"86400\"} 2",
        "orchestrate_attempt_queue_seconds_bucket{le=\"+Inf\"} 3",
        "orchestrate_attempt_queue_seconds_sum 1000000007.02",
        "orchestrate_attempt_queue_seconds_count 3",
        "orchestrate_runs_created_total{pipeline=\"a \\\"b\\\"\\\\\\n\"} 2",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}\nis not in\n{text}");
    }
}

#[test]
fn more_series_than_fit_are_counted_together() {
    let metrics = Metrics::default();
    for name in 0..3000 {
        metrics.runs_created.with(&[&name.to_string()]).add(1);
    }
    let all = metrics.runs_created.all();
    assert_eq!(all.len(), 2001);
    let other = all.iter().find(|(labels, _)| labels == &["other"]).unwrap();
    assert_eq!(other.1.get(), 1000);
}

/// The dashboard asks for nothing that is not there.
#[test]
fn the_dashboard_uses_only_names_that_exist() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy/grafana/orchestrate.json");
    let dashboard: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let mut queries = Vec::new();
    gather(&dashboard, &mut queries);
    assert!(queries.len() > 10, "{}", queries.len());
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut used = BTreeSet::new();
    for query in &queries {
        for name in query.split(|c| !word(c)) {
            if name.starts_with("orchestrate_") || name.starts_with("process_") {
                let plain = ["_bucket", "_sum", "_count"].iter().find_map(|end| {
                    let base = name.strip_suffix(end)?;
                    ALL.iter().any(|m| m.name == base && m.kind == Kind::Histogram).then_some(base)
                });
                let plain = plain.unwrap_or(name);
                assert!(ALL.iter().any(|metric| metric.name == plain), "{name} in {query}");
                used.insert(plain.to_owned());
            }
        }
    }
    for metric in ALL {
        let shown = used.contains(metric.name);
        assert!(shown || metric.name.starts_with("process_"), "{} is on no panel", metric.name);
    }
}

fn gather(value: &serde_json::Value, queries: &mut Vec<String>) {
    match value {
        serde_json::Value::Object(fields) => {
            for (key, field) in fields {
                match field {
                    serde_json::Value::String(text) if key == "expr" => queries.push(text.clone()),
                    field => gather(field, queries),
                }
            }
        }
        serde_json::Value::Array(items) => items.iter().for_each(|item| gather(item, queries)),
        _ => {}
    }
}
