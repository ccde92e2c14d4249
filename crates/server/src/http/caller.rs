//! Who is calling, and whether they may. Deny by default: what a route asks of its caller is read
//! from its description, and the layer that checks it stands before all handlers.
//!
//! The caller is whom the kernel says is at the other end of the socket, or whoever a token or a
//! session was given to. Nobody's own word counts, but that of an administrator with a token.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::{ConnectInfo, FromRequestParts, MatchedPath, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use engine::ADMIN;
use engine::event::Person;

use super::access::{self, Rule};
use super::attempt::Attempt;
use super::credential::{self, Credential, Holder};
use super::problem::{self, Fault};
use super::{attempt, origin, stage};
use crate::accounts::{self, Account};
use crate::config::{Config, is_name};
use crate::identity::{self, Via};
use crate::listen::Peer;
use crate::refused::Refused;
use crate::rights::{Right, Rights};
use crate::shared::Shared;

/// How a request got here.
#[derive(Clone, Debug)]
pub(crate) enum Door {
    /// The unix socket of the data folder, or a call inside the process.
    Local,
    /// A TCP port: a token or a session, and only under names that are ours.
    Tcp { token: String, bound: SocketAddr },
}

impl Door {
    /// The port that the cookies of this door are named by.
    pub(super) fn port(&self) -> u16 {
        match self {
            Self::Local => 0,
            Self::Tcp { bound, .. } => bound.port(),
        }
    }
}

/// Who acts: goes into the journal as the actor.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) name: String,
    /// May all.
    pub(crate) admin: bool,
    pub(crate) rights: Rights,
    pub(crate) via: Via,
    /// Of the token or the session.
    pub(crate) credential: Option<(accounts::Used, String)>,
    /// With what is known of them; or what is wrong with `config.yaml`.
    person: Result<Person, String>,
}

/// Where workers connect: they too are asked again whether they are let in.
const CONNECT: &str = "/api/workers/connect";
/// For whom an administrator acts.
const AS: &str = "x-orchestrate-as";

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Fault> {
        parts.extensions.get::<Self>().cloned().ok_or_else(unauthorized)
    }
}

impl Caller {
    /// With what file and store said of them when they asked.
    pub(crate) fn person(&self, _shared: &Shared) -> Result<Person, Refused> {
        self.person.clone().map_err(Refused::Config)
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
        Ok(asks) => {
            if let Some(Asks::Attempt(attempt)) = asks {
                parts.extensions.insert(attempt);
            } else if let Some(Asks::Person(caller)) = asks {
                if let Some((used, id)) = &caller.credential {
                    accounts::note_use(&shared, *used, id, crate::clock::wall());
                }
                parts.extensions.insert(caller);
            }
            parts.extensions.insert(Arc::clone(&door));
        }
        // Whoever opens a stream is told by a frame: a page does not see the status.
        Err(fault)
            if origin::is_stream(&parts)
                && origin::is_upgrade(&parts.headers)
                && fault.is_401() =>
        {
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
        (origin::is_stream(parts) || parts.uri.path() == CONNECT)
            .then(|| Self { door: Arc::clone(door), parts: Arc::new(parts.clone()) })
    }

    /// Refused when the caller would not be let in now.
    pub(super) async fn check(&self, shared: &Shared) -> Result<(), Fault> {
        caller(shared, &self.door, &self.parts).await.map(|_caller| ())
    }
}

/// Who asks.
enum Asks {
    Person(Caller),
    Attempt(Attempt),
}

/// Whether the request comes from somebody. Refused where nobody would be answered at all.
pub(super) async fn is_known(shared: &Shared, door: &Door, parts: &Parts) -> Result<bool, Fault> {
    match caller(shared, door, parts).await {
        Ok(_) => Ok(true),
        Err(fault) if fault.is_401() => Ok(false),
        Err(fault) => Err(fault),
    }
}

/// `None`: nobody in particular, for what is public.
async fn caller(shared: &Shared, door: &Door, parts: &Parts) -> Result<Option<Asks>, Fault> {
    let matched = parts.extensions.get::<MatchedPath>();
    let rule = matched.map(|path| access::of(&parts.method, path.as_str()));
    let is_public = rule == Some(Some(Rule::Public))
        || matched.is_some_and(|path| super::metrics::is_open(shared, door, path.as_str()));
    if is_public && matched.is_some_and(|path| path.as_str().starts_with("/hooks/")) {
        // Proved by its signature. A name of ours, or a page that sends it, gives it no rights.
        return Ok(None);
    }
    let config = shared.config();
    if let Door::Tcp { bound, .. } = door {
        // With a file that cannot be read only our address is our name.
        let hosts = config.as_ref().map_or(&[][..], |config| &config.accounts.hosts);
        origin::check(parts, *bound, hosts)?;
    }
    if is_public {
        return Ok(None);
    }
    if let Some(token) = attempt::token(parts) {
        // From another machine it is worth nothing.
        if !is_from_here(parts) {
            return Err(unauthorized());
        }
        return attempt::admit(shared, &token, rule).await.map(|asks| Some(Asks::Attempt(asks)));
    }
    let caller = match credential::given(&parts.headers, door.port())? {
        Some(given) => by_credential(shared, door, parts, &given, config).await?,
        None => match door {
            Door::Local => local(shared, parts, config).await?,
            Door::Tcp { .. } => return Err(unauthorized()),
        },
    };
    match rule {
        // Nothing is there: said only to somebody.
        None => {}
        Some(None) if parts.method == Method::OPTIONS => {}
        Some(None) => {
            let path = matched.map_or("", MatchedPath::as_str);
            let fault = problem::wrong_method(&parts.method, &parts.uri);
            return Err(fault.allow(access::methods(path)));
        }
        Some(Some(Rule::Closed | Rule::Public)) => {
            return Err(Fault::not_allowed("nobody may ask this: no right is named for it"));
        }
        Some(Some(Rule::Attempt)) => return Err(attempt::only_attempts()),
        Some(Some(Rule::Needs(right))) => {
            must_have(&caller, right, parts)?;
            stage::check(shared, door, parts, right).await?;
        }
    }
    stand_in(shared, caller, &parts.headers).await.map(|caller| Some(Asks::Person(caller)))
}

fn must_have(caller: &Caller, right: Right, parts: &Parts) -> Result<(), Fault> {
    if caller.rights.has(right) {
        return Ok(());
    }
    let (name, has) = (&caller.name, caller.rights.to_string());
    let has = if has.is_empty() { "nothing" } else { &has };
    tracing::info!(name, path = parts.uri.path(), right = right.word(), "not allowed");
    let detail = format!("this needs the right `{}`, and {name} has: {has}", right.word());
    let roles = crate::rights::ROLES.iter().filter(|(_, rights)| rights.contains(&right));
    let roles: Vec<&str> = roles.map(|(role, _)| *role).collect();
    Err(Fault::not_allowed(detail)
        .hint(format!("ask an administrator for one of the roles {}", roles.join(", "))))
}

async fn by_credential(
    shared: &Shared,
    door: &Door,
    parts: &Parts,
    given: &Credential,
    config: Result<Arc<Config>, Refused>,
) -> Result<Caller, Fault> {
    if let Credential::Token(token) = given {
        let admin = match door {
            // From another machine the folder's own token is worth nothing.
            Door::Tcp { token, .. } => is_from_here(parts).then(|| token.clone()),
            Door::Local => identity::admin_token(&shared.data_dir),
        };
        if admin.is_some_and(|admin| identity::is_same(token, &admin)) {
            return owner(shared, identity::owner(), Via::AdminToken, config).await;
        }
    }
    let now = crate::clock::wall();
    let Some((holder, row)) = credential::holder(shared, given, now).await? else {
        return Err(unauthorized());
    };
    let Holder { id, user, admin, scopes, used } = holder;
    let via = match used {
        accounts::Used::Token => Via::Token,
        accounts::Used::Session => Via::Session,
    };
    let account = match config {
        Ok(config) => accounts::join(&config, &user, row.as_ref()),
        // A slip in the file must not lock out whoever could mend it.
        Err(_) if admin => accounts::join(&Config::default(), &user, row.as_ref()),
        Err(refused) => return Err(refused.into()),
    };
    if account.disabled {
        return Err(unauthorized());
    }
    let all = if admin { Rights::all() } else { account.rights };
    let rights = all.within(scopes.as_deref());
    let mut person = account.person;
    let is_admin = rights.has(Right::Admin);
    if is_admin && !person.groups.iter().any(|group| group == ADMIN) {
        person.groups.push(ADMIN.to_owned());
    }
    Ok(Caller {
        name: user,
        admin: is_admin,
        rights,
        via,
        credential: Some((used, id)),
        person: Ok(person),
    })
}

/// Whether the other end is on this machine.
fn is_from_here(parts: &Parts) -> bool {
    match parts.extensions.get::<ConnectInfo<Peer>>() {
        Some(ConnectInfo(Peer { addresses: Some((theirs, _)), .. })) => {
            theirs.ip().to_canonical().is_loopback()
        }
        // Nothing that came over TCP.
        Some(ConnectInfo(Peer { addresses: None, .. })) | None => true,
    }
}

/// Somebody who may all in this folder.
async fn owner(
    shared: &Shared,
    name: String,
    via: Via,
    config: Result<Arc<Config>, Refused>,
) -> Result<Caller, Fault> {
    let mut person = match config {
        Ok(_) => Ok(accounts::find(shared, &name).await?.person),
        Err(Refused::Config(problem)) => Err(problem),
        Err(refused) => return Err(refused.into()),
    };
    if let (Ok(person), Via::AdminToken) = (&mut person, via)
        && !person.groups.iter().any(|group| group == ADMIN)
    {
        person.groups.push(ADMIN.to_owned());
    }
    let rights = Rights::all();
    Ok(Caller { name, admin: true, rights, via, credential: None, person })
}

/// The kernel says who it is. Whoever may read the folder may read its admin token.
async fn local(
    shared: &Shared,
    parts: &Parts,
    config: Result<Arc<Config>, Refused>,
) -> Result<Caller, Fault> {
    let uid = match parts.extensions.get::<ConnectInfo<Peer>>() {
        Some(ConnectInfo(Peer { uid, .. })) => *uid,
        // A call inside this process.
        None => Some(identity::our_uid()),
    };
    let name = uid.map_or_else(|| "local".to_owned(), identity::user_name);
    if uid == Some(identity::our_uid()) {
        return owner(shared, name, Via::OsUser, config).await;
    }
    // The socket is closed to others; the system's administrator comes through all the same.
    let Account { person, rights, disabled, .. } = accounts::find(shared, &name).await?;
    if disabled {
        return Err(unauthorized());
    }
    let (admin, via) = (rights.has(Right::Admin), Via::OsUser);
    Ok(Caller { name, admin, rights, via, credential: None, person: Ok(person) })
}

async fn stand_in(shared: &Shared, caller: Caller, headers: &HeaderMap) -> Result<Caller, Fault> {
    let Some(name) = headers.get(AS) else { return Ok(caller) };
    let Some(name) = name.to_str().ok().filter(|name| is_name(name)) else {
        return Err(Fault::bad_request(format!("`{AS}` has to be the name of a user")));
    };
    if !caller.admin || !matches!(caller.via, Via::AdminToken | Via::Token) {
        let detail = format!("only an administrator's token may act for others, here for {name}");
        return Err(Fault::not_allowed(detail)
            .hint("give the admin token (the data folder's `token` file), or the user's own"));
    }
    let through = Some(caller.name);
    // Whoever stands in for somebody may at a gate what that person may.
    let person = match accounts::find(shared, name).await {
        Ok(account) => Ok(Person { through, ..account.person }),
        Err(Refused::Config(problem)) => Err(problem),
        Err(refused) => return Err(refused.into()),
    };
    let (name, via) = (name.to_owned(), Via::AdminTokenAs);
    Ok(Caller { name, via, person, ..caller })
}

pub(super) fn unauthorized() -> Fault {
    Fault::new(
        StatusCode::UNAUTHORIZED,
        "not_allowed",
        "not allowed",
        "this needs `Authorization: Bearer` with the contents of the data folder's `token` file, \
         or with a user's token; a browser needs a session",
    )
}
