//! Waiting for a file without looking again and again.

use std::io;
use std::mem::MaybeUninit;
use std::path::PathBuf;

use rustix::fs::inotify;

/// Until there is a file of this path in the workspace; the folder that it is to lie in has to exist.
pub(super) async fn for_file(workspace: &str, path: &str) -> io::Result<()> {
    let path = PathBuf::from(workspace).join(path);
    let task = tokio::task::spawn_blocking(move || wait(&path));
    task.await.map_err(io::Error::other)?
}

fn wait(path: &std::path::Path) -> io::Result<()> {
    let folder = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
    let watch = inotify::init(inotify::CreateFlags::CLOEXEC)?;
    let wanted = inotify::WatchFlags::CREATE | inotify::WatchFlags::MOVED_TO;
    inotify::add_watch(&watch, folder, wanted)?;
    let mut buffer = [MaybeUninit::uninit(); 4096];
    let mut events = inotify::Reader::new(&watch, &mut buffer);
    // Only now: one that is made in between is told.
    while !path.exists() {
        events.next()?;
    }
    Ok(())
}
