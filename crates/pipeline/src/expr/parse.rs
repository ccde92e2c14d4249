//! Tokens to a tree, by recursive descent.
//!
//! The limits hold while parsing, before anything is built that could be too deep or too large.

use std::sync::Arc;

use super::ast::{Fold, Kind, Node, Operator, Root, Step};
use super::functions::Function;
use super::token::{Token, tokens};
use super::value::Value;
use super::{ExprError, LIMITS};
use crate::source::Span;

mod access;
mod number;

/// `subject`: there is a `value`, of a transform.
pub(super) fn parse(source: &str, subject: bool) -> Result<Node, ExprError> {
    if source.len() > LIMITS.bytes {
        return Err(ExprError {
            message: format!("an expression has at most {} bytes", LIMITS.bytes),
            span: Span::new(0, source.len()),
            limit: true,
        });
    }
    let tokens = tokens(source)?;
    let mut parser = Parser { tokens, at: 0, nesting: 0, nodes: 0, locals: Vec::new(), subject };
    let node = parser.expression()?;
    match parser.peek() {
        Token::End => Ok(node),
        _ => parser.unexpected("the end of the expression"),
    }
}

struct Parser {
    tokens: Vec<(Token, Span)>,
    at: usize,
    /// Open brackets and calls.
    nesting: usize,
    nodes: usize,
    /// What the comprehensions around this place bind.
    locals: Vec<String>,
    /// `value` is what is transformed.
    subject: bool,
}

type Parsed<T = Node> = Result<T, ExprError>;

/// A chain of operators of one level that is still being read: each with the operand before it.
struct Open {
    level: u8,
    rest: Vec<(Option<Operator>, Node)>,
}

const OR: u8 = 1;
const AND: u8 = 2;

/// Binary operators and how tightly they bind; `||` and `&&` are nodes of their own.
const OPERATORS: [(&str, u8, Option<Operator>); 14] = [
    ("||", OR, None),
    ("&&", AND, None),
    ("==", 3, Some(Operator::Equal)),
    ("!=", 3, Some(Operator::NotEqual)),
    ("<", 3, Some(Operator::Less)),
    ("<=", 3, Some(Operator::LessEqual)),
    (">", 3, Some(Operator::Greater)),
    (">=", 3, Some(Operator::GreaterEqual)),
    ("in", 3, Some(Operator::In)),
    ("+", 4, Some(Operator::Add)),
    ("-", 4, Some(Operator::Subtract)),
    ("*", 5, Some(Operator::Multiply)),
    ("/", 5, Some(Operator::Divide)),
    ("%", 5, Some(Operator::Remainder)),
];

/// Words that other languages give a meaning; CEL keeps them free.
const RESERVED: [&str; 16] = [
    "as",
    "break",
    "const",
    "continue",
    "else",
    "for",
    "function",
    "if",
    "import",
    "let",
    "loop",
    "package",
    "namespace",
    "return",
    "var",
    "while",
];

impl Parser {
    fn peek(&self) -> &Token {
        &self.tokens[self.at].0
    }

    /// Of the next token.
    fn span(&self) -> Span {
        self.tokens[self.at].1
    }

    /// The end of the last token.
    fn end(&self) -> usize {
        self.tokens[self.at.saturating_sub(1)].1.end
    }

    fn next(&mut self) -> Token {
        let token = self.tokens[self.at].0.clone();
        if !matches!(token, Token::End) {
            self.at += 1;
        }
        token
    }

    fn sees(&self, symbol: &str) -> bool {
        matches!(self.peek(), Token::Symbol(found) if *found == symbol)
    }

    fn eat(&mut self, symbol: &str) -> bool {
        let found = self.sees(symbol);
        if found {
            self.at += 1;
        }
        found
    }

    fn expect(&mut self, symbol: &str) -> Parsed<()> {
        if self.eat(symbol) { Ok(()) } else { self.unexpected(&format!("`{symbol}`")) }
    }

    fn unexpected<T>(&self, wanted: &str) -> Parsed<T> {
        let found = match self.peek() {
            Token::Name(name) => format!("`{name}`"),
            Token::Quoted(name) => format!("the quoted name `{name}`"),
            Token::Int(text) | Token::Uint(text) => format!("`{text}`"),
            Token::Literal(Value::String(_)) => "a text".to_owned(),
            Token::Literal(_) => "a value".to_owned(),
            Token::Symbol(symbol) => format!("`{symbol}`"),
            Token::End => "the end".to_owned(),
        };
        self.error(self.span(), format!("expected {wanted}, found {found}"))
    }

    fn error<T>(&self, span: Span, message: impl Into<String>) -> Parsed<T> {
        Err(ExprError { message: message.into(), span, limit: false })
    }

    fn limit<T>(&self, span: Span, message: impl Into<String>) -> Parsed<T> {
        Err(ExprError { message: message.into(), span, limit: true })
    }

    fn node(&mut self, kind: Kind, start: usize) -> Parsed {
        let span = Span::new(start, self.end());
        let depth = 1 + kind.children().map(|child| child.depth).max().unwrap_or(0);
        self.count(span)?;
        if depth > LIMITS.depth {
            return self.limit(span, "this expression is too deep; split it");
        }
        Ok(Node { kind, span, depth })
    }

    fn count(&mut self, span: Span) -> Parsed<()> {
        self.nodes += 1;
        if self.nodes > LIMITS.nodes {
            let message = format!("an expression has at most {} parts; split it", LIMITS.nodes);
            return self.limit(span, message);
        }
        Ok(())
    }

    /// Everything that recurs comes through here.
    fn expression(&mut self) -> Parsed {
        self.deeper()?;
        let node = self.choose();
        self.nesting -= 1;
        node
    }

    fn deeper(&mut self) -> Parsed<()> {
        if self.nesting > LIMITS.nesting {
            let message = format!("brackets are nested at most {} deep", LIMITS.nesting);
            return self.limit(self.span(), message);
        }
        self.nesting += 1;
        Ok(())
    }

    fn choose(&mut self) -> Parsed {
        let node = self.binary()?;
        if self.sees("?") { self.branches(node) } else { Ok(node) }
    }

    fn branches(&mut self, first: Node) -> Parsed {
        let start = first.span.start;
        let mut branches = Vec::new();
        let mut node = first;
        while self.eat("?") {
            let value = self.binary()?;
            self.expect(":")?;
            branches.push((node, value));
            node = self.binary()?;
        }
        self.node(Kind::Choose { branches, otherwise: Box::new(node) }, start)
    }

    /// Everything between two `?`: operands and binary operators, looser ones on the outside.
    ///
    /// One loop with its own stack instead of one function for each level of precedence, which
    /// would cost five frames in every bracket.
    fn binary(&mut self) -> Parsed {
        let first = self.unary()?;
        if self.operator().is_some() { self.chains(first) } else { Ok(first) }
    }

    fn chains(&mut self, first: Node) -> Parsed {
        let mut open: Vec<Open> = Vec::new();
        let mut operand = first;
        loop {
            let found = self.operator();
            let level = found.map_or(0, |(level, _)| level);
            while open.last().is_some_and(|chain| chain.level > level) {
                operand = self.close(&mut open, operand)?;
            }
            let Some((level, operator)) = found else { return Ok(operand) };
            self.at += 1;
            match open.last_mut() {
                Some(chain) if chain.level == level => chain.rest.push((operator, operand)),
                Some(_) | None => open.push(Open { level, rest: vec![(operator, operand)] }),
            }
            operand = self.unary()?;
        }
    }

    /// The binary operator that stands here, with how tightly it binds.
    fn operator(&self) -> Option<(u8, Option<Operator>)> {
        let Token::Symbol(symbol) = self.peek() else { return None };
        OPERATORS
            .iter()
            .find(|(word, _, _)| word == symbol)
            .map(|(_, level, operator)| (*level, *operator))
    }

    /// The innermost open chain ends with `last`.
    fn close(&mut self, open: &mut Vec<Open>, last: Node) -> Parsed {
        let Some(Open { level, mut rest }) = open.pop() else { return Ok(last) };
        // Each operator was stored with the operand before it.
        let start = rest[0].1.span.start;
        if level <= AND {
            let mut nodes: Vec<Node> = rest.into_iter().map(|(_, node)| node).collect();
            nodes.push(last);
            let kind = if level == OR { Kind::Or(nodes) } else { Kind::And(nodes) };
            return self.node(kind, start);
        }
        let mut chain = Vec::with_capacity(rest.len());
        let mut right = last;
        while let Some((operator, left)) = rest.pop() {
            if let Some(operator) = operator {
                chain.push((operator, right));
            }
            right = left;
        }
        chain.reverse();
        self.node(Kind::Chain { first: Box::new(right), rest: chain }, start)
    }

    fn unary(&mut self) -> Parsed {
        let start = self.span().start;
        let sign = if self.sees("!") { "!" } else { "-" };
        let mut count = 0usize;
        while self.eat(sign) {
            count += 1;
            self.count(self.span())?;
        }
        if sign == "-" && count > 0 && self.take_sign()? {
            count -= 1;
        }
        let node = self.member()?;
        if count == 0 { Ok(node) } else { self.signed(sign, count, node, start) }
    }

    /// The last sign belongs to a number, or -2^63 could not be written.
    fn take_sign(&mut self) -> Parsed<bool> {
        let Some(literal) = self.negative_number()? else { return Ok(false) };
        self.at -= 1;
        self.tokens[self.at].0 = Token::Literal(literal);
        Ok(true)
    }

    fn signed(&mut self, sign: &str, count: usize, node: Node, start: usize) -> Parsed {
        let even = count.is_multiple_of(2);
        if sign == "!" {
            let node = Box::new(node);
            return self.node(if even { Kind::Same(node) } else { Kind::Not(node) }, start);
        }
        let node = self.node(Kind::Negate(Box::new(node)), start)?;
        // `--x` still demands a number and may overflow in between.
        if even { self.node(Kind::Negate(Box::new(node)), start) } else { Ok(node) }
    }

    /// Small, because it is a part of every recursion: the cases are functions of their own.
    fn primary(&mut self) -> Parsed {
        match self.peek() {
            Token::Symbol("(") => self.bracket(),
            Token::Symbol("[") => self.list(),
            Token::Symbol("{") => self.map(),
            Token::Symbol(".") => self.absolute(),
            Token::Name(_) => self.named(false),
            Token::Literal(_) | Token::Int(_) | Token::Uint(_) => self.literal(),
            Token::Quoted(_) | Token::Symbol(_) | Token::End => self.unexpected("a value"),
        }
    }

    fn literal(&mut self) -> Parsed {
        let start = self.span().start;
        if let Some(number) = self.positive_number()? {
            return self.node(Kind::Literal(number), start);
        }
        match self.next() {
            Token::Literal(value) => self.node(Kind::Literal(value), start),
            _ => self.unexpected("a value"),
        }
    }

    fn bracket(&mut self) -> Parsed {
        self.at += 1;
        let node = self.expression()?;
        self.expect(")")?;
        Ok(node)
    }

    fn list(&mut self) -> Parsed {
        let start = self.span().start;
        self.at += 1;
        let items = self.arguments("]")?;
        self.node(Kind::List(items), start)
    }

    /// A name that no comprehension can hide.
    fn absolute(&mut self) -> Parsed {
        self.at += 1;
        match self.peek() {
            Token::Name(_) => self.named(true),
            _ => self.unexpected("a name"),
        }
    }

    fn named(&mut self, absolute: bool) -> Parsed {
        let span = self.span();
        let Token::Name(name) = self.next() else { return self.unexpected("a name") };
        if self.sees("(") {
            return self.call(&name, span);
        }
        let kind = self.name(name, span, absolute)?;
        self.node(kind, span.start)
    }

    fn name(&mut self, name: String, span: Span, absolute: bool) -> Parsed<Kind> {
        if RESERVED.contains(&name.as_str()) {
            return self.error(span, format!("`{name}` is a reserved word"));
        }
        let local = self.locals.iter().rposition(|local| *local == name);
        if let (Some(level), false) = (local, absolute) {
            return Ok(Kind::Local(level));
        }
        Ok(Kind::Root(match name.as_str() {
            "inputs" | "variables" | "config" => Root::Value(self.namespaced(&name, span)?),
            "stages" => Root::Stage(self.namespaced(&name, span)?),
            "prev" => Root::Previous(self.namespaced(&name, span)?),
            "form" => Root::Form,
            "input" => Root::Mapped,
            "outputs" => Root::Own,
            "value" if self.subject => Root::Subject,
            "event" => Root::Event,
            "run" => Root::Run,
            "task" => Root::Task,
            "item" => Root::Item,
            _ => Root::Value(name),
        }))
    }

    /// A call of a function that stands alone.
    fn call(&mut self, name: &str, span: Span) -> Parsed {
        self.expect("(")?;
        if name == "has" {
            return self.has(span.start);
        }
        let arguments = self.arguments(")")?;
        self.called(Function::global(name, arguments.len()), arguments, span, span.start)
    }

    fn called(
        &mut self,
        function: Result<Function, String>,
        arguments: Vec<Node>,
        span: Span,
        start: usize,
    ) -> Parsed {
        match function {
            Ok(function) => self.node(Kind::Call { function, arguments }, start),
            Err(says) => self.node(Kind::Unbound { says, name: span, arguments }, start),
        }
    }

    /// Up to and with the closing symbol; a comma may stand before that of a list.
    fn arguments(&mut self, close: &str) -> Parsed<Vec<Node>> {
        let mut nodes = Vec::new();
        while !self.eat(close) {
            nodes.push(self.expression()?);
            if !self.sees(close) {
                self.expect(",")?;
                if close == ")" && self.sees(close) {
                    return self.unexpected("a value");
                }
            }
        }
        Ok(nodes)
    }

    fn map(&mut self) -> Parsed {
        let start = self.span().start;
        self.at += 1;
        let mut entries = Vec::new();
        while !self.eat("}") {
            entries.push(self.entry()?);
        }
        self.node(Kind::Map(entries), start)
    }

    fn entry(&mut self) -> Parsed<(Node, Node)> {
        let key = self.expression()?;
        self.expect(":")?;
        let value = self.expression()?;
        if !self.sees("}") {
            self.expect(",")?;
        }
        Ok((key, value))
    }

    /// `range.all(x, body)` and its like, from behind the opening bracket.
    fn fold(&mut self, fold: Fold, name: &str, range: Node, start: usize) -> Parsed {
        let span = self.span();
        let variable = match self.next() {
            Token::Name(variable) if self.sees(",") => variable,
            _ => {
                return self.error(span, format!("`{name}` first takes a name: `{name}(x, …)`"));
            }
        };
        if self.locals.len() >= LIMITS.comprehensions {
            let message =
                format!("`{name}` and its like are nested at most {} deep", LIMITS.comprehensions);
            return self.limit(span, message);
        }
        let level = self.locals.len();
        self.locals.push(variable);
        let inner = self.fold_arguments();
        self.locals.pop();
        let mut inner = inner?;
        let (filter, body) = match (inner.len(), inner.pop(), inner.pop(), fold) {
            (1, Some(body), None, _) => (None, body),
            (2, Some(body), Some(filter), Fold::Map) => (Some(Box::new(filter)), body),
            (_, _, _, Fold::All | Fold::Exists | Fold::ExistsOne | Fold::Map | Fold::Filter) => {
                return self.error(span, format!("`{name}` takes a name and an expression"));
            }
        };
        let kind = Kind::Fold { fold, range: Box::new(range), level, filter, body: Box::new(body) };
        self.node(kind, start)
    }

    fn fold_arguments(&mut self) -> Parsed<Vec<Node>> {
        self.expect(",")?;
        self.arguments(")")
    }
}

/// A step by name.
fn field(name: &str) -> Step {
    Step::Field(Arc::from(name))
}
