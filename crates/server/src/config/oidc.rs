//! `oidc:`: the provider that people sign in by, and what its word is worth here.

use std::collections::BTreeMap;

use openidconnect::url::Url;
use pipeline::yaml::{Entry, Node};

use crate::rights;

use super::read::Reader;
use super::secret::SecretRef;

/// A provider of identities, and how its users become ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Oidc {
    /// Exactly as the provider writes it.
    pub(crate) issuer: String,
    pub(crate) client_id: String,
    /// `None`: a public client, which PKCE alone proves.
    pub(crate) client_secret: Option<SecretRef>,
    /// Where browsers reach this server, without a slash at its end. `None`: where they asked.
    pub(crate) public_url: Option<String>,
    /// Beside `openid`.
    pub(crate) scopes: Vec<String>,
    pub(crate) username_claim: String,
    /// `None`: groups are ours alone.
    pub(crate) groups_claim: Option<String>,
    /// Roles by group of the provider. `None`: roles are ours alone.
    pub(crate) roles: Option<BTreeMap<String, Vec<String>>>,
    /// Of whom no group gives rights. One of them gives some.
    pub(crate) default_roles: Vec<String>,
    /// Whether the provider's users become ours by signing in.
    pub(crate) allow_new: bool,
    /// Whether the provider's name for somebody is believed to mean our user of that name.
    pub(crate) link_by_name: bool,
    /// Of mail, in lower case. Empty: any, and none.
    pub(crate) email_domains: Vec<String>,
    /// Also a provider on this machine or in its networks, and over plain HTTP.
    pub(crate) allow_private: bool,
}

const KEYS: [&str; 13] = [
    "issuer",
    "client_id",
    "client_secret",
    "public_url",
    "scopes",
    "username_claim",
    "groups_claim",
    "roles",
    "default_roles",
    "allow_new",
    "link_by_name",
    "email_domains",
    "allow_private",
];

/// `None`: what is wrong with it has been said.
pub(super) fn read(reader: &mut Reader<'_>, entry: &Entry) -> Option<Oidc> {
    let parts = reader.keys(&entry.value, "`oidc`", &KEYS);
    let part = |key: &str| parts.iter().find(|part| part.key == key).map(|part| &part.value);
    let mut need = |key: &str, remedy: &str| {
        if part(key).is_none() {
            reader.problem(entry.key_span, &format!("`oidc` needs `{key}`: {remedy}"));
        }
        part(key)
    };
    let issuer = need("issuer", "the address of the provider, such as `https://id.example.com`");
    let client_id = need("client_id", "the name under which the provider knows this server");
    let (issuer, client_id) = (issuer?, client_id?);
    let allow_private =
        part("allow_private").is_some_and(|node| reader.boolean(node, "`allow_private` of `oidc`"));
    let mut oidc = Oidc {
        issuer: address(reader, issuer, "issuer", allow_private)?,
        client_id: text(reader, client_id, "client_id")?,
        client_secret: None,
        public_url: None,
        scopes: vec!["profile".to_owned(), "email".to_owned()],
        username_claim: "preferred_username".to_owned(),
        groups_claim: None,
        roles: None,
        default_roles: vec!["viewer".to_owned()],
        allow_new: true,
        link_by_name: false,
        email_domains: Vec::new(),
        allow_private,
    };
    for part in &parts {
        more(reader, part, &mut oidc);
    }
    if oidc.roles.is_some() && oidc.groups_claim.is_none() {
        let problem = "`roles` of `oidc` are by groups of the provider: say in which claim they \
                       stand, such as `groups_claim: groups`";
        reader.problem(entry.key_span, problem);
    }
    Some(oidc)
}

/// What has a default.
fn more(reader: &mut Reader<'_>, part: &Entry, oidc: &mut Oidc) {
    let (node, what) = (&part.value, format!("`{}` of `oidc`", part.key));
    match part.key.as_str() {
        "client_secret" => oidc.client_secret = reader.secret(node, &what),
        "public_url" => oidc.public_url = public_url(reader, node),
        "scopes" => {
            let scopes = reader.names(node, &what);
            if scopes.iter().any(|scope| scope.contains(|c: char| !c.is_ascii_graphic())) {
                reader.problem(node.span, &format!("{what}: a scope is one word"));
            }
            oidc.scopes = scopes.into_iter().filter(|scope| scope != "openid").collect();
        }
        "username_claim" => {
            oidc.username_claim = text(reader, node, &part.key).unwrap_or_default();
        }
        "groups_claim" => oidc.groups_claim = text(reader, node, &part.key),
        "roles" => {
            let of = |entry: &Entry| format!("group `{}` in {what}", entry.key);
            let roles = reader.map(node, &what).iter();
            let roles =
                roles.map(|entry| (entry.key.clone(), reader.names(&entry.value, &of(entry))));
            oidc.roles = Some(roles.collect());
        }
        "default_roles" => {
            oidc.default_roles = reader.names(node, &what);
            if !oidc.default_roles.iter().any(|role| rights::of_role(role).is_some()) {
                let roles = rights::ROLES.map(|(name, _)| name).join(", ");
                let problem = format!("{what} has to hold a role that gives rights: {roles}");
                reader.problem(node.span, &problem);
            }
        }
        "allow_new" => oidc.allow_new = reader.boolean(node, &what),
        "link_by_name" => oidc.link_by_name = reader.boolean(node, &what),
        "email_domains" => {
            let domains = reader.names(node, &what);
            if domains.iter().any(|domain| domain.contains('@') || !domain.contains('.')) {
                let problem = format!("{what}: a domain is written `example.com`");
                reader.problem(node.span, &problem);
            }
            oidc.email_domains = domains.iter().map(|name| name.to_ascii_lowercase()).collect();
        }
        // Read before.
        _ => {}
    }
}

fn text(reader: &mut Reader<'_>, node: &Node, key: &str) -> Option<String> {
    let text = node.scalar().filter(|scalar| !scalar.is_null()).map(|scalar| scalar.text.clone());
    let text = text.filter(|text| {
        (1..=512).contains(&text.len()) && text.trim() == text && !text.contains(char::is_control)
    });
    if text.is_none() {
        reader.problem(node.span, &format!("`{key}` of `oidc` has to be a text of one line"));
    }
    text
}

/// An address without anything that could be a secret or be lost on the way.
fn address(reader: &mut Reader<'_>, node: &Node, key: &str, allow_http: bool) -> Option<String> {
    let text = text(reader, node, key)?;
    let url = Url::parse(&text).ok().filter(|url| {
        url.has_host()
            && url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none()
    });
    let problem = match url.as_ref().map(Url::scheme) {
        Some("https") => return Some(text),
        Some("http") if allow_http => return Some(text),
        Some("http") => format!(
            "`{key}` of `oidc` has to begin with `https://`; plain HTTP is for a provider on this \
             machine or its networks, with `allow_private: true`"
        ),
        Some(_) | None => {
            format!("`{key}` of `oidc` has to be an address such as `https://id.example.com`")
        }
    };
    reader.problem(node.span, &problem);
    None
}

fn public_url(reader: &mut Reader<'_>, node: &Node) -> Option<String> {
    let text = address(reader, node, "public_url", true)?;
    let url = Url::parse(&text).ok()?;
    if url.path() != "/" {
        let problem =
            "`public_url` of `oidc` has no path: the server answers at the root of its name";
        reader.problem(node.span, problem);
        return None;
    }
    Some(url.as_str().trim_end_matches('/').to_owned())
}

impl Oidc {
    /// The name under which browsers ask us, as a `Host` says it.
    pub(crate) fn host(&self) -> Option<String> {
        let (_scheme, host) = self.public_url.as_deref()?.split_once("://")?;
        Some(host.to_ascii_lowercase())
    }
}

#[cfg(test)]
mod tests {
    use crate::config::{Config, read};

    fn config(text: &str) -> Result<Config, String> {
        read::config("config.yaml", text)
    }

    const LEAST: &str = "issuer: https://id.example.com, client_id: orc";

    #[test]
    fn two_lines_are_enough_and_the_rest_is_careful() {
        let oidc = config(&format!("oidc: {{{LEAST}}}\n")).unwrap().oidc.unwrap();
        assert_eq!(oidc.scopes, ["profile", "email"]);
        assert_eq!(oidc.username_claim, "preferred_username");
        assert_eq!(oidc.default_roles, ["viewer"]);
        assert!(oidc.allow_new && !oidc.link_by_name && !oidc.allow_private);
        assert_eq!((oidc.client_secret, oidc.groups_claim, oidc.roles), (None, None, None));
    }

    #[test]
    fn its_public_name_is_a_name_of_ours() {
        let text = format!(
            "oidc: {{{LEAST}, public_url: \"https://CI.example.com:8443/\"}}\n\
             accounts: {{hosts: [other.example]}}\n"
        );
        let config = config(&text).unwrap();
        assert_eq!(config.accounts.hosts, ["other.example", "ci.example.com:8443"]);
        let oidc = config.oidc.unwrap();
        assert_eq!(oidc.public_url.as_deref(), Some("https://ci.example.com:8443"));
    }

    #[test]
    fn every_mistake_is_said_with_what_is_right() {
        for (text, wanted) in [
            ("client_id: a", "needs `issuer`"),
            ("issuer: https://a.example", "needs `client_id`"),
            ("issuer: id.example.com, client_id: a", "`issuer` of `oidc` has to be an address"),
            ("issuer: http://id.example.com, client_id: a", "`allow_private: true`"),
            ("issuer: https://u:p@id.example.com, client_id: a", "has to be an address"),
            (&format!("{LEAST}, client_secret: hunter2"), "{secret: NAME}"),
            (&format!("{LEAST}, groups_clam: x"), "did you mean `groups_claim`?"),
            (&format!("{LEAST}, roles: {{ops: admin}}"), "`groups_claim: groups`"),
            (&format!("{LEAST}, default_roles: []"), "a role that gives rights"),
            (&format!("{LEAST}, default_roles: [guest]"), "a role that gives rights"),
            (&format!("{LEAST}, public_url: https://a.example/x"), "has no path"),
            (&format!("{LEAST}, public_url: ftp://a.example"), "has to be an address"),
            (&format!("{LEAST}, email_domains: [a@b.example]"), "`example.com`"),
            (&format!("{LEAST}, scopes: [a b]"), "a scope is one word"),
            (&format!("{LEAST}, allow_new: perhaps"), "`true` or `false`"),
        ] {
            let problem = config(&format!("oidc: {{{text}}}\n")).unwrap_err();
            assert!(problem.contains(wanted), "{wanted}\nis not in\n{problem}");
            assert!(!problem.contains("hunter2"), "{problem}");
        }
    }
}
