//! Two runs side by side, as text.

use std::fmt::Write as _;

use api::compare::{Comparison, Difference, StageSide};

use crate::error::Result;
use crate::output::table::{Choice, Table};
use crate::terminal::Palette;
use crate::words;

/// `runs compare`
pub fn page(found: &Comparison, palette: Palette) -> Result<String> {
    let (a, b) = (&found.a, &found.b);
    let mut text = String::new();
    let mut table = Table::new(&["", "A", "B"]);
    table.row(vec!["run".into(), a.name.as_str().into(), b.name.as_str().into()]);
    table.row(vec![
        "status".into(),
        words::title(&a.status).into(),
        words::title(&b.status).into(),
    ]);
    let revision = |of: &api::run::RunSummary| format!("{} v{}", of.pipeline, of.revision);
    table.row(vec!["definition".into(), revision(a).into(), revision(b).into()]);
    table.row(vec!["by".into(), a.by.as_str().into(), b.by.as_str().into()]);
    let named = |kind: &str, of: &Difference| format!("{kind} {}", of.name);
    for of in &found.inputs {
        table.row(vec![
            named("input", of).into(),
            of.a.to_string().into(),
            of.b.to_string().into(),
        ]);
    }
    for stage in &found.stages {
        let (one, other) = (side(stage.a.as_ref()), side(stage.b.as_ref()));
        table.row(vec![stage.stage.as_str().into(), one.into(), other.into()]);
    }
    for of in &found.outputs {
        table.row(vec![
            named("output", of).into(),
            of.a.to_string().into(),
            of.b.to_string().into(),
        ]);
    }
    for of in &found.artifacts {
        let there = |id: &Option<String>| id.as_ref().map_or("-".to_owned(), |id| format!("#{id}"));
        let same = if of.same { " same" } else { "" };
        let name = format!("{}/{}{same}", of.stage, of.name);
        table.row(vec![name.into(), there(&of.a).into(), there(&of.b).into()]);
    }
    text.push_str(&table.text(&Choice::default(), palette)?);
    if let Some(diff) = &found.definition {
        // Writing to a `String` cannot fail.
        let _ = write!(text, "\n{diff}");
    }
    Ok(text)
}

fn side(of: Option<&StageSide>) -> String {
    let Some(of) = of else { return "-".to_owned() };
    let mut text = words::title(&of.status);
    if let Some(millis) = of.duration_ms {
        let _ = write!(text, " {}", words::duration(millis));
    }
    if of.attempts > 1 {
        let _ = write!(text, ", {} attempts", of.attempts);
    }
    text
}
