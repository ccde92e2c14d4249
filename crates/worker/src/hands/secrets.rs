//! Where the values of secrets come from.

use std::fs;
use std::io;

use api::link::SecretAsk;

use super::Options;

/// `$ORCHESTRATE_SECRET_<NAME>` of this process, or else what the server stores, or else the file
/// `secrets/<NAME>` of the data folder, without the newline at its end. One that is stored and
/// cannot be opened is an error: nothing takes its place.
pub(super) fn value(options: &Options, ask: SecretAsk<'_>) -> Result<String, String> {
    let name = ask.name;
    let fit = !name.is_empty()
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
    if !fit {
        return Err(format!("`{name}` cannot be the name of a secret"));
    }
    let variable = format!("ORCHESTRATE_SECRET_{name}");
    if let Some(value) = options.environment.get(&variable) {
        return Ok(value.clone());
    }
    if let Some(value) = options.secrets.ask(ask)? {
        return Ok(value);
    }
    let path = options.data_dir.join("secrets").join(name);
    let path = path.display();
    match fs::read(path.to_string()) {
        Ok(bytes) => {
            let text = String::from_utf8(bytes)
                .map_err(|_| format!("secret `{name}`: `{path}` is not UTF-8"))?;
            Ok(text.strip_suffix('\n').unwrap_or(&text).to_owned())
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(format!(
            "secret `{name}` is not known: `orchestrate secret set {name}`, set {variable} or write its value to `{path}`"
        )),
        Err(error) => Err(format!("secret `{name}`: `{path}` cannot be read: {error}")),
    }
}
