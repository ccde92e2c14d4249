//! Any text as a template: what is read back together is what was written, apart from `$${`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pipeline::source::Span;
use pipeline::text::{Part, Template};

fuzz_target!(|text: &str| {
    match Template::parse(text, Span::default()) {
        Ok(template) => {
            for reference in template.references() {
                let written = &text[reference.span.start..reference.span.end];
                assert!(written.starts_with("${") && written.ends_with('}'));
            }
            if !text.contains("${") {
                let literal: String = template
                    .parts
                    .iter()
                    .map(|part| match part {
                        Part::Literal(literal) => literal.as_str(),
                        Part::Reference(_) => "",
                    })
                    .collect();
                assert_eq!(literal, text);
            }
        }
        Err(errors) => {
            assert!(!errors.is_empty());
            for error in errors {
                assert!(text.get(error.span.start..error.span.end).is_some());
            }
        }
    }
});
