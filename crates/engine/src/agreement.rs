//! What a shadow run said would become of its task, beside what people then made of it.

use crate::event::FinalStatus;

/// What people said of a task after a shadow run of it had ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    Done,
    Cancelled,
    /// Nothing yet.
    Open,
}

/// Whether people did what a shadow run that came to this end foretold: that the task would be
/// done, or, where the run failed by its own definition, that it would not. `None`: nobody knows
/// yet, or the run was given up.
pub fn agrees(end: FinalStatus, said: Said) -> Option<bool> {
    match (end, said) {
        (FinalStatus::Cancelled, _) | (_, Said::Open) => None,
        (FinalStatus::Succeeded, Said::Done) | (FinalStatus::Failed, Said::Cancelled) => Some(true),
        (FinalStatus::Succeeded, Said::Cancelled) | (FinalStatus::Failed, Said::Done) => {
            Some(false)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_people_said_is_compared() {
        use FinalStatus::{Cancelled, Failed, Succeeded};
        for (end, said, wanted) in [
            (Succeeded, Said::Done, Some(true)),
            (Succeeded, Said::Cancelled, Some(false)),
            (Succeeded, Said::Open, None),
            (Failed, Said::Done, Some(false)),
            (Failed, Said::Cancelled, Some(true)),
            (Failed, Said::Open, None),
            (Cancelled, Said::Done, None),
        ] {
            assert_eq!(agrees(end, said), wanted, "{end:?} {said:?}");
        }
    }
}
