//! What a person's own assistant may do here: look, and start. It never decides.

use agent::{Calling, Tools, said, tool};
use api::pipeline::StartRun;
use http::Method;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value as Json, json};

use crate::client::raw::Raw;
use crate::client::{Query, body, path};
use crate::context::Context;
use crate::error::{Failure, Result};
use crate::session::{Need, Session};

/// Characters of one answer; more would only fill an assistant's window.
const LONGEST: usize = 100_000;
/// Lines of a log and entries of a list, unless asked otherwise.
const MANY: u32 = 100;

const ABOUT: &str = "Orchestrate runs pipelines of scripts, agents and people. Look at pipelines and \
runs, start a run of a stored pipeline, and read what came of it. Approvals and forms are decided by \
people, never from here: tell the person which command to run.";
const NEVER: &str = "An assistant does not decide. Approvals and forms are for people: they use \
`orchestrate approval list` and `orchestrate approval approve ID`, or the page.";

/// One tool: an answer of the API as it is, or something that is done first.
struct Offer {
    name: &'static str,
    about: &'static str,
    /// Each with its kind, and what it is; those in front of `required` have to be given.
    fields: &'static [(&'static str, &'static str, &'static str)],
    required: usize,
}

const RUN: (&str, &str, &str) =
    ("run", "string", "`ci#4`, `TASK-7-3`, an id, `ci` (its last run) or `latest`");
const STAGE: (&str, &str, &str) = ("stage", "string", "`build` or `build[2]`");
const LIMIT: (&str, &str, &str) = ("limit", "integer", "at most so many");
const AFTER: (&str, &str, &str) = ("after", "string", "`next` of the answer before");

const OFFERS: [Offer; 11] = [
    Offer {
        name: "list_pipelines",
        about: "The stored pipelines, with their last runs.",
        fields: &[LIMIT, AFTER],
        required: 0,
    },
    Offer {
        name: "show_pipeline",
        about: "One pipeline: its inputs, stages and definition.",
        fields: &[("pipeline", "string", "its name")],
        required: 1,
    },
    Offer {
        name: "list_runs",
        about: "Runs, newest first.",
        fields: &[
            ("pipeline", "string", "only of this pipeline"),
            ("task", "string", "only of this task"),
            ("status", "string", "only these, comma-separated: running,waiting,failed,succeeded"),
            LIMIT,
            AFTER,
        ],
        required: 0,
    },
    Offer {
        name: "start_run",
        about: "Start a run of a stored pipeline. With dry_run, say what it would do.",
        fields: &[
            ("pipeline", "string", "its name"),
            ("inputs", "object", "values of its inputs, by name"),
            (
                "directory",
                "string",
                "absolute path in which it works; that of this server if not given",
            ),
            ("dry_run", "boolean", "plan only: nothing is started"),
        ],
        required: 1,
    },
    Offer {
        name: "show_run",
        about: "A run with its stages: where it is, what failed and why, what it waits for.",
        fields: &[RUN],
        required: 1,
    },
    Offer {
        name: "explain_run",
        about: "Why stages of a run do not go on.",
        fields: &[RUN],
        required: 1,
    },
    Offer {
        name: "run_events",
        about: "What happened in a run, in order.",
        fields: &[RUN, LIMIT, ("after", "integer", "events after this number")],
        required: 1,
    },
    Offer {
        name: "read_log",
        about: "The last lines that a stage printed.",
        fields: &[
            RUN,
            STAGE,
            ("attempt", "integer", "the newest if not given"),
            ("tail", "integer", "so many lines"),
        ],
        required: 2,
    },
    Offer {
        name: "read_talk",
        about: "What the agents of a stage did and said: prompts, calls of tools, checks, usage.",
        fields: &[RUN, STAGE, LIMIT, ("after", "integer", "entries after this number")],
        required: 2,
    },
    Offer {
        name: "list_artifacts",
        about: "Files that the stages of a run left.",
        fields: &[RUN, LIMIT, AFTER],
        required: 1,
    },
    Offer {
        name: "read_artifact",
        about: "The text of an artifact.",
        fields: &[("artifact", "string", "its id, as list_artifacts says")],
        required: 1,
    },
];

/// Arguments of every tool; each takes those that it names.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Input {
    run: String,
    stage: String,
    pipeline: Option<String>,
    task: Option<String>,
    status: Option<String>,
    artifact: String,
    attempt: Option<u32>,
    tail: Option<u32>,
    limit: Option<u32>,
    after: Option<Json>,
    inputs: Map<String, Json>,
    directory: Option<String>,
    dry_run: bool,
}

/// With the rights of whoever started it.
pub(super) struct Person {
    pub(super) context: Context,
}

impl Tools for Person {
    fn list(&self) -> Vec<Json> {
        OFFERS.iter().map(|offer| tool(offer.name, offer.about, &schema(offer))).collect()
    }

    fn call<'a>(&'a self, name: &'a str, input: &'a Json) -> Calling<'a> {
        Box::pin(async move {
            let Some(offer) = OFFERS.iter().find(|offer| offer.name == name) else {
                return decides(name).then(|| said(false, NEVER));
            };
            let done = match taken(offer, input) {
                Ok(input) => self.ask(offer, input).await,
                Err(wrong) => return Some(said(false, &wrong)),
            };
            Some(match done {
                Ok(text) => said(true, &cut(text)),
                Err(failure) => said(false, &failure.text(crate::terminal::Palette::PLAIN)),
            })
        })
    }

    fn instructions(&self) -> Option<&str> {
        Some(ABOUT)
    }
}

/// Whether a tool of this name would be one that decides.
fn decides(name: &str) -> bool {
    const VERBS: [&str; 9] =
        ["approv", "reject", "decid", "vote", "delegat", "revis", "answer", "submit", "sign"];
    let name = name.to_ascii_lowercase();
    VERBS.iter().any(|verb| name.contains(verb))
}

fn schema(offer: &Offer) -> Json {
    let field = |(name, kind, about): &(&str, &str, &str)| {
        ((*name).to_owned(), json!({ "type": kind, "description": about }))
    };
    let properties: Map<String, Json> = offer.fields.iter().map(field).collect();
    let required: Vec<&str> =
        offer.fields.iter().take(offer.required).map(|(name, _, _)| *name).collect();
    json!({
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    })
}

/// The error says, for an assistant, what does not fit.
fn taken(offer: &Offer, input: &Json) -> std::result::Result<Input, String> {
    let none = Map::new();
    let given = match input {
        Json::Object(given) => given,
        Json::Null => &none,
        Json::Bool(_) | Json::Number(_) | Json::String(_) | Json::Array(_) => {
            return Err("the arguments have to be an object".to_owned());
        }
    };
    let known = |name: &String| offer.fields.iter().any(|(field, _, _)| field == name);
    if let Some(name) = given.keys().find(|name| !known(name)) {
        let fields: Vec<&str> = offer.fields.iter().map(|(name, _, _)| *name).collect();
        return Err(format!("`{}` takes no `{name}`; it takes: {}", offer.name, fields.join(", ")));
    }
    for (name, _, about) in offer.fields.iter().take(offer.required) {
        if !given.contains_key(*name) {
            return Err(format!("`{}` needs `{name}`: {about}", offer.name));
        }
    }
    Input::deserialize(&Json::Object(given.clone()))
        .map_err(|error| format!("the arguments do not fit: {error}"))
}

impl Person {
    /// Finds the server anew each time: it may come and go.
    async fn ask(&self, offer: &Offer, input: Input) -> Result<String> {
        let session = Session::open(&self.context, Need::Talk).await?;
        let answer = self.answer(&session, offer.name, input).await;
        session.close().await?;
        answer
    }

    async fn answer(&self, session: &Session, name: &str, input: Input) -> Result<String> {
        if name == "start_run" {
            return self.start(session, input).await;
        }
        let run = match input.run.as_str() {
            "" => String::new(),
            run => session.run_name(run).await?,
        };
        let of_run = |rest: &[&str]| path(&[&["api", "runs", &run], rest].concat());
        let pipeline = input.pipeline.as_deref().unwrap_or_default();
        let limit = input.limit.unwrap_or(MANY).to_string();
        let after = input.after.as_ref().map(plain);
        let mut query = Query::new(&match name {
            "list_pipelines" => path(&["api", "pipelines"]),
            "show_pipeline" => path(&["api", "pipelines", pipeline]),
            "list_runs" => path(&["api", "runs"]),
            "show_run" => of_run(&[]),
            "explain_run" => of_run(&["explain"]),
            "run_events" => of_run(&["events"]),
            "read_log" => of_run(&["logs", &input.stage]),
            "read_talk" => of_run(&["talk", &input.stage]),
            "list_artifacts" => path(&["api", "artifacts"]),
            _ => path(&["api", "artifacts", &input.artifact, "content"]),
        });
        match name {
            "list_pipelines" | "run_events" | "read_talk" => {
                query.add("limit", &limit);
                query.add_some("after", after.as_deref());
            }
            "list_runs" | "list_artifacts" => {
                query.add("limit", &limit);
                query.add_some("after", after.as_deref());
                query.add_some("pipeline", input.pipeline.as_deref());
                query.add_some("task", input.task.as_deref());
                query.add_some("status", input.status.as_deref());
                query.add_some("run", (!run.is_empty()).then_some(run.as_str()));
            }
            "read_log" => {
                query.add("tail", &input.tail.unwrap_or(MANY).to_string());
                query.add_some("attempt", input.attempt.map(|n| n.to_string()).as_deref());
            }
            _ => {}
        }
        self.get(session, query.text).await
    }

    /// In this directory, as from the command line.
    async fn start(&self, session: &Session, input: Input) -> Result<String> {
        let here = self.context.cwd()?;
        let request = StartRun {
            pipeline: input.pipeline,
            inputs: input.inputs.into_iter().collect(),
            directory: input.directory.or_else(|| here.to_str().map(str::to_owned)),
            dry_run: input.dry_run,
            ..StartRun::default()
        };
        if request.dry_run {
            return written(&session.client.plan(&request).await?);
        }
        written(&session.client.start(&request).await?)
    }

    /// JSON as people read it, and what is text as it is.
    async fn get(&self, session: &Session, path: String) -> Result<String> {
        let raw = Raw { method: Method::GET, path, headers: Vec::new(), body: Default::default() };
        let response = session.client.raw(raw).await?;
        let ok = response.status().is_success();
        let bytes = body(response).await?;
        if !ok {
            return Err(Failure::from_problem(read(&bytes)?));
        }
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Ok(match serde_json::from_str::<Json>(&text) {
            Ok(json) => format!("{json:#}"),
            Err(_text) => text,
        })
    }
}

fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    serde_json::from_slice(bytes)
        .map_err(|error| Failure::internal("understand the server's answer", &error))
}

fn written(value: &impl serde::Serialize) -> Result<String> {
    serde_json::to_string_pretty(value)
        .map_err(|error| Failure::internal("write the answer", &error))
}

/// `"12"` and `12` are the same place.
fn plain(value: &Json) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn cut(text: String) -> String {
    match text.char_indices().nth(LONGEST) {
        None => text,
        Some((end, _)) => {
            format!("{}\n... there is more: ask for less with `limit` or `tail`", &text[..end])
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_decides_is_told_apart_from_what_does_not_exist() {
        for name in ["approve", "approve_request", "RejectApproval", "submit_form", "cast_vote"] {
            assert!(decides(name), "{name}");
        }
        assert!(!decides("fly") && OFFERS.iter().all(|offer| !decides(offer.name)));
    }

    #[test]
    fn arguments_that_do_not_fit_are_said() {
        let of = |name: &str| OFFERS.iter().find(|offer| offer.name == name).unwrap();
        let wrong = |name: &str, input: Json| taken(of(name), &input).unwrap_err();
        assert!(wrong("show_run", json!({})).contains("needs `run`"));
        assert!(wrong("show_run", json!({"run": "a", "rnu": 1})).contains("it takes: run"));
        assert!(wrong("show_run", json!({"run": 7})).contains("do not fit"));
        assert!(wrong("show_run", json!([])).contains("an object"));
        assert!(taken(of("list_runs"), &Json::Null).is_ok());
        assert_eq!(schema(of("read_log"))["required"], json!(["run", "stage"]));
    }
}
