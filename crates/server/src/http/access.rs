//! Who may ask what: read from the description of the API itself. What is not described is not
//! answered.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use axum::http::Method;
use serde_json::Value;
use utoipa::openapi::HttpMethod;

use crate::rights::{ROLES, Right, Rights};

/// What a route asks of its caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rule {
    /// Nothing.
    Public,
    /// To be somebody with this right.
    Needs(Right),
    /// To be a live attempt, with the token of its door.
    Attempt,
    /// It is described in a way that nobody understands: closed.
    Closed,
}

/// By path as it is written at the route, then by method.
type Table = BTreeMap<String, BTreeMap<String, Rule>>;

static TABLE: LazyLock<Table> = LazyLock::new(table);

fn table() -> Table {
    let mut table = Table::new();
    for (path, methods, operation) in super::rooms().operations() {
        let rule = rule(&serde_json::json!({ "security": operation.security }));
        let of_path = table.entry(path).or_default();
        of_path.extend(methods.iter().map(|method| (name(method).to_owned(), rule)));
    }
    table
}

fn name(method: &HttpMethod) -> &'static str {
    match method {
        HttpMethod::Get => "GET",
        HttpMethod::Post => "POST",
        HttpMethod::Put => "PUT",
        HttpMethod::Delete => "DELETE",
        HttpMethod::Options => "OPTIONS",
        HttpMethod::Head => "HEAD",
        HttpMethod::Patch => "PATCH",
        HttpMethod::Trace => "TRACE",
    }
}

/// `[{}]` is public, `[{"token": ["run"]}]` needs that right, `[{"attempt": ["live"]}]` is for
/// attempts; anything else lets nobody in.
fn rule(operation: &Value) -> Rule {
    let Some([one]) = operation["security"].as_array().map(Vec::as_slice) else {
        return Rule::Closed;
    };
    if one.as_object().is_some_and(serde_json::Map::is_empty) {
        return Rule::Public;
    }
    if *one == serde_json::json!({"attempt": ["live"]}) {
        return Rule::Attempt;
    }
    if one.as_object().is_none_or(|way| way.len() != 1) {
        return Rule::Closed;
    }
    let rights = one["token"].as_array().map(Vec::as_slice);
    match rights {
        Some([right]) => right.as_str().and_then(Right::of).map_or(Rule::Closed, Rule::Needs),
        Some([] | [_, _, ..]) | None => Rule::Closed,
    }
}

/// The rule of a route; `None`: there is no such operation.
pub(super) fn of(method: &Method, matched: &str) -> Option<Rule> {
    let method = if *method == Method::HEAD { &Method::GET } else { method };
    TABLE.get(matched)?.get(method.as_str()).copied()
}

/// For `Allow`.
pub(super) fn methods(matched: &str) -> String {
    let methods = TABLE.get(matched).into_iter().flatten().map(|(method, _)| method.as_str());
    let all = methods.flat_map(|method| match method {
        "GET" => vec!["GET", "HEAD"],
        method => vec![method],
    });
    all.collect::<Vec<_>>().join(",")
}

/// Every operation, with its rule.
pub(crate) fn operations() -> impl Iterator<Item = (&'static str, &'static str, Rule)> {
    TABLE.iter().flat_map(|(path, methods)| {
        methods.iter().map(move |(method, rule)| (method.as_str(), path.as_str(), *rule))
    })
}

/// The page of the reference: roles, rights, and what every route asks for.
pub(crate) fn reference() -> String {
    let mut page =
        "# Who may ask what\n\nGenerated from the description of the API. Several roles \
                    add up.\n\n| right | is to |\n| --- | --- |\n"
            .to_owned();
    for right in Right::ALL {
        page += &format!("| `{}` | {} |\n", right.word(), right.says());
    }
    page += "\n| role | rights |\n| --- | --- |\n";
    for (role, rights) in ROLES {
        let rights: Rights = rights.iter().copied().collect();
        page += &format!("| {role} | {rights} |\n");
    }
    page += "\n| route | needs |\n| --- | --- |\n";
    for (method, path, rule) in operations() {
        let needs = match rule {
            Rule::Public => "nothing: public",
            Rule::Needs(right) => right.word(),
            Rule::Attempt => "to be a live attempt",
            Rule::Closed => "closed",
        };
        page += &format!("| `{method} {path}` | {needs} |\n");
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_not_said_clearly_is_closed() {
        let of = |security: Value| rule(&json!({ "security": security }));
        assert_eq!(of(json!([{}])), Rule::Public);
        assert_eq!(of(json!([{"token": ["run"]}])), Rule::Needs(Right::Run));
        assert_eq!(of(json!([{"attempt": ["live"]}])), Rule::Attempt);
        for unclear in [
            json!([]),
            json!(null),
            json!([{"token": []}]),
            json!([{"token": ["walk"]}]),
            json!([{"token": ["run", "read"]}]),
            json!([{}, {"token": ["run"]}]),
            json!([{"cookie": []}]),
            json!([{"attempt": []}]),
            json!([{"attempt": ["live"], "token": ["run"]}]),
        ] {
            assert_eq!(of(unclear.clone()), Rule::Closed, "{unclear}");
        }
        assert_eq!(rule(&json!({})), Rule::Closed);
    }

    #[test]
    fn the_reference_has_a_line_for_every_route_and_role() {
        let page = reference();
        assert!(page.contains("| `GET /healthz` | nothing: public |"), "{page}");
        assert!(page.contains("| `DELETE /api/tokens/{id}` | admin |"), "{page}");
        assert!(page.contains("| `GET /api/attempt` | to be a live attempt |"), "{page}");
        assert!(page.contains("| viewer | read |"), "{page}");
    }

    #[test]
    fn every_route_says_who_may_ask() {
        let operations: Vec<_> = operations().collect();
        assert!(operations.len() > 50);
        for (method, path, rule) in operations {
            assert_ne!(
                rule,
                Rule::Closed,
                "{method} {path} needs `security(..)` with one right, or for attempts"
            );
        }
    }
}
