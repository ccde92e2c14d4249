//! Forms, holds and environments.

use indexmap::IndexMap;
use pipeline::model::{
    Ask, Field, FieldKind, FieldRules, Form, FormTimeout, Pipeline, SaveAs, SaveFormat, Work,
};
use pipeline::text::{Template, ValueTemplate};
use serde_json::{Value as Json, json};
use sha2::{Digest as _, Sha256};

use super::people::{approval, changed, changed_with, person, stage};
use super::{Story, seconds, start};
use crate::command::{
    Advance, Breakpoints, Command, Create, Rejection, Submit, TimerId, TimerKind,
};
use crate::event::{ArtifactRef, Environment, Event, Hold, Settled};
use crate::lock::{self, Claim, Stand};
use crate::view::FormState;

fn field(kind: FieldKind, required: bool) -> Field {
    Field {
        kind,
        label: String::new(),
        help: String::new(),
        required,
        default: None,
        value: None,
        rules: FieldRules::default(),
    }
}

/// A required `version`, and a `count` with a default.
fn form() -> Form {
    let mut count = field(FieldKind::Number, false);
    count.default = Some(json!(3));
    Form {
        instructions: Some(Template::of_literal("what is in it?")),
        fields: IndexMap::from([
            ("version".to_owned(), field(FieldKind::Text, true)),
            ("count".to_owned(), count),
        ]),
        ask: Ask::Always,
        assignees: Vec::new(),
        timeout: None,
        on_timeout: FormTimeout::Fail,
        save_as: None,
    }
}

const ASKS: &str = "{name: p, stages: [{name: a, noop: true}, {name: b, run: exit 0}]}";

/// `a` is a form, `b` a script.
fn asks(change: impl FnOnce(&mut Pipeline)) -> Story {
    changed(ASKS, |p| {
        stage(p, "a").work = Work::Form;
        stage(p, "a").form = Some(form());
        change(p);
    })
}

impl Story {
    fn answer(&self, execution: &str, by: &str, values: Json) -> Command {
        Command::Submit(Box::new(Submit {
            execution: execution.parse().unwrap(),
            generation: None,
            by: person(by),
            values: serde_json::from_value(values).unwrap(),
            artifacts: Vec::new(),
        }))
    }

    fn submit(&mut self, execution: &str, values: Json) -> Vec<Event> {
        self.when(self.answer(execution, "ana", values))
    }

    fn advance(&self, execution: Option<&str>) -> Command {
        let execution = execution.map(|execution| execution.parse().unwrap());
        Command::Advance(Advance { by: person("bo"), execution })
    }

    fn outputs(&self, execution: &str) -> Json {
        self.run.row(&execution.parse().unwrap()).unwrap().outputs.unwrap().clone()
    }
}

#[test]
fn the_answers_of_a_form_are_its_outputs() {
    let mut story = asks(|_| ());
    story.then("waiting", "a=waiting_input b=blocked");
    assert_eq!(story.detail("a"), "waits for input");
    let form = story.run.form(&"a".parse().unwrap(), None).unwrap();
    assert_eq!((form.generation, form.revision, form.instructions), (1, 0, "what is in it?"));
    assert_eq!(form.values, &IndexMap::from([("count".to_owned(), json!(3))]));
    let events = story.submit("a", json!({"version": "1.0"}));
    let names: Vec<_> = events.iter().map(Event::name).collect();
    assert_eq!(
        names,
        [
            "form.submitted",
            "execution.settled",
            "stage.settled",
            "stage.ready",
            "attempt.scheduled"
        ]
    );
    story.then("running", "a=succeeded b=running");
    assert_eq!(story.outputs("a"), json!({"version": "1.0", "count": 3}));
    let form = story.run.form(&"a".parse().unwrap(), Some(1)).unwrap();
    assert_eq!(form.word(), "submitted");
}

#[test]
fn wrong_answers_are_refused_all_at_once() {
    let mut story = asks(|p| {
        let form = stage(p, "a").form.as_mut().unwrap();
        form.assignees = vec!["devops".into()];
    });
    assert_eq!(
        story.refused(story.answer("a", "dee", json!({"version": "1"}))),
        Rejection::NotEligible {
            who: "dee".into(),
            act: "submit",
            reason: "it is asked of devops".into()
        }
    );
    let refusal = story.refused(story.answer("a", "bo", json!({"count": "x", "other": 1})));
    let Rejection::Form { problems } = refusal else { panic!("{refusal}") };
    let fields: Vec<_> = problems.iter().map(|(field, _)| field.as_str()).collect();
    assert_eq!(fields, ["version", "count", "other"]);
    let Command::Submit(mut submit) = story.answer("a", "bo", json!({"version": "1"})) else {
        panic!()
    };
    submit.generation = Some(2);
    let refusal = story.refused(Command::Submit(submit)).to_string();
    assert_eq!(refusal, "`a` asks nobody for input: it is at form 1, and the answer is to form 2");
    let refusal = story.refused(story.answer("b", "bo", json!({}))).to_string();
    assert_eq!(refusal, "`b` asks nobody for input: it is blocked");
    story.pause(false);
    let answer = story.answer("a", "bo", json!({"version": "1"}));
    assert_eq!(story.refused(answer.clone()), Rejection::Paused);
    story.resume();
    story.when(answer.clone());
    assert!(matches!(story.refused(answer), Rejection::NothingToSubmit { .. }));
}

#[test]
fn the_answers_reach_the_script_behind_the_form() {
    let mut story = changed("{name: p, stages: [{name: a, run: 'exit 0', env: {N: 'x'}}]}", |p| {
        stage(p, "a").form = Some(form());
        let n = Template::parse("${form.count}", pipeline::source::Span::default()).unwrap();
        stage(p, "a").env.insert("N".into(), n);
        stage(p, "a").approve_start = Some(approval(&["devops"]));
    });
    // The gate first; what will be answered is not known there.
    let shown = story.run.shown(&story.open("a")).unwrap();
    assert_eq!(shown["asks"], json!(["version", "count"]));
    story.approve("a", "bo");
    story.then("waiting", "a=waiting_input");
    story.submit("a", json!({"version": "2", "count": 7}));
    let task = story.run.task(&story.attempt("a")).unwrap();
    assert_eq!(task.form, Some(json!({"version": "2", "count": 7})));
    assert_eq!(task.env["N"], [pipeline::text::Piece::Plain("7".into())]);
}

#[test]
fn changes_open_the_form_again_with_what_was_answered() {
    let mut story = asks(|p| {
        stage(p, "a").approve_complete = Some(approval(&["devops"]));
        stage(p, "a").max_revisions = 2;
    });
    let Command::Submit(mut submit) = story.answer("a", "ana", json!({"version": "1"})) else {
        panic!()
    };
    let artifact = ArtifactRef {
        name: "answers".into(),
        path: "answers.json".into(),
        digest: "0".repeat(64),
        bytes: 2,
        format: "json".into(),
    };
    submit.artifacts = vec![artifact.clone()];
    story.when(Command::Submit(submit));
    story.then("waiting", "a=waiting_approval b=blocked");
    let shown = story.run.shown(&story.open("a")).unwrap();
    assert_eq!(shown["form"], json!({"version": "1", "count": 3}));
    assert_eq!(shown["artifacts"][0]["digest"], json!(artifact.digest));
    story.send_back("a", "bo");
    story.then("waiting", "a=waiting_input b=blocked");
    let form = story.run.form(&"a".parse().unwrap(), None).unwrap();
    assert_eq!((form.generation, form.revision, form.feedback), (2, 1, "shorter"));
    assert_eq!(form.values["version"], json!("1"));
    story.submit("a", json!({"version": "2"}));
    story.approve("a", "bo");
    assert_eq!(story.outputs("a"), json!({"version": "2", "count": 3}));
    let first = story.run.form(&"a".parse().unwrap(), Some(1)).unwrap();
    let FormState::Submitted { artifacts, .. } = first.state else { panic!() };
    assert_eq!(artifacts, [artifact]);
}

#[test]
fn nobody_is_asked_what_is_known() {
    let ask = |version: Option<&str>| {
        asks(|p| {
            let form = stage(p, "a").form.as_mut().unwrap();
            form.ask = Ask::Missing;
            form.fields["version"].value =
                version.map(|version| ValueTemplate::Literal(json!(version)));
            stage(p, "a").approve_complete = Some(approval(&["devops"]));
            stage(p, "a").max_revisions = 1;
        })
    };
    let story = ask(None);
    story.then("waiting", "a=waiting_input b=blocked");
    let mut story = ask(Some("9"));
    story.then("waiting", "a=waiting_approval b=blocked");
    let form = story.run.form(&"a".parse().unwrap(), None).unwrap();
    let FormState::Submitted { by, .. } = form.state else { panic!() };
    assert_eq!(by, crate::NOBODY);
    // Sent back, a person is asked all the same.
    story.send_back("a", "bo");
    story.then("waiting", "a=waiting_input b=blocked");
    story.submit("a", json!({"version": "10"}));
    story.approve("a", "bo");
    assert_eq!(story.outputs("a")["version"], json!("10"));
}

/// The content is named before anybody has stored it.
#[test]
fn answers_that_nobody_gave_are_saved_too() {
    let save = SaveAs { artifact: "answers.json".into(), format: SaveFormat::Json };
    let ask = |ask: Ask| {
        asks(|p| {
            let form = stage(p, "a").form.as_mut().unwrap();
            form.save_as = Some(save.clone());
            form.ask = ask;
            form.timeout = Some(seconds(60));
            form.on_timeout = FormTimeout::Submit;
            form.fields["version"].default = Some(json!("9"));
        })
    };
    let known = ask(Ask::Missing);
    let mut late = ask(Ask::Always);
    late.fire();
    for story in [known, late] {
        let submitted = story.journal.iter().find(|s| s.event.name() == "form.submitted").unwrap();
        let text = story.run.answers(&submitted.event).unwrap();
        let Event::FormSubmitted { artifacts, .. } = &submitted.event else { panic!() };
        assert_eq!(
            serde_json::from_str::<Json>(&text).unwrap(),
            json!({"version": "9", "count": 3})
        );
        assert_eq!((artifacts.len(), artifacts[0].bytes), (1, text.len() as u64));
        let digest: String =
            Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(artifacts[0].digest, digest);
    }
    let mut given = ask(Ask::Always);
    let events = given.submit("a", json!({}));
    assert_eq!(given.run.answers(&events[0]), None, "whoever took it has stored it");
}

#[test]
fn what_happens_when_nobody_answers() {
    for (on_timeout, version, rows) in [
        (FormTimeout::Fail, None, "a=failed b=not_run"),
        (FormTimeout::Skip, None, "a=skipped b=running"),
        (FormTimeout::Submit, None, "a=failed b=not_run"),
        (FormTimeout::Submit, Some(json!("1")), "a=succeeded b=running"),
    ] {
        let mut story = asks(|p| {
            let form = stage(p, "a").form.as_mut().unwrap();
            form.timeout = Some(seconds(60));
            form.on_timeout = on_timeout;
            form.fields["version"].default = version;
        });
        story.wait(seconds(10)).pause(false);
        story.wait(seconds(100)).resume();
        let timer = story.run.desired().timers[0].clone();
        assert_eq!((timer.id.kind, timer.id.generation), (TimerKind::Form, 1));
        assert_eq!(timer.due.duration_since(story.now).as_secs(), 50);
        let early = story.refused(Command::Fire { timer: timer.id.clone() });
        assert_eq!(early, Rejection::NotDue { due: timer.due });
        let other = TimerId { generation: 2, ..timer.id.clone() };
        assert_eq!(story.refused(Command::Fire { timer: other }), Rejection::StaleTimer);
        story.fire();
        assert_eq!(story.rows(), rows, "{on_timeout:?}");
        let again = story.refused(Command::Fire { timer: timer.id });
        assert!(matches!(again, Rejection::StaleTimer | Rejection::Finished { .. }));
    }
    let mut story = asks(|p| {
        stage(p, "a").form.as_mut().unwrap().timeout = Some(seconds(60));
    });
    story.fire();
    assert_eq!(story.detail("a"), "nobody answered within 1 min");
}

#[test]
fn a_cancel_takes_back_an_open_form() {
    let mut story = asks(|_| ());
    let events = story.cancel();
    assert!(events.iter().any(|event| matches!(
        event,
        Event::FormVoided { generation: 1, reason, .. } if reason == "the run was cancelled"
    )));
    story.then("cancelled", "a=cancelled b=not_run");
    assert_eq!(story.run.forms()[0].word(), "void");
    assert!(story.run.open_forms().is_empty());
    let refusal = story.refused(story.answer("a", "ana", json!({"version": "1"})));
    assert_eq!(refusal, Rejection::Finished { status: "cancelled" });
    // Tried again, it is asked again, with another generation.
    story.retry(None);
    story.then("waiting", "a=waiting_input b=blocked");
    assert_eq!(story.run.open_forms()[0].generation, 2);
}

/// SEMANTICS 12, number 15: what waits is the same after its run was read from the journal at
/// every place, and nothing upstream is done again.
#[test]
fn a_waiting_person_step_survives() {
    let mut story =
        changed("{name: p, stages: [{name: z, run: exit 0}, {name: a, run: exit 0}]}", |p| {
            stage(p, "a").form = Some(form());
            stage(p, "a").approve_start = Some(approval(&["devops", "lead"]));
            stage(p, "a").approve_complete = Some(approval(&["devops", "lead"]));
            stage(p, "a").max_revisions = 3;
        });
    let restart = |story: &mut Story| {
        let timers = story.run.desired().timers;
        let again = crate::Run::replay(story.pipeline.clone(), &story.journal).unwrap();
        assert!(again == story.run);
        story.run = again;
        assert_eq!(story.run.desired().timers, timers);
    };
    story.succeed("z");
    restart(&mut story);
    story.approve("a", "bo");
    restart(&mut story);
    assert_eq!(story.run.open_gates()[0].have, 1);
    story.when(story.delegate("a", "lee", "dee"));
    restart(&mut story);
    story.approve("a", "dee");
    restart(&mut story);
    story.then("waiting", "z=succeeded a=waiting_input");
    story.submit("a", json!({"version": "1"}));
    restart(&mut story);
    story.succeed("a");
    restart(&mut story);
    story.send_back("a", "lee");
    restart(&mut story);
    assert_eq!(story.run.open_forms()[0].values["version"], json!("1"));
    story.submit("a", json!({}));
    story.succeed("a");
    story.approve("a", "bo");
    restart(&mut story);
    story.approve("a", "lee");
    assert_eq!(story.status(), "succeeded");
    assert_eq!(story.run.row(&"z".parse().unwrap()).unwrap().attempts.len(), 1);
}

#[test]
fn a_stage_that_does_not_advance_by_itself_is_held() {
    let mut story = changed(
        "{name: p, stages: [{name: a, depends_on: [], run: exit 0}, {name: b, depends_on: [], run: exit 0}, {name: c, depends_on: [], run: exit 0}]}",
        |p| {
            stage(p, "a").held = true;
            stage(p, "b").held = true;
            stage(p, "a").approve_start = Some(approval(&["devops"]));
        },
    );
    story.then("running", "a=held b=held c=running");
    assert_eq!(story.detail("a"), "held until somebody lets it go on");
    assert_eq!(
        story.refused(story.advance(None)),
        Rejection::NothingHeld { hint: "name one of `a`, `b`".into() }
    );
    assert_eq!(
        story.refused(story.advance(Some("c"))),
        Rejection::NothingHeld { hint: "`c` is queued".into() }
    );
    story.succeed("c");
    assert_eq!(story.status(), "waiting");
    story.pause(false);
    assert_eq!(story.refused(story.advance(Some("a"))), Rejection::Paused);
    story.resume();
    // Nobody is asked before it goes on.
    story.when(story.advance(Some("a")));
    story.then("waiting", "a=waiting_approval b=held c=succeeded");
    story.when(story.advance(None));
    story.then("running", "a=waiting_approval b=running c=succeeded");
    let refusal = story.refused(story.advance(None));
    assert!(matches!(refusal, Rejection::NothingHeld { .. }));
}

const LIST: &str =
    "{name: p, stages: [{name: a, run: exit 0}, {name: b, noop: true}, {name: c, run: exit 0}]}";

#[test]
fn a_run_is_stepped() {
    let mut story = changed_with(LIST, Create { step: true, ..start() }, |_| ());
    for (rows, held) in [
        ("a=held b=blocked c=blocked", "a"),
        ("a=succeeded b=held c=blocked", "b"),
        ("a=succeeded b=succeeded c=held", "c"),
    ] {
        story.then("waiting", rows);
        let listed = story.run.held();
        assert_eq!((listed.len(), listed[0].0.to_string().as_str()), (1, held));
        assert_eq!(listed[0].1, Hold::Step);
        story.when(story.advance(None));
        if held != "b" {
            story.succeed(held);
        }
    }
    assert_eq!(story.status(), "succeeded");
}

#[test]
fn breakpoints_hold_what_has_not_started() {
    let set = |stages: &[&str], step| {
        let stages = stages.iter().map(|stage| (*stage).into()).collect();
        Command::SetBreakpoints(Breakpoints { by: "ana".into(), stages, step })
    };
    let create = Create { breakpoints: vec!["c".into()], ..start() };
    let mut story = changed_with(LIST, create, |_| ());
    assert!(matches!(story.refused(set(&["x"], false)), Rejection::NoSuchStage { .. }));
    story.succeed("a");
    story.then("waiting", "a=succeeded b=succeeded c=held");
    assert_eq!(story.run.breakpoints(), (vec!["c"], false));
    // Taking it away does not let go on what it holds already.
    story.when(set(&[], false));
    assert_eq!(story.rows(), "a=succeeded b=succeeded c=held");
    story.when(story.advance(None));
    assert_eq!(story.live(), "c");
    // What is queued is caught, also in a pause; what has tried is not.
    let mut story = changed(
        "{name: p, max_parallel: 1, stages: [
           {name: a, depends_on: [], run: exit 0, retry: {max_attempts: 2, backoff: {kind: constant, initial: 1s, jitter: false}}},
           {name: b, depends_on: [], run: exit 0},
           {name: f, depends_on: [], foreach: [1, 2], max_parallel: 1, run: exit 0}]}",
        |_| (),
    );
    story.when(set(&["a", "b", "f"], false));
    story.then("running", "a=running b=held f=held f[1]=held f[2]=held");
    story.when(set(&[], false));
    for held in ["b", "f[1]", "f[2]"] {
        story.when(story.advance(Some(held)));
    }
    story.then("running", "a=running b=queued f=queued f[1]=queued f[2]=queued");
    story.pause(false);
    story.when(set(&["b"], false));
    story.then("paused", "a=running b=queued f=queued f[1]=queued f[2]=queued");
    story.fail("a");
    story.resume();
    story.then("running", "a=retrying b=held f=running f[1]=running f[2]=queued");
    story.when(set(&["a"], false));
    story.fire();
    story.then("running", "a=queued b=held f=running f[1]=running f[2]=queued");
}

fn locked(yaml: &str) -> Story {
    let environment = Environment { lock: true, ..Environment::default() };
    let environments = IndexMap::from([("production".to_owned(), environment)]);
    changed_with(yaml, Create { environments, ..start() }, |p| {
        for stage in &mut p.stages {
            stage.environment = Some("production".into());
        }
    })
}

impl Story {
    fn grant(&self, execution: &str) -> Command {
        Command::Grant { execution: execution.parse().unwrap() }
    }

    /// Lets in whoever may enter; their names.
    fn enter(&mut self) -> Vec<String> {
        let grants = lock::grants(self.run.claims());
        for (_, execution) in &grants {
            self.when(Command::Grant { execution: execution.clone() });
        }
        assert_eq!(lock::grants(self.run.claims()), [], "asking again gives nothing new");
        grants.into_iter().map(|(_, execution)| execution.to_string()).collect()
    }
}

#[test]
fn one_execution_at_a_time_is_in_a_locked_environment() {
    let mut story = locked(
        "{name: p, stages: [{name: a, depends_on: [], run: exit 0}, {name: b, depends_on: [], foreach: [1, 2], run: exit 0},
           {name: n, depends_on: [], noop: true}]}",
    );
    story.then(
        "running",
        "a=waiting_environment b=waiting_environment b[1]=waiting_environment \
         b[2]=waiting_environment n=succeeded",
    );
    assert_eq!(story.run.progress().waiting, 3);
    assert_eq!(story.enter(), ["a"]);
    assert_eq!(story.live(), "a");
    assert_eq!(
        story.refused(story.grant("a")),
        Rejection::NotWaitingForEnvironment { execution: "a".into() }
    );
    let told = story.run.explain();
    assert_eq!(told[0].because, ["it waits for a free slot"]);
    assert_eq!(told[1].because[1], "`a` of this run is in it");
    story.succeed("a");
    assert_eq!(story.enter(), ["b[1]"]);
    story.pause(false);
    story.succeed("b[1]");
    assert_eq!(story.enter(), [""; 0], "a paused run is passed over");
    assert_eq!(story.refused(story.grant("b[2]")), Rejection::Paused);
    story.resume();
    assert_eq!(story.enter(), ["b[2]"]);
    story.cancel();
    assert_eq!(story.run.claims().len(), 1, "until it is gone");
}

/// SEMANTICS 12, number 10: of a lock.
#[test]
fn what_waits_for_a_retry_or_for_people_is_in_no_environment() {
    let mut story = locked(
        "{name: p, stages: [{name: a, depends_on: [], run: exit 0, total_timeout: 60s,
            retry: {max_attempts: 3, backoff: {kind: constant, initial: 10s, jitter: false}}},
           {name: b, depends_on: [], run: exit 0}]}",
    );
    story.enter();
    story.fail("a");
    assert_eq!(story.enter(), ["b"]);
    story.fire();
    story.then("running", "a=waiting_environment b=running");
    story.succeed("b");
    assert_eq!(story.enter(), ["a"]);
    assert_eq!(story.live(), "a");
    // Lost, it stays inside: its work is not over.
    story.lose("a");
    assert_eq!(story.live(), "a");
    // The time of all attempts goes on while it waits for others to leave.
    story.fail("a");
    story.fire();
    assert_eq!(story.rows(), "a=waiting_environment b=succeeded");
    story.fire();
    assert_eq!(story.detail("a"), "all its attempts together took longer than 1 min");

    let mut story = changed_with(
        "{name: p, stages: [{name: a, run: exit 0}]}",
        Create {
            environments: IndexMap::from([(
                "production".to_owned(),
                Environment { lock: true, ..Environment::default() },
            )]),
            ..start()
        },
        |p| {
            stage(p, "a").environment = Some("production".into());
            stage(p, "a").approve_complete = Some(approval(&["devops"]));
            stage(p, "a").max_revisions = 1;
        },
    );
    story.enter();
    story.succeed("a");
    assert_eq!(story.run.claims(), []);
    story.send_back("a", "bo");
    assert_eq!(story.enter(), ["a"]);
    story.succeed("a");
    story.approve("a", "bo");
    assert_eq!(story.status(), "succeeded");
}

#[test]
fn a_cancelled_wait_for_an_environment_ends_at_once() {
    let mut story = locked("{name: p, stages: [{name: a, run: exit 0}]}");
    story.cancel();
    story.then("cancelled", "a=cancelled");
    assert_eq!(story.run.claims(), []);
    assert!(matches!(
        story.run.row(&"a".parse().unwrap()).unwrap().settled,
        Some(Settled::Cancelled)
    ));
}

#[test]
fn whoever_waits_longest_enters_first() {
    let claim = |run: u128, execution: &str, environment: &str, since: i64, stand| Claim {
        run: crate::id::RunId(uuid::Uuid::from_u128(run)),
        execution: execution.parse().unwrap(),
        environment: environment.into(),
        since: jiff::Timestamp::from_second(since).unwrap(),
        stand,
    };
    use Stand::{Inside, Paused, Waiting};
    let table = [
        (vec![], ""),
        (vec![claim(1, "a", "x", 5, Waiting), claim(2, "a", "x", 4, Waiting)], "2a"),
        (vec![claim(2, "a", "x", 4, Waiting), claim(1, "a", "x", 4, Waiting)], "1a"),
        (vec![claim(1, "a[10]", "x", 4, Waiting), claim(1, "a[9]", "x", 4, Waiting)], "1a[9]"),
        (vec![claim(1, "a", "x", 1, Paused), claim(2, "a", "x", 4, Waiting)], "2a"),
        (vec![claim(2, "a", "x", 4, Waiting), claim(1, "a", "x", 9, Inside)], ""),
        (vec![claim(1, "a", "x", 9, Inside), claim(2, "a", "x", 4, Waiting)], ""),
        (
            vec![
                claim(1, "a", "x", 9, Inside),
                claim(2, "a", "y", 4, Waiting),
                claim(3, "b", "z", 4, Waiting),
            ],
            "2a 3b",
        ),
    ];
    for (claims, wanted) in table {
        let granted = lock::grants(claims.clone());
        let granted: Vec<String> = granted
            .iter()
            .map(|(run, execution)| format!("{}{execution}", run.0.as_u128()))
            .collect();
        assert_eq!(granted.join(" "), wanted, "{claims:?}");
    }
}
