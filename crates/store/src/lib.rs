//! The memory: what was acknowledged is on disk.

pub mod port;
