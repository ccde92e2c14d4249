//! `kill -9` at every place where a crash could cut the work in two. Whatever is cut: the run ends
//! right, and no stage that was started runs a second time, because its keeper still holds it.

use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Command, Output};

/// Where the conductor may die, in the order of one round: see `server::failpoint`.
const PLACES: [&str; 5] = ["drained", "decided", "synced", "ordered", "replied"];

/// Which pass of each place: the start, the middle, late.
const PASSES: [u32; 6] = [1, 2, 5, 9, 17, 31];

const DEFINITION: &str = r#"
name: twenty
max_parallel: 3
stages:
  - {name: s1, depends_on: [], run: 'echo s1 >> counter'}
  - {name: s2, depends_on: [s1], run: 'echo s2 >> counter'}
  - {name: s3, depends_on: [s1], run: 'echo s3 >> counter'}
  - {name: s4, depends_on: [s2, s3], noop: true}
  - name: fan
    depends_on: [s4]
    foreach: {items: [1, 2, 3, 4, 5, 6], max_parallel: 3}
    env: {N: "${item}"}
    run: 'echo "fan$N" >> counter; echo "half=$((N * 2))" >> "$ORCHESTRATE_OUTPUT"'
    outputs: {half: integer}
  - {name: skipped, depends_on: [s4], if: "false", run: 'echo skipped >> counter'}
  - {name: warned, depends_on: [s4], on_failure: continue, run: 'echo warned >> counter; exit 3'}
  - name: slow
    depends_on: [s4]
    run: 'echo slow >> counter; i=0; while [ $i -lt 3000 ]; do i=$((i + 1)); done; echo output of slow'
  - {name: s9, depends_on: [fan, skipped, warned, slow], run: 'echo s9 >> counter'}
  - {name: s10, depends_on: [s9], run: 'echo s10 >> counter'}
  - {name: s11, depends_on: [s10], run: 'echo s11 >> counter'}
  - {name: s12, depends_on: [s11], run: 'echo s12 >> counter'}
  - {name: s13, depends_on: [s12], environment: production, run: 'echo s13 >> counter'}
  - {name: s14, depends_on: [s13], run: 'echo s14 >> counter'}
finally:
  - {name: clean, run: 'echo clean >> counter'}
"#;

#[test]
fn a_kill_at_any_failpoint_loses_nothing_and_repeats_nothing() {
    let mut killed = 0;
    for place in PLACES {
        for pass in PASSES {
            killed += u32::from(cut(place, pass));
        }
    }
    // A run that ends before a late pass is reached was not cut; most must be.
    assert!(killed >= 20, "only {killed} runs were cut: are the failpoints still there?");
}

/// Whether the run was cut at this pass of this place. Fails unless it ended right afterwards.
fn cut(place: &str, pass: u32) -> bool {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("twenty.yaml"), DEFINITION).unwrap();
    let story = format!("{place}:{pass}");
    let first = orchestrate(folder.path(), &["run", "twenty.yaml"], Some(&story));
    let was_cut = first.status.signal() == Some(9);
    if was_cut {
        resume(folder.path(), &story);
    } else {
        assert!(first.status.success(), "{story}: {}", text(&first));
    }
    let counter = fs::read_to_string(folder.path().join("counter")).unwrap();
    let mut ran: Vec<&str> = counter.lines().collect();
    ran.sort_unstable();
    let mut wanted = vec![
        "s1", "s2", "s3", "fan1", "fan2", "fan3", "fan4", "fan5", "fan6", "warned", "slow", "s9",
        "s10", "s11", "s12", "s13", "s14", "clean",
    ];
    wanted.sort_unstable();
    assert_eq!(ran, wanted, "{story}: what ran");
    let log = orchestrate(folder.path(), &["logs", "twenty#1", "--stage", "slow"], None);
    assert!(text(&log).contains("output of slow"), "{story}: {}", text(&log));
    was_cut
}

/// Goes on with the run; when it was cut before it existed, starts it as its user would.
fn resume(folder: &Path, story: &str) {
    let again = orchestrate(folder, &["runs", "resume", "twenty#1"], None);
    match again.status.code() {
        Some(0) => {}
        // Nothing was acknowledged.
        Some(4) => {
            let started = orchestrate(folder, &["run", "twenty.yaml"], None);
            assert!(started.status.success(), "{story}: {}", text(&started));
        }
        // It had ended by itself before.
        _ => {
            let shown = orchestrate(folder, &["runs", "show", "twenty#1"], None);
            assert!(
                text(&shown).contains("Succeeded"),
                "{story}: {}{}",
                text(&again),
                text(&shown)
            );
        }
    }
}

fn orchestrate(folder: &Path, args: &[&str], failpoint: Option<&str>) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_orchestrate"));
    command.args(args).arg("--data-dir").arg(folder.join("data")).current_dir(folder);
    if let Some(failpoint) = failpoint {
        command.env("ORCHESTRATE_FAILPOINT", failpoint);
    }
    command.output().unwrap()
}

fn text(output: &Output) -> String {
    let (out, err) = (&output.stdout, &output.stderr);
    format!("{}{}", String::from_utf8_lossy(out), String::from_utf8_lossy(err))
}
