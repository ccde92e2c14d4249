//! What can go wrong with content.

use std::io;
use std::path::Path;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Fits after the name of whatever was to be stored.
    #[error("is larger than {max_bytes} bytes")]
    TooLarge { max_bytes: u64 },
    #[error(
        "{bytes} bytes more do not fit: {used} of {quota} bytes are in use (raise `artifacts.quota_bytes`, or let older artifacts go)"
    )]
    Quota { bytes: u64, used: u64, quota: u64 },
    /// What was to be stored, not the store.
    #[error("it could not be read to its end")]
    Source {
        #[source]
        source: io::Error,
    },
    #[error("`{given}` is no digest")]
    NoDigest { given: String },
    #[error("content {digest} is not there")]
    Missing { digest: String },
    #[error("content {digest} is damaged: what is there is {found}")]
    Damaged { digest: String, found: String },
    #[error("could not {operation} (`{path}`)")]
    Io {
        operation: &'static str,
        path: String,
        #[source]
        source: io::Error,
    },
}

impl Error {
    /// The disk is full: it can be tried again when there is room.
    pub fn is_full(&self) -> bool {
        match self {
            Self::Io { source, .. } => {
                matches!(source.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
            }
            Self::TooLarge { .. }
            | Self::Quota { .. }
            | Self::Source { .. }
            | Self::NoDigest { .. }
            | Self::Missing { .. }
            | Self::Damaged { .. } => false,
        }
    }
}

pub(crate) fn io(operation: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error {
    let path = path.display().to_string();
    move |source| Error::Io { operation, path, source }
}
