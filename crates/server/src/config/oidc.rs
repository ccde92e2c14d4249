//! `oidc:`: a provider of identities that people log in with.

use std::collections::BTreeMap;

use pipeline::yaml::{Entry, Node};

use super::read::Reader;
use super::secret::SecretRef;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OidcRules {
    /// Without a slash at its end, unless the provider has one.
    pub(crate) issuer: String,
    pub(crate) client_id: String,
    pub(crate) client_secret: Option<SecretRef>,
    /// Where the provider sends people back to: `<public url>/api/session/oidc/callback`. Found
    /// from the address asked where it is not said and this machine is asked.
    pub(crate) redirect_url: Option<String>,
    pub(crate) scopes: Vec<String>,
    /// Whose value is the name of the user.
    pub(crate) username_claim: String,
    /// Whose values are the groups.
    pub(crate) groups_claim: String,
    /// Roles by group of the provider.
    pub(crate) roles: BTreeMap<String, Vec<String>>,
    /// The provider may be in a private network.
    pub(crate) allow_private: bool,
}

const KEYS: [&str; 9] = [
    "issuer",
    "client_id",
    "client_secret",
    "redirect_url",
    "scopes",
    "username_claim",
    "groups_claim",
    "roles",
    "allow_private",
];

/// `None`: it is incomplete, which is said.
pub(super) fn read(reader: &mut Reader<'_>, entry: &Entry) -> Option<OidcRules> {
    let mut rules = OidcRules {
        issuer: String::new(),
        client_id: String::new(),
        client_secret: None,
        redirect_url: None,
        scopes: ["openid", "profile", "email"].map(str::to_owned).to_vec(),
        username_claim: "preferred_username".to_owned(),
        groups_claim: "groups".to_owned(),
        roles: BTreeMap::new(),
        allow_private: false,
    };
    for part in reader.keys(&entry.value, "`oidc`", &KEYS) {
        let what = format!("`{}` of `oidc`", part.key);
        let value = &part.value;
        match part.key.as_str() {
            "issuer" => rules.issuer = url(reader, value, &what).unwrap_or_default(),
            "client_id" => rules.client_id = text(reader, value, &what).unwrap_or_default(),
            "client_secret" => rules.client_secret = reader.secret(value, &what),
            "redirect_url" => rules.redirect_url = url(reader, value, &what),
            "scopes" => rules.scopes = reader.names(value, &what),
            "username_claim" => rules.username_claim = text(reader, value, &what)?,
            "groups_claim" => rules.groups_claim = text(reader, value, &what)?,
            "roles" => {
                for of in reader.map(value, &what) {
                    let roles = reader.names(&of.value, &format!("`{}` of {what}", of.key));
                    rules.roles.insert(of.key.clone(), roles);
                }
            }
            _ => rules.allow_private = reader.boolean(value, &what),
        }
    }
    for (key, value) in [("issuer", &rules.issuer), ("client_id", &rules.client_id)] {
        if value.is_empty() {
            reader.problem(entry.value.span, &format!("`oidc` needs `{key}`"));
        }
    }
    Some(rules)
}

fn text(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<String> {
    let scalar = node.scalar().filter(|scalar| !scalar.is_null() && !scalar.text.is_empty());
    if scalar.is_none() {
        reader.problem(node.span, &format!("{what} has to be text"));
    }
    scalar.map(|scalar| scalar.text.clone())
}

fn url(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<String> {
    let text = text(reader, node, what)?;
    let fits = text.parse::<http::Uri>().is_ok_and(|url| {
        matches!(url.scheme_str(), Some("https" | "http")) && url.host().is_some()
    });
    if !fits {
        reader.problem(
            node.span,
            &format!("{what} has to be a URL such as `https://id.example.com`"),
        );
    }
    fits.then_some(text)
}
