//! Whether a person has taken over.

use std::sync::Arc;
use std::time::Duration;

use api::agent::{Attach, Holding, LetGo};
use http::Method;

use super::{Closed, Door, Way};
use crate::room::Room;

/// Before a broken connection is tried again.
const PAUSE: Duration = Duration::from_millis(500);

impl Door {
    /// Tells the room of every taking over and handing back, as long as the attempt is live.
    pub(crate) async fn watch_holds(&self, room: Arc<Room>) {
        if matches!(self.way, Way::Loopback(_)) {
            return;
        }
        let mut after = room.job.taken.as_ref().map_or(0, |taken| taken.stamp());
        loop {
            let path = format!("/api/attempt/hold?after={after}");
            let holding: Holding = match self.json(Method::GET, &path, None).await {
                Ok(holding) => holding,
                Err(Closed::Broken(_)) => {
                    tokio::time::sleep(PAUSE).await;
                    continue;
                }
                // The attempt is over, or nobody can take over here.
                Err(error) => {
                    tracing::info!(%error, "nobody is listened to who would take over");
                    return;
                }
            };
            if let Some(taken) = holding.taken.filter(|taken| taken.stamp() > after) {
                after = taken.stamp();
                room.tell_taken(taken);
            }
        }
    }

    /// A person may go on. The server may not want to know any more.
    pub(crate) async fn let_go(&self, hold: u32, attach: Attach) -> Result<(), Closed> {
        let body = serde_json::to_vec(&LetGo { hold, attach })
            .map_err(|error| Closed::Request(error.to_string()))?;
        loop {
            let said = self.json(Method::POST, "/api/attempt/hold", Some(body.clone())).await;
            match said {
                Err(Closed::Broken(_)) => tokio::time::sleep(PAUSE).await,
                other => return other.map(|_: Holding| ()),
            }
        }
    }
}
