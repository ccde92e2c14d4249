//! `orchestrate api`

use std::io::Read as _;

use api::problem::Problem;
use axum::body::{Body, Bytes};
use clap::Args;
use http::{HeaderName, HeaderValue, Method, Response, header};
use http_body_util::BodyExt as _;
use serde_json::Value as Json;

use crate::client::body;
use crate::client::raw::Raw;
use crate::context::Context;
use crate::error::{Failure, Result};
use crate::exit::Exit;
use crate::output::{self, Format};
use crate::session;

/// Send one request to the API as yourself, and print the answer
///
/// JSON is printed for people, or as --output says; anything else as it comes. A refusal is
/// printed too, and the exit code says its kind. `orchestrate api /api/openapi.json` describes
/// every path.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  orchestrate api /api/runs?limit=5
  orchestrate api -X POST /api/pipelines/ci/run --data '{\"inputs\": {\"goal\": \"x\"}}'
  orchestrate api -X PUT /api/pipelines/ci --data @ci.json -H 'If-Match: \"r3\"'")]
pub struct ApiArgs {
    /// The path with its query: `/api/runs?limit=5`
    path: String,
    /// GET, or POST when there is data
    #[arg(short = 'X', long, value_name = "METHOD")]
    method: Option<String>,
    /// The body: a text, @FILE, or - for stdin
    #[arg(short, long, value_name = "TEXT|@FILE|-", allow_hyphen_values = true)]
    data: Option<String>,
    /// A header: `Name: value`
    #[arg(short = 'H', long = "header", value_name = "HEADER")]
    headers: Vec<String>,
    /// Print status and headers first, on stderr
    #[arg(short, long)]
    include: bool,
}

pub fn run(args: &ApiArgs, context: &Context) -> Result<Exit> {
    let raw = raw(args)?;
    session::talk(context, async |session| {
        let response = session.client.raw(raw).await?;
        if args.include {
            output::say(&head(&response));
        }
        let status = response.status();
        if status.is_success() || status.is_redirection() || status.as_u16() == 304 {
            show(context, response).await?;
            return Ok(Exit::Ok);
        }
        let bytes = body(response).await?;
        output::print_bytes(&shown(context, &bytes))?;
        let problem = serde_json::from_slice::<Problem>(&bytes)
            .unwrap_or_else(|_| Problem { status: status.as_u16(), ..Problem::default() });
        Ok(Failure::from_problem(problem).exit)
    })
}

fn raw(args: &ApiArgs) -> Result<Raw> {
    if !args.path.starts_with('/') {
        return Err(Failure::usage(format!("`{}` is no path: it begins with `/`", args.path))
            .hint("orchestrate api /api/runs"));
    }
    let body = match args.data.as_deref() {
        None => Bytes::new(),
        Some(text) => Bytes::from(data(text)?),
    };
    let method = match &args.method {
        Some(method) => Method::from_bytes(method.to_ascii_uppercase().as_bytes())
            .map_err(|_| Failure::usage(format!("`{method}` is no method")))?,
        None if body.is_empty() => Method::GET,
        None => Method::POST,
    };
    let headers = args.headers.iter().map(|line| header_of(line)).collect::<Result<_>>()?;
    Ok(Raw { method, path: args.path.clone(), headers, body })
}

fn data(text: &str) -> Result<Vec<u8>> {
    if text == "-" {
        let mut bytes = Vec::new();
        std::io::stdin().lock().read_to_end(&mut bytes)?;
        return Ok(bytes);
    }
    match text.strip_prefix('@') {
        Some(file) => std::fs::read(file)
            .map_err(|error| Failure::usage(format!("could not read `{file}`: {error}"))),
        None => Ok(text.as_bytes().to_vec()),
    }
}

fn header_of(line: &str) -> Result<(HeaderName, HeaderValue)> {
    let no_header =
        || Failure::usage(format!("`{line}` is no header")).hint("write `-H 'If-Match: \"r3\"'`");
    let (name, value) = line.split_once(':').ok_or_else(no_header)?;
    let name = HeaderName::from_bytes(name.trim().as_bytes()).map_err(|_| no_header())?;
    let value = HeaderValue::from_str(value.trim()).map_err(|_| no_header())?;
    Ok((name, value))
}

fn head(response: &Response<Body>) -> String {
    let lines = response.headers().iter();
    let lines = lines.map(|(name, value)| format!("{name}: {}\n", value.to_str().unwrap_or("...")));
    format!("{}\n{}\n", response.status(), lines.collect::<String>())
}

/// JSON as a whole; anything else piece by piece, so that a feed is seen as it comes.
async fn show(context: &Context, response: Response<Body>) -> Result<()> {
    let kind = response.headers().get(header::CONTENT_TYPE);
    if kind.is_some_and(|kind| kind.as_bytes().starts_with(b"application/json")) {
        return output::print_bytes(&shown(context, &body(response).await?));
    }
    let mut body = response.into_body();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| {
            Failure::new(Exit::Unreachable, format!("the connection broke: {error}"))
        })?;
        if let Ok(piece) = frame.into_data() {
            output::print_bytes(&piece)?;
        }
    }
    Ok(())
}

fn shown(context: &Context, bytes: &[u8]) -> Vec<u8> {
    let Ok(json) = serde_json::from_slice::<Json>(bytes) else { return bytes.to_vec() };
    let items = json.get("data").and_then(Json::as_array);
    match (context.format(), items) {
        (Format::Ndjson, Some(items)) => {
            items.iter().map(|item| format!("{item}\n")).collect::<String>().into_bytes()
        }
        (format, _) => output::document(format, &json).into_bytes(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(path: &str) -> ApiArgs {
        let (path, method, data) = (path.to_owned(), None, None);
        ApiArgs { path, method, data, headers: Vec::new(), include: false }
    }

    #[test]
    fn a_request_is_made_of_what_was_written() {
        let sent = raw(&args("/api/runs")).unwrap();
        assert_eq!((sent.method, sent.path.as_str()), (Method::GET, "/api/runs"));
        let with_data = ApiArgs { data: Some("{}".to_owned()), ..args("/api/runs") };
        assert_eq!(raw(&with_data).unwrap().method, Method::POST);
        let deleting = ApiArgs { method: Some("delete".to_owned()), ..args("/x") };
        assert_eq!(raw(&deleting).unwrap().method, Method::DELETE);
        let (name, value) = header_of("If-Match: \"r3\"").unwrap();
        assert_eq!((name.as_str(), value.to_str().unwrap()), ("if-match", "\"r3\""));
        for wrong in ["", "a", "a b: c", "a: \u{7f}"] {
            assert_eq!(header_of(wrong).unwrap_err().exit, Exit::Usage, "{wrong:?}");
        }
        assert_eq!(raw(&args("api/runs")).unwrap_err().exit, Exit::Usage);
    }
}
