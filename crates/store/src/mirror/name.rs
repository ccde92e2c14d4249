//! Names that are fit for a folder, whatever something is called.

use crate::chain::hex;
use sha2::{Digest as _, Sha256};

/// Names of files end at 255 bytes; this leaves room for what is added.
const LONGEST: usize = 120;

/// One plain part of a path: never empty, `.`, `..` or hidden, without `/`, NUL, control characters
/// or anything that terminals and shells take amiss. Different names stay different: one that had
/// to be changed ends in a digest of what it was.
pub(super) fn safe(name: &str) -> String {
    let fit = |c: char| c.is_alphanumeric() || "-_.+@()[] ".contains(c);
    let mut plain: String = name.chars().map(|c| if fit(c) { c } else { '_' }).collect();
    let hidden = plain.starts_with(['.', ' ', '-']);
    if hidden {
        plain.insert(0, '_');
    }
    while plain.len() > LONGEST || plain.ends_with([' ', '.']) {
        plain.pop();
    }
    if plain.is_empty() {
        plain.push('_');
    }
    if plain == name {
        return plain;
    }
    let digest = hex(&Sha256::digest(name.as_bytes()));
    // What programs tell by its ending, they still do.
    match plain.rsplit_once('.') {
        Some((stem, ending)) if !stem.is_empty() && ending.len() <= 8 => {
            format!("{stem}-{}.{ending}", &digest[..8])
        }
        Some(_) | None => format!("{plain}-{}", &digest[..8]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_names_stay() {
        for name in ["plan", "implement[2]", "report.v2.json", "Übersicht 3.md", "a+b@c"] {
            assert_eq!(safe(name), name);
        }
    }

    #[test]
    fn hostile_names_become_plain_and_stay_apart() {
        let long = "x".repeat(400);
        let names = [
            "",
            ".",
            "..",
            "../x",
            "/etc/passwd",
            "a/b",
            "a\0b",
            "a\nb",
            "a\u{1b}[31m",
            ".hidden",
            "-rf",
            "$(rm)",
            "`x`",
            " ",
            "trailing.",
            "trailing. ",
            "a\\b",
            "\u{202e}gpj.exe",
            &long,
        ];
        let made: Vec<String> = names.iter().map(|name| safe(name)).collect();
        for (name, made) in names.iter().zip(&made) {
            let plain = |c: char| c.is_alphanumeric() || "-_.+@()[] ".contains(c);
            assert!(made.chars().all(plain) && made.len() < 150, "{name:?} -> {made}");
            assert!(
                !made.starts_with(['.', '-', ' ']) && !made.ends_with('.'),
                "{name:?} -> {made}"
            );
        }
        let different: std::collections::BTreeSet<&String> = made.iter().collect();
        assert_eq!(different.len(), names.len());
    }
}
