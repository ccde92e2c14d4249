//! The functions of CEL: which there are, and what they take.

use super::evaluate::{Budget, Fault, Outcome};
use super::value::{Key, Value};

mod convert;
mod strings;
mod time;

pub(super) use strings::compile as compile_pattern;
pub(super) use time::{fits, in_range, seconds_text};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Function {
    Size,
    Contains,
    StartsWith,
    EndsWith,
    Matches,
    To(Conversion),
    Type,
    Dyn,
    Part(TimePart),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Conversion {
    Int,
    Uint,
    Double,
    String,
    Bool,
    Bytes,
    Timestamp,
    Duration,
}

/// What can be read of a timestamp or a duration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TimePart {
    FullYear,
    Month,
    DayOfMonth,
    Date,
    DayOfWeek,
    DayOfYear,
    Hours,
    Minutes,
    Seconds,
    Milliseconds,
}

const METHODS: [(&str, Function, std::ops::RangeInclusive<usize>); 15] = [
    ("size", Function::Size, 0..=0),
    ("contains", Function::Contains, 1..=1),
    ("startsWith", Function::StartsWith, 1..=1),
    ("endsWith", Function::EndsWith, 1..=1),
    ("matches", Function::Matches, 1..=1),
    ("getFullYear", Function::Part(TimePart::FullYear), 0..=1),
    ("getMonth", Function::Part(TimePart::Month), 0..=1),
    ("getDayOfMonth", Function::Part(TimePart::DayOfMonth), 0..=1),
    ("getDate", Function::Part(TimePart::Date), 0..=1),
    ("getDayOfWeek", Function::Part(TimePart::DayOfWeek), 0..=1),
    ("getDayOfYear", Function::Part(TimePart::DayOfYear), 0..=1),
    ("getHours", Function::Part(TimePart::Hours), 0..=1),
    ("getMinutes", Function::Part(TimePart::Minutes), 0..=1),
    ("getSeconds", Function::Part(TimePart::Seconds), 0..=1),
    ("getMilliseconds", Function::Part(TimePart::Milliseconds), 0..=1),
];

const GLOBALS: [(&str, Function, usize); 12] = [
    ("size", Function::Size, 1),
    ("matches", Function::Matches, 2),
    ("int", Function::To(Conversion::Int), 1),
    ("uint", Function::To(Conversion::Uint), 1),
    ("double", Function::To(Conversion::Double), 1),
    ("string", Function::To(Conversion::String), 1),
    ("bool", Function::To(Conversion::Bool), 1),
    ("bytes", Function::To(Conversion::Bytes), 1),
    ("timestamp", Function::To(Conversion::Timestamp), 1),
    ("duration", Function::To(Conversion::Duration), 1),
    ("type", Function::Type, 1),
    ("dyn", Function::Dyn, 1),
];

impl Function {
    pub(super) fn global(name: &str, arguments: usize) -> Result<Self, String> {
        match GLOBALS.iter().find(|(word, _, _)| *word == name) {
            Some((_, function, wanted)) if *wanted == arguments => Ok(*function),
            Some((_, _, wanted)) => {
                Err(format!("`{name}` takes {wanted} argument(s), here are {arguments}"))
            }
            None if METHODS.iter().any(|(word, _, _)| *word == name) => {
                Err(format!("`{name}` is a method: `text.{name}(…)`"))
            }
            None => Err(unknown(name)),
        }
    }

    pub(super) fn method(name: &str, arguments: usize) -> Result<Self, String> {
        match METHODS.iter().find(|(word, _, _)| *word == name) {
            Some((_, function, wanted)) if wanted.contains(&arguments) => Ok(*function),
            Some((_, _, wanted)) => Err(format!(
                "`{name}` takes at most {} argument(s), here are {arguments}",
                wanted.end()
            )),
            None if GLOBALS.iter().any(|(word, _, _)| *word == name) => {
                Err(format!("`{name}` is no method: `{name}(…)`"))
            }
            None => Err(unknown(name)),
        }
    }

    pub(super) fn name(self) -> &'static str {
        let global = GLOBALS.iter().find(|(_, function, _)| *function == self);
        let method = METHODS.iter().find(|(_, function, _)| *function == self);
        global.map(|found| found.0).or(method.map(|found| found.0)).unwrap_or("function")
    }

    pub(super) fn call(self, arguments: &[Value], budget: &mut Budget) -> Outcome {
        match (self, arguments) {
            (Self::Size, [value]) => size(value, budget),
            (Self::Type, [value]) => Ok(Value::Type(value.type_name())),
            (Self::Dyn, [value]) => Ok(value.clone()),
            (Self::To(conversion), [value]) => conversion.apply(value, budget),
            (Self::Contains, [Value::String(text), Value::String(part)]) => {
                budget.text(text.len() + part.len())?;
                Ok(Value::Bool(text.contains(&**part)))
            }
            (Self::StartsWith, [Value::String(text), Value::String(part)]) => {
                budget.text(part.len())?;
                Ok(Value::Bool(text.starts_with(&**part)))
            }
            (Self::EndsWith, [Value::String(text), Value::String(part)]) => {
                budget.text(part.len())?;
                Ok(Value::Bool(text.ends_with(&**part)))
            }
            (Self::Matches, [Value::String(text), Value::String(pattern)]) => {
                strings::matches(text, pattern, budget)
            }
            (Self::Part(part), [value]) => part.of(value, None),
            (Self::Part(part), [value, Value::String(zone)]) => part.of(value, Some(zone)),
            (
                Self::Size
                | Self::Contains
                | Self::StartsWith
                | Self::EndsWith
                | Self::Matches
                | Self::To(_)
                | Self::Type
                | Self::Dyn
                | Self::Part(_),
                _,
            ) => Err(self.misfit(arguments)),
        }
    }

    fn misfit(self, arguments: &[Value]) -> Fault {
        let types: Vec<&str> = arguments.iter().map(Value::type_name).collect();
        Fault::new(format!("`{}` is not defined for {}", self.name(), types.join(" and ")))
    }
}

fn unknown(name: &str) -> String {
    let words = METHODS.iter().map(|found| found.0).chain(GLOBALS.iter().map(|found| found.0));
    let macros = ["has", "all", "exists", "exists_one", "map", "filter"];
    let nearest = words
        .chain(macros)
        .map(|word| (strsim::damerau_levenshtein(word, name), word))
        .min()
        .filter(|(distance, _)| *distance <= 2);
    match nearest {
        Some((_, word)) => format!("there is no function `{name}`; did you mean `{word}`?"),
        None => format!("there is no function `{name}`"),
    }
}

/// Characters of a text, bytes, elements or entries.
fn size(value: &Value, budget: &mut Budget) -> Outcome {
    let size = match value {
        Value::String(text) => {
            budget.text(text.len())?;
            text.chars().count()
        }
        Value::Bytes(bytes) => bytes.len(),
        Value::List(items) => items.len(),
        Value::Map(entries) => entries.len(),
        Value::Null
        | Value::Bool(_)
        | Value::Int(_)
        | Value::Uint(_)
        | Value::Double(_)
        | Value::Timestamp(_)
        | Value::Duration(_)
        | Value::Type(_) => return Err(Function::Size.misfit(std::slice::from_ref(value))),
    };
    Ok(Value::Int(i64::try_from(size).unwrap_or(i64::MAX)))
}

/// `value in container`
pub(super) fn contains(container: &Value, value: &Value, budget: &mut Budget) -> Outcome {
    match container {
        Value::List(items) => {
            for item in items.iter() {
                budget.steps(1)?;
                if super::evaluate::equal(item, value, budget)? {
                    return Ok(Value::Bool(true));
                }
            }
            Ok(Value::Bool(false))
        }
        Value::Map(entries) => {
            Ok(Value::Bool(Key::of(value).is_some_and(|key| entries.contains_key(&key))))
        }
        _ => Err(Fault::new(format!(
            "`in` is not defined for {} and {}",
            value.type_name(),
            container.type_name()
        ))),
    }
}
