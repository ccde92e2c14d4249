//! The memory on disk: one SQLite database in WAL mode, every commit synced.

mod accounts;
mod answers;
mod append;
mod audit;
mod catalog;
mod change;
mod failure;
mod given;
mod journal;
mod list;
mod migrate;
mod models;
mod notices;
mod people;
mod read;
mod rewinds;
mod rollout;
mod row;
mod schedules;
mod tasks;
mod tokens;
mod trail;
mod upkeep;
mod verify;
mod workers;
mod write;

use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

pub use self::migrate::SCHEMA;
pub use self::read::SqliteReader;
pub use self::write::SqliteWriter;

use self::failure::storage;
use crate::folder::{Folder, Lock, witness};
use crate::port::Error;

/// Opens the database of a data folder, creating or migrating it.
///
/// The lock proves that no other process writes. A database that is missing or empty where the
/// folder's witness says that there was data is refused, not recreated.
pub fn open(folder: &Folder, _held: &Lock) -> Result<(SqliteWriter, SqliteReader), Error> {
    let path = folder.database();
    let vanished = || Error::Vanished {
        path: path.display().to_string(),
        witness: folder.witness().display().to_string(),
    };
    let witnessed = witness::stands(folder)?;
    if witnessed && std::fs::metadata(&path).map_or(true, |file| file.len() == 0) {
        return Err(vanished());
    }
    crate::folder::create_private(&path)?;
    let mut connection = connect(&path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    if witnessed && migrate::version(&connection)? == 0 {
        return Err(vanished());
    }
    tune_writer(&connection).map_err(storage("set up the database"))?;
    migrate::to_latest(&mut connection, &path)?;
    let epoch = journal::epoch(&connection)?;
    if !witnessed {
        witness::write(folder, &epoch)?;
    }
    let reader = SqliteReader::open(&path)?;
    Ok((SqliteWriter::new(connection)?, reader))
}

fn connect(path: &Path, access: OpenFlags) -> Result<Connection, Error> {
    // No mutex: a connection is used by one thread at a time, which Rust checks.
    let flags = access | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection =
        Connection::open_with_flags(path, flags).map_err(storage("open the database"))?;
    // A plan is made once: looking at what is bound, for indexes of a part of a table, would compile
    // a statement again for every value.
    connection
        .set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)
        .map_err(storage("open the database"))?;
    connection.busy_timeout(Duration::from_secs(5)).map_err(storage("open the database"))?;
    // More than there are: what has to be compiled again costs more than it does.
    connection.set_prepared_statement_cache_capacity(512);
    Ok(connection)
}

fn tune_writer(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    // The writer copies the log back itself, because SQLite would swallow a failed sync there.
    connection.pragma_update(None, "wal_autocheckpoint", 0)?;
    connection.pragma_update(None, "journal_size_limit", 64 << 20)?;
    connection.pragma_update(None, "cache_size", -8_192)?;
    connection.pragma_update(None, "temp_store", "MEMORY")
}

/// Gives a database that nobody uses another epoch: it is not the one that it was copied from.
pub(crate) fn renew_epoch(path: &Path) -> Result<String, Error> {
    let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    migrate::refuse_newer(migrate::version(&connection)?, path)?;
    let epoch = crate::chain::hex(&crate::folder::random()?);
    connection
        .execute("UPDATE meta SET value = ?1 WHERE key = 'epoch'", [&epoch])
        .map_err(storage("give the database another epoch"))?;
    Ok(epoch)
}

/// The version of SQLite that is built in.
pub fn version() -> &'static str {
    rusqlite::version()
}
