//! The catalogue of diagnostics: one entry for each code, with the page that `explain` shows.

/// `E0201`, `W0105`: an error or a warning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Code(pub &'static str);
