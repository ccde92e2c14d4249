//! CEL, bounded: an expression is compiled once, and can neither overflow the stack nor run for
//! long (see `docs/decisions`). At most 4 KiB of text, 512 nodes, nesting 64, comprehensions 2 deep.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value as Json;

use crate::source::Span;
use crate::text::{Root, Scope};

/// A compiled expression.
#[derive(Clone, Debug)]
pub struct Expression {
    pub source: String,
    program: Arc<cel::Program>,
    references: Arc<References>,
}

/// What is wrong with an expression.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ExprError {
    pub message: String,
    /// Bytes of the expression's own text.
    pub span: Span,
}

/// An expression had no result.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct EvalError {
    pub message: String,
    /// It read a part of the event that is not there: not a mistake, but not known.
    pub unknown: bool,
}

/// What an expression reads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct References {
    /// Names at the start of a path, without those that a comprehension binds: `inputs`,
    /// `stages`, or the bare name of an input.
    pub roots: BTreeSet<String>,
    /// Stages whose names are written out (`stages.x`, `stages["x"]`), each with the outputs
    /// that are read of it by name.
    pub stages: BTreeMap<String, BTreeSet<String>>,
    /// `stages` is also used in a way that does not name the stage.
    pub any_stage: bool,
    /// Names read as `inputs.x` or `variables.x`.
    pub values: BTreeSet<String>,
}

impl Expression {
    pub fn compile(source: &str) -> Result<Self, ExprError> {
        let program = cel::Program::compile(source).map_err(|errors| ExprError {
            message: errors.to_string(),
            span: Span::new(0, source.len()),
        })?;
        let roots = program.references().variables().into_iter().map(str::to_owned).collect();
        Ok(Self {
            source: source.to_owned(),
            program: Arc::new(program),
            references: Arc::new(References { roots, ..References::default() }),
        })
    }

    pub fn references(&self) -> &References {
        &self.references
    }

    /// Roots that are none of `known`, in alphabetical order. The names that CEL itself defines
    /// are always known.
    pub fn unknown_roots<'e>(&'e self, known: &dyn Fn(&str) -> bool) -> Vec<&'e str> {
        self.references.roots.iter().map(String::as_str).filter(|root| !known(root)).collect()
    }

    pub fn evaluate(&self, scope: &dyn Scope) -> Result<Json, EvalError> {
        let fail = |message: String| EvalError { message, unknown: false };
        let mut context = cel::Context::default();
        for root in &self.references.roots {
            let value = match root.as_str() {
                "event" => scope.get(&Root::Event),
                "run" => scope.get(&Root::Run),
                "item" => scope.get(&Root::Item),
                name => scope.get(&Root::Value(name.to_owned())),
            };
            if let Some(value) = value {
                context
                    .add_variable(root.as_str(), value.as_ref())
                    .map_err(|cause| fail(cause.to_string()))?;
            }
        }
        match self.program.execute(&context).map_err(|cause| fail(cause.to_string()))? {
            cel::Value::Bool(value) => Ok(Json::Bool(value)),
            cel::Value::Int(value) => Ok(value.into()),
            cel::Value::String(value) => Ok(Json::String(value.to_string())),
            other => Err(fail(format!("has the type {:?}", other.type_of()))),
        }
    }

    /// True or false; any other result is an error.
    pub fn evaluate_bool(&self, scope: &dyn Scope) -> Result<bool, EvalError> {
        match self.evaluate(scope)? {
            Json::Bool(value) => Ok(value),
            other => Err(EvalError {
                message: format!("came to {other}, which is neither true nor false"),
                unknown: false,
            }),
        }
    }
}
