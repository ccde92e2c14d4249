//! Slack's incoming webhooks, and what takes the same messages (Mattermost, Rocket.Chat).
//!
//! What other people wrote is escaped, is never markup, and mentions nobody.

use serde_json::{Value as Json, json};

use super::letter::{Letter, shorten};

/// Slack takes 150 characters in a header and 3,000 in a text, counted after escaping; a cut must
/// not split an escape, so it is made before, with room for the worst case.
const TEXT: usize = 580;

pub(super) fn message(letter: &Letter) -> Json {
    let mut blocks = vec![json!({
        "type": "section",
        "text": { "type": "mrkdwn", "text": format!("*{}*", bare(&letter.title)), "verbatim": true },
    })];
    if !letter.text.is_empty() {
        let text = escaped(&shorten(&letter.text, TEXT));
        blocks.push(json!({
            "type": "section",
            "text": { "type": "plain_text", "text": text, "emoji": false },
        }));
    }
    let fields: Vec<Json> = letter
        .facts
        .iter()
        .take(10)
        .map(|(label, value)| {
            let text = format!("*{label}*\n{}", bare(value));
            json!({ "type": "mrkdwn", "text": text, "verbatim": true })
        })
        .collect();
    blocks.push(json!({ "type": "section", "fields": fields }));
    let command = format!("`{}`", bare(&letter.command));
    let last = match &letter.url {
        Some(url) => format!("<{}|Open in Orchestrate>  {command}", link(url)),
        None => command,
    };
    blocks.push(json!({
        "type": "section",
        "text": { "type": "mrkdwn", "text": last, "verbatim": true },
    }));
    json!({
        "text": escaped(&letter.title),
        "blocks": blocks,
        "link_names": false,
        "unfurl_links": false,
        "unfurl_media": false,
    })
}

/// No `<` can begin a link or a mention. Those that need none (`@channel`) are broken by a character
/// that is not seen.
fn escaped(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    text.replace('@', "@\u{200b}")
}

/// The same where Slack looks for markup.
fn bare(text: &str) -> String {
    let plain: String =
        text.chars().map(|c| if matches!(c, '*' | '~' | '`') { '\'' } else { c }).collect();
    escaped(&plain)
}

/// Ours, but made with the name of a pipeline and what `config.yaml` says.
fn link(url: &str) -> String {
    url.replace('&', "&amp;").replace('<', "%3C").replace('>', "%3E").replace('|', "%7C")
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;

    #[test]
    fn nobody_is_mentioned_and_nothing_is_markup_but_our_own() {
        let mut letter = Letter::test("k".into(), "<!channel>", Timestamp::UNIX_EPOCH, None);
        letter.title = "deploy of <https://evil.example|ops#1> *failed* @channel & <!here>".into();
        letter.text = "<@U123> `x` @everyone <!subteam^S1> &lt;".into();
        letter.url = Some("https://ci.example/runs/a|b>c/1".into());
        let text = message(&letter).to_string();
        let ours = "<https://ci.example/runs/a%7Cb%3Ec/1|Open in Orchestrate>";
        assert_eq!(text.matches('<').count(), 1, "{text}");
        assert!(text.contains(ours), "{text}");
        for mention in ["@channel", "@everyone", "<!", "<@", "@U123"] {
            assert!(!text.contains(mention), "{mention} in {text}");
        }
        assert!(text.contains("&amp;lt;") && text.contains("'failed'"), "{text}");
    }

    #[test]
    fn a_long_text_stays_within_what_slack_takes() {
        let mut letter = Letter::test("k".into(), "ana", Timestamp::UNIX_EPOCH, None);
        letter.text = "<".repeat(100_000);
        let message = message(&letter);
        let text = message["blocks"][1]["text"]["text"].as_str().unwrap();
        assert!(text.chars().count() <= 3000 && !text.ends_with('&'), "{}", text.len());
    }
}
