//! The guard of `run:`: what may become part of a shell script.
//!
//! A value is spliced only if a shell reads it as one plain word, so no value, wherever it came
//! from, can end a quotation, start a command or be expanded. Text that came from outside
//! ([`Root::Event`]) and secrets are refused whatever they hold.

use super::{Part, Root, Scope, Template, Unresolved};

/// Why a script could not be completed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SpliceError {
    #[error(transparent)]
    Unresolved(#[from] Unresolved),
    #[error(
        "`${{{reference}}}` holds text that a shell would interpret; pass it by environment: \
         `env: {{{variable}: \"${{{reference}}}\"}}`, then `\"${variable}\"` in the script"
    )]
    Unsafe {
        /// As written, without `${` and `}`.
        reference: String,
        /// A fitting name for the environment variable.
        variable: String,
    },
}

/// Whether a shell reads `text` as (a part of) one plain word: `^[A-Za-z0-9_@%+=:,./-]*$`.
pub fn is_safe_to_splice(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_@%+=:,./-".contains(&byte))
}

impl Template {
    /// The script with its references replaced.
    pub fn splice(&self, scope: &dyn Scope) -> Result<String, SpliceError> {
        let mut script = String::new();
        for part in &self.parts {
            match part {
                Part::Literal(literal) => script.push_str(literal),
                Part::Reference(reference) => {
                    let from_outside = match reference.root {
                        Root::Event
                        | Root::Secret(_)
                        | Root::Form
                        | Root::Mapped
                        | Root::Own
                        | Root::Previous(_)
                        | Root::Subject => true,
                        Root::Task => reference.is_free_text_of_a_task(),
                        Root::Value(_) | Root::Output(_) | Root::Run | Root::Item => false,
                    };
                    let text =
                        if from_outside { None } else { Some(reference.resolve_text(scope)?) };
                    match text {
                        Some(text) if is_safe_to_splice(&text) => script.push_str(&text),
                        // Such a script is shown and never run.
                        Some(text) if stands_in(reference, &text, scope) => script.push_str(&text),
                        Some(_) | None => {
                            return Err(SpliceError::Unsafe {
                                reference: reference.source.clone(),
                                variable: reference.variable(),
                            });
                        }
                    }
                }
            }
        }
        Ok(script)
    }
}

/// The text stands for a value that nobody knows.
fn stands_in(reference: &super::Reference, text: &str, scope: &dyn Scope) -> bool {
    scope.is_unknown(&reference.root) && scope.stand_in(reference.name()).as_deref() == Some(text)
}

/// Names that a shell or its programs read: a value must not be proposed under one.
const SHELL_VARIABLES: [&str; 12] = [
    "PATH", "HOME", "USER", "SHELL", "PWD", "IFS", "ENV", "LANG", "TERM", "TMPDIR", "CDPATH", "PS4",
];

impl super::Reference {
    /// A fitting name for an environment variable that carries this value: the last name of the
    /// path in capitals.
    pub fn variable(&self) -> String {
        let last = self.path.iter().rev().find_map(|step| match step {
            super::Step::Field(name) => Some(name.as_str()),
            super::Step::Index(_) => None,
        });
        let name = last.unwrap_or(match &self.root {
            Root::Value(name) | Root::Output(name) | Root::Secret(name) | Root::Previous(name) => {
                name
            }
            Root::Form => "form",
            Root::Mapped => "input",
            Root::Own => "outputs",
            Root::Subject => "value",
            Root::Event => "event",
            Root::Run => "run",
            Root::Task => "task",
            Root::Item => "item",
        });
        let mut variable: String = name
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' })
            .collect();
        if !variable.starts_with(|c: char| c.is_ascii_uppercase() || c == '_') {
            variable.insert(0, '_');
        }
        if SHELL_VARIABLES.contains(&variable.as_str()) {
            variable.insert_str(0, "GIVEN_");
        }
        variable
    }
}
