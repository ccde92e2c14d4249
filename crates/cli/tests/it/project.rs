//! First steps: what the templates write runs as it is.

use crate::binary::Place;

#[test]
fn the_first_pipeline_runs_and_is_never_overwritten() {
    let place = Place::new();
    let alone = place.run(&[]);
    assert_eq!(alone.code, Some(0));
    assert_eq!(alone.stdout.lines().count(), 6, "{}", alone.stdout);
    let written = place.run(&["init"]);
    assert_eq!((written.code, written.stdout.as_str()), (Some(0), "pipelines/feature.yaml\n"));
    let first = place.read("pipelines/feature.yaml");
    assert!(first.starts_with("# yaml-language-server: $schema=pipeline.schema.json\n"), "{first}");
    let schema: serde_json::Value =
        serde_json::from_str(&place.read("pipelines/pipeline.schema.json")).unwrap();
    assert!(schema["$defs"]["pipeline"]["properties"]["stages"].is_object(), "{schema}");
    let checked = place.run(&["validate", "--strict", "pipelines/feature.yaml"]);
    assert_eq!(checked.stdout, "pipelines/feature.yaml: ok: 6 stages, 1 approval\n");
    let ran =
        place.run(&["run", "pipelines/feature.yaml", "-p", "goal=A */ print", "--exit-on-wait"]);
    assert_eq!(ran.code, Some(13), "{}{}", ran.stdout, ran.stderr);
    assert!(!ran.stderr.contains("open: "), "nobody is waited for: {}", ran.stderr);
    assert!(place.read("feature/theme.css").starts_with("/*\n"));
    assert!(place.read("feature/report.md").contains("| switch.js was written | passed |"));
    assert!(place.read("feature/change.diff").contains("+++ feature/switch.js"));
    let sent = ["approval", "request-changes", "A-1", "--feedback", "use CSS variables"];
    assert_eq!(place.run(&sent).code, Some(0));
    assert_eq!(place.run(&["runs", "resume", "feature", "--exit-on-wait"]).code, Some(13));
    let again = place.json(&["approval", "show", "A-2"]);
    assert_eq!(
        again["data"]["sent_back"],
        serde_json::json!({"revision": 1, "max_revisions": 3, "feedback": "use CSS variables"})
    );
    assert!(place.read("feature/change.diff").contains("use CSS variables"));
    assert!(place.run(&["approval", "show", "A-2"]).stdout.contains("revision 1 of 3, asked for"));
    assert_eq!(place.run(&["approval", "approve", "A-2"]).code, Some(0));
    assert_eq!(place.run(&["logs", "feature", "-f", "--quiet"]).code, Some(0));
    place.write("pipelines/feature.yaml", "mine");
    let again = place.run(&["init"]);
    assert_eq!(again.code, Some(5));
    assert!(again.stderr.contains("hint: "), "{}", again.stderr);
    assert_eq!(place.read("pipelines/feature.yaml"), "mine");
}

/// What is not a terminal may be a file that others read: the place is said, not the way in.
#[test]
fn a_run_that_waits_is_shown_to_a_browser_as_long_as_it_waits() {
    let ask = "name: ask\nstages: [{name: ship, requires_approval: true, run: echo shipped}]\n";
    let place = Place::with("ask.yaml", ask);
    let mut going = place.start(&["run", "ask.yaml"]);
    let line = going.says("open: ");
    let address = line.trim().trim_start_matches("open: http://");
    let (host, path) = address.split_once('/').unwrap();
    assert!(host.starts_with("127.0.0.1:") && path == "runs/ask/1", "{line}");
    let link = place.run(&["open"]).stdout;
    assert!(link.starts_with(&format!("http://{host}/login/")), "{link}");
    assert!(std::net::TcpStream::connect(host).is_ok());
    assert_eq!(place.run(&["approval", "approve", "A-1"]).code, Some(0));
    let said = going.says("Approved ");
    assert!(said.contains("A-1 by you, ship, 1 of 1"), "{said}");
    assert_eq!(going.end().code, Some(0));
    assert!(std::net::TcpStream::connect(host).is_err(), "it is served only while it waits");
}

#[test]
fn ci_runs_as_written_in_the_project_at_hand() {
    let place = Place::with(
        "Makefile",
        "lint:\n\t@echo linted\ntest:\n\t@echo tested\nall:\n\t@echo built\n",
    );
    let written = place.run(&["pipeline", "init", "ci"]);
    assert_eq!(written.code, Some(0), "{}", written.stderr);
    let ran = place.run(&["run", "pipelines/ci.yaml"]);
    assert_eq!(ran.code, Some(0), "{}{}", ran.stdout, ran.stderr);
    let log = place.run(&["logs", "ci"]).stdout;
    for word in ["| linted", "| tested", "| built"] {
        assert!(log.contains(word), "{word}: {log}");
    }
    assert_eq!(place.run(&["pipeline", "init", "ci"]).code, Some(5));
}

#[test]
fn ci_of_a_python_project_runs_its_tests() {
    let place = Place::with("requirements.txt", "");
    place.write("tests/__init__.py", "");
    place.write(
        "tests/test_sum.py",
        "import unittest\nclass T(unittest.TestCase):\n    def test_sum(self):\n        self.assertEqual(1 + 1, 2)\n",
    );
    place.run(&["pipeline", "init", "ci"]);
    let ran = place.run(&["run", "pipelines/ci.yaml"]);
    assert_eq!(
        ran.code,
        Some(0),
        "{}{}{}",
        place.read("pipelines/ci.yaml"),
        ran.stdout,
        ran.stderr
    );
}

#[test]
fn without_a_project_ci_is_an_example_that_runs() {
    let place = Place::new();
    place.run(&["pipeline", "init", "ci"]);
    let ran = place.run(&["run", "pipelines/ci.yaml", "--quiet"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
}

#[test]
fn the_cascade_implements_every_specification_offline() {
    let place = Place::new();
    let written = place.run(&["pipeline", "init", "cascade"]);
    assert_eq!((written.code, written.stdout.as_str()), (Some(0), "pipelines/cascade.yaml\n"));
    let checked = place.run(&["validate", "--strict", "pipelines/cascade.yaml"]);
    assert_eq!(checked.stdout, "pipelines/cascade.yaml: ok: 4 stages\n");
    let ran = place.run(&["run", "pipelines/cascade.yaml", "-p", "goal= A weather station "]);
    assert_eq!(ran.code, Some(0), "{}{}", ran.stdout, ran.stderr);
    let log = place.run(&["logs", "cascade", "--stage", "specification", "--raw"]).stdout;
    assert_eq!(log, "specifying: A weather station\n");
    let log = place.run(&["logs", "cascade", "--stage", "acceptance", "--raw"]).stdout;
    assert_eq!(log, "12 specifications are implemented\n");
    assert_eq!(place.read("work/orders.txt"), "Orders\n");
}

#[test]
fn doctor_names_each_check_and_its_remedy() {
    let place = Place::new();
    let before = place.json(&["doctor"]);
    assert_eq!(before["schema"], "orchestrate.check.list/v1");
    assert!(!place.path().join("data").exists(), "doctor made a data folder");
    place.run(&["runs", "list"]);
    let text = place.run(&["doctor"]).stdout;
    for name in ["data folder", "disk", "sync", "owner", "database", "keeper", "sh", "clock"] {
        assert!(text.contains(&format!("  {name}")), "{name}: {text}");
    }
    assert!(text.contains("SQLite 3."), "{text}");
    std::fs::remove_file(place.path().join("data/orchestrate.db")).unwrap();
    let broken = place.run(&["doctor"]);
    assert_eq!(broken.code, Some(1), "{}", broken.stdout);
    assert!(broken.stdout.contains("fail  database"), "{}", broken.stdout);
    assert!(broken.stdout.contains("remedy: restore it"), "{}", broken.stdout);
    assert_eq!(place.run(&["runs", "list"]).code, Some(5));
}

#[test]
fn completions_are_scripts() {
    let place = Place::new();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = place.run(&["completions", shell]);
        assert_eq!(script.code, Some(0));
        assert!(script.stdout.contains("orchestrate"), "{shell}");
    }
    let schema = place.run(&["schema"]).stdout;
    let schema: serde_json::Value = serde_json::from_str(&schema).unwrap();
    assert!(schema["$defs"].is_object());
}
