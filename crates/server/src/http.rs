//! The HTTP API. Handlers are thin: translate in, ask, translate out. Only here are status codes.

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{delete, get, post, put};

use crate::shared::Shared;

mod approvals;
mod artifacts;
mod audit;
mod body;
mod caller;
mod catch;
mod control;
mod events;
mod export;
mod feed;
mod impact;
mod inputs;
mod logs;
mod origin;
mod pipelines;
mod problem;
mod reference;
mod requests;
mod runs;
mod system;
mod tokens;
mod uploads;
mod versions;

pub(crate) use caller::{Caller, Door};

/// Definitions and requests are smaller than this.
const BODY_LIMIT: usize = 2 << 20;

/// The routes behind one door. Nobody reaches a handler without a [`caller::Caller`].
pub(crate) fn router(shared: Arc<Shared>, door: Door) -> Router {
    let pipeline = get(pipelines::show).put(pipelines::update).delete(pipelines::delete);
    Router::new()
        .route("/healthz", get(system::healthz))
        .route("/readyz", get(system::readyz))
        .route("/api/status", get(system::status))
        .route("/api/whoami", get(system::whoami))
        .route("/api/schema", get(system::schema))
        .route("/api/validate", post(system::validate))
        .route("/api/pipelines", get(pipelines::list).post(pipelines::create))
        .route("/api/pipelines/{name}", pipeline)
        .route("/api/pipelines/{name}/enable", post(pipelines::enable))
        .route("/api/pipelines/{name}/disable", post(pipelines::disable))
        .route("/api/pipelines/{name}/run", post(pipelines::run))
        .route("/api/pipelines/{name}/runs", get(pipelines::runs))
        .route("/api/pipelines/{name}/revisions", get(pipelines::revisions))
        .route("/api/pipelines/{name}/revisions/{number}", get(pipelines::revision))
        .route("/api/runs", get(runs::list).post(runs::start))
        .route("/api/runs/{run}", get(runs::show))
        .route("/api/runs/{run}/pause", post(runs::pause))
        .route("/api/runs/{run}/resume", post(runs::resume))
        .route("/api/runs/{run}/cancel", post(runs::cancel))
        .route("/api/runs/{run}/retry", post(runs::retry))
        .route("/api/runs/{run}/resolve", post(runs::resolve))
        .route("/api/runs/{run}/events", get(runs::events))
        .route("/api/runs/{run}/feed", get(feed::feed))
        .route("/api/runs/{run}/logs/{stage}", get(logs::logs))
        .route("/api/runs/{run}/export", get(export::export))
        .route("/api/approvals", get(approvals::list))
        .route("/api/approvals/{id}", get(approvals::show))
        .route("/api/approvals/{id}/approve", post(approvals::approve))
        .route("/api/approvals/{id}/reject", post(approvals::reject))
        .route("/api/approvals/{id}/request-changes", post(approvals::request_changes))
        .route("/api/approvals/{id}/delegate", post(approvals::delegate))
        .route("/api/approvals/{id}/revoke", post(approvals::revoke))
        .route("/api/inputs", get(inputs::list))
        .route("/api/inputs/{id}", get(inputs::show))
        .route("/api/inputs/{id}/draft", put(inputs::draft))
        .route("/api/inputs/{id}/submit", post(inputs::submit))
        .route("/api/uploads", post(uploads::upload).layer(DefaultBodyLimit::disable()))
        .route("/api/runs/{run}/extend", post(versions::extend))
        .route("/api/runs/{run}/rollback", get(impact::rollback).post(control::roll_back))
        .route("/api/runs/{run}/rewind", get(impact::rewind).post(control::rewind))
        .route("/api/runs/{run}/rewind/undo", post(control::undo_rewind))
        .route("/api/runs/{run}/explain", get(control::explain))
        .route("/api/runs/{run}/undoings", get(control::undoings))
        .route("/api/runs/{run}/advance", post(control::advance))
        .route("/api/runs/{run}/breakpoints", put(control::breakpoints))
        .route("/api/pipelines/{name}/rewind", post(versions::rewind))
        .route("/api/pipelines/{name}/rewind/undo", post(versions::undo_rewind))
        .route("/api/pipelines/{name}/undoings", get(versions::undoings))
        .route("/api/artifacts", get(artifacts::list))
        .route("/api/artifacts/{id}", get(artifacts::show))
        .route("/api/artifacts/{id}/content", get(artifacts::content))
        .route("/api/artifacts/{id}/diff", get(artifacts::diff))
        .route("/api/events", get(events::list).post(events::give))
        .route("/api/audit", get(audit::list))
        .route("/api/audit/verify", get(audit::verify))
        .route("/api/tokens", get(tokens::list).post(tokens::create))
        .route("/api/tokens/{id}", delete(tokens::revoke))
        .fallback(problem::no_route)
        .method_not_allowed_fallback(problem::no_method)
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .layer(from_fn_with_state((Arc::clone(&shared), Arc::new(door)), caller::admit))
        .layer(from_fn(catch::catch))
        .with_state(shared)
}
