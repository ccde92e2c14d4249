//! Artifacts as text.

use api::artifact::{ArtifactDiff, ArtifactView};
use jiff::Timestamp;

use crate::output::table::{Cell, Table};
use crate::render::pipelines::short_digest;
use crate::terminal::Palette;
use crate::words;

/// `artifacts list`; without the run where there is only one.
pub fn table(artifacts: &[ArtifactView], with_run: bool) -> Table {
    let mut headings =
        vec!["ID", "RUN", "STAGE", "ATTEMPT", "NAME", "PATH", "SIZE", "DIGEST", "STATUS"];
    if !with_run {
        headings.remove(1);
    }
    let mut table = Table::new(&headings);
    for artifact in artifacts {
        let mut row: Vec<Cell> = vec![
            artifact.id.as_str().into(),
            artifact.run_name.as_str().into(),
            artifact.stage.as_str().into(),
            artifact.attempt.to_string().into(),
            artifact.name.as_str().into(),
            artifact.path.as_str().into(),
            words::bytes(artifact.bytes).into(),
            short_digest(&artifact.digest).into(),
            Cell::status(&artifact.status),
        ];
        if !with_run {
            row.remove(1);
        }
        table.row(row);
    }
    table
}

/// `artifacts show`
pub fn detail(artifact: &ArtifactView, now: Timestamp, palette: Palette) -> String {
    let rows = [
        (
            "from",
            format!("{} of {}, attempt {}", artifact.stage, artifact.run_name, artifact.attempt),
        ),
        ("path", words::one_line(&artifact.path)),
        ("format", artifact.format.clone()),
        ("size", words::bytes(artifact.bytes)),
        ("sha256", artifact.digest.clone()),
        ("age", words::age(words::between(artifact.created_at, now))),
    ];
    let mut text = format!(
        "{}  {}  {}\n",
        palette.bold(&artifact.id),
        words::one_line(&artifact.name),
        palette.status(&artifact.status, &words::title(&artifact.status)),
    );
    for (name, value) in rows {
        text += &format!("  {}  {value}\n", words::pad_end(name, 6));
    }
    text
}

/// The unified diff, or why there is none.
pub fn diff(diff: &ArtifactDiff, palette: Palette) -> String {
    let name = |view: &ArtifactView| format!("{} {} of {}", view.id, view.path, view.run_name);
    if diff.same {
        return format!("{} and {} are the same\n", name(&diff.from), name(&diff.to));
    }
    match &diff.diff {
        Some(text) => text
            .lines()
            .map(|line| {
                let clean = words::without_escapes(line);
                let shown = match clean.chars().next() {
                    Some('+') => palette.status("succeeded", &clean),
                    Some('-') => palette.status("failed", &clean),
                    Some('@') => palette.note(&clean),
                    _ => clean,
                };
                shown + "\n"
            })
            .collect(),
        None => format!(
            "{} and {} differ: no text, or larger than 1 MiB\n",
            name(&diff.from),
            name(&diff.to)
        ),
    }
}
