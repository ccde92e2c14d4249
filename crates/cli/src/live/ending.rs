//! The last words about a run: one line, and when it failed the cause first and what to do next.

use api::run::{AttemptView, RunDetail, StageView};
use jiff::Timestamp;

use crate::exit::Exit;
use crate::live::board::attempt_of;
use crate::live::frame::{Screen, labelled};
use crate::terminal::Palette;
use crate::words;

/// Failed stages that are shown in full.
const IN_FULL: usize = 3;
/// Lines of output shown of the first of them, and of the others.
const TAIL_OF_FIRST: usize = 20;
const TAIL_OF_OTHERS: usize = 5;
/// Names in a list before `and N more`.
const NAMED: usize = 12;

/// The exit code that the end of this run stands for.
pub fn exit(detail: &RunDetail) -> Exit {
    match detail.summary.status.as_str() {
        "succeeded" => Exit::Ok,
        "cancelled" => Exit::Cancelled,
        "failed" if is_rejected(detail) || is_rolled_back(detail) => Exit::Rejected,
        "failed" if has_timed_out(detail) => Exit::TimedOut,
        "failed" => Exit::RunFailed,
        _ => Exit::StillWaiting,
    }
}

/// Of the failure of a stage: `rejected`, `timeout`.
fn failure_kind(stage: &StageView) -> Option<&str> {
    stage.reason.get("failure")?.get("kind")?.as_str()
}

/// A person said no, or did not answer.
fn is_rejected(detail: &RunDetail) -> bool {
    const KINDS: [&str; 3] = ["rejected", "approval_timeout", "revisions_exhausted"];
    failed(detail).iter().any(|it| failure_kind(it).is_some_and(|kind| KINDS.contains(&kind)))
}

/// What was done has been undone, or somebody tried.
pub fn is_rolled_back(detail: &RunDetail) -> bool {
    detail.stages.iter().any(|stage| compensates(stage) && stage.outcome.is_some())
        || detail.summary.reason.contains("; rollback to `")
}

/// It undoes another stage.
fn compensates(stage: &StageView) -> bool {
    stage.stage.ends_with(".rollback")
}

/// Each of its failed stages ran too long.
fn has_timed_out(detail: &RunDetail) -> bool {
    const KINDS: [&str; 3] = ["timeout", "total_timeout", "idle_timeout"];
    let failed = failed(detail);
    let late = |it: &&StageView| failure_kind(it).is_some_and(|kind| KINDS.contains(&kind));
    !failed.is_empty() && failed.iter().all(late)
}

/// `      Failed [  58.3s] feature-complete#41: 3 succeeded, 1 failed, 2 not run, 1 skipped`
pub fn summary(detail: &RunDetail, screen: Screen) -> String {
    let run = &detail.summary;
    let elapsed = elapsed(detail);
    let text = format!("[{elapsed:>7}] {}: {}", run.name, counts(detail));
    labelled(&words::title(ended(detail)), &text, Screen { columns: usize::MAX, ..screen })
}

/// The same without a terminal: `14:03:10Z Failed     ci#41 58.3s: 3 succeeded, 1 failed`.
pub fn summary_plain(detail: &RunDetail, palette: Palette) -> String {
    let run = &detail.summary;
    let label = words::pad_end(&words::title(ended(detail)), 10);
    let at = run.finished_at.unwrap_or(run.created_at);
    format!(
        "{} {} {} {}: {}",
        words::time_of_day(at),
        palette.status(ended(detail), &label),
        run.name,
        elapsed(detail),
        counts(detail)
    )
}

/// A shadow run that came to its end has not succeeded: it would have.
fn ended(detail: &RunDetail) -> &str {
    match detail.summary.status.as_str() {
        "succeeded" if is_shadow(detail) => "would_have",
        status => status,
    }
}

/// Nothing of it was done.
pub fn is_shadow(detail: &RunDetail) -> bool {
    detail.summary.mode == "shadow"
}

fn elapsed(detail: &RunDetail) -> String {
    let run = &detail.summary;
    run.finished_at.map_or_else(
        || "-".to_owned(),
        |end| words::duration(words::between(run.started_at.unwrap_or(run.created_at), end)),
    )
}

/// Statuses of stages that wait for people.
const WAITING: [&str; 5] =
    ["waiting_approval", "waiting_input", "held", "held_by_human", "unknown"];

/// Of stages; a fanned-out one counts once.
pub fn counts(detail: &RunDetail) -> String {
    let count = |status: &str| {
        let own = |stage: &&StageView| stage.instance.is_none() && !compensates(stage);
        let stages = detail.stages.iter().filter(own);
        stages.filter(|stage| stage.status == status).count() as u64
    };
    let waiting = WAITING.iter().map(|status| count(status)).sum();
    let table = [
        (waiting, "waiting"),
        (count("succeeded"), "succeeded"),
        (count("failed"), "failed"),
        (count("cancelled"), "cancelled"),
        (count("not_run"), "not run"),
        (count("skipped"), "skipped"),
    ];
    let mut said: Vec<String> = table
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!("{} {word}", words::thousands(*count)))
        .collect();
    if is_shadow(detail) {
        said.splice(0..0, foretold(detail, count("would_have")));
    }
    if said.is_empty() { "nothing ran".to_owned() } else { said.join(", ") }
}

/// `5 stages would have run, people would have been asked 2 times`
fn foretold(detail: &RunDetail, stages: u64) -> Vec<String> {
    let of = |kind: &str| {
        let all = detail.stages.iter().flat_map(|stage| &stage.would).chain(&detail.would);
        all.filter(|would| would.kind == kind).count() as u64
    };
    let mut said = vec![format!("{} would have run", words::count(stages, "stage"))];
    for (count, what) in
        [(of("ask"), "people would have been asked"), (of("notify"), "others told")]
    {
        if count > 0 {
            said.push(format!("{what} {}", words::count(count, "time")));
        }
    }
    said
}

/// Why it did not succeed and what to do: empty for a run that succeeded. Ends with a line break.
pub fn block(detail: &RunDetail, palette: Palette) -> String {
    let run = &detail.summary;
    if run.status == "succeeded" {
        return String::new();
    }
    let failed = failed(detail);
    causes(detail, palette) + &next_steps(detail, failed.first().copied(), palette)
}

/// The same without what to do.
pub fn causes(detail: &RunDetail, palette: Palette) -> String {
    let run = &detail.summary;
    let failed = failed(detail);
    let mut out = String::new();
    for (place, stage) in failed.iter().take(IN_FULL).enumerate() {
        out +=
            &cause(detail, stage, if place == 0 { TAIL_OF_FIRST } else { TAIL_OF_OTHERS }, palette);
    }
    if failed.len() > IN_FULL {
        let names: Vec<String> =
            failed[IN_FULL..].iter().map(|stage| shown(detail, stage)).collect();
        out += &format!("{} failed as well: {}\n", palette.error("error:"), some_of(&names));
    }
    if run.status == "cancelled" && !run.reason.is_empty() {
        out += &format!("{}\n", palette.status("cancelled", &words::one_line(&run.reason)));
    } else if failed.is_empty() {
        let reason = if run.reason.is_empty() { "no reason was given" } else { &run.reason };
        out += &format!("{} {} {}: {reason}\n", palette.error("error:"), run.name, run.status);
    }
    let not_run: Vec<String> = detail
        .stages
        .iter()
        .filter(|stage| stage.status == "not_run" && stage.instance.is_none())
        .map(|stage| stage.name.clone())
        .collect();
    if !not_run.is_empty() {
        let roots: Vec<&str> =
            failed.iter().map(|stage| stage.stage.as_str()).fold(Vec::new(), |mut names, name| {
                if !names.contains(&name) {
                    names.push(name);
                }
                names
            });
        let need = match roots.as_slice() {
            [] => String::new(),
            [one] => format!(" (because of {one})"),
            [first, ..] => format!(" (because of {first} and {} more)", roots.len() - 1),
        };
        out += &format!("{} {}{need}\n", palette.dim("not run:"), some_of(&not_run));
    }
    out + &undone(detail, palette)
}

/// What a rollback came to: each compensation in the order in which it ended.
fn undone(detail: &RunDetail, palette: Palette) -> String {
    let mut found: Vec<&StageView> = detail
        .stages
        .iter()
        .filter(|stage| compensates(stage) && stage.instance.is_none())
        .filter(|stage| stage.outcome.is_some())
        .collect();
    if found.is_empty() {
        return String::new();
    }
    found.sort_by_key(|stage| stage.finished_at.unwrap_or(Timestamp::MAX));
    let said: Vec<String> = found
        .iter()
        .map(|stage| {
            let name = stage.stage.trim_end_matches(".rollback");
            match stage.outcome.as_deref() {
                Some("succeeded") => name.to_owned(),
                _ => format!("{name} (failed)"),
            }
        })
        .collect();
    format!("{} {}\n", palette.status("rolled_back", "undone:"), some_of(&said))
}

/// Executions that failed and count as failed, in the order in which they ended.
pub fn failed(detail: &RunDetail) -> Vec<&StageView> {
    let mut found: Vec<&StageView> = detail
        .stages
        .iter()
        .filter(|stage| stage.outcome.as_deref() == Some("failed"))
        .filter(|stage| stage.conclusion.as_deref() != Some("warning"))
        // What undoes others is told apart.
        .filter(|stage| !compensates(stage))
        // Instances speak for their stage, unless it failed before there were any.
        .filter(|stage| stage.instance.is_some() || stage.instances.unwrap_or(0) == 0)
        .collect();
    found.sort_by_key(|stage| stage.finished_at.unwrap_or(Timestamp::MAX));
    found
}

fn cause(detail: &RunDetail, stage: &StageView, lines: usize, palette: Palette) -> String {
    let last = stage.attempts.last();
    let said = last.map(|attempt| attempt.detail.as_str()).filter(|text| !text.is_empty());
    let why = said.unwrap_or(&stage.detail);
    let on = match last {
        Some(attempt) => format!(" on {}", attempt_of(attempt.number, stage.max_attempts)),
        None => String::new(),
    };
    let mut out = format!(
        "{} {} failed{on}: {}\n",
        palette.error("error:"),
        palette.bold(&shown(detail, stage)),
        words::without_escapes(why)
    );
    if let Some(attempt) = last {
        out += &tail(attempt, lines, palette);
    }
    out
}

/// The last lines of an attempt, each behind a bar so that it cannot pass for one of ours.
fn tail(attempt: &AttemptView, lines: usize, palette: Palette) -> String {
    let all: Vec<&str> = attempt.tail.lines().collect();
    all[all.len().saturating_sub(lines)..]
        .iter()
        .map(|line| {
            let bar = palette.dim("     |");
            format!("{bar} {}", words::without_escapes(line)).trim_end().to_owned() + "\n"
        })
        .collect()
}

fn next_steps(detail: &RunDetail, first: Option<&StageView>, palette: Palette) -> String {
    let run = &detail.summary;
    let name = quoted(&run.name);
    let mut out = String::new();
    if let Some(stage) = first.filter(|stage| !stage.attempts.is_empty()) {
        let attempt = stage.attempts.last().map_or(1, |attempt| attempt.number);
        out += &format!(
            "{}  orchestrate logs {name} --stage {} --attempt {attempt}\n",
            palette.note("logs:"),
            quoted(&stage.name)
        );
    }
    let from = match first {
        Some(stage) => format!(" --from {}", stage.stage),
        None => String::new(),
    };
    out + &format!("{} orchestrate runs retry {name}{from}\n", palette.note("retry:"))
}

/// As a word of a shell: `implement[2]` is a pattern to it, `ci#4` is not a comment.
fn quoted(word: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "-_.#/".contains(letter);
    if word.chars().all(plain) && !word.starts_with('#') {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

/// `implement[2/3]`
fn shown(detail: &RunDetail, stage: &StageView) -> String {
    let of = detail
        .stages
        .iter()
        .find(|parent| parent.name == stage.stage)
        .and_then(|parent| parent.instances);
    match (stage.instance, of) {
        (Some(instance), Some(of)) => format!("{}[{instance}/{of}]", stage.stage),
        _ => stage.name.clone(),
    }
}

fn some_of(names: &[String]) -> String {
    let named = names[..names.len().min(NAMED)].join(", ");
    if names.len() > NAMED { format!("{named} and {} more", names.len() - NAMED) } else { named }
}
