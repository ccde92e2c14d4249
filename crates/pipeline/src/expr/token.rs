//! CEL text to tokens.

use std::sync::Arc;

use super::ExprError;
use super::value::Value;
use crate::source::Span;

#[derive(Clone, Debug)]
pub(super) enum Token {
    Name(String),
    /// A name in backticks; only behind a dot.
    Quoted(String),
    /// A number keeps its text until its sign is known.
    Int(String),
    Uint(String),
    Literal(Value),
    Symbol(&'static str),
    End,
}

/// Longer symbols first.
const SYMBOLS: [&str; 24] = [
    "==", "!=", "<=", ">=", "&&", "||", "<", ">", "!", "+", "-", "*", "/", "%", "?", ":", ".", ",",
    "(", ")", "[", "]", "{", "}",
];

/// The tokens with their places, [`Token::End`] last.
pub(super) fn tokens(source: &str) -> Result<Vec<(Token, Span)>, ExprError> {
    let mut lexer = Lexer { source, at: 0 };
    let mut tokens = Vec::new();
    loop {
        lexer.blanks();
        let start = lexer.at;
        let token = lexer.token()?;
        let last = matches!(token, Token::End);
        tokens.push((token, Span::new(start, lexer.at)));
        if last {
            return Ok(tokens);
        }
    }
}

struct Lexer<'s> {
    source: &'s str,
    at: usize,
}

impl<'s> Lexer<'s> {
    fn rest(&self) -> &'s str {
        &self.source[self.at..]
    }

    fn blanks(&mut self) {
        loop {
            let rest = self.rest().trim_start_matches([' ', '\t', '\n', '\r', '\u{c}']);
            self.at = self.source.len() - rest.len();
            if !rest.starts_with("//") {
                return;
            }
            self.at += rest.find('\n').unwrap_or(rest.len());
        }
    }

    fn error<T>(&self, start: usize, message: impl Into<String>) -> Result<T, ExprError> {
        let end = self.rest().chars().next().map_or(self.at, |c| self.at + c.len_utf8());
        Err(ExprError { message: message.into(), span: Span::new(start, end), limit: false })
    }

    fn token(&mut self) -> Result<Token, ExprError> {
        let rest = self.rest();
        let Some(first) = rest.chars().next() else { return Ok(Token::End) };
        if let Some(prefix) = string_prefix(rest) {
            return self.string(prefix);
        }
        if first.is_ascii_digit() || (first == '.' && next_is_digit(rest)) {
            return self.number();
        }
        if first.is_ascii_alphabetic() || first == '_' {
            let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
            let name = &rest[..end.unwrap_or(rest.len())];
            self.at += name.len();
            return Ok(match name {
                "true" => Token::Literal(Value::Bool(true)),
                "false" => Token::Literal(Value::Bool(false)),
                "null" => Token::Literal(Value::Null),
                "in" => Token::Symbol("in"),
                _ => Token::Name(name.to_owned()),
            });
        }
        if first == '`' {
            return match rest[1..].find('`') {
                Some(end) if end > 0 && !rest[1..=end].contains('\n') => {
                    self.at += end + 2;
                    Ok(Token::Quoted(rest[1..=end].to_owned()))
                }
                Some(_) | None => self.error(self.at, "this quoted name is never closed"),
            };
        }
        match SYMBOLS.iter().find(|symbol| rest.starts_with(**symbol)) {
            Some(symbol) => {
                self.at += symbol.len();
                Ok(Token::Symbol(symbol))
            }
            None => {
                let hint = match first {
                    '=' => "; equality is written `==`",
                    '&' => "; `and` is written `&&`",
                    '|' => "; `or` is written `||`",
                    '$' => "; names stand alone here, without `${`",
                    _ => "",
                };
                self.error(self.at, format!("`{first}` means nothing in an expression{hint}"))
            }
        }
    }

    fn digits(&mut self, radix: u32) -> usize {
        let rest = self.rest();
        let end = rest.find(|c: char| !c.is_digit(radix)).unwrap_or(rest.len());
        self.at += end;
        end
    }

    fn number(&mut self) -> Result<Token, ExprError> {
        let start = self.at;
        if self.rest().starts_with("0x") || self.rest().starts_with("0X") {
            self.at += 2;
            if self.digits(16) == 0 {
                return self.error(start, "a digit is missing behind `0x`");
            }
            return self.integer(start);
        }
        self.digits(10);
        let mut real = false;
        if self.rest().starts_with('.') && next_is_digit(self.rest()) {
            self.at += 1;
            self.digits(10);
            real = true;
        }
        if self.rest().starts_with(['e', 'E']) {
            let before = self.at;
            self.at += 1;
            if self.rest().starts_with(['+', '-']) {
                self.at += 1;
            }
            if self.digits(10) == 0 {
                self.at = before;
                return self.error(start, "the exponent of this number has no digits");
            }
            real = true;
        }
        if !real {
            return self.integer(start);
        }
        match self.source[start..self.at].parse::<f64>() {
            Ok(number) => Ok(Token::Literal(Value::Double(number))),
            Err(_) => self.error(start, "this is no number"),
        }
    }

    fn integer(&mut self, start: usize) -> Result<Token, ExprError> {
        let text = self.source[start..self.at].to_owned();
        let unsigned = self.rest().starts_with(['u', 'U']);
        if unsigned {
            self.at += 1;
        }
        if self.rest().starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_') {
            return self.error(start, "a number ends where a name begins");
        }
        Ok(if unsigned { Token::Uint(text) } else { Token::Int(text) })
    }

    fn string(&mut self, prefix: Prefix) -> Result<Token, ExprError> {
        let start = self.at;
        self.at += prefix.len;
        let quote = &self.rest()[..1];
        let triple = quote.repeat(3);
        let close = if self.rest().starts_with(&triple) { triple } else { quote.to_owned() };
        self.at += close.len();
        let mut bytes = Vec::new();
        loop {
            let rest = self.rest();
            if rest.starts_with(&close) {
                self.at += close.len();
                break;
            }
            let Some(c) = rest.chars().next() else {
                return self.error(start, "this text is never closed");
            };
            if close.len() == 1 && (c == '\n' || c == '\r') {
                return self.error(start, "this text is never closed on its line");
            }
            if c == '\\' && !prefix.raw {
                self.escape(prefix.bytes, &mut bytes)?;
            } else {
                // A raw text keeps the backslash and what follows it, also a quote.
                self.at += c.len_utf8();
                bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            }
        }
        if prefix.bytes {
            return Ok(Token::Literal(Value::Bytes(Arc::from(bytes))));
        }
        match String::from_utf8(bytes) {
            Ok(text) => Ok(Token::Literal(Value::String(Arc::from(text)))),
            Err(_) => self.error(start, "this text is not valid"),
        }
    }

    fn escape(&mut self, octets: bool, into: &mut Vec<u8>) -> Result<(), ExprError> {
        let start = self.at;
        self.at += 1;
        let Some(c) = self.rest().chars().next() else {
            return self.error(start, "this text is never closed");
        };
        let plain = match c {
            'a' => Some(7),
            'b' => Some(8),
            'f' => Some(12),
            'n' => Some(b'\n'),
            'r' => Some(b'\r'),
            't' => Some(b'\t'),
            'v' => Some(11),
            '\\' | '?' | '"' | '\'' | '`' => Some(c as u8),
            _ => None,
        };
        if let Some(byte) = plain {
            self.at += 1;
            into.push(byte);
            return Ok(());
        }
        let (skip, length, radix) = match c {
            'x' | 'X' => (1, 2, 16),
            'u' if !octets => (1, 4, 16),
            'U' if !octets => (1, 8, 16),
            '0'..='3' => (0, 3, 8),
            _ => return self.error(start, format!("`\\{c}` is no escape; write `\\\\{c}`")),
        };
        self.at += skip;
        let digits = self.rest().get(..length).filter(|d| d.chars().all(|c| c.is_digit(radix)));
        let code = digits.and_then(|digits| u32::from_str_radix(digits, radix).ok());
        let Some(code) = code else {
            return self.error(start, format!("this escape needs {length} digits"));
        };
        if octets {
            let Ok(byte) = u8::try_from(code) else {
                return self.error(start, "this escape is more than a byte");
            };
            into.push(byte);
        } else {
            let Some(c) = char::from_u32(code) else {
                return self.error(start, "this escape is no character");
            };
            into.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
        }
        self.at += length;
        Ok(())
    }
}

fn next_is_digit(rest: &str) -> bool {
    rest.as_bytes().get(1).is_some_and(u8::is_ascii_digit)
}

#[derive(Clone, Copy)]
struct Prefix {
    len: usize,
    raw: bool,
    bytes: bool,
}

/// `"`, `r"`, `b"`, `br"` and their like.
fn string_prefix(rest: &str) -> Option<Prefix> {
    let mut prefix = Prefix { len: 0, raw: false, bytes: false };
    for c in rest.bytes() {
        match c {
            b'"' | b'\'' => return Some(prefix),
            b'r' | b'R' if !prefix.raw => prefix.raw = true,
            b'b' | b'B' if !prefix.bytes => prefix.bytes = true,
            _ => return None,
        }
        prefix.len += 1;
    }
    None
}
