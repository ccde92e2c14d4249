//! The socket: one connection to the server, from the dialling to its end.

use api::worker::{FromWorker, Hello, ToWorker};
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, Message};

use super::address::{Server, Stream};
use super::trouble::Trouble;

const PATH: &str = "/api/workers/connect";
/// Of a message: what a stage is given in words travels in its assignment.
const LARGEST: usize = 64 << 20;

#[derive(Debug)]
pub(super) enum Heard {
    /// The server was greeted; what is put in here is sent.
    Up(UnboundedSender<FromWorker>),
    Message(ToWorker),
    /// Why it ended. Nothing follows.
    Down(Trouble),
}

/// Runs until the connection has ended, which is always said; dropping the sender of messages ends it.
pub(super) async fn hold(
    server: Server,
    token: String,
    hello: Hello,
    tell: impl Fn(Heard) + Send + 'static,
) {
    let trouble = match open(&server, &token).await {
        Ok(socket) => talk(socket, hello, &tell).await,
        Err(trouble) => trouble,
    };
    tell(Heard::Down(trouble));
}

async fn open(server: &Server, token: &str) -> Result<WebSocketStream<Box<dyn Stream>>, Trouble> {
    let here =
        |problem: String| Trouble::Refused { status: 0, message: problem, hints: Vec::new() };
    let stream = server.connect().await?;
    // What the stream is made of is no matter of the handshake.
    let url = format!("ws://{}{PATH}", server.authority());
    let mut request = url.into_client_request().map_err(|error| here(error.to_string()))?;
    let bearer = HeaderValue::from_str(&format!("Bearer {token}"))
        .map_err(|_| here("the token contains characters that no header may have".to_owned()))?;
    request.headers_mut().insert("authorization", bearer);
    let config =
        WebSocketConfig::default().max_message_size(Some(LARGEST)).max_frame_size(Some(LARGEST));
    let opened = tokio_tungstenite::client_async_with_config(request, stream, Some(config)).await;
    match opened {
        Ok((socket, _)) => Ok(socket),
        Err(Error::Http(answer)) => {
            let body = answer.body().as_deref().unwrap_or_default();
            Err(Trouble::said(answer.status().as_u16(), body))
        }
        Err(error) => Err(broke(&error)),
    }
}

async fn talk(
    socket: WebSocketStream<Box<dyn Stream>>,
    hello: Hello,
    tell: &impl Fn(Heard),
) -> Trouble {
    let (mut out, mut input) = socket.split();
    let (sender, mut messages): (_, UnboundedReceiver<FromWorker>) = unbounded_channel();
    if let Err(trouble) = send(&mut out, &FromWorker::Hello(Box::new(hello))).await {
        return trouble;
    }
    tell(Heard::Up(sender));
    loop {
        tokio::select! {
            message = messages.recv() => match message {
                Some(message) => if let Err(trouble) = send(&mut out, &message).await {
                    return trouble;
                },
                None => {
                    // It is left; whether the other side hears of it is its own matter.
                    let _gone = out.close().await;
                    return Trouble::Away("it was left".to_owned());
                }
            },
            came = input.next() => match came {
                Some(Ok(Message::Text(text))) => match serde_json::from_str(&text) {
                    Ok(message) => tell(Heard::Message(message)),
                    Err(error) => {
                        return Trouble::Away(format!("the server cannot be understood: {error}"));
                    }
                },
                Some(Ok(Message::Close(_))) | None => {
                    return Trouble::Away("the server closed the connection".to_owned());
                }
                Some(Ok(
                    Message::Binary(_) | Message::Ping(_) | Message::Pong(_) | Message::Frame(_),
                )) => {}
                Some(Err(error)) => return broke(&error),
            },
        }
    }
}

async fn send<S>(out: &mut S, message: &FromWorker) -> Result<(), Trouble>
where
    S: futures_util::Sink<Message, Error = Error> + Unpin,
{
    let text = serde_json::to_string(message).map_err(|error| Trouble::Here(error.to_string()))?;
    out.send(Message::text(text)).await.map_err(|error| broke(&error))
}

fn broke(error: &Error) -> Trouble {
    Trouble::Away(format!("the connection broke: {error}"))
}
