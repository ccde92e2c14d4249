//! The memory: what was acknowledged is on disk.
//!
//! - [`port`]: the contract.
//! - [`sqlite`]: the implementation that lasts.
//! - [`memory`]: the same for tests and dry runs.
//! - [`folder`]: the data folder around it: who owns it, what lies where.
//! - [`mirror`]: the artifacts as folders for people.
//! - [`retention`]: which artifacts may go.

mod audit;
pub mod backup;
mod catalog;
mod chain;
#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
pub mod folder;
pub mod memory;
pub mod mirror;
pub mod port;
pub mod retention;
pub mod sqlite;
mod trail;

pub use chain::first_broken;
