//! `sources:` of `config.yaml`: where events come from over HTTP.

use std::path::PathBuf;

use pipeline::trigger::OWN_SOURCE;
use pipeline::yaml::{Entry, Kind, Node};

use super::read::Reader;
use super::secret::SecretRef;

/// Somebody who sends events to `POST /hooks/<name>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Source {
    pub(crate) kind: SourceKind,
    /// Any of these proves a delivery, so that a secret can be changed without a gap. Not empty.
    pub(crate) secrets: Vec<SecretRef>,
    /// Where changed paths are asked for.
    pub(crate) api: Option<Api>,
    /// A bare clone; `{repository}` in it stands for `owner/name`.
    pub(crate) mirror: Option<PathBuf>,
    pub(crate) generic: Generic,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SourceKind {
    GitHub,
    GitLab,
    Gitea,
    Gogs,
    Bitbucket,
    BitbucketServer,
    Hmac,
    CloudEvents,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Api {
    /// Without a slash at its end.
    pub(crate) url: String,
    pub(crate) token: Option<SecretRef>,
    pub(crate) allow_private: bool,
}

/// What somebody who is no forge says where. Names of headers are in lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Generic {
    pub(crate) signature_header: String,
    pub(crate) id_header: String,
    pub(crate) type_header: String,
    /// The type of every event, where none is said.
    pub(crate) event: Option<String>,
}

impl Default for Generic {
    fn default() -> Self {
        Self {
            signature_header: "x-hub-signature-256".to_owned(),
            id_header: "x-delivery-id".to_owned(),
            type_header: "x-event-type".to_owned(),
            event: None,
        }
    }
}

impl SourceKind {
    const ALL: [Self; 8] = [
        Self::GitHub,
        Self::GitLab,
        Self::Gitea,
        Self::Gogs,
        Self::Bitbucket,
        Self::BitbucketServer,
        Self::Hmac,
        Self::CloudEvents,
    ];

    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::GitHub => "github",
            Self::GitLab => "gitlab",
            Self::Gitea => "gitea",
            Self::Gogs => "gogs",
            Self::Bitbucket => "bitbucket",
            Self::BitbucketServer => "bitbucket-server",
            Self::Hmac => "hmac",
            Self::CloudEvents => "cloudevents",
        }
    }

    /// Of the forge as a service; `None`: it is only found at an address of one's own.
    fn api_url(self) -> Option<&'static str> {
        match self {
            Self::GitHub => Some("https://api.github.com"),
            Self::GitLab => Some("https://gitlab.com/api/v4"),
            Self::Bitbucket => Some("https://api.bitbucket.org/2.0"),
            Self::Gitea | Self::Gogs | Self::BitbucketServer | Self::Hmac | Self::CloudEvents => {
                None
            }
        }
    }

    fn is_forge(self) -> bool {
        !matches!(self, Self::Hmac | Self::CloudEvents)
    }
}

/// `None`: what is wrong with it has been said.
pub(super) fn read(reader: &mut Reader<'_>, entry: &Entry) -> Option<Source> {
    const KEYS: [&str; 8] = [
        "kind",
        "secret",
        "api",
        "mirror",
        "signature_header",
        "id_header",
        "type_header",
        "event",
    ];
    let what = format!("source `{}`", entry.key);
    if !is_source_name(&entry.key) {
        let rule = "the name of a source is 1 to 64 of a-z, 0-9, - and _";
        reader.problem(entry.key_span, &format!("{what}: {rule}"));
    }
    if entry.key == OWN_SOURCE {
        let taken = "what the server gives itself has this source; call it otherwise";
        reader.problem(entry.key_span, &format!("{what}: {taken}"));
    }
    let parts = reader.keys(&entry.value, &what, &KEYS);
    let part = |key: &str| parts.iter().find(|part| part.key == key).map(|part| &part.value);
    let Some(kind) = part("kind") else {
        let words = words();
        reader.problem(entry.key_span, &format!("{what} needs a `kind`: {words}"));
        return None;
    };
    let kind = self::kind(reader, kind, &what)?;
    let Some(secret) = part("secret") else {
        let problem = format!(
            "{what} needs a `secret`: nothing is taken that is not signed; write \
             `secret: {{secret: NAME}}` and `orchestrate secret set NAME`"
        );
        reader.problem(entry.key_span, &problem);
        return None;
    };
    let secrets = secrets(reader, secret, &what);
    let mut source = Source { kind, secrets, api: None, mirror: None, generic: Generic::default() };
    for part in &parts {
        let of = format!("`{}` of {what}", part.key);
        match part.key.as_str() {
            "kind" | "secret" => {}
            "api" | "mirror" if !kind.is_forge() => {
                let problem = format!("{of}: a source of kind `{}` has none", kind.word());
                reader.problem(part.key_span, &problem);
            }
            "api" => source.api = api(reader, part, kind, &of),
            "mirror" => source.mirror = mirror(reader, &part.value, &of),
            _ if kind.is_forge() => {
                let problem = format!("{of} is for the kinds `hmac` and `cloudevents`");
                reader.problem(part.key_span, &problem);
            }
            "event" => source.generic.event = text(reader, &part.value, &of),
            "signature_header" => header(reader, part, &of, &mut source.generic.signature_header),
            "id_header" => header(reader, part, &of, &mut source.generic.id_header),
            _ => header(reader, part, &of, &mut source.generic.type_header),
        }
    }
    Some(source)
}

fn words() -> String {
    SourceKind::ALL.map(SourceKind::word).join(", ")
}

fn kind(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<SourceKind> {
    let text = node.scalar().map_or("", |scalar| scalar.text.as_str());
    let found = SourceKind::ALL.into_iter().find(|kind| kind.word() == text);
    if found.is_none() {
        reader.problem(node.span, &format!("`kind` of {what} has to be one of {}", words()));
    }
    found
}

fn secrets(reader: &mut Reader<'_>, node: &Node, what: &str) -> Vec<SecretRef> {
    let of = format!("`secret` of {what}");
    let nodes = match &node.kind {
        Kind::List(nodes) if nodes.is_empty() => {
            reader.problem(node.span, &format!("{of} is empty"));
            return Vec::new();
        }
        Kind::List(nodes) => nodes.as_slice(),
        Kind::Map(_) | Kind::Scalar(_) => std::slice::from_ref(node),
    };
    nodes.iter().filter_map(|node| reader.secret(node, &of)).collect()
}

fn api(reader: &mut Reader<'_>, entry: &Entry, kind: SourceKind, of: &str) -> Option<Api> {
    let (mut url, mut token, mut allow_private) = (None, None, false);
    for part in reader.keys(&entry.value, of, &["url", "token", "allow_private"]) {
        let what = format!("`{}` of {of}", part.key);
        match part.key.as_str() {
            "url" => url = Some(text(reader, &part.value, &what)?),
            "token" => token = reader.secret(&part.value, &what),
            _ => allow_private = reader.boolean(&part.value, &what),
        }
    }
    let Some(url) = url.or_else(|| kind.api_url().map(str::to_owned)) else {
        let problem = format!("{of} needs a `url`, as `https://git.example.com/api/v1`");
        reader.problem(entry.key_span, &problem);
        return None;
    };
    let url = url.trim_end_matches('/').to_owned();
    if !url.starts_with("https://") && !url.starts_with("http://") {
        reader.problem(entry.value.span, &format!("`url` of {of} has to be an https:// address"));
        return None;
    }
    Some(Api { url, token, allow_private })
}

fn mirror(reader: &mut Reader<'_>, node: &Node, of: &str) -> Option<PathBuf> {
    let path = text(reader, node, of)?;
    if path.starts_with('/') {
        return Some(PathBuf::from(path));
    }
    reader.problem(node.span, &format!("{of} has to be an absolute path"));
    None
}

fn text(reader: &mut Reader<'_>, node: &Node, of: &str) -> Option<String> {
    let text = node.scalar().filter(|scalar| !scalar.is_null()).map(|scalar| &scalar.text);
    let text = text.filter(|text| !text.trim().is_empty() && !text.contains(char::is_control));
    if text.is_none() {
        reader.problem(node.span, &format!("{of} has to be a text"));
    }
    text.cloned()
}

fn header(reader: &mut Reader<'_>, entry: &Entry, of: &str, to: &mut String) {
    let Some(name) = text(reader, &entry.value, of) else { return };
    match http::HeaderName::from_bytes(name.as_bytes()) {
        Ok(name) => name.as_str().clone_into(to),
        Err(_) => reader.problem(entry.value.span, &format!("{of} has to be the name of a header")),
    }
}

fn is_source_name(name: &str) -> bool {
    let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_';
    (1..=64).contains(&name.len()) && name.bytes().all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::read::config;

    #[test]
    fn sources_say_who_sends_and_what_proves_it() {
        let text = "sources:\n  gh:\n    kind: github\n    secret: {env: HOOK}\n    api: {token: {secret: T}}\n    mirror: /srv/{repository}.git\n\
                    \x20 ci: {kind: hmac, secret: [{env: A}, {env: B}], signature_header: X-Sig, event: built}\n";
        let config = config("c", text).unwrap();
        let gh = &config.sources["gh"];
        assert_eq!(gh.api.as_ref().unwrap().url, "https://api.github.com");
        assert_eq!(gh.secrets, [SecretRef::Env("HOOK".into())]);
        let ci = &config.sources["ci"];
        assert_eq!((ci.secrets.len(), &*ci.generic.signature_header), (2, "x-sig"));
        assert_eq!(ci.generic.event.as_deref(), Some("built"));
    }

    #[test]
    fn what_is_wrong_is_said_with_its_remedy() {
        let problem = |text: &str| config("c", &format!("sources: {{{text}}}")).unwrap_err();
        for (text, wanted) in [
            ("gh: {kind: githup, secret: {env: A}}", "has to be one of github, gitlab"),
            ("gh: {kind: github}", "nothing is taken that is not signed"),
            ("gh: {kind: github, secret: abc}", "orchestrate secret set NAME"),
            ("orchestrate: {kind: github, secret: {env: A}}", "call it otherwise"),
            ("G H: {kind: github, secret: {env: A}}", "1 to 64 of a-z"),
            ("g: {kind: gitea, secret: {env: A}, api: {}}", "needs a `url`"),
            ("g: {kind: hmac, secret: {env: A}, mirror: /x}", "a source of kind `hmac` has none"),
            ("g: {kind: github, secret: {env: A}, event: x}", "is for the kinds"),
            ("g: {kind: github, secret: {env: A}, mirror: x}", "absolute path"),
            ("g: {kind: github, secret: []}", "is empty"),
            ("g: {secret: {env: A}}", "needs a `kind`"),
        ] {
            let found = problem(text);
            assert!(found.contains(wanted), "{wanted}\nis not in\n{found}");
        }
    }
}
