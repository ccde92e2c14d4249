//! Deliveries accepted a second: proved, stored and answered, from many connections at once.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};

use crate::http::Connection;
use crate::product::{Rows, Server, quoted};

const DELIVERIES: usize = 20_000;
const CONNECTIONS: usize = 64;
const SECRET: &str = "a token that the sender knows";

/// With nobody who listens, and with a run for each.
pub(crate) fn webhook_acceptance(binary: &Path) -> Result<Rows> {
    let idle = accepted(binary, None)?;
    let listening = "name: ci\ntriggers: [push]\nstages: [{name: a, noop: true}]\n";
    let starting = accepted(binary, Some(listening))?;
    Ok(vec![
        ("webhooks, nobody listens".to_owned(), format!("{idle:.0} accepted/s")),
        ("webhooks, a run for each".to_owned(), format!("{starting:.0} accepted/s")),
    ])
}

fn accepted(binary: &Path, definition: Option<&str>) -> Result<f64> {
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
    let start = Instant::now();
    std::thread::scope(|scope| {
        let senders: Vec<_> =
            (0..CONNECTIONS).map(|_| scope.spawn(|| send(server.connect()?, &next))).collect();
        for sender in senders {
            sender.join().ok().context("a sender panicked")??;
        }
        anyhow::Ok(())
    })?;
    Ok(DELIVERIES as f64 / start.elapsed().as_secs_f64())
}

fn send(mut connection: Connection, next: &AtomicUsize) -> Result<()> {
    let padding = "x".repeat(4000);
    loop {
        let nth = next.fetch_add(1, Ordering::Relaxed);
        if nth >= DELIVERIES {
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
