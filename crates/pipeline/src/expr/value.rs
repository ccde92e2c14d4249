//! Values while an expression runs. Cloning shares; nothing is copied.

use std::cmp::Ordering;
use std::sync::Arc;

use indexmap::IndexMap;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value as Json;

#[derive(Clone, Debug)]
pub(super) enum Value {
    Null,
    Bool(bool),
    Int(i64),
    Uint(u64),
    Double(f64),
    String(Arc<str>),
    Bytes(Arc<[u8]>),
    List(Arc<Vec<Value>>),
    Map(Arc<IndexMap<Key, Value>>),
    Timestamp(Timestamp),
    Duration(SignedDuration),
    Type(&'static str),
}

/// The keys of a map: `1` and `1u` are one key.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Key {
    Bool(bool),
    Int(i64),
    /// Greater than any `Int`.
    Uint(u64),
    String(Arc<str>),
}

/// The names of types, which are values themselves.
pub(super) const TYPES: [&str; 12] = [
    "null_type",
    "bool",
    "int",
    "uint",
    "double",
    "string",
    "bytes",
    "list",
    "map",
    "timestamp",
    "duration",
    "type",
];

impl Value {
    pub(super) fn text(text: &str) -> Self {
        Self::String(Arc::from(text))
    }

    pub(super) fn list(items: Vec<Value>) -> Self {
        Self::List(Arc::new(items))
    }

    pub(super) fn type_name(&self) -> &'static str {
        match self {
            Self::Null => "null_type",
            Self::Bool(_) => "bool",
            Self::Int(_) => "int",
            Self::Uint(_) => "uint",
            Self::Double(_) => "double",
            Self::String(_) => "string",
            Self::Bytes(_) => "bytes",
            Self::List(_) => "list",
            Self::Map(_) => "map",
            Self::Timestamp(_) => "timestamp",
            Self::Duration(_) => "duration",
            Self::Type(_) => "type",
        }
    }

    pub(super) fn of_json(json: &Json) -> Self {
        match json {
            Json::Null => Self::Null,
            Json::Bool(value) => Self::Bool(*value),
            Json::Number(number) => match (number.as_i64(), number.as_u64()) {
                (Some(value), _) => Self::Int(value),
                (None, Some(value)) => Self::Uint(value),
                (None, None) => Self::Double(number.as_f64().unwrap_or(f64::NAN)),
            },
            Json::String(text) => Self::text(text),
            Json::Array(items) => Self::list(items.iter().map(Self::of_json).collect()),
            Json::Object(entries) => Self::Map(Arc::new(
                entries
                    .iter()
                    .map(|(key, value)| {
                        (Key::String(Arc::from(key.as_str())), Self::of_json(value))
                    })
                    .collect(),
            )),
        }
    }
}

impl Key {
    /// What a value is as a key: a double with an integral value is that integer.
    pub(super) fn of(value: &Value) -> Option<Self> {
        match value {
            Value::Bool(value) => Some(Self::Bool(*value)),
            Value::Int(value) => Some(Self::Int(*value)),
            Value::Uint(value) => Some(match i64::try_from(*value) {
                Ok(value) => Self::Int(value),
                Err(_) => Self::Uint(*value),
            }),
            Value::Double(value) => whole(*value).map(Self::Int),
            Value::String(text) => Some(Self::String(text.clone())),
            Value::Null
            | Value::Bytes(_)
            | Value::List(_)
            | Value::Map(_)
            | Value::Timestamp(_)
            | Value::Duration(_)
            | Value::Type(_) => None,
        }
    }

    pub(super) fn value(&self) -> Value {
        match self {
            Self::Bool(value) => Value::Bool(*value),
            Self::Int(value) => Value::Int(*value),
            Self::Uint(value) => Value::Uint(*value),
            Self::String(text) => Value::String(text.clone()),
        }
    }
}

impl std::fmt::Display for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Bool(value) => value.fmt(f),
            Self::Int(value) => value.fmt(f),
            Self::Uint(value) => value.fmt(f),
            Self::String(text) => text.fmt(f),
        }
    }
}

/// 2^63, the first double above every `i64`.
const ABOVE_I64: f64 = 9_223_372_036_854_775_808.0;
/// 2^64.
const ABOVE_U64: f64 = 18_446_744_073_709_551_616.0;

/// The integer that a double is, exactly.
pub(super) fn whole(number: f64) -> Option<i64> {
    (number.fract() == 0.0 && (-ABOVE_I64..ABOVE_I64).contains(&number)).then_some(number as i64)
}

/// Rounds towards zero; `None` when it does not fit.
pub(super) fn to_int(number: f64) -> Option<i64> {
    // The bounds themselves are excluded: near them a double may have been rounded.
    (number > -ABOVE_I64 && number < ABOVE_I64).then_some(number as i64)
}

pub(super) fn to_uint(number: f64) -> Option<u64> {
    (number > -1.0 && number < ABOVE_U64).then_some(number as u64)
}

/// Numbers of different types compare by their mathematical values; NaN compares with nothing.
pub(super) fn compare_numbers(left: &Value, right: &Value) -> Option<Ordering> {
    match (left, right) {
        (Value::Int(l), Value::Int(r)) => Some(l.cmp(r)),
        (Value::Uint(l), Value::Uint(r)) => Some(l.cmp(r)),
        (Value::Double(l), Value::Double(r)) => l.partial_cmp(r),
        (Value::Int(l), Value::Uint(r)) => Some(i128::from(*l).cmp(&i128::from(*r))),
        (Value::Uint(l), Value::Int(r)) => Some(i128::from(*l).cmp(&i128::from(*r))),
        (Value::Int(l), Value::Double(r)) => compare_exactly(i128::from(*l), *r),
        (Value::Uint(l), Value::Double(r)) => compare_exactly(i128::from(*l), *r),
        (Value::Double(l), Value::Int(r)) => {
            compare_exactly(i128::from(*r), *l).map(Ordering::reverse)
        }
        (Value::Double(l), Value::Uint(r)) => {
            compare_exactly(i128::from(*r), *l).map(Ordering::reverse)
        }
        (_, _) => None,
    }
}

fn compare_exactly(integer: i128, double: f64) -> Option<Ordering> {
    if double.is_nan() {
        return None;
    }
    if double >= ABOVE_U64 {
        return Some(Ordering::Less);
    }
    if double < -ABOVE_I64 {
        return Some(Ordering::Greater);
    }
    let floor = double.floor();
    Some(integer.cmp(&(floor as i128)).then(if double > floor {
        Ordering::Less
    } else {
        Ordering::Equal
    }))
}

pub(super) fn is_number(value: &Value) -> bool {
    matches!(value, Value::Int(_) | Value::Uint(_) | Value::Double(_))
}
