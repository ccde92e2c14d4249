//! Users: made, listed and changed by administrators; those of `config.yaml` are listed with them.

use std::collections::BTreeMap;
use std::sync::Arc;

use api::Page;
use api::account::{CreateUser, UpdateUser, UserView};
use api::problem::Problem;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use store::port::{AccountChange, AccountRefusal, Change, Refusal, UserRow};

use super::body::Json;
use super::caller::Caller;
use super::pipelines;
use super::problem::Fault;
use crate::accounts::{self, password};
use crate::config::{Config, is_name};
use crate::http::rooms::{Rooms, routes};
use crate::refused::Refused;
use crate::shared::Shared;

/// The routes of this room.
pub(super) fn routes() -> Rooms {
    Rooms::new().routes(routes!(list, create)).routes(routes!(show, update))
}

/// Everybody that the store or `config.yaml` lists, by name.
#[utoipa::path(
    get,
    path = "/api/users",
    operation_id = "accounts_list_users",
    tag = "accounts",
    security(("token" = ["admin"])),
    responses((status = OK, body = Page<UserView>), (status = "default", body = Problem)),
)]
pub(crate) async fn list(State(shared): State<Arc<Shared>>) -> Result<Json<Page<UserView>>, Fault> {
    let config = shared.config()?;
    let rows = shared.read(|reader| Ok(reader.users()?)).await?;
    let mut all: BTreeMap<String, Option<UserRow>> =
        config.directory.names().map(|name| (name.to_owned(), None)).collect();
    all.extend(rows.into_iter().map(|row| (row.name.clone(), Some(row))));
    let data = all.iter().map(|(name, row)| view(&config, name, row.as_ref())).collect();
    Ok(Json(pipelines::page("user", data, u32::MAX, |user: &UserView| user.name.clone())))
}

/// One user.
#[utoipa::path(
    get,
    path = "/api/users/{name}",
    tag = "accounts",
    security(("token" = ["admin"])),
    params(("name" = String, Path, description = "Its name")),
    responses((status = OK, body = UserView), (status = "default", body = Problem)),
)]
pub(crate) async fn show(
    State(shared): State<Arc<Shared>>,
    Path(name): Path<String>,
) -> Result<Json<UserView>, Fault> {
    Ok(Json(found(&shared, name).await?))
}

/// A new user.
#[utoipa::path(
    post,
    path = "/api/users",
    tag = "accounts",
    security(("token" = ["admin"])),
    request_body = CreateUser,
    responses((status = CREATED, body = UserView), (status = "default", body = Problem)),
)]
pub(crate) async fn create(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Json(body): Json<CreateUser>,
) -> Result<(StatusCode, Json<UserView>), Fault> {
    let CreateUser { name, full_name, email, mut roles, groups, password, subject } = body;
    if !is_name(&name) {
        return Err(Fault::invalid_input("`name` has to be the name of a user"));
    }
    if roles.is_empty() {
        roles.push("viewer".to_owned());
    }
    let subject = linked(&shared, subject.as_deref())?.flatten();
    let now = crate::clock::wall();
    let row = UserRow {
        name: name.clone(),
        full_name,
        email,
        roles,
        groups,
        password: None,
        subject,
        disabled_at: None,
        created_at: now,
        created_by: caller.name.clone(),
        updated_at: now,
    };
    must_be_fit(&row)?;
    let password = hashed(&shared, password).await?;
    let _one = shared.accounts.changing.lock().await;
    put(&shared, caller, UserRow { password, ..row }, true).await?;
    Ok((StatusCode::CREATED, Json(found(&shared, name).await?)))
}

/// Changes what is given. A new password, another identity at the provider, or being disabled, ends
/// all sessions of the user.
#[utoipa::path(
    patch,
    path = "/api/users/{name}",
    tag = "accounts",
    security(("token" = ["admin"])),
    params(("name" = String, Path, description = "Its name")),
    request_body = UpdateUser,
    responses((status = OK, body = UserView), (status = "default", body = Problem)),
)]
pub(crate) async fn update(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Path(name): Path<String>,
    Json(body): Json<UpdateUser>,
) -> Result<Json<UserView>, Fault> {
    let new_password = hashed(&shared, body.password).await?;
    let subject = linked(&shared, body.subject.as_deref())?;
    // What is read has to be still so when it is written.
    let _one = shared.accounts.changing.lock().await;
    let of = name.clone();
    let row = shared.read(move |reader| Ok(reader.user(&of)?)).await?;
    let Some(row) = row else {
        let missing = AccountRefusal::NoSuchUser { name: name.clone() };
        let fault = Fault::from(Refused::Catalog(Refusal::Account(missing)));
        return Err(match shared.config()?.directory.knows(&name) {
            true => fault.hint(format!("`config.yaml` lists them: orchestrate user create {name}")),
            false => fault,
        });
    };
    let now = crate::clock::wall();
    let relinked = subject.as_ref().is_some_and(|subject| *subject != row.subject);
    let ends = new_password.is_some() || relinked || body.disabled == Some(true);
    let row = UserRow {
        full_name: body.full_name.unwrap_or(row.full_name),
        email: body.email.unwrap_or(row.email),
        roles: body.roles.unwrap_or(row.roles),
        groups: body.groups.unwrap_or(row.groups),
        disabled_at: match body.disabled {
            None => row.disabled_at,
            Some(false) => None,
            Some(true) => row.disabled_at.or(Some(now)),
        },
        password: new_password.or(row.password),
        subject: subject.unwrap_or(row.subject),
        updated_at: now,
        ..row
    };
    must_be_fit(&row)?;
    let by = caller.name.clone();
    put(&shared, caller, row, false).await?;
    if ends {
        let user = name.clone();
        let end = move |at| Change::Account(Box::new(AccountChange::EndSessions { user, by, at }));
        shared.desk.store(end).await?;
    }
    Ok(Json(found(&shared, name).await?))
}

async fn put(shared: &Shared, caller: Caller, user: UserRow, create: bool) -> Result<(), Fault> {
    let by = caller.name;
    let change = move |_at| Change::Account(Box::new(AccountChange::PutUser { user, create, by }));
    shared.desk.store(change).await?;
    Ok(())
}

async fn hashed(shared: &Shared, password: Option<String>) -> Result<Option<String>, Fault> {
    let Some(password) = password else { return Ok(None) };
    if let Some(problem) = password::unfit(&password) {
        return Err(Fault::invalid_input(problem));
    }
    Ok(Some(shared.accounts.hash(password).await?))
}

/// `None`: nothing is said of it.
fn linked(shared: &Shared, sub: Option<&str>) -> Result<Option<Option<String>>, Fault> {
    let Some(sub) = sub else { return Ok(None) };
    let linked = accounts::oidc::people::linked(&*shared.config()?, sub);
    linked.map(Some).map_err(|problem| {
        Fault::invalid_input(format!("`subject`: {problem}")).field("subject", problem)
    })
}

fn must_be_fit(row: &UserRow) -> Result<(), Fault> {
    let names = || row.roles.iter().chain(&row.groups);
    if let Some(bad) = names().find(|name| !is_name(name)) {
        return Err(Fault::invalid_input(format!("`{bad}` cannot be the name of a role or group")));
    }
    let long = [&row.full_name, &row.email].into_iter().any(|text| text.len() > 256);
    if long || names().count() > 256 {
        return Err(Fault::invalid_input("names and addresses have at most 256 bytes"));
    }
    if [&row.full_name, &row.email].into_iter().any(|text| text.contains(char::is_control)) {
        return Err(Fault::invalid_input("names and addresses have no control characters"));
    }
    Ok(())
}

async fn found(shared: &Shared, name: String) -> Result<UserView, Fault> {
    let config = shared.config()?;
    let of = name.clone();
    let row = shared.read(move |reader| Ok(reader.user(&of)?)).await?;
    if row.is_none() && !config.directory.knows(&name) {
        let missing = AccountRefusal::NoSuchUser { name };
        return Err(Refused::Catalog(Refusal::Account(missing)).into());
    }
    Ok(view(&config, &name, row.as_ref()))
}

fn view(config: &Config, name: &str, row: Option<&UserRow>) -> UserView {
    let account = accounts::join(config, name, row);
    let member = config.directory.member(name);
    let mut roles: Vec<String> =
        member.into_iter().flat_map(|member| member.roles.iter().cloned()).collect();
    roles.extend(row.into_iter().flat_map(|row| row.roles.iter().cloned()));
    roles.sort();
    roles.dedup();
    let groups =
        account.person.groups.iter().filter(|name| !roles.contains(name)).cloned().collect();
    UserView {
        name: name.to_owned(),
        full_name: row.map(|row| row.full_name.clone()).unwrap_or_default(),
        email: row.map(|row| row.email.clone()).unwrap_or_default(),
        roles,
        groups,
        rights: account.rights.iter().map(|right| right.word().to_owned()).collect(),
        origin: match row {
            None => "config",
            Some(row) if row.subject.is_some() => "oidc",
            Some(_) => "store",
        }
        .to_owned(),
        subject: row.and_then(|row| row.subject.clone()),
        has_password: row.is_some_and(|row| row.password.is_some()),
        disabled_at: row.and_then(|row| row.disabled_at),
        created_at: row.map(|row| row.created_at),
    }
}
