//! What the program's exit code says.

/// The table of exit codes; `orchestrate --help` prints it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    Ok,
    /// A failure of the product or of the machine under it.
    Internal,
    /// The command line, or a value given on it.
    Usage,
    /// The definition has errors.
    Invalid,
    NotFound,
    /// The thing exists already, or is not in a state that allows this.
    Conflict,
    NotAllowed,
    /// No server answers.
    Unreachable,
    RunFailed,
    Cancelled,
    /// Every failed stage of the run failed by a timeout.
    TimedOut,
    /// The run waits for a decision and nobody can be asked here.
    StillWaiting,
    /// A person rejected it, or it was rolled back.
    Rejected,
    Interrupted,
    /// The reader of our output went away (128 + SIGPIPE): said by the code alone.
    BrokenPipe,
    /// Of the harness: how its attempt ended, as the server reads it.
    Attempt(u8),
}

impl Exit {
    pub fn code(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Internal => 1,
            Self::Usage => 2,
            Self::Invalid => 3,
            Self::NotFound => 4,
            Self::Conflict => 5,
            Self::NotAllowed => 6,
            Self::Unreachable => 7,
            Self::RunFailed => 10,
            Self::Cancelled => 11,
            Self::TimedOut => 12,
            Self::StillWaiting => 13,
            Self::Rejected => 14,
            Self::Interrupted => 130,
            Self::BrokenPipe => 141,
            Self::Attempt(code) => code,
        }
    }
}
