//! What a request brings to prove who it comes from, and whose it is.

use axum::http::HeaderMap;
use axum::http::header::{AUTHORIZATION, COOKIE};
use jiff::Timestamp;
use store::port::UserRow;

use super::caller::unauthorized;
use super::problem::Fault;
use crate::accounts::{Used, session};
use crate::identity::token_hash;
use crate::refused::Refused;
use crate::shared::Shared;

/// As it was given; nobody is known by it yet.
pub(super) enum Credential {
    Token(String),
    Session(String),
}

/// Whom a credential was given to.
pub(super) struct Holder {
    /// Of the credential.
    pub(super) id: String,
    pub(super) user: String,
    pub(super) admin: bool,
    pub(super) scopes: Option<Vec<String>>,
    pub(super) used: Used,
}

/// The bearer token, or else the session's cookie. Anything else in the place of a token is
/// refused, not passed over.
pub(super) fn given(headers: &HeaderMap, port: u16) -> Result<Option<Credential>, Fault> {
    if let Some(value) = headers.get(AUTHORIZATION) {
        return value
            .to_str()
            .ok()
            .and_then(|value| value.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, token)| token.trim())
            .filter(|token| !token.is_empty())
            .map(|token| Some(Credential::Token(token.to_owned())))
            .ok_or_else(unauthorized);
    }
    Ok(session_of(headers, port).map(Credential::Session))
}

/// What the cookie of this door holds.
pub(super) fn session_of(headers: &HeaderMap, port: u16) -> Option<String> {
    let cookies = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    session::cookie_of(cookies, &session::cookie_name(port)).map(str::to_owned)
}

/// Who has it, with their row; `None`: nobody, or nobody any more.
pub(super) async fn holder(
    shared: &Shared,
    given: &Credential,
    now: Timestamp,
) -> Result<Option<(Holder, Option<UserRow>)>, Refused> {
    let (hash, used) = match given {
        Credential::Token(token) => (token_hash(token), Used::Token),
        Credential::Session(session) => (token_hash(session), Used::Session),
    };
    shared
        .read(move |reader| {
            let holder = match used {
                Used::Token => reader
                    .token_by_hash(&hash)?
                    .filter(|row| row.revoked_at.is_none())
                    .filter(|row| row.expires_at.is_none_or(|end| now < end))
                    .map(|row| Holder {
                        id: row.id,
                        user: row.user,
                        admin: row.admin,
                        scopes: row.scopes,
                        used,
                    }),
                Used::Session => reader
                    .session_by_hash(&hash)?
                    .filter(|row| session::is_open(row, now))
                    .map(|row| Holder {
                        id: row.id,
                        user: row.user,
                        admin: row.admin,
                        scopes: row.scopes,
                        used,
                    }),
            };
            let Some(holder) = holder else { return Ok(None) };
            let row = reader.user(&holder.user)?;
            Ok(Some((holder, row)))
        })
        .await
}
