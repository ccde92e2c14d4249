//! Values that nobody should see over a shoulder, and no list of processes: from stdin, or typed
//! without an echo.

use std::io::{self, Read as _};

use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};

use crate::context::Context;
use crate::error::{Failure, Result};
use crate::output;

/// More than any value may have.
const MAX_BYTES: u64 = 64 << 10;

/// The whole of stdin without the newline at its end; a line, where somebody types it.
pub fn read(context: &Context, question: &str) -> Result<String> {
    let mut text = String::new();
    if context.around.stdin_is_terminal {
        if !context.can_ask() {
            return Err(Failure::usage("nobody can be asked").hint("give the value on stdin"));
        }
        output::say(question);
        type_in(&mut text).map_err(|error| Failure::internal("read what was typed", &error))?;
        output::say("\n");
    } else {
        io::stdin()
            .take(MAX_BYTES + 1)
            .read_to_string(&mut text)
            .map_err(|error| Failure::internal("read stdin", &error))?;
    }
    if text.len() as u64 > MAX_BYTES {
        return Err(Failure::usage(format!("a value has at most {MAX_BYTES} bytes")));
    }
    if text.ends_with('\n') {
        text.pop();
    }
    if text.is_empty() {
        return Err(Failure::usage("there is no value").hint("give it on stdin"));
    }
    Ok(text)
}

fn type_in(text: &mut String) -> io::Result<()> {
    let stdin = io::stdin();
    let before = tcgetattr(&stdin)?;
    let mut silent = before.clone();
    silent.local_modes.remove(LocalModes::ECHO);
    tcsetattr(&stdin, OptionalActions::Now, &silent)?;
    let read = stdin.read_line(text);
    tcsetattr(&stdin, OptionalActions::Now, &before)?;
    read.map(drop)
}
