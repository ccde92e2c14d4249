//! Integers, whose range depends on their sign.

use super::{Parsed, Parser};
use crate::expr::token::Token;
use crate::expr::value::Value;

impl Parser {
    /// The number that stands here, without a sign.
    pub(super) fn positive_number(&mut self) -> Parsed<Option<Value>> {
        let number = match self.peek() {
            Token::Int(text) => magnitude(text).and_then(|n| i64::try_from(n).ok()).map(Value::Int),
            Token::Uint(text) => magnitude(text).map(Value::Uint),
            Token::Name(_)
            | Token::Quoted(_)
            | Token::Literal(_)
            | Token::Symbol(_)
            | Token::End => return Ok(None),
        };
        self.finish(number)
    }

    /// The number that stands here, behind a minus sign.
    pub(super) fn negative_number(&mut self) -> Parsed<Option<Value>> {
        let number = match self.peek() {
            Token::Int(text) => {
                magnitude(text).and_then(|n| i64::try_from(-i128::from(n)).ok()).map(Value::Int)
            }
            Token::Literal(Value::Double(number)) => Some(Value::Double(-number)),
            Token::Name(_)
            | Token::Quoted(_)
            | Token::Uint(_)
            | Token::Literal(_)
            | Token::Symbol(_)
            | Token::End => return Ok(None),
        };
        self.finish(number)
    }

    fn finish(&mut self, number: Option<Value>) -> Parsed<Option<Value>> {
        if number.is_none() {
            return self.error(self.span(), "this number does not fit into 64 bits");
        }
        self.at += 1;
        Ok(number)
    }
}

fn magnitude(text: &str) -> Option<u64> {
    match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) => u64::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}
