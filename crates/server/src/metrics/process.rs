//! The process itself, by the kernel's word. Elsewhere than on Linux it is left out.

use super::catalogue as named;
use super::text::Text;

pub(super) fn write(text: &mut Text) {
    if let Some(bytes) = resident() {
        text.one(&named::MEMORY, &[], bytes);
    }
    text.one(&named::CPU, &[], processor_seconds());
    if let Ok(files) = std::fs::read_dir("/proc/self/fd") {
        // One of them reads this list.
        text.one(&named::FILES, &[], files.count().saturating_sub(1) as f64);
    }
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    if let Some(limit) = limit {
        text.one(&named::FILES_MAX, &[], limit as f64);
    }
    if let Ok(threads) = std::fs::read_dir("/proc/self/task") {
        text.one(&named::THREADS, &[], threads.count() as f64);
    }
}

fn resident() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024.0)
}

fn processor_seconds() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}
