//! Tokens of users: made, listed and revoked by administrators, stored as digests.

use std::sync::Arc;

use api::Page;
use api::flow::{CreateToken, TokenView};
use api::problem::Problem;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use store::port::{Change, TokenRow};

use super::body::Json;
use super::caller::Caller;
use super::pipelines;
use super::problem::Fault;
use crate::config::is_name;
use crate::http::rooms::{Rooms, routes};
use crate::refused::Refused;
use crate::shared::Shared;
use crate::{accounts, identity};

/// The routes of this room.
pub(super) fn routes() -> Rooms {
    Rooms::new().routes(routes!(list, create)).routes(routes!(revoke))
}

/// Whoever holds the answer is that user; it is shown this once.
#[utoipa::path(
    post,
    path = "/api/tokens",
    tag = "tokens",
    security(("token" = ["admin"])),
    request_body = CreateToken,
    responses((status = CREATED, body = TokenView), (status = "default", body = Problem)),
)]
pub(crate) async fn create(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Json(CreateToken { user, admin, name: what_for, scopes, expires_at }): Json<CreateToken>,
) -> Result<(StatusCode, Json<TokenView>), Fault> {
    caller.must_be_admin("making tokens")?;
    if !is_name(&user) {
        return Err(Fault::invalid_input("`user` has to be the name of a user"));
    }
    let account = accounts::find(&shared, &user).await?;
    if !account.known && accounts::any_listed(&shared).await? {
        let detail = format!("there are users, and `{user}` is not among them");
        return Err(Fault::invalid_input(detail).hint(format!("orchestrate user create {user}")));
    }
    if account.disabled {
        return Err(Fault::conflict(format!("`{user}` is disabled"))
            .hint(format!("orchestrate user update {user} --enable")));
    }
    if let Some(unknown) =
        scopes.iter().flatten().find(|scope| crate::rights::Right::of(scope).is_none())
    {
        let rights = crate::rights::Rights::all();
        let detail = format!("`{unknown}` is no right; the rights are: {rights}");
        return Err(Fault::invalid_input(detail));
    }
    if expires_at.is_some_and(|end| end <= crate::clock::wall()) {
        return Err(Fault::invalid_input("`expires_at` has to be in the future"));
    }
    if what_for.chars().count() > 128 || what_for.contains(char::is_control) {
        return Err(Fault::invalid_input("`name` has at most 128 characters, on one line"));
    }
    let (id, token) = identity::draw_token()
        .map_err(|error| Refused::Internal(format!("no token could be drawn: {error}")))?;
    let (of, hash, by) = (id.clone(), identity::token_hash(&token), caller.name);
    let change = move |at| Change::CreateToken {
        id: of,
        hash,
        user,
        admin,
        name: what_for,
        scopes,
        expires_at,
        by,
        at,
    };
    shared.desk.store(change).await?;
    let row = find(&shared, id).await?;
    Ok((StatusCode::CREATED, Json(TokenView { token: Some(token), ..view(row) })))
}

/// Tokens, without themselves.
#[utoipa::path(
    get,
    path = "/api/tokens",
    tag = "tokens",
    security(("token" = ["admin"])),
    responses((status = OK, body = Page<TokenView>), (status = "default", body = Problem)),
)]
pub(crate) async fn list(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
) -> Result<Json<Page<TokenView>>, Fault> {
    caller.must_be_admin("listing tokens")?;
    let rows = shared.read(|reader| Ok(reader.tokens()?)).await?;
    let data = rows.into_iter().map(view).collect();
    Ok(Json(pipelines::page("token", data, u32::MAX, |token: &TokenView| token.id.clone())))
}

/// From now on it lets nobody in. Revoking it again changes nothing.
#[utoipa::path(
    delete,
    path = "/api/tokens/{id}",
    tag = "tokens",
    security(("token" = ["admin"])),
    params(("id" = String, Path, description = "`t-...`")),
    responses((status = OK, body = TokenView), (status = "default", body = Problem)),
)]
pub(crate) async fn revoke(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<TokenView>, Fault> {
    caller.must_be_admin("revoking tokens")?;
    let of = id.clone();
    let by = caller.name;
    shared.desk.store(move |at| Change::RevokeToken { id: of, by, at }).await?;
    Ok(Json(view(find(&shared, id).await?)))
}

async fn find(shared: &Shared, id: String) -> Result<TokenRow, Refused> {
    shared
        .read(move |reader| {
            let found = reader.tokens()?.into_iter().find(|token| token.id == id);
            found.ok_or(Refused::NotFound { what: "token", name: id })
        })
        .await
}

fn view(row: TokenRow) -> TokenView {
    TokenView {
        id: row.id,
        user: row.user,
        admin: row.admin,
        created_at: row.created_at,
        created_by: row.created_by,
        revoked_at: row.revoked_at,
        name: row.name,
        scopes: row.scopes,
        expires_at: row.expires_at,
        used_at: row.used_at,
        token: None,
    }
}
