//! What an expression read, so that its result can be told with its reasons.

use serde_json::Value as Json;

use super::ast::{Kind, Node};
use super::{Expression, evaluate};
use crate::text::Scope;

impl Expression {
    /// Each path that it reads with its value: as written, in that order, each once. What a
    /// comprehension binds is left out, and so is what has no value, and the whole expression where it
    /// is nothing but one path.
    pub fn readings(&self, scope: &dyn Scope) -> Vec<(&str, Json)> {
        let mut paths = Vec::new();
        collect(&self.program, &mut paths);
        let mut readings: Vec<(&str, Json)> = Vec::new();
        for path in paths {
            let Some(text) = self.source.get(path.span.start..path.span.end).map(str::trim) else {
                continue;
            };
            let whole = text.len() == self.source.trim().len();
            // Brackets around the beginning of a path are no part of it.
            let is_cut = text.matches('(').count() != text.matches(')').count();
            if whole || is_cut || readings.iter().any(|(known, _)| *known == text) {
                continue;
            }
            if let Ok(value) = evaluate::run(path, scope) {
                readings.push((text, value));
            }
        }
        readings
    }
}

/// The longest paths, in the order written.
fn collect<'n>(node: &'n Node, paths: &mut Vec<&'n Node>) {
    match &node.kind {
        Kind::Literal(_) | Kind::Local(_) => {}
        Kind::Root(_) | Kind::HasRoot(_) => paths.push(node),
        Kind::Access { .. } | Kind::Has { .. } if is_closed(node) => paths.push(node),
        Kind::Access { .. }
        | Kind::Has { .. }
        | Kind::Not(_)
        | Kind::Same(_)
        | Kind::Negate(_)
        | Kind::And(_)
        | Kind::Or(_)
        | Kind::Chain { .. }
        | Kind::Choose { .. }
        | Kind::List(_)
        | Kind::Map(_)
        | Kind::Call { .. }
        | Kind::Fold { .. }
        | Kind::Unbound { .. } => node.kind.children().for_each(|child| collect(child, paths)),
    }
}

/// Nothing in it is bound outside of it.
fn is_closed(node: &Node) -> bool {
    let mut closed = true;
    node.walk(&mut |node| closed &= !matches!(node.kind, Kind::Local(_)));
    closed
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::expr::tests::values;

    fn told(source: &str) -> Vec<String> {
        let values =
            values(json!({"n": 2, "list": [1, 2], "map": {"a": {"b": "x"}}, "flag": true}));
        let expression = Expression::compile(source).unwrap();
        expression.readings(&values).iter().map(|(path, value)| format!("{path}={value}")).collect()
    }

    #[test]
    fn each_path_is_told_once_with_its_value() {
        assert_eq!(told("inputs.n > 3 && (n < 5 || inputs.n == 1)"), ["inputs.n=2", "n=2"]);
        assert_eq!(
            told("map.a.b == 'y' || size(list) > n"),
            ["map.a.b=\"x\"", "list=[1,2]", "n=2"]
        );
        assert_eq!(told("!flag"), ["flag=true"]);
        assert_eq!(told("flag"), Vec::<String>::new());
        assert_eq!(told("list.all(x, x > n)"), ["list=[1,2]", "n=2"]);
        assert_eq!(told("has(map.c) && !flag"), ["has(map.c)=false", "flag=true"]);
        assert_eq!(told("list[n - 1] == 3"), ["list[n - 1]=2"]);
        assert_eq!(told("false || list[7] == 3"), Vec::<String>::new(), "it has no value");
        assert_eq!(told("(map).a.b == 'y'"), Vec::<String>::new());
    }
}
