//! Requests a second, and how long the slowest hundredth of them takes, beside a small static file
//! that the same server answers: what is above that floor is ours.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use crate::http::Connection;
use crate::measure::Sample;
use crate::product::{Rows, Server, quoted};

/// Connections that ask at once, each of which waits for its answer.
const CLIENTS: usize = 8;
const SPAN: Duration = Duration::from_secs(3);
/// Runs in the list that is read.
const RUNS: usize = 200;

const NOOP: &str = "name: rest\nstages:\n  - {name: only, noop: true}\n";

pub(crate) fn rest(binary: &Path) -> Result<Rows> {
    let folder = tempfile::tempdir()?;
    let data = folder.path().join("data");
    fs::create_dir(&data)?;
    // What is measured is the server, not its limits.
    fs::write(
        data.join("config.yaml"),
        "limits: {requests_per_caller: 1000000, requests_per_address: 1000000}\n",
    )?;
    let server = Server::start(binary, folder.path())?;
    let mut connection = server.connect()?;
    let definition = format!("{{\"definition\":{}}}", quoted(NOOP));
    connection.expect("POST", "/api/pipelines", &definition)?;
    for _ in 0..RUNS {
        connection.expect("POST", "/api/pipelines/rest/run", "{}")?;
    }
    let asked = [
        ("floor: a static file", "GET", "/api/docs/index.css", ""),
        ("list of 100 runs", "GET", "/api/runs?limit=100", ""),
        ("one run", "GET", "/api/runs/rest~1", ""),
        ("start of a run, durable", "POST", "/api/pipelines/rest/run", "{}"),
    ];
    let mut rows = Rows::new();
    let mut floor = None;
    for (label, method, path, body) in asked {
        let (rate, sample) = hammer(&server, (method, path, body))?;
        let floor = *floor.get_or_insert(rate);
        let figure = format!(
            "{rate:.0} a second ({:.2} of the floor), median {:.2} ms, p99 {:.2} ms",
            rate / floor,
            sample.median(),
            sample.percentile(99.0)
        );
        rows.push((format!("rest: {label}"), figure));
    }
    Ok(rows)
}

/// Answers a second over all clients, and milliseconds of each.
fn hammer(server: &Server, (method, path, body): (&str, &str, &str)) -> Result<(f64, Sample)> {
    let end = Instant::now() + SPAN;
    let times = std::thread::scope(|scope| {
        let client = || -> Result<Vec<f64>> {
            let mut connection: Connection = server.connect()?;
            let mut times = Vec::new();
            while Instant::now() < end {
                let start = Instant::now();
                connection.expect(method, path, body)?;
                times.push(start.elapsed().as_secs_f64() * 1e3);
            }
            Ok(times)
        };
        let clients: Vec<_> = (0..CLIENTS).map(|_| scope.spawn(client)).collect();
        let mut all = Vec::new();
        for client in clients {
            all.extend(client.join().ok().context("a client panicked")??);
        }
        Ok::<_, anyhow::Error>(all)
    })?;
    let rate = times.len() as f64 / SPAN.as_secs_f64();
    Ok((rate, Sample::new(times)))
}
