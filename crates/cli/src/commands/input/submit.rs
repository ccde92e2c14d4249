//! `orchestrate input submit`

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use api::input::{InputDetail, SubmitForm};
use clap::Args;
use serde_json::Value as Json;

use crate::client::Client;
use crate::commands::approval::id;
use crate::commands::run::{object, pair};
use crate::context::Context;
use crate::error::{Failure, Result};
use crate::exit::Exit;
use crate::fill::{self, Answers, Told};
use crate::session;
use crate::{output, render};

/// Answer a form; without values it is filled in here, on a terminal
///
/// All that is wrong is said at once and nothing is lost: what was given stays as a draft with
/// `--draft`. A field that is not named keeps the value it starts with.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  orchestrate input submit I-5
  orchestrate input submit I-5 -p version=1.4.0 -p breaking=no --file log=build.log
  orchestrate input submit I-5 --from-json answers.json --draft")]
pub struct SubmitArgs {
    /// `I-5`, as in `input list`
    id: String,
    /// A value, read by the kind of its field
    #[arg(short = 'p', long = "param", value_name = "FIELD=VALUE", value_parser = pair)]
    param: Vec<(String, String)>,
    /// The content of this file, for a field of the kind `file`
    #[arg(long, value_name = "FIELD=PATH", value_parser = pair)]
    file: Vec<(String, String)>,
    /// Values from a JSON file (an object); -p and --file win
    #[arg(long, value_name = "FILE")]
    from_json: Option<PathBuf>,
    /// Keep the values for later; nothing but the names is checked
    #[arg(long)]
    draft: bool,
}

pub(super) fn run(args: &SubmitArgs, context: &Context) -> Result<Exit> {
    session::talk(context, async |session| {
        let client = &session.client;
        let input = client.input(&id('I', &args.id)).await?;
        let given = !args.param.is_empty() || !args.file.is_empty() || args.from_json.is_some();
        if !given && context.can_ask() && !args.draft && input.summary.status == "open" {
            return by_hand(input, client, context).await;
        }
        let mut values: BTreeMap<String, Json> = match &args.from_json {
            Some(path) => object(path, "--from-json")?.into_iter().collect(),
            None => BTreeMap::new(),
        };
        for (field, path) in &args.file {
            values.insert(field.clone(), upload(client, Path::new(path)).await?);
        }
        let texts: BTreeMap<String, String> = args.param.iter().cloned().collect();
        for name in texts.keys() {
            values.remove(name);
        }
        if args.draft {
            return draft(&input, values, texts, client, context).await;
        }
        let generation = Some(input.generation);
        let done =
            client.submit(&input.summary.id, &SubmitForm { values, texts, generation }).await;
        tell(&done.map_err(|failure| with_form(failure, &input))?, context)
    })
}

/// A draft holds values: a text that its field cannot read stays a text until it is submitted.
async fn draft(
    input: &InputDetail,
    mut values: BTreeMap<String, Json>,
    texts: BTreeMap<String, String>,
    client: &Client,
    context: &Context,
) -> Result<Exit> {
    for (name, text) in texts {
        let field = render::inputs::field_of(&input.fields, &name);
        let value = field.and_then(|field| fill::read(field, &text).ok().flatten());
        values.insert(name, value.unwrap_or(Json::String(text)));
    }
    let kept = client.save_draft(&input.summary.id, values).await?;
    output::show_item(context, ("orchestrate.input/v1", &kept), |kept| {
        Ok(format!("Saved a draft of {} {}\n", kept.summary.id, kept.summary.stage))
    })?;
    context.note(&format!("submit it: orchestrate input submit {}", kept.summary.id));
    Ok(Exit::Ok)
}

async fn by_hand(input: InputDetail, client: &Client, context: &Context) -> Result<Exit> {
    output::say(&render::inputs::introduction(&input));
    let mut answers = Answers::of(&input);
    loop {
        while let Some(question) = answers.question() {
            match context.ask(&question)? {
                Some(line) => {
                    if let Told::Wrong(why) = answers.tell(&line) {
                        output::say(&format!("  {why}\n"));
                    }
                }
                None => return Err(Failure::silent(Exit::Interrupted)),
            }
        }
        match hand_in(&input, &answers, client).await {
            Ok(done) => return tell(&done, context),
            Err(failure) if failure.exit == Exit::Usage => {
                output::say(&format!("  {}\n", failure.message));
                answers.again(&failure.message);
            }
            Err(failure) => return Err(failure),
        }
    }
}

/// Uploads what is named and submits; what is wrong comes back with the exit code of usage.
pub(crate) async fn hand_in(
    input: &InputDetail,
    answers: &Answers,
    client: &Client,
) -> Result<InputDetail> {
    let mut values = answers.values();
    for (field, path) in answers.files() {
        values.insert(field, upload(client, &path).await?);
    }
    let body = SubmitForm { values, texts: BTreeMap::new(), generation: Some(input.generation) };
    client.submit(&input.summary.id, &body).await
}

async fn upload(client: &Client, path: &Path) -> Result<Json> {
    const LIMIT: u64 = 25 * 1024 * 1024;
    let shown = path.display();
    let unreadable = |error: std::io::Error| {
        let exit = match error.kind() {
            std::io::ErrorKind::NotFound => Exit::NotFound,
            _ => Exit::Usage,
        };
        Failure::new(exit, format!("could not read `{shown}`: {error}"))
    };
    let about = std::fs::metadata(path).map_err(unreadable)?;
    if !about.is_file() {
        return Err(Failure::usage(format!("`{shown}` is no plain file")));
    }
    if about.len() > LIMIT {
        let (size, limit) = (crate::words::bytes(about.len()), crate::words::bytes(LIMIT));
        return Err(Failure::usage(format!("`{shown}` has {size}; at most {limit} are taken")));
    }
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or("file").to_owned();
    let content = std::fs::read(path).map_err(unreadable)?;
    let stored = client.upload(&name, content.into()).await?;
    serde_json::to_value(stored).map_err(|error| Failure::internal("name the file", &error))
}

fn with_form(failure: Failure, input: &InputDetail) -> Failure {
    match failure.exit {
        Exit::Usage => failure.hint(format!("orchestrate input show {}", input.summary.id)),
        _ => failure,
    }
}

fn tell(done: &InputDetail, context: &Context) -> Result<Exit> {
    output::show_item(context, ("orchestrate.input/v1", done), |done| {
        Ok(render::inputs::submitted(done, context.palette()))
    })?;
    Ok(Exit::Ok)
}
