//! The trace that a request is a part of: what it starts goes on with it.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::request::Parts;

use crate::traces;

const HEADER: &str = "traceparent";

/// `traceparent` of the request. One that cannot be understood is none: W3C Trace Context has a
/// new trace begun then, and no request is refused for what a proxy added to it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Traced(pub(crate) Option<String>);

impl Traced {
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let mut all = headers.get_all(HEADER).iter();
        let one = all.next().filter(|_| all.next().is_none());
        let text = one.and_then(|value| value.to_str().ok());
        Self(text.and_then(traces::understood))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Traced {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Self::Rejection> {
        Ok(Self::of(&parts.headers))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIVEN: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn one_header_that_is_understood_counts() {
        let mut headers = HeaderMap::new();
        assert_eq!(Traced::of(&headers).0, None);
        headers.append(HEADER, GIVEN.parse().unwrap());
        assert_eq!(Traced::of(&headers).0.as_deref(), Some(GIVEN));
        headers.append(HEADER, GIVEN.parse().unwrap());
        assert_eq!(Traced::of(&headers).0, None, "two are none");
        headers.insert(HEADER, "00-no".parse().unwrap());
        assert_eq!(Traced::of(&headers).0, None);
    }
}
