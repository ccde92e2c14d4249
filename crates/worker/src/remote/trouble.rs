//! Why a server did not do what it was asked.

use api::problem::Problem;

#[derive(Clone, Debug, thiserror::Error)]
pub(super) enum Trouble {
    /// It is not there, or cannot now: it may be later.
    #[error("{0}")]
    Away(String),
    /// It holds the attempt not to be with this worker.
    #[error("{0}")]
    NotHeld(String),
    #[error("{message}")]
    Refused { status: u16, message: String, hints: Vec<String> },
    /// Of this machine.
    #[error("{0}")]
    Here(String),
}

impl Trouble {
    /// What an answer says that is no success.
    pub(super) fn said(status: u16, body: &[u8]) -> Self {
        let problem = serde_json::from_slice::<Problem>(body).unwrap_or_default();
        let message = match (problem.detail.as_str(), problem.title.as_str()) {
            ("", "") => format!("the server answered {status}"),
            ("", title) => title.to_owned(),
            (detail, _) => detail.to_owned(),
        };
        match status {
            409 => Self::NotHeld(message),
            408 | 425 | 429 | 500..=599 => Self::Away(message),
            _ => Self::Refused { status, message, hints: problem.hints },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_that_are_no_success() {
        let body = br#"{"status": 0, "code": "c", "title": "t", "detail": "d", "hints": ["h"]}"#;
        let said = |status| Trouble::said(status, body);
        assert!(matches!(said(409), Trouble::NotHeld(message) if message == "d"));
        assert!(matches!(said(503), Trouble::Away(_)));
        assert!(matches!(said(429), Trouble::Away(_)));
        assert!(matches!(
            said(403),
            Trouble::Refused { status: 403, hints, .. } if hints == ["h"]
        ));
        let strange = Trouble::said(404, b"<html>");
        assert_eq!(strange.to_string(), "the server answered 404");
    }
}
