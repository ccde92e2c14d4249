//! Sign-in by OpenID Connect: the authorization code flow with PKCE, state and nonce.
//!
//! Three parts that know nothing of each other: what a browser carries from its start to its
//! return ([`flow`]), what the provider says and how it is proved ([`provider`]), and who that is
//! here ([`people`]).

pub(crate) mod flow;
pub(crate) mod people;
pub(crate) mod provider;

use std::collections::BTreeMap;

use openidconnect::core::CoreGenderClaim;
use openidconnect::{AdditionalClaims, IdTokenClaims};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use tokio::sync::Semaphore;

use crate::config::oidc::Oidc;

/// Codes that are exchanged at once: whoever floods us does not flood the provider.
const EXCHANGES: usize = 16;
/// Groups of one person that are looked at.
const MOST_GROUPS: usize = 1000;

/// What of it is in memory.
#[derive(Debug)]
pub(crate) struct SignIn {
    pub(crate) flows: flow::Flows,
    pub(crate) providers: provider::Providers,
    pub(crate) exchanges: Semaphore,
}

impl Default for SignIn {
    fn default() -> Self {
        Self {
            flows: flow::Flows::default(),
            providers: provider::Providers::default(),
            exchanges: Semaphore::new(EXCHANGES),
        }
    }
}

/// What a proved token says beside the standard claims.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Others {
    #[serde(flatten)]
    all: BTreeMap<String, Json>,
}

impl AdditionalClaims for Others {}

pub(crate) type Claims = IdTokenClaims<Others, CoreGenderClaim>;

/// Whom the provider means, in our words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) issuer: String,
    /// The provider's name for them, that never changes.
    pub(crate) sub: String,
    /// As the claim says that `config.yaml` names; not looked at yet.
    pub(crate) name: Option<String>,
    pub(crate) full_name: String,
    pub(crate) email: Option<String>,
    /// The provider says that the address is theirs.
    pub(crate) email_verified: bool,
    /// None where the provider does not say, or nobody asked.
    pub(crate) groups: Vec<String>,
}

impl Identity {
    /// As it is stored: [`store::port::UserRow::subject`].
    pub(crate) fn subject(&self) -> String {
        format!("{} {}", self.issuer, self.sub)
    }

    pub(crate) fn of(oidc: &Oidc, claims: &Claims) -> Self {
        let email = claims.email().map(|email| email.as_str().to_owned());
        let email_verified = email.is_some() && claims.email_verified() == Some(true);
        let full_name = claims.name().and_then(|name| name.get(None));
        let name = match oidc.username_claim.as_str() {
            "preferred_username" => claims.preferred_username().map(|name| name.as_str()),
            "nickname" => claims.nickname().and_then(|name| name.get(None)).map(|n| n.as_str()),
            "name" => full_name.map(|name| name.as_str()),
            "sub" => Some(claims.subject().as_str()),
            // Anybody could write somebody else's address into their profile.
            "email" => email.as_deref().filter(|_| email_verified),
            other => claims.additional_claims().find(other).and_then(Json::as_str),
        };
        let groups = oidc.groups_claim.as_deref();
        let groups = groups.and_then(|claim| claims.additional_claims().find(claim));
        Self {
            issuer: oidc.issuer.clone(),
            sub: claims.subject().as_str().to_owned(),
            name: name.map(str::to_owned),
            full_name: full_name.map(|name| name.as_str().to_owned()).unwrap_or_default(),
            groups: groups.map(words).unwrap_or_default(),
            email,
            email_verified,
        }
    }
}

impl Others {
    /// A claim by its name, or by a path such as `realm_access.roles`.
    fn find(&self, claim: &str) -> Option<&Json> {
        if let Some(found) = self.all.get(claim) {
            return Some(found);
        }
        let (first, rest) = claim.split_once('.')?;
        rest.split('.').try_fold(self.all.get(first)?, |value, key| value.get(key))
    }
}

/// One text, or a list of them; anything else is no group.
fn words(value: &Json) -> Vec<String> {
    let list = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
    list.iter().take(MOST_GROUPS).filter_map(Json::as_str).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_claim_is_found_by_its_name_or_its_path() {
        let others: Others = serde_json::from_value(json!({
            "https://a.example/groups": ["a", 7, "b"],
            "realm_access": {"roles": ["x"]},
            "team": "one",
        }))
        .unwrap();
        let of = |claim| others.find(claim).map(words).unwrap_or_default();
        assert_eq!(of("https://a.example/groups"), ["a", "b"]);
        assert_eq!(of("realm_access.roles"), ["x"]);
        assert_eq!(of("team"), ["one"]);
        assert!(of("realm_access").is_empty() && of("realm_access.roles.x").is_empty());
        assert!(of("none").is_empty());
    }
}
