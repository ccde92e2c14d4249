//! Accounts, sessions, secrets and the trail.

use jiff::Timestamp;

use super::{MemoryReader, State, lock};
use crate::chain::{self, Hash, Head};
use crate::port::{
    AccountChange, AccountRefusal, Change, Error, Outcome, ReadAccounts, Refusal, SecretRow,
    SessionRow, TrailEntry, TrailQuery, TrailRow, UserRow,
};
use crate::trail;

#[derive(Debug, Default)]
pub(super) struct Accounts {
    users: Vec<UserRow>,
    sessions: Vec<SessionRow>,
    secrets: Vec<SecretRow>,
    trail: Vec<(String, Hash)>,
}

impl Accounts {
    fn head(&self) -> Head {
        let events = self.trail.len() as u64;
        self.trail.last().map_or_else(trail::empty, |(_, hash)| Head { events, hash: *hash })
    }

    fn sort(&mut self) {
        self.users.sort_by(|a, b| a.name.cmp(&b.name));
        self.secrets.sort_by(|a, b| (&a.name, &a.scope).cmp(&(&b.name, &b.scope)));
    }
}

impl State {
    /// The user that a change is about, as it was.
    pub(super) fn user_before(&self, change: &Change) -> Option<UserRow> {
        let Change::Account(change) = change else { return None };
        let AccountChange::PutUser { user, .. } = &**change else { return None };
        self.accounts.users.iter().find(|row| row.name == user.name).cloned()
    }

    /// The entry that a change leaves.
    pub(super) fn note_change(
        &mut self,
        change: &Change,
        outcome: &Outcome,
        before: Option<&UserRow>,
    ) {
        let Some(entry) = trail::of(change, outcome, before) else { return };
        // Its words and numbers always make JSON.
        let body = serde_json::to_string(&entry).unwrap_or_default();
        let hash = trail::link(&self.accounts.head(), body.as_bytes());
        self.accounts.trail.push((body, hash));
    }

    pub(super) fn account(&mut self, change: &AccountChange) -> Result<Outcome, Refusal> {
        self.change_account(change).map_err(Refusal::Account)?;
        self.accounts.sort();
        Ok(Outcome::Done)
    }

    fn change_account(&mut self, change: &AccountChange) -> Result<(), AccountRefusal> {
        match change {
            AccountChange::PutUser { user, create, .. } => self.put_user(user, *create),
            AccountChange::OpenSession { session } => {
                let open = &mut self.accounts.sessions;
                let known = |row: &SessionRow| row.id == session.id || row.hash == session.hash;
                if open.iter().any(known) {
                    return Err(AccountRefusal::SessionExists { id: session.id.clone() });
                }
                open.push(session.clone());
                Ok(())
            }
            AccountChange::EndSession { id, at, .. } => {
                let found = self.accounts.sessions.iter_mut().find(|row| row.id == *id);
                let found =
                    found.ok_or_else(|| AccountRefusal::NoSuchSession { id: id.clone() })?;
                found.ended_at.get_or_insert(*at);
                Ok(())
            }
            AccountChange::EndSessions { user, at, .. } => {
                for row in self.accounts.sessions.iter_mut().filter(|row| row.user == *user) {
                    row.ended_at.get_or_insert(*at);
                }
                Ok(())
            }
            AccountChange::Used { tokens, sessions } => {
                self.used(tokens, sessions);
                Ok(())
            }
            AccountChange::PutSecret { secret } => {
                let same =
                    |row: &&mut SecretRow| row.name == secret.name && row.scope == secret.scope;
                match self.accounts.secrets.iter_mut().find(same) {
                    Some(row) => {
                        let (created_at, created_by) = (row.created_at, row.created_by.clone());
                        *row = SecretRow { created_at, created_by, ..secret.clone() };
                    }
                    None => self.accounts.secrets.push(secret.clone()),
                }
                Ok(())
            }
            AccountChange::RemoveSecret { scope, name, .. } => {
                let before = self.accounts.secrets.len();
                self.accounts.secrets.retain(|row| row.name != *name || row.scope != *scope);
                if self.accounts.secrets.len() == before {
                    let (scope, name) = (scope.clone(), name.clone());
                    return Err(AccountRefusal::NoSuchSecret { scope, name });
                }
                Ok(())
            }
            AccountChange::SealAgain { secrets, .. } => {
                for row in &mut self.accounts.secrets {
                    let same = |new: &&SecretRow| new.name == row.name && new.scope == row.scope;
                    if let Some(new) = secrets.iter().find(same) {
                        row.key.clone_from(&new.key);
                        row.sealed.clone_from(&new.sealed);
                    }
                }
                Ok(())
            }
            AccountChange::Note(_) => Ok(()),
        }
    }

    fn put_user(&mut self, user: &UserRow, create: bool) -> Result<(), AccountRefusal> {
        let name = user.name.clone();
        let users = &mut self.accounts.users;
        let place = users.iter().position(|row| row.name == name);
        match (place, create) {
            (Some(_), true) => return Err(AccountRefusal::UserExists { name }),
            (None, false) => return Err(AccountRefusal::NoSuchUser { name }),
            (Some(_), false) | (None, true) => {}
        }
        let same = |row: &UserRow| row.subject == user.subject && row.name != name;
        if user.subject.is_some() && users.iter().any(same) {
            return Err(AccountRefusal::SubjectTaken { name });
        }
        match place {
            Some(place) => {
                let (created_at, created_by) =
                    (users[place].created_at, users[place].created_by.clone());
                users[place] = UserRow { created_at, created_by, ..user.clone() };
            }
            None => users.push(user.clone()),
        }
        Ok(())
    }

    fn used(&mut self, tokens: &[(String, Timestamp)], sessions: &[(String, Timestamp)]) {
        for (id, at) in tokens {
            if let Some(row) = self.tokens.iter_mut().find(|row| row.id == *id) {
                row.used_at = row.used_at.max(Some(*at));
            }
        }
        for (id, at) in sessions {
            if let Some(row) = self.accounts.sessions.iter_mut().find(|row| row.id == *id) {
                row.used_at = row.used_at.max(*at);
            }
        }
    }
}

fn broken(problem: String) -> Error {
    Error::Broken { problem }
}

impl ReadAccounts for MemoryReader {
    fn users(&self) -> Result<Vec<UserRow>, Error> {
        Ok(lock(&self.shared).accounts.users.clone())
    }

    fn user(&self, name: &str) -> Result<Option<UserRow>, Error> {
        let state = lock(&self.shared);
        Ok(state.accounts.users.iter().find(|row| row.name == name).cloned())
    }

    fn user_by_subject(&self, subject: &str) -> Result<Option<UserRow>, Error> {
        let state = lock(&self.shared);
        let same = |row: &&UserRow| row.subject.as_deref() == Some(subject);
        Ok(state.accounts.users.iter().find(same).cloned())
    }

    fn session_by_hash(&self, hash: &str) -> Result<Option<SessionRow>, Error> {
        let state = lock(&self.shared);
        Ok(state.accounts.sessions.iter().find(|row| row.hash == hash).cloned())
    }

    fn sessions(&self, user: Option<&str>, limit: u32) -> Result<Vec<SessionRow>, Error> {
        let state = lock(&self.shared);
        let newest = state.accounts.sessions.iter().rev();
        let wanted = newest.filter(|row| user.is_none_or(|user| row.user == user));
        Ok(wanted.take(limit as usize).cloned().collect())
    }

    fn secrets(&self) -> Result<Vec<SecretRow>, Error> {
        Ok(lock(&self.shared).accounts.secrets.clone())
    }

    fn secrets_named(&self, name: &str) -> Result<Vec<SecretRow>, Error> {
        let state = lock(&self.shared);
        let wanted = state.accounts.secrets.iter().filter(|row| row.name == name);
        Ok(wanted.cloned().collect())
    }

    fn trail(&self, query: &TrailQuery) -> Result<Vec<TrailRow>, Error> {
        let state = lock(&self.shared);
        let mut rows = Vec::new();
        for (number, (body, hash)) in (1..).zip(&state.accounts.trail) {
            let entry: TrailEntry = serde_json::from_str(body).map_err(|error| {
                broken(format!("entry {number} of the trail cannot be understood: {error}"))
            })?;
            let wanted = query.by.as_ref().is_none_or(|by| entry.by == *by)
                && query.action.as_ref().is_none_or(|action| entry.action == *action)
                && query.since.is_none_or(|since| entry.at >= since)
                && query.until.is_none_or(|until| entry.at < until)
                && query.before.is_none_or(|before| number < before);
            if wanted {
                rows.push(TrailRow { number, entry, hash: chain::hex(hash) });
            }
        }
        rows.reverse();
        rows.truncate(query.limit as usize);
        Ok(rows)
    }

    fn verify_trail(&self) -> Result<u64, Error> {
        let state = lock(&self.shared);
        let mut head = trail::empty();
        for (body, hash) in &state.accounts.trail {
            head = Head { events: head.events + 1, hash: trail::link(&head, body.as_bytes()) };
            if head.hash != *hash {
                let problem = format!("entry {} of the trail does not match its hash", head.events);
                return Err(broken(problem));
            }
        }
        Ok(head.events)
    }
}
