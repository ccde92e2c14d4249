//! A panic in a handler answers 500, says nothing of its insides to the caller, and harms nobody
//! else.

use std::panic::AssertUnwindSafe;

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;

use super::problem::Fault;

pub(crate) async fn catch(request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    match AssertUnwindSafe(next.run(request)).catch_unwind().await {
        Ok(response) => response,
        Err(panic) => {
            let message = crate::refused::panic_message(&*panic);
            tracing::error!(path, message, "a handler panicked");
            Fault::internal().into_response()
        }
    }
}
