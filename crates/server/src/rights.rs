//! What somebody may do: eight rights, and the roles that give them. Pure.

use std::fmt;

/// One right, as it is written at the routes and in the scopes of tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Right {
    /// See everything but the trail, accounts and the names of secrets.
    Read,
    /// Start, stop, pause and retry; tasks; give events.
    Run,
    /// Create, change and delete pipelines.
    Define,
    /// Approvals and forms.
    Decide,
    /// Rollback, rewind, resolve, environments, secrets, notices, retention.
    Maintain,
    /// See the trail and have it proved.
    Audit,
    /// Users, tokens, sessions of others, backups.
    Admin,
    /// Be a worker: take attempts with what they need, and say what became of them.
    Work,
}

impl Right {
    pub(crate) const ALL: [Self; 8] = [
        Self::Read,
        Self::Run,
        Self::Define,
        Self::Decide,
        Self::Maintain,
        Self::Audit,
        Self::Admin,
        Self::Work,
    ];

    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Run => "run",
            Self::Define => "define",
            Self::Decide => "decide",
            Self::Maintain => "maintain",
            Self::Audit => "audit",
            Self::Admin => "admin",
            Self::Work => "work",
        }
    }

    pub(crate) fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|right| right.word() == word)
    }

    /// For the reference.
    pub(crate) fn says(self) -> &'static str {
        match self {
            Self::Read => "see pipelines, runs, logs, artifacts, tasks, events",
            Self::Run => "start, stop, pause, resume, cancel, retry; tasks; give events",
            Self::Define => "create, change and delete pipelines",
            Self::Decide => "approve, reject, delegate; answer forms",
            Self::Maintain => "roll back, rewind, resolve; secrets, notices, retention",
            Self::Audit => "see the audit trail and have it proved",
            Self::Admin => "users, tokens, sessions of others, backups",
            Self::Work => "be a worker: take attempts, with the secrets of their stages",
        }
    }
}

/// A set of rights.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Rights(u8);

impl Rights {
    pub(crate) fn all() -> Self {
        Right::ALL.into_iter().collect()
    }

    pub(crate) fn has(self, right: Right) -> bool {
        self.0 & (1 << right as u8) != 0
    }

    pub(crate) fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(crate) fn only(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Narrowed to these words, where there are any; a word that is no right gives nothing.
    pub(crate) fn within(self, scopes: Option<&[String]>) -> Self {
        match scopes {
            None => self,
            Some(words) => self.only(words.iter().filter_map(|word| Right::of(word)).collect()),
        }
    }

    pub(crate) fn iter(self) -> impl Iterator<Item = Right> {
        Right::ALL.into_iter().filter(move |right| self.has(*right))
    }
}

impl FromIterator<Right> for Rights {
    fn from_iter<I: IntoIterator<Item = Right>>(rights: I) -> Self {
        Self(rights.into_iter().fold(0, |set, right| set | 1 << right as u8))
    }
}

impl fmt::Display for Rights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<&str> = self.iter().map(Right::word).collect();
        f.write_str(&words.join(" "))
    }
}

impl fmt::Debug for Rights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Rights({self})")
    }
}

/// Roles that give rights, from few to all. Other roles only name approvers.
pub(crate) const ROLES: [(&str, &[Right]); 8] = [
    ("worker", &[Right::Work]),
    ("viewer", &[Right::Read]),
    ("auditor", &[Right::Read, Right::Audit]),
    ("approver", &[Right::Read, Right::Decide]),
    ("operator", &[Right::Read, Right::Run]),
    ("developer", &[Right::Read, Right::Run, Right::Define]),
    ("maintainer", &[Right::Read, Right::Run, Right::Define, Right::Decide, Right::Maintain]),
    ("admin", &Right::ALL),
];

/// Of users who have none of these roles, unless `config.yaml` says otherwise.
pub(crate) const DEFAULT_ROLES: [&str; 2] = ["operator", "approver"];

/// What a role gives; `None`: it is none of ours.
pub(crate) fn of_role(role: &str) -> Option<Rights> {
    let (_, rights) = ROLES.iter().find(|(name, _)| *name == role)?;
    Some(rights.iter().copied().collect())
}

/// What these roles give together; of `otherwise`, where none of them gives anything.
pub(crate) fn of_roles<'r>(
    roles: impl IntoIterator<Item = &'r str>,
    otherwise: impl IntoIterator<Item = &'r str>,
) -> Rights {
    let sum = |roles: &mut dyn Iterator<Item = &'r str>| {
        roles
            .filter_map(of_role)
            .fold(None, |sum: Option<Rights>, rights| Some(sum.unwrap_or_default().with(rights)))
    };
    sum(&mut roles.into_iter())
        .unwrap_or_else(|| sum(&mut otherwise.into_iter()).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_give_what_the_table_says() {
        let words = |roles: &[&str]| of_roles(roles.iter().copied(), DEFAULT_ROLES).to_string();
        assert_eq!(words(&["worker"]), "work");
        assert_eq!(words(&["viewer"]), "read");
        assert_eq!(words(&["auditor"]), "read audit");
        assert_eq!(words(&["operator", "approver"]), "read run decide");
        assert_eq!(words(&["developer"]), "read run define");
        assert_eq!(words(&["maintainer"]), "read run define decide maintain");
        assert_eq!(words(&["admin"]), Rights::all().to_string());
        assert_eq!(words(&["release-manager"]), "read run decide", "a role of their own");
        assert_eq!(words(&["release-manager", "viewer"]), "read");
        assert_eq!(of_roles(["x"], []), Rights::default());
    }

    #[test]
    fn scopes_only_take_away() {
        let scopes = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect::<Vec<_>>();
        let developer = of_role("developer").unwrap();
        assert_eq!(developer.within(None), developer);
        assert_eq!(developer.within(Some(&scopes(&["read", "admin"]))).to_string(), "read");
        assert_eq!(developer.within(Some(&[])), Rights::default());
        assert_eq!(Rights::all().within(Some(&scopes(&["reed"]))), Rights::default());
    }
}
