//! Triggers that start two runs where one was meant.

use crate::authored::{Authored, AuthoredStart, AuthoredStartOn, Reader};
use crate::diagnostic::{Code, Diagnostic};

pub(super) fn lint(authored: &Authored, reader: &mut Reader<'_>) {
    for (ix, start) in authored.triggers.iter().enumerate() {
        let others = &authored.triggers[..ix];
        let Some(other) = others.iter().find(|other| covers(other, start) || covers(start, other))
        else {
            continue;
        };
        let message =
            format!("`{}` and `{}` fire together: two runs each time", other.name, start.name);
        reader.push(
            Diagnostic::new(Code::DUPLICATE_START, start.span, message)
                .help("remove one, or let each take what the other does not"),
        );
    }
}

/// Whether the first fires whenever the second does. What cannot be seen at once is not said.
fn covers(first: &AuthoredStart, second: &AuthoredStart) -> bool {
    match (&first.on, &second.on) {
        (
            AuthoredStartOn::Event { start: first, filter },
            AuthoredStartOn::Event { start: second, .. },
        ) => first.event == second.event && filter.is_none() && first.takes_all(),
        (
            AuthoredStartOn::Schedule { schedule: first, .. },
            AuthoredStartOn::Schedule { schedule: second, .. },
        ) => first.expression == second.expression && first.zone == second.zone,
        (
            AuthoredStartOn::Completion { pipeline: first, status },
            AuthoredStartOn::Completion { pipeline: second, status: others },
        ) => first.value == second.value && others.iter().all(|one| status.contains(one)),
        (AuthoredStartOn::Event { .. }, _)
        | (AuthoredStartOn::Schedule { .. }, _)
        | (AuthoredStartOn::Completion { .. }, _)
        | (AuthoredStartOn::Files { .. }, _) => false,
    }
}
