//! Waiting for files that others write, without looking again and again.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::inotify;
use tokio::io::unix::AsyncFd;

#[derive(Debug)]
pub(super) struct Watch {
    events: AsyncFd<OwnedFd>,
}

impl Watch {
    /// Of folders that exist.
    pub(super) fn on(folders: &[&Path]) -> io::Result<Self> {
        let flags = inotify::CreateFlags::CLOEXEC | inotify::CreateFlags::NONBLOCK;
        let watch = inotify::init(flags)?;
        let wanted = inotify::WatchFlags::CLOSE_WRITE
            | inotify::WatchFlags::MOVED_TO
            | inotify::WatchFlags::CREATE;
        for folder in folders {
            inotify::add_watch(&watch, *folder, wanted)?;
        }
        Ok(Self { events: watched(watch)? })
    }

    /// Until something in them was written since the last time.
    pub(super) async fn changed(&mut self) -> io::Result<()> {
        loop {
            let mut ready = self.events.readable().await?;
            let mut buffer = [MaybeUninit::uninit(); 4096];
            let mut seen = false;
            let mut events = inotify::Reader::new(self.events.get_ref(), &mut buffer);
            while events.next().is_ok() {
                seen = true;
            }
            ready.clear_ready();
            if seen {
                return Ok(());
            }
        }
    }
}

#[expect(deprecated, reason = "its successor is unsafe to call; an `OwnedFd` stays what it is")]
fn watched(fd: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    AsyncFd::new(fd)
}
