//! `orchestrate pipeline graph`

use clap::{Args, ValueEnum};

use crate::commands::validate::{Checked, read};
use crate::context::Context;
use crate::error::{Failure, Result};
use crate::exit::Exit;
use crate::{output, render, session};

/// Draw the graph of a pipeline: as text, for Graphviz, or as an SVG
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  orchestrate pipeline graph release
  orchestrate pipeline graph release.yaml --format svg > release.svg")]
pub struct GraphArgs {
    /// A stored pipeline, or a file
    #[arg(value_name = "NAME|FILE")]
    subject: String,
    /// How it is drawn
    #[arg(long, value_enum, default_value_t, value_name = "FORM")]
    format: Drawn,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum Drawn {
    /// Layers from left to right; an outline where the terminal is too narrow
    #[default]
    Text,
    /// The language of Graphviz
    Dot,
    /// A drawing that needs nothing else
    Svg,
}

pub(super) fn run(args: &GraphArgs, context: &Context) -> Result<Exit> {
    let file = args.subject.contains(['/', '.']) || args.subject == "-";
    let checked = if file {
        Checked::of(&args.subject, read(&args.subject)?, context).accepted(context)?
    } else {
        let text = session::talk(context, async |session| {
            Ok(session.client.pipeline(&args.subject).await?.definition)
        })?;
        Checked::of(&args.subject, text, context).accepted(context)?
    };
    let Some(pipeline) = &checked.parsed.pipeline else {
        return Err(Failure::new(Exit::Invalid, format!("`{}` is no pipeline", args.subject)));
    };
    let nodes = server::graph_nodes(pipeline);
    output::print(&match args.format {
        Drawn::Text => render::graph::text(pipeline, context.around.table_width()),
        Drawn::Dot => graph::dot(&pipeline.name, &nodes),
        Drawn::Svg => graph::svg(&pipeline.name, &nodes),
    })?;
    Ok(Exit::Ok)
}
