//! Files that stages and people left.

use api::artifact::ArtifactView;
use store::port::{ArtifactRow, RunRow};

pub(crate) fn view(row: &ArtifactRow, run: &RunRow) -> ArtifactView {
    ArtifactView {
        id: row.number.to_string(),
        run: row.run.to_string(),
        run_name: format!("{}#{}", run.pipeline, run.number),
        stage: row.execution.clone(),
        attempt: row.attempt,
        name: row.name.clone(),
        path: row.path.clone(),
        format: row.format.clone(),
        bytes: row.bytes,
        digest: row.digest.clone(),
        status: row.status.clone(),
        created_at: row.created_at,
    }
}
