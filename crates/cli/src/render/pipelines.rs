//! Pipelines as text.

use api::pipeline::{PipelineDetail, PipelineSummary, Revision};
use jiff::Timestamp;

use crate::output::table::{Cell, Table};
use crate::render::{graph, schedules};
use crate::terminal::Palette;
use crate::words;

pub fn table(pipelines: &[PipelineSummary], now: Timestamp) -> Table {
    let mut table = Table::new(&[
        "NAME", "STATE", "LAST RUN", "RESULT", "AGE", "LAST 10", "P50", "NEXT", "REVISION",
    ]);
    for pipeline in pipelines {
        let last = pipeline.last_run.as_ref();
        let dash = || Cell::from("-");
        table.row(vec![
            pipeline.name.as_str().into(),
            if pipeline.enabled { "enabled" } else { "disabled" }.into(),
            last.map_or_else(dash, |run| format!("#{}", run.number).into()),
            last.map_or_else(dash, |run| Cell::status(&run.status)),
            last.map_or_else(dash, |run| words::age(words::between(run.created_at, now)).into()),
            if pipeline.last_ten.is_empty() { dash() } else { spark(&pipeline.last_ten).into() },
            pipeline.p50_ms.map_or_else(dash, |ms| words::duration(ms).into()),
            pipeline.next_run.map_or_else(dash, |next| schedules::until(next, now).into()),
            format!("{}", pipeline.revision).into(),
        ]);
    }
    table
}

/// `..x...!`, oldest first: `.` succeeded, `x` failed, `-` cancelled, `o` runs, `!` waits.
fn spark(statuses: &[String]) -> String {
    statuses
        .iter()
        .map(|status| match status.as_str() {
            "succeeded" => '.',
            "failed" => 'x',
            "cancelled" => '-',
            "waiting" | "paused" => '!',
            _ => 'o',
        })
        .collect()
}

/// The definition as it was written; on a terminal its comments and keys in colour.
pub fn definition(text: &str, palette: Palette) -> String {
    let mut out: String = if palette.on {
        text.lines().map(|line| highlight(line, palette) + "\n").collect()
    } else {
        text.to_owned()
    };
    if !out.ends_with('\n') {
        out.push('\n');
    }
    out
}

fn highlight(line: &str, palette: Palette) -> String {
    if line.trim_start().starts_with('#') {
        return palette.dim(line);
    }
    let indent = line.len() - line.trim_start_matches([' ', '-']).len();
    let (lead, rest) = line.split_at(indent);
    match rest.split_once(':') {
        Some((key, value))
            if !key.is_empty()
                && key.chars().all(|c| c.is_ascii_alphanumeric() || "_-".contains(c)) =>
        {
            format!("{lead}{}:{value}", palette.note(key))
        }
        _ => line.to_owned(),
    }
}

/// `feature-complete  enabled  revision 7  3f9ac1e  12 stages`, then what it is for and what starts
/// it.
pub fn head(detail: &PipelineDetail, now: Timestamp, palette: Palette) -> String {
    let summary = &detail.summary;
    let mut text = format!(
        "{}  {}  revision {}  {}  {}\n",
        palette.bold(&summary.name),
        if summary.enabled { "enabled" } else { "disabled" },
        summary.revision,
        short_digest(&detail.digest),
        words::count(detail.stages.len() as u64, "stage"),
    );
    if !summary.description.is_empty() {
        text += &format!("{}\n", words::one_line(&summary.description));
    }
    text + &schedules::lines(&detail.triggers, now)
}

/// The graph as text, as wide as the terminal allows.
pub fn drawn(detail: &PipelineDetail, columns: Option<usize>) -> String {
    if let Some(pipeline) = &pipeline::parse(&detail.definition).pipeline {
        return graph::text(pipeline, columns);
    }
    let nodes = detail.stages.iter().map(|stage| ::graph::Node {
        name: stage.name.clone(),
        mark: match (&stage.foreach, stage.finally) {
            (Some(_), _) => "xN".to_owned(),
            (None, true) => "(finally)".to_owned(),
            (None, false) => String::new(),
        },
        after: stage.depends_on.clone(),
        hears: Vec::new(),
    });
    ::graph::text(&nodes.collect::<Vec<_>>(), columns.unwrap_or(120))
}

/// First digits, enough to tell revisions apart.
pub fn short_digest(digest: &str) -> &str {
    let bare = digest.rsplit(':').next().unwrap_or(digest);
    bare.get(..7).unwrap_or(bare)
}

pub fn revisions(revisions: &[Revision], now: Timestamp) -> Table {
    let mut table = Table::new(&["REVISION", "DIGEST", "BY", "AGE"]);
    for revision in revisions {
        table.row(vec![
            format!("v{}", revision.number).into(),
            short_digest(&revision.digest).into(),
            revision.created_by.as_str().into(),
            words::age(words::between(revision.created_at, now)).into(),
        ]);
    }
    table
}
