//! The language from outside: text in, pipeline or diagnostics out.

mod repository;
