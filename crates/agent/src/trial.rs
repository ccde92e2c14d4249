//! A desk for tests that need no process of their own.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use api::agent::Job;
use serde_json::{Value as Json, json};

use crate::desk::Desk;
use crate::desk::result::Schema;
use crate::memory::Memory;
use crate::room::Room;

/// Of an agent without rules, in a fresh folder; `door` as in a job.
pub(crate) fn desk(root: &Path, door: &str, schema: Option<&Json>) -> Arc<Desk> {
    let path = |name: &str| root.join(name).display().to_string();
    for folder in ["work", "attempt"] {
        fs::create_dir_all(root.join(folder)).unwrap();
    }
    let agent = json!({ "name": "worker", "system": "", "adapter": { "kind": "mock" } });
    let job: Job = serde_json::from_value(json!({
        "attempt": { "run": "r", "execution": "code", "number": 1, "fence": 1, "key": "k" },
        "run_name": "feature#1", "stage": "code", "task": "work",
        "door": { "socket": door, "token": "attempt-token-1234567890" },
        "memory": path("memory"), "workspace": path("work"),
        "shape": { "kind": "single", "agent": agent }, "limits": {},
    }))
    .unwrap();
    let memory = Memory::open(&root.join("memory"), 1).unwrap();
    let room = Arc::new(Room::new(job, root.join("attempt"), memory));
    let agent = serde_json::from_value(agent).unwrap();
    let schema = schema.map(|schema| Schema::new(schema).unwrap());
    Arc::new(Desk::open(room, agent, "worker-1".into(), schema).unwrap().0)
}
