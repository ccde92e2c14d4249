//! Real processes through a real keeper.

mod bench;
mod deadlines;
mod ends;
mod output;
mod recovery;
mod refusals;
mod surroundings;
mod trees;
