//! What is stored of calls, and read again.

use std::sync::Arc;

use axum::body::Body;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::Response;
use jiff::Timestamp;
use serde_json::json;
use store::port::{AccountChange, CallState, Change, ModelCall, ModelChange, ModelEnd, TrailEntry};

use super::budget::Word;
use super::{Denial, FROM_MEMORY, Turn, respond};
use crate::refused::Refused;
use crate::shared::Shared;

/// The answer that is kept for this turn.
pub(super) async fn answered(
    shared: &Arc<Shared>,
    turn: &Turn,
) -> Result<Option<Response>, Denial> {
    let turn = turn.clone();
    let found = shared.read(move |reader| {
        let Turn { run, execution, name, digest } = &turn;
        let Some(call) = reader.model_answer(*run, execution, name, digest)? else {
            return Ok(None);
        };
        let texts = reader.model_texts(&call.id)?;
        Ok(texts.and_then(|texts| Some((call, texts.kind, texts.answer?))))
    });
    let Some((call, kind, answer)) = found.await? else { return Ok(None) };
    let mut headers = HeaderMap::new();
    let kind = HeaderValue::from_str(&kind);
    headers.insert(CONTENT_TYPE, kind.unwrap_or(HeaderValue::from_static("application/json")));
    headers.insert(FROM_MEMORY, HeaderValue::from_static("memory"));
    shared.metrics.model_calls.with(&[&call.provider, &call.model, "memory"]).add(1);
    Ok(Some(respond(StatusCode::OK, headers, Body::from(answer))))
}

/// What the call may come to is stored before it is sent.
pub(super) async fn begin(
    shared: &Shared,
    call: ModelCall,
    request: Vec<u8>,
) -> Result<(), Refused> {
    let change = move |at| {
        let call = Box::new(ModelCall { at, ..call });
        Change::Model(ModelChange::Begin { call, request })
    };
    shared.desk.store(change).await.map(drop)
}

/// What became of it. With the answer of one that is whole.
pub(super) async fn end(shared: &Shared, end: ModelEnd) -> Result<(), Refused> {
    let change = move |at| Change::Model(ModelChange::End(Box::new(ModelEnd { at, ..end })));
    shared.desk.store(change).await.map(drop)
}

/// A call that no budget allowed: on record once for each stage and reason.
pub(super) async fn refused(shared: &Shared, call: ModelCall, subject: String, word: &Word) {
    let (run, says) = (call.run, word.says());
    let key = (run, format!("{} {}", call.execution, word.payer.says()));
    let fresh = shared.gateway.is_first_refusal(key);
    shared.metrics.model_calls.with(&[&call.provider, &call.model, "refused"]).add(1);
    if !fresh {
        return;
    }
    let change = move |at| {
        let call =
            ModelCall { state: CallState::Refused, detail: says, at, ended_at: Some(at), ..call };
        Change::Model(ModelChange::Begin { call: Box::new(call), request: Vec::new() })
    };
    if let Err(refused) = shared.desk.store(change).await {
        tracing::warn!(cause = %refused, "a refused call of a model could not be noted");
    }
    note(shared, "budget.exhausted", subject, word).await;
}

/// Said of a budget, for the trail.
pub(super) async fn note(shared: &Shared, action: &'static str, subject: String, word: &Word) {
    tracing::warn!(subject, says = word.says(), action);
    let detail = json!({
        "of": word.payer.says(), "what": word.what, "used": word.used, "cap": word.cap,
    });
    let entry = move |at: Timestamp| TrailEntry {
        at,
        by: "gateway".to_owned(),
        action: action.to_owned(),
        subject,
        detail,
    };
    let change = move |at| Change::Account(Box::new(AccountChange::Note(entry(at))));
    if let Err(refused) = shared.desk.store(change).await {
        tracing::warn!(cause = %refused, "a budget could not be noted");
    }
}
