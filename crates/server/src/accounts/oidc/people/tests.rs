use super::*;
use std::sync::Arc;

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

fn config(text: &str) -> Arc<Config> {
    let folder = tempfile::tempdir().unwrap();
    let text = text.replace("OIDC", "issuer: https://id.example.com, client_id: orc");
    std::fs::write(folder.path().join("config.yaml"), text).unwrap();
    crate::config::ConfigFile::in_folder(folder.path()).current().unwrap()
}

fn bo(groups: &[&str]) -> Identity {
    Identity {
        issuer: "https://id.example.com".into(),
        sub: "7".into(),
        name: Some("bo".into()),
        full_name: "Bo\u{7} B.".into(),
        email: Some("bo@Example.com".into()),
        email_verified: true,
        groups: groups.iter().map(|&group| group.to_owned()).collect(),
    }
}

/// With these as who has the identity, who has the name, and whether it is in use otherwise.
fn decide(
    config: &Config,
    who: &Identity,
    same: Option<&UserRow>,
    namesake: Option<&UserRow>,
    otherwise: bool,
) -> Result<(UserRow, bool), Denied> {
    let known = Known { config, same: same.cloned(), namesake: namesake.cloned(), otherwise };
    user(config.oidc.as_ref().unwrap(), who, known, NOW)
}

fn new(config: &Config, who: &Identity) -> Result<UserRow, Denied> {
    decide(config, who, None, None, false).map(|(row, new)| {
        assert!(new);
        row
    })
}

#[test]
fn somebody_new_is_a_viewer_unless_a_group_gives_more() {
    let row = new(&config("oidc: {OIDC}\n"), &bo(&["ops"])).unwrap();
    assert_eq!((row.name.as_str(), &row.roles[..]), ("bo", &["viewer".to_owned()][..]));
    assert!(row.groups.is_empty(), "nobody asked for groups");
    assert_eq!((row.full_name.as_str(), row.email.as_str()), ("Bo B.", "bo@Example.com"));
    assert_eq!(row.subject.as_deref(), Some("https://id.example.com 7"));
    let mapped = config(
        "oidc: {OIDC, groups_claim: g, roles: {ops: [operator, on-call], sec: auditor, x: pet}}\n",
    );
    let of = |groups: &[&str]| new(&mapped, &bo(groups)).unwrap();
    assert_eq!(of(&["ops", "sec"]).roles, ["auditor", "on-call", "operator"]);
    assert_eq!(of(&["x"]).roles, ["pet", "viewer"], "a role of their own gives no rights");
    assert_eq!(of(&[]).roles, ["viewer"]);
    assert_eq!(of(&["ops", "admin", "a,b", "other"]).groups, ["ops", "other"]);
    assert_eq!(of(&["admin"]).roles, ["viewer"], "a group is no role");
}

#[test]
fn groups_and_roles_are_mapped_anew_each_time_and_kept_where_nobody_maps() {
    let mapped = config("oidc: {OIDC, groups_claim: g, roles: {ops: admin}}\n");
    let row = new(&mapped, &bo(&["ops"])).unwrap();
    assert_eq!(row.roles, ["admin"]);
    let (row, _) = decide(&mapped, &bo(&[]), Some(&row), None, false).unwrap();
    assert_eq!((row.roles.as_slice(), row.groups.len()), (&["viewer".to_owned()][..], 0));
    let ours = config("oidc: {OIDC}\n");
    let before = UserRow { roles: vec!["admin".into()], groups: vec!["g".into()], ..row };
    let (row, new) = decide(&ours, &bo(&["ops"]), Some(&before), None, false).unwrap();
    assert_eq!((row, new), (before, false), "nothing has changed");
}

#[test]
fn a_name_that_is_somebodys_is_not_given_to_whoever_says_it() {
    let careful = config("users: {cy: }\noidc: {OIDC}\n");
    let linking = config("users: {cy: }\noidc: {OIDC, link_by_name: true, allow_new: false}\n");
    let mut local = new(&careful, &bo(&[])).unwrap();
    local.subject = None;
    let taken = Err(Denied::Taken { name: "bo".into() });
    assert_eq!(decide(&careful, &bo(&[]), None, Some(&local), false), taken);
    assert_eq!(decide(&careful, &bo(&[]), None, None, true), taken);
    let cy = Identity { name: Some("cy".into()), ..bo(&[]) };
    assert!(matches!(new(&careful, &cy), Err(Denied::Taken { .. })), "the file lists them");
    let (row, new_one) = decide(&linking, &bo(&[]), None, Some(&local), false).unwrap();
    assert_eq!((row.subject.as_deref(), new_one), (Some("https://id.example.com 7"), false));
    assert!(new(&linking, &cy).is_ok());
    let other = UserRow { subject: Some("https://id.example.com 8".into()), ..local };
    assert_eq!(decide(&linking, &bo(&[]), None, Some(&other), false), taken);
    assert!(matches!(new(&linking, &bo(&[])), Err(Denied::NotListed { .. })));
}

#[test]
fn who_is_known_keeps_their_name_and_who_is_disabled_stays_out() {
    let config = config("oidc: {OIDC}\n");
    let row = new(&config, &bo(&[])).unwrap();
    let renamed = Identity { name: Some("admin".into()), ..bo(&[]) };
    let (same, _) = decide(&config, &renamed, Some(&row), None, false).unwrap();
    assert_eq!(same.name, "bo");
    let nameless = Identity { name: None, ..bo(&[]) };
    assert!(decide(&config, &nameless, Some(&row), None, false).is_ok());
    let disabled = UserRow { disabled_at: Some(NOW), ..row };
    let denied = decide(&config, &bo(&[]), Some(&disabled), None, false).unwrap_err();
    assert_eq!(denied.remedy(&bo(&[])), "orchestrate user update bo --enable");
}

#[test]
fn names_and_addresses_have_to_be_fit() {
    let domains = config("oidc: {OIDC, email_domains: [example.com]}\n");
    assert!(new(&domains, &bo(&[])).is_ok());
    for (email, email_verified) in [
        (Some("bo@example.com.evil.example"), true),
        (Some("bo@example.com"), false),
        (Some("example.com"), true),
        (None, false),
    ] {
        let who = Identity { email: email.map(str::to_owned), email_verified, ..bo(&[]) };
        assert_eq!(new(&domains, &who), Err(Denied::Domain), "{email:?}");
    }
    let any = config("oidc: {OIDC}\n");
    for name in ["", " bo", "a,b", "b\u{0}o", "agent:coder", &"x".repeat(129)] {
        let who = Identity { name: Some(name.into()), ..bo(&[]) };
        assert_eq!(new(&any, &who), Err(Denied::UnfitName), "{name}");
    }
    let nameless = Identity { name: None, ..bo(&[]) };
    assert!(matches!(new(&any, &nameless), Err(Denied::NoName { .. })));
    let endless = Identity { sub: "7".repeat(256), ..bo(&[]) };
    assert_eq!(new(&any, &endless), Err(Denied::UnfitName));
    let long = Identity { full_name: "é".repeat(200), ..bo(&[]) };
    assert_eq!(new(&any, &long).unwrap().full_name.len(), 256);
}

#[test]
fn commands_can_be_pasted() {
    for (text, wanted) in [("bo", "bo"), ("auth0|7", "'auth0|7'"), ("x';rm", "..."), ("", "''")] {
        assert_eq!(argument(text), wanted, "{text}");
    }
}

#[test]
fn a_provider_lets_somebody_in_only_where_anybody_could_be() {
    let user = new(&config("oidc: {OIDC}\n"), &bo(&[])).unwrap();
    let ours = UserRow { subject: None, ..user.clone() };
    let closed = config("oidc: {OIDC, allow_new: false}\n");
    assert!(lets_in(&config("oidc: {OIDC}\n"), &[]));
    assert!(!lets_in(&config("users: {bo: }\n"), std::slice::from_ref(&user)), "no provider");
    assert!(!lets_in(&closed, &[]) && !lets_in(&closed, std::slice::from_ref(&ours)));
    assert!(lets_in(&closed, std::slice::from_ref(&user)));
    let disabled = UserRow { disabled_at: Some(NOW), ..user };
    assert!(!lets_in(&closed, &[disabled]));
    let linking = config("oidc: {OIDC, allow_new: false, link_by_name: true}\n");
    assert!(lets_in(&linking, &[ours]) && !lets_in(&linking, &[]));
}
