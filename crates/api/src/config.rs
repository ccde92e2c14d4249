//! Settings, and where their values came from.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One setting.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct SettingView {
    /// `server.listen`
    pub name: String,
    /// Of a secret only `(set)`. None: it is not set.
    pub value: Option<String>,
    /// `flag`, `environment NAME`, `config.yaml` or `default`.
    pub source: String,
    pub default: Option<String>,
    pub flag: Option<String>,
    pub environment: Vec<String>,
    /// Whether `config.yaml` may say it.
    pub file: bool,
    pub doc: String,
}
