//! Accounts, sessions and secrets.

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::row::{json, maybe_time, nanoseconds, time};
use crate::port::{
    AccountChange, AccountRefusal, Outcome, Refusal, SecretRow, SessionRow, UserRow,
};

pub(super) fn apply(connection: &Connection, change: &AccountChange) -> rusqlite::Result<Outcome> {
    match change {
        AccountChange::PutUser { user: row, create, .. } => put_user(connection, row, *create),
        AccountChange::OpenSession { session } => open_session(connection, session),
        AccountChange::EndSession { id, at, .. } => {
            let ended = connection
                .prepare_cached(
                    "UPDATE sessions SET ended_at = coalesce(ended_at, ?2) WHERE id = ?1",
                )?
                .execute(params![id, nanoseconds(*at)])?;
            Ok(found(ended, || AccountRefusal::NoSuchSession { id: id.clone() }))
        }
        AccountChange::EndSessions { user, at, .. } => connection
            .prepare_cached(
                "UPDATE sessions SET ended_at = ?2 WHERE user = ?1 AND ended_at IS NULL",
            )?
            .execute(params![user, nanoseconds(*at)])
            .map(|_| Outcome::Done),
        AccountChange::Used { tokens, sessions } => {
            let of = [("tokens", tokens), ("sessions", sessions)];
            for (table, used) in of {
                let sql = format!(
                    "UPDATE {table} SET used_at = max(coalesce(used_at, ?2), ?2) WHERE id = ?1"
                );
                let mut statement = connection.prepare_cached(&sql)?;
                for (id, at) in used {
                    statement.execute(params![id, nanoseconds(*at)])?;
                }
            }
            Ok(Outcome::Done)
        }
        AccountChange::PutSecret { secret } => put_secret(connection, secret),
        AccountChange::RemoveSecret { scope, name, .. } => {
            let removed = connection
                .prepare_cached("DELETE FROM secrets WHERE scope = ?1 AND name = ?2")?
                .execute([scope, name])?;
            let (scope, name) = (scope.clone(), name.clone());
            Ok(found(removed, || AccountRefusal::NoSuchSecret { scope, name }))
        }
        AccountChange::SealAgain { secrets, .. } => {
            let mut statement = connection.prepare_cached(
                "UPDATE secrets SET key = ?3, sealed = ?4 WHERE scope = ?1 AND name = ?2",
            )?;
            for secret in secrets {
                statement.execute(params![secret.scope, secret.name, secret.key, secret.sealed])?;
            }
            Ok(Outcome::Done)
        }
        AccountChange::Note(_) => Ok(Outcome::Done),
    }
}

/// The user as it was.
pub(super) fn before(
    connection: &Connection,
    change: &AccountChange,
) -> rusqlite::Result<Option<UserRow>> {
    match change {
        AccountChange::PutUser { user: row, .. } => user(connection, &row.name),
        AccountChange::OpenSession { .. }
        | AccountChange::EndSession { .. }
        | AccountChange::EndSessions { .. }
        | AccountChange::Used { .. }
        | AccountChange::PutSecret { .. }
        | AccountChange::RemoveSecret { .. }
        | AccountChange::SealAgain { .. }
        | AccountChange::Note(_) => Ok(None),
    }
}

fn found(rows: usize, refusal: impl FnOnce() -> AccountRefusal) -> Outcome {
    match rows {
        0 => refused(refusal()),
        _ => Outcome::Done,
    }
}

fn refused(refusal: AccountRefusal) -> Outcome {
    Outcome::Refused(Refusal::Account(refusal))
}

/// Words, as they are stored.
pub(super) fn words(words: &[String]) -> String {
    serde_json::Value::from(words).to_string()
}

fn put_user(connection: &Connection, row: &UserRow, create: bool) -> rusqlite::Result<Outcome> {
    let name = row.name.clone();
    match (user(connection, &name)?, create) {
        (Some(_), true) => return Ok(refused(AccountRefusal::UserExists { name })),
        (None, false) => return Ok(refused(AccountRefusal::NoSuchUser { name })),
        (Some(_), false) | (None, true) => {}
    }
    if let Some(subject) = &row.subject
        && user_by_subject(connection, subject)?.is_some_and(|other| other.name != name)
    {
        return Ok(refused(AccountRefusal::SubjectTaken { name }));
    }
    connection
        .prepare_cached(
            "INSERT INTO users (name, full_name, email, roles, groups, password, subject,
                 disabled_at, created_at, created_by, updated_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
             ON CONFLICT (name) DO UPDATE SET full_name = ?2, email = ?3, roles = ?4, groups = ?5,
                 password = ?6, subject = ?7, disabled_at = ?8, updated_at = ?11",
        )?
        .execute(params![
            name,
            row.full_name,
            row.email,
            words(&row.roles),
            words(&row.groups),
            row.password,
            row.subject,
            row.disabled_at.map(nanoseconds),
            nanoseconds(row.created_at),
            row.created_by,
            nanoseconds(row.updated_at),
        ])?;
    Ok(Outcome::Done)
}

const USER: &str = "name, full_name, email, roles, groups, password, subject, disabled_at, \
     created_at, created_by, updated_at";

fn user_row(line: &Row<'_>) -> rusqlite::Result<UserRow> {
    Ok(UserRow {
        name: line.get(0)?,
        full_name: line.get(1)?,
        email: line.get(2)?,
        roles: json(line, 3)?,
        groups: json(line, 4)?,
        password: line.get(5)?,
        subject: line.get(6)?,
        disabled_at: maybe_time(line, 7)?,
        created_at: time(line, 8)?,
        created_by: line.get(9)?,
        updated_at: time(line, 10)?,
    })
}

pub(super) fn users(connection: &Connection) -> rusqlite::Result<Vec<UserRow>> {
    let sql = format!("SELECT {USER} FROM users ORDER BY name");
    connection.prepare_cached(&sql)?.query_map([], user_row)?.collect()
}

pub(super) fn user(connection: &Connection, name: &str) -> rusqlite::Result<Option<UserRow>> {
    let sql = format!("SELECT {USER} FROM users WHERE name = ?1");
    connection.prepare_cached(&sql)?.query_row([name], user_row).optional()
}

pub(super) fn user_by_subject(
    connection: &Connection,
    subject: &str,
) -> rusqlite::Result<Option<UserRow>> {
    let sql = format!("SELECT {USER} FROM users WHERE subject = ?1");
    connection.prepare_cached(&sql)?.query_row([subject], user_row).optional()
}

fn open_session(connection: &Connection, session: &SessionRow) -> rusqlite::Result<Outcome> {
    let added = connection
        .prepare_cached(
            "INSERT INTO sessions (id, hash, user, admin, scopes, via, created_at, used_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT DO NOTHING",
        )?
        .execute(params![
            session.id,
            session.hash,
            session.user,
            session.admin,
            session.scopes.as_deref().map(words),
            session.via,
            nanoseconds(session.created_at),
            nanoseconds(session.used_at),
        ])?;
    Ok(found(added, || AccountRefusal::SessionExists { id: session.id.clone() }))
}

const SESSION: &str = "id, hash, user, admin, scopes, via, created_at, used_at, ended_at";

fn session_row(line: &Row<'_>) -> rusqlite::Result<SessionRow> {
    Ok(SessionRow {
        id: line.get(0)?,
        hash: line.get(1)?,
        user: line.get(2)?,
        admin: line.get(3)?,
        scopes: maybe_words(line, 4)?,
        via: line.get(5)?,
        created_at: time(line, 6)?,
        used_at: time(line, 7)?,
        ended_at: maybe_time(line, 8)?,
    })
}

pub(super) fn maybe_words(line: &Row<'_>, column: usize) -> rusqlite::Result<Option<Vec<String>>> {
    match line.get_ref(column)? {
        rusqlite::types::ValueRef::Null => Ok(None),
        _ => json(line, column).map(Some),
    }
}

pub(super) fn session_by_hash(
    connection: &Connection,
    hash: &str,
) -> rusqlite::Result<Option<SessionRow>> {
    let sql = format!("SELECT {SESSION} FROM sessions WHERE hash = ?1");
    connection.prepare_cached(&sql)?.query_row([hash], session_row).optional()
}

pub(super) fn sessions(
    connection: &Connection,
    user: Option<&str>,
    limit: u32,
) -> rusqlite::Result<Vec<SessionRow>> {
    let of = if user.is_some() { "user = ?1" } else { "?1 IS NULL" };
    let sql = format!("SELECT {SESSION} FROM sessions WHERE {of} ORDER BY number DESC LIMIT ?2");
    connection.prepare_cached(&sql)?.query_map(params![user, limit], session_row)?.collect()
}

fn put_secret(connection: &Connection, secret: &SecretRow) -> rusqlite::Result<Outcome> {
    connection
        .prepare_cached(
            "INSERT INTO secrets (scope, name, key, sealed, created_at, created_by, updated_at,
                 updated_by)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
             ON CONFLICT (name, scope) DO UPDATE SET key = ?3, sealed = ?4, updated_at = ?7,
                 updated_by = ?8",
        )?
        .execute(params![
            secret.scope,
            secret.name,
            secret.key,
            secret.sealed,
            nanoseconds(secret.created_at),
            secret.created_by,
            nanoseconds(secret.updated_at),
            secret.updated_by,
        ])?;
    Ok(Outcome::Done)
}

const SECRET: &str =
    "scope, name, key, sealed, created_at, created_by, updated_at, updated_by FROM secrets";

fn secret_row(line: &Row<'_>) -> rusqlite::Result<SecretRow> {
    Ok(SecretRow {
        scope: line.get(0)?,
        name: line.get(1)?,
        key: line.get(2)?,
        sealed: line.get(3)?,
        created_at: time(line, 4)?,
        created_by: line.get(5)?,
        updated_at: time(line, 6)?,
        updated_by: line.get(7)?,
    })
}

pub(super) fn secrets(connection: &Connection) -> rusqlite::Result<Vec<SecretRow>> {
    let sql = format!("SELECT {SECRET} ORDER BY name, scope");
    connection.prepare_cached(&sql)?.query_map([], secret_row)?.collect()
}

pub(super) fn secrets_named(
    connection: &Connection,
    name: &str,
) -> rusqlite::Result<Vec<SecretRow>> {
    let sql = format!("SELECT {SECRET} WHERE name = ?1 ORDER BY scope");
    connection.prepare_cached(&sql)?.query_map([name], secret_row)?.collect()
}
