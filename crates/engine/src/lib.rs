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

pub mod command;
pub mod desired;
pub mod event;
pub mod id;
