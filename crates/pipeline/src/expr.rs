//! CEL (the Common Expression Language), bounded: an expression is compiled once, can neither
//! overflow the stack nor run for long, and reads nothing but its [`Scope`].
//!
//! The whole core language works on JSON, timestamps and durations. Left out: protocol buffer
//! messages, optional types, and time zones by name. `inputs`, `variables`, `config`, `stages` and
//! `prev` are no values: a name must follow, so that every reference can be checked before a run.

use std::sync::Arc;

use serde_json::Value as Json;

use crate::source::Span;
use crate::text::Scope;

mod ast;
mod evaluate;
mod functions;
mod operators;
mod parse;
mod readings;
mod references;
#[cfg(test)]
pub(crate) mod tests;
mod token;
mod value;

pub use references::References;

/// What an expression may be at most.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Of its text.
    pub bytes: usize,
    /// Values, names, operators, calls and steps of a path.
    pub nodes: usize,
    /// Of brackets and calls.
    pub nesting: usize,
    /// Of the tree; chains of one operator are flat.
    pub depth: usize,
    /// Of `all`, `exists`, `map` and their like, each in the body of the other.
    pub comprehensions: usize,
    /// Of one evaluation: nodes, elements touched, and 16 bytes of text each.
    pub steps: u64,
}

pub const LIMITS: Limits = Limits {
    bytes: 4096,
    nodes: 512,
    nesting: 64,
    depth: 200,
    comprehensions: 2,
    steps: 2_000_000,
};

/// Bare names with a meaning of their own; each where it exists.
pub const ROOTS: [&str; 8] = ["event", "run", "task", "item", "form", "input", "outputs", "value"];

/// A compiled expression.
#[derive(Clone, Debug)]
pub struct Expression {
    pub source: String,
    program: Arc<ast::Node>,
    references: Arc<References>,
}

/// What is wrong with an expression.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ExprError {
    pub message: String,
    /// Bytes of the expression's own text.
    pub span: Span,
    /// It may be well formed, but passes one of the [`LIMITS`].
    pub limit: bool,
}

/// An expression had no result.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct EvalError {
    pub message: String,
    /// It read a part of the event that is not there: not a mistake, but not known.
    pub unknown: bool,
}

impl Expression {
    pub fn compile(source: &str) -> Result<Self, ExprError> {
        let program = parse::parse(source, false)?;
        references::check(&program)?;
        Self::of(source, program)
    }

    /// An expression in which `value` is [`crate::text::Root::Subject`]: what is transformed.
    pub fn compile_transform(source: &str) -> Result<Self, ExprError> {
        let program = parse::parse(source, true)?;
        references::check(&program)?;
        Self::of(source, program)
    }

    /// As [`Expression::compile`], but a call of a function that does not exist is found only when
    /// it is run. For the cases of the conformance suite that are to be run without the check.
    #[cfg(test)]
    fn unchecked(source: &str) -> Result<Self, ExprError> {
        Self::of(source, parse::parse(source, false)?)
    }

    fn of(source: &str, program: ast::Node) -> Result<Self, ExprError> {
        let references = references::of(&program, source)?;
        Ok(Self {
            source: source.to_owned(),
            program: Arc::new(program),
            references: Arc::new(references),
        })
    }

    /// What it reads.
    pub fn references(&self) -> &References {
        &self.references
    }

    /// Bare names that are none of `known`, in alphabetical order. The roots of [`ROOTS`] and the
    /// names that CEL itself defines are always known.
    pub fn unknown_roots<'e>(&'e self, known: &dyn Fn(&str) -> bool) -> Vec<&'e str> {
        let roots = self.references.roots.iter().map(String::as_str);
        roots.filter(|root| !ROOTS.contains(root) && !known(root)).collect()
    }

    /// The result as JSON. Timestamps and durations become text.
    pub fn evaluate(&self, scope: &dyn Scope) -> Result<Json, EvalError> {
        evaluate::run(&self.program, scope)
    }

    /// True or false; any other result is an error.
    pub fn evaluate_bool(&self, scope: &dyn Scope) -> Result<bool, EvalError> {
        match self.evaluate(scope)? {
            Json::Bool(value) => Ok(value),
            other => {
                let other: String = other.to_string().chars().take(60).collect();
                Err(EvalError {
                    message: format!("came to `{other}`, which is neither true nor false"),
                    unknown: false,
                })
            }
        }
    }
}
