//! Traces of the real binary: what a stage's process is told is what a collector gets, also when
//! `kill -9` came in between.

use std::collections::BTreeMap;
use std::process::Stdio;

use opentelemetry_proto::tonic::trace::v1::Span;
use tokio::runtime::Runtime;

use crate::binary::Place;
use crate::collector::{Collector, hex, said, tree};

/// With a runtime on which the collector answers.
fn collector(answers: &[Option<u16>]) -> (Runtime, Collector) {
    let runtime = Runtime::new().unwrap();
    let collector = runtime.block_on(Collector::new(answers));
    (runtime, collector)
}

fn traceparent(span: &Span) -> String {
    format!("00-{}-{}-01", hex(&span.trace_id), hex(&span.span_id))
}

#[test]
fn a_stage_is_told_its_span_and_the_run_its_callers() {
    const GIVEN: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let (runtime, mut collector) = collector(&[Some(503)]);
    let place = Place::with(
        "told.yaml",
        "name: told\nstages:\n  - {name: a, run: 'echo $TRACEPARENT'}\n  \
         - {name: own, run: 'echo $TRACEPARENT', env: {TRACEPARENT: mine}}\n",
    );
    let ran = place
        .command(&["run", "told.yaml"])
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.url)
        .env("OTEL_EXPORTER_OTLP_HEADERS", "x-team=hush%2Dhush")
        .env("OTEL_SERVICE_NAME", "laptop")
        .env("TRACEPARENT", GIVEN)
        .output()
        .unwrap();
    assert!(ran.status.success(), "{ran:?}");
    let shown = place
        .command(&["config", "show", "--sources"])
        .env("OTEL_EXPORTER_OTLP_HEADERS", "x-team=hush%2Dhush")
        .env("OTEL_SERVICE_NAME", "laptop")
        .output()
        .unwrap();
    let shown = String::from_utf8(shown.stdout).unwrap();
    let line = |name: &str| shown.lines().find(|line| line.contains(name)).unwrap().to_owned();
    assert!(line("traces.headers").contains("OTEL_EXPORTER_OTLP_HEADERS"), "{shown}");
    assert!(line("traces.service_name").contains("laptop"), "{shown}");
    assert!(!shown.contains("hush"), "{shown}");

    let first = runtime.block_on(collector.next());
    assert_eq!(first.path, "/v1/traces");
    assert_eq!(first.headers["x-team"], "hush-hush");
    assert_eq!(first.resource["service.name"], "laptop");
    // That was not taken, and what ended first is sent again: by the next command that owns the
    // folder, if the first one had no time for it.
    let _list = place
        .command(&["runs", "list"])
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.url)
        .output()
        .unwrap();
    let spans = runtime.block_on(collector.until("RUN told"));
    let wanted = "\
RUN told: success [run.started]
  a: success
    a attempt 1: success
  own: success
    own attempt 1: success";
    assert_eq!(tree(&spans).join("\n"), wanted);
    let root = spans.iter().find(|span| span.name == "RUN told").unwrap();
    let above = format!("00-{}-{}-01", hex(&root.trace_id), hex(&root.parent_span_id));
    assert_eq!(above, GIVEN);
    let attempt = spans.iter().find(|span| span.name == "a attempt 1").unwrap();
    let log = place.run(&["logs", "told", "--stage", "a", "--raw"]).stdout;
    assert_eq!(log.trim(), traceparent(attempt));
    let log = place.run(&["logs", "told", "--stage", "own", "--raw"]).stdout;
    assert_eq!(log, "mine\n", "what the pipeline says stands");
}

#[test]
fn a_kill_in_between_tears_no_trace() {
    let (runtime, mut collector) = collector(&[]);
    let place = Place::with(
        "cut.yaml",
        "name: cut\nstages:\n  - {name: a, run: 'true'}\n  \
         - {name: b, run: 'echo $TRACEPARENT; cat gate'}\n  - {name: c, run: 'true'}\n",
    );
    place.gate("gate");
    let url = collector.url.clone();
    let traced = |args: &[&str]| {
        let mut command = place.command(args);
        command.env("OTEL_EXPORTER_OTLP_ENDPOINT", &url);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command
    };
    let mut resume = traced(&["runs", "resume", "cut#1"]);
    let mut first = traced(&["run", "cut.yaml"]).spawn().unwrap();
    let gate = place.wait_at("gate");
    // `a` has ended and was exported, `b` is at work.
    let mut spans = runtime.block_on(collector.until("a"));
    first.kill().unwrap();
    first.wait().unwrap();
    // It ends while nobody looks.
    drop(gate);
    let ended = resume.output().unwrap();
    assert!(ended.status.success(), "{ended:?}");
    let _list = traced(&["runs", "list"]).output().unwrap();
    spans.extend(runtime.block_on(collector.until("RUN cut")));

    // What came twice is the same span, to the byte.
    let mut once: BTreeMap<Vec<u8>, Span> = BTreeMap::new();
    for span in spans {
        let known = once.entry(span.span_id.clone()).or_insert_with(|| span.clone());
        assert_eq!(*known, span);
    }
    let spans: Vec<Span> = once.into_values().collect();
    let wanted = "\
RUN cut: success [run.started]
  a: success
    a attempt 1: success
  b: success
    b attempt 1: success
  c: success
    c attempt 1: success";
    assert_eq!(tree(&spans).join("\n"), wanted);
    let run = &said(&spans[0].attributes)["cicd.pipeline.run.id"];
    assert!(spans.iter().all(|span| hex(&span.trace_id) == *run));
    let b = spans.iter().find(|span| span.name == "b attempt 1").unwrap();
    let log = place.run(&["logs", "cut", "--stage", "b", "--raw"]).stdout;
    assert_eq!(log.trim(), traceparent(b));
}
