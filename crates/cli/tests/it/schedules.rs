//! Schedules through the real binary, which is killed between a time that is due and the run that
//! it starts, and after a downtime: each time starts one run or none, as its trigger says.

use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt as _;
use std::sync::Mutex;

use serde_json::Value as Json;

use crate::binary::{Going, Place};

const CATCH_UP: [&str; 3] = ["skip", "last", "all"];
/// Which turn of which place: see `server::failpoint`. What is due is the second thing that a
/// server deals with, so that each of them is reached, before, in and after that turn.
const AT_THE_TIME: [&str; 7] =
    ["drained:2", "decided:1", "synced:1", "synced:2", "ordered:2", "ordered:3", "replied:3"];
/// Servers at once.
const ABREAST: usize = 2;

/// Three pipelines that differ in what they do about missed times, created on the 20th. Their runs
/// count in the place itself.
fn place() -> Place {
    let place = Place::new();
    for catch_up in CATCH_UP {
        let file = format!("{catch_up}.yaml");
        let text = format!(
            "name: {catch_up}
triggers: [{{schedule: '0 2 * * *', catch_up: {catch_up}}}]
stages:
  - name: say
    env: {{DUE: '${{event.due}}'}}
    run: echo {catch_up} \"$DUE\" >> ../../../counter\n"
        );
        place.write(&file, &text);
        let mut create = place.command(&["pipeline", "create", &file]);
        let created = create.env("ORCHESTRATE_CLOCK", "2026-11-20T12:00:00Z").output().unwrap();
        assert!(created.status.success(), "{}", String::from_utf8_lossy(&created.stderr));
    }
    place
}

fn copy(of: &Place) -> Place {
    let place = Place::new();
    let (from, to) = (of.path().join("data"), place.path().join("data"));
    let copied = std::process::Command::new("cp").arg("-r").args([from, to]).status().unwrap();
    assert!(copied.success());
    place
}

fn serve(place: &Place, clock: &str, failpoint: Option<&str>) -> Going {
    let mut command = place.command(&["serve", "--listen", "127.0.0.1:0"]);
    command.env("ORCHESTRATE_CLOCK", clock);
    if let Some(failpoint) = failpoint {
        command.env("ORCHESTRATE_FAILPOINT", failpoint);
    }
    Going::of(&mut command)
}

/// What one pipeline did about its times.
#[derive(Debug, Default, PartialEq, Eq)]
struct Did {
    /// The times of its runs, in order.
    runs: Vec<String>,
    /// When the first of them was created.
    created: String,
    skipped: u64,
    next: String,
}

/// As it stands when all that was due is dealt with, and every run has ended. Fails unless each run
/// is of a time of its own, for which its stage ran once.
fn settled(place: &Place, story: &str) -> BTreeMap<String, Did> {
    // Answered in a later turn than what was due.
    assert_eq!(place.run(&["event", "emit", "nobody.listens"]).code, Some(0), "{story}");
    let mut all: BTreeMap<String, Did> = BTreeMap::new();
    for schedule in place.json(&["trigger", "schedule"])["data"].as_array().unwrap() {
        let did = all.entry(text(&schedule["pipeline"])).or_default();
        did.skipped = schedule["skipped"].as_u64().unwrap();
        did.next = text(&schedule["next"]);
    }
    let mut ended: BTreeMap<String, usize> = BTreeMap::new();
    for run in place.json(&["runs", "list"])["data"].as_array().unwrap() {
        let name = text(&run["name"]);
        let log = place.run(&["logs", "-f", &name]);
        assert_eq!(log.code, Some(0), "{story}: {name}: {}", log.stderr);
        let pipeline = text(&run["pipeline"]);
        all.entry(pipeline.clone()).or_default().created = text(&run["created_at"]);
        *ended.entry(pipeline).or_default() += 1;
    }
    let counter = std::fs::read_to_string(place.path().join("counter")).unwrap_or_default();
    for line in counter.lines() {
        let (pipeline, due) = line.split_once(' ').unwrap();
        all.get_mut(pipeline).unwrap().runs.push(due.to_owned());
    }
    for (name, did) in &mut all {
        did.runs.sort_unstable();
        let ended = ended.get(name).copied().unwrap_or(0);
        assert_eq!(did.runs.len(), ended, "{story}: {name}: stages and runs: {counter}");
    }
    all
}

fn text(value: &Json) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text")).to_owned()
}

/// Cut at this point, by the server itself.
fn killed(going: Going, story: &str) {
    let (status, said) = going.status();
    assert_eq!(status.signal(), Some(9), "{story}: it was not cut: {said}");
}

#[test]
fn a_kill_between_a_time_and_its_run_starts_each_time_once() {
    let stories = Mutex::new(AT_THE_TIME.to_vec());
    let before = Mutex::new(0);
    let fresh = place();
    std::thread::scope(|scope| {
        for _ in 0..ABREAST {
            scope.spawn(|| {
                loop {
                    let Some(story) = stories.lock().unwrap().pop() else { return };
                    let stored = cut_at_the_time(&fresh, story);
                    *before.lock().unwrap() += usize::from(stored);
                }
            });
        }
    });
    let before = before.into_inner().unwrap();
    // Both were seen: how often is the machine's choice.
    assert!((1..AT_THE_TIME.len()).contains(&before), "{before} were cut with the runs on disk");
}

/// Whether the runs were on disk when the server died.
fn cut_at_the_time(fresh: &Place, story: &str) -> bool {
    let place = copy(fresh);
    killed(serve(&place, "2026-11-21T01:59:59Z", Some(story)), story);
    let mut server = serve(&place, "2026-11-21T02:00:30Z", None);
    server.says("listening on");
    let did = settled(&place, story);
    let time = "2026-11-21T02:00:00Z";
    for (name, did) in &did {
        assert_eq!(did.next, "2026-11-22T02:00:00Z", "{story}: {name}");
        let passed_over = name == "skip" && did.skipped == 1;
        let (runs, skipped) = if passed_over { (vec![], 1) } else { (vec![time], 0) };
        assert_eq!(did.runs, runs, "{story}: {name}");
        assert_eq!(did.skipped, skipped, "{story}: {name}");
    }
    did["all"].created.as_str() < "2026-11-21T02:00:29"
}

#[test]
fn what_passed_during_a_downtime_is_caught_up_with_once_whatever_kill_does() {
    let days = ["2026-11-21T02:00:00Z", "2026-11-22T02:00:00Z", "2026-11-23T02:00:00Z"];
    let fresh = place();
    let mut server = serve(&fresh, "2026-11-20T12:01:00Z", None);
    server.says("listening on");
    assert!(settled(&fresh, "before").values().all(|did| did.runs.is_empty()));
    server.signal("KILL");
    drop(server);
    for story in ["drained:1", "decided:1", "synced:1", "ordered:2", "replied:2"] {
        let place = copy(&fresh);
        killed(serve(&place, "2026-11-23T12:00:00Z", Some(story)), story);
        let mut server = serve(&place, "2026-11-23T12:00:30Z", None);
        server.says("listening on");
        let did = settled(&place, story);
        for (name, wanted, skipped) in [("skip", 3..3, 3), ("last", 2..3, 2), ("all", 0..3, 0)] {
            assert_eq!(did[name].runs, days[wanted], "{story}: {name}");
            assert_eq!(did[name].skipped, skipped, "{story}: {name}");
            assert_eq!(did[name].next, "2026-11-24T02:00:00Z", "{story}: {name}");
        }
    }
}
