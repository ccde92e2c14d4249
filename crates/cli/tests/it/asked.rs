//! What people are shown of what they are asked: text made of values by hand.

use std::collections::BTreeMap;

use api::approval::{ApprovalDetail, ApprovalSummary, DelegationView, SlotView, VoteView};
use api::artifact::{ArtifactDiff, ArtifactView};
use api::flow::{Explained, Impact, ImpactStep, Undoing};
use api::input::{DraftView, FieldView, InputDetail, InputSummary};
use cli::live::board::{Asked, Board};
use cli::live::frame::{self, Keys, Screen};
use cli::live::{ending, plain};
use cli::output::table::Choice;
use cli::render;
use cli::terminal::Palette;
use serde_json::{Value, json};

use crate::sample::{self, at};

fn approval() -> ApprovalDetail {
    let summary = ApprovalSummary {
        id: "A-17".into(),
        run: "01990b6f".into(),
        run_name: "feature-complete#42".into(),
        pipeline: "feature-complete".into(),
        stage: "review".into(),
        kind: "complete".into(),
        status: "pending".into(),
        question: String::new(),
        reason: String::new(),
        have: 1,
        need: 2,
        missing: vec!["devops".into()],
        opened_at: at(0.0),
        due_at: Some(at(1680.0)),
        on_timeout: "reject".into(),
        resolved_at: None,
        environment: Some("production".into()),
        you: "can approve".into(),
    };
    ApprovalDetail {
        summary,
        instructions: "Look at the report.\n\u{1b}[2JThen decide.".into(),
        digest: "91c0aa0000000000".into(),
        shown: json!({"outputs": {"specs": 3}, "revision": 7}),
        artifacts: vec![artifact("12", "report", "91c0ffee")],
        slots: vec![
            SlotView { entry: "team-lead".into(), filled_by: Some("ana".into()) },
            SlotView { entry: "devops".into(), filled_by: None },
        ],
        votes: vec![VoteView {
            at: at(10.0),
            by: "ana".into(),
            decision: "approve".into(),
            comment: "ok".into(),
            replaced: false,
        }],
        delegations: vec![DelegationView {
            at: at(20.0),
            slot: 1,
            from: "bo".into(),
            to: "kim".into(),
            revoked_at: Some(at(30.0)),
        }],
        allow_self: false,
        escalate_to: Vec::new(),
        reminded: vec![50],
        sent_back: None,
    }
}

fn artifact(id: &str, name: &str, digest: &str) -> ArtifactView {
    ArtifactView {
        id: id.into(),
        run: "01990b6f".into(),
        run_name: "feature-complete#42".into(),
        stage: "review".into(),
        attempt: 1,
        name: name.into(),
        path: format!("out/{name}.md"),
        format: "md".into(),
        bytes: 4096,
        digest: digest.into(),
        status: "staged".into(),
        created_at: at(0.0),
    }
}

fn form() -> InputDetail {
    let field = |name: &str, kind: &str, required: bool, rules: Value| FieldView {
        name: name.into(),
        kind: kind.into(),
        label: String::new(),
        help: String::new(),
        required,
        rules: serde_json::from_value(rules).unwrap(),
    };
    InputDetail {
        summary: InputSummary {
            id: "I-5".into(),
            run: "01990b6f".into(),
            run_name: "release#9".into(),
            pipeline: "release".into(),
            stage: "notes".into(),
            status: "open".into(),
            revision: 1,
            max_revisions: 3,
            opened_at: at(0.0),
            due_at: None,
            closed_at: None,
            assignees: vec!["devops".into()],
            you: "can submit".into(),
        },
        generation: 2,
        instructions: "What is in it?".into(),
        feedback: "say more".into(),
        fields: vec![
            field("version", "text", true, json!({"pattern": "[0-9.]+"})),
            field("level", "select", false, json!({"options": ["a", "b"], "multiple": false})),
            field("log", "file", true, json!({"max_bytes": 1_048_576})),
        ],
        values: BTreeMap::from([("level".to_owned(), json!("a"))]),
        draft: Some(DraftView { by: "bo".into(), at: at(5.0), values: BTreeMap::new() }),
        submitted_by: None,
    }
}

#[test]
fn an_approval_shows_its_evidence_first() {
    let detail = approval();
    let list = [detail.summary.clone()];
    let now = at(60.0);
    let text = format!(
        "{}\n{}\n{}",
        render::approvals::table(&list, true, now)
            .text(&Choice::default(), Palette::PLAIN)
            .unwrap(),
        render::approvals::detail(&detail, now, Palette::PLAIN).unwrap(),
        render::approvals::decided("Approved", &detail, Palette::PLAIN),
    );
    assert!(!text.contains('\u{1b}'));
    let at = |part: &str| text.find(part).unwrap();
    assert!(
        at("Look at the report") < at("Who decides") && at("report.md") < at("approval reject")
    );
    insta::assert_snapshot!(text);
}

#[test]
fn a_form_shows_its_fields_and_the_command_that_answers_it() {
    let detail = form();
    let now = at(60.0);
    let list = render::inputs::table(std::slice::from_ref(&detail.summary), now);
    insta::assert_snapshot!(format!(
        "{}\n{}",
        list.text(&Choice::default(), Palette::PLAIN).unwrap(),
        render::inputs::detail(&detail, now, Palette::PLAIN).unwrap()
    ));
}

#[test]
fn going_back_is_shown_before_it_is_done() {
    let step = |stage: &str, what: &str, artifacts: u32| ImpactStep {
        stage: stage.into(),
        what: what.into(),
        artifacts,
    };
    let impact = Impact {
        verb: "rewind".into(),
        to: "plan".into(),
        steps: vec![step("implement", "is stopped", 2), step("review", "is done again", 0)],
        runs: Vec::new(),
        archive: Some(".archived/rewind_v42".into()),
        refused: String::new(),
    };
    let undoing = Undoing {
        at: at(0.0),
        by: "ana".into(),
        verb: "rollback".into(),
        run: Some("release#9".into()),
        to: "deploy".into(),
        result: "partial".into(),
        superseded: Vec::new(),
    };
    let explained = Explained {
        stage: "deploy".into(),
        status: "waiting_approval".into(),
        because: vec!["1 of 2 approved; needs devops".into(), "review succeeded".into()],
        remedies: vec!["orchestrate approval approve A-17".into()],
    };
    let diff = ArtifactDiff {
        from: artifact("7", "report", "aa"),
        to: artifact("12", "report", "bb"),
        same: false,
        diff: Some("-old\n+new\n".into()),
    };
    insta::assert_snapshot!(format!(
        "{}\n{}\n{}\n{}",
        render::flow::impact(&impact, Palette::PLAIN),
        render::flow::undoings(&[undoing]).text(&Choice::default(), Palette::PLAIN).unwrap(),
        render::flow::explained(&[explained], Palette::PLAIN),
        render::artifacts::diff(&diff, Palette::PLAIN),
    ));
}

fn gate(stage: &str) -> Value {
    json!({"execution": stage, "kind": "start", "generation": 1})
}

fn policy() -> Value {
    json!({
        "approvers": ["team-lead", "devops"], "quorum": "all", "allow_self": false,
        "timeout": 1800, "on_timeout": "reject", "escalate_to": [], "reminders": [50],
        "needed": 2,
    })
}

/// A gate, votes, a form, a revision, a hold, an event, a rollback and a rewind.
fn story() -> api::feed::Message {
    let opened =
        json!({"gate": gate("review"), "policy": policy(), "digest": "91c0", "due": at(1800.0)});
    let vote = json!({"gate": gate("review"), "by": {"name": "ana"}, "decision": "approve", "comment": "ok", "digest": "91c0"});
    let lets =
        json!({"gate": gate("review"), "slot": 1, "from": {"name": "bo"}, "to": {"name": "kim"}});
    let fed = json!({"occurrence": {"id": "e1", "event": "spec.ready", "data": {}, "source": "user:ana"}});
    sample::events(
        3,
        "waiting",
        &[
            (1.0, "gate.opened", opened),
            (2.0, "gate.voted", vote),
            (3.0, "gate.delegated", lets),
            (4.0, "form.opened", json!({"execution": "plan", "generation": 1, "revision": 1})),
            (5.0, "execution.held", json!({"execution": "deploy-staging", "hold": "breakpoint"})),
            (6.0, "event.received", fed),
            (
                7.0,
                "rollback.started",
                json!({"by": "ana", "cause": "smoke-test", "to": "review", "stages": ["deploy-staging", "review"]}),
            ),
            (
                8.0,
                "rollback.finished",
                json!({"result": "partial", "problems": {"review": "none"}}),
            ),
        ],
    )
}

#[test]
fn who_is_waited_for_is_told_and_pinned() {
    let mut board = Board::new(&sample::fresh());
    assert!(!board.asks_changed());
    let notes = board.take(&story());
    assert!(board.asks_changed());
    let mut summary = approval().summary;
    summary.stage = "review".into();
    board.set_asked(Asked { approvals: vec![summary], inputs: vec![form().summary] });
    assert!(!board.asks_changed());
    let mut text: String = notes.iter().map(|note| plain::note(note, Palette::PLAIN)).collect();
    text += &plain::heartbeat(&board, at(21.0), Palette::PLAIN);
    let screen = Screen { columns: 100, rows: 30, palette: Palette::PLAIN };
    let keys = Keys::Usual { decide: true, changes: true, fill: true, advance: true, page: true };
    text += &frame::pinned(&board, at(21.0), keys, screen).join("\n");
    text += &format!("\n\n{}\n", board.decisions().join("\n"));
    insta::assert_snapshot!(text);
}

#[test]
fn a_rewind_is_taken_back_on_the_board() {
    let mut board = Board::new(&sample::failed());
    let settled = board.settled;
    let back = json!({"executions": ["deploy-staging", "smoke-test"]});
    board.take(&sample::events(3, "running", &[(1.0, "run.rewound", back)]));
    assert_eq!(board.settled, settled - 2);
    board.take(&sample::events(4, "failed", &[(2.0, "run.rewind_undone", json!({"by": "ana"}))]));
    assert_eq!(board.settled, settled);
}

#[test]
fn a_rejection_and_a_rollback_have_a_code_of_their_own() {
    let mut detail = sample::failed();
    assert_eq!(ending::exit(&detail).code(), 10);
    let failed = detail.stages.iter().position(|stage| stage.name == "implement[2]").unwrap();
    for (kind, code) in
        [("rejected", 14), ("approval_timeout", 14), ("timeout", 12), ("exit_code", 10)]
    {
        detail.stages[failed].reason = json!({"kind": "failed", "failure": {"kind": kind}});
        assert_eq!(ending::exit(&detail).code(), code, "{kind}");
    }
    let mut undone = sample::stage("deploy-staging.rollback", &[]);
    undone.status = "succeeded".into();
    undone.outcome = Some("succeeded".into());
    detail.stages.push(undone);
    assert_eq!(ending::exit(&detail).code(), 14);
    assert!(ending::block(&detail, Palette::PLAIN).contains("undone: deploy-staging\n"));
    detail.summary.status = "waiting".into();
    assert_eq!(ending::exit(&detail).code(), 13);
}
