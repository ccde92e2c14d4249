//! Questions to a forge over HTTP.

use std::time::Duration;

use http::Request;
use serde_json::Value as Json;

use super::Missing;
use crate::config::secret::SecretText;
use crate::config::source::{Api, SourceKind};
use crate::egress::{Egress, Policy};

/// Of one answer: a list of a hundred thousand files fits.
const LARGE: usize = 48 << 20;
const SLOW: Duration = Duration::from_secs(60);

pub(super) struct Forge<'f> {
    pub(super) egress: &'f Egress,
    pub(super) api: &'f Api,
    pub(super) kind: SourceKind,
    pub(super) token: Option<SecretText>,
}

impl Forge<'_> {
    /// `path` below the address of the API, or a whole address below it.
    pub(super) async fn get(&self, path: &str) -> Result<Json, Missing> {
        let url = match path.strip_prefix('/') {
            Some(_) => format!("{}{path}", self.api.url),
            None if path.starts_with(&format!("{}/", self.api.url)) => path.to_owned(),
            None => return Err(Missing::Ever("the forge points to another address".to_owned())),
        };
        let now = |problem: String| Missing::Now(format!("the forge's API: {problem}"));
        let mut request = Request::get(&url).header("accept", "application/json");
        if let Some(token) = &self.token {
            let token = token.expose();
            request = match self.kind {
                SourceKind::GitLab => request.header("private-token", token),
                SourceKind::Gitea | SourceKind::Gogs => {
                    request.header("authorization", format!("token {token}"))
                }
                SourceKind::GitHub
                | SourceKind::Bitbucket
                | SourceKind::BitbucketServer
                | SourceKind::Hmac
                | SourceKind::CloudEvents => {
                    request.header("authorization", format!("Bearer {token}"))
                }
            };
        }
        let request = request.body(Vec::new()).map_err(|_| {
            Missing::Ever("the forge's API cannot be asked: a token has no line breaks".to_owned())
        })?;
        let policy =
            Policy { allow_private: self.api.allow_private, timeout: SLOW, max_bytes: LARGE };
        let answer = self.egress.send(request, &policy).await;
        let answer = answer.map_err(|failure| now(failure.to_string()))?;
        let status = answer.status();
        if !status.is_success() {
            let hint = match status.as_u16() {
                401 | 403 => ": is `api.token` of the source allowed to read?",
                404 => ": is `api.token` of the source allowed to see the repository?",
                _ => "",
            };
            return Err(now(format!("it answered {}{hint}", status.as_u16())));
        }
        serde_json::from_slice(answer.body()).map_err(|_| now("its answer is not JSON".into()))
    }
}
