//! A forge's API on loopback, as far as changed files are asked of it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json as Body, Router};
use http::StatusCode;
use serde_json::json;
use tokio::net::TcpListener;

pub(crate) struct Forge {
    pub(crate) url: String,
    known: Arc<Known>,
}

struct Known {
    pulls: BTreeMap<(String, u64), Vec<String>>,
    asked: AtomicUsize,
    /// So many questions are answered with an error first.
    fails: AtomicUsize,
}

impl Forge {
    pub(crate) async fn new(pulls: BTreeMap<(String, u64), Vec<String>>) -> Self {
        let (asked, fails) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let known = Arc::new(Known { pulls, asked, fails });
        let router = Router::new()
            .route("/repos/{owner}/{name}/pulls/{number}/files", get(files))
            .fallback(async || Body(json!({})))
            .with_state(Arc::clone(&known));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, known }
    }

    pub(crate) fn fail(&self, times: usize) {
        self.known.fails.store(times, Ordering::SeqCst);
    }

    /// How often it was asked.
    pub(crate) fn asked(&self) -> usize {
        self.known.asked.load(Ordering::SeqCst)
    }
}

async fn files(
    State(known): State<Arc<Known>>,
    Path((owner, name, number)): Path<(String, String, u64)>,
    Query(query): Query<BTreeMap<String, usize>>,
) -> Response {
    known.asked.fetch_add(1, Ordering::SeqCst);
    let failing =
        known.fails.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1));
    if failing.is_ok() {
        return StatusCode::BAD_GATEWAY.into_response();
    }
    let files = known.pulls.get(&(format!("{owner}/{name}"), number));
    let (page, size) = (query["page"], query["per_page"]);
    let files = files.into_iter().flatten().skip((page - 1) * size).take(size);
    let files: Vec<_> = files.map(|file| json!({ "filename": file })).collect();
    Body(files).into_response()
}
