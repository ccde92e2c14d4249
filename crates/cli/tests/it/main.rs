//! Tests of the door: pure text as snapshots, and stories through the real binary.

#![expect(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod agents;
mod asked;
mod backup;
mod binary;
mod coding_clis;
#[path = "../../../server/tests/it/collector.rs"]
mod collector;
mod control;
mod documents;
mod examples;
mod failpoints;
mod frames;
mod harnesses;
mod help;
mod mcp;
#[path = "../../../agent/tests/it/model.rs"]
mod model;
mod model_keys;
mod named;
mod notices;
mod people;
mod project;
mod sample;
mod scenarios;
mod schedules;
mod secrets;
mod shadow;
mod start;
mod storm;
mod tables;
mod taken;
mod tasks;
mod teams;
mod templates;
mod traces;
mod transcripts;
mod triggers;
mod tryouts;
mod upkeep;
mod workers;
mod worktrees;
