//! Why a notice did not arrive: exactly, and without what nobody may see.

use std::time::Duration;

use crate::config::secret::{SecretProblem, SecretText};
use crate::egress::Failure;

/// A try that failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{problem}")]
pub(crate) struct Fault {
    /// One word for programs: `dns connect tls timeout forbidden http smtp exit ...`.
    pub(crate) code: &'static str,
    pub(crate) problem: String,
    pub(crate) hints: Vec<String>,
    /// Trying this notice again would change nothing; the next one may fare better.
    pub(crate) is_final: bool,
    /// The receiver asked for so much time.
    pub(crate) after: Option<Duration>,
}

impl Fault {
    pub(crate) fn new(code: &'static str, problem: impl Into<String>) -> Self {
        Self { code, problem: problem.into(), hints: Vec::new(), is_final: false, after: None }
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    pub(crate) fn finally(mut self) -> Self {
        self.is_final = true;
        self
    }

    /// Takes out the values of secrets, whole or what is left of a URL without its host.
    pub(crate) fn masked(mut self, secrets: &[SecretText]) -> Self {
        self.problem = masked(&self.problem, secrets);
        self
    }
}

impl From<Failure> for Fault {
    fn from(failure: Failure) -> Self {
        let fault = Self::new(failure.code(), failure.to_string());
        match failure {
            Failure::Unresolved { .. } => {
                fault.hint("check the name, and that this machine can resolve it")
            }
            Failure::Private { .. } => {
                fault.hint("if it is meant to be there, say `allow_private: true` at the target")
            }
            Failure::Tls { .. } => fault.hint(
                "check the port and the certificate; `SSL_CERT_FILE` names further authorities",
            ),
            Failure::Url { .. } => fault.hint("correct the target's `url` in `config.yaml`"),
            Failure::Never { .. }
            | Failure::Unreached { .. }
            | Failure::Slow { .. }
            | Failure::Large { .. }
            | Failure::Broken { .. }
            | Failure::Client { .. } => fault,
        }
    }
}

impl From<SecretProblem> for Fault {
    fn from(problem: SecretProblem) -> Self {
        Self::new("secret", problem.to_string())
    }
}

/// Shorter values occur by chance.
const SHORTEST: usize = 4;
/// Of a part of a URL, which often is a word.
const SHORTEST_PART: usize = 8;

pub(crate) fn masked(text: &str, secrets: &[SecretText]) -> String {
    let mut values: Vec<&str> = Vec::new();
    for secret in secrets {
        let value = secret.expose();
        values.push(value);
        // What comes after the host of a URL is what makes it a secret.
        if let Some((_, rest)) = value.split_once("://")
            && let Some((_, path)) = rest.split_once('/')
        {
            values.push(path);
            values.extend(path.split(['/', '?', '&']).filter(|part| part.len() >= SHORTEST_PART));
        }
    }
    values.retain(|value| value.len() >= SHORTEST);
    values.sort_unstable_by_key(|value| std::cmp::Reverse(value.len()));
    let mut text = text.to_owned();
    for value in values {
        text = text.replace(value, "***");
    }
    text
}

/// The beginning of what somebody answered, on one line.
pub(crate) fn excerpt(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(2000)]);
    let words: Vec<&str> = text.split(|c: char| c.is_whitespace() || c.is_control()).collect();
    let text = words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    super::letter::shorten(&text, 200)
}
