//! Bodies and queries, read strictly; whatever is wrong with them is a problem with words.

use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, FromRequestParts, Query, Request};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::problem::Fault;

/// A JSON body; an empty one is `{}`.
#[derive(Debug)]
pub(crate) struct Json<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = Fault;

    async fn from_request(request: Request, state: &S) -> Result<Self, Fault> {
        let kind = request.headers().get(CONTENT_TYPE).map(|kind| kind.as_bytes().to_vec());
        let body = Bytes::from_request(request, state).await.map_err(|rejection| {
            if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
                return Fault::new(
                    StatusCode::PAYLOAD_TOO_LARGE,
                    "too_large",
                    "the request is too large",
                    format!("a request holds at most {} bytes", super::BODY_LIMIT),
                );
            }
            Fault::bad_request(rejection.body_text())
        })?;
        if body.is_empty() {
            return parse(b"{}");
        }
        if kind.is_some_and(|kind| !kind.starts_with(b"application/json")) {
            return Err(Fault::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "invalid_request",
                "invalid request",
                "the body has to be `application/json`",
            ));
        }
        parse(&body)
    }
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<Json<T>, Fault> {
    match serde_json::from_slice(body) {
        Ok(value) => Ok(Json(value)),
        Err(error) => Err(Fault::bad_request(format!("the body is not what is expected: {error}"))),
    }
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        match serde_json::to_vec(&self.0) {
            Ok(body) => ([(CONTENT_TYPE, "application/json")], Body::from(body)).into_response(),
            Err(error) => {
                tracing::error!(%error, "an answer could not be written as JSON");
                Fault::internal().into_response()
            }
        }
    }
}

/// The query string; an unknown or unreadable parameter is refused.
#[derive(Debug)]
pub(crate) struct Params<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Params<T> {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Fault> {
        match Query::try_from_uri(&parts.uri) {
            Ok(Query(value)) => Ok(Self(value)),
            Err(rejection) => Err(Fault::bad_request(rejection.body_text())),
        }
    }
}
