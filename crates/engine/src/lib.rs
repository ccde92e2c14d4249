//! The rules of a run: a fold over its journal.
//!
//! ```text
//! run.handle(command, now)  -> events | Rejection   every choice, and all that follows from it
//! run.evolve(&stamped)                              the only mutator
//! run.desired()             -> attempts, stops, timers that ought to exist now
//! run.status()              -> the words people see, derived
//! ```
//!
//! Pure: no IO, clock or chance; time, ids and seeds are arguments.
//!
//! How a run is read by whoever stands around it:
//! [`Run::replay`] folds a stored journal; [`Run::task`] and [`Run::probe`] say what an attempt
//! that [`Run::desired`] names does; [`Run::rows`], [`Run::row`], [`Run::progress`] and
//! [`Run::header`] are what lists and pages show. [`event::Event::execution`] says which row an
//! event changed.
#![deny(clippy::wildcard_enum_match_arm)]

pub mod admission;
pub mod agent;
pub mod agreement;
mod answers;
pub mod backoff;
pub mod command;
mod decide;
pub mod desired;
pub mod event;
mod evolve;
pub mod explain;
mod follow;
pub mod id;
mod inputs;
mod lineage;
pub mod lock;
pub mod paths;
pub mod quorum;
pub mod roles;
pub mod rule;
mod run;
mod scope;
pub mod shown;
mod state;
pub mod status;
mod task;
mod trees;
pub mod view;
mod wires;
pub mod words;
pub mod working;

#[cfg(test)]
mod tests;

pub use command::{Command, Rejection};
pub use decide::{ADMIN, PROBE};
pub use event::{Event, Stamped};
pub use evolve::Corrupt;
pub use follow::{LOST_LIMIT, MAX_ITEMS, NOBODY};
pub use run::Run;
pub use status::Status;
