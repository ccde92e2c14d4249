//! What programs say of a model that failed, told by its status or by their words.

use api::agent::{ErrorClass, Terminal};

/// Of a message, so much is kept.
const SHOWN: usize = 1000;

/// The terminal error that a program's words mean; a status that it names itself counts for more.
pub(crate) fn understood(status: Option<u16>, message: &str) -> Terminal {
    let message: String = message.chars().take(SHOWN).collect();
    Terminal::Error { class: class(status.or_else(|| status_in(&message)), &message), message }
}

fn class(status: Option<u16>, message: &str) -> ErrorClass {
    let lower = message.to_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    if says(&["budget_exhausted", "max_budget"]) {
        return ErrorClass::Budget;
    }
    if says(&["prompt is too long", "context window", "context length", "context_length"]) {
        return ErrorClass::ContextTooLong;
    }
    match status {
        Some(401 | 403) => ErrorClass::Auth,
        Some(429) => ErrorClass::RateLimited,
        Some(408 | 409 | 425 | 500..) => ErrorClass::Unavailable,
        Some(400..) => ErrorClass::Invalid,
        Some(_) => ErrorClass::Unavailable,
        None if says(&["failed to authenticate", "unauthorized", "invalid api key"]) => {
            ErrorClass::Auth
        }
        None if says(&["rate limit", "too many requests"]) => ErrorClass::RateLimited,
        None if says(&["maximum output", "output token maximum", "max_output_tokens"]) => {
            ErrorClass::OutputLimit
        }
        None => ErrorClass::Unavailable,
    }
}

/// `API Error: 529 ...`, `unexpected status 400 Bad Request`, `(status 503)`.
fn status_in(message: &str) -> Option<u16> {
    let lower = message.to_lowercase();
    ["api error: ", "status code ", "status: ", "status ", "http "].iter().find_map(|before| {
        let (_, after) = lower.split_once(before)?;
        let number: String = after.chars().take_while(char::is_ascii_digit).collect();
        number.parse().ok().filter(|status| (400..600).contains(status))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_programs_have_a_class() {
        for (status, message, expected) in [
            (Some(401), "Failed to authenticate. API Error: 401 no", ErrorClass::Auth),
            (None, "API Error: 529 overloaded", ErrorClass::Unavailable),
            (None, "exceeded retry limit, last status: 429 Too Many", ErrorClass::RateLimited),
            (None, "unexpected status 401 Unauthorized: no", ErrorClass::Auth),
            (
                Some(400),
                "API Error: 400 budget_exhausted: no call is left to `worker`",
                ErrorClass::Budget,
            ),
            (Some(400), "Prompt is too long", ErrorClass::ContextTooLong),
            (None, "API Error: 400 no such field", ErrorClass::Invalid),
            (None, "stream disconnected before completion", ErrorClass::Unavailable),
            (None, "the status 12 is odd", ErrorClass::Unavailable),
        ] {
            let Terminal::Error { class, .. } = understood(status, message) else { panic!() };
            assert_eq!(class, expected, "{message}");
        }
    }
}
