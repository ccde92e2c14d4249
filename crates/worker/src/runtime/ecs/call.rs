//! One call of an API of AWS that speaks JSON: signed, sent, and its refusal in words.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

use super::super::Trouble;
use super::sign::{Keys, Request, authorization};

const CALL: Duration = Duration::from_secs(30);

pub(super) struct Cloud {
    region: String,
    /// In place of the services' own addresses.
    endpoint: Option<String>,
    keys: Result<Keys, String>,
    client: Result<reqwest::Client, String>,
}

/// A service, as signatures, addresses and targets name it.
#[derive(Clone, Copy)]
pub(super) struct Service {
    pub(super) name: &'static str,
    pub(super) target: &'static str,
}

pub(super) const ECS: Service =
    Service { name: "ecs", target: "AmazonEC2ContainerServiceV20141113" };
pub(super) const LOGS: Service = Service { name: "logs", target: "Logs_20140328" };

impl Cloud {
    pub(super) fn new(
        region: &str,
        endpoint: Option<&str>,
        mut keys: BTreeMap<String, String>,
    ) -> Self {
        let id = keys.remove("access_key_id");
        let secret = keys.remove("secret_access_key");
        let session = keys.remove("session_token");
        let keys = match (id, secret) {
            (Some(id), Some(secret)) => Ok(Keys { id, secret, session }),
            (_, _) => Err("`runtimes.ecs` has no keys in config.yaml".to_owned()),
        };
        // Whoever was first wins: all that matters is that there is one.
        let _there_already = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .timeout(CALL)
            .build()
            .map_err(|error| error.to_string());
        let endpoint = endpoint.map(|endpoint| endpoint.trim_end_matches('/').to_owned());
        Self { region: region.to_owned(), endpoint, keys, client }
    }

    pub(super) async fn call<T: for<'de> Deserialize<'de>>(
        &self,
        service: Service,
        action: &str,
        body: &Value,
    ) -> Result<T, Trouble> {
        let refused = |problem: &String| Trouble::Refused(problem.clone());
        let keys = self.keys.as_ref().map_err(refused)?;
        let client = self.client.as_ref().map_err(refused)?;
        let Service { name, target } = service;
        let address = match &self.endpoint {
            Some(endpoint) => endpoint.clone(),
            None => format!("https://{name}.{}.amazonaws.com", self.region),
        };
        let host = address.split_once("://").map_or(address.as_str(), |(_, host)| host);
        let moment = moment();
        let target = format!("{target}.{action}");
        let body = body.to_string();
        let mut headers = vec![
            ("content-type", "application/x-amz-json-1.1"),
            ("host", host),
            ("x-amz-date", &moment),
        ];
        if let Some(session) = &keys.session {
            headers.push(("x-amz-security-token", session));
        }
        headers.push(("x-amz-target", &target));
        let request = Request {
            service: name,
            region: &self.region,
            path: "/",
            headers: &headers,
            body: body.as_bytes(),
            moment: &moment,
        };
        let authorization = authorization(keys, &request);
        let mut sent = client.post(format!("{address}/")).header("authorization", authorization);
        for (name, value) in headers.iter().filter(|(name, _)| *name != "host") {
            sent = sent.header(*name, *value);
        }
        let silent =
            |error: reqwest::Error| Trouble::Unreachable(format!("{action} at {host}: {error}"));
        let answer = sent.body(body.clone()).send().await.map_err(silent)?;
        let status = answer.status().as_u16();
        let text = answer.bytes().await.map_err(silent)?;
        if status < 300 {
            return serde_json::from_slice(&text).map_err(|error| {
                Trouble::Unreachable(format!("{action} was answered with something else: {error}"))
            });
        }
        Err(said(action, status, &text))
    }
}

/// Why it was not done. What is too much now is not later.
fn said(action: &str, status: u16, text: &[u8]) -> Trouble {
    let said: Value = serde_json::from_slice(text).unwrap_or(Value::Null);
    let of = |names: [&str; 2]| {
        names.iter().find_map(|name| Some(said.get(name)?.as_str()?.to_owned())).unwrap_or_default()
    };
    let kind = of(["__type", "code"]);
    let kind = kind.rsplit('#').next().unwrap_or_default().to_owned();
    let words = format!("{action} was refused ({status} {kind}): {}", of(["message", "Message"]));
    let later = status == 429 || status >= 500 || kind.contains("Throttl");
    if later { Trouble::Unreachable(words) } else { Trouble::Refused(words) }
}

/// Now, as signatures want it.
fn moment() -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let seconds = now.map_or(0, |since| since.as_secs());
    of_seconds(seconds)
}

/// Days since 1970 to a date: Howard Hinnant's `civil_from_days`.
fn of_seconds(seconds: u64) -> String {
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    let shifted = days + 719_468;
    let era = shifted / 146_097;
    let day_of_era = shifted % 146_097;
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_dates() {
        for (seconds, wanted) in [
            (0, "19700101T000000Z"),
            (951_782_399, "20000228T235959Z"),
            (951_782_400, "20000229T000000Z"),
            (1_440_938_160, "20150830T123600Z"),
            (4_102_444_799, "20991231T235959Z"),
        ] {
            assert_eq!(of_seconds(seconds), wanted);
        }
    }

    #[test]
    fn what_may_be_done_later_is_told_from_what_may_not() {
        let of = |status, text: &str| said("RunTask", status, text.as_bytes());
        let later = of(400, r#"{"__type": "x#ThrottlingException", "message": "slow down"}"#);
        assert!(matches!(&later, Trouble::Unreachable(words) if words.contains("slow down")));
        let never = of(400, r#"{"__type": "ClientException", "Message": "no such cluster"}"#);
        assert!(matches!(&never, Trouble::Refused(words) if words.contains("no such cluster")));
        assert!(matches!(of(503, "oops"), Trouble::Unreachable(_)));
    }
}
