//! The secrets of this server: sealed at rest, found by name, given out for one use.
//!
//! Where a value is found, in this order: `$ORCHESTRATE_SECRET_<NAME>` of the server; the store
//! (for the environment, then for the pipeline, then for all); the file `secrets/<NAME>` of the data
//! folder. One that is stored and cannot be opened is an error: no other takes its place.

pub(crate) mod key;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use api::link::SecretAsk;
use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use store::port::{Read, SecretRow};
use tokio::sync::Mutex;
use zeroize::Zeroizing;

use crate::config::secret::{self, SecretProblem, SecretRef, SecretText, is_secret_name};
use key::{Key, Keys};

/// Bytes of a value.
pub(crate) const MAX_VALUE: usize = 64 << 10;
const NONCE: usize = 24;

pub(crate) struct Vault {
    data_dir: PathBuf,
    reader: Arc<dyn Read>,
    /// Held while secrets are sealed and stored, so that a new key misses none of them.
    pub(crate) changing: Mutex<()>,
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Vault").field("data_dir", &self.data_dir).finish_non_exhaustive()
    }
}

/// For whom a secret is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    Global,
    Pipeline(String),
    Environment(String),
}

impl Scope {
    /// As it is stored.
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Global => "global".to_owned(),
            Self::Pipeline(name) => format!("pipeline:{name}"),
            Self::Environment(name) => format!("environment:{name}"),
        }
    }

    pub(crate) fn of(text: &str) -> Option<Self> {
        match text.split_once(':') {
            None => (text == "global").then_some(Self::Global),
            Some(("pipeline", name)) => Some(Self::Pipeline(name.to_owned())),
            Some(("environment", name)) => Some(Self::Environment(name.to_owned())),
            Some(_) => None,
        }
    }
}

/// A value as it is stored, and the name of the key that opens it.
#[derive(Debug)]
pub(crate) struct Sealed {
    pub(crate) key: String,
    pub(crate) bytes: Vec<u8>,
}

/// What binds a sealed value to its place: it opens under no other name.
fn place(scope: &str, name: &str) -> Vec<u8> {
    format!("orchestrate secret\0{scope}\0{name}").into_bytes()
}

fn seal(key: &Key, scope: &str, name: &str, value: &str) -> Result<Sealed, String> {
    let mut nonce = [0; NONCE];
    crate::identity::draw(&mut nonce).map_err(|error| error.to_string())?;
    let payload = Payload { msg: value.as_bytes(), aad: &place(scope, name) };
    let cipher = XChaCha20Poly1305::new(key.bytes().into());
    let sealed = cipher
        .encrypt(XNonce::from_slice(&nonce), payload)
        .map_err(|_| "it could not be sealed".to_owned())?;
    Ok(Sealed { key: key.name(), bytes: [nonce.as_slice(), &sealed].concat() })
}

fn open(keys: &Keys, row: &SecretRow) -> Result<SecretText, String> {
    let key = keys.named(&row.key).ok_or_else(|| {
        format!("it was sealed with key {}, and the key file holds another", row.key)
    })?;
    let (nonce, sealed) = row.sealed.split_at_checked(NONCE).ok_or("it is cut short")?;
    let payload = Payload { msg: sealed, aad: &place(&row.scope, &row.name) };
    let cipher = XChaCha20Poly1305::new(key.bytes().into());
    let bytes = cipher
        .decrypt(XNonce::from_slice(nonce), payload)
        .map(Zeroizing::new)
        .map_err(|_| "it was changed, or belongs to another name".to_owned())?;
    let text = std::str::from_utf8(&bytes).map_err(|_| "it is not UTF-8".to_owned())?;
    Ok(SecretText::new(text.to_owned()))
}

impl Vault {
    pub(crate) fn of(data_dir: &Path, reader: Arc<dyn Read>) -> Self {
        Self { data_dir: data_dir.to_owned(), reader, changing: Mutex::new(()) }
    }

    fn key_file(&self) -> PathBuf {
        key::path(&self.data_dir)
    }

    /// Sealed with the current key; the first secret makes one.
    pub(crate) fn seal(&self, scope: &Scope, name: &str, value: &str) -> Result<Sealed, String> {
        let keys = Keys::load_or_create(&self.key_file())?;
        seal(keys.current(), &scope.text(), name, value)
    }

    /// Every stored secret under a key that was never used, which the file holds beside the old
    /// one until [`Vault::rekeyed`].
    pub(crate) fn seal_again(&self) -> Result<(String, Vec<SecretRow>), String> {
        let rows = self.reader.secrets().map_err(|error| error.to_string())?;
        let keys = Keys::load_or_create(&self.key_file())?.with_new()?;
        let mut again = Vec::with_capacity(rows.len());
        for row in rows {
            let value =
                open(&keys, &row).map_err(|problem| format!("`{}`: {problem}", row.name))?;
            let Sealed { key, bytes } =
                seal(keys.current(), &row.scope, &row.name, value.expose())?;
            again.push(SecretRow { key, sealed: bytes, ..row });
        }
        keys.save(&self.key_file())?;
        Ok((keys.current().name(), again))
    }

    /// Nothing is sealed with older keys any more.
    pub(crate) fn rekeyed(&self) -> Result<(), String> {
        Keys::load_or_create(&self.key_file())?.only_current().save(&self.key_file())
    }

    /// What the store has for this attempt under this name; `None`: nothing.
    pub(crate) fn stored(
        &self,
        name: &str,
        pipeline: Option<&str>,
        environment: Option<&str>,
    ) -> Result<Option<SecretText>, SecretProblem> {
        let sealed = |cause: String| SecretProblem::Sealed { name: name.to_owned(), cause };
        let rows = self.reader.secrets_named(name).map_err(|error| sealed(error.to_string()))?;
        let wanted = [
            environment.map(|name| Scope::Environment(name.to_owned())),
            pipeline.map(|name| Scope::Pipeline(name.to_owned())),
            Some(Scope::Global),
        ];
        let found = wanted.into_iter().flatten().find_map(|scope| {
            let scope = scope.text();
            rows.iter().find(|row| row.scope == scope)
        });
        let Some(row) = found else { return Ok(None) };
        let keys = Keys::load(&self.key_file()).map_err(sealed)?;
        open(&keys, row).map(Some).map_err(sealed)
    }

    /// For the hands: what the store has for an attempt of this run.
    pub(crate) fn answer(&self, ask: SecretAsk<'_>) -> Result<Option<String>, String> {
        let failed = |error: store::port::Error| format!("secret `{}`: {error}", ask.name);
        let run = ask.run.parse().ok().map(engine::id::RunId);
        let run = run.map(|run| self.reader.run(run)).transpose().map_err(failed)?.flatten();
        let pipeline = run.as_ref().map(|run| run.pipeline.as_str());
        let found = self.stored(ask.name, pipeline, ask.environment);
        let found = found.map_err(|problem| problem.to_string())?;
        Ok(found.map(|value| value.expose().to_owned()))
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

    /// The value of the secret of this name, for the server itself.
    fn named(&self, name: &str) -> Result<SecretText, SecretProblem> {
        if !is_secret_name(name) {
            return Err(SecretProblem::Unknown(name.to_owned()));
        }
        if let Some(value) = secret::of_environment(&format!("ORCHESTRATE_SECRET_{name}"))? {
            return Ok(value);
        }
        if let Some(value) = self.stored(name, None, None)? {
            return Ok(value);
        }
        secret::of_file(&self.data_dir.join("secrets").join(name))?
            .ok_or_else(|| SecretProblem::Unknown(name.to_owned()))
    }
}

#[cfg(test)]
mod tests;
