//! Whether a delivery was sent by somebody who knows the secret: over the bytes as they came, in a
//! time that says nothing about how much of it was right.

use hmac::{Hmac, KeyInit, Mac};
use http::HeaderMap;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::config::source::{Generic, SourceKind};

/// The headers of which one has to be there, the one that decides first.
fn names(kind: SourceKind, generic: &Generic) -> Vec<&str> {
    match kind {
        SourceKind::GitHub => vec!["x-hub-signature-256"],
        SourceKind::GitLab => vec!["x-gitlab-token"],
        SourceKind::Gitea => {
            vec!["x-gitea-signature", "x-forgejo-signature", "x-hub-signature-256"]
        }
        SourceKind::Gogs => vec!["x-gogs-signature"],
        SourceKind::Bitbucket | SourceKind::BitbucketServer => vec!["x-hub-signature"],
        SourceKind::Hmac => vec![&generic.signature_header],
        SourceKind::CloudEvents => vec!["authorization", &generic.signature_header],
    }
}

/// What a delivery shows as its proof: the header's name and value. `None`: nothing.
pub(crate) fn shown<'h>(
    kind: SourceKind,
    generic: &Generic,
    headers: &'h HeaderMap,
) -> Option<(String, &'h str)> {
    names(kind, generic).into_iter().find_map(|name| {
        let mut values = headers.get_all(name).iter();
        // Two of them: nobody can say which one is meant.
        match (values.next(), values.next()) {
            (Some(value), None) => Some((name.to_owned(), value.to_str().ok()?)),
            (Some(_), Some(_)) | (None, _) => None,
        }
    })
}

/// Headers that are never stored.
pub(crate) fn is_secret(name: &str, generic: &Generic) -> bool {
    matches!(name, "authorization" | "proxy-authorization" | "cookie" | "x-gitlab-token")
        || name == generic.signature_header
        || name.ends_with("signature")
        || name.ends_with("signature-256")
        || name.ends_with("-token")
        || name.ends_with("api-key")
}

/// Whether this secret made the proof.
pub(crate) fn verifies(name: &str, value: &str, secret: &str, body: &[u8]) -> bool {
    match name {
        "x-gitlab-token" => is_same(value, secret),
        "authorization" => value
            .split_once(' ')
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .is_some_and(|(_, token)| is_same(token.trim(), secret)),
        _ => is_hmac(value, secret, body),
    }
}

/// Of digests, so that not even the length shows.
fn is_same(one: &str, other: &str) -> bool {
    let (one, other) = (Sha256::digest(one), Sha256::digest(other));
    one.as_slice().ct_eq(other.as_slice()).into()
}

/// `sha256=<hex>`, `<hex>` or base64.
fn is_hmac(value: &str, secret: &str, body: &[u8]) -> bool {
    let value = value.strip_prefix("sha256=").unwrap_or(value);
    let Some(given) = of_hex(value).or_else(|| of_base64(value)) else { return false };
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else { return false };
    mac.update(body);
    mac.verify_slice(&given).is_ok()
}

fn of_hex(text: &str) -> Option<Vec<u8>> {
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok()).collect()
}

/// Of 32 bytes.
fn of_base64(text: &str) -> Option<Vec<u8>> {
    if text.len() != 44 {
        return None;
    }
    crate::hooks::base64(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "It's a Secret to Everybody";

    #[test]
    fn every_way_of_writing_it_is_one_signature() {
        let hex = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
        let base64 = "dXEH6g6yUJ/CESIczphLijdXC211hsIsRvQ3nIsEPhc=";
        let ok = |value: &str| verifies("x-hub-signature-256", value, SECRET, b"Hello, World!");
        assert!(ok(hex) && ok(base64) && ok(&format!("sha256={hex}")));
        assert!(ok(&format!("sha256={}", hex.to_uppercase())));
        let wrong = hex.replace('7', "8");
        for bad in
            ["", "sha256=", &hex[1..], &wrong, "sha1=757107ea", &"é".repeat(32), &"+f".repeat(32)]
        {
            assert!(!ok(bad), "{bad}");
        }
    }

    #[test]
    fn tokens_are_compared_as_they_are() {
        assert!(verifies("x-gitlab-token", SECRET, SECRET, b""));
        assert!(!verifies("x-gitlab-token", "It's", SECRET, b""));
        assert!(verifies("authorization", "bearer abc", "abc", b""));
        assert!(!verifies("authorization", "abc", "abc", b""));
    }
}
