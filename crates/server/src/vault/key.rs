//! The file with the key: 64 hex digits a line, the current key first. For us alone.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::identity::{draw, hex};

/// Where the key lies, if not in the data folder: on another disk, so that a copy of the folder
/// opens nothing.
const VARIABLE: &str = "ORCHESTRATE_SECRET_KEY_FILE";
const NAME: &str = "secret.key";

pub(super) fn path(data_dir: &Path) -> PathBuf {
    crate::config::secret::path_of_environment(VARIABLE).unwrap_or_else(|| data_dir.join(NAME))
}

pub(crate) struct Key(Zeroizing<[u8; 32]>);

impl Key {
    fn draw() -> Result<Self, String> {
        let mut bytes = Zeroizing::new([0; 32]);
        draw(&mut *bytes).map_err(|error| error.to_string())?;
        Ok(Self(bytes))
    }

    fn of(line: &str) -> Option<Self> {
        let mut bytes = Zeroizing::new([0; 32]);
        if line.len() != 64 || !line.is_ascii() {
            return None;
        }
        for (byte, digits) in bytes.iter_mut().zip(line.as_bytes().chunks(2)) {
            *byte = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
        }
        Some(Self(bytes))
    }

    pub(crate) fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Tells keys apart and nothing of what they are.
    pub(super) fn name(&self) -> String {
        let hash =
            Sha256::new().chain_update(b"orchestrate key\0").chain_update(*self.0).finalize();
        hex(&hash[..8])
    }
}

pub(crate) struct Keys {
    current: Key,
    older: Vec<Key>,
}

impl Keys {
    pub(crate) fn current(&self) -> &Key {
        &self.current
    }

    pub(super) fn named(&self, name: &str) -> Option<&Key> {
        std::iter::once(&self.current).chain(&self.older).find(|key| key.name() == name)
    }

    pub(super) fn with_new(self) -> Result<Self, String> {
        let Self { current, mut older } = self;
        older.insert(0, current);
        Ok(Self { current: Key::draw()?, older })
    }

    pub(super) fn only_current(self) -> Self {
        Self { older: Vec::new(), ..self }
    }

    pub(super) fn load(path: &Path) -> Result<Self, String> {
        read(path)?.ok_or_else(|| {
            format!(
                "there is no key file `{}`: put the one back that belongs to this folder",
                path.display()
            )
        })
    }

    pub(crate) fn load_or_create(path: &Path) -> Result<Self, String> {
        if let Some(keys) = read(path)? {
            return Ok(keys);
        }
        let keys = Self { current: Key::draw()?, older: Vec::new() };
        keys.save(path)?;
        Ok(keys)
    }

    /// All or nothing, and on disk.
    pub(super) fn save(&self, path: &Path) -> Result<(), String> {
        let mut text = Zeroizing::new(String::new());
        for key in std::iter::once(&self.current).chain(&self.older) {
            text.push_str(&Zeroizing::new(hex(key.bytes())));
            text.push('\n');
        }
        write(path, text.as_bytes())
            .map_err(|error| format!("the key file `{}`: {error}", path.display()))
    }
}

/// `None`: there is none.
fn read(path: &Path) -> Result<Option<Keys>, String> {
    let says = |problem: String| format!("the key file `{}`: {problem}", path.display());
    let found = match fs::metadata(path) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(says(error.to_string())),
    };
    if found.mode() & 0o077 != 0 {
        return Err(says(format!("others may read it: chmod 600 {}", path.display())));
    }
    let text = Zeroizing::new(fs::read_to_string(path).map_err(|error| says(error.to_string()))?);
    let mut keys = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let key = Key::of(line);
        keys.push(key.ok_or_else(|| says("a line of it is not 64 hex digits".to_owned()))?);
    }
    if keys.is_empty() {
        return Err(says("it is empty".to_owned()));
    }
    let current = keys.remove(0);
    Ok(Some(Keys { current, older: keys }))
}

fn write(path: &Path, text: &[u8]) -> io::Result<()> {
    let fresh = path.with_extension(format!("new-{}", std::process::id()));
    let written = (|| {
        let mut file =
            OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&fresh)?;
        file.write_all(text)?;
        file.sync_all()?;
        fs::rename(&fresh, path)?;
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        fs::File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
    })();
    if written.is_err() {
        // Nothing of a key is left lying about.
        let _gone = fs::remove_file(&fresh);
    }
    written
}
