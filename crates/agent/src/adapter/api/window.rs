//! Room for the conversation: what the model can read at once is never filled.
//!
//! First the results of older calls are left out, they can be had again. If that is not enough, the
//! model writes down once what matters, and goes on with that. After that there is no more room to be
//! made.

use api::agent::{ErrorClass, Terminal};

use super::talk::Entry;
use super::{Api, Over, Want};

/// What a model can read at once, in tokens, when the job does not say.
const WINDOW: u64 = 200_000;
/// So much of it is used, in percent, before room is made.
const FULL: u64 = 75;

pub(super) const SUMMARISE: &str = "Your conversation is about to become too long. Write down all \
    that you need to go on without it: what you were asked, what you have done and found, which files \
    matter, what is left to do. Call no tools now.";

impl Api {
    pub(super) async fn make_room(&mut self) -> Result<(), Over> {
        if self.talk.can_clear() && self.is_full() {
            self.desk.warn("the conversation is long: old results are left out".to_owned());
            self.talk.keep(Entry::Cleared)?;
        }
        if !self.is_full() {
            return Ok(());
        }
        if self.talk.was_summarised() {
            return Err(no_room());
        }
        self.desk.warn("the conversation is long: it goes on from a summary".to_owned());
        let (turn, answer) = self.ask(Want::Summary).await?;
        self.talk.keep(Entry::Summary { turn, text: answer.text })?;
        if self.is_full() { Err(no_room()) } else { Ok(()) }
    }

    fn is_full(&self) -> bool {
        let window = self.desk.room.job.limits.window_tokens.unwrap_or(WINDOW);
        tokens(self.body(Want::Next, true).to_string().len()) > window * FULL / 100
    }
}

fn no_room() -> Over {
    Over::Terminal(Terminal::Error {
        class: ErrorClass::ContextTooLong,
        message: "nothing more can be left out".to_owned(),
    })
}

/// About so many tokens have these bytes, and ten percent more.
fn tokens(bytes: usize) -> u64 {
    bytes as u64 * 22 / 70
}
