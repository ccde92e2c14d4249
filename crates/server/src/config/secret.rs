//! Where the value of a secret stands, said in `config.yaml` instead of the value itself.

use std::fmt;
use std::path::{Path, PathBuf};

use pipeline::yaml::{Kind, Node};
use zeroize::Zeroizing;

use super::read::Reader;

/// Larger than any key or password; what is larger is something else.
const MAX_BYTES: u64 = 64 << 10;

/// `{env: NAME}`, `{file: PATH}` or `{secret: NAME}`. Holds no value and may be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SecretRef {
    /// A variable of the server's environment.
    Env(String),
    /// Relative to the data folder. A newline at the end of the file is not part of the value.
    File(PathBuf),
    /// Stored by `orchestrate secret set`.
    Stored(String),
}

impl fmt::Display for SecretRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Env(name) => write!(f, "{{env: {name}}}"),
            Self::File(path) => write!(f, "{{file: {}}}", path.display()),
            Self::Stored(name) => write!(f, "{{secret: {name}}}"),
        }
    }
}

/// The value of a secret: wiped when it is dropped, never shown by accident.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct SecretText(Zeroizing<String>);

impl SecretText {
    pub(crate) fn new(value: String) -> Self {
        Self(Zeroizing::new(value))
    }

    /// For the one place that needs it; what it is copied into has to be wiped too.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretText(..)")
    }
}

/// Why a value cannot be had; says the name, never the value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SecretProblem {
    #[error("the environment variable `{0}` is not set")]
    NoVariable(String),
    #[error("the environment variable `{0}` is not UTF-8")]
    NotText(String),
    #[error("the secret in `{path}` cannot be read: {cause}")]
    File { path: String, cause: String },
    #[error("secret `{0}` is not known: store it with `orchestrate secret set {0}`")]
    Unknown(String),
    #[error("{0} is empty")]
    Empty(String),
    #[error("secret `{name}` cannot be opened: {cause}")]
    Sealed { name: String, cause: String },
}

/// The value of a variable of the server's environment.
pub(crate) fn of_environment(name: &str) -> Result<Option<SecretText>, SecretProblem> {
    match std::env::var(name) {
        Ok(value) => Ok(Some(SecretText::new(value))),
        Err(std::env::VarError::NotPresent) => Ok(None),
        Err(std::env::VarError::NotUnicode(_)) => Err(SecretProblem::NotText(name.to_owned())),
    }
}

/// A path that the server's environment names.
pub(crate) fn path_of_environment(name: &str) -> Option<PathBuf> {
    std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from)
}

/// The value in a file, without the newline at its end; `None`: there is no such file.
pub(crate) fn of_file(path: &Path) -> Result<Option<SecretText>, SecretProblem> {
    use std::io::Read as _;
    let failed = |cause: String| SecretProblem::File { path: path.display().to_string(), cause };
    let file = match std::fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error.to_string())),
    };
    let mut text = Zeroizing::new(String::new());
    let read = file.take(MAX_BYTES + 1).read_to_string(&mut text);
    let bytes = read.map_err(|error| failed(error.to_string()))?;
    if bytes as u64 > MAX_BYTES {
        return Err(failed(format!("it is larger than {MAX_BYTES} bytes")));
    }
    if text.ends_with('\n') {
        text.pop();
    }
    Ok(Some(SecretText(text)))
}

impl Reader<'_> {
    /// A reference to a secret. A value in its place is refused with the remedy.
    pub(crate) fn secret(&mut self, node: &Node, what: &str) -> Option<SecretRef> {
        const FORMS: &str = "`{env: NAME}`, `{file: PATH}` or `{secret: NAME}`";
        let entries = match &node.kind {
            Kind::Map(entries) => entries,
            Kind::Scalar(_) | Kind::List(_) => {
                let problem = format!(
                    "the value of {what} is not written here, where others read it: write {FORMS}; \
                     `orchestrate secret set NAME` stores one"
                );
                self.problem(node.span, &problem);
                return None;
            }
        };
        let one = match entries.as_slice() {
            [one] => Some(one),
            [] | [_, ..] => None,
        };
        let text = one.and_then(|entry| entry.value.scalar()).map(|scalar| scalar.text.as_str());
        let text = text.filter(|text| !text.is_empty() && !text.contains(['\0', '\n']));
        match (one.map(|entry| entry.key.as_str()), text) {
            (Some("env"), Some(name)) if !name.contains('=') => {
                Some(SecretRef::Env(name.to_owned()))
            }
            (Some("file"), Some(path)) => Some(SecretRef::File(PathBuf::from(path))),
            (Some("secret"), Some(name)) if is_secret_name(name) => {
                Some(SecretRef::Stored(name.to_owned()))
            }
            (Some(_) | None, Some(_) | None) => {
                self.problem(node.span, &format!("{what} has to be one of {FORMS}"));
                None
            }
        }
    }
}

/// Whether this can be the name of a secret: fit for a variable and a file.
pub(crate) fn is_secret_name(name: &str) -> bool {
    (1..=128).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<SecretRef, String> {
        let (root, _) = pipeline::yaml::parse(text);
        let mut reader = Reader::new("c", text);
        let found = reader.secret(&root.unwrap(), "`secret`");
        reader.end(found).map(Option::unwrap)
    }

    #[test]
    fn a_value_in_the_file_is_refused_with_the_remedy_and_not_repeated() {
        assert_eq!(read("{env: HOOK}"), Ok(SecretRef::Env("HOOK".into())));
        assert_eq!(read("{file: keys/hook}"), Ok(SecretRef::File("keys/hook".into())));
        assert_eq!(read("{secret: HOOK}"), Ok(SecretRef::Stored("HOOK".into())));
        for inline in ["hunter2", "[hunter2]", "{value: hunter2}", "{env: a, file: b}", "{env: }"] {
            let problem = read(inline).unwrap_err();
            assert!(problem.contains("{secret: NAME}"), "{problem}");
            assert!(!problem.contains("hunter2"), "{problem}");
        }
        assert!(read("{secret: ../x}").is_err());
    }

    #[test]
    fn a_value_is_never_shown() {
        let value = SecretText::new("hunter2".into());
        assert_eq!(format!("{value:?}"), "SecretText(..)");
        assert_eq!(value.expose(), "hunter2");
    }

    #[test]
    fn a_file_gives_its_text_without_the_last_newline() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        assert_eq!(of_file(&path), Ok(None));
        std::fs::write(&path, "a\nb\n").unwrap();
        assert_eq!(of_file(&path).unwrap().unwrap().expose(), "a\nb");
        std::fs::write(&path, [0xff]).unwrap();
        assert!(matches!(of_file(&path), Err(SecretProblem::File { .. })));
        std::fs::write(&path, vec![b'x'; MAX_BYTES as usize + 1]).unwrap();
        assert!(matches!(of_file(&path), Err(SecretProblem::File { .. })));
    }
}
