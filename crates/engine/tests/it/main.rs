//! The engine from outside: simulated, and against stored histories.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a test may panic and talk")]

mod journals;
mod sim;
