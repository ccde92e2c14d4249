//! Filling in a form line by line. Pure: whoever asks shows the question and hands the line over.

use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;

use api::input::{FieldView, InputDetail};
use serde_json::Value as Json;

use crate::render::inputs::{plain, rules};
use crate::words;

/// What a line does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// The question is answered.
    Taken,
    /// A text of several lines goes on.
    More,
    /// Why it is asked again.
    Wrong(String),
}

/// A form that is being filled in: an empty line keeps what it holds.
#[derive(Clone, Debug)]
pub struct Answers {
    fields: Vec<FieldView>,
    /// Places of the fields that are still asked.
    todo: VecDeque<usize>,
    values: BTreeMap<String, Json>,
    files: BTreeMap<String, PathBuf>,
    /// Lines of a text that goes on until a line with a dot.
    lines: Option<Vec<String>>,
}

impl Answers {
    pub fn of(input: &InputDetail) -> Self {
        let known = |name: &String| input.fields.iter().any(|field| &field.name == name);
        Self {
            todo: (0..input.fields.len()).collect(),
            fields: input.fields.clone(),
            values: input.values.clone().into_iter().filter(|(name, _)| known(name)).collect(),
            files: BTreeMap::new(),
            lines: None,
        }
    }

    /// What is asked next; `None`: all of it is answered.
    pub fn question(&self) -> Option<String> {
        let field = &self.fields[*self.todo.front()?];
        if self.lines.is_some() {
            return Some("    ".to_owned());
        }
        let label = if field.label.is_empty() { &field.name } else { &field.label };
        let mut about = vec![match field.kind.as_str() {
            "file" => "path of a file".to_owned(),
            "multiline_text" => "text, ends with a line that is only a dot".to_owned(),
            "boolean" => "yes or no".to_owned(),
            kind => kind.replace('_', " "),
        }];
        let rules = rules(&field.rules);
        if !rules.is_empty() {
            about.push(rules);
        }
        if !field.required {
            about.push("may be left out".to_owned());
        }
        let held = match (self.files.get(&field.name), self.values.get(&field.name)) {
            (Some(path), _) => format!(" [{}]", path.display()),
            (None, Some(value)) if !value.is_null() => format!(" [{}]", plain(value)),
            (None, _) => String::new(),
        };
        let help = match words::one_line(&field.help) {
            text if text.is_empty() => text,
            text => format!("  {text}\n"),
        };
        Some(format!("{help}  {} ({}){held}: ", words::one_line(label), about.join("; ")))
    }

    /// An answer to the question. Wrong ones change nothing.
    pub fn tell(&mut self, line: &str) -> Told {
        let Some(place) = self.todo.front().copied() else { return Told::Taken };
        let field = self.fields[place].clone();
        if let Some(mut lines) = self.lines.take() {
            if line.trim_end() != "." {
                lines.push(line.to_owned());
                self.lines = Some(lines);
                return Told::More;
            }
            return self.take(&field, &lines.join("\n"));
        }
        let line = line.trim();
        let held = self.values.get(&field.name).is_some_and(|value| !value.is_null())
            || self.files.contains_key(&field.name);
        if line.is_empty() && (held || !field.required) {
            self.todo.pop_front();
            return Told::Taken;
        }
        if line.is_empty() {
            return Told::Wrong("a value is required".to_owned());
        }
        match field.kind.as_str() {
            "multiline_text" if line == "." => self.take(&field, ""),
            "multiline_text" => {
                self.lines = Some(vec![line.to_owned()]);
                Told::More
            }
            "file" => {
                let path = PathBuf::from(line);
                if !path.is_file() {
                    return Told::Wrong(format!("`{line}` is no file"));
                }
                self.files.insert(field.name, path);
                self.todo.pop_front();
                Told::Taken
            }
            _ => self.take(&field, line),
        }
    }

    fn take(&mut self, field: &FieldView, text: &str) -> Told {
        match read(field, text) {
            Ok(Some(value)) => {
                self.values.insert(field.name.clone(), value);
                self.todo.pop_front();
                Told::Taken
            }
            Ok(None) => {
                self.todo.pop_front();
                Told::Taken
            }
            Err(why) => Told::Wrong(why),
        }
    }

    /// The server refused: the fields that it names are asked again, else all of them.
    pub fn again(&mut self, message: &str) {
        let named = |field: &FieldView| message.contains(&format!("`{}`", field.name));
        let places: VecDeque<usize> =
            (0..self.fields.len()).filter(|place| named(&self.fields[*place])).collect();
        self.todo = if places.is_empty() { (0..self.fields.len()).collect() } else { places };
    }

    /// Without the files, which have to be stored first.
    pub fn values(&self) -> BTreeMap<String, Json> {
        let mut values = self.values.clone();
        values.retain(|name, value| !value.is_null() && !self.files.contains_key(name));
        values
    }

    pub fn files(&self) -> BTreeMap<String, PathBuf> {
        self.files.clone()
    }
}

/// The value that a text means to this field: `None` for nothing. The server has the last word.
pub fn read(field: &FieldView, text: &str) -> Result<Option<Json>, String> {
    let rule = |name: &str| field.rules.get(name).filter(|value| !value.is_null());
    let number = |name: &str| rule(name).and_then(Json::as_f64);
    let options = || -> Vec<&str> {
        let list = rule("options").and_then(Json::as_array);
        list.into_iter().flatten().filter_map(Json::as_str).collect()
    };
    let text = if field.kind == "multiline_text" { text } else { text.trim() };
    if text.is_empty() {
        return if field.required { Err("a value is required".to_owned()) } else { Ok(None) };
    }
    let value = match field.kind.as_str() {
        "number" => {
            let value: f64 = text.parse().map_err(|_| format!("`{text}` is no number"))?;
            if rule("integer") == Some(&Json::Bool(true)) && value.fract() != 0.0 {
                return Err(format!("`{text}` has a fraction"));
            }
            if let Some(min) = number("min").filter(|min| value < *min) {
                return Err(format!("at least {min}"));
            }
            if let Some(max) = number("max").filter(|max| value > *max) {
                return Err(format!("at most {max}"));
            }
            match text.parse::<i64>() {
                Ok(whole) => whole.into(),
                Err(_) => serde_json::Number::from_f64(value)
                    .map(Json::Number)
                    .ok_or_else(|| format!("`{text}` is no number"))?,
            }
        }
        "boolean" => match text.to_ascii_lowercase().as_str() {
            "y" | "yes" | "true" | "1" => true.into(),
            "n" | "no" | "false" | "0" => false.into(),
            _ => return Err("yes or no".to_owned()),
        },
        "select" => {
            let known = |said: &str| match options().contains(&said) {
                true => Ok(Json::from(said)),
                false => Err(format!("one of {}", options().join(", "))),
            };
            if rule("multiple") == Some(&Json::Bool(true)) {
                let chosen = text.split(',').map(str::trim).filter(|said| !said.is_empty());
                Json::Array(chosen.map(known).collect::<Result<_, _>>()?)
            } else {
                known(text)?
            }
        }
        "date" => match text.parse::<jiff::civil::Date>() {
            Ok(date) => date.to_string().into(),
            Err(_) => return Err(format!("`{text}` is no date like 2026-11-21")),
        },
        "text" | "multiline_text" => {
            let letters = text.chars().count() as f64;
            if let Some(min) = number("min_length").filter(|min| letters < *min) {
                return Err(format!("at least {min} characters"));
            }
            if let Some(max) = number("max_length").filter(|max| letters > *max) {
                return Err(format!("at most {max} characters"));
            }
            text.into()
        }
        _ => text.into(),
    };
    Ok(Some(value))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn field(name: &str, kind: &str, required: bool, rules: Json) -> FieldView {
        FieldView {
            name: name.into(),
            kind: kind.into(),
            label: String::new(),
            help: String::new(),
            required,
            rules: serde_json::from_value(rules).unwrap(),
        }
    }

    fn answers() -> Answers {
        let fields = vec![
            field("version", "text", true, json!({"min_length": 3})),
            field("count", "number", true, json!({"min": 1, "max": 5, "integer": true})),
            field("breaking", "boolean", false, json!({})),
            field("notes", "multiline_text", true, json!({})),
            field("level", "select", true, json!({"options": ["a", "b"]})),
            field("on", "date", false, json!({})),
        ];
        Answers {
            todo: (0..fields.len()).collect(),
            fields,
            values: BTreeMap::from([("breaking".to_owned(), json!(false))]),
            files: BTreeMap::new(),
            lines: None,
        }
    }

    #[test]
    fn wrong_answers_are_asked_again_and_empty_ones_keep_what_is_there() {
        let mut form = answers();
        let story = [
            ("", Told::Wrong("a value is required".into())),
            ("1", Told::Wrong("at least 3 characters".into())),
            ("1.4.0", Told::Taken),
            ("many", Told::Wrong("`many` is no number".into())),
            ("1.5", Told::Wrong("`1.5` has a fraction".into())),
            ("9", Told::Wrong("at most 5".into())),
            ("2", Told::Taken),
            ("", Told::Taken),
            ("first", Told::More),
            ("", Told::More),
            ("last", Told::More),
            (".", Told::Taken),
            ("c", Told::Wrong("one of a, b".into())),
            ("b", Told::Taken),
            ("21.11.2026", Told::Wrong("`21.11.2026` is no date like 2026-11-21".into())),
            ("", Told::Taken),
        ];
        for (line, told) in story {
            assert!(form.question().is_some(), "{line}");
            assert_eq!(form.tell(line), told, "{line}");
        }
        assert_eq!(form.question(), None);
        let wanted = json!({
            "version": "1.4.0", "count": 2, "breaking": false, "notes": "first\n\nlast", "level": "b",
        });
        assert_eq!(json!(form.values()), wanted);
    }

    #[test]
    fn a_question_says_the_rules_and_what_is_held() {
        let mut form = answers();
        let asked = form.question().unwrap();
        assert_eq!(asked, "  version (text; min_length 3): ");
        form.again("`breaking` has to be a boolean");
        let asked = form.question().unwrap();
        assert_eq!(asked, "  breaking (yes or no; may be left out) [false]: ");
        assert_eq!(form.tell("yes"), Told::Taken);
        assert_eq!(form.question(), None);
        form.again("the server says no more");
        assert_eq!(form.todo.len(), 6);
    }

    #[test]
    fn several_options_are_a_list() {
        let many = field("on", "select", true, json!({"options": ["a", "b"], "multiple": true}));
        assert_eq!(read(&many, "a, b"), Ok(Some(json!(["a", "b"]))));
        assert!(read(&many, "a, c").is_err());
        assert_eq!(read(&field("n", "number", false, json!({})), "-0.5"), Ok(Some(json!(-0.5))));
        assert_eq!(read(&field("n", "number", false, json!({})), ""), Ok(None));
    }
}
