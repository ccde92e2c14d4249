//! Notices: what people were told, sent again, and whether targets can be reached.

use std::collections::BTreeMap;
use std::sync::Arc;

use api::Page;
use api::notice::{NoticeView, NotifyTarget, TargetTested, TestTarget};
use api::problem::Problem;
use axum::extract::{Path, State};
use serde::Deserialize;
use store::port::{Change, NoticeQuery, NoticeRow, NoticeStatus, OpenNotices};
use utoipa::IntoParams;

use super::body::{Json, Limit, Params};
use super::caller::Caller;
use super::problem::Fault;
use super::{pipelines, reference};
use crate::clock::Clock;
use crate::config::notify::{Encryption, Notify, Text, Way};
use crate::http::rooms::{Rooms, routes};
use crate::notices::{self, Kind};
use crate::refused::Refused;
use crate::shared::Shared;

/// The routes of this room.
pub(super) fn routes() -> Rooms {
    Rooms::new()
        .routes(routes!(list))
        .routes(routes!(show))
        .routes(routes!(retry))
        .routes(routes!(targets))
        .routes(routes!(test))
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct List {
    target: Option<String>,
    /// Of `waiting delivered given_up`, with commas.
    #[param(pattern = "^(waiting|delivered|given_up)(,(waiting|delivered|given_up))*$")]
    status: Option<String>,
    run: Option<String>,
    /// At most so many of them.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 1000, default = 100)]
    limit: Option<Limit>,
    /// `next` of the page before: `N-17`.
    #[param(pattern = "^N-[0-9]{1,15}$")]
    after: Option<String>,
}

/// Newest first.
#[utoipa::path(
    get,
    path = "/api/notices",
    tag = "notices",
    security(("token" = ["read"])),
    params(List),
    responses((status = OK, body = Page<NoticeView>), (status = "default", body = Problem)),
)]
pub(crate) async fn list(
    State(shared): State<Arc<Shared>>,
    _caller: Caller,
    Params(list): Params<List>,
) -> Result<Json<Page<NoticeView>>, Fault> {
    let limit = pipelines::limit(list.limit);
    let words =
        pipelines::statuses(list.status.as_deref(), &NoticeStatus::ALL.map(NoticeStatus::word))?;
    let statuses = NoticeStatus::ALL.into_iter();
    let statuses = statuses.filter(|status| words.iter().any(|word| word == status.word()));
    let before = match list.after.as_deref() {
        None => None,
        Some(after) => {
            let bad = || pipelines::bad_after("the id of a notice, such as `N-17`");
            Some(after.strip_prefix("N-").and_then(number).ok_or_else(bad)?)
        }
    };
    let run = match &list.run {
        Some(run) => Some(reference::run(&shared, run).await?.id),
        None => None,
    };
    let query = NoticeQuery {
        target: list.target,
        statuses: statuses.collect(),
        run,
        before,
        limit: limit + 1,
        ..NoticeQuery::default()
    };
    let rows = shared.read(move |reader| Ok(reader.notices(&query)?)).await?;
    let notify = rules(&shared);
    let id = |row: &NoticeRow| notices::id(row.number);
    Ok(Json(pipelines::page_of("notice", rows, limit, id, |row| view(&row, &notify))))
}

/// One notice, with every try.
#[utoipa::path(
    get,
    path = "/api/notices/{id}",
    tag = "notices",
    security(("token" = ["read"])),
    params(("id" = String, Path, description = "`N-17`")),
    responses((status = OK, body = NoticeView), (status = "default", body = Problem)),
)]
pub(crate) async fn show(
    State(shared): State<Arc<Shared>>,
    _caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<NoticeView>, Fault> {
    let row = find(&shared, &id).await?;
    Ok(Json(view(&row, &rules(&shared))))
}

/// Sends a notice that waits, or was given up, now; it is tried as long as a new one.
#[utoipa::path(
    post,
    path = "/api/notices/{id}/retry",
    tag = "notices",
    security(("token" = ["maintain"])),
    params(("id" = String, Path, description = "`N-17`")),
    responses((status = OK, body = NoticeView), (status = "default", body = Problem)),
)]
pub(crate) async fn retry(
    State(shared): State<Arc<Shared>>,
    _caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<NoticeView>, Fault> {
    let number = find(&shared, &id).await?.number;
    shared.desk.store(move |at| Change::RetryNotice { number, at }).await?;
    // As it was asked for: what becomes of it is seen later.
    let row = find(&shared, &id).await?;
    shared.bell.ring();
    Ok(Json(view(&row, &rules(&shared))))
}

/// The targets of `config.yaml`, and others that notices still wait for.
#[utoipa::path(
    get,
    path = "/api/notify/targets",
    tag = "notices",
    security(("token" = ["read"])),
    responses((status = OK, body = Page<NotifyTarget>), (status = "default", body = Problem)),
)]
pub(crate) async fn targets(
    State(shared): State<Arc<Shared>>,
    _caller: Caller,
) -> Result<Json<Page<NotifyTarget>>, Fault> {
    let config = shared.config()?;
    let (open, problems) = shared.read(|reader| Ok(backlog(reader)?)).await?;
    let notify = &config.notify;
    let mut found: BTreeMap<String, NotifyTarget> = BTreeMap::new();
    for (name, target) in &notify.targets {
        let named = notify.rules.iter().filter(|rule| rule.to.contains(name));
        let mut on: Vec<Kind> = named.flat_map(|rule| rule.on.iter().copied()).collect();
        on.sort_unstable();
        on.dedup();
        let view = NotifyTarget {
            name: name.clone(),
            kind: target.way.word().to_owned(),
            leads_to: leads_to(&target.way),
            allow_private: target.allow_private,
            on: on.into_iter().map(|kind| kind.word().to_owned()).collect(),
            waiting: 0,
            given_up: 0,
            problem: String::new(),
        };
        found.insert(name.clone(), view);
    }
    for of in open {
        let view = found.entry(of.target.clone()).or_insert_with(|| NotifyTarget {
            name: of.target.clone(),
            kind: String::new(),
            leads_to: String::new(),
            allow_private: false,
            on: Vec::new(),
            waiting: 0,
            given_up: 0,
            problem: String::new(),
        });
        (view.waiting, view.given_up) = (of.waiting, of.given_up);
        view.problem = problems.get(&of.target).cloned().unwrap_or_default();
    }
    let data = found.into_values().collect();
    Ok(Json(pipelines::page("target", data, u32::MAX, |target: &NotifyTarget| target.name.clone())))
}

/// What waits, and what keeps the first one of each target.
fn backlog(
    reader: &dyn store::port::Read,
) -> Result<(Vec<OpenNotices>, BTreeMap<String, String>), store::port::Error> {
    let open = reader.open_notices()?;
    let mut problems = BTreeMap::new();
    for of in open.iter().filter(|of| of.waiting > 0) {
        let first = reader.notices(&NoticeQuery {
            target: Some(of.target.clone()),
            statuses: vec![NoticeStatus::Waiting],
            oldest_first: true,
            limit: 1,
            ..NoticeQuery::default()
        })?;
        if let Some(row) = first.into_iter().next() {
            problems.insert(row.target, row.problem);
        }
    }
    Ok((open, problems))
}

/// Sends a notice that says nothing, once and at once, and says exactly how that went.
#[utoipa::path(
    post,
    path = "/api/notify/test",
    tag = "notices",
    security(("token" = ["maintain"])),
    request_body = TestTarget,
    responses((status = OK, body = TargetTested), (status = "default", body = Problem)),
)]
pub(crate) async fn test(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Json(TestTarget { target: name }): Json<TestTarget>,
) -> Result<Json<TargetTested>, Fault> {
    let config = shared.config()?;
    let notify = &config.notify;
    let Some(target) = notify.targets.get(&name) else {
        let names: Vec<&str> = notify.targets.keys().map(String::as_str).collect();
        let known = match names.is_empty() {
            true => "`config.yaml` names none (`notify: {targets: ...}`)".to_owned(),
            false => format!("there are: {}", names.join(", ")),
        };
        return Err(Fault::not_found(format!("there is no target `{name}`; {known}"))
            .hint("orchestrate notify targets"));
    };
    let at = Clock::start(None).now();
    let url = notify.public_url.as_deref();
    let (took, tried) = notices::test(&shared, target, &caller.name, at, url).await;
    let took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    Ok(Json(match tried {
        Ok(problem) => TargetTested {
            target: name,
            delivered: true,
            code: String::new(),
            problem,
            hints: Vec::new(),
            took_ms,
        },
        Err(fault) => TargetTested {
            target: name,
            delivered: false,
            code: fault.code.to_owned(),
            problem: fault.problem,
            hints: fault.hints,
            took_ms,
        },
    }))
}

/// Only links are made with it: a slip in the file does not hide what was told.
fn rules(shared: &Shared) -> Notify {
    shared.config().map(|config| config.notify.clone()).unwrap_or_default()
}

/// `N-17` or `17`
fn number(id: &str) -> Option<u64> {
    let digits = id.strip_prefix("N-").or_else(|| id.strip_prefix("n-")).unwrap_or(id);
    // `parse` alone takes a sign.
    digits.starts_with(|first: char| first.is_ascii_digit()).then(|| digits.parse().ok()).flatten()
}

async fn find(shared: &Shared, id: &str) -> Result<NoticeRow, Refused> {
    let missing = Refused::NotFound { what: "notice", name: id.to_owned() };
    let Some(number) = number(id) else { return Err(missing) };
    shared.read(move |reader| reader.notice(number)?.ok_or(missing)).await
}

fn view(row: &NoticeRow, notify: &Notify) -> NoticeView {
    let told = notices::told(row, notify);
    let letter = if row.kind.starts_with("input.") { 'I' } else { 'A' };
    NoticeView {
        id: notices::id(row.number),
        key: row.key.clone(),
        target: row.target.clone(),
        kind: row.kind.clone(),
        status: row.status.word().to_owned(),
        run: told.run,
        request: row.request.map(|number| format!("{letter}-{number}")),
        title: told.title,
        text: told.text,
        attempts: row.attempts,
        problem: row.problem.clone(),
        created_at: row.created_at,
        next_at: (row.status == NoticeStatus::Waiting).then_some(row.due_at),
        settled_at: row.settled_at,
        url: told.url,
        command: told.command,
    }
}

fn leads_to(way: &Way) -> String {
    match way {
        Way::Slack { url } => url.to_string(),
        Way::Webhook { url: Text::Secret(url), .. } => url.to_string(),
        // The rest of it may be a secret all the same.
        Way::Webhook { url: Text::Plain(url), .. } => {
            let host = url.split('/').take(3).collect::<Vec<_>>().join("/");
            host.split(['?', '#']).next().unwrap_or_default().to_owned()
        }
        Way::Smtp(smtp) => {
            let encryption = match smtp.encryption {
                Encryption::StartTls => "starttls",
                Encryption::Tls => "tls",
                Encryption::None => "not encrypted",
            };
            format!("{}:{} ({encryption})", smtp.host, smtp.port)
        }
        Way::Command { argv, .. } => argv.first().cloned().unwrap_or_default(),
    }
}
