//! Transcripts in the guide are true: every command in them is run as written, in a folder of its
//! own, and has to say what the page says.
//!
//! A page holds files (` ```yaml title="release.yaml" `) and transcripts (` ```console `): a line
//! that begins with `$ ` is a command, what follows is what it says on the terminal, both streams
//! together; a line `...` stands for any lines. Times, durations, ids and digests are not compared;
//! the user of the machine is called `lee`, and the folder `/home/lee`.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use regex::Regex;

use crate::binary::{Place, me};

#[path = "../../../worker/tests/it/runtimes/places/cloud.rs"]
#[expect(dead_code, reason = "the suite of the runtimes asks it more")]
mod cloud;
#[path = "../../../worker/tests/it/runtimes/places/daemon.rs"]
#[expect(dead_code, reason = "the suite of the runtimes asks it more")]
mod daemon;

/// Pages that have to hold a transcript.
const PAGES: [&str; 8] = [
    "api.md",
    "approvals.md",
    "cascades.md",
    "containers.md",
    "ecs.md",
    "rest.md",
    "runtimes.md",
    "tasks.md",
];

#[test]
fn the_guide_to_approvals_says_what_happens() {
    follow("approvals.md");
}

#[test]
fn the_guide_to_cascades_says_what_happens() {
    follow("cascades.md");
}

#[test]
fn the_guide_to_the_api_says_what_happens() {
    follow("api.md");
}

#[test]
fn the_guide_to_what_all_routes_have_in_common_says_what_happens() {
    follow("rest.md");
}

#[test]
fn the_guide_to_runtimes_says_what_happens() {
    if Command::new("tmux").arg("-V").output().is_err() {
        eprintln!("SKIPPED: docs/guide/runtimes.md needs tmux, which is not on this machine");
        return;
    }
    follow("runtimes.md");
}

/// `$SOCKET` is where the daemon listens.
#[test]
fn the_guide_to_containers_says_what_happens() {
    match daemon::Daemon::start() {
        Ok(daemon) => {
            follow_with("containers.md", &[("SOCKET", &daemon.socket().display().to_string())]);
        }
        Err(why) => eprintln!("SKIPPED: docs/guide/containers.md cannot be run here: {why}"),
    }
}

/// `$ENDPOINT` is what stands for AWS.
#[test]
fn the_guide_to_ecs_says_what_happens() {
    match cloud::Cloud::start() {
        Ok(cloud) => {
            let endpoint = format!("http://{}", cloud.address());
            let keys = ("KEY", "not-a-secret-at-all");
            follow_with("ecs.md", &[("ENDPOINT", &endpoint), ("AWS_KEY_ID", "AKIDTEST"), keys]);
        }
        Err(why) => eprintln!("SKIPPED: docs/guide/ecs.md cannot be run here: {why}"),
    }
}

#[test]
fn the_guide_to_tasks_says_what_happens() {
    follow("tasks.md");
}

/// What the seeds name, method by method, stands in the guide with its answer.
#[test]
fn every_endpoint_that_was_promised_is_called_in_the_guide() {
    let text = std::fs::read_to_string(guide().join("api.md")).unwrap();
    let calls: Vec<(String, String)> = parts(&text).iter().filter_map(called).collect();
    let id = "[^/?]+";
    for (method, path) in [
        ("GET", "/pipelines?task=*"),
        ("POST", "/pipelines"),
        ("GET", "/pipelines/*"),
        ("POST", "/pipelines/*/stop"),
        ("GET", "/pipelines/*/status"),
        ("GET", "/pipelines/*/logs"),
        ("GET", "/api/checkpoints/*"),
        ("POST", "/api/checkpoints"),
        ("PUT", "/api/checkpoints/*"),
        ("DELETE", "/api/checkpoints/*"),
        ("POST", "/api/pipelines/*/checkpoints/reorder"),
        ("POST", "/api/runs"),
        ("GET", "/api/runs?pipeline_id=*"),
        ("GET", "/api/runs/*"),
        ("POST", "/api/runs/*/start"),
        ("POST", "/api/runs/*/pause"),
        ("POST", "/api/runs/*/resume"),
        ("GET", "/api/executions/*"),
        ("POST", "/api/executions/*/approve-start"),
        ("POST", "/api/executions/*/submit"),
        ("POST", "/api/executions/*/approve-complete"),
        ("POST", "/api/executions/*/request-revision"),
        ("GET", "/api/artifacts/*"),
        ("GET", "/api/artifacts/*/content"),
        ("GET", "/api/artifacts/*/download"),
        ("GET", "/api/artifacts/execution/*"),
        ("GET", "/api/pipelines"),
        ("POST", "/api/pipelines"),
        ("GET", "/api/pipelines/*"),
        ("PUT", "/api/pipelines/*"),
        ("DELETE", "/api/pipelines/*"),
        ("POST", "/api/pipelines/*/run"),
        ("GET", "/api/pipelines/*/runs"),
        ("GET", "/api/pipeline-runs/*"),
        ("POST", "/api/pipeline-runs/*/cancel"),
        ("GET", "/api/approvals?status=pending"),
        ("POST", "/api/approvals/*/approve"),
        ("POST", "/api/approvals/*/reject"),
    ] {
        let pattern = format!("^{}$", regex::escape(path).replace(r"\*", id));
        let pattern = Regex::new(&pattern).unwrap();
        let found = calls.iter().any(|(how, to)| how == method && pattern.is_match(to));
        assert!(found, "docs/guide/api.md does not call {method} {path}");
    }
}

/// Method and path of a command that calls the API and says what came.
fn called(part: &Part) -> Option<(String, String)> {
    let Part::Step { command, says, .. } = part else { return None };
    let words: Vec<&str> = command.strip_prefix("api ")?.split(' ').collect();
    let url = words.iter().find_map(|word| word.trim_matches(['\'', '"']).strip_prefix("http://o"));
    let after = |flag: &str| words.iter().position(|word| *word == flag).map(|at| words[at + 1]);
    let method = after("-X").unwrap_or(if after("-d").is_some() { "POST" } else { "GET" });
    let answered = says.iter().any(|line| !line.is_empty());
    answered.then(|| (method.to_owned(), url.unwrap_or_default().to_owned()))
}

#[test]
fn the_other_pages_say_what_happens() {
    let mut found: Vec<String> = std::fs::read_dir(guide())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| !PAGES.contains(&name.as_str()))
        .filter(|name| std::fs::read_to_string(guide().join(name)).unwrap().contains("```console"))
        .collect();
    found.sort();
    for page in found {
        follow(&page);
    }
}

/// What a page holds, in its order.
#[derive(Debug, PartialEq, Eq)]
enum Part {
    File { name: String, text: String },
    Step { command: String, says: Vec<String>, line: usize },
}

fn guide() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/guide")
}

fn parts(page: &str) -> Vec<Part> {
    let mut found = Vec::new();
    let mut lines = page.lines().zip(1..).peekable();
    while let Some((line, _)) = lines.next() {
        let Some(kind) = line.strip_prefix("```") else { continue };
        let mut block = Vec::new();
        for (line, number) in lines.by_ref() {
            if line.starts_with("```") {
                break;
            }
            block.push((line, number));
        }
        if kind == "console" {
            steps(&block, &mut found);
        } else if let Some((_, title)) = kind.split_once("title=\"") {
            let text = block.iter().map(|(line, _)| format!("{line}\n")).collect();
            found.push(Part::File { name: title.trim_end_matches('"').to_owned(), text });
        }
    }
    found
}

fn steps(block: &[(&str, usize)], found: &mut Vec<Part>) {
    for (text, line) in block {
        match (text.strip_prefix("$ "), found.last_mut()) {
            (Some(command), _) => found.push(Part::Step {
                command: command.to_owned(),
                says: Vec::new(),
                line: *line,
            }),
            (None, Some(Part::Step { says, .. })) => says.push((*text).to_owned()),
            (None, _) => panic!("line {line}: a transcript begins with a command"),
        }
    }
}

/// Runs a page.
fn follow(page: &str) {
    follow_with(page, &[]);
}

/// Runs a page where these variables are set.
fn follow_with(page: &str, variables: &[(&str, &str)]) {
    let text = std::fs::read_to_string(guide().join(page)).unwrap();
    let place = Place::new();
    let mut shell = Shell::new(place.path(), variables);
    let home = place.path().display().to_string();
    let mut commands = 0;
    for part in parts(&text) {
        match part {
            Part::File { name, text } => {
                place.write(&name, &text.replace("lee:", &format!("{}:", me())));
            }
            Part::Step { command, says, line } => {
                commands += 1;
                let said = shell.run(&command).replace(&home, "/home/lee");
                if let Err(why) = compare(&says, &said) {
                    panic!("docs/guide/{page}:{line}: $ {command}\n{why}\n--- it says ---\n{said}");
                }
            }
        }
    }
    assert!(commands > 0, "docs/guide/{page} has no transcript");
}

/// `Err`: the first line that differs.
fn compare(wanted: &[String], said: &str) -> Result<(), String> {
    let plain = Plain::new();
    let said: Vec<String> = said.lines().map(|line| plain.of(line)).collect();
    let wanted: Vec<String> = wanted.iter().map(|line| plain.of(line)).collect();
    let mut rest = said.as_slice();
    let mut lines = wanted.iter().peekable();
    while let Some(line) = lines.next() {
        if line == "..." {
            let Some(next) = lines.peek() else { return Ok(()) };
            let Some(at) = rest.iter().position(|it| &it == next) else {
                return Err(format!("nothing says `{next}`"));
            };
            rest = &rest[at..];
            continue;
        }
        match rest.split_first() {
            Some((first, others)) if first == line => rest = others,
            Some((first, _)) => return Err(format!("the page: {line}\n     it: {first}")),
            None => return Err(format!("nothing says `{line}`")),
        }
    }
    match rest.first() {
        Some(more) => Err(format!("the page ends, it goes on: {more}")),
        None => Ok(()),
    }
}

/// What differs from run to run, taken away.
struct Plain {
    rules: Vec<(Regex, &'static str)>,
    me: Regex,
}

impl Plain {
    fn new() -> Self {
        let rules = [
            (r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d(\.\d+)?Z)?", "<moment>"),
            (r"\d\d:\d\d:\d\d(\.\d+)?Z?", "<time>"),
            (r"\b\d+(\.\d+s|[smhd])(\d\d[smh])?\b", "<span>"),
            (r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]+\b", "<id>"),
            (r"\b([0-9a-f]{7}|[0-9a-f]{12,})\b", "<hex>"),
            (r"/\S*/(\.orchestrate|data)\b", "<data>"),
            // Columns are as wide as what stands in them.
            (r" +<time> \|", "  <time> |"),
            (r" {2,}", "  "),
        ];
        let rules = rules.map(|(rule, name)| (Regex::new(rule).unwrap(), name)).to_vec();
        Self { rules, me: Regex::new(&format!(r"\b{}\b", regex::escape(&me()))).unwrap() }
    }

    fn of(&self, line: &str) -> String {
        let mut line = self.me.replace_all(line.trim_end(), "lee").into_owned();
        for (rule, name) in &self.rules {
            line = rule.replace_all(&line, *name).into_owned();
        }
        line.trim_end().to_owned()
    }
}

/// One shell for a whole page: what a line sets is there for the next.
struct Shell {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

const DONE: &str = "-- this line is over --";

impl Shell {
    fn new(folder: &Path, variables: &[(&str, &str)]) -> Self {
        let bin = folder.join("bin");
        std::fs::create_dir(&bin).unwrap();
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_orchestrate"), bin.join("orchestrate"))
            .unwrap();
        let path = std::env::var("PATH").unwrap_or_default();
        let mut command = Command::new("sh");
        command
            .current_dir(folder)
            .env("PATH", format!("{}:{path}", bin.display()))
            .env("HOME", folder)
            .envs(variables.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("ORCHESTRATE_")) {
            command.env_remove(name);
        }
        for name in ["CI", "GITHUB_ACTIONS", "NO_COLOR", "CLICOLOR_FORCE"] {
            command.env_remove(name);
        }
        let mut child = command.spawn().unwrap();
        let stdin = child.stdin.take().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        Self { child, stdin, stdout }
    }

    fn run(&mut self, command: &str) -> String {
        let line = format!("{{ {command}\n}} 2>&1 </dev/null\nprintf '\\n%s\\n' '{DONE}'\n");
        self.stdin.write_all(line.as_bytes()).unwrap();
        let mut said = String::new();
        loop {
            let mut line = String::new();
            if self.stdout.read_line(&mut line).unwrap() == 0 {
                panic!("the shell ended in `{command}`: {said}");
            }
            if line.trim_end() == DONE {
                return said.strip_suffix('\n').unwrap_or(&said).to_owned();
            }
            said += &line;
        }
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
        let mut rest = Vec::new();
        drop(self.stdout.read_to_end(&mut rest));
    }
}

#[test]
fn a_page_that_says_something_else_fails() {
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
    let said = "06:31:37Z Succeeded  1/3 a 0.0s\ndigest 3f9ac1e\nby someone else\nlast\n";
    let page = "14:02:11Z Succeeded  1/3 a 2m11s\n...\nby someone else\nlast";
    assert_eq!(compare(&lines(page), said), Ok(()));
    assert!(compare(&lines("14:02:11Z Failed     1/3 a 0.0s\n..."), said).is_err());
    assert!(compare(&lines("14:02:11Z Succeeded  1/3 a 0.0s"), said).is_err());
    assert!(compare(&lines("...\nnever"), said).is_err());
    assert!(compare(&lines(&format!("{said}more")), said).is_err());
    assert_eq!(compare(&lines("...\ndigest 1111aaa\n..."), said), Ok(()));
    let page = "x\n```yaml title=\"a.yaml\"\nname: a\n```\n```console\n$ orchestrate run a.yaml\nok\n\nend\n$ true\n```\n";
    let found = parts(page);
    assert_eq!(found.len(), 3);
    assert_eq!(found[0], Part::File { name: "a.yaml".into(), text: "name: a\n".into() });
    let says = vec!["ok".to_owned(), String::new(), "end".to_owned()];
    let command = "orchestrate run a.yaml".to_owned();
    assert_eq!(found[1], Part::Step { command, says, line: 6 });
}
