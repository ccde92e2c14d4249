//! Where sockets lie: their paths are limited to 107 bytes, however deep the data folder is.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

/// `sun_path` without its closing zero byte.
const LONGEST: usize = 107;

/// Not `$TMPDIR`: processes with different environments must meet.
const SHARED: &str = "/tmp";

pub(super) fn place(root: &Path, name: &str) -> io::Result<PathBuf> {
    let inside = root.join(name);
    if inside.as_os_str().len() <= LONGEST {
        return Ok(inside);
    }
    let digest = Sha256::digest(root.as_os_str().as_bytes());
    let folder =
        Path::new(SHARED).join(format!("orchestrate-{}", crate::chain::hex(&digest[..12])));
    match DirBuilder::new().mode(0o700).create(&folder) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(error),
    }
    // Its name can be guessed: somebody else may have put a folder or a link there first.
    let found = fs::symlink_metadata(&folder)?;
    let ours = fs::metadata(root)?.uid();
    if !found.is_dir() || found.uid() != ours || found.permissions().mode() & 0o077 != 0 {
        let problem =
            format!("`{}` belongs to somebody else, or is open to others", folder.display());
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, problem));
    }
    Ok(folder.join(name))
}
