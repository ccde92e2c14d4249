//! No process that a stage can see, and no file that it is given, holds the key of a provider.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::json;

const OF_FILE: &str = "sk-of-the-file-0123456789abcdef";
const OF_ENVIRONMENT: &str = "sk-of-the-environment-0123456789";
/// Nobody, where the test runs as root: root may read everything.
const NOBODY: &str = "65534";

/// Looks where an agent could look: its environment, every process that it may read, its attempt's
/// folder with the job, what the server remembers, and what the server says.
const LOOK: &str = r#"
{
  env
  for process in /proc/[0-9]*; do
    cat $process/environ $process/cmdline 2>/dev/null | tr '\0' '\n' || :
  done
  find "$DATA/attempts" "$DATA/agents" "$DATA/workspaces" -type f -exec cat {} + 2>/dev/null || :
  cat "$DATA"/*.db "$DATA"/*.db-wal 2>/dev/null || :
} > "$FOUND"
"#;

/// A stage that looks itself, and one whose agent has a tool that does.
fn definition(data: &Path, found: &Path) -> String {
    let look = |found: &Path| {
        LOOK.replace("$DATA", data.to_str().unwrap()).replace("$FOUND", found.to_str().unwrap())
    };
    let call = json!({"call": "bash", "input": {"command": look(&found.join("agent"))}});
    let script = json!({ "turns": [[call, {"text": "looked"}]] });
    let run = json!(look(&found.join("script")));
    format!(
        "name: spy\nstages:\n  - {{name: look, run: {run}}}\n  - name: agent\n    \
         agent: implementer\n    task: Look around\n    \
         adapter: {{kind: mock, script: {script}}}\n    \
         permissions: [{{tool: execute, decision: allow}}]\n"
    )
}

fn orchestrate(folder: &Path, args: &[&str]) -> Output {
    let program = folder.join("orchestrate");
    let mut command = match rustix::process::getuid().is_root() {
        true => {
            let mut command = Command::new("setpriv");
            let whom = [format!("--reuid={NOBODY}"), format!("--regid={NOBODY}")];
            command.args(whom).arg("--clear-groups").arg(program);
            command
        }
        false => Command::new(program),
    };
    command
        .current_dir(folder)
        .args(args)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", folder)
        .env("OPENAI_API_KEY", OF_ENVIRONMENT)
        .env("ORCHESTRATE_DATA_DIR", folder.join("data"))
        .output()
        .unwrap()
}

#[test]
fn no_key_of_a_provider_is_readable_in_any_child() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let (data, found) = (folder.join("data"), folder.join("found"));
    fs::create_dir(&data).unwrap();
    // Where it was built may be a folder that nobody else may enter.
    fs::copy(env!("CARGO_BIN_EXE_orchestrate"), folder.join("orchestrate")).unwrap();
    fs::create_dir(&found).unwrap();
    fs::write(folder.join("spy.yaml"), definition(&data, &found)).unwrap();
    // Outside of what belongs to runs: the owner of the folder may read it, nobody is given it.
    fs::write(data.join("provider.key"), OF_FILE).unwrap();
    let config = "models: {providers: {paid: {kind: openai, key: {file: provider.key}}}}\n";
    fs::write(data.join("config.yaml"), config).unwrap();
    if rustix::process::getuid().is_root() {
        for place in [folder, &data, &found, &data.join("provider.key"), &data.join("config.yaml")]
        {
            fs::set_permissions(place, fs::Permissions::from_mode(0o777)).unwrap();
            std::os::unix::fs::chown(place, Some(65534), Some(65534)).unwrap();
        }
    }
    let listed = orchestrate(folder, &["model", "list"]);
    let text = String::from_utf8_lossy(&listed.stdout).into_owned();
    assert!(
        text.contains("{file: provider.key}") && text.contains("{env: OPENAI_API_KEY}"),
        "{text}"
    );
    let ran = orchestrate(folder, &["run", "spy.yaml"]);
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    for who in ["script", "agent"] {
        let seen = fs::read(found.join(who)).unwrap();
        let seen = String::from_utf8_lossy(&seen);
        assert!(seen.contains("ORCHESTRATE_RUN=") && seen.contains("orchestrate"), "{who} looked");
        for key in [OF_FILE, OF_ENVIRONMENT] {
            assert!(!seen.contains(key), "{who} found {key}");
        }
    }
    for output in [&listed, &ran] {
        for key in [OF_FILE, OF_ENVIRONMENT] {
            assert!(!String::from_utf8_lossy(&output.stdout).contains(key));
            assert!(!String::from_utf8_lossy(&output.stderr).contains(key));
        }
    }
}
