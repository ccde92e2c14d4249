//! The wire: what travels between the CLI, the server, the page and the workers.

pub mod account;
pub mod agent;
pub mod agents;
pub mod alias;
pub mod approval;
pub mod artifact;
pub mod bundle;
pub mod capture;
pub mod compare;
pub mod config;
pub mod event;
pub mod feed;
pub mod flow;
pub mod graph;
pub mod input;
pub mod link;
pub mod log;
pub mod model;
pub mod notice;
pub mod pipeline;
pub mod problem;
pub mod program;
pub mod rollout;
pub mod run;
pub mod runtime;
pub mod stream;
pub mod system;
pub mod task;
pub mod trigger;
pub mod words;
pub mod worker;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One page of a list. `next` goes back as `?after=` for the page that follows.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Page<T> {
    /// `orchestrate.run.list/v1`
    pub schema: String,
    pub data: Vec<T>,
    pub next: Option<String>,
}
