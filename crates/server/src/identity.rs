//! Who somebody is: users of the system, tokens and their digests.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::http::Caller;
use crate::refused::Refused;
use crate::shared::Shared;

/// By what somebody is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Via {
    OsUser,
    /// A user's token.
    Token,
    AdminToken,
    /// An administrator who acts for somebody else.
    AdminTokenAs,
    /// The cookie of a browser.
    Session,
}

impl Via {
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::OsUser => "os user",
            Self::Token => "token",
            Self::AdminToken => "admin token",
            Self::AdminTokenAs => "admin token as",
            Self::Session => "session",
        }
    }
}

/// The content of the data folder's `token` file; `None` while there is none.
pub(crate) fn admin_token(data: &Path) -> Option<String> {
    let token = fs::read_to_string(data.join("token")).ok()?;
    let token = token.trim();
    (!token.is_empty()).then(|| token.to_owned())
}

pub(crate) fn our_uid() -> u32 {
    rustix::process::getuid().as_raw()
}

/// The user of this process: whose the data folder is.
pub(crate) fn owner() -> String {
    user_name(our_uid())
}

/// The system's name of a user, or `uid:1000`.
pub(crate) fn user_name(uid: u32) -> String {
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let wanted = uid.to_string();
    users
        .lines()
        .find_map(|line| {
            let mut fields = line.split(':');
            let name = fields.next()?;
            (fields.nth(1)? == wanted).then(|| name.to_owned())
        })
        .unwrap_or_else(|| format!("uid:{uid}"))
}

/// Whether there is no second user: in the directory, by a token, of the folder, or calling.
pub(crate) async fn alone(shared: &Shared, caller: &Caller) -> Result<bool, Refused> {
    let mut known = BTreeSet::from([owner(), caller.name.clone()]);
    if known.len() > 1 || !shared.config()?.directory.knows_only(&known) {
        return Ok(false);
    }
    let (tokens, users) = shared.read(|reader| Ok((reader.tokens()?, reader.users()?))).await?;
    known.extend(tokens.into_iter().filter(|t| t.revoked_at.is_none()).map(|t| t.user));
    known.extend(users.into_iter().filter(|user| user.disabled_at.is_none()).map(|user| user.name));
    Ok(known.len() <= 1)
}

/// A token that was never seen before, and a name for it.
pub(crate) fn draw_token() -> io::Result<(String, String)> {
    let mut bytes = [0; 38];
    draw(&mut bytes)?;
    let (name, secret) = bytes.split_at(6);
    Ok((format!("t-{}", hex(name)), format!("orc_{}", hex(secret))))
}

/// Fills this with chance.
pub(crate) fn draw(bytes: &mut [u8]) -> io::Result<()> {
    File::open("/dev/urandom")?.read_exact(bytes)
}

/// So many random bytes as hex digits.
pub(crate) fn draw_hex<const N: usize>() -> io::Result<String> {
    let mut bytes = [0; N];
    draw(&mut bytes)?;
    Ok(hex(&bytes))
}

/// Under which a token is stored.
pub(crate) fn token_hash(token: &str) -> String {
    hex(&Sha256::digest(token.as_bytes()))
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Compares without telling by its time where they differ.
pub(crate) fn is_same(a: &str, b: &str) -> bool {
    let pairs = a.bytes().zip(b.bytes());
    a.len() == b.len() && pairs.fold(0, |differs, (a, b)| differs | (a ^ b)) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_differ_and_are_not_told_by_their_hash() {
        let ((id, token), other) = (draw_token().unwrap(), draw_token().unwrap());
        assert!(id != other.0 && token != other.1);
        assert!(token.len() == 68 && !token_hash(&token).contains(&token[4..]));
        let known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(token_hash("abc"), known);
    }

    #[test]
    fn tokens_are_compared_whole() {
        assert!(is_same("abc", "abc"));
        assert!(!is_same("abc", "abd"));
        assert!(!is_same("abc", "ab"));
    }
}
