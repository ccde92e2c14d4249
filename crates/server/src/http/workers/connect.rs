//! The connection of a worker (`api::worker`): what it says goes to the conductor, what it is told
//! comes from there.

use std::sync::Arc;
use std::time::Duration;

use api::problem::Problem;
use api::worker::{Bye, ByeWhy, FromWorker, Hello, ToWorker};
use axum::Extension;
use axum::extract::State;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade, close_code};
use axum::http::StatusCode;
use axum::response::Response;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use crate::conductor::workers::{Spoken, stopping};
use crate::http::caller::{Caller, Pass};
use crate::http::problem::Fault;
use crate::http::rooms::{Rooms, routes};
use crate::shared::Shared;

/// Bytes of a message: the outputs of an attempt are in one.
const MESSAGE: usize = 16 << 20;
/// Bytes kept per connection to read into, and to write from in small pieces.
const BUFFER: usize = 8 << 10;
/// Whoever does not say who it is for so long is cut, and so is whoever takes nothing.
const PATIENCE: Duration = Duration::from_secs(20);
/// Between two times that it is asked whether the worker is still let in.
const CHECK: Duration = Duration::from_secs(15);

pub(super) fn routes() -> Rooms {
    Rooms::new().routes(routes!(connect))
}

/// The connection of a worker
///
/// Messages are JSON in text frames: `hello` first, then reports one way and orders the other.
#[utoipa::path(
    get,
    path = "/api/workers/connect",
    tag = "workers",
    security(("token" = ["work"])),
    responses(
        (status = SWITCHING_PROTOCOLS, description = "a WebSocket"),
        (status = UPGRADE_REQUIRED, body = Problem),
        (status = "default", body = Problem),
    ),
)]
pub(crate) async fn connect(
    State(shared): State<Arc<Shared>>,
    _caller: Caller,
    pass: Option<Extension<Pass>>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Fault> {
    let upgrade = upgrade.map_err(|rejection| {
        let detail = format!("this is a WebSocket: {}", rejection.body_text());
        Fault::new(StatusCode::UPGRADE_REQUIRED, "upgrade_required", "upgrade required", detail)
            .hint("orchestrate worker --server URL --token TOKEN")
    })?;
    let upgrade = upgrade
        .max_message_size(MESSAGE)
        .max_frame_size(MESSAGE)
        .read_buffer_size(BUFFER)
        .write_buffer_size(BUFFER);
    let pass = pass.map(|Extension(pass)| pass);
    Ok(upgrade.on_upgrade(async move |socket| Talk { socket, shared, pass }.run().await))
}

struct Talk {
    socket: WebSocket,
    shared: Arc<Shared>,
    pass: Option<Pass>,
}

/// What the worker said.
enum Heard {
    Said(Box<FromWorker>),
    /// It cannot be understood.
    Nonsense(String),
    /// It is there.
    Sign,
    Gone,
}

impl Talk {
    async fn run(mut self) {
        let hello = match timeout(PATIENCE, self.first()).await {
            Ok(Ok(hello)) => hello,
            Ok(Err(Some(problem))) => {
                return self.end(Some(Bye { why: ByeWhy::Refused, message: problem })).await;
            }
            Ok(Err(None)) | Err(_) => return self.end(None).await,
        };
        let (say, mut orders) = mpsc::unbounded_channel();
        let (reply, answer) = oneshot::channel();
        if !self.shared.desk.worker(Spoken::Hello { hello: Box::new(hello), say, reply }) {
            return self.end(Some(stopping())).await;
        }
        let (worker, connection) = match answer.await {
            Ok(Ok(known)) => known,
            Ok(Err(bye)) => return self.end(Some(bye)).await,
            Err(_stopped) => return self.end(Some(stopping())).await,
        };
        let bye = self.follow(&worker, connection, &mut orders).await;
        self.shared.desk.worker(Spoken::Gone { worker, connection });
        self.end(bye).await;
    }

    async fn first(&mut self) -> Result<Hello, Option<String>> {
        loop {
            match self.hear().await {
                Heard::Sign => {}
                Heard::Said(said) => {
                    return match *said {
                        FromWorker::Hello(hello) => Ok(*hello),
                        FromWorker::Report { .. } | FromWorker::Beat | FromWorker::Draining => {
                            Err(Some("a worker says first who it is".to_owned()))
                        }
                    };
                }
                Heard::Nonsense(problem) => return Err(Some(problem)),
                Heard::Gone => return Err(None),
            }
        }
    }

    /// Until one of the two has enough; the last word, where there is one.
    async fn follow(
        &mut self,
        worker: &Arc<str>,
        connection: u64,
        orders: &mut mpsc::UnboundedReceiver<ToWorker>,
    ) -> Option<Bye> {
        let shared = Arc::clone(&self.shared);
        let mut stopped = std::pin::pin!(shared.stopped());
        let mut rights = shared.hub.rights();
        let mut check = tokio::time::interval(CHECK);
        loop {
            tokio::select! {
                heard = self.hear() => match heard {
                    Heard::Said(what) => {
                        let worker = Arc::clone(worker);
                        let said = Spoken::Said { worker, connection, what: *what };
                        if !shared.desk.worker(said) {
                            return Some(stopping());
                        }
                    }
                    Heard::Sign => {}
                    Heard::Nonsense(problem) => {
                        return Some(Bye { why: ByeWhy::Refused, message: problem });
                    }
                    Heard::Gone => return None,
                },
                order = orders.recv() => match order {
                    Some(ToWorker::Bye(bye)) => return Some(bye),
                    Some(said) => if !self.say(&said).await { return None },
                    // Another connection took its place, or it is lost.
                    None => return None,
                },
                _changed = rights.changed() => if !self.is_let_in().await { return None },
                _tick = check.tick() => if !self.is_let_in().await { return None },
                () = &mut stopped => return Some(stopping()),
            }
        }
    }

    async fn is_let_in(&mut self) -> bool {
        match &self.pass {
            Some(pass) => pass.check(&self.shared).await.is_ok(),
            None => true,
        }
    }

    async fn hear(&mut self) -> Heard {
        match self.socket.recv().await {
            None | Some(Ok(Message::Close(_)) | Err(_)) => Heard::Gone,
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => Heard::Sign,
            Some(Ok(Message::Binary(_))) => {
                Heard::Nonsense("messages are JSON in text frames".to_owned())
            }
            Some(Ok(Message::Text(text))) => match serde_json::from_str(&text) {
                Ok(said) => Heard::Said(Box::new(said)),
                Err(error) => Heard::Nonsense(format!("this message means nothing: {error}")),
            },
        }
    }

    /// `false`: nobody takes it.
    async fn say(&mut self, what: &ToWorker) -> bool {
        let Ok(text) = serde_json::to_string(what) else { return false };
        let sent = self.socket.send(Message::Text(text.into()));
        matches!(timeout(PATIENCE, sent).await, Ok(Ok(())))
    }

    async fn end(mut self, bye: Option<Bye>) {
        let (code, reason) = match bye.as_ref().map(|bye| bye.why) {
            Some(ByeWhy::Refused) => (close_code::POLICY, "refused"),
            Some(ByeWhy::Drained) => (close_code::NORMAL, "drained"),
            Some(ByeWhy::Stopping) => (close_code::AWAY, "the server stops"),
            None => (close_code::AWAY, "the connection is over"),
        };
        if let Some(bye) = bye
            && !self.say(&ToWorker::Bye(bye)).await
        {
            return;
        }
        let goodbye = Message::Close(Some(CloseFrame { code, reason: reason.into() }));
        let heard = async {
            if self.socket.send(goodbye).await.is_ok() {
                while let Some(Ok(_)) = self.socket.recv().await {}
            }
        };
        // A worker that does not answer is left alone.
        let _answered = timeout(Duration::from_secs(2), heard).await;
    }
}
