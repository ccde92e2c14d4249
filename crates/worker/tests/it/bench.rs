//! A data folder, a worker and what it reports.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use api::link::{Assignment, AttemptRef, Exit, Order, Piece, Report, Stopped, What, Work};
use tempfile::TempDir;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use worker::{Options, Program, Worker};

/// Nothing here takes so long unless it is broken.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) struct Replaced {
    pub(crate) orders: UnboundedSender<Order>,
    pub(crate) worker: Worker,
    pub(crate) reports: Receiver<Report>,
}

static COUNT: AtomicU32 = AtomicU32::new(0);

pub(crate) struct Bench {
    pub(crate) dir: TempDir,
    /// Unlike that of every other test: processes are recognised by the keys made of it.
    pub(crate) run: String,
    orders: Option<UnboundedSender<Order>>,
    reports: Receiver<Report>,
    worker: Option<Worker>,
    environment: BTreeMap<String, String>,
    options: fn(&mut Options),
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self::with(|_| {})
    }

    pub(crate) fn with(options: fn(&mut Options)) -> Self {
        let path = std::env::var("PATH").unwrap();
        let mut bench = Self {
            dir: tempfile::tempdir().unwrap(),
            run: format!("{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed)),
            orders: None,
            reports: channel().1,
            worker: None,
            environment: BTreeMap::from([("PATH".to_owned(), path)]),
            options,
        };
        bench.hire();
        bench
    }

    /// Lets the worker go and takes on a new one, as a restarted server does.
    pub(crate) fn rehire(&mut self) {
        self.dismiss();
        self.hire();
    }

    pub(crate) fn dismiss(&mut self) {
        self.orders = None;
        if let Some(worker) = self.worker.take() {
            worker.join();
        }
    }

    /// Takes on a new worker while the old one believes itself in office.
    pub(crate) fn replace(&mut self) -> Replaced {
        let orders = self.orders.take().unwrap();
        let worker = self.worker.take().unwrap();
        let reports = std::mem::replace(&mut self.reports, channel().1);
        self.hire();
        Replaced { orders, worker, reports }
    }

    pub(crate) fn set_environment(&mut self, name: &str, value: &str) {
        self.environment.insert(name.into(), value.into());
        self.rehire();
    }

    fn hire(&mut self) {
        let tests = std::env::current_exe().unwrap();
        let program = tests.parent().unwrap().parent().unwrap().join("examples/keeper");
        let mut options = Options::new(self.dir.path()).unwrap();
        let data_dir = self.dir.path().into();
        let args = vec!["--data-dir".into(), data_dir, "--linger-ms".into(), "200".into()];
        options.carrier = Program { program: program.clone(), args: vec!["carry".into()] };
        options.keeper = Program { program, args };
        options.environment = self.environment.clone();
        (self.options)(&mut options);
        let (orders, receiver) = unbounded_channel();
        let (sender, reports) = channel();
        let report = move |report| {
            let _ = sender.send(report);
        };
        self.worker = Some(Worker::spawn(options, receiver, report).unwrap());
        self.orders = Some(orders);
        self.reports = reports;
    }

    pub(crate) fn order(&self, order: Order) {
        self.orders.as_ref().unwrap().send(order).unwrap();
    }

    pub(crate) fn start(&self, assignment: &Assignment) {
        self.order(Order::Start(Box::new(assignment.clone())));
    }

    /// Everything ends so long from now.
    pub(crate) fn fence(&self, after: Duration, grace: Duration) {
        let at = worker::fence::now() + after;
        self.worker.as_ref().unwrap().fence(worker::fence::Fence { at, grace });
    }

    pub(crate) fn stop(&self, assignment: &Assignment, reason: Stopped) {
        self.order(Order::Stop { attempt: assignment.attempt.clone(), reason });
    }

    pub(crate) fn adopt(&self, assignment: &Assignment) {
        self.order(Order::Adopt { attempts: vec![assignment.attempt.clone()] });
    }

    /// A shell script as an attempt of its own.
    pub(crate) fn script(&self, name: &str, script: &str) -> Assignment {
        self.command(name, &["sh", "-e", "-c", script])
    }

    pub(crate) fn command(&self, name: &str, argv: &[&str]) -> Assignment {
        Assignment {
            attempt: AttemptRef {
                run: self.run.clone(),
                execution: name.into(),
                number: 1,
                fence: 7,
                key: format!("{}-{name}-1", self.run),
            },
            work: Work::Command { argv: argv.iter().map(|&word| word.into()).collect() },
            env: BTreeMap::new(),
            effect_key: None,
            working_dir: self.dir.path().display().to_string(),
            // What a failed test leaves behind ends some time.
            timeout_ms: Some(120_000),
            idle_ms: None,
            grace_ms: 10_000,
            once: false,
            environment: None,
            artifacts: Vec::new(),
            context: Vec::new(),
            input: None,
            form: None,
            feedback: None,
            revision: 0,
            worktree: None,
            runtime: None,
        }
    }

    /// The next report that is not about growing output.
    pub(crate) fn next(&self) -> Report {
        loop {
            let report = self.reports.recv_timeout(PATIENCE).expect("no report came");
            if !matches!(report.what, What::Output { .. } | What::Seen(_)) {
                return report;
            }
        }
    }

    pub(crate) fn any(&self) -> Report {
        self.reports.recv_timeout(PATIENCE).expect("no report came")
    }

    pub(crate) fn started(&self) -> u32 {
        match self.next().what {
            What::Started { pid } => pid,
            other => panic!("expected a start: {other:?}"),
        }
    }

    /// The end of an attempt whose start has been seen.
    pub(crate) fn ended(&self) -> Exit {
        match self.next().what {
            What::Exited(exit) => *exit,
            other => panic!("expected an end: {other:?}"),
        }
    }

    pub(crate) fn run(&self, assignment: &Assignment) -> Exit {
        self.start(assignment);
        self.started();
        self.ended()
    }

    pub(crate) fn folder(&self, assignment: &Assignment) -> PathBuf {
        let AttemptRef { run, key, .. } = &assignment.attempt;
        self.dir.path().join(api::capture::folder(run, key).unwrap())
    }

    /// The captured output as it lies on disk.
    pub(crate) fn output(&self, assignment: &Assignment) -> Vec<u8> {
        std::fs::read(self.folder(assignment).join(api::capture::OUTPUT)).unwrap_or_default()
    }

    /// A named pipe, by which scripts and tests wait for each other.
    pub(crate) fn fifo(&self, name: &str) -> PathBuf {
        let path = self.dir.path().join(name);
        let made = std::process::Command::new("mkfifo").arg(&path).status().unwrap();
        assert!(made.success());
        path
    }

    pub(crate) fn keeper(&self) -> u32 {
        let own = std::fs::canonicalize(self.dir.path()).unwrap();
        processes()
            .find(|pid| {
                let arguments = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
                let text = String::from_utf8_lossy(&arguments).into_owned();
                text.contains("examples/keeper\0") && text.contains(own.to_str().unwrap())
            })
            .expect("no keeper")
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        self.dismiss();
    }
}

pub(crate) fn plain(text: &str) -> Vec<Piece> {
    vec![Piece::Plain(text.into())]
}

pub(crate) fn processes() -> impl Iterator<Item = u32> {
    let entries = std::fs::read_dir("/proc").unwrap();
    entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
}

/// Whether a process lives (a zombie does not).
pub(crate) fn lives(pid: u32) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat"))
        .is_ok_and(|stat| !stat.rsplit_once(") ").unwrap().1.starts_with(['Z', 'X']))
}

/// Waits until a script writes a line to a named pipe.
pub(crate) fn hear(fifo: &Path) -> String {
    std::fs::read_to_string(fifo).unwrap().trim().to_owned()
}

/// Lets a script that reads from a named pipe go on.
pub(crate) fn release(fifo: &Path) {
    std::fs::write(fifo, "go\n").unwrap();
}
