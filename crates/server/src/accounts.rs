//! Accounts: who somebody is by `config.yaml` and by the store together, and what of them is only
//! kept in memory (one-time links, failed logins, uses not yet written).

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use engine::event::Person;
use jiff::{SignedDuration, Timestamp};
use store::port::{AccountChange, Change, Read, UserRow};
use tokio::sync::Semaphore;

use crate::config::Config;
use crate::refused::Refused;
use crate::rights::{self, Rights};
use crate::shared::Shared;

pub(crate) mod link;
pub(crate) mod oidc;
pub(crate) mod password;
pub(crate) mod session;
pub(crate) mod throttle;

use link::Links;
use throttle::Throttle;

/// Passwords that are hashed at once; each takes 19 MiB for its time.
const HASHING: usize = 2;
/// Between two notes that the same token or session was used.
const NOTED: SignedDuration = SignedDuration::from_secs(60);
/// Uses that are remembered; beyond it all are forgotten, and written once more.
const REMEMBERED: usize = 10_000;

/// What of accounts is in memory.
#[derive(Debug)]
pub(crate) struct Accounts {
    pub(crate) links: Links,
    pub(crate) throttle: Throttle,
    pub(crate) hashing: Semaphore,
    pub(crate) sign_in: oidc::SignIn,
    /// Held while a user is read, changed and written: none of two changes is lost.
    pub(crate) changing: tokio::sync::Mutex<()>,
    used: Mutex<HashMap<String, Timestamp>>,
}

impl Default for Accounts {
    fn default() -> Self {
        Self {
            links: Links::default(),
            throttle: Throttle::default(),
            hashing: Semaphore::new(HASHING),
            sign_in: oidc::SignIn::default(),
            changing: tokio::sync::Mutex::default(),
            used: Mutex::default(),
        }
    }
}

/// What kind of credential was used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Used {
    Token,
    Session,
}

impl Accounts {
    /// Whether a use at this time is worth a line on disk: at most one a minute.
    fn is_news(&self, id: &str, now: Timestamp) -> bool {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        if used.get(id).is_some_and(|last| now.duration_since(*last) < NOTED) {
            return false;
        }
        if used.len() >= REMEMBERED {
            used.clear();
        }
        used.insert(id.to_owned(), now);
        true
    }
}

/// Notes in the background that a credential was used. Nobody waits for it, and nothing is lost
/// when it fails.
pub(crate) fn note_use(shared: &Arc<Shared>, used: Used, id: &str, now: Timestamp) {
    if !shared.accounts.is_news(id, now) {
        return;
    }
    let (shared, id) = (Arc::clone(shared), id.to_owned());
    tokio::spawn(async move {
        let change = move |at| {
            let one = vec![(id, at)];
            let change = match used {
                Used::Token => AccountChange::Used { tokens: one, sessions: Vec::new() },
                Used::Session => AccountChange::Used { tokens: Vec::new(), sessions: one },
            };
            Change::Account(Box::new(change))
        };
        if let Err(refused) = shared.desk.store(change).await {
            tracing::debug!(cause = %refused, "the use of a credential was not noted");
        }
    });
}

/// Somebody, by the file and the store together.
#[derive(Clone, Debug)]
pub(crate) struct Account {
    /// Groups and roles of both.
    pub(crate) person: Person,
    pub(crate) rights: Rights,
    pub(crate) disabled: bool,
    /// Either of them lists the name.
    pub(crate) known: bool,
}

/// `row` is what the store has under this name.
pub(crate) fn join(config: &Config, name: &str, row: Option<&UserRow>) -> Account {
    let member = config.directory.member(name);
    let mut groups: BTreeSet<&str> = BTreeSet::new();
    let mut roles: BTreeSet<&str> = BTreeSet::new();
    if let Some(member) = member {
        groups.extend(member.groups.iter().map(String::as_str));
        roles.extend(member.roles.iter().map(String::as_str));
    }
    if let Some(row) = row {
        groups.extend(row.groups.iter().map(String::as_str));
        roles.extend(row.roles.iter().map(String::as_str));
    }
    let rights = match &config.accounts.default_roles {
        Some(default) => {
            rights::of_roles(roles.iter().copied(), default.iter().map(String::as_str))
        }
        None => rights::of_roles(roles.iter().copied(), rights::DEFAULT_ROLES),
    };
    groups.append(&mut roles);
    let groups = groups.into_iter().map(str::to_owned).collect();
    Account {
        person: Person { name: name.to_owned(), groups, through: None },
        rights,
        disabled: row.is_some_and(|row| row.disabled_at.is_some()),
        known: member.is_some() || row.is_some(),
    }
}

/// Somebody as they are known now.
pub(crate) async fn find(shared: &Shared, name: &str) -> Result<Account, Refused> {
    let of = name.to_owned();
    let row = shared.read(move |reader| Ok(reader.user(&of)?)).await?;
    Ok(join(&*shared.config()?, name, row.as_ref()))
}

/// Whether anybody is listed at all; as long as nobody is, every name is taken as it comes.
pub(crate) async fn any_listed(shared: &Shared) -> Result<bool, Refused> {
    if !shared.config()?.directory.is_empty() {
        return Ok(true);
    }
    shared.read(|reader| Ok(!reader.users()?.is_empty())).await
}

/// Whether anybody but the folder's owner could prove who they are: by a password or a token that
/// holds, or by the provider. Without it no address but this machine's own is served.
pub(crate) fn has_credentials(
    reader: &dyn Read,
    config: &Config,
    now: Timestamp,
) -> Result<bool, store::port::Error> {
    let users = reader.users()?;
    if oidc::people::lets_in(config, &users) {
        return Ok(true);
    }
    let disabled =
        |name: &str| users.iter().any(|user| user.name == name && user.disabled_at.is_some());
    if users.iter().any(|user| user.password.is_some() && user.disabled_at.is_none()) {
        return Ok(true);
    }
    let holds = |token: &store::port::TokenRow| {
        token.revoked_at.is_none()
            && token.expires_at.is_none_or(|end| now < end)
            && !disabled(&token.user)
    };
    Ok(reader.tokens()?.iter().any(holds))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(text: &str) -> Arc<Config> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("config.yaml"), text).unwrap();
        crate::config::ConfigFile::in_folder(folder.path()).current().unwrap()
    }

    fn row(name: &str, roles: &[&str], groups: &[&str]) -> UserRow {
        let words = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect();
        UserRow {
            name: name.to_owned(),
            full_name: String::new(),
            email: String::new(),
            roles: words(roles),
            groups: words(groups),
            password: None,
            subject: None,
            disabled_at: None,
            created_at: Timestamp::UNIX_EPOCH,
            created_by: String::new(),
            updated_at: Timestamp::UNIX_EPOCH,
        }
    }

    #[test]
    fn file_and_store_are_joined_and_only_roles_give_rights() {
        let config =
            config("users: {bo: {groups: [devops], roles: [viewer]}}\ngroups: {admin: [bo]}\n");
        let bo = join(&config, "bo", Some(&row("bo", &["approver"], &["web"])));
        assert_eq!(bo.person.groups, ["admin", "approver", "devops", "viewer", "web"]);
        assert_eq!(bo.rights.to_string(), "read decide", "a group called admin is a group");
        let eve = join(&config, "eve", None);
        assert_eq!((eve.known, eve.rights.to_string()), (false, "read run decide".to_owned()));
    }

    #[test]
    fn who_has_no_role_gets_what_the_file_says() {
        let config = config("accounts: {default_roles: [viewer]}\n");
        assert_eq!(join(&config, "bo", None).rights.to_string(), "read");
        let none = self::config("accounts: {default_roles: []}\n");
        assert_eq!(join(&none, "bo", None).rights, Rights::default());
    }

    #[test]
    fn a_use_is_noted_once_a_minute() {
        let accounts = Accounts::default();
        let at = |seconds| Timestamp::from_second(seconds).unwrap();
        assert!(accounts.is_news("t-1", at(0)) && accounts.is_news("t-2", at(1)));
        assert!(!accounts.is_news("t-1", at(59)));
        assert!(accounts.is_news("t-1", at(60)));
    }
}
