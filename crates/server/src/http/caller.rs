//! Who is calling, and whether they may. Deny by default: every route but [`Public`] needs a
//! [`Caller`], and the layer that makes them stands before all handlers.
//!
//! The caller is whom the kernel says is at the other end of the socket, or whoever a token was
//! given to. Nobody's own word counts, but that of an administrator with a token.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::{ConnectInfo, FromRequestParts, Request, State};
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use engine::ADMIN;
use engine::event::Person;
use store::port::TokenRow;

use super::origin;
use super::problem::Fault;
use crate::config::is_name;
use crate::descent::{self, Descent};
use crate::identity::{self, Via};
use crate::listen::Peer;
use crate::refused::Refused;
use crate::shared::Shared;

/// How a request got here.
#[derive(Clone, Debug)]
pub(crate) enum Door {
    /// The unix socket of the data folder, or a call inside the process.
    Local,
    /// A TCP port: a token, and only under names that are ours.
    Tcp { token: String, bound: SocketAddr },
}

/// Who acts: goes into the journal as the actor.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) name: String,
    /// May change tokens.
    pub(crate) admin: bool,
    pub(crate) via: Via,
    /// The administrator who acts for them.
    pub(crate) through: Option<String>,
}

/// For whom an administrator acts.
const AS: &str = "x-orchestrate-as";

/// What may be asked by anybody who reaches the port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Public {
    Healthz,
    Readyz,
    /// Proved by its signature. A name of ours, or a page that sends it, gives it no rights.
    Hook,
}

impl Public {
    fn of(method: &Method, path: &str) -> Option<Self> {
        match (method, path) {
            (&Method::GET, "/healthz") => Some(Self::Healthz),
            (&Method::GET, "/readyz") => Some(Self::Readyz),
            (&Method::POST | &Method::OPTIONS, path) if path.starts_with("/hooks/") => {
                Some(Self::Hook)
            }
            _ => None,
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Fault> {
        parts.extensions.get::<Self>().cloned().ok_or_else(unauthorized)
    }
}

impl Caller {
    /// With what the directory says of them now.
    pub(crate) fn person(&self, shared: &Shared) -> Result<Person, Refused> {
        let mut person = shared.config()?.directory.person(&self.name);
        person.through.clone_from(&self.through);
        match self.via {
            Via::AdminToken | Via::Token if self.admin => person.groups.push(ADMIN.to_owned()),
            // Whoever stands in for somebody may what that person may.
            Via::AdminToken | Via::Token | Via::OsUser | Via::AdminTokenAs => {}
        }
        Ok(person)
    }

    /// Refused unless the caller is an administrator.
    pub(crate) fn must_be_admin(&self, what: &str) -> Result<(), Fault> {
        if self.admin {
            return Ok(());
        }
        Err(Fault::not_allowed(format!("{what} is for administrators, and {} is none", self.name))
            .hint("use the admin token: the data folder's `token` file"))
    }
}

/// Lets a request through with its caller, or answers itself.
pub(crate) async fn admit(
    State((shared, door)): State<(Arc<Shared>, Arc<Door>)>,
    request: Request,
    next: Next,
) -> Response {
    let (mut parts, body) = request.into_parts();
    let pass = Pass::of(&door, &parts);
    match caller(&shared, &door, &parts).await {
        Ok(caller) => {
            if let Some(caller) = caller {
                parts.extensions.insert(caller);
            }
        }
        // Whoever opens a stream is told by a frame: a page does not see the status.
        Err(fault) if pass.is_some() && origin::is_upgrade(&parts.headers) && fault.is_401() => {
            parts.extensions.insert(Denied(fault));
        }
        Err(fault) => return fault.into_response(),
    }
    if let Some(pass) = pass {
        parts.extensions.insert(pass);
    }
    next.run(Request::from_parts(parts, body)).await
}

/// The caller of a stream was not let in.
#[derive(Clone, Debug)]
pub(super) struct Denied(pub(super) Fault);

/// What a stream keeps of its request, to ask again whether its caller is still let in.
#[derive(Clone)]
pub(super) struct Pass {
    door: Arc<Door>,
    parts: Arc<Parts>,
}

impl Pass {
    fn of(door: &Arc<Door>, parts: &Parts) -> Option<Self> {
        origin::is_stream(parts)
            .then(|| Self { door: Arc::clone(door), parts: Arc::new(parts.clone()) })
    }

    /// Refused when the caller would not be let in now.
    pub(super) async fn check(&self, shared: &Shared) -> Result<(), Fault> {
        caller(shared, &self.door, &self.parts).await.map(|_caller| ())
    }
}

/// `None`: nobody in particular, for what is public.
async fn caller(shared: &Shared, door: &Door, parts: &Parts) -> Result<Option<Caller>, Fault> {
    let public = Public::of(&parts.method, parts.uri.path());
    if public == Some(Public::Hook) {
        return Ok(None);
    }
    if let Door::Tcp { bound, .. } = door {
        origin::check(parts, *bound)?;
        if public.is_some() {
            return Ok(None);
        }
    }
    let caller = match (given(&parts.headers)?, door) {
        (Some(given), _) => by_token(shared, door, &given).await?,
        (None, Door::Local) => local(parts),
        (None, Door::Tcp { .. }) => return Err(unauthorized()),
    };
    if matches!(door, Door::Local) && is_for_people(&parts.method, parts.uri.path()) {
        must_be_a_person(shared, parts).await?;
    }
    stand_in(caller, &parts.headers).map(Some)
}

/// What only people may do: deciding, answering, letting go, giving rights.
fn is_for_people(method: &Method, path: &str) -> bool {
    let changes = !matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS);
    let nouns = ["/api/approvals/", "/api/inputs/", "/api/tokens"];
    let verbs = ["/advance", "/breakpoints", "/resolve", "/rollback", "/rewind", "/rewind/undo"];
    changes
        && (nouns.iter().any(|noun| path.starts_with(noun))
            || verbs.iter().any(|verb| path.ends_with(verb)))
}

/// The work of a stage never decides, whoever it says it is: a script that approved its own gate
/// would make every gate a formality.
async fn must_be_a_person(shared: &Shared, parts: &Parts) -> Result<(), Fault> {
    let pid = match parts.extensions.get::<ConnectInfo<Peer>>() {
        Some(ConnectInfo(Peer { pid, .. })) => *pid,
        // A call inside this process.
        None => Some(std::process::id()),
    };
    let data = shared.data_dir.clone();
    let descent = tokio::task::spawn_blocking(move || descent::of(pid, &data)).await;
    match descent {
        Ok(Descent::Other) => Ok(()),
        Ok(Descent::Stage) => {
            tracing::warn!(path = parts.uri.path(), "the work of a stage tried to decide");
            Err(Fault::not_allowed("the work of a stage does not decide; a person has to"))
        }
        Ok(Descent::Unknown) | Err(_) => {
            Err(Fault::not_allowed("it cannot be told which process asks, and only people decide")
                .hint("ask from a process of this machine that waits for the answer"))
        }
    }
}

/// The bearer token; anything else in its place is refused, not passed over.
fn given(headers: &HeaderMap) -> Result<Option<String>, Fault> {
    let Some(value) = headers.get(AUTHORIZATION) else { return Ok(None) };
    value
        .to_str()
        .ok()
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token.trim())
        .filter(|token| !token.is_empty())
        .map(|token| Some(token.to_owned()))
        .ok_or_else(unauthorized)
}

async fn by_token(shared: &Shared, door: &Door, given: &str) -> Result<Caller, Fault> {
    let admin = match door {
        Door::Tcp { token, .. } => Some(token.clone()),
        Door::Local => identity::admin_token(&shared.data_dir),
    };
    if admin.is_some_and(|token| identity::is_same(given, &token)) {
        let name = identity::owner();
        return Ok(Caller { name, admin: true, via: Via::AdminToken, through: None });
    }
    let hash = identity::token_hash(given);
    let row = shared.read(move |reader| Ok(reader.token_by_hash(&hash)?)).await?;
    match row {
        Some(TokenRow { user, admin, revoked_at: None, .. }) => {
            Ok(Caller { name: user, admin, via: Via::Token, through: None })
        }
        Some(TokenRow { revoked_at: Some(_), .. }) | None => Err(unauthorized()),
    }
}

/// The kernel says who it is. Whoever may read the folder may read its admin token.
fn local(parts: &Parts) -> Caller {
    let uid = match parts.extensions.get::<ConnectInfo<Peer>>() {
        Some(ConnectInfo(Peer { uid, .. })) => *uid,
        // A call inside this process.
        None => Some(identity::our_uid()),
    };
    Caller {
        name: uid.map_or_else(|| "local".to_owned(), identity::user_name),
        admin: uid == Some(identity::our_uid()),
        via: Via::OsUser,
        through: None,
    }
}

fn stand_in(caller: Caller, headers: &HeaderMap) -> Result<Caller, Fault> {
    let Some(name) = headers.get(AS) else { return Ok(caller) };
    let Some(name) = name.to_str().ok().filter(|name| is_name(name)) else {
        return Err(Fault::bad_request(format!("`{AS}` has to be the name of a user")));
    };
    if !caller.admin || caller.via == Via::OsUser {
        let detail = format!("only an administrator's token may act for others, here for {name}");
        return Err(Fault::not_allowed(detail)
            .hint("give the admin token (the data folder's `token` file), or the user's own"));
    }
    let through = Some(caller.name);
    Ok(Caller { name: name.to_owned(), admin: true, via: Via::AdminTokenAs, through })
}

fn unauthorized() -> Fault {
    Fault::new(
        StatusCode::UNAUTHORIZED,
        "not_allowed",
        "not allowed",
        "this needs `Authorization: Bearer` with the contents of the data folder's `token` file, \
         or with a user's token",
    )
}
