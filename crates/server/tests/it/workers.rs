//! Workers on other machines, scripted: they speak over the socket what `api::worker` says.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use api::link::{Assignment, AttemptRef, Order, Report, What};
use api::worker::{Bye, ByeWhy, FromWorker, Hello, ToWorker, Welcome};
use futures_util::{SinkExt, StreamExt};
use http::StatusCode;
use jiff::SignedDuration;
use serde_json::{Value as Json, json};
use server::Ahead;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::bench::{Bench, by_hand, call_with, exited};
use crate::disk::Disk;

const TOKEN: &str = "s3cret";
const TRAIN: &str = "
name: train
stages:
  - {name: fit, run: ./fit, runs_on: gpu, depends_on: []}
  - {name: lint, run: ./lint, depends_on: []}
";
const ALONE: &str = "name: alone\nstages: [{name: fit, run: ./fit, runs_on: gpu}]";

/// A server on this disk, with a clock that goes when it is told to.
struct Place {
    bench: Bench,
    ahead: Ahead,
    at: SocketAddr,
}

impl Place {
    async fn new(disk: &Disk) -> Self {
        let ahead = Ahead::default();
        let of = ahead.clone();
        let bench = Bench::with(
            Box::new(disk.clone()),
            Arc::new(disk.reader.clone()),
            by_hand(),
            move |options| options.ahead = of,
        );
        let at = bench.server.listen_tcp("127.0.0.1:0".parse().unwrap(), TOKEN).await.unwrap();
        Self { bench, ahead, at }
    }

    /// Time passes, and the conductor sees it.
    async fn pass(&self, seconds: i64) {
        self.ahead.pass(SignedDuration::from_secs(seconds));
        self.bench.get("/api/workers").await;
        self.bench.get("/api/workers").await;
    }

    async fn worker(&self, name: &str) -> Json {
        self.bench.get(&format!("/api/workers/{name}")).await
    }

    /// Why the only thing that waits does.
    async fn why(&self) -> String {
        let queue = self.bench.get("/api/queue").await;
        let data = queue["data"].as_array().unwrap();
        assert_eq!(data.len(), 1, "{queue}");
        data[0]["why"].as_str().unwrap().to_owned()
    }

    /// What is shown of a stage of the only run of `pipeline`.
    async fn stage(&self, run: &str, stage: &str) -> Json {
        let detail = self.bench.get(&format!("/api/runs/{run}")).await;
        let stages = detail["stages"].as_array().unwrap();
        stages.iter().find(|one| one["name"] == stage).unwrap().clone()
    }

    /// A request beside the socket.
    async fn beside(&self, worker: &Scripted, method: &str, path: &str, body: Json) -> u16 {
        let (key, name) = (&worker.last.key, &worker.hello.name);
        let path = format!("/api/workers/{name}/attempts/{key}/{path}");
        let session = [("orchestrate-session", &*worker.hello.session)];
        let (status, _) = call_with(self.bench.router(), method, &path, body, &session).await;
        status.as_u16()
    }
}

struct Scripted {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    hello: Hello,
    seq: u64,
    /// The attempt that it was handed last.
    last: AttemptRef,
}

fn hello(name: &str, session: &str, labels: &[&str]) -> Hello {
    Hello {
        name: name.to_owned(),
        session: session.to_owned(),
        identity: String::new(),
        labels: labels.iter().map(|&label| label.to_owned()).collect(),
        slots: 1,
        version: "0.0.1".to_owned(),
        host: "box".to_owned(),
        platform: "linux x86_64".to_owned(),
        cpus: 8,
        memory_bytes: 1 << 30,
        held: Vec::new(),
    }
}

impl Scripted {
    async fn open(at: SocketAddr, token: &str, hello: Hello) -> Self {
        let mut request = format!("ws://{at}/api/workers/connect").into_client_request().unwrap();
        let bearer = format!("Bearer {token}").parse().unwrap();
        request.headers_mut().insert("authorization", bearer);
        let (socket, _) = connect_async(request).await.unwrap();
        let none = String::new;
        let last = AttemptRef { run: none(), execution: none(), number: 0, fence: 0, key: none() };
        let mut worker = Self { socket, hello: hello.clone(), seq: 0, last };
        worker.say(&FromWorker::Hello(Box::new(hello))).await;
        worker
    }

    /// Let in, with what it is held to have.
    async fn join(place: &Place, hello: Hello) -> (Self, Vec<AttemptRef>) {
        let mut worker = Self::open(place.at, TOKEN, hello).await;
        let Some(ToWorker::Welcome(Welcome { lease_ms, renew_ms, fence_ms, .. })) =
            worker.hear().await
        else {
            panic!("not welcome")
        };
        assert_eq!((lease_ms, renew_ms, fence_ms), (30_000, 10_000, 20_000));
        let adopted = match worker.order().await {
            Order::Adopt { attempts } => attempts,
            other => panic!("{other:?}"),
        };
        (worker, adopted)
    }

    async fn say(&mut self, what: &FromWorker) {
        let text = serde_json::to_string(what).unwrap();
        self.socket.send(Message::Text(text.into())).await.unwrap();
    }

    /// `None`: the connection is over.
    async fn hear(&mut self) -> Option<ToWorker> {
        loop {
            let next = tokio::time::timeout(Duration::from_secs(30), self.socket.next());
            match next.await.expect("nothing was said for 30 s")? {
                Ok(Message::Text(text)) => return Some(serde_json::from_str(&text).unwrap()),
                Ok(Message::Close(_)) | Err(_) => return None,
                Ok(_) => {}
            }
        }
    }

    /// The next order; what is only bookkeeping is passed over.
    async fn order(&mut self) -> Order {
        loop {
            match self.hear().await.expect("the connection is over") {
                ToWorker::Order { order } => return *order,
                ToWorker::Stored { .. } | ToWorker::Beat => {}
                other => panic!("{other:?}"),
            }
        }
    }

    async fn bye(&mut self) -> Bye {
        loop {
            match self.hear().await.expect("the connection is over without a word") {
                ToWorker::Bye(bye) => return bye,
                ToWorker::Stored { .. } | ToWorker::Beat | ToWorker::Order { .. } => {}
                other => panic!("{other:?}"),
            }
        }
    }

    async fn started(&mut self) -> Box<Assignment> {
        match self.order().await {
            Order::Start(assignment) => {
                self.last = assignment.attempt.clone();
                assignment
            }
            other => panic!("{other:?}"),
        }
    }

    /// Reported, and heard to be stored.
    async fn report(&mut self, what: What) {
        self.seq += 1;
        let (seq, attempt) = (self.seq, self.last.clone());
        let report = Box::new(Report { attempt, what });
        self.say(&FromWorker::Report { seq, report }).await;
        loop {
            match self.hear().await.expect("the connection is over") {
                ToWorker::Stored { seq } if seq == self.seq => return,
                ToWorker::Stored { .. } | ToWorker::Beat => {}
                ToWorker::Order { order } if matches!(*order, Order::Forget { .. }) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    async fn begins(&mut self) {
        self.report(What::Started { pid: 9 }).await;
    }

    async fn ends(&mut self) {
        self.report(exited(api::link::End::Code(0))).await;
    }
}

#[tokio::test]
async fn a_stage_with_labels_waits_for_a_worker_that_has_them_and_says_so() {
    let mut place = Place::new(&Disk::new()).await;
    place.bench.start(TRAIN).await;
    let lint = place.bench.hands.started().await;
    assert_eq!(lint.execution, "lint", "what nothing can take holds up nobody");
    place.bench.hands.exit(&lint, 0);
    assert_eq!(place.why().await, "needs label gpu; 0 of 1 worker has it");
    let (mut plain, _) = Scripted::join(&place, hello("c1", "s", &["linux"])).await;
    let why = "needs label gpu; 0 of 2 workers have it";
    assert_eq!(place.why().await, why);
    assert_eq!(place.stage("train~1", "fit").await["detail"], why);
    let explained = place.bench.get("/api/runs/train~1/explain").await;
    assert_eq!(explained["data"][0]["because"], json!([why]));
    let (mut g1, adopted) = Scripted::join(&place, hello("g1", "s", &["gpu", "linux"])).await;
    assert_eq!(adopted, []);
    let fit = g1.started().await;
    assert_eq!((&*fit.attempt.execution, fit.attempt.number), ("fit", 1));
    let own = place.bench.path().join("workspaces").join(&fit.attempt.run);
    assert_eq!(fit.working_dir, own.to_str().unwrap());
    assert!(!own.exists(), "its folder is the worker's");
    let handed = "it was handed to worker g1, which has not said yet that it began";
    assert_eq!(place.stage("train~1", "fit").await["detail"], handed);
    g1.begins().await;
    let shown = place.worker("g1").await;
    assert_eq!((&shown["state"], &shown["used"]), (&json!("online"), &json!(1)));
    assert_eq!(shown["attempts"][0]["run_name"], "train#1");
    place.bench.start(ALONE).await;
    let taken = "needs label gpu; the slot of worker g1, which has it, is taken";
    assert_eq!(place.why().await, taken);
    g1.ends().await;
    assert_eq!(place.bench.finished("train#1").await["status"], "succeeded");
    let events = place.bench.get("/api/runs/train~1/events").await;
    let began = |event: &&Json| {
        event["kind"] == "attempt.started" && event["body"]["attempt"]["execution"] == "fit"
    };
    let began = events["data"].as_array().unwrap().iter().find(began).unwrap();
    assert_eq!(began["body"]["worker"], "g1", "{began}");
    // The next one is handed out as soon as there is a slot; the other worker never had any.
    assert_eq!(g1.started().await.attempt.execution, "fit");
    g1.ends().await;
    plain.say(&FromWorker::Beat).await;
    assert!(matches!(plain.hear().await, Some(ToWorker::Beat)));
}

#[tokio::test]
async fn a_worker_that_is_not_heard_of_is_lost_and_what_it_says_later_changes_nothing() {
    let place = Place::new(&Disk::new()).await;
    place.bench.start(ALONE).await;
    let (mut g1, _) = Scripted::join(&place, hello("g1", "s", &["gpu"])).await;
    g1.started().await;
    g1.begins().await;
    assert_eq!(place.beside(&g1, "PUT", "output?offset=0&at=1", Json::Null).await, 200);
    place.pass(29).await;
    assert_eq!(place.worker("g1").await["state"], "online");
    g1.say(&FromWorker::Beat).await;
    assert!(matches!(g1.hear().await, Some(ToWorker::Beat)));
    place.pass(29).await;
    assert_eq!(place.worker("g1").await["state"], "online", "it was heard of");
    place.pass(2).await;
    let lost = place.worker("g1").await;
    assert_eq!((&lost["state"], &lost["used"]), (&json!("lost"), &json!(0)));
    assert_eq!(lost["attempts"][0]["run_name"], "alone#1", "what it had is still shown");
    assert!(g1.hear().await.is_none(), "its connection is cut");
    assert!(place.why().await.starts_with("needs label gpu; 0 of 1 worker has it; worker g1"));
    let attempts = place.stage("alone~1", "fit").await["attempts"].clone();
    let words: Vec<_> = attempts.as_array().unwrap().iter().map(|of| &of["status"]).collect();
    assert_eq!(words, ["lost", "queued"], "tried again once: {attempts}");
    assert!(attempts[0]["detail"].as_str().unwrap().contains("worker `g1` is lost"), "{attempts}");
    for (method, path) in [
        ("PUT", "output?offset=0&at=1"),
        ("PUT", &*format!("blobs/{}", "0".repeat(64))),
        ("GET", &format!("blobs/{}", "0".repeat(64))),
        ("POST", "keys"),
    ] {
        assert_eq!(place.beside(&g1, method, path, Json::Null).await, 409, "{method} {path}");
    }
    assert_eq!(place.beside(&g1, "POST", "secrets", json!({"name": "KEY"})).await, 409);
    let (mut g2, _) = Scripted::join(&place, hello("g2", "t", &["gpu"])).await;
    assert_eq!(g2.started().await.attempt.number, 2);
    g2.begins().await;
    // It comes back with what it had, and has it no more.
    let back = Hello { held: vec![g1.last.clone()], ..g1.hello.clone() };
    let (mut late, adopted) = Scripted::join(&place, back).await;
    assert_eq!(adopted, []);
    late.last = g1.last.clone();
    assert_eq!(place.beside(&late, "PUT", "output?offset=0&at=1", Json::Null).await, 409);
    late.ends().await;
    let attempts = place.stage("alone~1", "fit").await["attempts"].clone();
    let words: Vec<_> = attempts.as_array().unwrap().iter().map(|of| &of["status"]).collect();
    assert_eq!(words, ["lost", "running"], "{attempts}");
    g2.ends().await;
    assert_eq!(place.bench.finished("alone#1").await["status"], "succeeded");
}

#[tokio::test]
async fn who_comes_back_in_time_keeps_what_it_has() {
    let disk = Disk::new();
    let place = Place::new(&disk).await;
    place.bench.start(ALONE).await;
    let (mut g1, _) = Scripted::join(&place, hello("g1", "s", &["gpu"])).await;
    let fit = g1.started().await.attempt;
    g1.begins().await;
    let Hello { .. } = g1.hello;
    drop(g1);
    place.pass(20).await;
    let other = hello("g1", "another", &["gpu"]);
    let bye = Scripted::open(place.at, TOKEN, other).await.bye().await;
    assert_eq!(bye.why, ByeWhy::Refused, "{bye:?}");
    let again = Hello { held: vec![fit.clone()], ..hello("g1", "s", &["gpu"]) };
    let (g1, adopted) = Scripted::join(&place, again.clone()).await;
    assert_eq!(adopted, std::slice::from_ref(&fit));
    place.bench.server.shutdown().await;
    drop(g1);

    let place = Place::new(&disk).await;
    assert_eq!(place.worker("g1").await["state"], "online", "it is waited for");
    let (mut g2, _) = Scripted::join(&place, hello("g2", "t", &["gpu"])).await;
    let (mut g1, adopted) = Scripted::join(&place, again).await;
    assert_eq!(adopted, std::slice::from_ref(&fit));
    g1.last = fit;
    g1.ends().await;
    assert_eq!(place.bench.finished("alone#1").await["status"], "succeeded");
    let attempts = place.stage("alone~1", "fit").await["attempts"].clone();
    assert_eq!(attempts.as_array().unwrap().len(), 1);
    g2.say(&FromWorker::Beat).await;
    assert!(matches!(g2.hear().await, Some(ToWorker::Beat)), "it was handed nothing");
}

#[tokio::test]
async fn what_may_have_been_handed_out_before_a_restart_is_never_with_two() {
    let disk = Disk::new();
    let place = Place::new(&disk).await;
    place.bench.start(ALONE).await;
    let (mut g1, _) = Scripted::join(&place, hello("g1", "s", &["gpu"])).await;
    let fit = g1.started().await.attempt;
    // It never says that it began.
    place.bench.server.shutdown().await;
    drop(g1);
    let place = Place::new(&disk).await;
    let (mut g2, _) = Scripted::join(&place, hello("g2", "t", &["gpu"])).await;
    let why = place.why().await;
    assert!(why.starts_with("needs label gpu; a worker may have it since before"), "{why}");
    place.pass(31).await;
    assert_eq!(place.worker("g1").await["state"], "lost");
    // Silent as well all that time, so it comes again.
    assert!(g2.hear().await.is_none());
    let (mut g2, _) = Scripted::join(&place, hello("g2", "t", &["gpu"])).await;
    assert_eq!(g2.started().await.attempt, fit, "the same attempt, which nobody had begun");
    g2.begins().await;
    let held = Hello { held: vec![fit.clone()], ..hello("g1", "s", &["gpu"]) };
    let (mut g1, adopted) = Scripted::join(&place, held).await;
    assert_eq!(adopted, []);
    g1.last = fit;
    g1.ends().await;
    assert_eq!(place.stage("alone~1", "fit").await["status"], "running");
    g2.ends().await;
    assert_eq!(place.bench.finished("alone#1").await["status"], "succeeded");
}

#[tokio::test]
async fn a_drained_worker_finishes_leaves_and_stays_away_until_it_is_resumed() {
    let disk = Disk::new();
    let place = Place::new(&disk).await;
    place.bench.start(ALONE).await;
    let (mut g1, _) = Scripted::join(&place, hello("g1", "s", &["gpu"])).await;
    g1.started().await;
    g1.begins().await;
    place.bench.refused("DELETE", "/api/workers/g1", Json::Null, 409, "conflict").await;
    place.bench.refused("POST", "/api/workers/local/drain", Json::Null, 409, "conflict").await;
    place.bench.refused("POST", "/api/workers/g9/drain", Json::Null, 404, "not_found").await;
    let drains = place.bench.post("/api/workers/g1/drain", Json::Null).await;
    assert_eq!(drains["state"], "draining");
    place.bench.start(ALONE).await;
    assert_eq!(place.why().await, "needs label gpu; worker g1, which has it, drains");
    g1.ends().await;
    let bye = g1.bye().await;
    assert_eq!(bye.why, ByeWhy::Drained, "{bye:?}");
    assert_eq!(place.worker("g1").await["state"], "drained");
    place.bench.server.shutdown().await;
    let place = Place::new(&disk).await;
    assert_eq!(place.worker("g1").await["state"], "drained", "also after a restart");
    let bye = Scripted::open(place.at, TOKEN, hello("g1", "t", &["gpu"])).await;
    let mut bye = bye;
    assert!(matches!(bye.hear().await, Some(ToWorker::Welcome(_))));
    assert_eq!(bye.bye().await.why, ByeWhy::Drained);
    place.bench.post("/api/workers/g1/resume", Json::Null).await;
    let (mut g1, _) = Scripted::join(&place, hello("g1", "t", &["gpu"])).await;
    g1.started().await;
    g1.ends().await;
    g1.say(&FromWorker::Draining).await;
    assert_eq!(g1.bye().await.why, ByeWhy::Drained, "as it asked itself");
    let (status, _) = place.bench.call("DELETE", "/api/workers/g1", Json::Null).await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    place.bench.refused("GET", "/api/workers/g1", Json::Null, 404, "not_found").await;
}

#[tokio::test]
async fn a_cancel_ends_although_its_worker_is_silent() {
    let place = Place::new(&Disk::new()).await;
    place.bench.start(ALONE).await;
    let (mut g1, _) = Scripted::join(&place, hello("g1", "s", &["gpu"])).await;
    g1.started().await;
    g1.begins().await;
    place.bench.post("/api/runs/alone~1/cancel", Json::Null).await;
    assert!(matches!(g1.order().await, Order::Stop { .. }));
    place.pass(29).await;
    assert_eq!(place.stage("alone~1", "fit").await["status"], "stopping");
    place.pass(2).await;
    assert_eq!(place.bench.finished("alone#1").await["status"], "cancelled");
}

#[tokio::test]
async fn output_content_and_secrets_come_and_go_beside_the_connection() {
    let place = Place::new(&Disk::new()).await;
    let bench = &place.bench;
    bench.call("PUT", "/api/secrets/KEY", json!({"value": "k-e-y"})).await;
    bench.call("PUT", "/api/secrets/OTHER", json!({"value": "o"})).await;
    bench
        .start(
            "name: alone\nsecrets: [KEY, OTHER]\nstages:\n  - name: fit\n    run: ./fit\n    \
             runs_on: gpu\n    env: {K: \"${secrets.KEY}\"}\n    artifacts: {m: m.txt}\n",
        )
        .await;
    let (mut g1, _) = Scripted::join(&place, hello("g1", "s", &["gpu"])).await;
    let key = g1.started().await.attempt.key;
    g1.begins().await;
    let session = [("orchestrate-session", "s")];
    let base = format!("/api/workers/g1/attempts/{key}");
    let ask = async |method: &str, path: &str, body: Json| {
        let path = format!("{base}/{path}");
        call_with(bench.router(), method, &path, body, &session).await
    };
    // A body that is JSON is as good as any other.
    let (status, stored) = ask("PUT", "output?offset=0&at=1000000", json!([1])).await;
    assert_eq!((status, &stored), (StatusCode::OK, &json!({"total": 3})));
    let (_, stored) = ask("PUT", "output?offset=1&at=2000000", json!([1, 2])).await;
    assert_eq!(stored, json!({"total": 6}), "what was there is passed over");
    let log = bench.get_text("/api/runs/alone~1/logs/fit").await;
    assert!(log.contains("[1],2]"), "{log}");
    let (_, given) = ask("POST", "secrets", json!({"name": "KEY"})).await;
    assert_eq!(given, json!({"value": "k-e-y"}));
    let (status, _) = ask("POST", "secrets", json!({"name": "OTHER"})).await;
    assert_eq!(status, StatusCode::FORBIDDEN, "its stage does not name it");
    let digest = "d5b592c05dc25b5032553f1b27f4139be95e881f73db33b02b05ab20c3f9981e";
    let (status, problem) =
        ask("PUT", &format!("blobs/{}", "0".repeat(64)), json!([1, 2, 3])).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{problem}");
    let said = problem["detail"].as_str().unwrap().to_owned();
    let real = said.split('`').nth(1).unwrap().to_owned();
    let (status, problem) = ask("PUT", &format!("blobs/{real}"), json!([1, 2, 3])).await;
    assert_eq!(status, StatusCode::NO_CONTENT, "{problem}");
    let (status, _) = ask("GET", &format!("blobs/{digest}"), Json::Null).await;
    assert_eq!(status, StatusCode::NOT_FOUND, "nothing of it is in its context");
    let wrong = [("orchestrate-session", "z")];
    let path = format!("{base}/output?offset=0&at=1");
    let (status, _) = call_with(bench.router(), "PUT", &path, Json::Null, &wrong).await;
    assert_eq!(status, StatusCode::CONFLICT, "another session");
    g1.ends().await;
    assert_eq!(place.beside(&g1, "PUT", "output?offset=0&at=1", Json::Null).await, 409);
}

#[tokio::test]
async fn only_who_may_work_connects_and_may_do_nothing_else() {
    let place = Place::new(&Disk::new()).await;
    let made = json!({"user": "ci", "admin": true, "scopes": ["work"]});
    let token = place.bench.post("/api/tokens", made).await["token"].as_str().unwrap().to_owned();
    let mut worker = Scripted::open(place.at, &token, hello("g1", "s", &[])).await;
    assert!(matches!(worker.hear().await, Some(ToWorker::Welcome(_))));
    let (status, _) = place.bench.call_as(&token, "GET", "/api/workers", Json::Null).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    let reader = json!({"user": "bo", "scopes": ["read"]});
    let reader =
        place.bench.post("/api/tokens", reader).await["token"].as_str().unwrap().to_owned();
    let (status, _) = place.bench.call_as(&reader, "GET", "/api/workers/connect", Json::Null).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    for (name, labels) in
        [("local", vec![]), ("connect", vec![]), ("a b", vec![]), ("g2", vec!["x y"])]
    {
        let bye = Scripted::open(place.at, TOKEN, hello(name, "s", &labels)).await.bye().await;
        assert_eq!(bye.why, ByeWhy::Refused, "{name}: {bye:?}");
    }
}
