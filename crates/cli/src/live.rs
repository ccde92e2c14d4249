//! A run as it happens: events fold into a [`board::Board`] and give [`board::Note`]s; `frame`
//! (a terminal) and `plain` (no terminal) turn both into text. Nothing here reads a clock.

pub mod board;
pub mod ending;
pub mod frame;
pub mod github;
pub mod plain;
pub mod why;
