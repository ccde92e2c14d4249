//! A person takes the place of an agent, and hands back: through the doors of people and of the attempt.

use api::link::{AttemptRef, Order, Work};
use http::StatusCode;
use serde_json::{Value as Json, json};

use crate::bench::{Bench, call_with};

const AGENT: &str = "
name: feature
stages:
  - {name: code, agent: implementer, task: Do it}
  - {name: pack, run: 'true'}
";

struct Working {
    bench: Bench,
    attempt: AttemptRef,
}

impl Working {
    async fn new() -> Self {
        let mut bench = Bench::by_hand();
        bench.start(AGENT).await;
        let attempt = bench.hands.started().await;
        Self { bench, attempt }
    }

    /// Asks as the attempt.
    async fn harness(&self, method: &str, path: &str, body: Json) -> (StatusCode, Json) {
        let bearer = format!("Bearer {}", self.bench.door(&self.attempt).token);
        let headers = [("authorization", bearer.as_str())];
        call_with(self.bench.router(), method, path, body, &headers).await
    }

    async fn let_go(&self, hold: u32) -> (StatusCode, Json) {
        let body = json!({ "hold": hold, "agent": "implementer", "directory": "/w",
            "command": "sh /w/attach", "runs": "a shell", "resumes": true });
        self.harness("POST", "/api/attempt/hold", body).await
    }

    async fn person(&self, user: &str, method: &str, path: &str, body: Json) -> (StatusCode, Json) {
        let token = self.bench.token(user).await;
        let bearer = format!("Bearer {token}");
        let headers = [("authorization", bearer.as_str())];
        call_with(self.bench.router(), method, path, body, &headers).await
    }
}

const TAKEOVER: &str = "/api/runs/feature~1/takeover/code";

#[tokio::test]
async fn it_is_taken_over_let_go_of_and_handed_back() {
    let working = Working::new().await;
    let bench = &working.bench;
    let take = async { bench.post(TAKEOVER, json!({})).await };
    let hear = async {
        let (status, heard) =
            working.harness("GET", "/api/attempt/hold?after=0", json!(null)).await;
        assert_eq!((status, &heard["stamp"]), (StatusCode::OK, &json!(1)), "{heard}");
        working.let_go(1).await
    };
    // The answer waits for the way in.
    let (taken, (status, _)) = tokio::join!(take, hear);
    assert_eq!(status, StatusCode::OK);
    assert_eq!((&taken["status"], &taken["hold"]), (&json!("held"), &json!(1)), "{taken}");
    assert_eq!(taken["attach"]["command"], "sh /w/attach");
    let run = bench.get("/api/runs/feature~1").await;
    assert_eq!(
        (&run["status"], &run["stages"][0]["status"]),
        (&json!("waiting"), &json!("held_by_human"))
    );
    assert_eq!(bench.post(TAKEOVER, json!({})).await["hold"], 1, "it is held already");

    let back = format!("{TAKEOVER}/handback");
    let hear = working.harness("GET", "/api/attempt/hold?after=1", json!(null));
    let give = bench.post(&back, json!({ "note": "use CSS variables" }));
    let ((_, heard), given) = tokio::join!(hear, give);
    assert_eq!(heard["taken"]["back"]["note"], "use CSS variables", "{heard}");
    assert_eq!(given["status"], "handed_back");
    assert_eq!(bench.get("/api/runs/feature~1").await["status"], "running");
    let (status, problem) = working.let_go(1).await;
    assert_eq!((status, &problem["code"]), (StatusCode::CONFLICT, &json!("stale")), "{problem}");
    let (status, problem) = bench.call("POST", &back, json!({})).await;
    assert_eq!(status, StatusCode::CONFLICT);
    assert!(problem["detail"].as_str().unwrap().contains("handed it back"), "{problem}");
    let audit = bench.get("/api/audit?run=feature~1").await.to_string();
    assert!(audit.contains("took over from the agent"), "{audit}");
    assert!(audit.contains("handed back: use CSS variables"), "{audit}");
}

#[tokio::test]
async fn what_it_asks_is_taken_back_and_nobody_is_asked_meanwhile() {
    let working = Working::new().await;
    let ask = json!({ "key": "tool-1", "kind": "permission", "question": "may I?" });
    let (status, _) = working.harness("POST", "/api/attempt/asks", ask.clone()).await;
    assert_eq!(status, StatusCode::OK);
    let waits = working.harness("GET", "/api/attempt/asks/tool-1", json!(null));
    let take = async {
        let hear = working.harness("GET", "/api/attempt/hold?after=0", json!(null));
        let post = working.bench.post(TAKEOVER, json!({}));
        let go = async {
            hear.await;
            working.let_go(1).await
        };
        tokio::join!(post, go)
    };
    let ((status, problem), _) = tokio::join!(waits, take);
    assert_eq!(
        (status, &problem["code"]),
        (StatusCode::CONFLICT, &json!("taken_over")),
        "{problem}"
    );
    let (status, problem) = working.harness("POST", "/api/attempt/asks", ask.clone()).await;
    assert_eq!(
        (status, &problem["code"]),
        (StatusCode::CONFLICT, &json!("taken_over")),
        "{problem}"
    );
    working.bench.post(&format!("{TAKEOVER}/handback"), json!({})).await;
    let (_, asked) = working.harness("POST", "/api/attempt/asks", ask).await;
    assert_eq!(asked["answer"], json!(null), "it is asked anew: {asked}");
    let list = working.bench.get("/api/approvals?status=pending").await;
    assert_eq!(list["data"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn the_next_attempt_begins_held_and_refusals_say_what_is_possible() {
    let mut working = Working::new().await;
    let refused = async |working: &Working, path: &str, body: Json| {
        let (status, problem) = working.bench.call("POST", path, body).await;
        (status.as_u16(), problem["detail"].as_str().unwrap_or_default().to_owned())
    };
    for (path, body, status, says) in [
        ("/api/runs/feature~1/takeover/pack", json!({}), 409, "no agent works there"),
        ("/api/runs/feature~1/takeover/nobody", json!({}), 404, "no stage is called"),
        ("/api/runs/feature~1/takeover/co[de", json!({}), 422, ""),
        ("/api/runs/feature~1/takeover/code/handback", json!({}), 409, "nobody holds `code`"),
        ("/api/runs/feature~1/takeover/code/handback", json!({ "not": "x" }), 400, ""),
        ("/api/runs/feature~9/takeover/code", json!({}), 404, ""),
    ] {
        let (got, detail) = refused(&working, path, body).await;
        assert!(got == status && detail.contains(says), "{path}: {got} {detail}");
    }
    let (status, _) = working.bench.call("GET", TAKEOVER, json!(null)).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    let hear = working.harness("GET", "/api/attempt/hold?after=0", json!(null));
    let post = working.bench.post(TAKEOVER, json!({}));
    let go = async {
        hear.await;
        working.let_go(1).await
    };
    tokio::join!(post, go);
    let lost = api::link::What::Lost { message: "its worker is gone".to_owned() };
    working.bench.hands.say(&working.attempt, lost);
    let next = loop {
        if let Order::Start(assignment) = working.bench.hands.order().await {
            break assignment;
        }
    };
    let Work::Agent { job, .. } = &next.work else { panic!("{next:?}") };
    assert_eq!(job.taken.as_ref().map(|taken| (taken.hold, taken.back.is_none())), Some((1, true)));
    working.attempt = next.attempt.clone();
    let held = working.bench.get("/api/runs/feature~1").await;
    assert_eq!(held["stages"][0]["status"], "held_by_human");
    let (_, heard) = working.harness("GET", "/api/attempt/hold", json!(null)).await;
    assert_eq!(heard["taken"]["by"], job.taken.as_ref().unwrap().by.as_str());
}

#[tokio::test]
async fn another_person_is_told_who_holds_it() {
    let working = Working::new().await;
    let post = working.person("ana", "POST", TAKEOVER, json!({}));
    let go = async {
        working.harness("GET", "/api/attempt/hold?after=0", json!(null)).await;
        working.let_go(1).await
    };
    let ((status, taken), _) = tokio::join!(post, go);
    assert_eq!(status, StatusCode::OK, "{taken}");
    assert_eq!(taken["by"], "ana");
    let (status, problem) = working.person("bo", "POST", TAKEOVER, json!({})).await;
    assert_eq!(status, StatusCode::CONFLICT, "{problem}");
    assert!(problem["detail"].as_str().unwrap().contains("held by ana since"), "{problem}");
    let back = format!("{TAKEOVER}/handback");
    let (status, problem) = working.person("bo", "POST", &back, json!({})).await;
    assert_eq!(status, StatusCode::CONFLICT, "{problem}");
    // An administrator may, so that nothing is held for ever.
    working.bench.post(&back, json!({ "accept": true })).await;
}
