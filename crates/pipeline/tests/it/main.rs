//! The language from outside: text in, pipeline or diagnostics out.

mod agents;
mod arbitrary;
mod bad_input;
mod cascade;
mod graph;
mod model;
mod people;
mod rendered;
mod repository;
mod yaml_suite;
