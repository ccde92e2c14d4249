//! Mail.
//!
//! Every header is made by the library, which encodes what is not plain text, and nothing that ends
//! a line reaches it: no header can be added from outside. Each recipient gets a mail of their own,
//! so that an address that is refused does not keep it from the others.

use std::net::SocketAddr;
use std::time::Duration;

use lettre::address::Envelope;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};
use lettre::transport::smtp::Error as SmtpError;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, TlsParameters};
use lettre::transport::smtp::extension::ClientId;

use super::fault::{Fault, excerpt};
use super::letter::Letter;
use crate::config::notify::{Encryption, Smtp};
use crate::config::secret::SecretText;
use crate::egress::{Egress, Policy};

/// An address of mail, with or without a name; one line.
pub(crate) fn mailbox(text: &str) -> Option<Mailbox> {
    if text.contains(char::is_control) {
        return None;
    }
    text.parse().ok()
}

/// What was said of those who did not get it; empty when all did.
pub(super) async fn send(
    egress: &Egress,
    smtp: &Smtp,
    password: Option<&SecretText>,
    letter: &Letter,
    policy: &Policy,
) -> Result<String, Fault> {
    let mut recipients: Vec<Mailbox> = Vec::new();
    for text in smtp.to.iter().chain(&letter.people) {
        if let Some(found) = mailbox(text)
            && !recipients.iter().any(|known| known.email == found.email)
        {
            recipients.push(found);
        }
    }
    if recipients.is_empty() {
        return Err(Fault::new("address", "there is nobody to send it to")
            .hint("give the target a `to:`, or the people who are asked an `email`")
            .finally());
    }
    let addresses = egress.addresses(&smtp.host, smtp.port, policy).await?;
    if smtp.encryption == Encryption::None
        && let Some(far) = addresses.iter().find(|address| !address.ip().is_loopback())
    {
        return Err(Fault::new("tls", format!("{} is not this machine", far.ip())).hint(
            "mail is sent without encryption only to this machine: say `starttls` or `tls`",
        ));
    }
    let mut refused = Vec::new();
    let mut sent = 0;
    for recipient in &recipients {
        let mail = mail(smtp, letter, recipient)?;
        match one(smtp, password, &addresses, recipient, &mail, policy.timeout).await {
            Ok(()) => sent += 1,
            Err(fault) if fault.is_final => refused.push((recipient, fault)),
            // Those who have it get it again: at least once.
            Err(fault) => return Err(fault),
        }
    }
    let mut refused = refused.into_iter();
    match (sent, refused.next()) {
        (0, Some((_, fault))) => Err(fault),
        (_, first) => {
            let said = first.into_iter().chain(refused);
            let said = said.map(|(to, fault)| format!("not to {}: {fault}", to.email));
            Ok(said.collect::<Vec<_>>().join("; "))
        }
    }
}

fn mail(smtp: &Smtp, letter: &Letter, to: &Mailbox) -> Result<Vec<u8>, Fault> {
    let wrong = |problem: String| Fault::new("address", problem);
    let from =
        mailbox(&smtp.from).ok_or_else(|| wrong(format!("`{}` cannot send mail", smtp.from)))?;
    let id = format!("<{}@{}>", letter.key, from.email.domain());
    let mail = lettre::Message::builder()
        .from(from)
        .to(to.clone())
        .subject(letter.title.clone())
        // The same for every try: programs of mail show it once.
        .message_id(Some(id))
        .date(letter.at.into())
        .raw_header(header("Auto-Submitted", "auto-generated"))
        .raw_header(header("X-Orchestrate-Notice", &letter.id))
        .multipart(MultiPart::alternative_plain_html(letter.plain(), html(letter)))
        .map_err(|error| wrong(error.to_string()))?;
    Ok(mail.formatted())
}

fn header(name: &'static str, value: &str) -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str(name), value.to_owned())
}

fn html(letter: &Letter) -> String {
    let mut html = String::from("<!doctype html><html><body style=\"font-family:sans-serif\">");
    html.push_str(&format!("<h2 style=\"font-size:18px\">{}</h2>", escaped(&letter.title)));
    if !letter.text.is_empty() {
        let text = escaped(&letter.text);
        html.push_str(&format!("<p style=\"white-space:pre-wrap\">{text}</p>"));
    }
    html.push_str("<table>");
    for (label, value) in &letter.facts {
        let value = escaped(value);
        html.push_str(&format!("<tr><th align=\"left\">{label}</th><td>{value}</td></tr>"));
    }
    html.push_str("</table>");
    if let Some(url) = &letter.url {
        html.push_str(&format!("<p><a href=\"{}\">Open in Orchestrate</a></p>", escaped(url)));
    }
    html.push_str(&format!("<pre>{}</pre></body></html>", escaped(&letter.command)));
    html
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}

async fn one(
    smtp: &Smtp,
    password: Option<&SecretText>,
    addresses: &[SocketAddr],
    to: &Mailbox,
    mail: &[u8],
    timeout: Duration,
) -> Result<(), Fault> {
    let hello = ClientId::default();
    let tls = || TlsParameters::new(smtp.host.clone()).map_err(|error| fault(&error, "TLS"));
    let first = match smtp.encryption {
        Encryption::Tls => Some(tls()?),
        Encryption::StartTls | Encryption::None => None,
    };
    // Judged addresses, not the name: it could lead elsewhere by now.
    let mut connection =
        AsyncSmtpConnection::connect_tokio1(addresses, Some(timeout), &hello, first, None)
            .await
            .map_err(|error| fault(&error, "connecting"))?;
    if smtp.encryption == Encryption::StartTls {
        connection.starttls(tls()?, &hello).await.map_err(|error| {
            fault(&error, "STARTTLS").hint("nothing is sent in the clear: `encryption: tls`?")
        })?;
    }
    if let Some(((user, _), password)) = smtp.login.as_ref().zip(password) {
        let login = Credentials::new(user.clone(), password.expose().to_owned());
        let ways = [Mechanism::Plain, Mechanism::Login];
        connection.auth(&ways, &login).await.map_err(|error| {
            // Whoever corrects the password wants the notice to arrive.
            Fault { is_final: false, ..fault(&error, "logging in") }
                .hint("check `user` and `password` of the target")
        })?;
    }
    let from = mailbox(&smtp.from).map(|from| from.email);
    let envelope = Envelope::new(from, vec![to.email.clone()])
        .map_err(|error| Fault::new("address", error.to_string()))?;
    connection.send(&envelope, mail).await.map_err(|error| fault(&error, "sending"))?;
    // It has been taken: how the connection ends is of no interest.
    let _ended = connection.quit().await;
    Ok(())
}

fn fault(error: &SmtpError, during: &str) -> Fault {
    let says = excerpt(crate::refused::chain(error).as_bytes());
    match error.status() {
        Some(code) => Fault {
            is_final: error.is_permanent(),
            ..Fault::new("smtp", format!("the server answered {code} while {during}: {says}"))
        },
        None if error.is_tls() => Fault::new("tls", format!("no trusted connection: {says}"))
            .hint("check `host`, `port` and `encryption` of the target"),
        None if error.is_timeout() => Fault::new("timeout", format!("no answer while {during}")),
        None if during == "connecting" => {
            Fault::new("connect", format!("could not connect: {says}"))
        }
        None => Fault::new("broken", format!("it broke off while {during}: {says}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;

    #[test]
    fn no_header_can_be_added_from_outside() {
        let evil = "x\r\nBcc: eve@evil.example\r\n\r\nbody";
        let mut letter = Letter::test("k1".into(), evil, Timestamp::UNIX_EPOCH, None);
        letter.text = "<script>alert(1)</script>".into();
        let smtp = Smtp {
            host: "mail.example".into(),
            port: 25,
            encryption: Encryption::None,
            from: "CI <ci@example.com>".into(),
            to: Vec::new(),
            login: None,
        };
        for subject in [evil, "gr\u{fc}\u{df}e\r\nBcc: eve@evil.example", "a\u{0}b", "\u{2028}x"] {
            letter.title = subject.into();
            let to = mailbox("Ana <ana@example.com>").unwrap();
            let text = String::from_utf8(mail(&smtp, &letter, &to).unwrap()).unwrap();
            let head = text.split("\r\n\r\n").next().unwrap();
            let names: Vec<&str> = head
                .split("\r\n")
                .filter(|line| !line.starts_with([' ', '\t']))
                .map(|line| line.split(':').next().unwrap())
                .collect();
            assert!(!names.contains(&"Bcc"), "{head}");
            assert_eq!(names.iter().filter(|name| **name == "Subject").count(), 1, "{head}");
            assert!(head.contains("Message-ID: <k1@example.com>"), "{head}");
            assert!(!html(&letter).contains("<script>"));
        }
        for wrong in ["ana@example.com\r\nBcc: eve@evil.example", "a@b\n", "ana", ""] {
            assert!(mailbox(wrong).is_none(), "{wrong}");
        }
    }
}
