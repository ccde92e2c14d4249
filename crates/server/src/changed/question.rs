//! What has to be asked: taken from what was made of a delivery, and checked, because it becomes
//! part of addresses and of a command line.

use std::path::{Path, PathBuf};

use serde_json::Value as Json;
use store::port::GivenEvent;

use super::Missing;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Question {
    /// `owner/name`; of letters that need no care.
    pub(super) repository: String,
    /// The forge's own number of it.
    pub(super) project: Option<u64>,
    /// Of a pull request.
    pub(super) number: Option<u64>,
    /// Revisions, as hexadecimal digits: what was there before, and what is now.
    pub(super) before: Option<String>,
    pub(super) after: Option<String>,
    /// How many files the forge says have changed.
    pub(super) files: Option<u64>,
}

impl Question {
    pub(super) fn of(event: &GivenEvent) -> Result<Self, Missing> {
        let data = &event.data;
        let text = |key: &str| data.get(key).and_then(Json::as_str);
        let number = |key: &str| data.get(key).and_then(Json::as_u64);
        let revision = |key: &str| text(key).filter(|text| is_revision(text)).map(str::to_owned);
        let ever = |problem: &str| Err(Missing::Ever(problem.to_owned()));
        let is_pull = event.kinds().any(|kind| kind.starts_with("pull_request"));
        let is_push = event.kinds().any(|kind| kind == "push");
        if !is_pull && !is_push {
            return Err(Missing::Ever(format!("an event `{}` has no changed files", event.kind)));
        }
        let Some(repository) = text("repository").filter(|name| is_repository(name)) else {
            return ever("the delivery does not name a repository");
        };
        let number = if is_pull { number("number") } else { None };
        let before = revision(if is_pull { "base_sha" } else { "before" });
        let after = revision("sha");
        if number.is_none() && after.is_none() {
            return ever("the delivery does not say which revisions to compare");
        }
        Ok(Self {
            repository: repository.to_owned(),
            project: data.get("project").and_then(Json::as_u64),
            number,
            before,
            after,
            files: data.get("changed_files").and_then(Json::as_u64),
        })
    }

    /// The mirror of its repository.
    pub(super) fn place(&self, mirror: &Path) -> Result<PathBuf, Missing> {
        let text = mirror.to_string_lossy().replace("{repository}", &self.repository);
        Ok(PathBuf::from(text))
    }
}

/// 40 or 64 hexadecimal digits: nothing that a command could take for an option.
fn is_revision(text: &str) -> bool {
    matches!(text.len(), 7..=64) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// No way out of where it belongs.
fn is_repository(name: &str) -> bool {
    let fits = |part: &str| {
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-' | b'~');
        !part.is_empty() && !part.starts_with(['.', '-']) && part.bytes().all(plain)
    };
    name.len() <= 512 && name.split('/').count() >= 2 && name.split('/').all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn event(kind: &str, data: Json) -> GivenEvent {
        GivenEvent { kind: kind.to_owned(), data, ..GivenEvent::default() }
    }

    #[test]
    fn only_what_is_harmless_is_asked() {
        let sha = "a".repeat(40);
        let push = event("push", json!({"repository": "acme/shop", "before": sha, "sha": sha}));
        let question = Question::of(&push).unwrap();
        assert_eq!((question.number, question.before), (None, Some(sha.clone())));
        let mirror = Path::new("/srv/{repository}.git");
        let place = Question::of(&push).unwrap().place(mirror).unwrap();
        assert_eq!(place, Path::new("/srv/acme/shop.git"));
        for name in ["../../etc", "acme/..", "acme", "/etc/x", "acme/-x", "a b/c", "acme/sh?op", ""]
        {
            let bad = event("push", json!({"repository": name, "sha": sha}));
            assert!(matches!(Question::of(&bad), Err(Missing::Ever(_))), "{name}");
        }
        let option = event("push", json!({"repository": "acme/shop", "sha": "--output=/etc/x"}));
        assert!(Question::of(&option).is_err());
        assert!(Question::of(&event("issues.opened", json!({"repository": "acme/shop"}))).is_err());
    }
}
