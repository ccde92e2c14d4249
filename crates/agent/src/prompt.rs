//! What an agent is asked; the server shows the same before a token is spent.

pub(crate) use api::agent::prompt::{Before, iteration};
pub use api::agent::prompt::{Prompt, prompt};
