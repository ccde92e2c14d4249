//! Running an expression, within a budget of steps.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::sync::Arc;

use indexmap::IndexMap;
use serde_json::Value as Json;

use super::ast::{Fold, Kind, Node, Operator, Root, Step};
use super::value::{Key, TYPES, Value, compare_numbers, is_number};
use super::{EvalError, LIMITS, functions, operators};
use crate::text::{self, Scope};

mod json;

pub(super) type Outcome = Result<Value, Fault>;

/// Why a part of an expression has no value; `&&` and `||` may do without it.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) message: String,
    /// It read something of the event that is not there.
    pub(super) unknown: bool,
}

impl Fault {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), unknown: false }
    }

    fn unknown(message: impl Into<String>) -> Self {
        Self { message: message.into(), unknown: true }
    }

    /// Of two, the one that is a mistake.
    fn graver(first: Option<Self>, second: Self) -> Self {
        match first {
            Some(first) if !first.unknown || second.unknown => first,
            Some(_) | None => second,
        }
    }
}

/// What is left of the steps. One step is one node, one element, or 16 bytes of text.
#[derive(Debug)]
pub(super) struct Budget {
    left: u64,
    /// Stays set, so that no `||` goes on without the part that was cut off.
    exhausted: bool,
    patterns: HashMap<String, regex::Regex>,
}

impl Budget {
    pub(super) fn new(steps: u64) -> Self {
        Self { left: steps, exhausted: false, patterns: HashMap::new() }
    }

    pub(super) fn steps(&mut self, count: usize) -> Result<(), Fault> {
        match self.left.checked_sub(count as u64) {
            Some(left) if !self.exhausted => {
                self.left = left;
                Ok(())
            }
            Some(_) | None => {
                self.exhausted = true;
                Err(Fault::new(format!("takes more than {} steps", LIMITS.steps)))
            }
        }
    }

    pub(super) fn text(&mut self, bytes: usize) -> Result<(), Fault> {
        self.steps(bytes / 16)
    }

    /// The compiled pattern; compiling costs as much as 1,000 steps.
    pub(super) fn regex(&mut self, pattern: &str) -> Result<regex::Regex, Fault> {
        if let Some(regex) = self.patterns.get(pattern) {
            return Ok(regex.clone());
        }
        self.steps(1_000 + pattern.len() * 16)?;
        let regex = functions::compile_pattern(pattern)?;
        self.patterns.insert(pattern.to_owned(), regex.clone());
        Ok(regex)
    }
}

pub(super) fn run(node: &Node, scope: &dyn Scope) -> Result<Json, EvalError> {
    let mut machine = Machine {
        scope,
        roots: HashMap::new(),
        locals: Vec::new(),
        budget: Budget::new(LIMITS.steps),
    };
    let result = machine
        .value(node)
        .and_then(|value| json::to_json(&value, &mut machine.budget))
        .and_then(|json| machine.budget.steps(0).map(|()| json));
    result.map_err(|fault| EvalError { message: fault.message, unknown: fault.unknown })
}

struct Machine<'s> {
    scope: &'s dyn Scope,
    /// What was read already.
    roots: HashMap<Root, Option<Value>>,
    /// What the comprehensions around this place bound, the outermost first.
    locals: Vec<Value>,
    budget: Budget,
}

impl Machine<'_> {
    /// Recurs as deep as the tree; the work is in functions of their own, which keeps the frame
    /// of this one small.
    fn value(&mut self, node: &Node) -> Outcome {
        self.budget.steps(1)?;
        match &node.kind {
            Kind::Literal(value) => Ok(value.clone()),
            Kind::Local(level) => Ok(self.locals[*level].clone()),
            Kind::Root(root) => self.root(root),
            Kind::Access { base, steps } => self.access(base, steps),
            Kind::Has { base, field } => self.has(base, field),
            Kind::HasRoot(root) => Ok(Value::Bool(self.look_up(root).is_some())),
            Kind::Not(operand) => self.boolean(operand, "!").map(|value| Value::Bool(!value)),
            Kind::Same(operand) => self.boolean(operand, "!").map(Value::Bool),
            Kind::Negate(operand) => {
                self.value(operand).and_then(|value| operators::negate(&value))
            }
            Kind::And(operands) => self.junction(operands, false),
            Kind::Or(operands) => self.junction(operands, true),
            Kind::Chain { first, rest } => self.chain(first, rest),
            Kind::Choose { branches, otherwise } => self.choose(branches, otherwise),
            Kind::List(items) => self.values(items).map(Value::list),
            Kind::Map(entries) => self.map(entries),
            Kind::Call { function, arguments } => {
                let arguments = self.values(arguments)?;
                function.call(&arguments, &mut self.budget)
            }
            Kind::Unbound { says, .. } => Err(Fault::new(says.as_str())),
            Kind::Fold { fold, range, level, filter, body } => {
                self.fold(*fold, range, *level, filter.as_deref(), body)
            }
        }
    }

    fn values(&mut self, nodes: &[Node]) -> Result<Vec<Value>, Fault> {
        nodes.iter().map(|node| self.value(node)).collect()
    }

    fn boolean(&mut self, node: &Node, operator: &str) -> Result<bool, Fault> {
        match self.value(node)? {
            Value::Bool(value) => Ok(value),
            other => Err(Fault::new(format!(
                "`{operator}` needs a boolean and got {}",
                other.type_name()
            ))),
        }
    }

    fn look_up(&mut self, root: &Root) -> Option<Value> {
        if let Some(found) = self.roots.get(root) {
            return found.clone();
        }
        let found = match root {
            Root::Stage(name) => self.scope.stage(name).map(|json| Value::of_json(&json)),
            Root::Value(name) => self.get(&text::Root::Value(name.clone())),
            Root::Event => self.get(&text::Root::Event),
            Root::Run => self.get(&text::Root::Run),
            Root::Task => self.get(&text::Root::Task),
            Root::Item => self.get(&text::Root::Item),
            Root::Form => self.get(&text::Root::Form),
            Root::Mapped => self.get(&text::Root::Mapped),
            Root::Own => self.get(&text::Root::Own),
            Root::Subject => self.get(&text::Root::Subject),
            Root::Previous(name) => {
                let outputs = self.scope.get(&text::Root::Previous(name.clone()));
                outputs.map(|outputs| Value::of_json(&serde_json::json!({ "outputs": *outputs })))
            }
        };
        self.roots.insert(root.clone(), found.clone());
        found
    }

    fn get(&self, root: &text::Root) -> Option<Value> {
        self.scope.get(root).map(|json| Value::of_json(&json))
    }

    fn root(&mut self, root: &Root) -> Outcome {
        if let Some(value) = self.look_up(root) {
            return Ok(value);
        }
        if self.is_unknown(&Kind::Root(root.clone())) {
            return Err(Fault::unknown("it is not known: nothing ran that would have given it"));
        }
        Err(match root {
            Root::Value(name) => match TYPES.iter().find(|word| *word == name) {
                Some(word) => return Ok(Value::Type(word)),
                None => Fault::new(format!("`{name}` has no value")),
            },
            Root::Stage(name) => Fault::new(format!("stage `{name}` has no result")),
            Root::Event => Fault::unknown("the event is not known"),
            Root::Run => Fault::new("`run` has no value"),
            Root::Task => Fault::new("`task` has no value"),
            Root::Item => Fault::new("`item` has no value"),
            Root::Form => Fault::new("`form` has no value"),
            Root::Mapped => Fault::new("`input` has no value"),
            Root::Own => Fault::new("`outputs` has no value"),
            Root::Subject => Fault::new("`value` has no value"),
            Root::Previous(name) => {
                Fault::new(format!("no run before this one has finished `{name}`"))
            }
        })
    }

    fn access(&mut self, base: &Node, steps: &[Step]) -> Outcome {
        let of_event = matches!(base.kind, Kind::Root(Root::Event)) || self.is_unknown(&base.kind);
        let mut value = self.value(base)?;
        for step in steps {
            self.budget.steps(1)?;
            value = match step {
                Step::Field(name) => select(&value, name, of_event)?,
                Step::Index(node) => {
                    let index = self.value(node)?;
                    operators::index(&value, &index).map_err(|mut fault| {
                        fault.unknown = of_event;
                        fault
                    })?
                }
            };
        }
        Ok(value)
    }

    fn has(&mut self, base: &Node, field: &Arc<str>) -> Outcome {
        match self.value(base)? {
            Value::Map(entries) => {
                let found = entries.contains_key(&Key::String(Arc::clone(field)));
                if !found && self.is_unknown(&base.kind) {
                    return Err(Fault::unknown(format!("whether there is `{field}` is not known")));
                }
                Ok(Value::Bool(found))
            }
            other => Err(Fault::new(format!("{} has no field `{field}`", other.type_name()))),
        }
    }

    /// Whether what is missing below it exists, only nobody knows it.
    fn is_unknown(&self, base: &Kind) -> bool {
        let root = match base {
            Kind::Root(Root::Stage(name)) => text::Root::Output(name.clone()),
            Kind::Root(Root::Previous(name)) => text::Root::Previous(name.clone()),
            Kind::Root(Root::Event) => text::Root::Event,
            Kind::Root(Root::Item) => text::Root::Item,
            Kind::Root(Root::Form) => text::Root::Form,
            Kind::Root(Root::Own) => text::Root::Own,
            Kind::Access { base, .. } => return self.is_unknown(&base.kind),
            _ => return false,
        };
        self.scope.is_unknown(&root)
    }

    /// `&&` (`decisive` is false) and `||` (`decisive` is true): one decisive operand decides,
    /// whatever the others come to.
    fn junction(&mut self, operands: &[Node], decisive: bool) -> Outcome {
        let operator = if decisive { "||" } else { "&&" };
        let mut fault = None;
        for operand in operands {
            match self.boolean(operand, operator) {
                Ok(value) if value == decisive => return Ok(Value::Bool(decisive)),
                Ok(_) => {}
                Err(found) => fault = Some(Fault::graver(fault, found)),
            }
        }
        fault.map_or(Ok(Value::Bool(!decisive)), Err)
    }

    fn chain(&mut self, first: &Node, rest: &[(Operator, Node)]) -> Outcome {
        let mut left = self.value(first)?;
        for (operator, node) in rest {
            let right = self.value(node)?;
            left = operators::apply(*operator, &left, &right, &mut self.budget)?;
        }
        Ok(left)
    }

    fn choose(&mut self, branches: &[(Node, Node)], otherwise: &Node) -> Outcome {
        for (condition, value) in branches {
            if self.boolean(condition, "?")? {
                return self.value(value);
            }
        }
        self.value(otherwise)
    }

    fn map(&mut self, entries: &[(Node, Node)]) -> Outcome {
        let mut map = IndexMap::with_capacity(entries.len());
        for (key, value) in entries {
            let key = self.value(key)?;
            let Some(key) = Key::of(&key).filter(|_| !matches!(key, Value::Double(_))) else {
                return Err(Fault::new(format!("{} cannot be a key of a map", key.type_name())));
            };
            let value = self.value(value)?;
            if map.contains_key(&key) {
                return Err(Fault::new(format!("the key `{key}` occurs twice")));
            }
            map.insert(key, value);
        }
        Ok(Value::Map(Arc::new(map)))
    }

    fn fold(
        &mut self,
        fold: Fold,
        range: &Node,
        level: usize,
        filter: Option<&Node>,
        body: &Node,
    ) -> Outcome {
        let items = match self.value(range)? {
            Value::List(items) => items,
            Value::Map(entries) => {
                self.budget.steps(entries.len())?;
                Arc::new(entries.keys().map(Key::value).collect())
            }
            other => {
                return Err(Fault::new(format!(
                    "only lists and maps have elements, not {}",
                    other.type_name()
                )));
            }
        };
        let result = match fold {
            Fold::All => self.quantify(&items, level, body, false),
            Fold::Exists => self.quantify(&items, level, body, true),
            Fold::ExistsOne => self.exists_one(&items, level, body),
            Fold::Map => self.map_items(&items, level, filter, body),
            Fold::Filter => self.filter_items(&items, level, body),
        };
        self.locals.truncate(level);
        result
    }

    fn bind(&mut self, level: usize, item: &Value) -> Result<(), Fault> {
        self.locals.truncate(level);
        self.locals.push(item.clone());
        self.budget.steps(1)
    }

    /// `all` (`decisive` is false) and `exists` (`decisive` is true).
    fn quantify(&mut self, items: &[Value], level: usize, body: &Node, decisive: bool) -> Outcome {
        let operator = if decisive { "exists" } else { "all" };
        let mut fault = None;
        for item in items {
            self.bind(level, item)?;
            match self.boolean(body, operator) {
                Ok(value) if value == decisive => return Ok(Value::Bool(decisive)),
                Ok(_) => {}
                Err(found) => {
                    self.budget.steps(0)?;
                    fault = Some(Fault::graver(fault, found));
                }
            }
        }
        fault.map_or(Ok(Value::Bool(!decisive)), Err)
    }

    fn exists_one(&mut self, items: &[Value], level: usize, body: &Node) -> Outcome {
        let mut found = 0usize;
        for item in items {
            self.bind(level, item)?;
            found += usize::from(self.boolean(body, "exists_one")?);
        }
        Ok(Value::Bool(found == 1))
    }

    fn map_items(
        &mut self,
        items: &[Value],
        level: usize,
        filter: Option<&Node>,
        body: &Node,
    ) -> Outcome {
        let mut results = Vec::new();
        for item in items {
            self.bind(level, item)?;
            let wanted = match filter {
                Some(filter) => self.boolean(filter, "map")?,
                None => true,
            };
            if wanted {
                results.push(self.value(body)?);
            }
        }
        Ok(Value::list(results))
    }

    fn filter_items(&mut self, items: &[Value], level: usize, body: &Node) -> Outcome {
        let mut results = Vec::new();
        for item in items {
            self.bind(level, item)?;
            if self.boolean(body, "filter")? {
                results.push(item.clone());
            }
        }
        Ok(Value::list(results))
    }
}

fn select(value: &Value, name: &Arc<str>, of_event: bool) -> Outcome {
    let fault = match value {
        Value::Map(entries) => match entries.get(&Key::String(Arc::clone(name))) {
            Some(value) => return Ok(value.clone()),
            None => format!("there is no `{name}`"),
        },
        other => format!("{} has no field `{name}`", other.type_name()),
    };
    // What a push event has, a manual start may lack: not known, rather than wrong.
    let unknown = of_event && matches!(value, Value::Map(_) | Value::Null);
    Err(Fault { message: fault, unknown })
}

/// Values of different types are different, numbers excepted; never an error.
pub(super) fn equal(left: &Value, right: &Value, budget: &mut Budget) -> Result<bool, Fault> {
    Ok(match (left, right) {
        (Value::Null, Value::Null) => true,
        (Value::Bool(l), Value::Bool(r)) => l == r,
        (Value::String(l), Value::String(r)) => {
            budget.text(l.len().min(r.len()))?;
            l == r
        }
        (Value::Bytes(l), Value::Bytes(r)) => {
            budget.text(l.len().min(r.len()))?;
            l == r
        }
        (Value::Timestamp(l), Value::Timestamp(r)) => l == r,
        (Value::Duration(l), Value::Duration(r)) => l == r,
        (Value::Type(l), Value::Type(r)) => l == r,
        (Value::List(l), Value::List(r)) => {
            if l.len() != r.len() {
                return Ok(false);
            }
            for (l, r) in l.iter().zip(r.iter()) {
                budget.steps(1)?;
                if !equal(l, r, budget)? {
                    return Ok(false);
                }
            }
            true
        }
        (Value::Map(l), Value::Map(r)) => {
            if l.len() != r.len() {
                return Ok(false);
            }
            for (key, l) in l.iter() {
                budget.steps(1)?;
                match r.get(key) {
                    Some(r) if equal(l, r, budget)? => {}
                    Some(_) | None => return Ok(false),
                }
            }
            true
        }
        (l, r) if is_number(l) && is_number(r) => compare_numbers(l, r) == Some(Ordering::Equal),
        (_, _) => false,
    })
}
