//! A secret is given to the stage that names it, and is found nowhere afterwards.

use std::fs;
use std::path::Path;
use std::process::Command;

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
    fs::write(folder.path().join("secret.yaml"), DEFINITION).unwrap();
    let answers = [
        &["run", "secret.yaml"][..],
        &["logs", "secret#1"],
        &["pipeline", "status", "secret#1"],
        &["runs", "show", "secret#1", "-o", "json"],
        &["runs", "events", "secret#1", "-o", "json"],
    ]
    .map(|args| orchestrate(folder.path(), args));
    assert!(answers[0].contains("Succeeded"), "{}", answers[0]);
    assert!(answers[1].contains("the token is ***"), "{}", answers[1]);
    assert!(answers[1].contains("in two ***"), "{}", answers[1]);
    for answer in &answers {
        assert!(!answer.contains(VALUE), "{answer}");
    }
    let mut files = 0;
    let mut folders = vec![folder.path().join("data")];
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

fn orchestrate(folder: &Path, args: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_orchestrate"))
        .args(args)
        .arg("--data-dir")
        .arg(folder.join("data"))
        .env("ORCHESTRATE_SECRET_API_TOKEN", VALUE)
        .current_dir(folder)
        .output()
        .unwrap();
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}
