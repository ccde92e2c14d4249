//! What is noted of every request: its id, how long it took, how it was answered, and for whom.

use std::sync::{Arc, OnceLock};
use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;

use super::answer::RequestId;
use super::attempt::Attempt;
use super::caller::Caller;
use crate::config::settings;
use crate::shared::Shared;

/// Given by whoever asks, or drawn; it stands in the answer and in the log.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Longer ones are not taken over.
const LONGEST: usize = 64;

/// Who it was, as soon as that is known.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen(Arc<OnceLock<String>>);

/// Around everything else.
pub(super) async fn observe(
    State(shared): State<Arc<Shared>>,
    mut request: Request,
    next: Next,
) -> Response {
    let began = Instant::now();
    let id = given(&request).unwrap_or_else(|| uuid::Uuid::now_v7().simple().to_string());
    let route = request.extensions().get::<MatchedPath>();
    let route = route.map_or_else(|| "none".to_owned(), |path| path.as_str().to_owned());
    let method = known_method(request.method().as_str());
    let path = shown_path(&route, request.uri().path());
    request.extensions_mut().insert(RequestId(id.clone()));
    let seen = Seen::default();
    request.extensions_mut().insert(seen.clone());
    shared.metrics.http_active.add(1);
    let active = Active(&shared);
    let mut response = next.run(request).await;
    drop(active);
    let (took, status) = (began.elapsed(), response.status().as_u16());
    shared.metrics.answered(&route, method, status, took);
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    if shared.settings().is_ok_and(|settings| settings.is(&settings::LOG_REQUESTS)) {
        let caller = seen.0.get().map_or("-", String::as_str);
        let ms = took.as_secs_f64() * 1e3;
        tracing::info!(target: "server::request", request = id, method, path, status, ms, caller);
    }
    response
}

/// Behind the layer that knows who it is.
pub(super) async fn identify(request: Request, next: Next) -> Response {
    let attempt = || request.extensions().get::<Attempt>().map(|asks| asks.0.key.clone());
    let caller = request.extensions().get::<Caller>().map(|caller| caller.name.clone());
    let caller = caller.or_else(attempt);
    if let (Some(seen), Some(caller)) = (request.extensions().get::<Seen>(), caller) {
        // Set once.
        let _known = seen.0.set(caller);
    }
    next.run(request).await
}

/// Counts down also when whoever asked has gone.
struct Active<'s>(&'s Shared);

impl Drop for Active<'_> {
    fn drop(&mut self) {
        self.0.metrics.http_done.add(1);
    }
}

fn given(request: &Request) -> Option<String> {
    let text = request.headers().get(REQUEST_ID)?.to_str().ok()?;
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ':');
    let fits = (1..=LONGEST).contains(&text.len()) && text.chars().all(plain);
    fits.then(|| text.to_owned())
}

/// Anybody can make up a method: one series for all that mean nothing.
fn known_method(method: &str) -> &'static str {
    const KNOWN: [&str; 7] = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];
    KNOWN.iter().find(|known| **known == method).copied().unwrap_or("other")
}

/// A path may carry a secret (a link by which somebody signs in): then only its form is shown. The
/// query is never.
fn shown_path(route: &str, path: &str) -> String {
    let secret = ["{code}", "{token}", "{secret}", "{link}"];
    if secret.iter().any(|name| route.contains(name)) {
        return route.to_owned();
    }
    path.chars().take(512).filter(|c| !c.is_control()).collect()
}
