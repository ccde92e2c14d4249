//! Where a server is, and a stream to it.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::TlsConnector;

use super::trouble::Trouble;

/// Where no port is said.
const PORT: u16 = 7070;
const TLS_PORT: u16 = 443;
/// Until a connection stands.
const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// The socket of a server of this machine.
    Socket(PathBuf),
    Tcp {
        /// `build.example.com`, `[::1]`
        host: String,
        port: u16,
        tls: bool,
    },
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadAddress {
    #[error("`{0}` is not the URL of a server")]
    Url(String),
    #[error("`{path}` holds no certificates: {problem}")]
    Certificates { path: String, problem: String },
    #[error("no certificates of authorities were found on this machine")]
    NoAuthorities,
    #[error("TLS could not be set up: {0}")]
    Tls(String),
}

impl Address {
    /// `https://example.com`, `http://127.0.0.1:7070`, `127.0.0.1:7070`.
    pub fn parse(url: &str) -> Result<Self, BadAddress> {
        let bad = || BadAddress::Url(url.to_owned());
        let (tls, rest) = match url.split_once("://") {
            Some(("https", rest)) => (true, rest),
            Some(("http", rest)) => (false, rest),
            Some(_) => return Err(bad()),
            None => (false, url),
        };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let ends_host = |host: &str| !host.contains(':') || host.ends_with(']');
        let (host, port) = match rest.rsplit_once(':') {
            Some((host, port)) if ends_host(host) => (host, port.parse().map_err(|_| bad())?),
            Some(_) | None => (rest, if tls { TLS_PORT } else { PORT }),
        };
        let fits = |c: char| c.is_ascii_alphanumeric() || "-._:[]".contains(c);
        if host.is_empty() || !host.chars().all(fits) || !ends_host(host) {
            return Err(bad());
        }
        Ok(Self::Tcp { host: host.to_owned(), port, tls })
    }

    /// What stands in `Host`.
    fn authority(&self) -> String {
        match self {
            Self::Socket(_) => "localhost".to_owned(),
            Self::Tcp { host, port: TLS_PORT, tls: true } => host.clone(),
            Self::Tcp { host, port, .. } => format!("{host}:{port}"),
        }
    }
}

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Socket(path) => write!(f, "{}", path.display()),
            Self::Tcp { tls, .. } => {
                write!(f, "{}://{}", if *tls { "https" } else { "http" }, self.authority())
            }
        }
    }
}

/// A server, and who vouches for it.
#[derive(Clone)]
pub struct Server {
    address: Address,
    tls: Option<TlsConnector>,
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Server").field(&self.address).finish()
    }
}

pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

impl Server {
    /// `authorities`: a file of certificates (PEM) in place of those that the system trusts.
    pub fn new(address: Address, authorities: Option<&Path>) -> Result<Self, BadAddress> {
        let tls = match &address {
            Address::Tcp { tls: true, .. } => Some(connector(authorities)?),
            Address::Tcp { tls: false, .. } | Address::Socket(_) => None,
        };
        Ok(Self { address, tls })
    }

    pub fn address(&self) -> &Address {
        &self.address
    }

    pub(super) fn authority(&self) -> String {
        self.address.authority()
    }

    pub(super) async fn connect(&self) -> Result<Box<dyn Stream>, Trouble> {
        let away = |problem: String| Trouble::Away(format!("{}: {problem}", self.address));
        match tokio::time::timeout(PATIENCE, self.open()).await {
            Ok(opened) => opened.map_err(|error| away(error.to_string())),
            Err(_) => Err(away(format!("no answer within {} s", PATIENCE.as_secs()))),
        }
    }

    async fn open(&self) -> io::Result<Box<dyn Stream>> {
        let (host, port) = match &self.address {
            Address::Socket(path) => return Ok(Box::new(UnixStream::connect(path).await?)),
            Address::Tcp { host, port, .. } => (host.trim_matches(['[', ']']), *port),
        };
        let stream = TcpStream::connect((host, port)).await?;
        stream.set_nodelay(true)?;
        let Some(tls) = &self.tls else { return Ok(Box::new(stream)) };
        let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
        Ok(Box::new(tls.connect(name, stream).await?))
    }
}

fn connector(authorities: Option<&Path>) -> Result<TlsConnector, BadAddress> {
    let mut roots = RootCertStore::empty();
    match authorities {
        Some(path) => {
            let failed = |problem: String| BadAddress::Certificates {
                path: path.display().to_string(),
                problem,
            };
            let found = CertificateDer::pem_file_iter(path).map_err(|e| failed(e.to_string()))?;
            for certificate in found {
                let certificate = certificate.map_err(|error| failed(error.to_string()))?;
                roots.add(certificate).map_err(|error| failed(error.to_string()))?;
            }
            if roots.is_empty() {
                return Err(failed("there is no `BEGIN CERTIFICATE` in it".to_owned()));
            }
        }
        None => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            if roots.is_empty() {
                return Err(BadAddress::NoAuthorities);
            }
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| BadAddress::Tls(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_of_servers() {
        for (url, shown, authority) in [
            ("http://127.0.0.1:7070/", "http://127.0.0.1:7070", "127.0.0.1:7070"),
            ("localhost", "http://localhost:7070", "localhost:7070"),
            ("https://ci.example.com", "https://ci.example.com", "ci.example.com"),
            ("https://ci.example.com:8443", "https://ci.example.com:8443", "ci.example.com:8443"),
            ("http://[::1]:80", "http://[::1]:80", "[::1]:80"),
            ("http://[::1]", "http://[::1]:7070", "[::1]:7070"),
        ] {
            let address = Address::parse(url).unwrap();
            assert_eq!(address.to_string(), shown);
            assert_eq!(address.authority(), authority);
        }
        for bad in ["", "http://", "ftp://a", "http://a/b", "http://u@h:1", "a:b", "http://a:1:2"] {
            assert_eq!(Address::parse(bad), Err(BadAddress::Url(bad.into())), "{bad}");
        }
    }
}
