//! Arithmetic, comparison and indexing.

use std::cmp::Ordering;
use std::sync::Arc;

use super::ast::Operator;
use super::evaluate::{Budget, Fault, Outcome, equal};
use super::functions::{contains, fits, in_range};
use super::value::{Key, Value, compare_numbers, is_number, whole};

pub(super) fn apply(
    operator: Operator,
    left: &Value,
    right: &Value,
    budget: &mut Budget,
) -> Outcome {
    match operator {
        Operator::Equal => equal(left, right, budget).map(Value::Bool),
        Operator::NotEqual => equal(left, right, budget).map(|same| Value::Bool(!same)),
        Operator::Less | Operator::LessEqual | Operator::Greater | Operator::GreaterEqual => {
            compare(operator, left, right, budget)
        }
        Operator::In => contains(right, left, budget),
        Operator::Add => add(left, right, budget),
        Operator::Subtract | Operator::Multiply | Operator::Divide | Operator::Remainder => {
            arithmetic(operator, left, right)
        }
    }
}

fn misfit(operator: Operator, left: &Value, right: &Value) -> Fault {
    let hint = if is_number(left) && is_number(right) {
        format!("; convert one of them with `{}(…)`", left.type_name())
    } else {
        String::new()
    };
    Fault::new(format!(
        "`{}` is not defined for {} and {}{hint}",
        operator.symbol(),
        left.type_name(),
        right.type_name()
    ))
}

fn overflow(operator: Operator) -> Fault {
    Fault::new(format!("`{}` overflows", operator.symbol()))
}

fn compare(operator: Operator, left: &Value, right: &Value, budget: &mut Budget) -> Outcome {
    let order = match (left, right) {
        (Value::Bool(l), Value::Bool(r)) => Some(l.cmp(r)),
        (Value::String(l), Value::String(r)) => {
            budget.text(l.len().min(r.len()))?;
            Some(l.cmp(r))
        }
        (Value::Bytes(l), Value::Bytes(r)) => {
            budget.text(l.len().min(r.len()))?;
            Some(l.cmp(r))
        }
        (Value::Timestamp(l), Value::Timestamp(r)) => Some(l.cmp(r)),
        (Value::Duration(l), Value::Duration(r)) => Some(l.cmp(r)),
        (l, r) if is_number(l) && is_number(r) => compare_numbers(l, r),
        (_, _) => return Err(misfit(operator, left, right)),
    };
    let holds = match (operator, order) {
        (_, None) => false,
        (Operator::Less, Some(order)) => order == Ordering::Less,
        (Operator::LessEqual, Some(order)) => order != Ordering::Greater,
        (Operator::Greater, Some(order)) => order == Ordering::Greater,
        (_, Some(order)) => order != Ordering::Less,
    };
    Ok(Value::Bool(holds))
}

fn add(left: &Value, right: &Value, budget: &mut Budget) -> Outcome {
    let too_far = || overflow(Operator::Add);
    match (left, right) {
        (Value::Int(l), Value::Int(r)) => l.checked_add(*r).map(Value::Int).ok_or_else(too_far),
        (Value::Uint(l), Value::Uint(r)) => l.checked_add(*r).map(Value::Uint).ok_or_else(too_far),
        (Value::Double(l), Value::Double(r)) => Ok(Value::Double(l + r)),
        (Value::String(l), Value::String(r)) => {
            budget.text(l.len() + r.len())?;
            Ok(Value::String(Arc::from([&**l, &**r].concat())))
        }
        (Value::Bytes(l), Value::Bytes(r)) => {
            budget.text(l.len() + r.len())?;
            Ok(Value::Bytes(Arc::from([&**l, &**r].concat())))
        }
        (Value::List(l), Value::List(r)) => {
            budget.steps(l.len() + r.len())?;
            Ok(Value::list(l.iter().chain(r.iter()).cloned().collect()))
        }
        (Value::Duration(l), Value::Duration(r)) => {
            l.checked_add(*r).and_then(fits).map(Value::Duration).ok_or_else(too_far)
        }
        (Value::Timestamp(instant), Value::Duration(span))
        | (Value::Duration(span), Value::Timestamp(instant)) => instant
            .checked_add(*span)
            .ok()
            .and_then(in_range)
            .map(Value::Timestamp)
            .ok_or_else(too_far),
        (_, _) => Err(misfit(Operator::Add, left, right)),
    }
}

fn arithmetic(operator: Operator, left: &Value, right: &Value) -> Outcome {
    let result = match (operator, left, right) {
        (Operator::Divide | Operator::Remainder, Value::Int(_), Value::Int(0))
        | (Operator::Divide | Operator::Remainder, Value::Uint(_), Value::Uint(0)) => {
            return Err(Fault::new(format!("`{}` by zero", operator.symbol())));
        }
        (Operator::Subtract, Value::Int(l), Value::Int(r)) => l.checked_sub(*r).map(Value::Int),
        (Operator::Multiply, Value::Int(l), Value::Int(r)) => l.checked_mul(*r).map(Value::Int),
        (Operator::Divide, Value::Int(l), Value::Int(r)) => l.checked_div(*r).map(Value::Int),
        (Operator::Remainder, Value::Int(l), Value::Int(r)) => l.checked_rem(*r).map(Value::Int),
        (Operator::Subtract, Value::Uint(l), Value::Uint(r)) => l.checked_sub(*r).map(Value::Uint),
        (Operator::Multiply, Value::Uint(l), Value::Uint(r)) => l.checked_mul(*r).map(Value::Uint),
        (Operator::Divide, Value::Uint(l), Value::Uint(r)) => l.checked_div(*r).map(Value::Uint),
        (Operator::Remainder, Value::Uint(l), Value::Uint(r)) => l.checked_rem(*r).map(Value::Uint),
        (Operator::Subtract, Value::Double(l), Value::Double(r)) => Some(Value::Double(l - r)),
        (Operator::Multiply, Value::Double(l), Value::Double(r)) => Some(Value::Double(l * r)),
        (Operator::Divide, Value::Double(l), Value::Double(r)) => Some(Value::Double(l / r)),
        (Operator::Subtract, Value::Timestamp(l), Value::Timestamp(r)) => {
            fits(l.duration_since(*r)).map(Value::Duration)
        }
        (Operator::Subtract, Value::Timestamp(instant), Value::Duration(span)) => {
            instant.checked_sub(*span).ok().and_then(in_range).map(Value::Timestamp)
        }
        (Operator::Subtract, Value::Duration(l), Value::Duration(r)) => {
            l.checked_sub(*r).and_then(fits).map(Value::Duration)
        }
        (_, _, _) => return Err(misfit(operator, left, right)),
    };
    result.ok_or_else(|| overflow(operator))
}

pub(super) fn negate(value: &Value) -> Outcome {
    match value {
        Value::Int(number) => {
            number.checked_neg().map(Value::Int).ok_or_else(|| overflow(Operator::Subtract))
        }
        Value::Double(number) => Ok(Value::Double(-number)),
        other => Err(Fault::new(format!("`-` is not defined for {}", other.type_name()))),
    }
}

pub(super) fn index(container: &Value, index: &Value) -> Outcome {
    match container {
        Value::List(items) => {
            let place = match index {
                Value::Int(number) => usize::try_from(*number).ok(),
                Value::Uint(number) => usize::try_from(*number).ok(),
                Value::Double(number) => whole(*number).and_then(|n| usize::try_from(n).ok()),
                other => {
                    return Err(Fault::new(format!("{} is no index", other.type_name())));
                }
            };
            place.and_then(|place| items.get(place)).cloned().ok_or_else(|| {
                Fault::new(format!("the index is outside a list of {}", items.len()))
            })
        }
        Value::Map(entries) => {
            let Some(key) = Key::of(index) else {
                return Err(Fault::new(format!("{} is no key", index.type_name())));
            };
            entries.get(&key).cloned().ok_or_else(|| Fault::new(format!("there is no `{key}`")))
        }
        other => Err(Fault::new(format!("{} has no elements", other.type_name()))),
    }
}
