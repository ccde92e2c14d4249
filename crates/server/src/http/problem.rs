//! Refusals and failures as `application/problem+json`.

use api::problem::{Diagnostic, FieldProblem, Problem};
use api::stream::Failure;
use axum::body::Body;
use axum::http::header::{ALLOW, CONTENT_TYPE, ETAG, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use engine::command::Rejection;
use store::port::{AccountRefusal, Refusal};

use crate::refused::Refused;

/// What a handler answers instead of its result.
#[derive(Clone, Debug)]
pub(crate) struct Fault(Box<Problem>, Extra);

/// What stands in the head of the answer.
#[derive(Clone, Debug, Default)]
struct Extra {
    /// Seconds after which to try again.
    after: Option<u64>,
    allow: Option<String>,
    /// What it is now, where it is not as it was expected to be.
    tag: Option<String>,
}

impl Fault {
    pub(crate) fn new(
        status: StatusCode,
        code: &str,
        title: &str,
        detail: impl Into<String>,
    ) -> Self {
        let problem = Problem {
            status: status.as_u16(),
            code: code.to_owned(),
            title: title.to_owned(),
            detail: detail.into(),
            ..Problem::default()
        };
        Self(Box::new(problem), Extra::default())
    }

    pub(crate) fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_request", "invalid request", detail)
    }

    pub(crate) fn invalid_input(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_input", "invalid input", detail)
    }

    pub(crate) fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", "not found", detail)
    }

    pub(crate) fn not_allowed(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "not_allowed", "not allowed", detail)
    }

    pub(crate) fn too_large(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", "too large", detail)
    }

    pub(crate) fn conflict(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "conflict", "not possible now", detail)
    }

    pub(crate) fn internal() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "internal error",
            "the request could not be carried out; the server's log says why",
        )
    }

    /// `detail` is the text of the diagnostics.
    pub(crate) fn definition(rendered: String, diagnostics: Vec<Diagnostic>) -> Self {
        let mut fault = Self::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "definition_invalid",
            "the definition is invalid",
            rendered,
        );
        fault.0.diagnostics = diagnostics;
        fault
    }

    /// Of a status that something else than a handler answered with.
    pub(crate) fn of_status(status: StatusCode, says: &str) -> Self {
        let title = status.canonical_reason().unwrap_or("refused").to_ascii_lowercase();
        let code = match status {
            StatusCode::BAD_REQUEST => "invalid_request",
            StatusCode::PAYLOAD_TOO_LARGE => "too_large",
            StatusCode::INTERNAL_SERVER_ERROR => return Self::internal(),
            _ => &title.replace([' ', '-'], "_"),
        };
        let detail = if says.trim().is_empty() { &title } else { says.trim() };
        Self::new(status, code, &title, detail)
    }

    pub(crate) fn too_many(after_s: u64, detail: impl Into<String>) -> Self {
        let status = StatusCode::TOO_MANY_REQUESTS;
        let mut fault = Self::new(status, "too_many_requests", "too many requests", detail);
        fault.0.hints.push(format!("ask again after {after_s} s"));
        fault.after(after_s)
    }

    /// What is wrong with one field.
    pub(crate) fn field(mut self, field: impl Into<String>, problem: impl Into<String>) -> Self {
        self.0.fields.push(FieldProblem { field: field.into(), problem: problem.into() });
        self
    }

    /// `Retry-After`, in seconds.
    pub(crate) fn after(mut self, seconds: u64) -> Self {
        self.1.after = Some(seconds);
        self
    }

    /// The methods that there are.
    pub(crate) fn allow(mut self, methods: String) -> Self {
        self.1.allow = Some(methods);
        self
    }

    /// It is not what `If-Match` says it is.
    pub(crate) fn moved(now: String, detail: impl Into<String>) -> Self {
        let status = StatusCode::PRECONDITION_FAILED;
        let mut fault = Self::new(status, "changed_meanwhile", "changed meanwhile", detail);
        fault.1.tag = Some(now);
        fault
    }

    #[cfg(test)]
    pub(super) fn problem(&self) -> &Problem {
        &self.0
    }

    /// The same, with the name of the request that it answers.
    pub(super) fn of_request(mut self, id: &str) -> Self {
        self.0.request_id = Some(id.to_owned());
        self
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hints.push(hint.into());
        self
    }
}

impl Fault {
    /// Nobody that is known asks.
    pub(crate) fn is_401(&self) -> bool {
        self.0.status == 401
    }

    /// Title, detail and hints, for a page.
    pub(super) fn words(&self) -> (&str, &str, &[String]) {
        (&self.0.title, &self.0.detail, &self.0.hints)
    }

    /// As a frame of the stream.
    pub(crate) fn failure(&self, topic: Option<String>) -> Failure {
        let Problem { status, detail, hints, .. } = &*self.0;
        Failure {
            code: format!("E0{status}"),
            t: topic,
            says: detail.clone(),
            hints: hints.clone(),
        }
    }
}

impl From<Refused> for Fault {
    fn from(refused: Refused) -> Self {
        let says = refused.to_string();
        let unavailable =
            |code, title| Self::new(StatusCode::SERVICE_UNAVAILABLE, code, title, &says);
        match refused {
            Refused::Overloaded => unavailable("overloaded", "overloaded"),
            Refused::StorageFull => unavailable("storage_full", "storage is full")
                .hint("free space on the disk that holds the data folder; nothing else is needed"),
            Refused::Stopping => unavailable("stopping", "the server is stopping"),
            Refused::Rejected(rejection) => Self::rejected(&rejection),
            Refused::Catalog(refusal) => Self::refused(&refusal),
            Refused::NotFound { what, .. } => {
                // Where such things are listed.
                let noun = match what {
                    "content" | "log" => return Self::not_found(says),
                    "artifact" => "artifacts",
                    "run" => "runs",
                    "revision" => "pipeline",
                    "notice" => "notify",
                    "worker" => "fleet",
                    what => what,
                };
                Self::not_found(says).hint(format!("orchestrate {noun} list"))
            }
            Refused::TooMuch(_) => {
                Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", "the file is too large", says)
            }
            Refused::RolloutUnfit { field, problem } => {
                let fault = Self::invalid_input(says).field(field, problem);
                match field {
                    "max_tasks" => fault
                        .hint("orchestrate rollout switch --orchestration hybrid --max-tasks 3"),
                    _other => fault.hint("orchestrate rollout status"),
                }
            }
            Refused::TaskUnfit { field, problem } => {
                let mut fault = Self::invalid_input(says);
                fault.0.fields = vec![FieldProblem { field: field.to_owned(), problem }];
                fault
            }
            Refused::NoSuchEvent { .. } => Self::not_found(says),
            Refused::Damaged { .. } => {
                Self::new(StatusCode::CONFLICT, "damaged", "the run is damaged", says)
                    .hint("orchestrate doctor")
            }
            Refused::Emptied { .. } => {
                Self::new(StatusCode::GONE, "emptied", "nothing of it is left", says)
                    .hint("orchestrate audit list --run RUN shows its decisions")
                    .hint("`retention.runs_days` in config.yaml says how long journals are kept")
            }
            Refused::Config(_) => Self::new(
                StatusCode::CONFLICT,
                "config_invalid",
                "the configuration is invalid",
                says,
            )
            .hint("correct `config.yaml` in the data folder; it is read again at once"),
            Refused::Internal(_) => {
                tracing::error!(cause = says, "request failed");
                Self::internal()
            }
            Refused::TooDeep { .. }
            | Refused::Worker { .. }
            | Refused::Bolder { .. }
            | Refused::NotInEarnest { .. }
            | Refused::TaskExists { .. }
            | Refused::TaskActive { .. }
            | Refused::TaskBlocked { .. }
            | Refused::TaskNeeded { .. }
            | Refused::RolloutBusy { .. }
            | Refused::NotDraining
            | Refused::Disabled { .. }
            | Refused::Unreadable { .. } => {
                remedies(&refused).into_iter().fold(Self::conflict(says), Self::hint)
            }
        }
    }
}

/// What to do about a conflict: commands.
fn remedies(refused: &Refused) -> Vec<String> {
    let one = match refused {
        Refused::Worker { name, .. } => format!("orchestrate fleet show {name}"),
        Refused::Bolder { asked, .. } => format!("orchestrate rollout switch {}", asked.word()),
        Refused::TaskExists { id } => format!("orchestrate task update {id}"),
        Refused::TaskActive { id, .. } => format!("orchestrate task stop {id}"),
        Refused::TaskBlocked { id, .. } => format!("orchestrate task start {id} --force"),
        Refused::TaskNeeded { by, .. } => {
            return by
                .iter()
                .map(|id| format!("orchestrate task update {id} --after ''"))
                .collect();
        }
        Refused::RolloutBusy { asked, .. } => {
            let switch = format!("orchestrate rollout switch {asked}");
            return vec![format!("{switch} --drain"), format!("{switch} --force")];
        }
        Refused::NotDraining => "orchestrate rollout status".to_owned(),
        Refused::Disabled { name } => format!("orchestrate pipeline enable {name}"),
        Refused::Unreadable { name, .. } => format!("orchestrate pipeline update {name} <file>"),
        _ => return Vec::new(),
    };
    vec![one]
}

impl Fault {
    fn rejected(rejection: &Rejection) -> Self {
        let says = rejection.to_string();
        match rejection {
            Rejection::Form { problems } => {
                let mut fault = Self::invalid_input(says);
                let named = problems.iter().map(|(field, problem)| FieldProblem {
                    field: field.clone(),
                    problem: problem.clone(),
                });
                fault.0.fields = named.collect();
                fault
            }
            Rejection::Input { .. } | Rejection::Blank { .. } | Rejection::NoSuchChoice { .. } => {
                Self::invalid_input(says)
            }
            Rejection::NoSuchStage { .. }
            | Rejection::NoSuchGate { .. }
            | Rejection::NotCreated => Self::not_found(says),
            Rejection::NotEligible { .. } => Self::not_allowed(says),
            Rejection::Finished { .. }
            | Rejection::NotFinished { .. }
            | Rejection::Paused
            | Rejection::AlreadyPaused
            | Rejection::NotPaused
            | Rejection::AlreadyCancelling
            | Rejection::NotPending
            | Rejection::AlreadyCreated
            | Rejection::NothingToResolve { .. }
            | Rejection::NothingToRetry { .. }
            | Rejection::Stale { .. }
            | Rejection::StaleTimer
            | Rejection::NotDue { .. }
            | Rejection::GateResolved { .. }
            | Rejection::VotedAlready { .. }
            | Rejection::AsksAlready { .. }
            | Rejection::StaleDigest { .. }
            | Rejection::NothingToChange { .. }
            | Rejection::BadDelegation { .. }
            | Rejection::CannotRevoke { .. }
            | Rejection::NothingToSubmit { .. }
            | Rejection::NothingHeld { .. }
            | Rejection::CannotTakeOver { .. }
            | Rejection::HeldByHuman { .. }
            | Rejection::NotTakenOver { .. }
            | Rejection::CannotRollBack { .. }
            | Rejection::CannotRewind { .. }
            | Rejection::NothingToUndo { .. }
            | Rejection::NobodyListens { .. }
            | Rejection::NotWaitingForEnvironment { .. } => Self::conflict(says),
        }
    }

    /// Of a check of the journal: what is wrong with it is what was asked.
    pub(crate) fn broken(refused: Refused) -> Self {
        match refused {
            Refused::Internal(problem) => {
                Self::new(StatusCode::CONFLICT, "damaged", "the journal is damaged", problem)
                    .hint("restore a backup; `orchestrate export` of single runs may still work")
            }
            refused => refused.into(),
        }
    }

    fn refused(refusal: &Refusal) -> Self {
        let says = refusal.to_string();
        match refusal {
            Refusal::NoSuchPipeline { .. } => {
                Self::not_found(says).hint("orchestrate pipeline list")
            }
            Refusal::Exists { name } => {
                Self::conflict(says).hint(format!("orchestrate pipeline update {name} <file>"))
            }
            Refusal::RevisionMoved { name, .. } => {
                Self::conflict(says).hint(format!("orchestrate pipeline show {name}"))
            }
            Refusal::TaskMoved { id, .. } => {
                let (code, title) = ("changed_meanwhile", "changed meanwhile");
                Self::new(StatusCode::PRECONDITION_FAILED, code, title, says)
                    .hint(format!("orchestrate task show {id}"))
            }
            Refusal::RolloutMoved { .. } => Self::new(
                StatusCode::PRECONDITION_FAILED,
                "changed_meanwhile",
                "changed meanwhile",
                says,
            )
            .hint("orchestrate rollout status"),
            Refusal::DraftMoved { .. } => Self::new(
                StatusCode::PRECONDITION_FAILED,
                "changed_meanwhile",
                "changed meanwhile",
                says,
            )
            .hint("read it again and decide anew"),
            Refusal::NoSuchRequest { .. }
            | Refusal::NoSuchToken { .. }
            | Refusal::NoSuchNotice { .. }
            | Refusal::NoSuchRun { .. } => Self::not_found(says),
            Refusal::SequenceMoved { .. }
            | Refusal::NumberTaken { .. }
            | Refusal::TaskNumberTaken { .. }
            | Refusal::RequestClosed { .. }
            | Refusal::NoticeDelivered { .. }
            | Refusal::TokenExists { .. }
            | Refusal::LatestAlready { .. }
            | Refusal::NoRewind { .. }
            | Refusal::RewindOver { .. }
            | Refusal::Account(
                AccountRefusal::UserExists { .. }
                | AccountRefusal::SubjectTaken { .. }
                | AccountRefusal::SessionExists { .. },
            ) => Self::conflict(says),
            Refusal::Account(AccountRefusal::NoSuchUser { .. }) => {
                Self::not_found(says).hint("orchestrate user list")
            }
            Refusal::Account(AccountRefusal::NoSuchSession { .. }) => {
                Self::not_found(says).hint("orchestrate session list")
            }
            Refusal::Account(AccountRefusal::NoSuchSecret { .. }) => {
                Self::not_found(says).hint("orchestrate secret list")
            }
        }
    }
}

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        let status =
            StatusCode::from_u16(self.0.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_vec(&self.0).unwrap_or_default();
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        let overloaded = status == StatusCode::SERVICE_UNAVAILABLE;
        if let Some(seconds) = self.1.after.or(overloaded.then_some(1)) {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(methods) = self.1.allow.as_deref()
            && let Ok(methods) = HeaderValue::from_str(methods)
        {
            headers.insert(ALLOW, methods);
        }
        if let Some(tag) = self.1.tag.as_deref().and_then(|tag| HeaderValue::from_str(tag).ok()) {
            headers.insert(ETAG, tag);
        }
        // For `answer`, which knows the request.
        response.extensions_mut().insert(self);
        response
    }
}

pub(crate) async fn no_route(uri: Uri) -> Fault {
    Fault::not_found(format!("there is nothing at `{}`", uri.path()))
}

/// The methods that there are stand in `Allow`.
pub(crate) async fn no_method(method: Method, uri: Uri) -> Response {
    if method == Method::OPTIONS {
        return StatusCode::NO_CONTENT.into_response();
    }
    wrong_method(&method, &uri).into_response()
}

pub(super) fn wrong_method(method: &Method, uri: &Uri) -> Fault {
    Fault::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method_not_allowed",
        "method not allowed",
        format!("`{}` does not answer to {method}", uri.path()),
    )
}
