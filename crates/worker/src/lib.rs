//! The hands: they run attempts as processes, and know nothing of pipelines.
//!
//! A [`Worker`] lives in the server's process and speaks the protocol of `api::link`, or on another
//! machine and speaks it over the network ([`remote`]). The children belong to a [`keeper`], a
//! process of its own that outlives both.

mod capture;
pub mod family;
pub mod fence;
mod hands;
pub mod keeper;
mod mask;
pub mod merge;
pub mod programs;
mod record;
pub mod remote;
pub mod runtime;
mod tree;
mod wire;

pub use hands::{Options, Program, Worker};
pub use mask::Masks;
