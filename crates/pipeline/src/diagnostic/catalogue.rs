//! What `orchestrate explain CODE` says: one entry for each code.

use super::Code;

mod limits;
mod lints;
mod names;
mod places;
mod references;
mod values;
mod yaml;

/// The explanation of a code. A test proves that `wrong` gives exactly this code and `right`
/// gives nothing, so an entry cannot lie.
#[derive(Debug)]
pub struct Entry {
    pub code: Code,
    pub title: &'static str,
    /// Why it is refused, and what to do.
    pub cause: &'static str,
    pub wrong: Example,
    /// A whole definition that is accepted.
    pub right: &'static str,
}

/// A whole definition that shows the mistake.
#[derive(Clone, Copy, Debug)]
pub enum Example {
    Text(&'static str),
    /// Too long to print: a word about it, and how it is made.
    Made(&'static str, fn() -> String),
}

impl Example {
    /// The definition itself.
    pub fn text(&self) -> String {
        match self {
            Self::Text(text) => (*text).to_owned(),
            Self::Made(_, make) => make(),
        }
    }
}

/// Every entry, in the order of the codes.
pub fn entries() -> impl Iterator<Item = &'static Entry> {
    [
        yaml::ENTRIES,
        names::ENTRIES,
        values::ENTRIES,
        references::ENTRIES,
        places::ENTRIES,
        limits::ENTRIES,
        lints::ENTRIES,
    ]
    .into_iter()
    .flatten()
}

impl Entry {
    /// The page in Markdown.
    pub fn page(&self) -> String {
        let kind = self.code.severity().word();
        let wrong = match self.wrong {
            Example::Text(text) => format!("```yaml\n{}\n```", text.trim_end()),
            Example::Made(says, _) => format!("{says}."),
        };
        format!(
            "# {code}: {title}\n\n*{kind}*\n\n{cause}\n\n## Wrong\n\n{wrong}\n\n## Right\n\n\
             ```yaml\n{right}\n```\n",
            code = self.code,
            title = self.title,
            cause = self.cause,
            right = self.right.trim_end(),
        )
    }
}

#[cfg(test)]
mod tests;
