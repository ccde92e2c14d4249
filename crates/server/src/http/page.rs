//! Plain pages for somebody who stands before a browser, where nothing else would show them an
//! answer. They run no scripts and load nothing.

use axum::body::Body;
use axum::http::header::{ACCEPT, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::http::header::{REFERRER_POLICY, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

use super::problem::Fault;

const POLICY: &str =
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Marks an answer that is a page: it is not made a problem.
#[derive(Clone, Copy, Debug)]
pub(super) struct Page;

/// Whether whoever asks reads pages.
pub(super) fn is_wanted(headers: &HeaderMap) -> bool {
    let accepts = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    accepts.flat_map(|value| value.split(',')).any(|kind| {
        let kind = kind.split(';').next().unwrap_or_default().trim();
        kind.eq_ignore_ascii_case("text/html")
    })
}

/// A refusal, with the way to try again.
pub(super) fn refusal(fault: Fault, again: &str) -> Response {
    let (title, detail, hints) = fault.words();
    let hints: String =
        hints.iter().map(|hint| format!("<li><code>{}</code></li>", escape(hint))).collect();
    let hints =
        if hints.is_empty() { hints } else { format!("<p>What may help:</p><ul>{hints}</ul>") };
    let body = format!(
        "<h1>{}</h1><p>{}</p>{hints}<p><a href=\"{}\">Try again</a></p>",
        escape(title),
        escape(detail),
        escape(again)
    );
    let text = document(title, "", &body);
    let answer = fault.into_response();
    let mut page = page(answer.status(), text);
    if let Some(after) = answer.headers().get(RETRY_AFTER) {
        page.headers_mut().insert(RETRY_AFTER, after.clone());
    }
    page
}

/// Leads on to a path of ours. Not a redirect: a browser that came from another site would not
/// send the new session along with it.
pub(super) fn onward(path: &str) -> Response {
    let path = escape(path);
    let head = format!("<meta http-equiv=\"refresh\" content=\"0;url={path}\">");
    let body = format!("<p>You are signed in. <a href=\"{path}\">Go on</a></p>");
    page(StatusCode::OK, document("Signed in", &head, &body))
}

fn document(title: &str, head: &str, body: &str) -> String {
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>{}</title>{head}\
         </head><body>{body}</body></html>\n",
        escape(title)
    )
}

fn page(status: StatusCode, text: String) -> Response {
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    response.extensions_mut().insert(Page);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_stays_text() {
        assert_eq!(escape("<a href='x'>\"&"), "&lt;a href=&#39;x&#39;&gt;&quot;&amp;");
    }

    #[test]
    fn a_browser_is_known_by_what_it_reads() {
        let wants = |accept: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT, accept.parse().unwrap());
            is_wanted(&headers)
        };
        assert!(wants("text/html,application/xhtml+xml;q=0.9") && wants("a/b, Text/HTML;q=0.1"));
        assert!(!wants("*/*") && !wants("application/json") && !is_wanted(&HeaderMap::new()));
    }
}
