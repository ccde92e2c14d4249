//! What those who look after a server want to know of the memory.

use engine::id::RunId;
use jiff::Timestamp;

/// How much there is of what waits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Runs that have not finished, by status, in the order of the words.
    pub runs: Vec<(String, u64)>,
    /// Gates that wait for people.
    pub approvals: Open,
    /// Forms that wait for people.
    pub inputs: Open,
    /// Notices that have not reached their target and were not given up.
    pub notices: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Open {
    pub count: u64,
    /// When the oldest one was opened.
    pub oldest: Option<Timestamp>,
}

/// The status of a gate, and of a form, that waits.
pub(crate) const WAITING: [(super::RequestKind, &str); 2] =
    [(super::RequestKind::Approval, "pending"), (super::RequestKind::Input, "open")];

/// Taking away what need not be kept. What may go is the caller's to say; what may never go stays
/// whatever is said: runs that have not finished, decisions, hashes.
#[derive(Clone, Debug)]
pub enum Upkeep {
    /// The events of this run that are no decisions lose their content and keep their hashes, so
    /// that the chains can still be proven. Leaves an entry in the trail.
    EmptyRun { run: RunId, by: String, at: Timestamp },
    /// Events from outside before this time lose their content, and keep their ids: a late repeat
    /// is still known. Those that have not been routed stay.
    ForgetEvents { before: Timestamp },
    /// Notices that arrived or were given up before this time.
    ForgetNotices { before: Timestamp },
}
