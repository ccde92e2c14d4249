//! Figures that no other tool here has a counterpart for.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};

use crate::flow;
use crate::http::Connection;
use crate::live;
use crate::measure::{Sample, timed};
use crate::rest;
use crate::tools::definition;
use crate::webhooks;
use crate::workload::Workload;

pub(crate) fn figures(binary: &Path, wanted: impl Fn(&str) -> bool) -> Result<()> {
    println!("\n{:<34} figure", "of the product alone");
    let all: [(&str, Figure); 12] = [
        ("noop-rate", noop_rate),
        ("cold-start", cold_start),
        ("server-idle", server_idle),
        ("pipelines-at-once", pipelines_at_once),
        ("list-100k", list_100k),
        ("rest", rest::rest),
        ("kill-and-resume", kill_and_resume),
        ("waiting-gates", flow::waiting_gates),
        ("events-against-triggers", flow::events_against_triggers),
        ("mapped-instances", flow::mapped_instances),
        ("webhooks", webhooks::webhook_acceptance),
        ("live-fan-out", live::fan_out),
    ];
    for (name, figure) in all.into_iter().filter(|(name, _)| wanted(name)) {
        for (label, value) in figure(binary).with_context(|| name.to_owned())? {
            println!("{label:<34} {value}");
        }
    }
    Ok(())
}

pub(crate) type Rows = Vec<(String, String)>;
type Figure = fn(&Path) -> Result<Rows>;

/// Durable transitions a second of stages that start no process, the process's start included.
fn noop_rate(binary: &Path) -> Result<Rows> {
    const STAGES: usize = 10_000;
    let steps = (0..STAGES).map(|step| step.checked_sub(1).into_iter().collect()).collect();
    let workload = Workload { name: "noop", parallel: 1, steps, noop: true };
    let mut times = Vec::new();
    for _ in 0..5 {
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("noop.yaml");
        fs::write(&file, definition("noop", &workload))?;
        let mut command = Command::new(binary);
        command.args(["run", "--quiet", "--data-dir"]).arg(folder.path().join("data")).arg(file);
        times.push(timed(command)?);
    }
    let median = Sample::new(times).median();
    let rate = STAGES as f64 / (median / 1e3);
    Ok(vec![("noop stages, durable".to_owned(), format!("{rate:.0} a second"))])
}

fn cold_start(binary: &Path) -> Result<Rows> {
    let time = |args: &[&str]| -> Result<f64> {
        let mut times = Vec::new();
        for _ in 0..15 {
            let folder = tempfile::tempdir()?;
            let mut command = Command::new(binary);
            command.args(args).arg("--data-dir").arg(folder.path().join("data"));
            times.push(timed(command)?);
        }
        Ok(Sample::new(times).median())
    };
    Ok(vec![
        ("cold start: status, empty folder".to_owned(), format!("{:.1} ms", time(&["status"])?)),
        ("cold start: explain".to_owned(), format!("{:.1} ms", time(&["explain", "E0201"])?)),
    ])
}

fn server_idle(binary: &Path) -> Result<Rows> {
    let folder = tempfile::tempdir()?;
    let mut ready = Vec::new();
    let mut memory = 0;
    for _ in 0..7 {
        let server = Server::start(binary, folder.path())?;
        ready.push(server.ready_ms);
        memory = server.resident_kib()?;
    }
    Ok(vec![
        ("server: ready after".to_owned(), format!("{:.1} ms", Sample::new(ready).median())),
        ("server: resident, idle".to_owned(), format!("{:.1} MiB", memory as f64 / 1024.0)),
    ])
}

/// 100 pipelines of 10 stages, started together, until the last has ended.
fn pipelines_at_once(binary: &Path) -> Result<Rows> {
    let folder = tempfile::tempdir()?;
    let server = Server::start(binary, folder.path())?;
    let mut connection = server.connect()?;
    let steps = (0..10usize).map(|step| step.checked_sub(1).into_iter().collect()).collect();
    let workload = Workload { name: "ten", parallel: 8, steps, noop: false };
    for pipeline in 0..100 {
        let text = definition(&format!("p{pipeline}"), &workload);
        connection.expect(
            "POST",
            "/api/pipelines",
            &format!("{{\"definition\":{}}}", quoted(&text)),
        )?;
    }
    let start = Instant::now();
    for pipeline in 0..100 {
        connection.expect("POST", &format!("/api/pipelines/p{pipeline}/run"), "{}")?;
    }
    for pipeline in 0..100 {
        connection.expect("GET", &format!("/api/runs/p{pipeline}%231/feed"), "")?;
    }
    let elapsed = start.elapsed();
    let rate = 1000.0 / elapsed.as_secs_f64();
    Ok(vec![(
        "100 pipelines x 10 stages at once".to_owned(),
        format!("{:.0} ms, {rate:.0} stages a second", elapsed.as_secs_f64() * 1e3),
    )])
}

/// Starts so many runs of a pipeline by 8 clients at once; how many were acknowledged a second.
pub(crate) fn accept(server: &Server, pipeline: &str, runs: usize) -> Result<f64> {
    const CLIENTS: usize = 8;
    let path = format!("/api/pipelines/{pipeline}/run");
    let start = Instant::now();
    std::thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|_| {
                scope.spawn(|| -> Result<()> {
                    let mut connection = server.connect()?;
                    for _ in 0..runs / CLIENTS {
                        connection.expect("POST", &path, "{}")?;
                    }
                    Ok(())
                })
            })
            .collect();
        clients.into_iter().try_for_each(|client| {
            client.join().map_err(|_| anyhow::anyhow!("a client panicked"))?
        })
    })?;
    Ok(runs as f64 / start.elapsed().as_secs_f64())
}

fn list_100k(binary: &Path) -> Result<Rows> {
    const RUNS: usize = 100_000;
    let folder = tempfile::tempdir()?;
    let server = Server::start(binary, folder.path())?;
    let mut connection = server.connect()?;
    let text = "name: tiny\nstages:\n  - {name: a, noop: true}\n";
    connection.expect("POST", "/api/pipelines", &format!("{{\"definition\":{}}}", quoted(text)))?;
    let accepted = accept(&server, "tiny", RUNS)?;
    // The first one was idle for long enough to be closed.
    let mut connection = server.connect()?;
    let mut times = Vec::new();
    for _ in 0..50 {
        let start = Instant::now();
        connection.expect("GET", "/api/runs?limit=50&status=succeeded", "")?;
        times.push(start.elapsed().as_secs_f64() * 1e3);
    }
    Ok(vec![
        ("runs accepted by HTTP, durable".to_owned(), format!("{accepted:.0} a second")),
        (
            "50 of 100,000 finished runs".to_owned(),
            format!("{:.2} ms", Sample::new(times).median()),
        ),
    ])
}

/// A chain of 100 whose driver gets SIGKILL half-way; then `runs resume` until the end.
fn kill_and_resume(binary: &Path) -> Result<Rows> {
    const STAGES: usize = 100;
    let folder = tempfile::tempdir()?;
    let counter = folder.path().join("counter");
    let mut text = String::from("name: half\nstages:\n");
    for stage in 0..STAGES {
        text += &format!(
            "  - {{name: s{stage}, run: 'echo s{stage} >> {}; sleep 0.01'}}\n",
            counter.display()
        );
    }
    let file = folder.path().join("half.yaml");
    fs::write(&file, text)?;
    let command = |args: &[&str]| {
        let mut command = Command::new(binary);
        command.args(args).arg("--data-dir").arg(folder.path().join("data"));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    };
    let mut first = command(&["run", "--quiet", &file.to_string_lossy()]).spawn()?;
    let lines = || fs::read_to_string(&counter).unwrap_or_default().lines().count();
    while lines() < STAGES / 2 {
        std::thread::sleep(Duration::from_millis(2));
    }
    first.kill()?;
    first.wait()?;
    let elapsed = timed(command(&["runs", "resume", "half#1"]))?;
    let text = fs::read_to_string(&counter)?;
    let mut names: Vec<&str> = text.lines().collect();
    names.sort_unstable();
    let before = names.len();
    names.dedup();
    ensure!(names.len() == STAGES, "{} of {STAGES} stages ran", names.len());
    Ok(vec![(
        "kill -9 at 50 of 100, then resume".to_owned(),
        format!("{elapsed:.0} ms to the end, {} stages ran twice", before - names.len()),
    )])
}

/// A restart loads whatever waits before it answers.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Server {
    child: Child,
    address: String,
    data: PathBuf,
    ready_ms: f64,
}

impl Server {
    pub(crate) fn start(binary: &Path, folder: &Path) -> Result<Self> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let address = format!("127.0.0.1:{port}");
        let data = folder.join("data");
        let start = Instant::now();
        let child = Command::new(binary)
            .args(["serve", "--quiet", "--slots", "8", "--listen", &address, "--data-dir"])
            .arg(&data)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let mut server = Self { child, address, data, ready_ms: 0.0 };
        while server.ask_ready().is_err() {
            ensure!(start.elapsed() < PATIENCE, "the server did not get ready");
            ensure!(server.child.try_wait()?.is_none(), "the server ended");
            std::thread::sleep(Duration::from_micros(500));
        }
        server.ready_ms = start.elapsed().as_secs_f64() * 1e3;
        Ok(server)
    }

    fn ask_ready(&self) -> Result<()> {
        Connection::open(&self.address, "")?.expect("GET", "/readyz", "").map(drop)
    }

    pub(crate) fn connect(&self) -> Result<Connection> {
        let token = fs::read_to_string(self.data.join("token"))?;
        Connection::open(&self.address, token.trim())
    }

    /// A WebSocket, opened.
    pub(crate) fn socket(&self, path: &str) -> Result<TcpStream> {
        let token = fs::read_to_string(self.data.join("token"))?;
        let mut stream = TcpStream::connect(&self.address)?;
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\n\
             Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
            self.address,
            token.trim()
        )?;
        let (mut head, mut byte) = (Vec::new(), [0]);
        while !head.ends_with(b"\r\n\r\n") {
            stream.read_exact(&mut byte)?;
            head.push(byte[0]);
        }
        let head = String::from_utf8_lossy(&head);
        ensure!(head.starts_with("HTTP/1.1 101"), "no WebSocket: {head}");
        Ok(stream)
    }

    pub(crate) fn ready_ms(&self) -> f64 {
        self.ready_ms
    }

    pub(crate) fn resident_kib(&self) -> Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).context("no VmRSS")?;
        Ok(line.split_whitespace().nth(1).context("no figure")?.parse()?)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // An error means that it has ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// As a JSON string.
pub(crate) fn quoted(text: &str) -> String {
    let escaped = text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    format!("\"{escaped}\"")
}
