//! What SQLite's errors mean here.

use rusqlite::ErrorCode;
use rusqlite::ffi::SQLITE_IOERR_SHMSIZE;

use crate::port::Error;

/// Names the operation and says whether the disk is full.
pub(super) fn storage(operation: &'static str) -> impl FnOnce(rusqlite::Error) -> Error {
    move |error| Error::Storage { operation, full: is_full(&error), source: Box::new(error) }
}

pub(super) fn is_full(error: &rusqlite::Error) -> bool {
    match error.sqlite_error() {
        // The index of the log is grown by writing, and has a code of its own.
        Some(cause) => {
            cause.code == ErrorCode::DiskFull || cause.extended_code == SQLITE_IOERR_SHMSIZE
        }
        None => false,
    }
}

/// What is stored there is not what was written there.
pub(super) fn is_damage(error: &rusqlite::Error) -> bool {
    use rusqlite::Error as Sql;
    let code = error.sqlite_error_code();
    matches!(code, Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
        || matches!(
            error,
            Sql::FromSqlConversionFailure(..)
                | Sql::IntegralValueOutOfRange(..)
                | Sql::InvalidColumnType(..)
        )
}
