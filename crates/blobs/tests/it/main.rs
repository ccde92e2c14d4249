#![expect(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod content;
mod limits;
