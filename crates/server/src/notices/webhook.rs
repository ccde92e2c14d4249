//! Requests with a notice in them, and what an answer means.

use std::time::Duration;

use hmac::{Hmac, KeyInit as _, Mac as _};
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER};
use serde_json::Value as Json;
use sha2::Sha256;

use super::fault::{Fault, excerpt};
use super::letter::Letter;
use crate::config::secret::SecretText;
use crate::egress::{Egress, Policy};

/// Longest wait that a receiver may ask for.
const LONGEST_WAIT: Duration = Duration::from_secs(60 * 60);

/// `t=<seconds since 1970>,v1=<hex HMAC-SHA-256 of "<t>.<body>">`
pub(super) fn signature(secret: &SecretText, seconds: i64, body: &[u8]) -> Option<String> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.expose().as_bytes()).ok()?;
    mac.update(format!("{seconds}.").as_bytes());
    mac.update(body);
    let digest = mac.finalize().into_bytes();
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    Some(format!("t={seconds},v1={hex}"))
}

/// A request that may be repeated: the receiver knows it by its key.
pub(super) fn request(
    url: &str,
    letter: &Letter,
    body: &Json,
    headers: Vec<(HeaderName, HeaderValue)>,
) -> Result<http::Request<Vec<u8>>, Fault> {
    let body = serde_json::to_vec(body).map_err(|error| Fault::new("url", error.to_string()))?;
    let mut request = http::Request::post(url)
        .header(CONTENT_TYPE, "application/json; charset=utf-8")
        .header("Idempotency-Key", &letter.key)
        .body(body)
        .map_err(|_has_the_url| {
            Fault::new("url", "the target's `url` is no URL")
                .hint("it has to be like `https://hooks.example.com/...`")
        })?;
    request.headers_mut().extend(headers);
    Ok(request)
}

/// Any 2xx says that it was taken.
pub(super) async fn send(
    egress: &Egress,
    request: http::Request<Vec<u8>>,
    policy: &Policy,
) -> Result<(), Fault> {
    let answer = egress.send(request, policy).await?;
    let status = answer.status();
    if status.is_success() {
        return Ok(());
    }
    let says = excerpt(answer.body());
    let says = if says.is_empty() { String::new() } else { format!(": {says}") };
    let reason = status.canonical_reason().unwrap_or_default();
    let fault = Fault::new("http", format!("it answered HTTP {} {reason}{says}", status.as_u16()));
    Err(match status.as_u16() {
        // It is this notice that cannot be taken.
        400 | 405 | 406 | 411 | 413 | 415 | 422 => fault.finally(),
        300..=399 => fault
            .hint("redirects are not followed: write the address that it leads to into the target"),
        401 | 403 => fault.hint("check the target's secret or headers"),
        404 | 410 => fault.hint("check the target's `url`: nobody is there (any more)"),
        429 | 503 => Fault { after: asked(answer.headers().get(RETRY_AFTER)), ..fault },
        _ => fault,
    })
}

/// Only in seconds: a date would need the receiver's clock.
fn asked(value: Option<&HeaderValue>) -> Option<Duration> {
    let seconds: u64 = value?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds).min(LONGEST_WAIT))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_what_the_guide_says() {
        let secret = SecretText::new("whisper".into());
        let signed = signature(&secret, 1_790_000_000, b"{\"a\":1}").unwrap();
        // printf '1790000000.{"a":1}' | openssl dgst -sha256 -hmac whisper
        let hex = "717954a634b3cede3bc44573f424ecbbb5cbffdff5c684a3e3c1040ce5e994a6";
        assert_eq!(signed, format!("t=1790000000,v1={hex}"));
        assert_ne!(signed, signature(&secret, 1_790_000_001, b"{\"a\":1}").unwrap());
        assert_ne!(signed, signature(&secret, 1_790_000_000, b"{\"a\":2}").unwrap());
    }

    #[test]
    fn a_wait_is_taken_in_seconds_and_within_reason() {
        let of = |text: &str| asked(Some(&HeaderValue::from_str(text).unwrap()));
        assert_eq!(of("7"), Some(Duration::from_secs(7)));
        assert_eq!(of("999999999"), Some(LONGEST_WAIT));
        assert_eq!(
            (of("-1"), of("Wed, 21 Oct 2026 07:28:00 GMT"), asked(None)),
            (None, None, None)
        );
    }
}
