//! Forms, as far as the engine needs them before the language brings its own functions.

use indexmap::IndexMap;
use pipeline::model::Form;
use pipeline::text::Scope;
use serde_json::Value as Json;

pub(crate) fn prefill(form: &Form, scope: &dyn Scope) -> (IndexMap<String, Json>, bool) {
    let mut values = IndexMap::new();
    for (name, field) in &form.fields {
        let made = field.value.as_ref().and_then(|template| template.resolve(scope).ok());
        if let Some(value) = made.or_else(|| field.default.clone()) {
            values.insert(name.clone(), value);
        }
    }
    let complete = check(form, &values).is_ok();
    (values, complete)
}

pub(crate) fn check(
    form: &Form,
    values: &IndexMap<String, Json>,
) -> Result<IndexMap<String, Json>, Vec<(String, String)>> {
    let missing = form
        .fields
        .iter()
        .filter(|(name, field)| field.required && values.get(*name).is_none_or(Json::is_null));
    let missing: Vec<_> =
        missing.map(|(name, _)| (name.clone(), "a value is required".to_owned())).collect();
    if missing.is_empty() { Ok(values.clone()) } else { Err(missing) }
}
