//! The HTTP API. Handlers are thin: translate in, ask, translate out. Only here are status codes.

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn, from_fn_with_state};

use crate::shared::Shared;

mod access;
mod agents;
mod aliases;
mod answer;
mod approvals;
mod artifacts;
mod attempt;
mod audit;
mod body;
mod caller;
mod catch;
mod compare;
mod config;
mod control;
mod credential;
mod environments;
mod events;
mod export;
mod feed;
mod front;
mod graph;
mod hooks;
mod impact;
mod inputs;
mod limits;
mod llm;
mod logs;
mod metrics;
mod model_calls;
mod notices;
mod observe;
mod observed;
mod oidc;
mod openapi;
mod origin;
mod page;
mod pipelines;
mod problem;
mod reference;
mod repeat;
mod requests;
mod retention;
mod rollout;
mod rooms;
mod runs;
mod schedules;
mod secrets;
mod sessions;
mod stage;
mod stream;
mod system;
mod tag;
mod takeover;
mod talk;
mod tasks;
mod tokens;
mod traced;
mod triggers;
mod uploads;
mod users;
mod versions;
mod workers;

pub(crate) use answer::AsIs;
pub(crate) use caller::{Caller, Door};
pub(crate) use problem::Fault;
pub(crate) use repeat::Running;
use rooms::Rooms;
pub(crate) use sessions::owners_link;

/// The description of the whole API, OpenAPI 3.1 as JSON text.
pub fn openapi() -> &'static str {
    &openapi::TEXT
}

/// `docs/reference/access.md`: who may ask what.
pub fn access_reference() -> String {
    access::reference()
}

/// Definitions and requests are smaller than this.
const BODY_LIMIT: usize = 2 << 20;

/// The routes behind one door. Nobody reaches a handler without a [`caller::Caller`].
pub(crate) fn router(shared: Arc<Shared>, door: Door) -> Router {
    let limits = limits::Limits::new(shared.settings().ok().as_ref());
    let door = Arc::new(door);
    rooms()
        .into_router()
        .fallback(problem::no_route)
        .method_not_allowed_fallback(problem::no_method)
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .layer(from_fn_with_state(Arc::clone(&shared), repeat::once))
        .layer(from_fn_with_state(Arc::clone(&limits), limits::by_caller))
        .layer(from_fn(observe::identify))
        .layer(from_fn_with_state((Arc::clone(&shared), Arc::clone(&door)), caller::admit))
        .layer(from_fn_with_state((Arc::clone(&shared), door), front::front))
        .layer(from_fn_with_state(limits, limits::by_address))
        .layer(from_fn(catch::catch))
        .layer(from_fn(answer::complete))
        .layer(from_fn_with_state(Arc::clone(&shared), observe::observe))
        .with_state(shared)
}

/// Every route, each with its description.
fn rooms() -> Rooms {
    Rooms::new()
        .merge(system::routes())
        .merge(config::routes())
        .merge(metrics::routes())
        .merge(retention::routes())
        .merge(pipelines::routes())
        .merge(runs::routes())
        .merge(tasks::routes())
        .merge(rollout::routes())
        .merge(aliases::routes())
        .merge(compare::routes())
        .merge(observed::routes())
        .merge(environments::routes())
        .merge(schedules::routes())
        .merge(feed::routes())
        .merge(stream::routes())
        .merge(logs::routes())
        .merge(graph::routes())
        .merge(export::routes())
        .merge(approvals::routes())
        .merge(inputs::routes())
        .merge(uploads::routes())
        .merge(versions::routes())
        .merge(impact::routes())
        .merge(control::routes())
        .merge(artifacts::routes())
        .merge(events::routes())
        .merge(hooks::routes())
        .merge(triggers::routes())
        .merge(audit::routes())
        .merge(notices::routes())
        .merge(tokens::routes())
        .merge(users::routes())
        .merge(sessions::routes())
        .merge(oidc::routes())
        .merge(secrets::routes())
        .merge(attempt::routes())
        .merge(llm::routes())
        .merge(model_calls::routes())
        .merge(agents::routes())
        .merge(takeover::routes())
        .merge(talk::routes())
        .merge(workers::routes())
        .merge(openapi::routes())
        .merge(front::routes())
}
