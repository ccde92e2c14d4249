//! Passwords: argon2id, and nothing that tells a wrong name from a wrong password.

use std::sync::LazyLock;

use argon2::Argon2;
use argon2::password_hash::{PasswordHash, PasswordHasher as _, PasswordVerifier as _, SaltString};

use super::Accounts;
use crate::identity;
use crate::refused::Refused;
use crate::shared::blocking;

/// NIST SP 800-63B asks for 8, with a length of at least 64 allowed.
pub(crate) const SHORTEST: usize = 10;
const LONGEST: usize = 1024;

/// What is verified where there is no such user, so that it takes as long.
static NOBODY: LazyLock<Option<String>> = LazyLock::new(|| hash("nobody has this password").ok());

/// Why it cannot be a password; `None`: it can.
pub(crate) fn unfit(password: &str) -> Option<String> {
    let length = password.chars().count();
    if length < SHORTEST {
        return Some(format!("a password has at least {SHORTEST} characters"));
    }
    if password.len() > LONGEST {
        return Some(format!("a password has at most {LONGEST} bytes"));
    }
    let first = password.chars().next();
    if password.chars().all(|c| Some(c) == first) {
        return Some("one character repeated is no password".to_owned());
    }
    None
}

/// In PHC form, with a salt of its own. Takes tens of milliseconds: not for async threads.
fn hash(password: &str) -> Result<String, String> {
    let mut bytes = [0; 16];
    identity::draw(&mut bytes).map_err(|error| error.to_string())?;
    let salt = SaltString::encode_b64(&bytes).map_err(|error| error.to_string())?;
    let hashed = Argon2::default().hash_password(password.as_bytes(), &salt);
    hashed.map(|hash| hash.to_string()).map_err(|error| error.to_string())
}

fn verify(password: &str, stored: Option<&str>) -> bool {
    let stored_or_nobody = stored.or(NOBODY.as_deref());
    let Some(Ok(parsed)) = stored_or_nobody.map(PasswordHash::new) else { return false };
    let right = Argon2::default().verify_password(password.as_bytes(), &parsed).is_ok();
    right && stored.is_some()
}

impl Accounts {
    pub(crate) async fn hash(&self, password: String) -> Result<String, Refused> {
        let _turn = self.turn().await?;
        let hashed = blocking(move || hash(&password)).await?;
        hashed.map_err(|problem| Refused::Internal(format!("a password: {problem}")))
    }

    /// `stored: None`: there is no such user, or they have no password; it takes as long.
    pub(crate) async fn verify(
        &self,
        password: String,
        stored: Option<String>,
    ) -> Result<bool, Refused> {
        let _turn = self.turn().await?;
        blocking(move || password.len() <= LONGEST && verify(&password, stored.as_deref())).await
    }

    async fn turn(&self) -> Result<tokio::sync::SemaphorePermit<'_>, Refused> {
        self.hashing.acquire().await.map_err(|_closed| Refused::Stopping)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_verified_by_its_hash_alone() {
        let stored = hash("correct horse").unwrap();
        assert!(stored.starts_with("$argon2id$") && !stored.contains("horse"));
        assert_ne!(stored, hash("correct horse").unwrap(), "a salt of its own");
        assert!(verify("correct horse", Some(&stored)));
        assert!(!verify("correct horsf", Some(&stored)));
        assert!(!verify("nobody has this password", None), "nobody is let in");
        assert!(!verify("x", Some("garbage")));
    }

    #[test]
    fn short_and_empty_passwords_are_refused() {
        for bad in ["", "short", "aaaaaaaaaaaaaa", &"é".repeat(600)] {
            assert!(unfit(bad).is_some(), "{bad}");
        }
        assert_eq!(unfit("correct horse"), None);
    }
}
