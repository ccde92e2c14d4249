//! The catalogue of diagnostics: the numbers. Each has an entry in
//! [`super::catalogue`], with the page that `explain` shows.

use super::Severity;
use super::catalogue::{self, Entry};

/// `E0201`, `W0101`: an error or a warning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Code(pub &'static str);

impl Code {
    // E01: the text is not the YAML we accept.
    pub const SYNTAX: Self = Self("E0101");
    pub const TOO_LARGE: Self = Self("E0102");
    pub const CONTROL_CHARACTER: Self = Self("E0103");
    pub const TOO_DEEP: Self = Self("E0104");
    pub const TAG: Self = Self("E0105");
    pub const ALIAS_BOMB: Self = Self("E0106");
    pub const ALIAS: Self = Self("E0107");
    pub const SEVERAL_DOCUMENTS: Self = Self("E0108");
    pub const DUPLICATE_KEY: Self = Self("E0109");
    pub const KEY_NOT_TEXT: Self = Self("E0110");
    pub const NOT_A_MAP: Self = Self("E0111");
    pub const MERGE_KEY: Self = Self("E0112");

    // E02: names and the graph.
    pub const UNKNOWN_STAGE: Self = Self("E0201");
    pub const DUPLICATE_STAGE: Self = Self("E0202");
    pub const BAD_NAME: Self = Self("E0203");
    pub const UNKNOWN_KEY: Self = Self("E0204");
    pub const MISSING_KEY: Self = Self("E0205");
    pub const NO_KIND: Self = Self("E0206");
    pub const SEVERAL_KINDS: Self = Self("E0207");
    pub const NO_STAGES: Self = Self("E0208");
    pub const CYCLE: Self = Self("E0210");
    pub const RESERVED_NAME: Self = Self("E0211");
    pub const SELF_DEPENDENCY: Self = Self("E0212");
    pub const FINALLY_DEPENDENCY: Self = Self("E0213");
    pub const BAD_GROUP: Self = Self("E0214");
    pub const CONFLICTING_KEYS: Self = Self("E0215");
    pub const CALLS_ITSELF: Self = Self("E0216");
    pub const BAD_TRIGGER: Self = Self("E0217");
    pub const DUPLICATE_ARTIFACT: Self = Self("E0218");
    pub const BAD_START: Self = Self("E0219");
    pub const BAD_AGENT: Self = Self("E0220");
    pub const BAD_DISCUSSION: Self = Self("E0221");
    pub const BAD_RUNTIME: Self = Self("E0222");

    // E03: types and values.
    pub const WRONG_TYPE: Self = Self("E0301");
    pub const BAD_DURATION: Self = Self("E0302");
    pub const OUT_OF_RANGE: Self = Self("E0303");
    pub const NOT_A_CHOICE: Self = Self("E0304");
    pub const BAD_SCHEMA: Self = Self("E0305");
    pub const BAD_DEFAULT: Self = Self("E0306");
    pub const BAD_PATH: Self = Self("E0307");
    pub const BAD_FORM: Self = Self("E0308");
    pub const BAD_APPROVAL: Self = Self("E0309");
    pub const BAD_SCHEDULE: Self = Self("E0310");

    // E04: references, expressions, patterns.
    pub const TEMPLATE_SYNTAX: Self = Self("E0401");
    pub const UNDEFINED_VARIABLE: Self = Self("E0402");
    pub const UNKNOWN_OUTPUT: Self = Self("E0403");
    pub const NOT_UPSTREAM: Self = Self("E0404");
    pub const TAINT: Self = Self("E0405");
    pub const NO_ITEM: Self = Self("E0406");
    pub const UNDECLARED_SECRET: Self = Self("E0407");
    pub const EXPRESSION_SYNTAX: Self = Self("E0408");
    pub const EXPRESSION_TOO_LARGE: Self = Self("E0409");
    pub const EXPRESSION_NAME: Self = Self("E0410");
    pub const BAD_GLOB: Self = Self("E0411");
    pub const NOT_AVAILABLE_HERE: Self = Self("E0412");
    pub const UNKNOWN_FIELD: Self = Self("E0413");
    pub const BAD_MAPPING: Self = Self("E0414");
    pub const BAD_CONTEXT: Self = Self("E0415");
    pub const BAD_MENTION: Self = Self("E0416");

    // E05: where a stage runs.
    pub const BAD_LABEL: Self = Self("E0501");
    pub const NOT_FOR_WORKERS: Self = Self("E0502");

    // E09: limits, and what is yet to come.
    pub const NOT_SUPPORTED_YET: Self = Self("E0901");
    pub const LIMIT: Self = Self("E0902");

    // W01: accepted, but probably not what was meant.
    pub const NO_DEPENDS_ON: Self = Self("W0101");
    pub const UNUSED: Self = Self("W0102");
    pub const RULE_WITHOUT_DEPENDENCIES: Self = Self("W0103");
    pub const DUPLICATE_DEPENDENCY: Self = Self("W0104");
    pub const NO_ROLLBACK_TARGET: Self = Self("W0105");
    pub const LIMIT_WITHOUT_EFFECT: Self = Self("W0106");
    pub const PROBE_WITHOUT_EFFECT: Self = Self("W0107");
    pub const NO_ROLLBACK_ACTION: Self = Self("W0108");
    pub const DUPLICATE_START: Self = Self("W0109");
    pub const UNKNOWN_AGENT: Self = Self("W0110");

    /// Every code, in order.
    pub fn all() -> impl Iterator<Item = Self> {
        catalogue::entries().map(|entry| entry.code)
    }

    /// The code that is written so, in whatever capitals.
    pub fn find(written: &str) -> Option<Self> {
        Self::all().find(|code| code.0.eq_ignore_ascii_case(written.trim()))
    }

    /// What `explain` knows of it; `None` for a code that does not exist.
    pub fn entry(self) -> Option<&'static Entry> {
        catalogue::entries().find(|entry| entry.code == self)
    }

    /// Its page in Markdown: title, cause, a wrong and a right example.
    pub fn page(self) -> String {
        self.entry().map_or_else(String::new, Entry::page)
    }

    /// What a diagnostic with this code does to the definition.
    pub fn severity(self) -> Severity {
        if self.0.starts_with('W') { Severity::Warning } else { Severity::Error }
    }
}

impl std::fmt::Display for Code {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(self.0)
    }
}
