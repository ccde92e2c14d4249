//! What a collector is sent of runs, and what it cannot do to them.

use std::collections::BTreeSet;
use std::sync::Arc;

use api::link::{End, Order, Piece, Report, What};
use http::StatusCode;
use opentelemetry_proto::tonic::trace::v1::Span;
use serde_json::{Value as Json, json};
use tokio::net::TcpListener;

use crate::bench::{Bench, Script, by_hand, call_with, exited, obedient};
use crate::collector::{Collector, hex, said, tree};
use crate::disk::Disk;
use crate::starts::CHAIN;

const INNER: &str = "
name: inner
stages:
  - {name: pack, run: pack}
";

const OUTER: &str = "
name: outer
stages:
  - {name: lint, run: lint, depends_on: []}
  - name: unit
    run: unit
    depends_on: []
    retry: {max_attempts: 2, backoff: {kind: constant, initial: 10ms, jitter: false}}
  - {name: sub, pipeline: {name: inner}, depends_on: [lint]}
  - name: fan
    run: echo
    depends_on: [lint]
    foreach: {items: [1, 2]}
  - {name: never, run: x, depends_on: [lint], if: 'false'}
  - name: deploy
    run: ./deploy
    depends_on: [unit, sub, fan]
    requires_approval: true
  - {name: smoke, run: smoke, depends_on: [deploy]}
";

/// `unit` succeeds at its second attempt, `smoke` never.
fn script() -> Script {
    let plain = obedient();
    Arc::new(move |order| {
        let Order::Start(assignment) = order else { return plain(order) };
        let attempt = assignment.attempt.clone();
        let failed =
            attempt.execution == "smoke" || (attempt.execution == "unit" && attempt.number == 1);
        let end = exited(End::Code(i32::from(failed) * 3));
        vec![
            Report { attempt: attempt.clone(), what: What::Started { pid: 7 } },
            Report { attempt, what: end },
        ]
    })
}

fn bench(script: Script) -> Bench {
    let (writer, reader) = store::memory::open();
    Bench::on(Box::new(writer), Arc::new(reader), script)
}

fn exports_to(bench: &Bench, url: &str) {
    bench.config(&format!(
        "notify: {{public_url: 'https://ci.example'}}\ntraces: {{endpoint: '{url}'}}\n"
    ));
    bench.server.tend();
}

fn named<'s>(spans: &'s [Span], name: &str) -> &'s Span {
    let mut found = spans.iter().filter(|span| span.name == name);
    let one = found.next().unwrap_or_else(|| panic!("no span `{name}`: {:#?}", tree(spans)));
    assert!(found.next().is_none(), "two spans `{name}`");
    one
}

async fn counted(bench: &Bench, line: &str) -> bool {
    let text = bench.get_text("/metrics").await;
    text.lines().any(|found| found == line)
}

#[tokio::test]
async fn a_run_is_a_trace_with_its_stages_attempts_and_children() {
    let mut collector = Collector::new(&[]).await;
    let mut bench = bench(script());
    exports_to(&bench, &collector.url);
    bench.post("/api/pipelines", json!({ "definition": INNER })).await;
    bench.start(OUTER).await;
    bench.until("outer#1", "waiting").await;
    bench.post("/api/approvals/A-1/approve", json!({"comment": "hush-hush"})).await;
    assert_eq!(bench.finished("outer#1").await["status"], "failed");
    let run = bench.get("/api/runs/outer~1").await;
    let spans = collector.until("RUN outer").await;
    // Whoever listens to orders hears of the end.
    bench.server.shutdown().await;
    let wanted = "\
RUN outer: failure (failed: `smoke` failed: exit code 3) [run.started, run.halted]
  deploy: success [gate.opened, gate.voted, gate.resolved]
    deploy attempt 1: success
  fan: success
    fan[1]: success
      fan[1] attempt 1: success
    fan[2]: success
      fan[2] attempt 1: success
  lint: success
    lint attempt 1: success
  never: skip
  smoke: failure (exit_code: exit code 3)
    smoke attempt 1: failure (exit_code: exit code 3)
  sub: success
    RUN inner: success [run.started]
      pack: success
        pack attempt 1: success
    sub attempt 1: success
  unit: success [attempt.retry_scheduled, attempt.requeued]
    unit attempt 1: failure (exit_code: exit code 3)
    unit attempt 2: success";
    assert_eq!(tree(&spans).join("\n"), wanted);
    let id = run["id"].as_str().unwrap();
    assert!(spans.iter().all(|span| hex(&span.trace_id) == id), "the trace is the run's");
    let ids: BTreeSet<&[u8]> = spans.iter().map(|span| &*span.span_id).collect();
    assert_eq!(ids.len(), spans.len(), "every id is one span's");
    for span in &spans {
        assert!(span.start_time_unix_nano > 0);
        assert!(span.end_time_unix_nano >= span.start_time_unix_nano);
        assert!(!format!("{span:?}").contains("hush-hush"), "nobody's words leave");
        assert_eq!(said(&span.attributes)["cicd.pipeline.run.id"].len(), 32);
    }
    let root = named(&spans, "RUN outer");
    assert!(root.parent_span_id.is_empty() && root.kind == 2);
    let about = said(&root.attributes);
    for (key, value) in [
        ("cicd.pipeline.name", "outer"),
        ("cicd.pipeline.run.id", id),
        ("cicd.pipeline.action.name", "RUN"),
        ("cicd.pipeline.run.url.full", "https://ci.example/runs/outer/1"),
        ("orchestrate.run.name", "outer#1"),
    ] {
        assert_eq!(about[key], value, "{key}");
    }
    let attempt = said(&named(&spans, "unit attempt 1").attributes);
    for (key, value) in [
        ("cicd.pipeline.task.name", "unit"),
        ("cicd.pipeline.task.run.id", &*format!("{id}/unit/1")),
        ("cicd.worker.name", "local"),
        ("process.pid", "7"),
        ("process.exit.code", "3"),
    ] {
        assert_eq!(attempt[key], value, "{key}");
    }
    let voted = &named(&spans, "deploy").events[1];
    assert_eq!(said(&voted.attributes)["orchestrate.decision"], "approve");

    // Every process was told the span that it is.
    let mut told = BTreeSet::new();
    while let Some(order) = bench.hands.seen.recv().await {
        let Order::Start(assignment) = order else { continue };
        let [Piece::Plain(trace)] = &*assignment.env["TRACEPARENT"] else { panic!("no trace") };
        told.insert(trace.clone());
    }
    let processes = spans.iter().filter(|span| said(&span.attributes).contains_key("process.pid"));
    let exported: BTreeSet<String> = processes
        .map(|span| format!("00-{}-{}-01", hex(&span.trace_id), hex(&span.span_id)))
        .collect();
    assert_eq!(told, exported);
    assert_eq!(told.len(), 8);
}

#[tokio::test]
async fn a_request_says_where_it_goes_and_who_sends_it() {
    let mut collector = Collector::new(&[]).await;
    let bench = bench(obedient());
    std::fs::write(bench.path().join("key"), "hush-hush\n").unwrap();
    bench.config(&format!(
        "traces: {{endpoint: '{}', service_name: ci, headers: {{X-Team: {{file: key}}}}}}\n",
        collector.url
    ));
    bench.server.tend();
    let settings = bench.get("/api/config").await;
    assert!(!settings.to_string().contains("hush-hush"), "{settings}");
    let all = settings["data"].as_array().unwrap();
    let headers = all.iter().find(|one| one["name"] == "traces.headers").unwrap();
    assert_eq!((&headers["value"], &headers["source"]), (&json!("(set)"), &json!("config.yaml")));
    bench.start(CHAIN).await;
    // Without a shutdown: a moment after the first span has ended.
    let arrived = collector.next().await;
    assert_eq!(arrived.path, "/v1/traces");
    assert_eq!(arrived.headers["content-type"], "application/x-protobuf");
    assert_eq!(arrived.headers["x-team"], "hush-hush");
    assert_eq!(arrived.resource["service.name"], "ci");
    assert!(!arrived.spans.is_empty());
    bench.server.shutdown().await;
}

#[tokio::test]
async fn a_run_goes_on_with_the_trace_of_whoever_started_it() {
    const GIVEN: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let mut collector = Collector::new(&[]).await;
    let bench = bench(obedient());
    exports_to(&bench, &collector.url);
    let start = async |path: &str, body: Json, trace: &str| {
        let headers = [("traceparent", trace)];
        let (status, body) = call_with(bench.router(), "POST", path, body, &headers).await;
        assert_eq!(status, StatusCode::CREATED, "{body}");
        body["id"].as_str().unwrap().to_owned()
    };
    let chain = json!({ "definition": CHAIN, "directory": "/" });
    start("/api/runs", chain.clone(), GIVEN).await;
    start("/api/pipelines/chain/run", json!({}), &GIVEN.replace("-01", "-00")).await;
    let own = start("/api/runs", chain, "00-nonsense-01").await;
    for run in ["chain#1", "chain#2", "chain#3"] {
        assert_eq!(bench.finished(run).await["status"], "succeeded");
    }
    let extended = start("/api/runs/chain~1/extend", json!({}), GIVEN).await;
    assert_eq!(bench.finished("chain#4").await["status"], "succeeded");
    let task = json!({"title": "t", "pipeline": "chain", "status": "in-progress"});
    start("/api/tasks", task, GIVEN).await;
    bench.finished("TASK-1-1").await;
    // The second one was not to be recorded.
    let mut spans = Vec::new();
    while spans.iter().filter(|span: &&Span| span.name == "RUN chain").count() < 4 {
        spans.extend(collector.next().await.spans);
    }
    let roots: Vec<&Span> = spans.iter().filter(|span| span.name == "RUN chain").collect();
    let mut found: Vec<(String, String, String, bool)> = roots
        .iter()
        .map(|root| {
            let name = said(&root.attributes)["orchestrate.run.name"].clone();
            let remote = root.flags & 0x200 != 0;
            (name, hex(&root.trace_id), hex(&root.parent_span_id), remote)
        })
        .collect();
    found.sort();
    let given = |name: &str| {
        let (trace, span) = ("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7");
        (name.to_owned(), trace.to_owned(), span.to_owned(), true)
    };
    let alone = ("chain#3".to_owned(), own, String::new(), false);
    let wanted = [given("TASK-1-1"), given("chain#1"), alone, given("chain#4")];
    assert_eq!(found, wanted);
    assert_ne!(extended, hex(&roots[0].trace_id));
}

#[tokio::test]
async fn a_restart_goes_on_with_the_trace_and_tells_nothing_twice() {
    let mut collector = Collector::new(&[]).await;
    let disk = Disk::new();
    let folder = tempfile::tempdir().unwrap();
    let url = collector.url.clone();
    let open = |tends: bool| {
        let here = folder.path().to_owned();
        let config = format!("traces: {{endpoint: '{url}'}}\n");
        std::fs::write(here.join("config.yaml"), config).unwrap();
        let (writer, reader) = (Box::new(disk.clone()), Arc::new(disk.reader.clone()));
        let bench = Bench::with(writer, reader, by_hand(), |options| options.data_dir = here);
        if tends {
            bench.server.tend();
        }
        bench
    };
    let two = "name: two\nstages: [{name: a, run: a}, {name: b, run: b}, {name: c, run: c}]\n";
    let mut bench = open(true);
    let run = bench.start(two).await;
    let a = bench.hands.started().await;
    bench.hands.say(&a, What::Started { pid: 1 });
    bench.hands.exit(&a, 0);
    let b = bench.hands.started().await;
    let first = collector.until("a").await;
    bench.server.shutdown().await;
    // Another one that nobody exports for, as if it had been killed.
    let mut bench = open(false);
    let Order::Adopt { .. } = bench.hands.order().await else { panic!("not asked") };
    bench.hands.say(&b, What::Started { pid: 2 });
    bench.hands.exit(&b, 0);
    let c = bench.hands.started().await;
    drop(bench);
    let mut bench = open(true);
    let Order::Adopt { .. } = bench.hands.order().await else { panic!("not asked") };
    bench.hands.say(&c, What::Started { pid: 3 });
    bench.hands.exit(&c, 0);
    assert_eq!(bench.finished("two#1").await["status"], "succeeded");
    let second = collector.until("RUN two").await;

    let names = |spans: &[Span]| {
        let mut names: Vec<String> = spans.iter().map(|span| span.name.clone()).collect();
        names.sort();
        names
    };
    assert_eq!(names(&first), ["a", "a attempt 1"]);
    assert_eq!(names(&second), ["RUN two", "b", "b attempt 1", "c", "c attempt 1"]);
    let all = [first, second].concat();
    assert_eq!(tree(&all).len(), 7, "they are one tree");
    assert!(all.iter().all(|span| hex(&span.trace_id) == run["id"].as_str().unwrap()));
}

#[tokio::test]
async fn a_collector_that_is_down_slow_or_refuses_delays_nothing_and_is_counted() {
    // Nobody listens there any more.
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = gone.local_addr().unwrap();
    drop(gone);
    let bench = bench(obedient());
    exports_to(&bench, &format!("http://{address}"));
    bench.start(CHAIN).await;
    assert_eq!(bench.finished("chain#1").await["status"], "succeeded");
    while !counted(&bench, "orchestrate_trace_exports_total{result=\"failed\"} 1").await {
        tokio::task::yield_now().await;
    }
    // It comes back: nothing was lost.
    let listener = TcpListener::bind(address).await.unwrap();
    let mut collector = Collector::on(listener, &[Some(500), None]);
    let spans = collector.next().await.spans;
    let lost = format!("orchestrate_trace_spans_total{{result=\"dropped\"}} {}", spans.len());
    assert!(!spans.is_empty());
    // By the rules of OTLP a 500 is not tried again.
    while !counted(&bench, &lost).await {
        tokio::task::yield_now().await;
    }
    assert!(counted(&bench, "orchestrate_trace_exports_total{result=\"refused\"} 1").await);
    // One that never answers holds up neither runs nor, for long, the end.
    bench.start(CHAIN).await;
    assert_eq!(bench.finished("chain#2").await["status"], "succeeded");
    collector.next().await;
    bench.start(CHAIN).await;
    assert_eq!(bench.finished("chain#3").await["status"], "succeeded");
    let begun = std::time::Instant::now();
    bench.server.shutdown().await;
    assert!(begun.elapsed() < std::time::Duration::from_secs(8), "{:?}", begun.elapsed());
}
