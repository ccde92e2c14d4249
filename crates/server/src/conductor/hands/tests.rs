use api::worker::{ByeWhy, Hello, ToWorker};
use engine::id::ExecutionId;
use jiff::SignedDuration;
use std::time::Duration;
use store::port::WorkerState;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use uuid::Uuid;

use super::*;

const LEASE: Duration = Duration::from_secs(30);

fn at(seconds: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + SignedDuration::from_secs(seconds)
}

fn run(number: u128) -> RunId {
    RunId(Uuid::from_u128(number))
}

fn attempt(stage: &str) -> AttemptId {
    AttemptId { execution: ExecutionId::stage(stage), number: 1, fence: 1 }
}

fn labels(words: &[&str]) -> Labels {
    words.iter().map(|&word| word.to_owned()).collect()
}

fn hello(name: &str, session: &str, words: &[&str], slots: u32) -> Hello {
    Hello {
        name: name.to_owned(),
        session: session.to_owned(),
        identity: String::new(),
        labels: labels(words).into_iter().collect(),
        slots,
        version: String::new(),
        host: "box".to_owned(),
        platform: String::new(),
        cpus: 1,
        memory_bytes: 1,
        held: Vec::new(),
    }
}

struct Bench {
    hands: Hands,
    _orders: UnboundedReceiver<Order>,
    heard: Vec<UnboundedReceiver<ToWorker>>,
}

impl Bench {
    fn new() -> Self {
        let (sender, orders) = unbounded_channel();
        Self { hands: Hands::new(sender, 2), _orders: orders, heard: Vec::new() }
    }

    fn join(&mut self, hello: Hello, now: i64) -> Result<u64, ByeWhy> {
        let (say, heard) = unbounded_channel();
        let (name, connection) =
            self.hands.fleet.admit(hello, say, LEASE, at(now)).map_err(|bye| bye.why)?;
        self.heard.push(heard);
        self.hands.greet(&name, connection, "/data");
        let _stored = self.hands.fleet.take_unsaved();
        Ok(connection)
    }

    /// What is placed now, as `stage@worker`; it is held from then on.
    fn place(&mut self) -> Vec<String> {
        let placed = self.hands.place();
        let of = placed.into_iter().map(|(whose, _, worker)| {
            let said = format!("{}@{worker}", whose.attempt.execution);
            let key = format!("{}-{}", whose.run, whose.attempt.execution);
            let with = With::Worker(worker);
            self.hands.hold(Adopted { whose, key, with, started: None });
            said
        });
        of.collect()
    }

    fn why(&self, words: &[&str]) -> String {
        let reasons = self.hands.reasons();
        reasons.of(run(9), &ExecutionId::stage("x"), &labels(words))
    }

    fn end(&mut self, run: RunId, stage: &str) {
        self.hands.never_started(&running(run, &attempt(stage)));
    }
}

#[test]
fn the_oldest_run_comes_first_and_what_nothing_takes_holds_up_nobody() {
    let mut bench = Bench::new();
    bench.hands.want(run(1), vec![attempt("here")], vec![(attempt("a"), labels(&["tpu"]))]);
    let two = vec![(attempt("b"), labels(&["gpu"])), (attempt("c"), labels(&["gpu", "linux"]))];
    bench.hands.want(run(2), Vec::new(), two);
    bench.hands.want(run(3), Vec::new(), vec![(attempt("d"), labels(&["gpu"]))]);
    assert_eq!(bench.hands.queued(), 5);
    assert_eq!(bench.hands.next(&HashSet::new()), [running(run(1), &attempt("here"))]);
    assert_eq!(bench.place(), [""; 0], "nobody is there");
    bench.join(hello("g2", "s", &["gpu", "linux"], 1), 0).unwrap();
    bench.join(hello("g1", "s", &["gpu"], 2), 0).unwrap();
    assert_eq!(bench.place(), ["b@g1", "c@g2", "d@g1"]);
    assert_eq!(bench.place(), [""; 0], "only `tpu` is left");
    assert_eq!(bench.hands.queued(), 1);
    assert_eq!(bench.why(&["tpu"]), "needs label tpu; 0 of 3 workers have it");
    // An attempt that is held is not wanted a second time.
    bench.hands.want(run(3), Vec::new(), vec![(attempt("d"), labels(&["gpu"]))]);
    assert_eq!(bench.hands.queued(), 1);
}

#[test]
fn why_something_waits_is_said_of_the_workers_as_they_are() {
    let mut bench = Bench::new();
    bench.hands.want(run(9), Vec::new(), vec![(attempt("x"), labels(&["gpu"]))]);
    assert_eq!(bench.why(&["gpu"]), "needs label gpu; 0 of 1 worker has it");
    bench.join(hello("c1", "s", &["linux"], 1), 0).unwrap();
    bench.hands.want(run(8), Vec::new(), vec![(attempt("y"), labels(&["gpu", "linux"]))]);
    assert_eq!(
        bench.why(&["gpu", "linux"]),
        "needs labels gpu and linux; 0 of 2 workers have them"
    );
    bench.hands.want(run(8), Vec::new(), Vec::new());
    let connection = bench.join(hello("g1", "s", &["gpu"], 1), 0).unwrap();
    assert_eq!(bench.why(&["gpu"]), "needs label gpu; a worker takes it in the next step");
    bench.hands.want(run(7), Vec::new(), vec![(attempt("z"), labels(&["gpu"]))]);
    assert_eq!(bench.place(), ["z@g1"]);
    let taken = "needs label gpu; the slot of worker g1, which has it, is taken";
    assert_eq!(bench.why(&["gpu"]), taken);
    bench.join(hello("g2", "s", &["gpu"], 3), 0).unwrap();
    let four = ["p", "q", "r"].map(|stage| (attempt(stage), labels(&["gpu"])));
    bench.hands.want(run(6), Vec::new(), four.into());
    assert_eq!(bench.place(), ["p@g2", "q@g2", "r@g2"]);
    let all = "needs label gpu; all 4 slots of the 2 workers that have it are taken";
    assert_eq!(bench.why(&["gpu"]), all);
    bench.hands.fleet.drain("g2", Some("ann"), at(1));
    assert_eq!(bench.why(&["gpu"]), taken);
    bench.end(run(7), "z");
    bench.hands.fleet.cut("g1", connection);
    assert_eq!(
        bench.why(&["gpu"]),
        "needs label gpu; worker g1, which has it, is not connected: it is waited for until \
         00:00:30 UTC"
    );
    bench.hands.fleet.drain("g1", Some("ann"), at(1));
    assert_eq!(bench.why(&["gpu"]), "needs label gpu; the 2 workers that have it drain");
    for (name, _) in bench.hands.fleet.lose(at(31)) {
        bench.hands.give_up(&name);
    }
    let lost = "needs label gpu; 0 of 1 worker has it; worker g2, which has it, is lost";
    assert_eq!(bench.why(&["gpu"]), lost);
}

#[test]
fn a_name_is_one_workers_as_long_as_its_lease() {
    let mut bench = Bench::new();
    let mut proved = hello("g1", "s", &["gpu"], 1);
    proved.identity = "only its folder has this".to_owned();
    let first = bench.join(proved.clone(), 0).unwrap();
    assert_eq!(bench.join(hello("g1", "t", &[], 1), 10), Err(ByeWhy::Refused));
    let second = bench.join(hello("g1", "s", &["gpu"], 1), 10).unwrap();
    assert!(!bench.hands.fleet.heard("g1", first, at(11)), "it was superseded");
    assert!(bench.hands.fleet.heard("g1", second, at(11)));
    assert_eq!(bench.hands.fleet.next(), Some(at(41)));
    let mut stolen = hello("g1", "t", &["gpu"], 1);
    stolen.identity = "something else".to_owned();
    assert_eq!(bench.join(stolen.clone(), 12), Err(ByeWhy::Refused));
    let again = Hello { session: "u".to_owned(), ..proved };
    // The session before proved nothing, so its name is not given away to whoever proves something.
    assert_eq!(bench.join(again.clone(), 12), Err(ByeWhy::Refused));
    assert_eq!(bench.hands.fleet.lose(at(41)).len(), 1);
    bench.join(again.clone(), 50).unwrap();
    bench.join(Hello { session: "v".to_owned(), ..again }, 51).unwrap();
    assert_eq!(bench.join(stolen, 52), Err(ByeWhy::Refused));
    for bad in ["", "local", "connect", "a b", "a/b", &"x".repeat(65)] {
        assert_eq!(bench.join(hello(bad, "s", &[], 1), 60), Err(ByeWhy::Refused), "{bad}");
    }
    assert_eq!(bench.join(hello("z", "s", &["not a label"], 1), 60), Err(ByeWhy::Refused));
    assert_eq!(bench.join(hello("z", "s", &[], 0), 60), Err(ByeWhy::Refused));
}

#[test]
fn reports_are_acknowledged_as_far_as_all_of_them_are_stored() {
    let mut bench = Bench::new();
    let connection = bench.join(hello("g1", "s", &[], 1), 0).unwrap();
    let sender = |seq| Sender { worker: Arc::from("g1"), connection, seq };
    assert_eq!(acknowledged(&mut bench), [0; 0]);
    for seq in 1..=3 {
        bench.hands.fleet.came(&sender(seq));
    }
    bench.hands.fleet.stored(&sender(2));
    assert_eq!(acknowledged(&mut bench), [0; 0], "the first is not");
    bench.hands.fleet.stored(&sender(1));
    assert_eq!(acknowledged(&mut bench), [2]);
    bench.hands.fleet.stored(&sender(3));
    assert_eq!(acknowledged(&mut bench), [3]);
    bench.hands.fleet.stored(&Sender { connection: connection + 1, ..sender(4) });
    assert_eq!(acknowledged(&mut bench), [0; 0], "of another connection");
}

fn acknowledged(bench: &mut Bench) -> Vec<u64> {
    bench.hands.fleet.acknowledge();
    let mut seqs = Vec::new();
    while let Ok(said) = bench.heard[0].try_recv() {
        if let ToWorker::Stored { seq } = said {
            seqs.push(seq);
        }
    }
    seqs
}

#[test]
fn a_doubt_ends_with_the_longest_lease_of_those_who_could_have_it() {
    let mut bench = Bench::new();
    bench.join(hello("g1", "s", &["gpu"], 1), 0).unwrap();
    let rows = bench.hands.fleet.iter().map(|(_, worker)| worker.row.clone()).collect();
    let mut bench = Bench::new();
    bench.hands.fleet = Fleet::of(rows, at(100));
    assert_eq!(bench.hands.fleet.may_hold(&labels(&["tpu"])), None);
    let until = bench.hands.fleet.may_hold(&labels(&["gpu"])).unwrap();
    assert_eq!(until, at(130));
    let whose = running(run(1), &attempt("a"));
    let with = With::Doubtful { labels: labels(&["gpu"]), until };
    bench.hands.adopt(vec![Adopted { whose: whose.clone(), key: "k".into(), with, started: None }]);
    bench.hands.want(run(1), Vec::new(), vec![(attempt("a"), labels(&["gpu"]))]);
    assert_eq!(bench.hands.queued(), 0, "nobody gets it as long as somebody may have it");
    assert_eq!(bench.hands.next_due(), Some(at(130)));
    assert!(bench.hands.end_doubt(at(129)).is_empty());
    assert_eq!(bench.hands.fleet.lose(at(130)).len(), 1);
    assert_eq!(bench.hands.end_doubt(at(130)), [run(1)]);
    bench.hands.want(run(1), Vec::new(), vec![(attempt("a"), labels(&["gpu"]))]);
    assert_eq!((bench.hands.queued(), bench.hands.next_due()), (1, None));
    assert_eq!(bench.hands.fleet.get("g1").unwrap().row.state, WorkerState::Lost);
}
