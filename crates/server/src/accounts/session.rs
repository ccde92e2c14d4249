//! Sessions of browsers: how long they last, and the cookie that carries them.

use jiff::{SignedDuration, Timestamp};
use store::port::SessionRow;

/// After the last use.
const IDLE: SignedDuration = SignedDuration::from_hours(12);
/// After its beginning, however much it is used.
const LONGEST: SignedDuration = SignedDuration::from_hours(7 * 24);

/// Until when it lets somebody in, as long as it is not used again.
pub(crate) fn until(session: &SessionRow) -> Timestamp {
    session
        .used_at
        .saturating_add(IDLE)
        .unwrap_or(Timestamp::MAX)
        .min(session.created_at.saturating_add(LONGEST).unwrap_or(Timestamp::MAX))
}

pub(crate) fn is_open(session: &SessionRow, now: Timestamp) -> bool {
    session.ended_at.is_none() && now < until(session)
}

/// Ports of one host share their cookies: each server has a name of its own.
pub(crate) fn cookie_name(port: u16) -> String {
    format!("orchestrate_session_{port}")
}

/// `Set-Cookie` of a new session. Scripts cannot read it, other sites cannot send it.
pub(crate) fn cookie(port: u16, value: &str, secure: bool) -> String {
    let secure = if secure { "; Secure" } else { "" };
    let life = LONGEST.as_secs();
    format!(
        "{}={value}; Path=/; Max-Age={life}; HttpOnly; SameSite=Strict{secure}",
        cookie_name(port)
    )
}

/// `Set-Cookie` that removes it.
pub(crate) fn no_cookie(port: u16) -> String {
    format!("{}=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict", cookie_name(port))
}

/// The value of a cookie of this name. Given twice, it is not there: somebody else set one of them.
pub(crate) fn cookie_of<'h>(headers: impl Iterator<Item = &'h str>, name: &str) -> Option<&'h str> {
    let mut values = headers
        .flat_map(|header| header.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter(|(key, value)| *key == name && !value.is_empty())
        .map(|(_, value)| value);
    let first = values.next()?;
    values.next().is_none().then_some(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_slides_for_twelve_hours_and_ends_after_a_week() {
        let hour = |n: i64| Timestamp::from_second(n * 3600).unwrap();
        let session = |used| SessionRow {
            id: "s-1".into(),
            hash: String::new(),
            user: "bo".into(),
            admin: false,
            scopes: None,
            via: "password".into(),
            created_at: hour(0),
            used_at: hour(used),
            ended_at: None,
        };
        assert!(is_open(&session(0), hour(11)) && !is_open(&session(0), hour(12)));
        assert!(is_open(&session(10), hour(21)));
        assert!(is_open(&session(160), hour(167)) && !is_open(&session(160), hour(168)));
        let ended = SessionRow { ended_at: Some(hour(1)), ..session(0) };
        assert!(!is_open(&ended, hour(2)));
    }

    #[test]
    fn cookies_are_read_by_name_and_never_guessed() {
        let of = |header: &'static str| cookie_of([header].into_iter(), "s");
        assert_eq!(of("a=1; s=abc; b=2"), Some("abc"));
        assert_eq!(of("s=abc; s=def"), None);
        assert_eq!(of("xs=abc; s="), None);
        assert!(cookie(7070, "v", true).ends_with("HttpOnly; SameSite=Strict; Secure"));
    }
}
