use super::*;

fn read_all(text: &str) -> Result<Notify, String> {
    crate::config::read::config("config.yaml", text).map(|config| config.notify)
}

#[test]
fn every_kind_of_target_is_read() {
    let notify = read_all(
        "notify:
  public_url: https://ci.example.com/
  retry: {first: 1s, give_up_after: 2h}
  targets:
    ops: {kind: slack, url: {secret: SLACK}}
    hook: {kind: webhook, url: 'https://hooks.example.com/x', secret: {env: HOOK}, timeout: 5s,
           headers: {Authorization: {file: auth}}, allow_private: true}
    mail: {kind: smtp, host: mail.example.com, from: 'CI <ci@example.com>', to: ops@example.com,
           user: ci, password: {secret: MAIL}}
    page: {kind: command, command: [pager, --now], env: {TOKEN: {secret: PAGER}}}
  rules:
    - {on: [run.failed, run.recovered], pipelines: ['deploy-*', '!deploy-test'], to: [ops, hook]}
    - {on: approval.requested, to: mail, approvers: true}
",
    )
    .unwrap();
    assert_eq!(notify.public_url.as_deref(), Some("https://ci.example.com"));
    assert_eq!(notify.retry.first, Duration::from_secs(1));
    assert_eq!(notify.retry.most, Retry::default().most);
    let words: Vec<_> = notify.targets.values().map(|target| target.way.word()).collect();
    assert_eq!(words, ["slack", "webhook", "smtp", "command"]);
    assert!(notify.targets["hook"].allow_private && !notify.targets["ops"].allow_private);
    let Way::Smtp(smtp) = &notify.targets["mail"].way else { panic!("no mail") };
    assert_eq!((smtp.port, smtp.encryption), (587, Encryption::StartTls));
    let [first, second] = notify.rules.as_slice() else { panic!("two rules") };
    assert_eq!(first.on, [Kind::RunFailed, Kind::RunRecovered]);
    assert!(first.pipelines.matches("deploy-eu") && !first.pipelines.matches("deploy-test"));
    assert!(!first.pipelines.matches("ci"));
    assert!(second.approvers && second.pipelines.matches("ci"));
}

#[test]
fn every_mistake_is_said_with_its_place_and_no_secret_is_repeated() {
    let problems = read_all(
        "notify:
  public_url: ci.example.com
  targets:
    ops: {kind: slack, url: 'https://hooks.slack.com/services/T0/B0/hush'}
    hook: {kind: webhook, url: nowhere}
    mail: {kind: smtp, host: x, from: nobody, user: ci}
    page: {kind: command, command: 'echo hi'}
    fax: {kind: telefax}
    web: {kind: webhook, url: 'https://x.example', secret: hush}
  rules:
    - {on: [run.fialed], to: [opps]}
    - {to: [ops], approver: true}
",
    )
    .unwrap_err();
    for wanted in [
        "2:15: `public_url` has to be like",
        "4:29: the value of `url` of target `ops` is not written here",
        "5:32: `url` of target `hook` has to be like",
        "`from` of target `mail`: `nobody` is no address of mail",
        "target `mail` needs both `user` and `password`",
        "`command` of target `page` has to be a list",
        "8:17: `kind` of target `fax` has to be slack, webhook, smtp or command",
        "the value of `secret` of target `web` is not written here",
        "nobody can be told of `run.fialed`; did you mean `run.failed`?",
        "there is no target `opps`; did you mean `ops`?",
        "has no key `approver`; did you mean `approvers`?",
        "a rule of `notify` needs `on`",
    ] {
        assert!(problems.contains(wanted), "{wanted}\nis not in\n{problems}");
    }
    assert!(!problems.contains("hush"), "{problems}");
}
