//! Looking after a server: signals, its log, readiness, what watches files, and letting go of what
//! is old. Through the real binary.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

use serde_json::{Value as Json, json};

use crate::binary::{Going, Place};

fn serve(place: &Place, args: &[&str]) -> (Going, SocketAddr) {
    let mut server = place.start(&[&["serve", "--listen", "127.0.0.1:0"], args].concat());
    let line = server.says("listening on");
    let address = line.trim().rsplit('/').next().unwrap().parse().unwrap();
    (server, address)
}

/// The status of an answer, and its body.
fn get(address: SocketAddr, path: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}

const GATED: &str = "
name: gated
stages:
  - {name: a, run: 'echo a >> counter; cat gate'}
  - {name: b, run: 'echo b >> counter'}
";

#[test]
fn a_term_stops_the_server_and_what_runs_goes_on() {
    let place = Place::with("gated.yaml", GATED);
    place.gate("gate");
    let (server, _) = serve(&place, &[]);
    assert_eq!(place.run(&["run", "gated.yaml", "--detach"]).code, Some(0));
    let gate = place.wait_at("gate");
    server.signal("TERM");
    let ended = server.end();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(ended.stderr.contains("1 unfinished run left"), "{}", ended.stderr);
    // It reads from the gate still: else this would break.
    (&gate).write_all(b"on\n").unwrap();
    drop(gate);
    let (server, _) = serve(&place, &[]);
    let log = place.run(&["logs", "-f", "gated#1"]);
    // With its time, where the index of times was written before the server went.
    let said = log.stdout.starts_with("a ") && log.stdout.ends_with("| on\n");
    assert!(log.code == Some(0) && said, "{}{}", log.stdout, log.stderr);
    assert_eq!(place.read("counter"), "a\nb\n");
    server.signal("TERM");
    assert_eq!(server.end().code, Some(0));
}

#[test]
fn a_second_term_waits_for_nobody() {
    let place = Place::new();
    place.write("data/config.yaml", "server: {shutdown_timeout: 10m}\n");
    let (mut server, address) = serve(&place, &[]);
    let token = place.read("data/token");
    // A body that does not come.
    let mut stuck = TcpStream::connect(address).unwrap();
    let request = format!(
        "POST /api/validate HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {}\r\n\
         Content-Type: application/json\r\nContent-Length: 100\r\nExpect: 100-continue\r\n\r\n",
        token.trim()
    );
    stuck.write_all(request.as_bytes()).unwrap();
    // Said when somebody begins to read it.
    let mut said = [0; 12];
    stuck.read_exact(&mut said).unwrap();
    assert_eq!(&said, b"HTTP/1.1 100");
    server.signal("TERM");
    server.says("SIGTERM: stopping");
    server.signal("TERM");
    let ended = server.end();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(ended.stderr.contains("SIGTERM again: not waiting"), "{}", ended.stderr);
}

#[test]
fn a_hang_up_reads_the_configuration_again_and_opens_the_log_anew() {
    let place = Place::new();
    let (mut server, address) = serve(&place, &["--log-file", "server.log"]);
    assert_eq!(get(address, "/readyz").0, 200);
    let (log, old) = (place.path().join("data/server.log"), place.path().join("old.log"));
    std::fs::rename(&log, &old).unwrap();
    place.write("data/config.yaml", "server: {min_free_bytes: lots}\n");
    server.signal("HUP");
    server.says("SIGHUP: the configuration is invalid");
    // A file that cannot be read says nothing of the disk.
    assert_eq!(get(address, "/readyz").0, 200);
    place.write("data/config.yaml", "server: {min_free_bytes: 8000 TiB}\n");
    server.signal("HUP");
    server.says("SIGHUP: the configuration is read again");
    let (status, problem) = get(address, "/readyz");
    assert_eq!(status, 503, "{problem}");
    assert!(problem.contains("bytes of room"), "{problem}");
    assert_eq!(get(address, "/healthz").0, 200, "it lives all the same");
    place.write("data/config.yaml", "");
    assert_eq!(get(address, "/readyz").0, 200);
    server.signal("TERM");
    assert_eq!(server.end().code, Some(0));
    let new = std::fs::read_to_string(log).unwrap();
    assert_eq!(new.matches("told to read the configuration again").count(), 2, "{new}");
    let old = std::fs::read_to_string(old).unwrap();
    assert!(!old.contains("told to read"), "{old}");
}

#[test]
fn a_file_that_comes_starts_a_run() {
    let place = Place::new();
    let watched = place.path().join("incoming");
    std::fs::create_dir(&watched).unwrap();
    place.gate("gate");
    let text = format!(
        "name: take\ninputs: {{files: list}}\ntriggers:\n  - {{files: ['**/*.csv', '!tmp/**'], \
         directory: {}, inputs: {{files: '${{event.files}}'}}}}\nstages:\n  - {{name: a, env: {{F: \
         '${{files}}'}}, run: 'echo \"$F\"; cat {}'}}\n",
        watched.display(),
        place.path().join("gate").display()
    );
    place.write("take.yaml", &text);
    let created = place.run(&["pipeline", "create", "take.yaml"]);
    assert_eq!(created.code, Some(0), "{}", created.stderr);
    let (server, address) = serve(&place, &[]);
    // Watched as soon as it is ready to be asked.
    assert_eq!(get(address, "/readyz").0, 200);
    for file in ["incoming/tmp/no.csv", "incoming/no.txt", "incoming/a/yes.csv"] {
        place.write(file, "1,2\n");
    }
    drop(place.wait_at("gate"));
    let log = place.run(&["logs", "-f", "take#1"]);
    assert_eq!(log.code, Some(0), "{}", log.stderr);
    assert!(log.stdout.contains("a/yes.csv") && !log.stdout.contains("no."), "{}", log.stdout);
    server.signal("TERM");
    assert_eq!(server.end().code, Some(0));
    assert_eq!(place.json(&["runs", "list"])["data"].as_array().unwrap().len(), 1);
}

const HELLO: &str = "name: hello\nstages: [{name: say, run: 'echo hello; pwd > here'}]\n";

/// The runs of a year ago, and one of today.
fn years() -> Place {
    let place = Place::with("hello.yaml", HELLO);
    let then = |args: &[&str]| {
        let clock = "2020-01-01T12:00:00Z";
        let output = place.command(args).env("ORCHESTRATE_CLOCK", clock).output().unwrap();
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    };
    then(&["pipeline", "create", "hello.yaml"]);
    then(&["task", "create", "Say it", "--id", "SAY", "--pipeline", "hello"]);
    then(&["task", "start", "SAY"]);
    then(&["task", "start", "SAY"]);
    then(&["event", "emit", "old.news", "--id", "old"]);
    assert_eq!(place.run(&["task", "start", "SAY"]).code, Some(0));
    place
}

fn names(place: &Place, folder: &str) -> Vec<String> {
    let entries = std::fs::read_dir(place.path().join("data").join(folder)).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort_unstable();
    names
}

#[test]
fn what_is_old_is_let_go_and_what_it_proves_stays() {
    let place = years();
    let run = |name: &str| place.json(&["api", &format!("/api/runs/{name}")]);
    let ids: Vec<String> = ["SAY-1", "SAY-2", "SAY-3"]
        .map(|name| run(name)["id"].as_str().unwrap().to_owned())
        .to_vec();
    // Nobody's: not a run, not a task's, not its number.
    for stray in ["notes", "SAY-01", "SAY-9", "OTHER-1"] {
        place.write(&format!("data/workspaces/{stray}/kept"), "");
    }
    let none = place.json(&["retention", "--yes"]);
    assert_eq!(none["data"]["items"].as_array().unwrap().len(), 1, "only notices: {none}");
    let rules = "{runs_days: 30, output_days: 30, workspaces_days: 30, events_days: 30}";
    place.write("data/config.yaml", &format!("retention: {rules}\n"));
    let counts = |done: &Json| -> Vec<(String, u64)> {
        let items = done["data"]["items"].as_array().unwrap().iter();
        items
            .map(|item| {
                (item["kind"].as_str().unwrap().to_owned(), item["count"].as_u64().unwrap())
            })
            .collect()
    };
    let before = [names(&place, "workspaces"), names(&place, "attempts")];
    let wanted = [("runs", 2), ("output", 2), ("workspaces", 2), ("events", 1), ("notices", 0)]
        .map(|(kind, count)| (kind.to_owned(), count));
    let dry = place.json(&["retention", "--dry-run"]);
    assert_eq!(counts(&dry), wanted, "{dry}");
    assert_eq!([names(&place, "workspaces"), names(&place, "attempts")], before);
    let done = place.json(&["retention", "--yes"]);
    assert_eq!(counts(&done), wanted, "{done}");
    assert_eq!(done["data"]["problems"], json!([]), "{done}");
    // Of those that are gone their line, their decisions and their place in the chain are left.
    let kept = names(&place, "workspaces");
    assert_eq!(kept, ["OTHER-1", "SAY-01", "SAY-3", "SAY-9", "notes"]);
    assert_eq!(names(&place, "attempts"), [ids[2].clone()]);
    let listed = place.json(&["runs", "list"]);
    let shown: Vec<&str> = listed["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|run| run["name"].as_str().unwrap())
        .collect();
    assert_eq!(shown, ["SAY-3", "SAY-2", "SAY-1"]);
    let gone = place.run(&["api", "/api/runs/SAY-1"]);
    assert_ne!(gone.code, Some(0));
    assert!(gone.stdout.contains("was emptied at"), "{}{}", gone.stdout, gone.stderr);
    assert_eq!(run("SAY-3")["status"], "succeeded");
    assert!(place.run(&["logs", "SAY-3"]).stdout.contains("hello"));
    let verified = place.run(&["audit", "verify"]);
    assert_eq!(verified.code, Some(0), "{}{}", verified.stdout, verified.stderr);
    // A late repeat of an event that was forgotten starts nothing; nothing is left for a next round.
    assert_eq!(
        place.json(&["event", "emit", "old.news", "--id", "old"])["data"]["duplicate"],
        true
    );
    let again = place.json(&["retention", "--yes"]);
    assert!(counts(&again).iter().all(|(_, count)| *count == 0), "{again}");
    assert_eq!(place.run(&["task", "start", "SAY"]).code, Some(0));
    assert_eq!(run("SAY-4")["status"], "succeeded");
}
