#![expect(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod backup;
mod conform;
mod crash;
mod damage;
mod differential;
mod folder;
mod mirror;
mod place;
mod retention;
mod room;
mod schema;
