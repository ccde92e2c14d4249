//! A secret is given to the stage that names it, and is found nowhere afterwards.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

const VALUE: &str = "hunter2-correct-horse";

const DEFINITION: &str = r#"
name: secret
secrets: [API_TOKEN]
stages:
  - name: leak
    depends_on: []
    env: {TOKEN: "${secrets.API_TOKEN}"}
    run: |
      test -n "$TOKEN"
      echo "the token is $TOKEN"
      printf 'in two '; printf 'hunter2-'; printf 'correct-horse\n'
      echo "token=$TOKEN" >> "$ORCHESTRATE_OUTPUT"
    outputs: {token: string}
  - name: fail
    depends_on: [leak]
    env: {TOKEN: "${secrets.API_TOKEN}"}
    run: echo "cannot log in with $TOKEN" >&2; exit 3
    on_failure: continue
  - name: other
    depends_on: [fail]
    run: env
"#;

#[test]
fn a_secret_never_appears_in_log_output_event_or_answer() {
    let folder = tempfile::tempdir().unwrap();
    appears_nowhere(folder.path(), Some(VALUE));
}

#[test]
fn a_stored_secret_reaches_its_stage_and_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut set = Command::new(env!("CARGO_BIN_EXE_orchestrate"))
        .args(["secret", "set", "API_TOKEN", "--pipeline", "secret", "--data-dir"])
        .arg(&data)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    set.stdin.take().unwrap().write_all(VALUE.as_bytes()).unwrap();
    let stored = set.wait_with_output().unwrap();
    assert!(stored.status.success() && !String::from_utf8_lossy(&stored.stdout).contains(VALUE));
    let mode = fs::metadata(data.join("secret.key")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    appears_nowhere(folder.path(), None);
    let rekeyed = orchestrate(folder.path(), &["secret", "rekey"], None);
    assert!(rekeyed.contains("Sealed 1 secret"), "{rekeyed}");
    let again = orchestrate(folder.path(), &["run", "secret.yaml"], None);
    assert!(again.contains("Succeeded"), "{again}");
    let listed = orchestrate(folder.path(), &["secret", "list"], None);
    assert!(listed.contains("pipeline secret") && !listed.contains(VALUE), "{listed}");
    let trail = orchestrate(folder.path(), &["audit", "list"], None);
    assert!(trail.contains("secret.rekeyed") && !trail.contains(VALUE), "{trail}");
}

/// Runs what uses the secret, and looks for it in every answer and every file.
fn appears_nowhere(folder: &Path, variable: Option<&str>) {
    fs::write(folder.join("secret.yaml"), DEFINITION).unwrap();
    let answers = [
        &["run", "secret.yaml"][..],
        &["logs", "secret#1"],
        &["pipeline", "status", "secret#1"],
        &["runs", "show", "secret#1", "-o", "json"],
        &["runs", "events", "secret#1", "-o", "json"],
    ]
    .map(|args| orchestrate(folder, args, variable));
    assert!(answers[0].contains("Succeeded"), "{}", answers[0]);
    assert!(answers[1].contains("the token is ***"), "{}", answers[1]);
    assert!(answers[1].contains("in two ***"), "{}", answers[1]);
    for answer in &answers {
        assert!(!answer.contains(VALUE), "{answer}");
    }
    let mut files = 0;
    let mut folders = vec![folder.join("data")];
    while let Some(place) = folders.pop() {
        for entry in fs::read_dir(place).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if let Ok(bytes) = fs::read(&path) {
                files += 1;
                let found = bytes.windows(VALUE.len()).any(|window| window == VALUE.as_bytes());
                assert!(!found, "the secret is in {}", path.display());
            }
        }
    }
    assert!(files > 3, "only {files} files were looked at");
}

fn orchestrate(folder: &Path, args: &[&str], variable: Option<&str>) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_orchestrate"))
        .env_remove("ORCHESTRATE_SECRET_API_TOKEN")
        .args(args)
        .arg("--data-dir")
        .arg(folder.join("data"))
        .envs(variable.map(|value| ("ORCHESTRATE_SECRET_API_TOKEN", value)))
        .current_dir(folder)
        .output()
        .unwrap();
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}
