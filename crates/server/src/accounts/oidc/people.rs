//! Whom a proved identity is here: found by issuer and subject, never by a name that somebody chose,
//! with groups and roles as the provider says them now.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::json;
use store::port::{AccountChange, Change, TrailEntry, UserRow};

use super::Identity;
use crate::config::oidc::Oidc;
use crate::config::{Config, is_name};
use crate::identity;
use crate::refused::Refused;
use crate::rights;
use crate::shared::Shared;

/// Of a name or an address.
const LONGEST: usize = 256;
/// Groups that are kept of one person.
const MOST_GROUPS: usize = 200;
/// A proved name for somebody that does not change: by the standard.
const LONGEST_SUB: usize = 255;

/// Why somebody whom the provider knows is not let in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Denied {
    #[error("the provider says no name for you in the claim `{claim}`")]
    NoName { claim: String },
    #[error("what the provider calls you cannot be the name of a user")]
    UnfitName,
    #[error("only addresses of mail of certain domains are let in, proved ones")]
    Domain,
    #[error("user `{name}` is disabled")]
    Disabled { name: String },
    #[error("user `{name}` is there already, and nobody said that it is you")]
    Taken { name: String },
    #[error("there is no user `{name}`, and signing in makes no new ones")]
    NotListed { name: String },
}

impl Denied {
    /// For the trail.
    fn word(&self) -> &'static str {
        match self {
            Self::NoName { .. } => "no name",
            Self::UnfitName => "unfit name",
            Self::Domain => "domain of mail",
            Self::Disabled { .. } => "disabled",
            Self::Taken { .. } => "name taken",
            Self::NotListed { .. } => "not listed",
        }
    }

    /// What an administrator could do about it.
    pub(crate) fn remedy(&self, identity: &Identity) -> String {
        let sub = argument(&identity.sub);
        match self {
            Self::NoName { .. } | Self::UnfitName => {
                "an administrator names another claim: `username_claim` of `oidc` in config.yaml"
                    .to_owned()
            }
            Self::Domain => {
                "an administrator changes `email_domains` of `oidc` in config.yaml".to_owned()
            }
            Self::Disabled { name } => {
                format!("orchestrate user update {} --enable", argument(name))
            }
            Self::Taken { name } => {
                format!("orchestrate user update {} --subject {sub}", argument(name))
            }
            Self::NotListed { name } => {
                format!("orchestrate user create {} --subject {sub}", argument(name))
            }
        }
    }
}

/// As it can be pasted into a shell.
fn argument(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.@:|/".contains(c);
    if !text.is_empty() && text.chars().all(|c| plain(c) && c != '|') {
        return text.to_owned();
    }
    if text.chars().all(plain) { format!("'{text}'") } else { "...".to_owned() }
}

/// What is known beside the provider's word.
pub(crate) struct Known<'k> {
    pub(crate) config: &'k Config,
    /// By issuer and subject.
    pub(crate) same: Option<UserRow>,
    /// By the name that the provider says.
    pub(crate) namesake: Option<UserRow>,
    /// The folder's owner is called so, or somebody who has a token.
    pub(crate) otherwise: bool,
}

/// The user as they are from now on, and whether they are new. Pure.
fn user(
    oidc: &Oidc,
    who: &Identity,
    known: Known<'_>,
    now: Timestamp,
) -> Result<(UserRow, bool), Denied> {
    must_fit(who)?;
    must_be_of_a_domain(oidc, who)?;
    let (row, new) = match known.same {
        Some(row) => (row, false),
        None => found_by_name(oidc, who, known.namesake, known.config, known.otherwise, now)?,
    };
    if row.disabled_at.is_some() {
        return Err(Denied::Disabled { name: row.name });
    }
    let groups = if oidc.groups_claim.is_some() { groups(who) } else { row.groups.clone() };
    let roles = match &oidc.roles {
        Some(map) => {
            let of = who.groups.iter().filter_map(|group| map.get(group)).flatten();
            with_rights(of.cloned().collect(), oidc)
        }
        None if new => with_rights(BTreeSet::new(), oidc),
        None => row.roles.clone(),
    };
    let told = |text: &str, before: String| if text.is_empty() { before } else { line(text) };
    let email = who.email.as_deref().filter(|_| who.email_verified).unwrap_or_default();
    let after = UserRow {
        full_name: told(&who.full_name, row.full_name.clone()),
        email: told(email, row.email.clone()),
        subject: Some(who.subject()),
        groups,
        roles,
        ..row.clone()
    };
    let updated_at = if after == row { row.updated_at } else { now };
    Ok((UserRow { updated_at, ..after }, new))
}

fn must_fit(who: &Identity) -> Result<(), Denied> {
    let fits = (1..=LONGEST_SUB).contains(&who.sub.len()) && !who.sub.contains(char::is_control);
    if fits { Ok(()) } else { Err(Denied::UnfitName) }
}

fn must_be_of_a_domain(oidc: &Oidc, who: &Identity) -> Result<(), Denied> {
    if oidc.email_domains.is_empty() {
        return Ok(());
    }
    let email = who.email.as_deref().filter(|_| who.email_verified);
    let domain = email.and_then(|email| email.rsplit_once('@')).map(|(_, domain)| domain);
    match domain.map(str::to_ascii_lowercase) {
        Some(domain) if oidc.email_domains.contains(&domain) => Ok(()),
        Some(_) | None => Err(Denied::Domain),
    }
}

/// Nobody has this identity yet: a new user, or one of ours who is linked to it.
fn found_by_name(
    oidc: &Oidc,
    who: &Identity,
    namesake: Option<UserRow>,
    config: &Config,
    otherwise: bool,
    now: Timestamp,
) -> Result<(UserRow, bool), Denied> {
    let Some(name) = who.name.clone() else {
        return Err(Denied::NoName { claim: oidc.username_claim.clone() });
    };
    // A word that stands for what works in somebody's name.
    if !is_name(&name) || name.starts_with("agent:") {
        return Err(Denied::UnfitName);
    }
    let listed = config.directory.knows(&name);
    match namesake {
        // Linked to another identity.
        Some(row) if row.subject.is_some() => return Err(Denied::Taken { name: row.name }),
        Some(row) if oidc.link_by_name => return Ok((row, false)),
        Some(row) => return Err(Denied::Taken { name: row.name }),
        None if (listed || otherwise) && !oidc.link_by_name => {
            return Err(Denied::Taken { name });
        }
        None if !oidc.allow_new && !listed => return Err(Denied::NotListed { name }),
        None => {}
    }
    let row = UserRow {
        name,
        full_name: String::new(),
        email: String::new(),
        roles: Vec::new(),
        groups: Vec::new(),
        password: None,
        subject: None,
        disabled_at: None,
        created_at: now,
        created_by: oidc.issuer.clone(),
        updated_at: now,
    };
    Ok((row, true))
}

/// A role of ours among them, or the usual ones beside them.
fn with_rights(mut roles: BTreeSet<String>, oidc: &Oidc) -> Vec<String> {
    if !roles.iter().any(|role| rights::of_role(role).is_some()) {
        roles.extend(oidc.default_roles.iter().cloned());
    }
    roles.into_iter().collect()
}

/// The provider's groups. One that is called as a role of ours would count as that role where
/// approvers are named: only `roles` gives roles.
fn groups(who: &Identity) -> Vec<String> {
    let fit = |name: &&String| is_name(name) && rights::of_role(name).is_none();
    let groups: BTreeSet<&String> = who.groups.iter().filter(fit).collect();
    groups.into_iter().take(MOST_GROUPS).cloned().collect()
}

fn line(text: &str) -> String {
    let mut line: String = text.chars().filter(|c| !c.is_control()).collect();
    let mut end = line.len().min(LONGEST);
    while !line.is_char_boundary(end) {
        end -= 1;
    }
    line.truncate(end);
    line
}

/// Takes over what the provider says of somebody: their name here, or why they are not let in. The
/// trail has both.
pub(crate) async fn admitted(
    shared: &Shared,
    config: &Config,
    oidc: &Oidc,
    who: &Identity,
) -> Result<Result<String, Denied>, Refused> {
    // What is read has to be still so when it is written.
    let _one = shared.accounts.changing.lock().await;
    let (subject, name) = (who.subject(), who.name.clone().unwrap_or_default());
    let read = shared.read(move |reader| {
        let has_token = reader.tokens()?.iter().any(|row| row.user == name);
        Ok((reader.user_by_subject(&subject)?, reader.user(&name)?, has_token))
    });
    let (same, namesake, has_token) = read.await?;
    let otherwise = has_token || who.name.as_deref() == Some(&identity::owner());
    let before = same.clone().or_else(|| namesake.clone());
    let known = Known { config, same, namesake, otherwise };
    match user(oidc, who, known, crate::clock::wall()) {
        Ok((row, create)) => {
            let name = row.name.clone();
            if before.as_ref() != Some(&row) {
                put(shared, oidc, row, create).await?;
            }
            Ok(Ok(name))
        }
        Err(denied) => {
            note(shared, who, &denied).await?;
            Ok(Err(denied))
        }
    }
}

async fn put(shared: &Shared, oidc: &Oidc, user: UserRow, create: bool) -> Result<(), Refused> {
    let by = oidc.issuer.clone();
    let change = move |_at| Change::Account(Box::new(AccountChange::PutUser { user, create, by }));
    shared.desk.store(change).await.map(drop)
}

async fn note(shared: &Shared, who: &Identity, denied: &Denied) -> Result<(), Refused> {
    let why = denied.word();
    tracing::info!(issuer = who.issuer, why, "somebody whom the provider knows is not let in");
    let (by, name) = (who.issuer.clone(), line(who.name.as_deref().unwrap_or_default()));
    let detail = json!({ "via": "oidc", "sub": line(&who.sub), "why": why });
    let entry = move |at| {
        let action = "session.refused".to_owned();
        let entry = TrailEntry { at, by, action, subject: name, detail };
        Change::Account(Box::new(AccountChange::Note(entry)))
    };
    shared.desk.store(entry).await.map(drop)
}

/// Whether anybody could be let in by the provider.
pub(crate) fn lets_in(config: &Config, users: &[UserRow]) -> bool {
    let Some(oidc) = &config.oidc else { return false };
    let linked = |row: &UserRow| row.subject.is_some() || oidc.link_by_name;
    oidc.allow_new
        || users.iter().any(|row| row.disabled_at.is_none() && linked(row))
        || (oidc.link_by_name && !config.directory.is_empty())
}

/// What an administrator says of a user's identity at the provider, as it is stored; an empty one
/// takes it away. The error says why it cannot be.
pub(crate) fn linked(config: &Config, sub: &str) -> Result<Option<String>, &'static str> {
    if sub.is_empty() {
        return Ok(None);
    }
    if sub.len() > LONGEST_SUB || sub.contains(char::is_control) {
        return Err("it has at most 255 bytes and no control characters");
    }
    match &config.oidc {
        Some(oidc) => Ok(Some(format!("{} {sub}", oidc.issuer))),
        None => Err("`config.yaml` names no provider: write `oidc: {issuer: .., client_id: ..}`"),
    }
}

#[cfg(test)]
mod tests;
