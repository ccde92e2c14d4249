//! Places at which a test may kill this process, as a crash would. Not in release builds.
//!
//! `ORCHESTRATE_FAILPOINT=synced:3` kills at the third pass of `synced`. In the order of one turn
//! of the conductor: `drained` (inputs are taken), `decided` (nothing is stored), `synced` (stored,
//! nothing is told), `ordered` (the hands know), `replied` (so does everybody else).

/// Passes a place.
#[cfg(debug_assertions)]
pub(crate) fn pass(place: &str) {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU64, Ordering};

    static ARMED: OnceLock<Option<(String, u64)>> = OnceLock::new();
    static PASSES: AtomicU64 = AtomicU64::new(0);

    let armed = ARMED.get_or_init(|| {
        let story = std::env::var("ORCHESTRATE_FAILPOINT").ok()?;
        let (place, pass) = story.split_once(':')?;
        Some((place.to_owned(), pass.parse().ok()?))
    });
    if let Some((armed, pass)) = armed
        && armed == place
        && PASSES.fetch_add(1, Ordering::Relaxed) + 1 == *pass
    {
        let me = rustix::process::getpid();
        // Nothing may run after it, not even a destructor.
        rustix::process::kill_process(me, rustix::process::Signal::KILL).ok();
        loop {
            std::thread::park();
        }
    }
}

#[cfg(not(debug_assertions))]
pub(crate) fn pass(_place: &str) {}
