//! The program of an adapter that starts one for each message.

use std::time::Duration;

use super::program::Program;
use crate::adapter::Exit;

/// Whoever leaves off has so long, and a little less than the seat waits.
pub(crate) const LEAVING: Duration = Duration::from_secs(8);

/// At most one program at a time, and how the last one ended.
#[derive(Debug, Default)]
pub(crate) struct Held {
    program: Option<Program>,
    exit: Exit,
}

impl Held {
    pub(crate) fn hold(&mut self, program: Program) -> &mut Program {
        self.program.insert(program)
    }

    pub(crate) fn program(&mut self) -> Option<&mut Program> {
        self.program.as_mut()
    }

    /// Waits for its end, as [`Program::finish`] says.
    pub(crate) async fn finish(&mut self) -> Exit {
        if let Some(program) = self.program.take() {
            self.exit = program.finish().await;
        }
        self.exit
    }

    /// Asks it to leave off, and ends it.
    pub(crate) async fn leave(&mut self) {
        if let Some(mut program) = self.program.take() {
            let _ = tokio::time::timeout(LEAVING, program.interrupt()).await;
            self.exit = program.end().await;
        }
    }

    /// Ends it now.
    pub(crate) async fn close(&mut self) -> Exit {
        if let Some(program) = self.program.take() {
            self.exit = program.end().await;
        }
        self.exit
    }
}
