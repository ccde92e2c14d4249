//! Where mistakes are gathered while a definition is read.

use super::{Diagnostic, Severity, nearest};

/// So many errors, and as many warnings, are kept: a generated file with a mistake in each line
/// must not cost more than a good one.
pub(crate) const MOST: usize = 1000;

/// Comparisons of names that looking for suggestions may cost in all.
const COMPARISONS: usize = 50_000;

#[derive(Debug)]
pub(crate) struct Sink {
    found: Vec<Diagnostic>,
    errors: usize,
    warnings: usize,
    comparisons: usize,
}

impl Default for Sink {
    fn default() -> Self {
        Self { found: Vec::new(), errors: 0, warnings: 0, comparisons: COMPARISONS }
    }
}

impl Sink {
    pub(crate) fn push(&mut self, diagnostic: Diagnostic) {
        let count = match diagnostic.severity {
            Severity::Error => &mut self.errors,
            Severity::Warning => &mut self.warnings,
        };
        *count += 1;
        if *count <= MOST {
            self.found.push(diagnostic);
        }
    }

    /// Errors so far, also those that were not kept.
    pub(crate) fn errors(&self) -> usize {
        self.errors
    }

    /// More was wrong than is kept.
    pub(crate) fn is_cut(&self) -> bool {
        self.errors > MOST || self.warnings > MOST
    }

    /// What was kept, in the order of the places.
    pub(crate) fn into_sorted(self) -> Vec<Diagnostic> {
        let mut found = self.found;
        found.sort_by_key(|found| (found.span.start, found.severity, found.code));
        found.dedup();
        found
    }

    /// The nearest of `known`, while there is time for looking.
    pub(crate) fn nearest<'a>(
        &mut self,
        written: &str,
        known: impl IntoIterator<Item = &'a str>,
    ) -> Option<&'a str> {
        if self.errors >= MOST {
            return None;
        }
        let left = &mut self.comparisons;
        let known = known.into_iter().take_while(|_| {
            *left = left.saturating_sub(1);
            *left > 0
        });
        nearest(written, known)
    }

    /// `did you mean `x`?`, or nothing.
    pub(crate) fn did_you_mean<'a>(
        &mut self,
        written: &str,
        known: impl IntoIterator<Item = &'a str>,
    ) -> String {
        let near = self.nearest(written, known);
        near.map_or_else(String::new, |name| format!("did you mean `{name}`?"))
    }
}
