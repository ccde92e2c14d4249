//! `users:`, `groups:` and `accounts:`: who there is, and under which names the server is asked.

use std::collections::{BTreeMap, BTreeSet};

use engine::event::Person;
use pipeline::yaml::{Entry, Node};

use crate::notices::smtp;

use super::read::{NAME_RULE, Reader, is_name};

/// Users of the file, and what they belong to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Directory {
    users: BTreeMap<String, Member>,
    /// Addresses of mail by user.
    addresses: BTreeMap<String, String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Member {
    pub(crate) groups: BTreeSet<String>,
    pub(crate) roles: BTreeSet<String>,
}

impl Directory {
    /// Somebody as the file knows them; a name that is not known belongs to nothing.
    pub(crate) fn person(&self, name: &str) -> Person {
        let member = self.users.get(name);
        let groups: BTreeSet<&String> =
            member.into_iter().flat_map(|member| member.groups.union(&member.roles)).collect();
        let groups = groups.into_iter().cloned().collect();
        Person { name: name.to_owned(), groups, through: None }
    }

    pub(crate) fn member(&self, name: &str) -> Option<&Member> {
        self.users.get(name)
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.users.keys().map(String::as_str)
    }

    /// Whether nobody but these people is known.
    pub(crate) fn knows_only(&self, names: &BTreeSet<String>) -> bool {
        self.users.keys().all(|user| names.contains(user))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.users.is_empty()
    }

    pub(crate) fn knows(&self, name: &str) -> bool {
        self.users.contains_key(name)
    }

    /// The addresses of mail of whoever is meant by an entry of `approvers` or `assignees`.
    pub(crate) fn addresses(&self, entry: &str) -> Vec<String> {
        let meant = self.addresses.iter().filter(|(name, _)| self.person(name).is(entry));
        meant.map(|(_, address)| address.clone()).collect()
    }

    fn entry(&mut self, user: &str) -> &mut Member {
        self.users.entry(user.to_owned()).or_default()
    }
}

/// What else is said of accounts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct AccountRules {
    /// Of users that have no role which gives rights. `None`: the usual ones.
    pub(crate) default_roles: Option<Vec<String>>,
    /// `orchestrate.example.com`, `ci.example.com:8443`: names under which the server may be asked
    /// beside its address.
    pub(crate) hosts: Vec<String>,
}

pub(super) fn users(reader: &mut Reader<'_>, node: &Node, directory: &mut Directory) {
    for entry in reader.map(node, "`users`") {
        let what = format!("user `{}`", entry.key);
        if !is_name(&entry.key) {
            reader.problem(entry.key_span, &format!("{what}: {NAME_RULE}"));
            continue;
        }
        directory.entry(&entry.key);
        if entry.value.is_null() {
            continue;
        }
        for part in reader.keys(&entry.value, &what, &["groups", "roles", "email"]) {
            if part.key == "email" {
                let text = part.value.scalar().map(|scalar| scalar.text.clone());
                match text.filter(|text| smtp::mailbox(text).is_some()) {
                    Some(text) => drop(directory.addresses.insert(entry.key.clone(), text)),
                    None => {
                        let problem = format!("`email` of {what} has to be an address of mail");
                        reader.problem(part.value.span, &problem);
                    }
                }
                continue;
            }
            let names = reader.names(&part.value, &format!("`{}` of {what}", part.key));
            let member = directory.entry(&entry.key);
            match part.key.as_str() {
                "groups" => member.groups.extend(names),
                _ => member.roles.extend(names),
            }
        }
    }
}

pub(super) fn groups(reader: &mut Reader<'_>, node: &Node, directory: &mut Directory) {
    for entry in reader.map(node, "`groups`") {
        for user in reader.names(&entry.value, &format!("group `{}`", entry.key)) {
            directory.entry(&user).groups.insert(entry.key.clone());
        }
    }
}

pub(super) fn rules(reader: &mut Reader<'_>, entry: &Entry) -> AccountRules {
    let mut rules = AccountRules::default();
    for part in reader.keys(&entry.value, "`accounts`", &["default_roles", "hosts"]) {
        let names = reader.names(&part.value, &format!("`{}`", part.key));
        match part.key.as_str() {
            "default_roles" => {
                for role in names.iter().filter(|role| crate::rights::of_role(role).is_none()) {
                    let roles = crate::rights::ROLES.map(|(name, _)| name).join(", ");
                    let problem = format!("`{role}` gives no rights; the roles are: {roles}");
                    reader.problem(part.value.span, &problem);
                }
                rules.default_roles = Some(names);
            }
            _ => {
                for host in names.iter().filter(|host| !is_host(host)) {
                    let problem = format!("`{host}` is not a name such as `ci.example.com`");
                    reader.problem(part.value.span, &problem);
                }
                rules.hosts = names.iter().map(|host| host.to_ascii_lowercase()).collect();
            }
        }
    }
    rules
}

fn is_host(text: &str) -> bool {
    text.parse::<http::uri::Authority>()
        .is_ok_and(|authority| !text.contains('@') && !authority.host().is_empty())
}
