//! Programs on the machine of the hands: whether they are there, and which version.

use std::sync::Arc;

/// Which program is looked for, as an attempt would find it.
#[derive(Clone, Copy, Debug)]
pub struct ProgramAsk<'a> {
    /// A path, or a name that is looked for in the `PATH` of attempts.
    pub program: &'a str,
    /// Absolute; what a relative path is relative to. `None`: such a path leads nowhere.
    pub working_dir: Option<&'a str>,
    /// Whether it is called with `--version`, too.
    pub version: bool,
}

/// What was found of a program.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProgramSeen {
    /// Absolute.
    pub path: String,
    /// The first line that it says of itself; `None`: it was not asked, or did not say.
    pub version: Option<String>,
}

/// Where the server asks the hands.
#[derive(Clone)]
pub struct ProgramDoor(Option<Arc<ProgramAnswer>>);

type ProgramAnswer = dyn Fn(ProgramAsk<'_>) -> Result<ProgramSeen, String> + Send + Sync;

impl ProgramDoor {
    /// The error of an answer says, for people, why there is no such program. An answer may take
    /// some seconds.
    pub fn new(
        answer: impl Fn(ProgramAsk<'_>) -> Result<ProgramSeen, String> + Send + Sync + 'static,
    ) -> Self {
        Self(Some(Arc::new(answer)))
    }

    /// There are no hands that could be asked.
    pub fn closed() -> Self {
        Self(None)
    }

    /// `None`: nobody can be asked. Blocks.
    pub fn ask(&self, ask: ProgramAsk<'_>) -> Option<Result<ProgramSeen, String>> {
        self.0.as_ref().map(|answer| answer(ask))
    }
}

impl std::fmt::Debug for ProgramDoor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ProgramDoor")
    }
}
