//! Files: uploads, artifacts, what is shown of them, and a run in one document.

use api::link::{Collected, End, Order, What};
use axum::body::Body;
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::{Value as Json, json};
use tower::ServiceExt;

use crate::bench::{Bench, exited};

async fn raw(bench: &Bench, request: Request<Body>) -> (http::response::Parts, Vec<u8>) {
    let (parts, body) = bench.router().oneshot(request).await.unwrap().into_parts();
    (parts, body.collect().await.unwrap().to_bytes().to_vec())
}

async fn upload(bench: &Bench, name: &str, content: Vec<u8>) -> (StatusCode, Json) {
    let path = format!("/api/uploads?name={name}");
    let (parts, body) = raw(bench, Request::post(path).body(Body::from(content)).unwrap()).await;
    (parts.status, serde_json::from_slice(&body).unwrap())
}

const FORM: &str = "
name: attach
stages:
  - name: ask
    form: {fields: {log: {type: file, max_bytes: 1000, required: true}}}
";

#[tokio::test]
async fn an_uploaded_file_is_an_answer_and_a_30_mib_one_is_refused_with_the_limit() {
    let bench = Bench::new();
    bench.start(FORM).await;
    bench.until("attach#1", "waiting").await;
    let (status, problem) = upload(&bench, "big.bin", vec![0; 30 << 20]).await;
    assert_eq!((status, &problem["code"]), (StatusCode::PAYLOAD_TOO_LARGE, &json!("too_large")));
    assert!(problem["detail"].as_str().unwrap().contains("26214400 bytes"), "{problem}");
    for (name, refused) in [("a%2Fb", 422), ("..", 422), ("%00", 400), ("", 422)] {
        let (status, problem) = upload(&bench, name, b"x".to_vec()).await;
        assert_eq!(status.as_u16(), refused, "{name}: {problem}");
    }
    let (status, file) = upload(&bench, "log.txt", b"line\n".to_vec()).await;
    assert_eq!((status, &file["bytes"]), (StatusCode::CREATED, &json!(5)), "{file}");
    // Never uploaded, or not what was uploaded.
    for wrong in [
        json!({"name": "log.txt", "digest": "0".repeat(64), "bytes": 5}),
        json!({"name": "log.txt", "digest": file["digest"], "bytes": 6}),
        json!({"name": "log.txt", "digest": "../../etc/passwd", "bytes": 5}),
    ] {
        let answer = json!({"values": {"log": wrong}});
        bench.refused("POST", "/api/inputs/I-1/submit", answer, 422, "invalid_input").await;
    }
    bench.post("/api/inputs/I-1/submit", json!({"values": {"log": file}})).await;
    assert_eq!(bench.finished("attach#1").await["status"], "succeeded");
    let kept = bench.get("/api/artifacts?run=attach~1&stage=ask").await;
    assert_eq!(
        (&kept["data"][0]["path"], &kept["data"][0]["bytes"]),
        (&json!("log.txt"), &json!(5))
    );
}

const LEAVES: &str = "
name: leaves
stages:
  - name: write
    run: ./write
    artifacts: {page: out.html, notes: notes.md}
    approve_complete: true
    max_revisions: 1
";

/// The end of an attempt that left these files.
fn left(bench: &Bench, files: &[(&str, &str, &str)]) -> What {
    let What::Exited(mut exit) = exited(End::Code(0)) else { panic!("not an end") };
    let blobs = blobs::Blobs::of(bench.path());
    for (name, path, content) in files {
        let stored = blobs.put(content.as_bytes(), 1 << 20).unwrap();
        exit.artifacts.push(Collected {
            name: (*name).to_owned(),
            path: (*path).to_owned(),
            digest: stored.digest,
            bytes: stored.bytes,
            format: path.rsplit('.').next().unwrap().to_owned(),
        });
    }
    What::Exited(exit)
}

#[tokio::test]
async fn changes_are_asked_for_with_feedback_and_every_version_is_kept() {
    let mut bench = Bench::by_hand();
    bench.start(LEAVES).await;
    let first = bench.hands.started().await;
    let script = "<script>alert(1)</script>";
    let end = left(&bench, &[("page", "out.html", script), ("notes", "notes.md", "a\nb\n")]);
    bench.hands.say(&first, end);
    bench.until("leaves#1", "waiting").await;
    let asked = bench.get("/api/approvals/A-1").await;
    assert_eq!(asked["kind"], "complete");
    assert_eq!(asked["artifacts"].as_array().unwrap().len(), 2, "{asked}");
    assert_eq!(asked["artifacts"][0]["status"], "staged");
    let path = "/api/approvals/A-1/request-changes";
    bench.refused("POST", path, json!({"feedback": ""}), 422, "invalid_input").await;
    bench.post(path, json!({"feedback": "shorter"})).await;
    let again = loop {
        if let Order::Start(assignment) = bench.hands.order().await {
            break assignment;
        }
    };
    assert_eq!((again.feedback.as_deref(), again.revision), (Some("shorter"), 1));
    let end = left(&bench, &[("page", "out.html", script), ("notes", "notes.md", "a\nc\n")]);
    bench.hands.say(&again.attempt, end);
    bench.until("leaves#1", "waiting").await;
    bench.refused("POST", "/api/approvals/A-1/approve", json!({}), 409, "conflict").await;
    bench.post("/api/approvals/A-2/approve", json!({})).await;
    assert_eq!(bench.finished("leaves#1").await["status"], "succeeded");

    let kept = bench.get("/api/artifacts?run=leaves~1").await;
    let find = |name: &str, attempt: u32| {
        let rows = kept["data"].as_array().unwrap();
        rows.iter().find(|row| row["name"] == name && row["attempt"] == attempt).unwrap().clone()
    };
    assert_eq!(find("notes", 1)["status"], "superseded");
    assert_eq!(find("notes", 2)["status"], "promoted");
    let (old, new) = (find("notes", 1)["id"].clone(), find("notes", 2)["id"].clone());
    let diff =
        format!("/api/artifacts/{}/diff?against={}", new.as_str().unwrap(), old.as_str().unwrap());
    let diff = bench.get(&diff).await;
    assert_eq!(diff["same"], false);
    assert!(diff["diff"].as_str().unwrap().contains("-b\n+c\n"), "{diff}");

    let page = find("page", 2)["id"].as_str().unwrap().to_owned();
    let request = Request::get(format!("/api/artifacts/{page}/content")).body(Body::empty());
    let (parts, body) = raw(&bench, request.unwrap()).await;
    assert_eq!(body, script.as_bytes());
    let header = |name: &str| parts.headers[name].to_str().unwrap();
    assert_eq!(header("x-content-type-options"), "nosniff");
    assert_eq!(header("content-disposition"), "attachment; filename=\"out.html\"");
    assert!(header("content-security-policy").starts_with("sandbox"));
    bench.refused("GET", "/api/artifacts/99", Json::Null, 404, "not_found").await;

    let bundle = bench.get("/api/runs/leaves~1/export").await;
    assert_eq!(bundle["schema"], "orchestrate.bundle/v1");
    assert_eq!(bundle["definition"], LEAVES);
    assert_eq!(bundle["artifacts"].as_array().unwrap().len(), 4);
    let contents: Vec<&str> = bundle["contents"]
        .as_object()
        .unwrap()
        .values()
        .map(|text| text.as_str().unwrap())
        .collect();
    assert!(contents.contains(&"a\nc\n") && contents.contains(&script));
    let events = bundle["events"].as_array().unwrap();
    assert_eq!(events.len() as u64, bundle["run"]["sequence"].as_u64().unwrap());
    let earlier = bench.get("/api/runs/leaves~1?at=2").await;
    assert_eq!(earlier["sequence"], 2);
    bench.refused("GET", "/api/runs/leaves~1?at=9999", Json::Null, 404, "not_found").await;
    bench.refused("GET", "/api/runs/leaves~1?at=0", Json::Null, 404, "not_found").await;
}
