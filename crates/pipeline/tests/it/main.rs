//! The language from outside: text in, pipeline or diagnostics out.

mod arbitrary;
mod bad_input;
mod graph;
mod model;
mod rendered;
mod repository;
mod yaml_suite;
