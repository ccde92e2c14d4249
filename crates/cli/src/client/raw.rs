//! Any request, answered as it comes.

use axum::body::{Body, Bytes};
use http::{HeaderName, HeaderValue, Method, Request, Response, header};

use super::{Client, STANDS_FOR};
use crate::error::{Failure, Result};

/// A request as somebody wrote it.
#[derive(Clone, Debug)]
pub struct Raw {
    pub method: Method,
    /// With its query.
    pub path: String,
    pub headers: Vec<(HeaderName, HeaderValue)>,
    pub body: Bytes,
}

impl Client {
    /// Refusals are answers too. Headers that were given stand before those of the client.
    pub async fn raw(&self, raw: Raw) -> Result<Response<Body>> {
        let Raw { method, path, headers, body } = raw;
        let mut request = Request::builder().method(method).uri(path);
        let own = [
            (
                header::AUTHORIZATION,
                self.caller.token.as_ref().map(|token| format!("Bearer {token}")),
            ),
            (HeaderName::from_static(STANDS_FOR), self.caller.stands_for.clone()),
            (header::CONTENT_TYPE, (!body.is_empty()).then(|| "application/json".to_owned())),
        ];
        for (name, value) in own {
            let given = headers.iter().any(|(given, _)| *given == name);
            if let Some(value) = value.filter(|_| !given) {
                request = request.header(name, value);
            }
        }
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let request = request
            .body(Body::from(body))
            .map_err(|error| Failure::usage(format!("this is no request: {error}")))?;
        self.transport.send(request).await
    }
}
