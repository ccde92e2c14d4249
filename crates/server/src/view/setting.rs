//! Settings as others see them.

use api::config::SettingView;

use crate::config::oidc::Oidc;
use crate::config::settings::Resolved;

pub(crate) fn view(resolved: &Resolved) -> SettingView {
    let setting = resolved.setting;
    SettingView {
        name: setting.name.to_owned(),
        value: resolved.shown(),
        source: resolved.source.to_string(),
        default: setting.default.map(str::to_owned),
        flag: setting.flag.map(str::to_owned),
        environment: setting.env.iter().map(|name| (*name).to_owned()).collect(),
        file: setting.file,
        doc: setting.doc.to_owned(),
    }
}

/// (key, default, what it says)
const OIDC: [(&str, &str, &str); 13] = [
    ("issuer", "", "The provider that people sign in by."),
    ("client_id", "", "The name under which the provider knows this server."),
    ("client_secret", "", "Where the secret that the provider gave stands; none: a public client."),
    ("public_url", "", "Where browsers reach this server; none: where they asked."),
    ("scopes", "profile, email", "What is asked for beside `openid`."),
    ("username_claim", "preferred_username", "The claim that is the name of a new user."),
    ("groups_claim", "", "The claim, or the path of one, that holds groups."),
    ("roles", "", "Roles by group of the provider."),
    ("default_roles", "viewer", "Of whom no group gives rights."),
    ("allow_new", "true", "Whether the provider's users become ours by signing in."),
    (
        "link_by_name",
        "false",
        "Whether the provider's name for somebody means our user of that name.",
    ),
    ("email_domains", "", "The domains of mail that are let in; none: any."),
    ("allow_private", "false", "Whether the provider may be on this machine or its networks."),
];

/// What `config.yaml` says of the provider, beside the settings. A secret's place is no secret; its
/// value is never here.
pub(crate) fn of_provider(oidc: Option<&Oidc>) -> Vec<SettingView> {
    let view = |(key, default, doc): (&str, &str, &str)| {
        let said = oidc.and_then(|oidc| said(oidc, key)).filter(|said| !said.is_empty());
        let default = Some(default.to_owned()).filter(|default| !default.is_empty());
        let from = if said.is_some() && said != default { "config.yaml" } else { "default" };
        SettingView {
            name: format!("oidc.{key}"),
            value: said.or_else(|| default.clone()),
            source: from.to_owned(),
            default,
            flag: None,
            environment: Vec::new(),
            file: true,
            doc: doc.to_owned(),
        }
    };
    OIDC.into_iter().map(view).collect()
}

fn said(oidc: &Oidc, key: &str) -> Option<String> {
    match key {
        "issuer" => Some(oidc.issuer.clone()),
        "client_id" => Some(oidc.client_id.clone()),
        "client_secret" => oidc.client_secret.as_ref().map(ToString::to_string),
        "public_url" => oidc.public_url.clone(),
        "scopes" => Some(oidc.scopes.join(", ")),
        "username_claim" => Some(oidc.username_claim.clone()),
        "groups_claim" => oidc.groups_claim.clone(),
        "roles" => oidc.roles.as_ref().map(|roles| {
            let one =
                |(group, roles): (&String, &Vec<String>)| format!("{group}: {}", roles.join(" "));
            roles.iter().map(one).collect::<Vec<_>>().join(", ")
        }),
        "default_roles" => Some(oidc.default_roles.join(", ")),
        "allow_new" => Some(oidc.allow_new.to_string()),
        "link_by_name" => Some(oidc.link_by_name.to_string()),
        "email_domains" => Some(oidc.email_domains.join(", ")),
        _ => Some(oidc.allow_private.to_string()),
    }
}
