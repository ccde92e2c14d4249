//! The language: text in, a validated [`Pipeline`] or all of its diagnostics out.
//!
//! Pure: no file, socket, clock, environment or chance. The way of a definition is
//! `yaml` (text to nodes with spans) -> `vocabulary` (which keys exist, checked) -> `authored`
//! (nodes to what was written) -> `resolve` (names, graph, expressions) -> [`model`].

pub mod agent;
mod authored;
pub mod diagnostic;
pub mod edit;
mod elsewhere;
pub mod expr;
pub mod form;
mod lint;
pub mod mapping;
pub mod model;
mod parsed;
pub mod reference;
mod resolve;
pub mod schedule;
pub mod schema;
pub mod source;
pub mod text;
pub mod trigger;
pub mod value;
pub mod vocabulary;
pub mod when;
pub mod yaml;

pub use diagnostic::{Diagnostic, Severity};
pub use elsewhere::Elsewhere;
pub use model::Pipeline;
pub use parsed::{Parsed, digest, parse};
