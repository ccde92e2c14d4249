//! The shell: takes commands, lets the engine decide, stores, and brings the world in line.
//!
//! - `conductor`: the one thread that owns the live runs and the writing side of the store;
//! - `http`: the API, the same on every door;
//! - `door`: what an attempt asks with, and whether it still may;
//! - `gateway`: the way from attempts to models, and what goes over it;
//! - `live`: what was committed, to whoever watches;
//! - `listen`: the doors;
//! - `egress`: every request that leaves this process;
//! - `notices`: what people are told, and how it reaches them;
//! - `traces`: what happened, as spans for a collector of OpenTelemetry;
//! - `identity`, `config`: who calls, and what the folder's owner said about people.
//!
//! The hands are joined from outside by two channels: [`Server::orders`] and [`Server::inbox`].

mod accounts;
mod agents;
mod board;
mod captured;
mod changed;
mod clock;
mod conductor;
mod config;
mod definition;
mod descent;
mod door;
mod egress;
mod failpoint;
mod gateway;
mod history;
mod hooks;
mod http;
mod identity;
mod incoming;
mod intake;
mod judge;
mod listen;
mod live;
mod metrics;
mod modes;
mod notices;
mod plan;
mod ready;
mod refused;
mod retention;
mod rights;
mod server;
mod shared;
mod talk;
mod traces;
mod vault;
mod view;
mod watch;

pub use clock::Ahead;
pub use conductor::desk::Inbox;
pub use config::{ArtifactLimits, artifact_limits, settings, settings_of};
pub use definition::elsewhere;
pub use door::SOCKET;
pub use http::{access_reference, openapi};
pub use metrics::page as metrics_page;
pub use server::{Error, Options, Server};
pub use view::graph::nodes as graph_nodes;
