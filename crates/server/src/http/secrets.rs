//! Secrets: put, listed by name, removed. Nobody gets a value back.

use std::sync::Arc;

use api::Page;
use api::account::{Rekeyed, SecretView, SetSecret};
use api::problem::Problem;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::Deserialize;
use store::port::{AccountChange, Change, SecretRow};
use utoipa::IntoParams;
use zeroize::Zeroizing;

use super::body::{Json, Params};
use super::caller::Caller;
use super::pipelines;
use super::problem::Fault;
use crate::config::is_name;
use crate::config::secret::is_secret_name;
use crate::http::rooms::{Rooms, routes};
use crate::refused::Refused;
use crate::shared::{Shared, blocking};
use crate::vault::{MAX_VALUE, Scope, Sealed};

/// The routes of this room.
pub(super) fn routes() -> Rooms {
    Rooms::new().routes(routes!(list)).routes(routes!(put, remove)).routes(routes!(rekey))
}

/// Names, scopes and times of all secrets that are stored here.
#[utoipa::path(
    get,
    path = "/api/secrets",
    tag = "accounts",
    security(("token" = ["maintain"])),
    responses((status = OK, body = Page<SecretView>), (status = "default", body = Problem)),
)]
pub(crate) async fn list(
    State(shared): State<Arc<Shared>>,
) -> Result<Json<Page<SecretView>>, Fault> {
    let rows = shared.read(|reader| Ok(reader.secrets()?)).await?;
    let data = rows.into_iter().map(view).collect();
    Ok(Json(pipelines::page("secret", data, u32::MAX, |of: &SecretView| of.name.clone())))
}

/// Stores a value under a name: for all, for one pipeline or for one environment.
#[utoipa::path(
    put,
    path = "/api/secrets/{name}",
    tag = "accounts",
    security(("token" = ["maintain"])),
    params(("name" = String, Path, description = "Letters, digits, `_` and `-`")),
    request_body = SetSecret,
    responses((status = OK, body = SecretView), (status = "default", body = Problem)),
)]
pub(crate) async fn put(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Path(name): Path<String>,
    Json(SetSecret { value, pipeline, environment }): Json<SetSecret>,
) -> Result<Json<SecretView>, Fault> {
    let value = Zeroizing::new(value);
    must_be_name(&name)?;
    if value.is_empty() || value.len() > MAX_VALUE || value.contains('\0') {
        let detail = format!("a value has 1 to {MAX_VALUE} bytes, and no NUL among them");
        return Err(Fault::invalid_input(detail));
    }
    let scope = scope(pipeline, environment)?;
    let _turn = shared.vault.changing.lock().await;
    let (vault, of, place) = (Arc::clone(&shared.vault), name.clone(), scope.clone());
    let sealed = blocking(move || vault.seal(&place, &of, &value)).await?;
    let Sealed { key, bytes } = sealed.map_err(unusable)?;
    let now = crate::clock::wall();
    let secret = SecretRow {
        scope: scope.text(),
        name: name.clone(),
        key,
        sealed: bytes,
        created_at: now,
        created_by: caller.name.clone(),
        updated_at: now,
        updated_by: caller.name,
    };
    let change = move |_at| Change::Account(Box::new(AccountChange::PutSecret { secret }));
    shared.desk.store(change).await?;
    let rows = shared.read(move |reader| Ok(reader.secrets_named(&name)?)).await?;
    let text = scope.text();
    let found = rows.into_iter().find(|row| row.scope == text);
    let lost = || Refused::Internal("the secret was not stored".to_owned());
    Ok(Json(view(found.ok_or_else(lost)?)))
}

/// For whom it was put.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct For {
    pipeline: Option<String>,
    environment: Option<String>,
}

/// Removes a secret of one scope.
#[utoipa::path(
    delete,
    path = "/api/secrets/{name}",
    tag = "accounts",
    security(("token" = ["maintain"])),
    params(("name" = String, Path, description = "Its name"), For),
    responses((status = NO_CONTENT, description = "It is gone"), (status = "default", body = Problem)),
)]
pub(crate) async fn remove(
    State(shared): State<Arc<Shared>>,
    Caller { name: by, .. }: Caller,
    Path(name): Path<String>,
    Params(For { pipeline, environment }): Params<For>,
) -> Result<StatusCode, Fault> {
    let scope = scope(pipeline, environment)?.text();
    let _turn = shared.vault.changing.lock().await;
    let change =
        move |at| Change::Account(Box::new(AccountChange::RemoveSecret { scope, name, by, at }));
    shared.desk.store(change).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Draws a new key and seals everything with it.
#[utoipa::path(
    post,
    path = "/api/secret-key",
    tag = "accounts",
    security(("token" = ["maintain"])),
    responses((status = OK, body = Rekeyed), (status = "default", body = Problem)),
)]
pub(crate) async fn rekey(
    State(shared): State<Arc<Shared>>,
    Caller { name: by, .. }: Caller,
) -> Result<Json<Rekeyed>, Fault> {
    let _turn = shared.vault.changing.lock().await;
    let vault = Arc::clone(&shared.vault);
    let (key, secrets) = blocking(move || vault.seal_again()).await?.map_err(unusable)?;
    let count = secrets.len() as u64;
    let change = move |at| Change::Account(Box::new(AccountChange::SealAgain { secrets, by, at }));
    shared.desk.store(change).await?;
    let vault = Arc::clone(&shared.vault);
    blocking(move || vault.rekeyed()).await?.map_err(unusable)?;
    Ok(Json(Rekeyed { secrets: count, key }))
}

fn unusable(problem: String) -> Fault {
    Fault::new(StatusCode::CONFLICT, "secret_key", "the key of the secrets cannot be used", problem)
        .hint("docs/guide/accounts.md says where the key lies and who may read it")
}

fn must_be_name(name: &str) -> Result<(), Fault> {
    if is_secret_name(name) {
        return Ok(());
    }
    Err(Fault::invalid_input("a secret's name has 1 to 128 letters, digits, `_` or `-`"))
}

fn scope(pipeline: Option<String>, environment: Option<String>) -> Result<Scope, Fault> {
    let scope = match (pipeline, environment) {
        (None, None) => return Ok(Scope::Global),
        (Some(name), None) => Scope::Pipeline(name),
        (None, Some(name)) => Scope::Environment(name),
        (Some(_), Some(_)) => {
            let detail = "a secret is for a pipeline or for an environment, not for both";
            return Err(Fault::invalid_input(detail));
        }
    };
    match &scope {
        Scope::Pipeline(name) | Scope::Environment(name) if !is_name(name) => {
            Err(Fault::invalid_input(format!("`{name}` cannot be a name")))
        }
        Scope::Global | Scope::Pipeline(_) | Scope::Environment(_) => Ok(scope),
    }
}

fn view(row: SecretRow) -> SecretView {
    let (pipeline, environment) = match Scope::of(&row.scope) {
        Some(Scope::Pipeline(name)) => (Some(name), None),
        Some(Scope::Environment(name)) => (None, Some(name)),
        Some(Scope::Global) | None => (None, None),
    };
    let SecretRow { name, created_at, created_by, updated_at, updated_by, .. } = row;
    SecretView { name, pipeline, environment, created_at, created_by, updated_at, updated_by }
}
