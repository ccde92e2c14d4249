//! When a revision is written, and when it is refused: the same for every implementation.

use crate::port::{Expect, Refusal};

/// What is known under a name; also a deleted pipeline leaves this behind.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    pub(crate) live: bool,
    /// The highest ever used.
    pub(crate) revision: u32,
    /// Of that revision.
    pub(crate) digest: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Save {
    /// The current revision is the same text.
    Keep { revision: u32 },
    /// A further revision of a live pipeline.
    Add { revision: u32 },
    /// The first revision of a live pipeline.
    Create { revision: u32 },
}

pub(crate) fn judge(
    name: &str,
    known: Option<&Known>,
    digest: &str,
    expect: Expect,
) -> Result<Save, Refusal> {
    let absent = || Refusal::NoSuchPipeline { name: name.to_owned() };
    let live = known.filter(|known| known.live);
    match (expect, live) {
        (Expect::Any, _) | (Expect::Absent, None) | (Expect::Present, Some(_)) => {}
        (Expect::Absent, Some(_)) => return Err(Refusal::Exists { name: name.to_owned() }),
        (Expect::Present | Expect::Revision(_), None) => return Err(absent()),
        (Expect::Revision(expected), Some(live)) => {
            if live.revision != expected {
                let name = name.to_owned();
                return Err(Refusal::RevisionMoved { name, current: live.revision, expected });
            }
        }
    }
    let next = known.map_or(1, |known| known.revision + 1);
    Ok(match live {
        Some(live) if live.digest == digest => Save::Keep { revision: live.revision },
        Some(_) => Save::Add { revision: next },
        None => Save::Create { revision: next },
    })
}
