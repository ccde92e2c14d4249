//! From one type to another.

use std::sync::Arc;

use super::{Conversion, Function, time};
use crate::expr::evaluate::{Budget, Fault, Outcome};
use crate::expr::value::{Value, to_int, to_uint};

impl Conversion {
    pub(super) fn apply(self, value: &Value, budget: &mut Budget) -> Outcome {
        if let Value::String(text) = value {
            budget.text(text.len())?;
        }
        let converted = match self {
            Self::Int => int(value),
            Self::Uint => uint(value),
            Self::Double => double(value),
            Self::String => return string(value, budget),
            Self::Bool => boolean(value),
            Self::Bytes => bytes(value, budget)?,
            Self::Timestamp => time::timestamp(value),
            Self::Duration => time::duration(value),
        };
        converted.ok_or_else(|| self.refuse(value))
    }

    fn refuse(self, value: &Value) -> Fault {
        let name = Function::To(self).name();
        match value {
            Value::String(text) => {
                let text: String = text.chars().take(40).collect();
                Fault::new(format!("`{name}` cannot read `{text}`"))
            }
            Value::Int(_) | Value::Uint(_) | Value::Double(_) => {
                Fault::new(format!("this {} does not fit `{name}`", value.type_name()))
            }
            Value::Null
            | Value::Bool(_)
            | Value::Bytes(_)
            | Value::List(_)
            | Value::Map(_)
            | Value::Timestamp(_)
            | Value::Duration(_)
            | Value::Type(_) => {
                Fault::new(format!("`{name}` is not defined for {}", value.type_name()))
            }
        }
    }
}

fn int(value: &Value) -> Option<Value> {
    match value {
        Value::Int(number) => Some(*number),
        Value::Uint(number) => i64::try_from(*number).ok(),
        Value::Double(number) => to_int(*number),
        Value::String(text) => text.parse().ok(),
        Value::Timestamp(instant) => Some(instant.as_second()),
        Value::Null
        | Value::Bool(_)
        | Value::Bytes(_)
        | Value::List(_)
        | Value::Map(_)
        | Value::Duration(_)
        | Value::Type(_) => None,
    }
    .map(Value::Int)
}

fn uint(value: &Value) -> Option<Value> {
    match value {
        Value::Int(number) => u64::try_from(*number).ok(),
        Value::Uint(number) => Some(*number),
        Value::Double(number) => to_uint(*number),
        Value::String(text) => text.parse().ok(),
        Value::Null
        | Value::Bool(_)
        | Value::Bytes(_)
        | Value::List(_)
        | Value::Map(_)
        | Value::Timestamp(_)
        | Value::Duration(_)
        | Value::Type(_) => None,
    }
    .map(Value::Uint)
}

fn double(value: &Value) -> Option<Value> {
    match value {
        Value::Int(number) => Some(*number as f64),
        Value::Uint(number) => Some(*number as f64),
        Value::Double(number) => Some(*number),
        Value::String(text) => text.parse().ok(),
        Value::Null
        | Value::Bool(_)
        | Value::Bytes(_)
        | Value::List(_)
        | Value::Map(_)
        | Value::Timestamp(_)
        | Value::Duration(_)
        | Value::Type(_) => None,
    }
    .map(Value::Double)
}

fn boolean(value: &Value) -> Option<Value> {
    match value {
        Value::Bool(value) => Some(Value::Bool(*value)),
        Value::String(text) => match &**text {
            "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(Value::Bool(true)),
            "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(Value::Bool(false)),
            _ => None,
        },
        Value::Null
        | Value::Int(_)
        | Value::Uint(_)
        | Value::Double(_)
        | Value::Bytes(_)
        | Value::List(_)
        | Value::Map(_)
        | Value::Timestamp(_)
        | Value::Duration(_)
        | Value::Type(_) => None,
    }
}

fn bytes(value: &Value, budget: &mut Budget) -> Result<Option<Value>, Fault> {
    Ok(match value {
        Value::Bytes(bytes) => Some(Value::Bytes(bytes.clone())),
        Value::String(text) => {
            budget.text(text.len())?;
            Some(Value::Bytes(Arc::from(text.as_bytes())))
        }
        Value::Null
        | Value::Bool(_)
        | Value::Int(_)
        | Value::Uint(_)
        | Value::Double(_)
        | Value::List(_)
        | Value::Map(_)
        | Value::Timestamp(_)
        | Value::Duration(_)
        | Value::Type(_) => None,
    })
}

fn string(value: &Value, budget: &mut Budget) -> Outcome {
    let text = match value {
        Value::String(text) => return Ok(Value::String(text.clone())),
        Value::Bool(value) => value.to_string(),
        Value::Int(number) => number.to_string(),
        Value::Uint(number) => number.to_string(),
        Value::Double(number) => number_text(*number),
        Value::Bytes(bytes) => {
            budget.text(bytes.len())?;
            match std::str::from_utf8(bytes) {
                Ok(text) => text.to_owned(),
                Err(_) => return Err(Fault::new("these bytes are no text")),
            }
        }
        Value::Timestamp(instant) => instant.to_string(),
        Value::Duration(duration) => time::seconds_text(*duration),
        Value::Null | Value::List(_) | Value::Map(_) | Value::Type(_) => {
            return Err(Conversion::String.refuse(value));
        }
    };
    Ok(Value::text(&text))
}

/// As other implementations of CEL write it: short, and with an exponent where it is long.
fn number_text(number: f64) -> String {
    if number.is_nan() {
        return "NaN".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    let exponent = if number == 0.0 { 0 } else { number.abs().log10().floor() as i32 };
    if (-5..21).contains(&exponent) {
        return number.to_string();
    }
    // `1e-7` becomes `1e-07`, as in Go.
    let text = format!("{number:e}");
    match text.split_once('e') {
        Some((mantissa, exponent)) => {
            let (sign, digits) = match exponent.strip_prefix('-') {
                Some(digits) => ('-', digits),
                None => ('+', exponent),
            };
            format!("{mantissa}e{sign}{digits:0>2}")
        }
        None => text,
    }
}
