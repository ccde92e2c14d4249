//! Changes of pipelines, inside a transaction.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::row::nanoseconds;
use crate::catalog::{Known, Save, judge};
use crate::port::{Expect, Outcome, Refusal};

/// The fields of [`crate::port::Change::SavePipeline`].
pub(super) struct Saved<'a> {
    pub(super) name: &'a str,
    pub(super) description: &'a str,
    pub(super) text: &'a str,
    pub(super) digest: &'a str,
    pub(super) by: &'a str,
    pub(super) at: Timestamp,
    pub(super) expect: Expect,
}

pub(super) fn save(connection: &Connection, saved: &Saved<'_>) -> rusqlite::Result<Outcome> {
    let known = known(connection, saved.name)?;
    let save = match judge(saved.name, known.as_ref(), saved.digest, saved.expect) {
        Ok(save) => save,
        Err(refusal) => return Ok(Outcome::Refused(refusal)),
    };
    let at = nanoseconds(saved.at);
    let revision = match save {
        Save::Keep { revision } => return Ok(Outcome::Saved { revision, created: false }),
        Save::Add { revision } => {
            connection
                .prepare_cached(
                    "UPDATE pipelines SET description = ?2, revision = ?3, updated_at = ?4
                     WHERE name = ?1",
                )?
                .execute(params![saved.name, saved.description, revision, at])?;
            revision
        }
        Save::Create { revision } => {
            connection
                .prepare_cached(
                    "REPLACE INTO pipelines (name, description, enabled, revision, created_at,
                     updated_at, deleted_at) VALUES (?1, ?2, 1, ?3, ?4, ?4, NULL)",
                )?
                .execute(params![saved.name, saved.description, revision, at])?;
            revision
        }
    };
    connection
        .prepare_cached(
            "INSERT INTO revisions (pipeline, number, digest, text, created_at, created_by)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute(params![saved.name, revision, saved.digest, saved.text, at, saved.by])?;
    Ok(Outcome::Saved { revision, created: true })
}

fn known(connection: &Connection, name: &str) -> rusqlite::Result<Option<Known>> {
    connection
        .prepare_cached(
            "SELECT p.deleted_at IS NULL, p.revision, r.digest FROM pipelines p
             JOIN revisions r ON r.pipeline = p.name AND r.number = p.revision
             WHERE p.name = ?1",
        )?
        .query_row([name], |row| {
            Ok(Known { live: row.get(0)?, revision: row.get(1)?, digest: row.get(2)? })
        })
        .optional()
}

pub(super) fn enable(
    connection: &Connection,
    name: &str,
    enabled: bool,
    at: Timestamp,
) -> rusqlite::Result<Outcome> {
    let changed = connection
        .prepare_cached(
            "UPDATE pipelines SET enabled = ?2, updated_at = ?3
             WHERE name = ?1 AND deleted_at IS NULL",
        )?
        .execute(params![name, enabled, nanoseconds(at)])?;
    Ok(done(name, changed))
}

pub(super) fn delete(
    connection: &Connection,
    name: &str,
    at: Timestamp,
) -> rusqlite::Result<Outcome> {
    let changed = connection
        .prepare_cached(
            "UPDATE pipelines SET deleted_at = ?2 WHERE name = ?1 AND deleted_at IS NULL",
        )?
        .execute(params![name, nanoseconds(at)])?;
    Ok(done(name, changed))
}

fn done(name: &str, changed: usize) -> Outcome {
    match changed {
        0 => Outcome::Refused(Refusal::NoSuchPipeline { name: name.to_owned() }),
        _ => Outcome::Done,
    }
}
