//! The shell as a whole: a server on a store, with hands that follow a script.
#![expect(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod access;
mod adoption;
mod aliases;
mod asks;
mod bench;
mod changed;
mod children;
mod collector;
mod control;
mod disk;
mod doors;
mod failures;
mod files;
mod forge;
mod front;
mod given;
mod graph;
mod identity;
mod models;
mod notices;
mod oidc;
mod operations;
mod output;
mod people;
mod refusals;
mod route;
mod schedules;
mod starts;
mod stream;
mod tasks;
mod traces;
mod versions;
mod waits;
mod webhooks;
mod wire;
