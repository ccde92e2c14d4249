//! A dry run as text.

use api::pipeline::Plan;

use crate::output::table::Table;
use crate::render::pipelines::short_digest;
use crate::terminal::Palette;
use crate::words;

/// `ci: 5 stages, definition 3f9ac1e; nothing is started`
pub fn head(plan: &Plan, palette: Palette) -> String {
    let mut text = format!(
        "{}: {}, definition {}; nothing was stored or started\n",
        palette.bold(&plan.pipeline),
        words::count(plan.stages.len() as u64, "stage"),
        short_digest(&plan.digest),
    );
    for (name, value) in &plan.inputs {
        text += &format!("  {name} = {value}\n");
    }
    text
}

pub fn table(plan: &Plan) -> Table {
    let mut table = Table::new(&["STAGE", "KIND", "AFTER", "VERDICT", "WHY"]);
    for stage in &plan.stages {
        let outline = &stage.outline;
        let after = if outline.depends_on.is_empty() {
            "-".to_owned()
        } else {
            outline.depends_on.join(", ")
        };
        let name = match (&outline.foreach, outline.finally) {
            (Some(_), _) => format!("{} xN", outline.name),
            (None, true) => format!("{} (finally)", outline.name),
            (None, false) => outline.name.clone(),
        };
        let condition = stage.reason.clone().or_else(|| outline.condition.clone());
        let asks = (!outline.asks.is_empty()).then(|| format!("asks: {}", outline.asks.join(", ")));
        let why = [condition, asks].into_iter().flatten().collect::<Vec<_>>().join("; ");
        table.row(vec![
            name.into(),
            outline.kind.as_str().into(),
            after.into(),
            stage.verdict.as_str().into(),
            why.into(),
        ]);
    }
    table
}
