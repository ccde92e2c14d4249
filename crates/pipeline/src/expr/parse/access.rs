//! Paths, methods and presence tests.

use std::sync::Arc;

use super::{Parsed, Parser, field};
use crate::expr::ast::{Fold, Kind, Node, Root, Step};
use crate::expr::functions::Function;
use crate::expr::token::Token;
use crate::expr::value::Value;
use crate::source::Span;

impl Parser {
    /// A value and what is selected from it.
    pub(super) fn member(&mut self) -> Parsed {
        let node = self.primary()?;
        if self.sees(".") || self.sees("[") { self.selected(node) } else { Ok(node) }
    }

    fn selected(&mut self, first: Node) -> Parsed {
        let start = first.span.start;
        let mut node = first;
        let mut steps = Vec::new();
        loop {
            if self.eat("[") {
                steps.push(Step::Index(self.expression()?));
                self.expect("]")?;
            } else if self.eat(".") {
                let (name, span) = self.behind_dot()?;
                if self.eat("(") {
                    node = self.with_steps(node, std::mem::take(&mut steps), start)?;
                    node = self.method(&name, span, node, start)?;
                } else {
                    steps.push(field(&name));
                }
            } else {
                return self.with_steps(node, steps, start);
            }
        }
    }

    fn behind_dot(&mut self) -> Parsed<(String, Span)> {
        let span = self.span();
        self.count(span)?;
        match self.next() {
            Token::Name(name) => Ok((name, span)),
            Token::Quoted(name) if !self.sees("(") => Ok((name, span)),
            // `in`, `true` and their like are words of the language even here.
            Token::Quoted(_)
            | Token::Int(_)
            | Token::Uint(_)
            | Token::Literal(_)
            | Token::Symbol(_)
            | Token::End => self.error(span, "expected a name behind the dot"),
        }
    }

    fn with_steps(&mut self, base: Node, steps: Vec<Step>, start: usize) -> Parsed {
        if steps.is_empty() {
            return Ok(base);
        }
        self.node(Kind::Access { base: Box::new(base), steps }, start)
    }

    /// From behind the opening bracket.
    fn method(&mut self, name: &str, span: Span, target: Node, start: usize) -> Parsed {
        let fold = match name {
            "all" => Some(Fold::All),
            "exists" => Some(Fold::Exists),
            "exists_one" | "existsOne" => Some(Fold::ExistsOne),
            "map" => Some(Fold::Map),
            "filter" => Some(Fold::Filter),
            _ => None,
        };
        if let Some(fold) = fold {
            return self.fold(fold, name, target, start);
        }
        let mut arguments = vec![target];
        arguments.extend(self.arguments(")")?);
        self.called(Function::method(name, arguments.len() - 1), arguments, span, start)
    }

    /// `inputs`, `variables`, `config`, `stages` and `prev` are no values: a name follows.
    pub(super) fn namespaced(&mut self, space: &str, span: Span) -> Parsed<String> {
        let wanted = match space {
            "stages" | "prev" => "a stage",
            "config" => "a setting",
            _ => "an input or variable",
        };
        let name = if self.eat(".") {
            match self.next() {
                Token::Name(name) | Token::Quoted(name) if !self.sees("(") => Some(name),
                _ => None,
            }
        } else if self.eat("[") {
            match self.next() {
                Token::Literal(Value::String(name)) if self.eat("]") => Some(name.to_string()),
                _ => None,
            }
        } else {
            None
        };
        match name {
            Some(name) => Ok(name),
            None => self.error(
                span,
                format!("`{space}` must name {wanted}: `{space}.name` or `{space}[\"any name\"]`"),
            ),
        }
    }

    /// `has(a.b)` and `has(inputs.x)`, from behind the opening bracket.
    pub(super) fn has(&mut self, start: usize) -> Parsed {
        let open = self.at;
        let argument = self.expression()?;
        let spelled = open + 1 < self.at;
        self.expect(")")?;
        let Node { kind, span, .. } = argument;
        match kind {
            Kind::Access { base, mut steps } => {
                let Some(Step::Field(name)) = steps.pop() else {
                    return self.error(span, "`has` takes a path that ends in a name: `has(a.b)`");
                };
                let base = self.with_steps(*base, steps, span.start)?;
                self.node(Kind::Has { base: Box::new(base), field: Arc::clone(&name) }, start)
            }
            Kind::Root(root @ (Root::Value(_) | Root::Stage(_) | Root::Previous(_))) if spelled => {
                self.node(Kind::HasRoot(root), start)
            }
            _ => self.error(span, "`has` takes a path that ends in a name: `has(a.b)`"),
        }
    }
}
