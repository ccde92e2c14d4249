//! What an agent is asked; the server shows the same before a token is spent.

pub use api::agent::prompt::{Prompt, prompt};
