//! Routes, and apart from them how they are described: serving needs the first alone. The
//! description of the whole API takes tens of milliseconds and megabytes to make, which a program
//! that shows a status or starts a run does not spend.

use std::convert::Infallible;
use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::response::IntoResponse;
use axum::routing::{MethodRouter, Route};
use tower::{Layer, Service};
use utoipa::openapi::path::Operation;
use utoipa::openapi::{HttpMethod, OpenApi};
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouter};

use crate::shared::Shared;

/// One path with its handlers; made by [`routes!`].
pub(super) struct Described {
    pub(super) path: String,
    pub(super) handlers: MethodRouter<Arc<Shared>>,
    pub(super) description: Description,
}

/// A path, its methods, and what is said of them, without the types that they speak of.
pub(super) type Said = (String, Vec<HttpMethod>, Operation);

/// What is said of one path, made when it is asked for.
#[derive(Clone, Copy)]
pub(super) struct Description {
    pub(super) whole: fn() -> UtoipaMethodRouter<Arc<Shared>>,
    pub(super) operations: fn() -> Vec<Said>,
}

/// The path of the handlers, which all have the same one and are described by `utoipa::path`.
macro_rules! routes {
    ($first:ident $(, $more:ident)* $(,)?) => {
        $crate::http::rooms::Described {
            path: utoipa_axum::routes!(@path [path()] of $first),
            handlers: $crate::http::rooms::routes!(@on $first $(, $more)*),
            description: $crate::http::rooms::Description {
                whole: || utoipa_axum::routes!($first $(, $more)*),
                operations: || vec![
                    $crate::http::rooms::routes!(@operation $first)
                    $(, $crate::http::rooms::routes!(@operation $more))*
                ],
            },
        }
    };
    (@on $($handler:ident),+) => {{
        use utoipa_axum::PathItemExt as _;
        let handlers = axum::routing::MethodRouter::new();
        $(
            let methods = utoipa_axum::routes!(@path [methods()] of $handler);
            let handlers = methods
                .iter()
                .fold(handlers, |handlers, method| handlers.on(method.to_method_filter(), $handler));
        )+
        handlers
    }};
    (@operation $handler:ident) => {
        (
            utoipa_axum::routes!(@path [path()] of $handler),
            utoipa_axum::routes!(@path [methods()] of $handler),
            utoipa_axum::routes!(@path [operation()] of $handler),
        )
    };
}
pub(super) use routes;

/// Rooms of the API that stand beside each other.
#[derive(Default)]
pub(super) struct Rooms {
    router: Router<Arc<Shared>>,
    descriptions: Vec<Description>,
}

impl Rooms {
    pub(super) fn new() -> Self {
        Self::default()
    }

    pub(super) fn routes(mut self, described: Described) -> Self {
        self.router = self.router.route(&described.path, described.handlers);
        self.descriptions.push(described.description);
        self
    }

    pub(super) fn merge(mut self, others: Self) -> Self {
        self.router = self.router.merge(others.router);
        self.descriptions.extend(others.descriptions);
        self
    }

    /// Around every route so far.
    pub(super) fn layer<L>(mut self, layer: L) -> Self
    where
        L: Layer<Route> + Clone + Send + Sync + 'static,
        L::Service: Service<Request> + Clone + Send + Sync + 'static,
        <L::Service as Service<Request>>::Response: IntoResponse + 'static,
        <L::Service as Service<Request>>::Error: Into<Infallible> + 'static,
        <L::Service as Service<Request>>::Future: Send + 'static,
    {
        self.router = self.router.layer(layer);
        self
    }

    pub(super) fn into_router(self) -> Router<Arc<Shared>> {
        self.router
    }

    /// Of each operation.
    pub(super) fn operations(&self) -> Vec<Said> {
        self.descriptions.iter().flat_map(|one| (one.operations)()).collect()
    }

    /// The document of all of them, with every type they speak of.
    pub(super) fn describe(&self) -> OpenApi {
        let add = |all: OpenApiRouter<Arc<Shared>>, one: &Description| all.routes((one.whole)());
        self.descriptions.iter().fold(OpenApiRouter::new(), add).into_openapi()
    }
}
