//! Who is let in by a token.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::accounts::{maybe_words, words};
use super::row::{maybe_time, nanoseconds, time};
use crate::port::{Outcome, Refusal, TokenRow};

/// The fields of [`crate::port::Change::CreateToken`].
pub(super) struct Created<'a> {
    pub(super) id: &'a str,
    pub(super) hash: &'a str,
    pub(super) user: &'a str,
    pub(super) admin: bool,
    pub(super) name: &'a str,
    pub(super) scopes: Option<&'a [String]>,
    pub(super) expires_at: Option<Timestamp>,
    pub(super) by: &'a str,
    pub(super) at: Timestamp,
}

pub(super) fn create(connection: &Connection, token: &Created<'_>) -> rusqlite::Result<Outcome> {
    let added = connection
        .prepare_cached(
            "INSERT INTO tokens (id, hash, user, admin, created_at, created_by, name, scopes,
                 expires_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT DO NOTHING",
        )?
        .execute(params![
            token.id,
            token.hash,
            token.user,
            token.admin,
            nanoseconds(token.at),
            token.by,
            token.name,
            token.scopes.map(words),
            token.expires_at.map(nanoseconds),
        ])?;
    Ok(match added {
        0 => Outcome::Refused(Refusal::TokenExists { id: token.id.to_owned() }),
        _ => Outcome::Done,
    })
}

pub(super) fn revoke(
    connection: &Connection,
    id: &str,
    at: Timestamp,
) -> rusqlite::Result<Outcome> {
    let found = connection
        .prepare_cached("UPDATE tokens SET revoked_at = coalesce(revoked_at, ?2) WHERE id = ?1")?
        .execute(params![id, nanoseconds(at)])?;
    Ok(match found {
        0 => Outcome::Refused(Refusal::NoSuchToken { id: id.to_owned() }),
        _ => Outcome::Done,
    })
}

const TOKEN: &str = "id, hash, user, admin, created_at, created_by, revoked_at, name, scopes, \
     expires_at, used_at";

fn token_row(line: &Row<'_>) -> rusqlite::Result<TokenRow> {
    Ok(TokenRow {
        id: line.get(0)?,
        hash: line.get(1)?,
        user: line.get(2)?,
        admin: line.get(3)?,
        created_at: time(line, 4)?,
        created_by: line.get(5)?,
        revoked_at: maybe_time(line, 6)?,
        name: line.get(7)?,
        scopes: maybe_words(line, 8)?,
        expires_at: maybe_time(line, 9)?,
        used_at: maybe_time(line, 10)?,
    })
}

pub(super) fn by_hash(connection: &Connection, hash: &str) -> rusqlite::Result<Option<TokenRow>> {
    let sql = format!("SELECT {TOKEN} FROM tokens WHERE hash = ?1");
    connection.prepare_cached(&sql)?.query_row([hash], token_row).optional()
}

pub(super) fn all(connection: &Connection) -> rusqlite::Result<Vec<TokenRow>> {
    let sql = format!("SELECT {TOKEN} FROM tokens ORDER BY number");
    connection.prepare_cached(&sql)?.query_map([], token_row)?.collect()
}
