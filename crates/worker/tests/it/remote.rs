//! A worker on another machine, with real processes and a server that says what the test wants.

mod stage;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use api::link::{
    Assignment, AttemptRef, Collect, End, Exit, Lay, Order, Piece, Stopped, What, Work,
};
use api::worker::{ByeWhy, ToWorker};
use tempfile::TempDir;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::task::JoinHandle;
use worker::remote::{self, Address, Ending, Server, Setup, Told};
use worker::{Options, Program};

use crate::bench::{hear, lives, plain, release};
use stage::{DATA, Heard, House, TOKEN};

static COUNT: AtomicU32 = AtomicU32::new(0);

struct Remote {
    house: House,
    folder: TempDir,
    run: String,
    told: UnboundedSender<Told>,
    work: JoinHandle<Result<Ending, remote::Error>>,
}

impl Remote {
    /// A worker that has said who it is.
    async fn open() -> Self {
        Self::with(|_| {}).await
    }

    async fn with(dress: impl FnOnce(&stage::Stage)) -> Self {
        let house = House::open().await;
        dress(&house.stage);
        let folder = tempfile::tempdir().unwrap();
        let run = format!("{}-r{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let (told, work) = hire(&house.url, folder.path());
        Self { house, folder, run, told, work }
    }

    async fn ready() -> Self {
        let mut remote = Self::open().await;
        remote.house.hello().await;
        remote
    }

    /// The program is killed and started again.
    async fn rehire(&mut self) {
        self.work.abort();
        let _aborted = (&mut self.work).await;
        (self.told, self.work) = hire(&self.house.url, self.folder.path());
    }

    fn script(&self, name: &str, script: &str) -> Assignment {
        Assignment {
            attempt: AttemptRef {
                run: self.run.clone(),
                execution: name.into(),
                number: 1,
                fence: 7,
                key: format!("{}-{name}-1", self.run),
            },
            work: Work::Command { argv: ["sh", "-e", "-c", script].map(str::to_owned).to_vec() },
            env: BTreeMap::new(),
            effect_key: None,
            working_dir: format!("{DATA}/workspaces/{}", self.run),
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

    fn start(&self, assignment: &Assignment) {
        self.house.order(Order::Start(Box::new(assignment.clone())));
    }

    fn is_held(&self, assignment: &Assignment) {
        self.house.stage.adopts.lock().unwrap().push(assignment.attempt.clone());
    }

    /// A named pipe in the worker's folder, by its path.
    fn fifo(&self, name: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
        path
    }

    async fn exited(&mut self) -> Exit {
        match self.house.report().await.1 {
            What::Exited(exit) => *exit,
            other => panic!("expected an end: {other:?}"),
        }
    }

    fn output(&self, assignment: &Assignment) -> String {
        let outputs = self.house.stage.outputs.lock().unwrap();
        let bytes = outputs.get(&assignment.attempt.key).cloned().unwrap_or_default();
        String::from_utf8(bytes).unwrap()
    }

    async fn ending(self) -> Ending {
        self.work.await.unwrap().unwrap()
    }
}

fn hire(
    url: &str,
    folder: &Path,
) -> (UnboundedSender<Told>, JoinHandle<Result<Ending, remote::Error>>) {
    let program = std::env::current_exe().unwrap();
    let program = program.parent().unwrap().parent().unwrap().join("examples/keeper");
    let mut hands = Options::new(folder).unwrap();
    let words = ["--data-dir", folder.to_str().unwrap(), "--linger-ms", "200"];
    let args = words.into_iter().map(Into::into).collect();
    hands.keeper = Program { program, args };
    let path = std::env::var("PATH").unwrap();
    hands.environment =
        BTreeMap::from([("PATH".into(), path), ("ORCHESTRATE_TOKEN".into(), TOKEN.into())]);
    let setup = Setup {
        server: Server::new(Address::parse(url).unwrap(), None).unwrap(),
        token: TOKEN.into(),
        name: "w1".into(),
        labels: ["gpu".to_owned()].into(),
        slots: 2,
        version: "0".into(),
        hands,
        drain_timeout: None,
    };
    let (told, orders) = unbounded_channel();
    (told, tokio::spawn(async { remote::run(setup, orders, |_event| {}).await }))
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(work).await.unwrap()
}

async fn until_dead(pid: u32) {
    let pid = rustix::process::Pid::from_raw(pid.cast_signed()).unwrap();
    blocking(move || {
        let flags = rustix::process::PidfdFlags::empty();
        let Ok(pidfd) = rustix::process::pidfd_open(pid, flags) else { return };
        let patience = rustix::time::Timespec { tv_sec: 30, tv_nsec: 0 };
        let mut watch = [rustix::event::PollFd::new(&pidfd, rustix::event::PollFlags::IN)];
        assert_eq!(rustix::event::poll(&mut watch, Some(&patience)).unwrap(), 1);
    })
    .await;
}

fn digest(text: &str) -> String {
    use sha2::Digest as _;
    sha2::Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn all_of_a_stage_is_at_the_server_before_its_end_is() {
    let mut remote = Remote::open().await;
    let hello = remote.house.hello().await;
    assert_eq!((hello.name.as_str(), hello.slots, hello.held.len()), ("w1", 2, 0));
    assert!(hello.labels.contains("gpu") && hello.identity.len() == 32 && hello.cpus > 0);
    let stage = Arc::clone(&remote.house.stage);
    stage.blobs.lock().unwrap().insert(digest("from afar\n"), b"from afar\n".to_vec());
    stage.secrets.lock().unwrap().insert("KEY".into(), "open-sesame".into());
    let mut script = remote.script(
        "a",
        "pwd; echo \"key $KEY token ${ORCHESTRATE_TOKEN-none}\"
         cat $ORCHESTRATE_CONTEXT/plan/in.txt > out.txt; echo done=yes > $ORCHESTRATE_OUTPUT",
    );
    script.env.insert("KEY".into(), vec![Piece::Secret("KEY".into())]);
    script.context.push(Lay { path: "plan/in.txt".into(), digest: digest("from afar\n") });
    script.artifacts.push(Collect {
        name: "out".into(),
        path: "out.txt".into(),
        format: "txt".into(),
        required: true,
        schema: None,
        max_bytes: 100,
    });
    stage.blobs.lock().unwrap().insert("other".into(), Vec::new());
    remote.start(&script);
    remote.house.started().await;
    let exit = remote.exited().await;
    assert_eq!(exit.end, End::Code(0), "{exit:?}");
    assert_eq!(exit.outputs.as_deref(), Some("done=yes\n"));
    assert_eq!(exit.artifacts_error, None);
    assert_eq!(exit.artifacts[0].digest, digest("from afar\n"));
    let place = remote.folder.path().canonicalize().unwrap().join("workspaces").join(&remote.run);
    let wanted = format!("{}\nkey *** token none\n", place.display());
    assert_eq!(remote.output(&script), wanted, "its own folder, the secret masked, no token");
    assert_eq!(stage.secret_asks.load(Ordering::Relaxed), 1, "also for the artifacts");
    remote.house.order(Order::Forget { attempt: script.attempt.clone() });
    remote.told.send(Told::Drain).unwrap();
    assert!(matches!(remote.house.next().await, Heard::Draining));
    remote.house.bye(ByeWhy::Drained);
    assert_eq!(remote.ending().await, Ending::Drained);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_stored_is_said_again() {
    let mut remote = Remote::ready().await;
    let stage = Arc::clone(&remote.house.stage);
    let gate = remote.fifo("gate");
    let script =
        remote.script("a", &format!("echo one; read x < {}; echo two; exit 3", gate.display()));
    remote.start(&script);
    remote.house.started().await;
    remote.is_held(&script);
    stage.stores.store(false, Ordering::Relaxed);
    stage.full.store(2, Ordering::Relaxed);
    blocking(move || release(&gate)).await;
    assert_eq!(remote.exited().await.end, End::Code(3));
    assert_eq!(remote.output(&script), "one\ntwo\n", "tried again, and nothing twice");
    remote.house.hang_up();
    let hello = remote.house.hello().await;
    assert_eq!(hello.held, std::slice::from_ref(&script.attempt));
    stage.stores.store(true, Ordering::Relaxed);
    let (seq, what) = remote.house.report().await;
    assert_eq!(seq, 1);
    assert!(matches!(what, What::Exited(exit) if exit.end == End::Code(3)));
    stage.adopts.lock().unwrap().clear();
    remote.told.send(Told::Drain).unwrap();
    assert!(matches!(remote.house.next().await, Heard::Draining), "it is said once");
    remote.house.bye(ByeWhy::Drained);
    assert_eq!(remote.ending().await, Ending::Drained);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_was_killed_finds_its_children_again() {
    let mut remote = Remote::open().await;
    let before = remote.house.hello().await;
    let gate = remote.fifo("gate");
    let script = remote.script("a", &format!("echo one; read x < {}; exit 3", gate.display()));
    remote.start(&script);
    let pid = remote.house.started().await;
    remote.is_held(&script);
    remote.rehire().await;
    let mut after = remote.house.next().await;
    if matches!(after, Heard::Gone) {
        after = remote.house.next().await;
    }
    let Heard::Hello(after) = after else { panic!("{after:?}") };
    assert_eq!(after.identity, before.identity);
    assert_ne!(after.session, before.session);
    assert_eq!(after.held, std::slice::from_ref(&script.attempt));
    let mut found = remote.house.next().await;
    if matches!(found, Heard::Gone) {
        found = remote.house.next().await;
    }
    assert!(
        matches!(&found, Heard::Report(1, report) if matches!(report.what, What::Started { pid: p } if p == pid)),
        "{found:?}"
    );
    assert_eq!(remote.house.printed().await, "one\n", "before it says more");
    blocking(move || release(&gate)).await;
    assert_eq!(remote.exited().await.end, End::Code(3));
    assert_eq!(remote.output(&script), "one\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_an_answer_everything_ends_before_the_lease_does() {
    let mut remote = Remote::with(|stage| stage.fence_ms.store(1000, Ordering::Relaxed)).await;
    remote.house.hello().await;
    let stage = Arc::clone(&remote.house.stage);
    let ready = remote.fifo("ready");
    let script = remote.script(
        "a",
        &format!("trap '' TERM; echo up > {}; while :; do sleep 1000; done", ready.display()),
    );
    remote.start(&script);
    let pid = remote.house.started().await;
    blocking(move || hear(&ready)).await;
    remote.is_held(&script);
    // Nobody is there any more, and who comes back is turned away.
    stage.status.store(503, Ordering::Relaxed);
    stage.answers.store(false, Ordering::Relaxed);
    until_dead(pid).await;
    assert!(!lives(pid));
    stage.status.store(0, Ordering::Relaxed);
    stage.answers.store(true, Ordering::Relaxed);
    loop {
        match remote.house.next().await {
            Heard::Gone | Heard::Hello(_) => {}
            Heard::Report(_, report) => match report.what {
                What::Lost { message } => {
                    assert!(message.contains("ended it by itself"), "{message}");
                    break;
                }
                other => panic!("{other:?}"),
            },
            Heard::Draining => panic!("nobody said so"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_server_holds_to_be_elsewhere_is_stopped_in_silence() {
    let mut remote = Remote::ready().await;
    let ready = remote.fifo("ready");
    let script = remote.script("a", &format!("echo up > {}; sleep 1000", ready.display()));
    remote.start(&script);
    let pid = remote.house.started().await;
    blocking(move || hear(&ready)).await;
    remote.house.hang_up();
    assert_eq!(remote.house.hello().await.held.len(), 1);
    until_dead(pid).await;
    let next = remote.script("b", "exit 2");
    remote.start(&next);
    remote.house.started().await;
    assert_eq!(remote.exited().await.end, End::Code(2), "nothing was said of the other");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_reaches_what_is_still_being_prepared_and_what_runs() {
    let mut remote = Remote::ready().await;
    let mut waits = remote.script("a", "true");
    waits.context.push(Lay { path: "x".into(), digest: digest("nobody has it") });
    remote.start(&waits);
    match remote.house.report().await.1 {
        What::NotStarted { message } => assert!(message.contains("context file `x`"), "{message}"),
        other => panic!("{other:?}"),
    }
    let ready = remote.fifo("ready");
    let runs = remote.script("b", &format!("echo up > {}; sleep 1000", ready.display()));
    remote.start(&runs);
    remote.house.started().await;
    blocking(move || hear(&ready)).await;
    let attempt = runs.attempt.clone();
    remote.house.order(Order::Stop { attempt, reason: Stopped::Cancelled });
    assert_eq!(remote.exited().await.end, End::Stopped(Stopped::Cancelled));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_never_started_can_be_ordered_before_that_is_stored() {
    let mut remote = Remote::ready().await;
    let script = remote.script("a", "exit 2");
    remote.house.order(Order::Adopt { attempts: vec![script.attempt.clone()] });
    remote.house.stage.stores.store(false, Ordering::Relaxed);
    assert!(matches!(remote.house.report().await, (1, What::NeverStarted)));
    remote.start(&script);
    remote.house.started().await;
    remote.house.say(ToWorker::Stored { seq: 1 });
    assert_eq!(remote.exited().await.end, End::Code(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_told_twice_stops_what_runs_and_says_that_it_is_lost() {
    let mut remote = Remote::ready().await;
    let ready = remote.fifo("ready");
    let script = remote.script("a", &format!("echo up > {}; sleep 1000", ready.display()));
    remote.start(&script);
    let pid = remote.house.started().await;
    blocking(move || hear(&ready)).await;
    remote.told.send(Told::Drain).unwrap();
    assert!(matches!(remote.house.next().await, Heard::Draining));
    remote.told.send(Told::Drain).unwrap();
    assert!(matches!(remote.house.report().await.1, What::Lost { .. }));
    assert!(!lives(pid));
    remote.house.bye(ByeWhy::Drained);
    assert_eq!(remote.ending().await, Ending::Stopped);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_is_not_wanted_does_not_come_back() {
    let remote = Remote::with(|stage| stage.status.store(403, Ordering::Relaxed)).await;
    let Ending::Refused { status, message, hints } = remote.ending().await else { panic!() };
    assert_eq!((status, message.as_str()), (Some(403), "the token may not work"));
    assert_eq!(hints, ["orchestrate token create"]);
    let mut remote = Remote::ready().await;
    remote.start(&remote.script("a", "exit 1"));
    remote.house.started().await;
    remote.exited().await;
    remote.house.bye(ByeWhy::Refused);
    assert!(matches!(remote.ending().await, Ending::Refused { status: None, .. }));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_other_machine_can_do_is_refused() {
    let mut remote = Remote::ready().await;
    let mut script = remote.script("a", "true");
    script.runtime = Some(api::runtime::Runtime {
        called: "r#1".into(),
        place: api::runtime::Place::Tmux { program: "tmux".into() },
    });
    script.env.insert("A".into(), plain("b"));
    remote.start(&script);
    match remote.house.report().await.1 {
        What::NotStarted { message } => assert!(message.contains("runs_on"), "{message}"),
        other => panic!("{other:?}"),
    }
}
