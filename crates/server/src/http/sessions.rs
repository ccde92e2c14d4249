//! Sessions of browsers: begun by a password or a one-time link, listed, ended.

use std::sync::Arc;
use std::time::Duration;

use api::Page;
use api::account::{LinkView, Login, SessionView};
use api::problem::Problem;
use axum::extract::{ConnectInfo, Extension, Path, State};
use axum::http::header::{CACHE_CONTROL, ORIGIN, REFERRER_POLICY, RETRY_AFTER, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use store::port::{AccountChange, Change, SessionRow};
use utoipa::IntoParams;

use super::body::{Json, Params};
use super::caller::{Caller, Door};
use super::oidc::is_ours;
use super::pipelines;
use super::problem::Fault;
use crate::accounts::link::{self, Link};
use crate::accounts::{Used, session};
use crate::http::rooms::{Rooms, routes};
use crate::identity::{self, Via, draw_hex, token_hash};
use crate::listen::Peer;
use crate::refused::Refused;
use crate::rights::Right;
use crate::shared::Shared;

/// The routes of this room.
pub(super) fn routes() -> Rooms {
    Rooms::new()
        .routes(routes!(login, logout))
        .routes(routes!(make_link))
        .routes(routes!(open_link))
        .routes(routes!(list))
        .routes(routes!(end))
}

/// Begins a session with a password. A wrong one, a wrong name and a disabled account are told
/// alike, and tries have to wait longer and longer.
#[utoipa::path(
    post,
    path = "/api/session",
    tag = "accounts",
    security(()),
    request_body = Login,
    responses(
        (status = CREATED, body = SessionView, description = "The cookie is the session"),
        (status = "default", body = Problem),
    ),
)]
pub(crate) async fn login(
    State(shared): State<Arc<Shared>>,
    Extension(door): Extension<Arc<Door>>,
    peer: Option<Extension<ConnectInfo<Peer>>>,
    headers: HeaderMap,
    Json(Login { user, password }): Json<Login>,
) -> Result<Response, Fault> {
    let address = peer
        .and_then(|Extension(ConnectInfo(peer))| peer.addresses)
        .map_or_else(|| "local".to_owned(), |(theirs, _)| theirs.ip().to_canonical().to_string());
    let throttle = &shared.accounts.throttle;
    if let Err(wait) = throttle.begin(&user, &address, crate::clock::wall()) {
        return Ok(too_early(wait));
    }
    let of = user.clone();
    let row = shared.read(move |reader| Ok(reader.user(&of)?)).await?;
    let row = row.filter(|row| row.disabled_at.is_none());
    let stored = row.and_then(|row| row.password);
    if !shared.accounts.verify(password, stored).await? {
        throttle.failed(&user, &address, crate::clock::wall());
        tracing::info!(address, "a login failed");
        return Err(Fault::new(
            StatusCode::UNAUTHORIZED,
            "not_allowed",
            "not allowed",
            "user and password do not fit together",
        ));
    }
    throttle.succeeded(&user, &address);
    let begin = Begin { user, admin: false, scopes: None, via: "password" };
    let (row, cookie) = start(&shared, &door, is_secure(&headers), begin).await?;
    let mut response = (StatusCode::CREATED, Json(view(row))).into_response();
    carry(&mut response, &cookie);
    Ok(response)
}

fn too_early(wait: Duration) -> Response {
    let seconds = wait.as_secs() + 1;
    let detail = format!("too many logins failed: try again in {seconds} s");
    let fault = Fault::new(StatusCode::TOO_MANY_REQUESTS, "too_many_requests", "too many", detail);
    let mut response = fault.into_response();
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    response
}

/// Ends the session that asks.
#[utoipa::path(
    delete,
    path = "/api/session",
    tag = "accounts",
    security(("token" = ["read"])),
    responses((status = NO_CONTENT, description = "It is over"), (status = "default", body = Problem)),
)]
pub(crate) async fn logout(
    State(shared): State<Arc<Shared>>,
    Extension(door): Extension<Arc<Door>>,
    caller: Caller,
) -> Result<Response, Fault> {
    let Some((Used::Session, id)) = caller.credential else {
        return Err(Fault::conflict("there is no session: this came with a token, or without one"));
    };
    finish(&shared, id, caller.name).await?;
    let mut response = StatusCode::NO_CONTENT.into_response();
    carry(&mut response, &session::no_cookie(door.port()));
    Ok(response)
}

/// A link that begins a session as whoever asks for it: once, within five minutes.
#[utoipa::path(
    post,
    path = "/api/session/link",
    tag = "accounts",
    security(("token" = ["admin"])),
    responses((status = CREATED, body = LinkView), (status = "default", body = Problem)),
)]
pub(crate) async fn make_link(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
) -> Result<(StatusCode, Json<LinkView>), Fault> {
    let scopes = caller.rights.iter().map(|right| right.word().to_owned()).collect();
    // The folder's owner is known by the folder; everybody else has what their roles give.
    let admin = matches!(caller.via, Via::AdminToken | Via::OsUser);
    let view = new_link(&shared, caller.name, admin, scopes)?;
    Ok((StatusCode::CREATED, Json(view)))
}

/// A link that opens a session within these rights; an admin has all of them.
pub(crate) fn new_link(
    shared: &Shared,
    user: String,
    admin: bool,
    scopes: Vec<String>,
) -> Result<LinkView, Refused> {
    let code = drawn(draw_hex::<32>())?;
    let until = crate::clock::wall() + link::LIFE;
    let link = Link { user, admin, scopes: Some(scopes), until };
    shared.accounts.links.put(&code, link);
    let path = format!("/login/{code}");
    let url = shared.address.get().map(|address| format!("http://{address}{path}"));
    Ok(LinkView { path, url, expires_at: until })
}

/// Where a link leads to.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Onward {
    /// A path of this server, such as `/runs/ci/4`; anything else leads to the first page.
    next: Option<String>,
}

/// Opens a one-time link: begins a session and leads on.
#[utoipa::path(
    get,
    path = "/login/{code}",
    tag = "accounts",
    security(()),
    params(("code" = String, Path, description = "Of `orchestrate open`"), Onward),
    responses(
        (status = SEE_OTHER, description = "The cookie is the session"),
        (status = "default", body = Problem),
    ),
)]
pub(crate) async fn open_link(
    State(shared): State<Arc<Shared>>,
    Extension(door): Extension<Arc<Door>>,
    Path(code): Path<String>,
    Params(Onward { next }): Params<Onward>,
) -> Result<Response, Fault> {
    let Some(link) = shared.accounts.links.take(&code, crate::clock::wall()) else {
        return Err(Fault::new(
            StatusCode::FORBIDDEN,
            "link_expired",
            "the link does not open any more",
            "a link opens once, within five minutes",
        )
        .hint("orchestrate open"));
    };
    let Link { user, admin, scopes, until: _ } = link;
    let begin = Begin { user, admin, scopes, via: "link" };
    let (_row, cookie) = start(&shared, &door, false, begin).await?;
    let next = next.filter(|next| is_ours(next));
    let mut response = Redirect::to(next.as_deref().unwrap_or("/")).into_response();
    carry(&mut response, &cookie);
    let headers = response.headers_mut();
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    Ok(response)
}

/// Sessions, newest first: of everybody for an administrator, else one's own.
#[utoipa::path(
    get,
    path = "/api/sessions",
    operation_id = "accounts_list_sessions",
    tag = "accounts",
    security(("token" = ["read"])),
    responses((status = OK, body = Page<SessionView>), (status = "default", body = Problem)),
)]
pub(crate) async fn list(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
) -> Result<Json<Page<SessionView>>, Fault> {
    let user = (!caller.rights.has(Right::Admin)).then_some(caller.name);
    let rows = shared.read(move |reader| Ok(reader.sessions(user.as_deref(), 1000)?)).await?;
    let data = rows.into_iter().map(view).collect();
    Ok(Json(pipelines::page("session", data, u32::MAX, |of: &SessionView| of.id.clone())))
}

/// Ends a session: one's own, or as an administrator anybody's.
#[utoipa::path(
    delete,
    path = "/api/sessions/{id}",
    tag = "accounts",
    security(("token" = ["read"])),
    params(("id" = String, Path, description = "`s-...`")),
    responses((status = NO_CONTENT, description = "It is over"), (status = "default", body = Problem)),
)]
pub(crate) async fn end(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<StatusCode, Fault> {
    if !caller.rights.has(Right::Admin) {
        let (name, of) = (caller.name.clone(), id.clone());
        let own = shared.read(move |reader| Ok(reader.sessions(Some(&name), 1000)?)).await?;
        if !own.iter().any(|row| row.id == of) {
            return Err(Fault::not_found(format!("you have no session `{of}`"))
                .hint("orchestrate session list"));
        }
    }
    finish(&shared, id, caller.name).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn finish(shared: &Shared, id: String, by: String) -> Result<(), Refused> {
    let change = move |at| Change::Account(Box::new(AccountChange::EndSession { id, by, at }));
    shared.desk.store(change).await.map(drop)
}

/// What a session begins with.
pub(super) struct Begin {
    pub(super) user: String,
    pub(super) admin: bool,
    pub(super) scopes: Option<Vec<String>>,
    pub(super) via: &'static str,
}

/// Stores a new session. Its row, and the `Set-Cookie` that carries it.
pub(super) async fn start(
    shared: &Shared,
    door: &Door,
    secure: bool,
    begin: Begin,
) -> Result<(SessionRow, String), Refused> {
    let value = drawn(draw_hex::<32>())?;
    let id = format!("s-{}", drawn(draw_hex::<6>())?);
    let now = crate::clock::wall();
    let Begin { user, admin, scopes, via } = begin;
    let session = SessionRow {
        id,
        hash: token_hash(&value),
        user,
        admin,
        scopes,
        via: via.to_owned(),
        created_at: now,
        used_at: now,
        ended_at: None,
    };
    let row = session.clone();
    let open = move |_at| Change::Account(Box::new(AccountChange::OpenSession { session }));
    shared.desk.store(open).await?;
    Ok((row, session::cookie(door.port(), &value, secure)))
}

fn drawn(drawn: std::io::Result<String>) -> Result<String, Refused> {
    drawn.map_err(|error| Refused::Internal(format!("nothing could be drawn: {error}")))
}

/// The browser said that the page it stands on came by TLS.
pub(super) fn is_secure(headers: &HeaderMap) -> bool {
    headers.get(ORIGIN).is_some_and(|origin| origin.as_bytes().starts_with(b"https://"))
}

pub(super) fn carry(response: &mut Response, cookie: &str) {
    let headers = response.headers_mut();
    if let Ok(cookie) = HeaderValue::from_str(cookie) {
        headers.append(SET_COOKIE, cookie);
    }
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
}

fn view(row: SessionRow) -> SessionView {
    let expires_at = session::until(&row);
    let SessionRow { id, user, via, created_at, used_at, ended_at, .. } = row;
    SessionView { id, user, via, created_at, used_at, expires_at, ended_at }
}

/// For whoever serves: a link for the folder's owner.
pub(crate) fn owners_link(shared: &Shared) -> Result<LinkView, Refused> {
    let all = Right::ALL.iter().map(|right| right.word().to_owned()).collect();
    new_link(shared, identity::owner(), true, all)
}
