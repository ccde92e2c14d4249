//! Tables and documents.

use api::pipeline::{PipelineDetail, PipelineSummary, StageOutline};
use api::system::{Slots, Status, Storage};
use api::trigger::TriggerOutline;
use cli::output::table::Choice;
use cli::output::{self, Format};
use cli::render;
use cli::terminal::Palette;

use crate::sample;

#[test]
fn a_run_with_its_stages() {
    let detail = sample::failed();
    let now = sample::at(120.0);
    let choice = Choice { indent: 2, ..Choice::default() };
    let text = render::runs::head(&detail, now, Palette::PLAIN)
        + &render::runs::facts(&detail)
        + &render::runs::stages(&detail, now).text(&choice, Palette::PLAIN).unwrap();
    insta::assert_snapshot!(text);
}

fn pipelines() -> Vec<PipelineSummary> {
    let mut last = sample::failed().summary;
    last.number = 42;
    let words = ["succeeded", "succeeded", "failed", "cancelled", "waiting"];
    let first = PipelineSummary {
        name: "feature-complete".into(),
        description: "Full delivery".into(),
        enabled: true,
        revision: 7,
        created_at: sample::at(0.0),
        updated_at: sample::at(0.0),
        last_run: Some(last),
        last_ten: words.map(str::to_owned).to_vec(),
        p50_ms: Some(242_000),
        next_run: Some(sample::at(3720.0)),
    };
    let second = PipelineSummary {
        name: "nightly".into(),
        enabled: false,
        last_run: None,
        last_ten: Vec::new(),
        p50_ms: None,
        next_run: None,
        ..first.clone()
    };
    vec![first, second]
}

#[test]
fn pipelines_with_their_last_runs() {
    let table = render::pipelines::table(&pipelines(), sample::at(120.0));
    insta::assert_snapshot!(table.text(&Choice::default(), Palette::PLAIN).unwrap());
}

#[test]
fn history_and_runs() {
    let runs = [sample::failed().summary, sample::summary("running")];
    let now = sample::at(131.0);
    let history = render::runs::history(&runs, now);
    let list = render::runs::table(&runs, now);
    insta::assert_snapshot!(format!(
        "{}\n{}",
        history.text(&Choice::default(), Palette::PLAIN).unwrap(),
        list.text(&Choice::default(), Palette::PLAIN).unwrap()
    ));
}

#[test]
fn a_pipeline_as_a_graph() {
    let outline = |name: &str, depends_on: &[&str], foreach: Option<&str>| StageOutline {
        name: name.into(),
        kind: "run".into(),
        depends_on: depends_on.iter().map(|name| (*name).to_owned()).collect(),
        finally: false,
        condition: None,
        foreach: foreach.map(str::to_owned),
        asks: Vec::new(),
    };
    let detail = PipelineDetail {
        summary: pipelines().remove(0),
        definition: String::new(),
        digest: "3f9ac1e0aa".into(),
        stages: vec![
            outline("plan", &[], None),
            outline("implement", &["plan"], Some("3 items")),
            outline("security-scan", &["plan"], None),
            outline("review", &["implement", "security-scan"], None),
        ],
        triggers: vec![
            TriggerOutline {
                name: "nightly".into(),
                kind: "schedule".into(),
                says: "0 2 * * * Europe/Berlin, catch_up skip".into(),
                next: Some(sample::at(3720.0)),
            },
            TriggerOutline {
                name: "pull_request.merged".into(),
                kind: "event".into(),
                says: "pull_request.merged; branches main".into(),
                next: None,
            },
        ],
        inputs: Vec::new(),
    };
    let text = render::pipelines::head(&detail, sample::at(0.0), Palette::PLAIN)
        + &render::pipelines::drawn(&detail, None);
    insta::assert_snapshot!(text);
}

#[test]
fn the_state_of_a_folder() {
    let status = Status {
        version: "0.1.0".into(),
        pid: 4711,
        role: "serve".into(),
        data_dir: "/work/.orchestrate".into(),
        address: Some("127.0.0.1:7070".into()),
        uptime_ms: 7_260_000,
        slots: Slots { total: 8, used: 3, queued: 0 },
        rollout: None,
        live: vec![sample::summary("running")],
        recent: vec![sample::failed().summary],
        storage: Storage {
            ok: false,
            problem: "the disk is full".into(),
            schema: 1,
            bytes: 1_572_864,
        },
    };
    let now = sample::at(131.0);
    let text =
        render::status::text(&status, true, now, &Choice::default(), Palette::PLAIN).unwrap();
    insta::assert_snapshot!(text);
}

#[test]
fn lists_have_one_shape_in_every_form() {
    let items = [serde_json::json!({"name": "ci#1"}), serde_json::json!({"name": "ci#2"})];
    let schema = "orchestrate.run.list/v1";
    let json = output::list(Format::Json, schema, &items, Some("x")).unwrap();
    let read: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(read, serde_json::json!({"schema": schema, "data": items, "next": "x"}));
    let lines = output::list(Format::Ndjson, schema, &items, None).unwrap();
    assert_eq!(lines, "{\"name\":\"ci#1\"}\n{\"name\":\"ci#2\"}\n");
    let yaml = output::list(Format::Yaml, schema, &items[..1], None).unwrap();
    assert_eq!(yaml, format!("schema: {schema}\ndata:\n  - name: \"ci#1\"\nnext: null\n"));
}
