//! Requests and answers both ways over the streams of an agent.

use std::sync::Arc;

use api::agent::{ErrorClass, Terminal};
use serde_json::{Value as Json, json};
use tokio::task::JoinSet;

use super::updates::Updates;
use crate::adapter::Rest;
use crate::adapter::cli::fault;
use crate::adapter::cli::program::{self, Program, flooded};
use crate::desk::{Call, Desk};

const NO_SUCH_METHOD: i64 = -32601;
const AUTH_REQUIRED: i64 = -32000;

#[derive(Debug)]
pub(super) struct Line {
    desk: Arc<Desk>,
    pub(super) program: Program,
    pub(super) updates: Updates,
    next: u64,
    /// The turn that is under way.
    pending: Option<u64>,
    /// Permissions that people think about.
    asks: JoinSet<Json>,
}

/// What came of a request.
#[derive(Debug, PartialEq)]
pub(super) enum Answer {
    Result(Json),
    Failed(Terminal),
    /// It ended.
    Gone,
    Flood(Box<Rest>),
    /// Nothing more is to be done: the desk stops it.
    Over,
}

impl Answer {
    pub(super) fn result(self) -> Result<Json, Self> {
        match self {
            Self::Result(result) => Ok(result),
            other => Err(other),
        }
    }
}

impl Line {
    pub(super) fn new(desk: Arc<Desk>, program: Program) -> Self {
        let updates = Updates::new(Arc::clone(&desk));
        Self { desk, program, updates, next: 1, pending: None, asks: JoinSet::new() }
    }

    pub(super) async fn request(&mut self, method: &str, params: Json) -> Answer {
        let id = self.next;
        self.next += 1;
        self.pending = Some(id);
        self.tell(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params })).await;
        let answer = self.answer(id).await;
        self.pending = None;
        self.updates.flush();
        self.desk.room.sync();
        answer
    }

    /// Asks it to leave off, and waits until it says that it has.
    pub(super) async fn cancel(&mut self, session: &str) {
        self.asks.abort_all();
        let params = json!({ "sessionId": session });
        self.tell(&json!({ "jsonrpc": "2.0", "method": "session/cancel", "params": params })).await;
        if let Some(id) = self.pending.take() {
            self.answer(id).await;
        }
        self.updates.flush();
    }

    async fn tell(&self, message: &Json) {
        let mut line = message.to_string().into_bytes();
        line.push(b'\n');
        self.program.tell(line).await;
    }

    async fn answer(&mut self, id: u64) -> Answer {
        loop {
            let message = tokio::select! {
                Some(said) = self.asks.join_next() => {
                    if let Ok(said) = said {
                        self.tell(&said).await;
                    }
                    continue;
                }
                line = self.program.line() => match line {
                    program::Line::Json(message, _) => message,
                    // Some write their log between messages.
                    program::Line::Text(_) => continue,
                    program::Line::Flood(what) => return Answer::Flood(Box::new(flooded(&what))),
                    program::Line::End => return Answer::Gone,
                },
            };
            if let Some(method) = message["method"].as_str() {
                if !self.heard(method, &message).await {
                    return Answer::Over;
                }
            } else if message["id"].as_u64() == Some(id) {
                return understood(&message);
            }
        }
    }

    /// `false`: the desk stops it.
    async fn heard(&mut self, method: &str, message: &Json) -> bool {
        let params = &message["params"];
        match (method, message.get("id")) {
            ("session/update", _) => return self.updates.update(&params["update"]),
            ("session/request_permission", Some(id)) => {
                let (begins, calls) = self.updates.asked(&params["toolCall"]);
                if !begins {
                    return false;
                }
                let options = params["options"].clone();
                let (desk, id) = (Arc::clone(&self.desk), id.clone());
                self.asks.spawn(async move {
                    let outcome = decided(&desk, &calls, &options).await;
                    json!({ "jsonrpc": "2.0", "id": id, "result": { "outcome": outcome } })
                });
            }
            (_, Some(id)) => {
                let says = format!("this client has no `{method}`");
                let error = json!({ "code": NO_SUCH_METHOD, "message": says });
                self.tell(&json!({ "jsonrpc": "2.0", "id": id, "error": error })).await;
            }
            (_, None) => {}
        }
        true
    }
}

/// Every place that a call touches has to be allowed. Names of options differ, their kinds do not.
async fn decided(desk: &Arc<Desk>, calls: &[Call], options: &Json) -> Json {
    let mut kind = "allow_once";
    for call in calls {
        if desk.permit(call).await.is_err() {
            kind = "reject_once";
            break;
        }
    }
    let option = options.as_array().into_iter().flatten().find(|option| option["kind"] == kind);
    match option {
        Some(option) => json!({ "outcome": "selected", "optionId": option["optionId"] }),
        None => json!({ "outcome": "cancelled" }),
    }
}

fn understood(message: &Json) -> Answer {
    let error = &message["error"];
    if error.is_null() {
        return Answer::Result(message["result"].clone());
    }
    let code = error["code"].as_i64().unwrap_or_default();
    let mut says = error["message"].as_str().unwrap_or("no reason given").to_owned();
    let data = &error["data"];
    let detail = ["details", "message"].iter().find_map(|key| data[*key].as_str());
    if let Some(detail) = detail.or(data.as_str()).filter(|detail| *detail != says) {
        says = format!("{says}: {detail}");
    }
    if code == AUTH_REQUIRED {
        return Answer::Failed(Terminal::Error { class: ErrorClass::Auth, message: says });
    }
    let status = u16::try_from(code).ok().filter(|code| (400..600).contains(code));
    Answer::Failed(fault::understood(status, &says))
}
