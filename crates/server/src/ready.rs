//! Whether the server takes changes.

use std::time::Duration;

use engine::id::RunId;
use uuid::Uuid;

use crate::config::settings;
use crate::shared::Shared;

/// A conductor that does not answer for so long is stuck. A commit waits for the disk.
const PATIENCE: Duration = Duration::from_secs(5);

/// Why not; `None`: it does.
pub(crate) async fn problem(shared: &Shared) -> Option<String> {
    if shared.is_stopping() {
        return Some("the server is stopping".to_owned());
    }
    let storage = shared.gauges.read().problem;
    if !storage.is_empty() {
        return Some(storage);
    }
    // A file that cannot be read says nothing of the disk; changes that need it are refused.
    let least = shared.settings().ok().and_then(|all| all.whole(&settings::MIN_FREE));
    if let (Some(least), Ok(disk)) = (least, rustix::fs::statvfs(&shared.data_dir)) {
        let free = disk.f_bavail.saturating_mul(disk.f_frsize);
        if free < least {
            return Some(format!(
                "the disk has {free} bytes of room, and `server.min_free_bytes` asks for {least}"
            ));
        }
    }
    // Through its inbox and back: it lives, and gets round to people.
    let asked = shared.desk.look(RunId(Uuid::nil()), |_run| ());
    match tokio::time::timeout(PATIENCE, asked).await {
        Ok(Ok(_nothing)) => None,
        Ok(Err(refused)) => Some(refused.to_string()),
        Err(_late) => Some(format!("the conductor has not answered for {PATIENCE:?}")),
    }
}
