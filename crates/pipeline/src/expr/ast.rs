//! An expression as a tree. Chains (`a || b || c`, `a + b + c`, `a.b.c`, `c ? x : d ? y : z`) are
//! flat, so the depth of the tree follows the author's brackets, not the length of the text.

use std::sync::Arc;

use super::functions::Function;
use super::value::Value;
use crate::source::Span;

#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) kind: Kind,
    pub(super) span: Span,
    /// Of the tree below, 1 for a leaf.
    pub(super) depth: usize,
}

#[derive(Clone, Debug)]
pub(super) enum Kind {
    Literal(Value),
    /// What the comprehension of this level binds.
    Local(usize),
    Root(Root),
    Access {
        base: Box<Node>,
        steps: Vec<Step>,
    },
    /// `has(base.field)`
    Has {
        base: Box<Node>,
        field: Arc<str>,
    },
    /// `has(inputs.x)`, `has(stages.x)`
    HasRoot(Root),
    /// An odd number of `!`.
    Not(Box<Node>),
    /// `!!x`: still demands a boolean.
    Same(Box<Node>),
    Negate(Box<Node>),
    And(Vec<Node>),
    Or(Vec<Node>),
    /// From left to right.
    Chain {
        first: Box<Node>,
        rest: Vec<(Operator, Node)>,
    },
    Choose {
        branches: Vec<(Node, Node)>,
        otherwise: Box<Node>,
    },
    List(Vec<Node>),
    Map(Vec<(Node, Node)>),
    /// The target of a method is the first argument.
    Call {
        function: Function,
        arguments: Vec<Node>,
    },
    /// A call of a function that does not exist, or not for so many arguments: the check refuses
    /// it, and running it has no value.
    Unbound {
        says: String,
        /// Of the function's name.
        name: Span,
        arguments: Vec<Node>,
    },
    Fold {
        fold: Fold,
        range: Box<Node>,
        level: usize,
        filter: Option<Box<Node>>,
        body: Box<Node>,
    },
}

/// Where a path starts.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Root {
    /// `inputs.x`, `variables.x`, `config.x`, or the bare `x`.
    Value(String),
    /// `stages.x`
    Stage(String),
    /// `prev.x`: what the run that this one extends came to there.
    Previous(String),
    Event,
    Run,
    Task,
    Item,
    Form,
    Mapped,
    Own,
    Subject,
}

#[derive(Clone, Debug)]
pub(super) enum Step {
    Field(Arc<str>),
    Index(Node),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    In,
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
}

impl Operator {
    pub(super) fn symbol(self) -> &'static str {
        match self {
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessEqual => "<=",
            Self::Greater => ">",
            Self::GreaterEqual => ">=",
            Self::In => "in",
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Remainder => "%",
        }
    }
}

/// What a comprehension makes of its range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fold {
    All,
    Exists,
    ExistsOne,
    Map,
    Filter,
}

impl Kind {
    /// The nodes directly below, in the order written.
    pub(super) fn children(&self) -> Box<dyn Iterator<Item = &Node> + '_> {
        match self {
            Kind::Literal(_) | Kind::Local(_) | Kind::Root(_) | Kind::HasRoot(_) => {
                Box::new(std::iter::empty())
            }
            Kind::Access { base, steps } => Box::new(std::iter::once(&**base).chain(
                steps.iter().filter_map(|step| match step {
                    Step::Index(node) => Some(node),
                    Step::Field(_) => None,
                }),
            )),
            Kind::Has { base: node, field: _ }
            | Kind::Not(node)
            | Kind::Same(node)
            | Kind::Negate(node) => Box::new(std::iter::once(&**node)),
            Kind::And(nodes)
            | Kind::Or(nodes)
            | Kind::List(nodes)
            | Kind::Call { function: _, arguments: nodes }
            | Kind::Unbound { says: _, name: _, arguments: nodes } => Box::new(nodes.iter()),
            Kind::Chain { first, rest } => {
                Box::new(std::iter::once(&**first).chain(rest.iter().map(|(_, node)| node)))
            }
            Kind::Choose { branches, otherwise } => Box::new(
                branches
                    .iter()
                    .flat_map(|(condition, value)| [condition, value])
                    .chain(std::iter::once(&**otherwise)),
            ),
            Kind::Map(entries) => Box::new(entries.iter().flat_map(|(key, value)| [key, value])),
            Kind::Fold { fold: _, range, level: _, filter, body } => Box::new(
                std::iter::once(&**range).chain(filter.as_deref()).chain(std::iter::once(&**body)),
            ),
        }
    }
}

impl Node {
    /// This node and all below, in the order written.
    pub(super) fn walk<'n>(&'n self, visit: &mut dyn FnMut(&'n Node)) {
        visit(self);
        for child in self.kind.children() {
            child.walk(visit);
        }
    }
}
