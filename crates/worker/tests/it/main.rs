//! Real processes through a real keeper.

mod bench;
mod ends;
