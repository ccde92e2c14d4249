//! What only a person can say: may it do this, and what does it need to know.

use api::agent::{Answer, AskKind, AskPerson, Decision, Did};
use serde_json::{Value as Json, json};
use sha2::{Digest as _, Sha256};

use super::notes::Entry;
use super::{Call, Desk, Where, permission};
use crate::door::Closed;

/// What came of a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    Text(String),
    Nobody,
}

impl Desk {
    /// Whether the call may be made.
    ///
    /// # Errors
    /// Why not, in words for the agent. It is written down and counted.
    pub(crate) async fn permit(&self, call: &Call) -> Result<(), String> {
        let reason = match permission::decide(&self.agent.permissions, call) {
            Decision::Allow => return Ok(()),
            Decision::Deny => "the rules of this stage do not allow it".to_owned(),
            Decision::Ask => match self.ask_permission(call).await {
                Ok(()) => return Ok(()),
                Err(reason) => reason,
            },
        };
        self.refused(call, &reason);
        Err(reason)
    }

    /// A call was refused, here or by an agent's own rules. It is written down and counted, once.
    pub(crate) fn refused(&self, call: &Call, reason: &str) {
        if !self.state().refused.insert(call.id.clone()) {
            return;
        }
        self.record(Did::Denied {
            id: call.id.clone(),
            kind: Some(call.kind),
            title: call.title.clone(),
            reason: reason.to_owned(),
        });
        self.keep(Entry::Denied);
    }

    async fn ask_permission(&self, call: &Call) -> Result<(), String> {
        let path = call.path.as_ref().map(|path| match path {
            Where::Inside(path) | Where::Outside(path) => path,
        });
        let ask = AskPerson {
            key: format!("tool-{}-{}", self.session, slug(&call.id)),
            kind: AskKind::Permission,
            question: format!("May `{}` do this: {}", self.agent.name, call.title),
            choices: Vec::new(),
            detail: json!({
                "agent": self.agent.name,
                "tool": call.kind,
                "path": path,
                "command": call.command,
                "input": call.input,
            }),
        };
        let why = match self.ask_person(ask).await? {
            Answer::Allowed { .. } => return Ok(()),
            Answer::Refused { by, comment } if comment.trim().is_empty() => {
                format!("{by} refused it")
            }
            Answer::Refused { by, comment } => format!("{by} refused it: {comment}"),
            Answer::Said { by, text } => format!("{by} did not allow it but said: {text}"),
            Answer::Expired => "nobody allowed it in time".to_owned(),
        };
        Err(why)
    }

    /// # Errors
    /// Why nobody could be asked.
    pub(crate) async fn ask_human(
        &self,
        question: &str,
        choices: Vec<String>,
    ) -> Result<Said, String> {
        // A session that is taken up again asks the same once more, and finds the answer.
        let digest = Sha256::digest(json!([question, choices]).to_string());
        let digest: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        let ask = AskPerson {
            key: format!("question-{}-{digest}", self.session),
            kind: AskKind::Question,
            question: question.to_owned(),
            choices,
            detail: Json::Null,
        };
        let answer = self.ask_person(ask).await?;
        Ok(match answer {
            Answer::Said { text, .. } => Said::Text(text),
            Answer::Allowed { comment, .. } => Said::Text(format!("yes. {comment}")),
            Answer::Refused { comment, .. } => Said::Text(format!("no. {comment}")),
            Answer::Expired => Said::Nobody,
        })
    }

    /// No clock runs meanwhile. It goes into the journal: no secret goes along.
    async fn ask_person(&self, ask: AskPerson) -> Result<Answer, String> {
        let veil = &self.room.veil;
        let ask = AskPerson {
            key: ask.key,
            kind: ask.kind,
            question: veil.text(&ask.question),
            choices: ask.choices.iter().map(|choice| veil.text(choice)).collect(),
            detail: veil.json(ask.detail),
        };
        self.record(Did::Asked { ask: ask.key.clone(), question: ask.question.clone() });
        self.room.sync();
        self.state().waiting += 1;
        self.rests.notify_waiters();
        let answer = {
            let _wall = self.room.wall.hold();
            let _idle = self.idle.hold();
            self.room.door.ask(&ask).await
        };
        let answer = match answer {
            Ok(answer) => Ok(answer),
            Err(Closed::TakenOver) => {
                // The seat is about to end whoever asked.
                std::future::pending().await
            }
            Err(error) => Err(format!("nobody could be asked: {error}")),
        };
        {
            let mut state = self.state();
            state.waiting = state.waiting.saturating_sub(1);
        }
        let answer = answer?;
        let said = match &answer {
            Answer::Allowed { by, comment } => format!("{by} allows it {comment}"),
            Answer::Refused { by, comment } => format!("{by} refuses it {comment}"),
            Answer::Said { by, text } => format!("{by}: {text}"),
            Answer::Expired => "nobody answered in time".to_owned(),
        };
        self.record(Did::Answered { ask: ask.key, answer: said.trim().to_owned() });
        Ok(answer)
    }
}

/// Fit for a path of the API.
fn slug(id: &str) -> String {
    id.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' }).collect()
}
