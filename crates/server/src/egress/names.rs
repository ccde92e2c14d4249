//! From names to addresses. What is connected to is exactly what was judged here: the client asks
//! no other resolver, so an answer that changes in between changes nothing.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use futures_util::future::BoxFuture;

use super::Failure;
use super::address::{Place, place};

/// Who knows the addresses of a name.
pub(crate) trait Names: Send + Sync {
    fn look_up(&self, host: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>>;
}

/// The resolver of this machine.
pub(super) struct SystemNames;

impl Names for SystemNames {
    fn look_up(&self, host: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
        Box::pin(async move {
            let found = tokio::net::lookup_host((host.as_str(), 0)).await?;
            Ok(found.map(|address| address.ip()).collect())
        })
    }
}

/// The addresses of a host that may be connected to. One that may not forbids them all: a name
/// that leads outside and inside at once is not to be trusted.
pub(super) async fn addresses(
    names: &dyn Names,
    host: &str,
    allow_private: bool,
) -> Result<Vec<IpAddr>, Failure> {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    if let Ok(address) = bare.parse() {
        permit(host, address, allow_private)?;
        return Ok(vec![address]);
    }
    let unresolved = |problem: String| Failure::Unresolved { host: host.to_owned(), problem };
    let found = names.look_up(host.to_owned()).await;
    let found = found.map_err(|error| unresolved(error.to_string()))?;
    for address in &found {
        permit(host, *address, allow_private)?;
    }
    if found.is_empty() {
        return Err(unresolved("it has no address".to_owned()));
    }
    Ok(found)
}

pub(super) fn permit(host: &str, address: IpAddr, allow_private: bool) -> Result<(), Failure> {
    let what = match place(address) {
        Place::Public => return Ok(()),
        Place::Private(_) if allow_private => return Ok(()),
        Place::Private(what) => what,
        Place::Never(what) => {
            return Err(Failure::Never { host: host.to_owned(), address, what });
        }
    };
    Err(Failure::Private { host: host.to_owned(), address, what })
}

/// The resolver of the client.
pub(super) struct Guard {
    pub(super) names: Arc<dyn Names>,
    pub(super) allow_private: bool,
}

impl reqwest::dns::Resolve for Guard {
    fn resolve(&self, name: reqwest::dns::Name) -> reqwest::dns::Resolving {
        let names = Arc::clone(&self.names);
        let allow_private = self.allow_private;
        Box::pin(async move {
            let found = addresses(&*names, name.as_str(), allow_private).await?;
            let found = found.into_iter().map(|address| SocketAddr::new(address, 0));
            Ok(Box::new(found) as reqwest::dns::Addrs)
        })
    }
}
