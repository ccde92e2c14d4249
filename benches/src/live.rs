//! The live stream under load: 1,000 subscribers, 5,000 events a second. Beside it the same events
//! with nobody listening, so that what listening costs is seen.

use std::io::{BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, bail, ensure};

use crate::product::{Rows, Server, quoted};

const SUBSCRIBERS: usize = 1_000;
/// Each is listened to by an equal part of the subscribers.
const RUNS: usize = 20;
const SPELL: Duration = Duration::from_secs(10);
/// Events from outside a second; each is taken by every run, which makes three of it there.
const GIVEN: u64 = 5_000 / (RUNS as u64 * 3);

pub(crate) fn fan_out(binary: &Path) -> Result<Rows> {
    let folder = tempfile::tempdir()?;
    let server = Server::start(binary, folder.path())?;
    let mut connection = server.connect()?;
    let text = "name: fed\nstages:\n  - {name: each, noop: true, parallel_instances: 4, \
                expect: 1000000, triggers: [{event: tick}]}\n";
    let body = format!("{{\"definition\":{}}}", quoted(text));
    connection.expect("POST", "/api/pipelines", &body)?;
    let mut runs = Vec::new();
    for _ in 0..RUNS {
        let answer = connection.expect("POST", "/api/pipelines/fed/run", "{}")?;
        let id = answer.split("\"id\":\"").nth(1).and_then(|rest| rest.split('"').next());
        runs.push(id.context("a run's id")?.to_owned());
    }
    let idle = server.resident_kib()?;
    let alone = give(&server)?;
    let before = server.resident_kib()?;
    // What the runs themselves take in such a spell: they grow with each event.
    let runs_alone = before.saturating_sub(idle);
    let seen = Arc::new(Seen::default());
    let mut listeners = Vec::new();
    for number in 0..SUBSCRIBERS {
        let mut stream = server.socket("/api/v1/stream")?;
        say(&mut stream, &format!("{{\"sub\":[{{\"topic\":\"run:{}\"}}]}}", runs[number % RUNS]))?;
        listeners.push(listen(stream, Arc::clone(&seen))?);
    }
    while seen.snapshots.load(Ordering::Relaxed) < SUBSCRIBERS as u64 {
        std::thread::sleep(Duration::from_millis(10));
    }
    let listened = give(&server)?;
    let memory = server.resident_kib()?.saturating_sub(before);
    // What was told last is on its way.
    std::thread::sleep(Duration::from_millis(500));
    seen.over.store(true, Ordering::Relaxed);
    drop(server);
    for listener in listeners {
        listener.join().map_err(|_panicked| anyhow::anyhow!("a listener panicked"))?;
    }
    let mut late = seen.late.lock().unwrap_or_else(PoisonError::into_inner).clone();
    late.sort_unstable();
    ensure!(!late.is_empty(), "nothing was told");
    let at = |percent: usize| late[(late.len() - 1) * percent / 100];
    let events = seen.events.load(Ordering::Relaxed) as f64;
    Ok(vec![
        (
            "1,000 subscribers: delivered".to_owned(),
            format!(
                "{:.0} events a second in {:.0} frames a second",
                events / listened.as_secs_f64(),
                seen.frames.load(Ordering::Relaxed) as f64 / listened.as_secs_f64()
            ),
        ),
        (
            "event to frame".to_owned(),
            format!("p50 {} ms, p99 {} ms, at most {} ms", at(50), at(99), at(100)),
        ),
        (
            "the same events, nobody listening".to_owned(),
            format!(
                "{:.0} ms beside {:.0} ms with subscribers; memory grew {runs_alone} KiB beside {memory} KiB; \
                 snapshots of {} KiB",
                alone.as_secs_f64() * 1e3,
                listened.as_secs_f64() * 1e3,
                seen.snapshot.load(Ordering::Relaxed) / 1024
            ),
        ),
    ])
}

/// Gives events at an even pace, as long as a spell; the time that it took.
fn give(server: &Server) -> Result<Duration> {
    let mut connection = server.connect()?;
    let start = Instant::now();
    let count = GIVEN * SPELL.as_secs();
    for number in 0..count {
        let due = SPELL.mul_f64(number as f64 / count as f64);
        std::thread::sleep(due.saturating_sub(start.elapsed()));
        connection.expect("POST", "/api/events", "{\"type\":\"tick\",\"data\":{}}")?;
    }
    Ok(start.elapsed())
}

/// What all listeners together have seen.
#[derive(Default)]
struct Seen {
    snapshots: AtomicU64,
    /// Bytes of the largest.
    snapshot: AtomicU64,
    frames: AtomicU64,
    events: AtomicU64,
    /// Milliseconds from an event to its frame, of some.
    late: Mutex<Vec<u64>>,
    over: AtomicBool,
}

fn listen(stream: TcpStream, seen: Arc<Seen>) -> Result<JoinHandle<()>> {
    // A thread each: small, because there are many.
    let thread = std::thread::Builder::new().stack_size(256 << 10);
    Ok(thread.spawn(move || {
        let mut stream = BufReader::with_capacity(16 << 10, stream);
        while let Ok(text) = frame(&mut stream) {
            if seen.over.load(Ordering::Relaxed) {
                return;
            }
            note(&text, &seen);
        }
    })?)
}

fn note(text: &str, seen: &Seen) {
    if text.contains("\"snapshot\":") {
        seen.snapshots.fetch_add(1, Ordering::Relaxed);
        seen.snapshot.fetch_max(text.len() as u64, Ordering::Relaxed);
        return;
    }
    let events = text.matches("{\"k\":\"").count() as u64;
    if events == 0 {
        return;
    }
    let frames = seen.frames.fetch_add(1, Ordering::Relaxed);
    seen.events.fetch_add(events, Ordering::Relaxed);
    // The oldest event of every tenth frame: no other waited longer.
    if frames.is_multiple_of(10)
        && let Some(at) = text.split("\"at\":\"").nth(1).and_then(|rest| rest.split('"').next())
        && let Some(at) = since_midnight(at)
    {
        let day = 24 * 60 * 60 * 1000;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let now = u64::try_from(now.as_millis()).unwrap_or_default() % day;
        let late = (now + day - at) % day;
        seen.late.lock().unwrap_or_else(PoisonError::into_inner).push(late);
    }
}

/// Milliseconds, of `2026-11-21T08:55:01.25Z`.
fn since_midnight(at: &str) -> Option<u64> {
    let time = at.split_once('T')?.1.trim_end_matches('Z');
    let mut parts = time.split(':');
    let (hours, minutes) = (parts.next()?.parse::<u64>().ok()?, parts.next()?.parse::<u64>().ok()?);
    let seconds: f64 = parts.next()?.parse().ok()?;
    Some((hours * 60 + minutes) * 60_000 + (seconds * 1e3) as u64)
}

/// One short message, masked with zeros, which RFC 6455 allows.
fn say(stream: &mut TcpStream, text: &str) -> Result<()> {
    let length = u8::try_from(text.len()).ok().filter(|length| *length < 126);
    let length = length.context("a short message")?;
    stream.write_all(&[0x81, 0x80 | length, 0, 0, 0, 0])?;
    stream.write_all(text.as_bytes())?;
    Ok(())
}

/// The next text; pings are passed over, which the server allows for a minute.
fn frame(stream: &mut BufReader<TcpStream>) -> Result<String> {
    loop {
        let mut head = [0; 2];
        stream.read_exact(&mut head)?;
        let length = match head[1] & 0x7f {
            126 => {
                let mut bytes = [0; 2];
                stream.read_exact(&mut bytes)?;
                u64::from(u16::from_be_bytes(bytes))
            }
            127 => {
                let mut bytes = [0; 8];
                stream.read_exact(&mut bytes)?;
                u64::from_be_bytes(bytes)
            }
            short => u64::from(short),
        };
        let mut body = vec![0; usize::try_from(length)?];
        stream.read_exact(&mut body)?;
        match head[0] & 0x0f {
            1 => return Ok(String::from_utf8(body)?),
            8 => bail!("closed"),
            _ => {}
        }
    }
}
