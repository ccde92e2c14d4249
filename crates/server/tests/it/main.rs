//! The shell as a whole: a server on a store, with hands that follow a script.

mod bench;
mod starts;
