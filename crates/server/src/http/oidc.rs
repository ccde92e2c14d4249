//! Signing in by the provider of `oidc`: a browser is sent there, comes back with a code, and has a
//! session.

use std::sync::Arc;

use api::account::ProviderView;
use api::problem::Problem as ProblemBody;
use axum::extract::{Extension, State};
use axum::http::header::{COOKIE, HOST, REFERRER_POLICY, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use utoipa::IntoParams;

use super::body::{Json, Params};
use super::caller::Door;
use super::page;
use super::problem::Fault;
use super::sessions::{self, Begin};
use crate::accounts::oidc::Identity;
use crate::accounts::oidc::flow::{self, Flow};
use crate::accounts::oidc::people::{self, Denied};
use crate::accounts::oidc::provider::{self, KEYS_AGAIN, PAUSE, Problem};
use crate::accounts::session;
use crate::config::oidc::Oidc;
use crate::config::secret::SecretText;
use crate::http::rooms::{Rooms, routes};
use crate::refused::Refused;
use crate::shared::{Shared, blocking};

const START: &str = "/api/session/oidc/start";
const CALLBACK: &str = "/api/session/oidc/callback";
/// The cookie of a flow goes nowhere else.
const COOKIES: &str = "/api/session/oidc";
/// Of a path to return to, and of a code.
const LONGEST: usize = 2048;

/// The routes of this room.
pub(super) fn routes() -> Rooms {
    Rooms::new().routes(routes!(provider_of)).routes(routes!(start)).routes(routes!(callback))
}

/// Whether there is a provider to sign in by.
#[utoipa::path(
    get,
    path = "/api/session/oidc",
    operation_id = "accounts_provider",
    tag = "accounts",
    security(()),
    responses((status = OK, body = ProviderView), (status = "default", body = ProblemBody)),
)]
pub(crate) async fn provider_of(
    State(shared): State<Arc<Shared>>,
) -> Result<Json<ProviderView>, Fault> {
    let config = shared.config()?;
    let oidc = config.oidc.as_ref();
    Ok(Json(ProviderView {
        configured: oidc.is_some(),
        issuer: oidc.map(|oidc| oidc.issuer.clone()),
        start: oidc.map(|_| START.to_owned()),
    }))
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Start {
    /// Where to go on when it is done: a path of this server, such as `/runs?status=failed`.
    return_to: Option<String>,
}

/// Sends a browser to the provider, to sign in there.
#[utoipa::path(
    get,
    path = "/api/session/oidc/start",
    operation_id = "accounts_sign_in",
    tag = "accounts",
    security(()),
    params(Start),
    responses(
        (status = SEE_OTHER, description = "To the provider"),
        (status = "default", body = ProblemBody),
    ),
)]
pub(crate) async fn start(
    State(shared): State<Arc<Shared>>,
    Extension(door): Extension<Arc<Door>>,
    headers: HeaderMap,
    query: Result<Params<Start>, Fault>,
) -> Response {
    let started = async { begin(&shared, &door, &headers, query?.0.return_to).await };
    started.await.unwrap_or_else(|fault| refused(&headers, fault))
}

async fn begin(
    shared: &Shared,
    door: &Door,
    headers: &HeaderMap,
    return_to: Option<String>,
) -> Result<Response, Fault> {
    let config = shared.config()?;
    let oidc = config.oidc.as_ref().ok_or_else(not_configured)?;
    let return_to = return_to.unwrap_or_else(|| "/".to_owned());
    if !is_ours(&return_to) {
        let problem = "it has to be a path of this server, such as `/runs`";
        return Err(
            Fault::bad_request(format!("`return_to`: {problem}")).field("return_to", problem)
        );
    }
    let redirect = format!("{}{CALLBACK}", base(oidc, door, headers)?);
    let now = crate::clock::wall();
    let flow = Flow::draw(return_to, redirect, now).map_err(internal)?;
    let providers = &shared.accounts.sign_in.providers;
    let provider = providers.get(&shared.egress, oidc, now).await.map_err(fault)?;
    let to = provider::authorization(&provider, oidc, &flow).map_err(fault)?;
    let value = shared.accounts.sign_in.flows.seal(&flow).map_err(internal)?;
    let name = flow::cookie_name(door.port(), &flow.state)
        .ok_or_else(|| Refused::Internal("a state that is none".to_owned()))?;
    let mut response = Redirect::to(to.as_str()).into_response();
    let life = flow::LIFE.as_secs();
    // Lax: the provider's page leads back here, and the cookie has to come along.
    let secure = if flow.redirect.starts_with("https://") { "; Secure" } else { "" };
    let cookie =
        format!("{name}={value}; Path={COOKIES}; Max-Age={life}; HttpOnly; SameSite=Lax{secure}");
    sessions::carry(&mut response, &cookie);
    response.headers_mut().insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    Ok(response)
}

/// A path of this server and nothing that a browser could take for another place.
pub(super) fn is_ours(path: &str) -> bool {
    let rest = path.strip_prefix('/');
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~!$&()*+,;=:@/?%#".contains(&byte);
    rest.is_some_and(|rest| !rest.starts_with('/'))
        && path.len() <= LONGEST
        && path.bytes().all(plain)
        // Signing in again at once, for ever.
        && !path.starts_with(COOKIES)
}

/// How browsers reach us: as the file says, or as this one did.
fn base(oidc: &Oidc, door: &Door, headers: &HeaderMap) -> Result<String, Fault> {
    if let Some(url) = &oidc.public_url {
        return Ok(url.clone());
    }
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    match (door, host) {
        // It was looked at before: one of our names.
        (Door::Tcp { .. }, Some(host)) => Ok(format!("http://{host}")),
        (Door::Tcp { .. } | Door::Local, _) => {
            Err(Fault::conflict("no browser could come back here: this is not its door")
                .hint("ask over TCP, or write `public_url` of `oidc` in config.yaml"))
        }
    }
}

/// Providers add words of their own.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Returned {
    /// Of the flow that this browser began.
    state: Option<String>,
    /// For the provider, from the provider.
    code: Option<String>,
    /// The provider signs nobody in.
    error: Option<String>,
    /// Who says so.
    iss: Option<String>,
}

/// Where the provider sends the browser back to: begins a session and leads on.
#[utoipa::path(
    get,
    path = "/api/session/oidc/callback",
    operation_id = "accounts_signed_in",
    tag = "accounts",
    security(()),
    params(Returned),
    responses(
        (status = OK, body = String, content_type = "text/html", description = "The cookie is the session; the page leads on"),
        (status = "default", body = ProblemBody),
    ),
)]
pub(crate) async fn callback(
    State(shared): State<Arc<Shared>>,
    Extension(door): Extension<Arc<Door>>,
    headers: HeaderMap,
    query: Result<Params<Returned>, Fault>,
) -> Response {
    let returned = match query {
        Ok(Params(returned)) => returned,
        Err(fault) => return refused(&headers, fault),
    };
    let name = returned.state.as_deref().and_then(|state| flow::cookie_name(door.port(), state));
    let ended = end(&shared, &door, &headers, (name.as_deref(), returned)).await;
    let mut response = ended.unwrap_or_else(|fault| refused(&headers, fault));
    if let Some(name) = name {
        let gone = format!("{name}=; Path={COOKIES}; Max-Age=0; HttpOnly; SameSite=Lax");
        if let Ok(gone) = HeaderValue::from_str(&gone) {
            response.headers_mut().append(SET_COOKIE, gone);
        }
    }
    response
}

async fn end(
    shared: &Shared,
    door: &Door,
    headers: &HeaderMap,
    (cookie, returned): (Option<&str>, Returned),
) -> Result<Response, Fault> {
    let config = shared.config()?;
    let oidc = config.oidc.as_ref().ok_or_else(not_configured)?;
    let Returned { state, code, error, iss } = returned;
    let state = state.ok_or_else(|| missing("state"))?;
    let now = crate::clock::wall();
    let cookies = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let flow = cookie
        .and_then(|name| session::cookie_of(cookies, name))
        .and_then(|value| shared.accounts.sign_in.flows.take(value, &state, now))
        .ok_or_else(expired)?;
    if let Some(error) = error {
        let detail = format!("the provider signs nobody in ({})", provider::word(&error));
        return Err(not_signed_in(detail));
    }
    if iss.is_some_and(|iss| iss != oidc.issuer) {
        return Err(not_signed_in("this comes from another provider"));
    }
    let code = code.filter(|code| (1..=LONGEST).contains(&code.len()));
    let code = code.ok_or_else(|| missing("code"))?;
    let who = identity(shared, oidc, &flow, code).await?;
    let user = match people::admitted(shared, &config, oidc, &who).await? {
        Ok(user) => user,
        Err(denied) => return Err(turned_away(&denied, &who)),
    };
    let secure = flow.redirect.starts_with("https://");
    let begin = Begin { user, admin: false, scopes: None, via: "oidc" };
    let (_row, cookie) = sessions::start(shared, door, secure, begin).await?;
    let mut response = page::onward(&flow.return_to);
    sessions::carry(&mut response, &cookie);
    Ok(response)
}

/// Who the provider says it is, proved.
async fn identity(
    shared: &Shared,
    oidc: &Oidc,
    flow: &Flow,
    code: String,
) -> Result<Identity, Fault> {
    let sign_in = &shared.accounts.sign_in;
    let Ok(_turn) = sign_in.exchanges.try_acquire() else {
        return Err(Refused::Overloaded.into());
    };
    let secret = secret(shared, oidc).await?;
    let claims = provider::claims(
        &sign_in.providers,
        &shared.egress,
        (oidc, secret.as_ref()),
        (flow, code),
        crate::clock::wall(),
    );
    Ok(Identity::of(oidc, &claims.await.map_err(fault)?))
}

async fn secret(shared: &Shared, oidc: &Oidc) -> Result<Option<SecretText>, Fault> {
    let Some(reference) = oidc.client_secret.clone() else { return Ok(None) };
    let vault = Arc::clone(&shared.vault);
    let found = blocking(move || vault.resolve(&reference)).await?;
    found.map(Some).map_err(|cause| {
        tracing::error!(%cause, "the client secret of `oidc` cannot be had");
        fault(Problem::Unfit("the client secret cannot be had; the server's log says why".into()))
    })
}

/// As whoever asks can read it.
fn refused(headers: &HeaderMap, fault: Fault) -> Response {
    if page::is_wanted(headers) { page::refusal(fault, START) } else { fault.into_response() }
}

fn not_configured() -> Fault {
    Fault::not_found("there is no provider to sign in by")
        .hint("an administrator names one in config.yaml: `oidc: {issuer: .., client_id: ..}`")
        .hint("orchestrate open")
}

fn missing(field: &str) -> Fault {
    let problem = "the provider gives it to the browser; begin anew";
    Fault::bad_request(format!("`{field}` is missing or too long: {problem}"))
        .field(field, problem)
        .hint(format!("begin at {START}"))
}

fn expired() -> Fault {
    Fault::new(
        StatusCode::FORBIDDEN,
        "sign_in_expired",
        "this sign-in is over",
        "a sign-in returns once, within ten minutes, to the browser and the address where it began",
    )
    .hint(format!("begin at {START}"))
}

fn not_signed_in(detail: impl Into<String>) -> Fault {
    Fault::new(StatusCode::FORBIDDEN, "sign_in_refused", "not signed in", detail)
        .hint(format!("begin at {START}"))
}

fn turned_away(denied: &Denied, who: &Identity) -> Fault {
    let says = denied.to_string();
    Fault::new(StatusCode::FORBIDDEN, "sign_in_refused", "not signed in", says)
        .hint(denied.remedy(who))
}

fn fault(problem: Problem) -> Fault {
    let says = problem.to_string();
    let unavailable = |after: jiff::SignedDuration| {
        let (status, code) = (StatusCode::SERVICE_UNAVAILABLE, "provider_unavailable");
        Fault::new(status, code, "the provider cannot be asked", &says)
            .after(after.as_secs().unsigned_abs())
            .hint("try again; meanwhile a password, a token or `orchestrate open` still work")
    };
    match problem {
        Problem::Unavailable(_) => unavailable(PAUSE),
        Problem::UnknownKey => unavailable(KEYS_AGAIN),
        Problem::Unfit(_) => {
            Fault::new(StatusCode::CONFLICT, "config_invalid", "not set up right", &says)
                .hint("an administrator corrects `oidc` in config.yaml, or this server's entry at the provider")
        }
        Problem::Stale => expired(),
        Problem::Unproved(_) => not_signed_in(says),
    }
}

fn internal(error: std::io::Error) -> Refused {
    Refused::Internal(format!("a sign-in could not be begun: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_of_ours_are_returned_to() {
        for path in ["/", "/runs?status=failed&x=%20", "/a//b", "/runs/x~1#logs", "/login/x"] {
            assert!(is_ours(path), "{path}");
        }
        for path in [
            "",
            "runs",
            "//evil.example",
            "///evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "https://evil.example",
            "javascript:alert(1)",
            "/\tx",
            "/\n/evil.example",
            " /runs",
            "/a b",
            "/\"><script>",
            "/'x",
            "/é",
            "/api/session/oidc/start",
            &format!("/{}", "x".repeat(LONGEST)),
        ] {
            assert!(!is_ours(path), "{path}");
        }
    }
}
