//! Every object of the language and every key it takes: one table, from which keys are checked,
//! the JSON Schema for editors and the reference page are made.

mod agent;
mod flow;
mod people;
mod root;
mod runtime;
mod stage;
mod start;
mod values;

pub use agent::{
    ADAPTER, AGENT, BUDGET, DISCUSSION, LOOP, LOOP_PROGRESS, LOOP_STOP, MCP_SERVER, META_AGENT,
    PERMISSION, VALIDATION,
};
pub use flow::{
    ARTIFACT, CHILD, COMPUTED, EMIT, FIELD_TRANSFORM, MANUAL, MAPPING, MAPPING_FIELD, ROLLBACK,
    TRANSFORM, TRIGGER, TRIGGERS,
};
pub(crate) use flow::{FORMATS, TRANSFORM_WORDS};
pub use people::{APPROVAL, FIELD, FORM, SAVE_AS};
pub use root::{CONCURRENCY, ERROR_HANDLING, PIPELINE, REPOSITORY};
pub use runtime::RUNTIME;
pub use stage::{BACKOFF, FOREACH, GROUP, LABELS, MERGE, PYTHON, RETRY, STAGE, WHEN};
pub(crate) use start::ENDINGS;
pub use start::START_TRIGGER;
pub use values::{INPUT, OUTPUT};

/// A map with known keys.
#[derive(Debug)]
pub struct Object {
    /// In words, with its article: `a stage`.
    pub name: &'static str,
    /// One word, for the schema's definitions and the headings of the reference.
    pub id: &'static str,
    pub doc: &'static str,
    pub keys: &'static [Key],
    /// Keys of later versions: refused by name as not supported yet.
    pub later: &'static [&'static str],
}

/// One key of an [`Object`].
#[derive(Debug)]
pub struct Key {
    pub name: &'static str,
    /// Other spellings that mean the same.
    pub aliases: &'static [&'static str],
    pub value: Type,
    pub required: bool,
    /// In words; empty when leaving it out means nothing.
    pub default: &'static str,
    pub doc: &'static str,
    /// A value as it is written after `key: `, valid where the key is.
    pub example: &'static str,
}

/// What a key takes.
#[derive(Debug)]
pub enum Type {
    /// Text that is taken as it is.
    Text,
    /// The name of a stage or pipeline.
    Name,
    /// Text with `${...}`.
    Template,
    /// Any value; its texts may hold `${...}`.
    Value,
    /// Any value, taken as it is.
    Literal,
    Boolean,
    /// Only `true`.
    True,
    Integer {
        min: i64,
        max: i64,
    },
    /// Also with a fraction.
    Number,
    Duration,
    Choice {
        words: &'static [&'static str],
        /// Words of later versions.
        later: &'static [&'static str],
    },
    /// A CEL expression.
    Expression,
    /// A JSON Schema, 2020-12.
    Schema,
    /// A pattern for branches, paths, environments.
    Glob,
    Object(&'static Object),
    List(&'static Type),
    /// Names to values.
    Map(&'static Type),
    /// Told apart by being a scalar, a list or a map.
    Either(&'static [Type]),
}

impl Object {
    /// The key with this name or alias.
    pub fn key(&self, written: &str) -> Option<&'static Key> {
        let keys: &'static [Key] = self.keys;
        keys.iter().find(|key| key.name == written || key.aliases.contains(&written))
    }

    pub fn is_later(&self, written: &str) -> bool {
        self.later.contains(&written)
    }
}

impl Key {
    const fn new(name: &'static str, value: Type) -> Self {
        Self { name, aliases: &[], value, required: false, default: "", doc: "", example: "" }
    }

    const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    const fn aliases(mut self, aliases: &'static [&'static str]) -> Self {
        self.aliases = aliases;
        self
    }

    const fn default(mut self, default: &'static str) -> Self {
        self.default = default;
        self
    }

    const fn doc(mut self, doc: &'static str) -> Self {
        self.doc = doc;
        self
    }

    const fn example(mut self, example: &'static str) -> Self {
        self.example = example;
        self
    }
}

/// `a`, `b` or `c`, each in backticks.
pub fn one_of(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    match quoted.as_slice() {
        [] => String::new(),
        [only] => only.clone(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}

/// What other systems call a word of ours.
pub fn word_elsewhere(written: &str) -> Option<&'static str> {
    let ours = match written {
        "int" => "integer",
        "str" | "text" => "string",
        "bool" => "boolean",
        "float" | "double" | "decimal" => "number",
        "array" | "sequence" => "list",
        "object" | "dict" | "hash" => "map",
        "stop" | "abort" | "fail" => "halt",
        "ignore" | "warn" => "continue",
        "fixed" => "constant",
        "synthesize" => "synthesise",
        _ => return None,
    };
    Some(ours)
}

/// What other systems call a key of ours.
pub fn known_elsewhere(written: &str) -> Option<&'static str> {
    let ours = match written {
        "runs-on" | "runner" | "runners" | "node_labels" => "runs_on",
        "needs" | "requires" | "dependencies" | "after" | "dependsOn" => "depends_on",
        "script" | "command" | "commands" | "cmd" | "bash" | "sh" | "exec" => "run",
        "jobs" | "steps" | "nodes" | "workflow" => "stages",
        "retries" | "max_attempts" | "max_retries" | "attempts" => "retry",
        "params" | "parameters" | "arguments" | "args" => "inputs",
        "vars" => "variables",
        "timeout-minutes" | "timeout_minutes" | "timeout_seconds" | "deadline" => "timeout",
        "continue-on-error" | "allow_failure" | "ignore_errors" => "on_failure",
        "cwd" | "workdir" | "dir" | "directory" | "working-directory" => "working_dir",
        "condition" | "only" | "unless" => "when",
        "prompt" | "instructions" => "task",
        "loop_type" => "loop",
        "matrix" | "for_each" | "with_items" | "loop_over" => "foreach",
        "id" | "key" | "title" | "stage" => "name",
        "desc" => "description",
        "on" | "trigger" | "schedule" => "triggers",
        _ => return None,
    };
    Some(ours)
}

/// Every object, from the outside in: the order of the reference.
pub static OBJECTS: [&Object; 44] = [
    &PIPELINE,
    &INPUT,
    &START_TRIGGER,
    &CONCURRENCY,
    &ERROR_HANDLING,
    &STAGE,
    &GROUP,
    &PYTHON,
    &MERGE,
    &REPOSITORY,
    &RUNTIME,
    &CHILD,
    &AGENT,
    &ADAPTER,
    &PERMISSION,
    &MCP_SERVER,
    &BUDGET,
    &VALIDATION,
    &LOOP,
    &LOOP_STOP,
    &LOOP_PROGRESS,
    &DISCUSSION,
    &META_AGENT,
    &FORM,
    &FIELD,
    &SAVE_AS,
    &FOREACH,
    &TRIGGERS,
    &TRIGGER,
    &MANUAL,
    &WHEN,
    &LABELS,
    &APPROVAL,
    &MAPPING,
    &MAPPING_FIELD,
    &COMPUTED,
    &TRANSFORM,
    &FIELD_TRANSFORM,
    &OUTPUT,
    &ARTIFACT,
    &EMIT,
    &ROLLBACK,
    &RETRY,
    &BACKOFF,
];

#[cfg(test)]
mod tests;
