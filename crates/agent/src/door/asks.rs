//! Questions to people. They may take days; a restart of either side loses nothing, because a
//! question has a key that stays the same.

use std::time::Duration;

use api::agent::{Answer, AskPerson, Asked};
use http::Method;

use super::{Closed, Door};

/// Before a broken connection is tried again.
const PAUSE: Duration = Duration::from_millis(500);

impl Door {
    /// Asks, or asks again, and waits for the answer.
    pub(crate) async fn ask(&self, ask: &AskPerson) -> Result<Answer, Closed> {
        let body = serde_json::to_vec(ask).map_err(|error| Closed::Request(error.to_string()))?;
        let path = format!("/api/attempt/asks/{}", ask.key);
        let mut asked: Asked = loop {
            match self.json(Method::POST, "/api/attempt/asks", Some(body.clone())).await {
                Err(Closed::Broken(_)) => tokio::time::sleep(PAUSE).await,
                other => break other?,
            }
        };
        loop {
            if let Some(answer) = asked.answer {
                return Ok(answer);
            }
            // The server answers when there is something to say, or after a while with nothing.
            asked = match self.json(Method::GET, &path, None).await {
                Err(Closed::Broken(_)) => {
                    tokio::time::sleep(PAUSE).await;
                    continue;
                }
                other => other?,
            };
        }
    }
}
