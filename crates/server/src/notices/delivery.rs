//! One try to deliver one notice.

use std::collections::BTreeSet;
use std::time::Duration;

use http::header::{HeaderName, HeaderValue};

use super::fault::Fault;
use super::letter::Letter;
use super::{command, slack, smtp, webhook};
use crate::clock::Clock;
use crate::config::Directory;
use crate::config::notify::{Target, Text, Way};
use crate::config::secret::{SecretRef, SecretText};
use crate::egress::Policy;
use crate::refused::Refused;
use crate::shared::{Shared, blocking};

/// Each way keeps the time of its target itself, and says what it waited for; only what hangs
/// outside of them, as a store of secrets, is ended so much later.
const GRACE: Duration = Duration::from_secs(1);

/// What of it did not arrive although the notice did; empty as a rule.
pub(super) async fn deliver(
    shared: &Shared,
    target: &Target,
    letter: &Letter,
) -> Result<String, Fault> {
    let mut secrets = Vec::new();
    let late = target.timeout + GRACE;
    let work = attempt(shared, target, letter, &mut secrets);
    let tried = match tokio::time::timeout(late, work).await {
        Ok(tried) => tried,
        Err(_elapsed) => {
            let seconds = late.as_secs_f32();
            Err(Fault::new("timeout", format!("it took longer than {seconds} s")))
        }
    };
    tried.map_err(|fault| fault.masked(&secrets))
}

async fn attempt(
    shared: &Shared,
    target: &Target,
    letter: &Letter,
    secrets: &mut Vec<SecretText>,
) -> Result<String, Fault> {
    let policy = Policy {
        allow_private: target.allow_private,
        timeout: target.timeout,
        max_bytes: 256 << 10,
    };
    match &target.way {
        Way::Slack { url } => {
            let url = secret(shared, url, secrets).await?;
            let body = slack::message(letter);
            let request = webhook::request(url.expose(), letter, &body, Vec::new())?;
            webhook::send(&shared.egress, request, &policy).await?;
            Ok(String::new())
        }
        Way::Webhook { url, secret: key, headers } => {
            let url = match url {
                Text::Plain(url) => url.clone(),
                Text::Secret(of) => secret(shared, of, secrets).await?.expose().to_owned(),
            };
            let mut extra = Vec::new();
            for (name, of) in headers {
                let value = secret(shared, of, secrets).await?;
                extra.push(header(name, value.expose())?);
            }
            extra.push(header("Orchestrate-Notice", &letter.kind)?);
            let mut request = webhook::request(&url, letter, letter.body(), extra)?;
            if let Some(key) = key {
                let key = secret(shared, key, secrets).await?;
                let seconds = Clock::start(None).now().as_second();
                let signed = webhook::signature(&key, seconds, request.body());
                let signed = signed.ok_or_else(|| Fault::new("secret", "it cannot be signed"))?;
                let (name, value) = header("Orchestrate-Signature", &signed)?;
                request.headers_mut().insert(name, value);
            }
            webhook::send(&shared.egress, request, &policy).await?;
            Ok(String::new())
        }
        Way::Smtp(mail) => {
            let password = match &mail.login {
                Some((_, password)) => Some(secret(shared, password, secrets).await?),
                None => None,
            };
            smtp::send(&shared.egress, mail, password.as_ref(), letter, &policy).await
        }
        Way::Command { argv, env } => {
            let mut with = vec![
                ("ORCHESTRATE_NOTICE".to_owned(), letter.key.clone()),
                ("ORCHESTRATE_NOTICE_KIND".to_owned(), letter.kind.clone()),
            ];
            for (name, of) in env {
                let value = secret(shared, of, secrets).await?;
                if value.expose().contains('\0') {
                    return Err(Fault::new("secret", format!("`{name}` holds a zero byte")));
                }
                with.push((name.clone(), value.expose().to_owned()));
            }
            let input = letter.body().to_string().into_bytes();
            let timeout = target.timeout;
            let job = command::Job { argv: argv.clone(), env: with, input, timeout };
            blocking(move || command::run(&job)).await.map_err(|refused| internal(&refused))??;
            Ok(String::new())
        }
    }
}

/// Kept among those that must not be seen in what is said of a failure.
async fn secret(
    shared: &Shared,
    of: &SecretRef,
    secrets: &mut Vec<SecretText>,
) -> Result<SecretText, Fault> {
    let (vault, of) = (shared.vault.clone(), of.clone());
    let found =
        blocking(move || vault.resolve(&of)).await.map_err(|refused| internal(&refused))??;
    secrets.push(found.clone());
    Ok(found)
}

fn header(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), Fault> {
    let wrong = |what: &str| Fault::new("url", format!("header `{name}` {what}"));
    let found = HeaderName::from_bytes(name.as_bytes()).map_err(|_| wrong("has no valid name"))?;
    let mut value = HeaderValue::from_str(value).map_err(|_| wrong("has no valid value"))?;
    value.set_sensitive(true);
    Ok((found, value))
}

pub(super) fn internal(refused: &Refused) -> Fault {
    Fault::new("internal", refused.to_string())
}

/// The mail addresses of those whom these entries (users, groups, roles) mean now.
pub(super) async fn people(shared: &Shared, entries: Vec<String>) -> Result<Vec<String>, Refused> {
    let config = shared.config()?;
    let users = shared.read(|reader| Ok(reader.users()?)).await?;
    let directory: &Directory = &config.directory;
    let mut found = BTreeSet::new();
    for entry in &entries {
        found.extend(directory.addresses(entry));
        let meant = users.iter().filter(|user| {
            user.disabled_at.is_none()
                && !user.email.is_empty()
                && (user.name == *entry
                    || user.groups.contains(entry)
                    || user.roles.contains(entry)
                    || directory.person(&user.name).is(entry))
        });
        found.extend(meant.map(|user| user.email.clone()));
    }
    Ok(found.into_iter().collect())
}
