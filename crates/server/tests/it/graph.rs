//! Graphs with places.

use serde_json::{Value as Json, json};

use crate::bench::Bench;

const FAN: &str = "name: fan
stages:
  - {name: plan, run: 'true'}
  - {name: build, run: 'true', depends_on: plan, foreach: [1, 2, 3], rollback: {run: 'true'}}
  - {name: scan, run: 'true', depends_on: plan}
  - {name: ship, run: 'true', depends_on: [build, scan], requires_approval: true}
";

fn places(graph: &Json) -> Vec<(String, u64, u64)> {
    let node = |node: &Json| {
        let name = node["name"].as_str().unwrap().to_owned();
        (name, node["x"].as_u64().unwrap(), node["y"].as_u64().unwrap())
    };
    graph["nodes"].as_array().unwrap().iter().map(node).collect()
}

#[tokio::test]
async fn nothing_moves_while_states_change() {
    let mut bench = Bench::by_hand();
    bench.post("/api/pipelines", json!({ "definition": FAN })).await;
    let planned = bench.get("/api/pipelines/fan/graph").await;
    let place = |name: &str, x, y| (name.to_owned(), x, y);
    let wanted =
        [place("plan", 0, 0), place("build", 1, 0), place("scan", 1, 1), place("ship", 2, 0)];
    assert_eq!(places(&planned), wanted);
    assert_eq!((planned["width"].clone(), planned["height"].clone()), (json!(3), json!(2)));
    assert_eq!(planned["nodes"][1]["mark"], "xN");
    assert_eq!(planned["nodes"][3]["mark"], "[approval]");
    assert!(planned["nodes"][0].get("status").is_none());
    assert_eq!(planned["edges"].as_array().unwrap().len(), 4);
    bench.start(FAN).await;
    let first = bench.get("/api/runs/fan~1/graph").await;
    assert_eq!(places(&first), wanted);
    assert_eq!(first["edges"], planned["edges"]);
    assert_eq!(
        (first["nodes"][0]["status"].clone(), first["revision"].clone()),
        (json!("queued"), json!(1))
    );
    for _ in 0..4 {
        let attempt = bench.hands.started().await;
        bench.hands.exit(&attempt, 0);
    }
    let attempt = bench.hands.started().await;
    bench.hands.exit(&attempt, 0);
    bench.until("fan#1", "waiting").await;
    let last = bench.get("/api/runs/fan~1/graph").await;
    assert_eq!(places(&last), wanted, "instances are stacked");
    assert_eq!(last["nodes"][1]["instances"], json!({"succeeded": 3}));
    assert_eq!(
        last["nodes"][3]["status"],
        bench.get("/api/runs/fan~1").await["stages"][6]["status"]
    );
    // As it was.
    let at = first["sequence"].as_u64().unwrap();
    assert_eq!(bench.get(&format!("/api/runs/fan~1/graph?at={at}")).await, first);
    assert_eq!(bench.get("/api/pipelines/fan/graph?revision=1").await, planned);
    bench.refused("GET", "/api/pipelines/fan/graph?revision=9", Json::Null, 404, "not_found").await;
    bench.refused("GET", "/api/pipelines/none/graph", Json::Null, 404, "not_found").await;
    bench.refused("GET", "/api/runs/fan~1/graph?at=999", Json::Null, 404, "not_found").await;
}

#[tokio::test]
async fn a_thousand_stages_fit_in_one_answer() {
    let bench = Bench::by_hand();
    let mut state = 7_u64;
    let mut text = "name: large\nstages:\n".to_owned();
    for place in 0..1000_u64 {
        let mut after = Vec::new();
        for _ in 0..2 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            if place > 0 {
                after.push(format!("stage-{}", place.saturating_sub(1 + (state >> 33) % 30)));
            }
        }
        after.dedup();
        let after = after.join(", ");
        text.push_str(&format!("  - {{name: stage-{place}, noop: true, depends_on: [{after}]}}\n"));
    }
    bench.post("/api/pipelines", json!({ "definition": text })).await;
    let graph = bench.get("/api/pipelines/large/graph").await;
    assert_eq!(graph["nodes"].as_array().unwrap().len(), 1000);
    let bytes = graph.to_string().len();
    // 80 KB when compressed, which is a fifth to a tenth.
    assert!(bytes < 400_000, "{bytes}");
    if let Ok(path) = std::env::var("ORCHESTRATE_GRAPH") {
        std::fs::write(path, graph.to_string()).unwrap();
    }
}
