//! Real harnesses as processes of their own.

#![expect(clippy::unwrap_used, reason = "what the tests share belongs to the tests")]

mod api;
mod door;
mod loops;
mod mock;
mod model;
mod programs;
mod stage;
mod taken;
mod talks;
mod tools;
