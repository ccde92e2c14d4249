//! Tags of answers: by which a caller asks only for what is new, and changes only what it has seen.
//!
//! A tag is `"<digest of the body>"`, or `"<version>.<digest>"` where the thing shown has a version
//! of its own. `If-None-Match` compares the whole; `If-Match` only the version, so that a change is
//! not refused because something else in the answer moved.

use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::header::{IF_MATCH, IF_NONE_MATCH};
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};

use super::problem::Fault;

/// What a change has to name in `If-Match`: goes with an answer as an extension.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Version(pub(crate) String);

/// An answer with its version.
#[derive(Debug)]
pub(crate) struct Versioned<T>(pub(crate) Version, pub(crate) T);

impl<T: IntoResponse> IntoResponse for Versioned<T> {
    fn into_response(self) -> Response {
        let mut response = self.1.into_response();
        response.extensions_mut().insert(self.0);
        response
    }
}

pub(super) fn of(version: Option<&Version>, body: &[u8]) -> String {
    let digest: String =
        Sha256::digest(body)[..12].iter().map(|byte| format!("{byte:02x}")).collect();
    match version {
        Some(Version(version)) => format!("\"{version}.{digest}\""),
        None => format!("\"{digest}\""),
    }
}

/// `If-None-Match`
#[derive(Clone, Debug)]
pub(super) struct Asked(Vec<String>);

impl Asked {
    pub(super) fn of(headers: &HeaderMap) -> Option<Self> {
        let tags = headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
        let tags: Vec<String> = tags.flat_map(split).collect();
        (!tags.is_empty()).then_some(Self(tags))
    }

    pub(super) fn has(&self, tag: &str) -> bool {
        self.0.iter().any(|asked| asked == "*" || asked.trim_start_matches("W/") == tag)
    }
}

fn split(value: &str) -> Vec<String> {
    value.split(',').map(str::trim).filter(|tag| !tag.is_empty()).map(str::to_owned).collect()
}

/// `If-Match`: the versions, one of which a change expects to find. `None`: it expects nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct IfMatch(pub(crate) Option<Vec<String>>);

impl IfMatch {
    /// Refused as 412 unless this is what the caller has seen.
    pub(crate) fn check(&self, now: &Version) -> Result<(), Fault> {
        match &self.0 {
            Some(seen) if !seen.contains(&now.0) => {
                let tag = format!("\"{}\"", now.0);
                let detail = format!("it is {tag} now, and that is not what `If-Match` names");
                Err(Fault::moved(tag, detail).hint("read it again and decide anew"))
            }
            Some(_) | None => Ok(()),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Fault> {
        let mut versions = Vec::new();
        let mut given = false;
        for value in parts.headers.get_all(IF_MATCH) {
            let tags = value.to_str().map(split).unwrap_or_default();
            given = true;
            if tags == ["*"] {
                return Ok(Self(None));
            }
            if tags.is_empty() {
                return Err(no_tag());
            }
            for tag in tags {
                versions.push(version(&tag).ok_or_else(no_tag)?.to_owned());
            }
        }
        Ok(Self(given.then_some(versions)))
    }
}

fn no_tag() -> Fault {
    Fault::bad_request("`If-Match` holds tags as `ETag` gave them: `\"r3\"`, or it is `*`")
}

/// What the description says of `If-Match`: anything, or tags as `ETag` gives them.
pub(super) const IF_MATCH_PATTERN: &str =
    concat!(r#"^(\*|"[a-z]?[0-9]+(\.[0-9a-f]+)?""#, r#"( *, *"[a-z]?[0-9]+(\.[0-9a-f]+)?")*)$"#);

/// The version in a tag: `r3` of `"r3.91c0"`.
fn version(tag: &str) -> Option<&str> {
    let plain = tag.strip_prefix('"')?.strip_suffix('"')?;
    let (version, digest) =
        plain.split_once('.').map_or((plain, None), |(version, digest)| (version, Some(digest)));
    let number = version.strip_prefix(|first: char| first.is_ascii_lowercase()).unwrap_or(version);
    let hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    let fits = !number.is_empty()
        && number.bytes().all(|byte| byte.is_ascii_digit())
        && digest.is_none_or(|digest| !digest.is_empty() && digest.bytes().all(hex));
    fits.then_some(version)
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::Request;

    async fn if_match(value: &str) -> Result<IfMatch, Fault> {
        let request = Request::builder().header(IF_MATCH, value).body(()).unwrap();
        IfMatch::from_request_parts(&mut request.into_parts().0, &()).await
    }

    #[tokio::test]
    async fn a_change_is_bound_to_the_version_and_not_to_the_whole_answer() {
        let now = Version("r3".to_owned());
        let tag = of(Some(&now), b"{}");
        assert!(if_match(&tag).await.unwrap().check(&now).is_ok());
        assert!(if_match("\"r3\"").await.unwrap().check(&now).is_ok());
        assert!(if_match("\"r2\", \"r3.e\"").await.unwrap().check(&now).is_ok());
        assert!(if_match("*").await.unwrap().check(&now).is_ok());
        assert!(if_match("\"r2\"").await.unwrap().check(&now).is_err());
        for wrong in ["r3", "", ",", "null", "\"\"", "\"r3.x\"", "\"r3.\"", "\"r\"", "\"r3\", *"] {
            assert!(if_match(wrong).await.is_err(), "{wrong}");
        }
        assert!(IfMatch::default().check(&now).is_ok());
    }

    #[test]
    fn what_the_caller_has_is_known_by_its_whole_tag() {
        let asked = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(IF_NONE_MATCH, value.parse().unwrap());
            Asked::of(&headers).is_some_and(|asked| asked.has("\"a.b\""))
        };
        assert!(asked("\"a.b\"") && asked("W/\"a.b\"") && asked("\"x\", \"a.b\"") && asked("*"));
        assert!(!asked("\"a\"") && !asked("a.b"));
    }
}
