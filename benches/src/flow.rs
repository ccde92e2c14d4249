//! Waiting for people, events against triggers, and instances with mappings. No other tool here
//! has a counterpart, so each is set beside the same thing without it, in the same run.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use anyhow::{Result, ensure};

use crate::http::Connection;
use crate::measure::{Sample, timed};
use crate::product::{Rows, Server, accept, quoted};

/// 10,000 runs, each at a gate with a deadline and two reminders; the server is killed and started
/// again on the same folder. Beside it: an empty folder.
pub(crate) fn waiting_gates(binary: &Path) -> Result<Rows> {
    const GATES: usize = 10_000;
    let empty = tempfile::tempdir()?;
    let idle = Server::start(binary, empty.path())?.resident_kib()?;
    let idle_ready = Server::start(binary, empty.path())?.ready_ms();
    let folder = tempfile::tempdir()?;
    let server = Server::start(binary, folder.path())?;
    let text = "name: gated\nstages:\n  - {name: a, run: ':', requires_approval: true}\n";
    create(&mut server.connect()?, text)?;
    let opened = accept(&server, "gated", GATES)?;
    let last = format!("/api/approvals/A-{GATES}");
    let all_wait = |server: &Server| -> Result<()> {
        let shown = server.connect()?.expect("GET", &last, "")?;
        ensure!(shown.contains("\"status\":\"pending\""), "the last gate does not wait: {shown}");
        Ok(())
    };
    all_wait(&server)?;
    let memory = server.resident_kib()?;
    drop(server);
    let mut ready = Vec::new();
    let mut again = 0;
    for _ in 0..3 {
        let server = Server::start(binary, folder.path())?;
        ready.push(server.ready_ms());
        all_wait(&server)?;
        again = server.resident_kib()?;
    }
    let each = |kib: u64| kib.saturating_sub(idle) as f64 / GATES as f64;
    let mib = |kib: u64| kib as f64 / 1024.0;
    Ok(vec![
        ("10,000 waiting gates: opened".to_owned(), format!("{opened:.0} a second")),
        (
            "10,000 waiting gates: resident".to_owned(),
            format!("{:.1} MiB, {:.1} KiB each over an idle server", mib(memory), each(memory)),
        ),
        (
            "the same after kill -9".to_owned(),
            format!(
                "ready after {:.0} ms (empty folder: {idle_ready:.1} ms), {:.1} MiB",
                Sample::new(ready).median(),
                mib(again)
            ),
        ),
    ])
}

/// 1,000 events against 100 runs of 100 stages, each with a trigger: types that nobody listens to,
/// and types that 100 triggers listen to whose filters all have to be asked.
pub(crate) fn events_against_triggers(binary: &Path) -> Result<Rows> {
    const RUNS: usize = 100;
    const STAGES: usize = 100;
    const EVENTS: usize = 1_000;
    let folder = tempfile::tempdir()?;
    let server = Server::start(binary, folder.path())?;
    let mut connection = server.connect()?;
    let mut text = String::from("name: listens\nstages:\n");
    for stage in 0..STAGES {
        let trigger = format!("{{event: t{stage}, filter: 'event.n < 0'}}");
        let _ = writeln!(text, "  - {{name: s{stage}, run: ':', triggers: [{trigger}]}}");
    }
    create(&mut connection, &text)?;
    for _ in 0..RUNS {
        connection.expect("POST", "/api/pipelines/listens/run", "{}")?;
    }
    let mut give = |kind: &dyn Fn(usize) -> String| -> Result<f64> {
        let start = Instant::now();
        for event in 0..EVENTS {
            let body = format!("{{\"type\":\"{}\",\"data\":{{\"n\":{event}}}}}", kind(event));
            connection.expect("POST", "/api/events", &body)?;
        }
        Ok(EVENTS as f64 / start.elapsed().as_secs_f64())
    };
    let unheard = give(&|_| "other".to_owned())?;
    let heard = give(&|event| format!("t{}", event % STAGES))?;
    Ok(vec![
        (
            "events, 10,000 triggers, none listens".to_owned(),
            format!("{unheard:.0} a second, stored and looked up"),
        ),
        (
            "events, 100 of 10,000 triggers asked".to_owned(),
            format!(
                "{heard:.0} a second, {:.0} filters a second, {:.1} times the cost",
                heard * RUNS as f64,
                unheard / heard
            ),
        ),
    ])
}

/// 1,000 instances, with and without mappings of their input and output, alternating.
pub(crate) fn mapped_instances(binary: &Path) -> Result<Rows> {
    const INSTANCES: usize = 1_000;
    let items: Vec<String> =
        (0..INSTANCES).map(|n| format!("{{id: {n}, name: ' spec {n} '}}")).collect();
    let definition = |name: &str, mappings: &str| {
        format!(
            "name: {name}\nstages:\n  - name: each\n    foreach: [{}]\n    run: 'echo n=1 >> \
             \"$ORCHESTRATE_OUTPUT\"'\n    outputs: {{n: integer}}\n{mappings}",
            items.join(", ")
        )
    };
    let mapped = "    input_mapping:
      - {from: {cel: item.id}, to: spec.id, required: true}
      - {from: {cel: item.name}, to: spec.name, required: true, transforms: [trim, upper]}
    output_mapping: [{from: n, to: n, required: true}]
";
    let time = |name: &str, text: &str| -> Result<f64> {
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("bench.yaml");
        fs::write(&file, definition(name, text))?;
        let mut command = Command::new(binary);
        command.args(["run", "--quiet", "--slots", "8", "--data-dir"]);
        command.arg(folder.path().join("data")).arg(file).current_dir(folder.path());
        timed(command)
    };
    let (mut plain, mut with) = (Vec::new(), Vec::new());
    for _ in 0..5 {
        plain.push(time("plain", "")?);
        with.push(time("mapped", mapped)?);
    }
    let (plain, with) = (Sample::new(plain).median(), Sample::new(with).median());
    Ok(vec![(
        "1,000 instances with mappings".to_owned(),
        format!("{with:.0} ms, without {plain:.0} ms: {:.2} times", with / plain),
    )])
}

fn create(connection: &mut Connection, text: &str) -> Result<()> {
    let body = format!("{{\"definition\":{}}}", quoted(text));
    connection.expect("POST", "/api/pipelines", &body).map(drop)
}
