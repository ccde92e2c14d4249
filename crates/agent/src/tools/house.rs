//! The tools that the house itself offers to every agent, whatever stands behind it: hand in, ask a
//! person, get the whole of a text, note, report that it cannot go on.

use std::path::{Path, PathBuf};

use serde_json::{Value as Json, json};

use super::Output;
use super::place::Place;
use crate::desk::{Desk, Said};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum House {
    SubmitResult,
    AskHuman,
    GetArtifact,
    Note,
    ReportBlocked,
}

/// What they are called.
pub(crate) const NAMES: [&str; 5] =
    ["ask_human", "get_artifact", "note", "report_blocked", "submit_result"];

/// A tool of the house, as it is offered.
#[derive(Debug)]
pub(crate) struct Offer {
    pub(crate) name: &'static str,
    pub(crate) description: String,
    pub(crate) schema: Json,
    pub(crate) house: House,
}

pub(crate) fn offers(desk: &Desk) -> Vec<Offer> {
    let offer = |name, what: &str, house, required: Json, fields: Json| Offer {
        name,
        description: what.to_owned(),
        schema: json!({
            "type": "object", "additionalProperties": false,
            "required": required, "properties": fields,
        }),
        house,
    };
    let text = || json!({ "type": "string", "minLength": 1 });
    let mut offers = vec![
        offer(
            "ask_human",
            "Ask a person what only a person can decide, and wait for the answer. It may take days.",
            House::AskHuman,
            json!(["question"]),
            json!({ "question": text(), "choices": { "type": "array", "items": text() } }),
        ),
        offer(
            "get_artifact",
            "Get the whole of a text that stands in your context, by its reference. `offset` and \
             `limit` are in lines.",
            House::GetArtifact,
            json!(["reference"]),
            json!({
                "reference": text(),
                "offset": { "type": "integer", "minimum": 1 },
                "limit": { "type": "integer", "minimum": 1 },
            }),
        ),
        offer(
            "note",
            "Write down something that people should read later.",
            House::Note,
            json!(["text"]),
            json!({ "text": text() }),
        ),
        offer(
            "report_blocked",
            "Say that you cannot go on, and why. The work ends here.",
            House::ReportBlocked,
            json!(["reason"]),
            json!({ "reason": text() }),
        ),
    ];
    if let Some(schema) = &desk.schema {
        let mut schema = schema.json.clone();
        // Providers want to be told what the arguments of every tool are.
        if let Some(fields) = schema.as_object_mut() {
            fields.entry("type").or_insert_with(|| "object".into());
        }
        offers.push(Offer {
            name: "submit_result",
            description: "Hand in the result of your work, when you are done with it: the \
                          arguments are the result."
                .to_owned(),
            schema,
            house: House::SubmitResult,
        });
    }
    offers
}

/// Carries out a call whose arguments fit what was offered.
pub(crate) async fn call(desk: &Desk, house: House, input: &Json) -> Output {
    let text = |key: &str| input[key].as_str().unwrap_or_default();
    match house {
        House::SubmitResult => match desk.submit(input.clone()) {
            Ok(()) => Output::done("It fits and is handed in. You may end now.".to_owned()),
            Err(problems) => Output::failed(format!("It does not fit:\n{}", problems.join("\n"))),
        },
        House::AskHuman => {
            let choices = input["choices"].as_array().map(Vec::as_slice).unwrap_or_default();
            let choices = choices.iter().filter_map(|c| c.as_str().map(str::to_owned)).collect();
            match desk.ask_human(text("question"), choices).await {
                Ok(Said::Text(answer)) => Output::done(answer),
                Ok(Said::Nobody) => Output::done(
                    "Nobody answered in time. Decide yourself, or report that you are blocked."
                        .to_owned(),
                ),
                Err(error) => Output::failed(error),
            }
        }
        House::GetArtifact => match artifact(desk, text("reference")) {
            Ok(whole) => Output::done(lines(&whole, input)),
            Err(message) => Output::failed(message),
        },
        House::Note => {
            desk.note(text("text"));
            Output::done("noted".to_owned())
        }
        House::ReportBlocked => {
            desk.report_blocked(text("reason"));
            Output::done("It is reported. End now.".to_owned())
        }
    }
}

/// Where the hands lay the whole of what a prompt holds cut, below the workspace.
const WHOLE: &str = ".orchestrate/context";

/// The whole text behind a reference: from what the hands laid out, else from the job.
fn artifact(desk: &Desk, reference: &str) -> Result<String, String> {
    let name = reference.trim().trim_start_matches('@');
    let given = Path::new(&desk.room.job.workspace).join(WHOLE);
    let laid = std::env::var_os("ORCHESTRATE_CONTEXT").map(PathBuf::from);
    for folder in [Some(given), laid].into_iter().flatten() {
        if let Ok(Ok(bytes)) = Place::open(&folder).map(|folder| folder.read(name)) {
            return Ok(desk.room.veil.text(&String::from_utf8_lossy(&bytes)));
        }
    }
    let blocks = &desk.room.job.context;
    let fits = |reference: &str| reference.trim_start_matches('@') == name;
    if let Some(block) = blocks.iter().find(|block| fits(&block.reference)) {
        return Ok(block.text.clone());
    }
    let known: Vec<&str> = blocks.iter().map(|block| block.reference.as_str()).collect();
    Err(format!("there is no `{reference}` here; there are: {}", known.join(", ")))
}

fn lines(text: &str, input: &Json) -> String {
    let number = |key: &str, none: usize| {
        input[key].as_u64().map_or(none, |n| usize::try_from(n).unwrap_or(usize::MAX))
    };
    let (offset, limit) = (number("offset", 1), number("limit", usize::MAX));
    text.split_inclusive('\n').skip(offset - 1).take(limit).collect()
}
