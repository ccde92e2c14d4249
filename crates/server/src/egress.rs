//! The one way out: every request that this process sends to another machine goes through here.
//!
//! Where it goes may have been written by somebody who may not look around in our network. So an
//! address is judged before it is connected to, and it is the judged address that is connected to
//! (a name that answers differently the second time gains nothing). Redirects are not followed,
//! proxies of the environment not used: either would choose the address behind our back.
//! Certificates are those the system trusts (`SSL_CERT_FILE` and `SSL_CERT_DIR` add to them).
//!
//! No URL, header or body is ever part of an error: a URL can be a credential.

mod address;
mod names;

use std::error::Error as StdError;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use reqwest::{Client, Url};

pub(crate) use names::Names;
use names::{Guard, SystemNames, addresses, permit};

/// Until the first byte can be sent.
const CONNECT: Duration = Duration::from_secs(10);

/// What one request may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Policy {
    /// Also addresses of this machine and its networks. Never multicast, never the metadata
    /// services of clouds.
    pub(crate) allow_private: bool,
    /// Of the whole exchange.
    pub(crate) timeout: Duration,
    /// Of the answer's body.
    pub(crate) max_bytes: usize,
}

impl Default for Policy {
    fn default() -> Self {
        Self { allow_private: false, timeout: Duration::from_secs(30), max_bytes: 8 << 20 }
    }
}

/// Why there is no answer. Any status is an answer, also of a redirect or an error.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Failure {
    #[error("this cannot be requested: {problem}")]
    Url { problem: String },
    #[error("the name `{host}` could not be resolved: {problem}")]
    Unresolved { host: String, problem: String },
    #[error(
        "`{host}` leads to {address} ({what}), which is allowed only with `allow_private: true`"
    )]
    Private { host: String, address: IpAddr, what: &'static str },
    #[error("`{host}` leads to {address} ({what}), which is never allowed")]
    Never { host: String, address: IpAddr, what: &'static str },
    #[error("could not connect to `{host}`: {problem}")]
    Unreached { host: String, problem: String },
    #[error("no trusted connection to `{host}`: {problem}")]
    Tls { host: String, problem: String },
    #[error("`{host}` did not answer within {} s", .after.as_secs_f32())]
    Slow { host: String, after: Duration },
    #[error("the answer of `{host}` is larger than {limit} bytes")]
    Large { host: String, limit: usize },
    #[error("the exchange with `{host}` broke off: {problem}")]
    Broken { host: String, problem: String },
    /// Nothing of what was asked for is to blame.
    #[error("the client for outgoing requests could not be set up: {problem}")]
    Client { problem: String },
}

impl Failure {
    /// One word for programs.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::Url { .. } => "url",
            Self::Unresolved { .. } => "dns",
            Self::Private { .. } | Self::Never { .. } => "forbidden",
            Self::Unreached { .. } => "connect",
            Self::Tls { .. } => "tls",
            Self::Slow { .. } => "timeout",
            Self::Large { .. } => "too-large",
            Self::Broken { .. } => "broken",
            Self::Client { .. } => "client",
        }
    }
}

/// Sends requests. Cheap to clone; connections are kept and shared.
#[derive(Clone)]
pub(crate) struct Egress {
    inner: Arc<Inner>,
}

struct Inner {
    names: Arc<dyn Names>,
    /// One for each kind of policy, so that a connection that one may have is never given to the
    /// other. Made when first used: certificates take a while to read.
    public: OnceLock<Result<Client, String>>,
    private: OnceLock<Result<Client, String>>,
}

impl std::fmt::Debug for Egress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Egress").finish_non_exhaustive()
    }
}

impl Default for Egress {
    fn default() -> Self {
        Self::with_names(Arc::new(SystemNames))
    }
}

impl Egress {
    pub(crate) fn with_names(names: Arc<dyn Names>) -> Self {
        let inner = Inner { names, public: OnceLock::new(), private: OnceLock::new() };
        Self { inner: Arc::new(inner) }
    }

    /// Sets up what requests of this kind need, so that the first one need not. Blocks. What is wrong
    /// is said by the first request.
    pub(crate) fn warm(&self, allow_private: bool) {
        let _said_later = self.client(allow_private);
    }

    /// Sends a request to an absolute `http` or `https` URL and reads the whole answer, whatever
    /// its status is. Nothing is tried a second time.
    pub(crate) async fn send(
        &self,
        request: http::Request<Vec<u8>>,
        policy: &Policy,
    ) -> Result<http::Response<Vec<u8>>, Failure> {
        let request = reqwest::Request::try_from(request)
            .map_err(|error| Failure::Url { problem: cause(&error.without_url()) })?;
        let host = self.judge(request.url(), policy)?;
        let client = self.client(policy.allow_private)?.clone();
        let exchange = exchange(&client, request, &host, policy.max_bytes);
        match tokio::time::timeout(policy.timeout, exchange).await {
            Ok(answer) => answer,
            Err(_elapsed) => Err(Failure::Slow { host, after: policy.timeout }),
        }
    }

    /// Sends a request and gives the head of its answer; the body is read piece by piece, for as
    /// long as that takes. `policy.timeout` is the time until the head.
    pub(crate) async fn open(
        &self,
        request: http::Request<Vec<u8>>,
        policy: &Policy,
    ) -> Result<Opened, Failure> {
        let request = reqwest::Request::try_from(request)
            .map_err(|error| Failure::Url { problem: cause(&error.without_url()) })?;
        let host = self.judge(request.url(), policy)?;
        let client = self.client(policy.allow_private)?.clone();
        match tokio::time::timeout(policy.timeout, client.execute(request)).await {
            Ok(Ok(answer)) => Ok(Opened { answer, host }),
            Ok(Err(error)) => Err(failure(error, &host)),
            Err(_elapsed) => Err(Failure::Slow { host, after: policy.timeout }),
        }
    }

    /// Where other protocols may connect to, and nowhere else: judged, never empty.
    pub(crate) async fn addresses(
        &self,
        host: &str,
        port: u16,
        policy: &Policy,
    ) -> Result<Vec<SocketAddr>, Failure> {
        let limit = policy.timeout.min(CONNECT);
        let found = addresses(&*self.inner.names, host, policy.allow_private);
        let found = tokio::time::timeout(limit, found).await;
        let slow = |_elapsed| Failure::Unresolved {
            host: host.to_owned(),
            problem: format!("no answer within {} s", limit.as_secs_f32()),
        };
        let found = found.map_err(slow)??;
        Ok(found.into_iter().map(|address| SocketAddr::new(address, port)).collect())
    }

    /// An address that stands in the URL itself reaches no resolver, so it is judged here.
    /// Returns how errors name the place.
    fn judge(&self, url: &Url, policy: &Policy) -> Result<String, Failure> {
        let wrong = |problem: &str| Failure::Url { problem: problem.to_owned() };
        if !matches!(url.scheme(), "http" | "https") {
            return Err(wrong("only `http://` and `https://` lead anywhere"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(wrong("a URL must not hold a user or a password; send them as a header"));
        }
        let Some(name) = url.host_str() else { return Err(wrong("the URL has no host")) };
        let port = url.port_or_known_default().unwrap_or_default();
        let host = format!("{name}:{port}");
        if let Ok(address) = name.trim_start_matches('[').trim_end_matches(']').parse() {
            permit(name, address, policy.allow_private)?;
        }
        Ok(host)
    }

    fn client(&self, allow_private: bool) -> Result<&Client, Failure> {
        let slot = if allow_private { &self.inner.private } else { &self.inner.public };
        let guard = || Guard { names: Arc::clone(&self.inner.names), allow_private };
        let client = slot.get_or_init(|| build(guard()));
        client.as_ref().map_err(|problem| Failure::Client { problem: problem.clone() })
    }
}

/// An answer whose body is still to come. Dropping it ends the exchange.
#[derive(Debug)]
pub(crate) struct Opened {
    answer: reqwest::Response,
    host: String,
}

impl Opened {
    pub(crate) fn status(&self) -> http::StatusCode {
        self.answer.status()
    }

    pub(crate) fn headers(&self) -> &http::HeaderMap {
        self.answer.headers()
    }

    /// The next piece; `None`: that was all. Silence for longer than `patience` is a failure.
    pub(crate) async fn next(&mut self, patience: Duration) -> Result<Option<Vec<u8>>, Failure> {
        match tokio::time::timeout(patience, self.answer.chunk()).await {
            Ok(Ok(chunk)) => Ok(chunk.map(|chunk| chunk.to_vec())),
            Ok(Err(error)) => Err(failure(error, &self.host)),
            Err(_elapsed) => Err(Failure::Slow { host: self.host.clone(), after: patience }),
        }
    }

    /// All of it, unless it is more than this.
    pub(crate) async fn whole(
        &mut self,
        limit: usize,
        patience: Duration,
    ) -> Result<Vec<u8>, Failure> {
        let mut body = Vec::new();
        while let Some(chunk) = self.next(patience).await? {
            if body.len() + chunk.len() > limit {
                return Err(Failure::Large { host: self.host.clone(), limit });
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }
}

fn build(guard: Guard) -> Result<Client, String> {
    // Whoever was first wins: all that matters is that there is one.
    let _there_already = rustls::crypto::ring::default_provider().install_default();
    Client::builder()
        .user_agent(concat!("orchestrate/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .no_proxy()
        .referer(false)
        .connect_timeout(CONNECT)
        .dns_resolver(Arc::new(guard))
        .build()
        .map_err(|error| cause(&error))
}

async fn exchange(
    client: &Client,
    request: reqwest::Request,
    host: &str,
    limit: usize,
) -> Result<http::Response<Vec<u8>>, Failure> {
    let large = || Failure::Large { host: host.to_owned(), limit };
    let mut answer = client.execute(request).await.map_err(|error| failure(error, host))?;
    if answer.content_length().is_some_and(|length| length > limit as u64) {
        return Err(large());
    }
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|error| failure(error, host))? {
        if body.len() + chunk.len() > limit {
            return Err(large());
        }
        body.extend_from_slice(&chunk);
    }
    let mut whole = http::Response::new(body);
    *whole.status_mut() = answer.status();
    *whole.headers_mut() = std::mem::take(answer.headers_mut());
    Ok(whole)
}

/// What went wrong, by the first cause that says it exactly.
fn failure(error: reqwest::Error, host: &str) -> Failure {
    let host = host.to_owned();
    let error = error.without_url();
    let mut next: Option<&(dyn StdError + 'static)> = Some(&error);
    while let Some(found) = next {
        if let Some(judged) = found.downcast_ref::<Failure>() {
            return judged.clone();
        }
        let tls = carried(found).downcast_ref::<rustls::Error>();
        if let Some(tls) = tls {
            return Failure::Tls { host, problem: tls.to_string() };
        }
        next = found.source();
    }
    let problem = cause(&error);
    if error.is_timeout() {
        Failure::Slow { host, after: CONNECT }
    } else if error.is_connect() {
        Failure::Unreached { host, problem }
    } else if error.is_builder() {
        Failure::Url { problem }
    } else {
        Failure::Broken { host, problem }
    }
}

/// What an `io::Error` carries: its cause is not that, but the cause of that.
fn carried<'e>(error: &'e (dyn StdError + 'static)) -> &'e (dyn StdError + 'static) {
    match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(inner) => carried(inner),
        None => error,
    }
}

/// The innermost cause: the layers above only say that there was one.
fn cause(error: &reqwest::Error) -> String {
    let mut last: &dyn StdError = error;
    while let Some(inner) = last.source() {
        last = inner;
    }
    last.to_string()
}

#[cfg(test)]
mod tests;
