//! `orchestrate pipeline create`

use api::pipeline::{Definition, PipelineDetail};
use clap::Args;

use crate::commands::validate::{Checked, read};
use crate::context::Context;
use crate::error::Result;
use crate::exit::Exit;
use crate::output;
use crate::render::pipelines::short_digest;
use crate::session::{Need, Session};
use crate::words;

/// Store a pipeline from a file, under the name it gives itself
///
/// Refused (exit code 5) when a pipeline of this name exists: use `pipeline update`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  orchestrate pipeline create ci.yaml")]
pub struct CreateArgs {
    /// The definition; `-` reads standard input
    #[arg(value_name = "FILE")]
    file: String,
}

pub(super) fn run(args: &CreateArgs, context: &Context) -> Result<Exit> {
    let definition = definition(&args.file, context)?;
    context.block_on(async {
        let session = Session::open(context, Need::Talk).await?;
        let detail = session.client.create_pipeline(&definition).await?;
        tell("Created", &detail, context)?;
        session.close().await?;
        Ok(Exit::Ok)
    })
}

/// Reads and checks a file; warnings go to stderr.
pub(super) fn definition(file: &str, context: &Context) -> Result<Definition> {
    let checked = Checked::of(file, read(file)?, context).accepted(context)?;
    if !checked.parsed.diagnostics.is_empty() {
        context.note(checked.rendered(context.talk_palette().on).trim_end());
    }
    Ok(Definition {
        definition: checked.text,
        file: Some(file.to_owned()),
        expected_revision: None,
        ..Definition::default()
    })
}

/// `     Created ci: revision 1, 5 stages, definition 3f9ac1e`
pub(super) fn tell(label: &str, detail: &PipelineDetail, context: &Context) -> Result<()> {
    if !context.is_text() {
        return output::print(&output::item(context.format(), "orchestrate.pipeline/v1", detail)?);
    }
    let what = format!(
        "{}: revision {}, {}, definition {}",
        detail.summary.name,
        detail.summary.revision,
        words::count(detail.stages.len() as u64, "stage"),
        short_digest(&detail.digest),
    );
    output::print(&format!("{} {what}\n", context.palette().status("ok", label)))
}
