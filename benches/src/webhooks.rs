//! Deliveries accepted a second: proved, stored and answered, from many connections at once.

use std::fmt;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};

use crate::http::Connection;
use crate::product::{Rows, Server, quoted};

const DELIVERIES: usize = 50_000;
const CONNECTIONS: usize = 64;
const SECRET: &str = "a token that the sender knows";

/// With nobody who listens, and with a run for each.
pub(crate) fn webhook_acceptance(binary: &Path) -> Result<Rows> {
    let idle = accepted(binary, None)?;
    let listening = "name: ci\ntriggers: [push]\nstages: [{name: a, noop: true}]\n";
    let starting = accepted(binary, Some(listening))?;
    let rows = [("webhooks, nobody listens", idle), ("webhooks, a run for each", starting)];
    Ok(rows.map(|(label, taken)| (label.to_owned(), taken.to_string())).into())
}

/// Of one storm: how fast it was taken, and how much memory the server had after each fifth of it.
struct Taken {
    rate: f64,
    resident_kib: Vec<u64>,
}

impl fmt::Display for Taken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let resident: Vec<String> =
            self.resident_kib.iter().map(|kib| (kib / 1024).to_string()).collect();
        write!(f, "{:.0} accepted/s, resident MiB by fifths {}", self.rate, resident.join(" "))
    }
}

fn accepted(binary: &Path, definition: Option<&str>) -> Result<Taken> {
    let folder = tempfile::tempdir()?;
    let data = folder.path().join("data");
    std::fs::create_dir_all(&data)?;
    std::fs::write(data.join("hook"), SECRET)?;
    // What is measured is not the limit of one address.
    let config = "limits: {requests_per_address: 1000000}\n\
                  sources: {gl: {kind: gitlab, secret: {file: hook}}}\n";
    std::fs::write(data.join("config.yaml"), config)?;
    let server = Server::start(binary, folder.path())?;
    if let Some(definition) = definition {
        let body = format!("{{\"definition\": {}}}", quoted(definition));
        server.connect()?.expect("POST", "/api/pipelines", &body)?;
    }
    let next = AtomicUsize::new(0);
    let mut resident_kib = vec![server.resident_kib()?];
    let start = Instant::now();
    for fifth in 1..=5 {
        let end = DELIVERIES / 5 * fifth;
        std::thread::scope(|scope| {
            let senders: Vec<_> = (0..CONNECTIONS)
                .map(|_| scope.spawn(|| send(server.connect()?, &next, end)))
                .collect();
            for sender in senders {
                sender.join().ok().context("a sender panicked")??;
            }
            anyhow::Ok(())
        })?;
        next.store(end, Ordering::Relaxed);
        resident_kib.push(server.resident_kib()?);
    }
    Ok(Taken { rate: DELIVERIES as f64 / start.elapsed().as_secs_f64(), resident_kib })
}

/// Sends the next one until all before `end` are sent.
fn send(mut connection: Connection, next: &AtomicUsize, end: usize) -> Result<()> {
    let padding = "x".repeat(4000);
    loop {
        let nth = next.fetch_add(1, Ordering::Relaxed);
        if nth >= end {
            return Ok(());
        }
        let headers = format!(
            "X-Gitlab-Token: {SECRET}\r\nX-Gitlab-Event: Push Hook\r\nIdempotency-Key: d-{nth}\r\n"
        );
        let body = format!(
            "{{\"object_kind\":\"push\",\"ref\":\"refs/heads/main\",\"after\":\"1\",\"total_commits_count\":0,\
             \"commits\":[],\"message\":\"{padding}\"}}"
        );
        loop {
            let (status, answer) = connection.send_with("POST", "/hooks/gl", &headers, &body)?;
            match status {
                200 | 202 => break,
                429 | 503 => {}
                _ => ensure!(false, "{status}: {answer}"),
            }
        }
    }
}
