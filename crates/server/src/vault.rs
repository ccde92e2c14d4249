//! The secrets of this server: found by name, given out for one use.

use std::path::{Path, PathBuf};

use crate::config::secret::{self, SecretProblem, SecretRef, SecretText, is_secret_name};

/// Where values are found, in this order: `$ORCHESTRATE_SECRET_<NAME>` of the server, the file
/// `secrets/<NAME>` of the data folder.
#[derive(Debug)]
pub(crate) struct Vault {
    data_dir: PathBuf,
}

impl Vault {
    pub(crate) fn of(data_dir: &Path) -> Self {
        Self { data_dir: data_dir.to_owned() }
    }

    /// The value behind a reference of `config.yaml`. Reads files: not for async threads.
    pub(crate) fn resolve(&self, reference: &SecretRef) -> Result<SecretText, SecretProblem> {
        let found = match reference {
            SecretRef::Env(name) => secret::of_environment(name)?
                .ok_or_else(|| SecretProblem::NoVariable(name.clone()))?,
            SecretRef::File(path) => {
                let path = self.data_dir.join(path);
                secret::of_file(&path)?.ok_or_else(|| SecretProblem::File {
                    path: path.display().to_string(),
                    cause: "there is no such file".to_owned(),
                })?
            }
            SecretRef::Stored(name) => self.named(name)?,
        };
        if found.expose().is_empty() {
            return Err(SecretProblem::Empty(reference.to_string()));
        }
        Ok(found)
    }

    /// The value of the secret of this name.
    fn named(&self, name: &str) -> Result<SecretText, SecretProblem> {
        if !is_secret_name(name) {
            return Err(SecretProblem::Unknown(name.to_owned()));
        }
        if let Some(value) = secret::of_environment(&format!("ORCHESTRATE_SECRET_{name}"))? {
            return Ok(value);
        }
        secret::of_file(&self.data_dir.join("secrets").join(name))?
            .ok_or_else(|| SecretProblem::Unknown(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_gives_its_value_or_says_what_is_missing() {
        let folder = tempfile::tempdir().unwrap();
        let vault = Vault::of(folder.path());
        let stored = SecretRef::Stored("HOOK".into());
        assert_eq!(vault.resolve(&stored), Err(SecretProblem::Unknown("HOOK".into())));
        std::fs::create_dir(folder.path().join("secrets")).unwrap();
        std::fs::write(folder.path().join("secrets/HOOK"), "hunter2\n").unwrap();
        assert_eq!(vault.resolve(&stored).unwrap().expose(), "hunter2");
        let file = SecretRef::File("secrets/HOOK".into());
        assert_eq!(vault.resolve(&file).unwrap().expose(), "hunter2");
        std::fs::write(folder.path().join("secrets/HOOK"), "\n").unwrap();
        assert!(matches!(vault.resolve(&file), Err(SecretProblem::Empty(_))));
        let missing = SecretRef::Env("ORCHESTRATE_NOT_SET_ANYWHERE".into());
        assert!(matches!(vault.resolve(&missing), Err(SecretProblem::NoVariable(_))));
    }
}
