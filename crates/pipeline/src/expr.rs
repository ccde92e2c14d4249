//! CEL, bounded: an expression is compiled once, and can neither overflow the stack nor run for
//! long (see `docs/decisions`). At most 4 KiB of text, 512 nodes, nesting 64, comprehensions 2 deep.

/// A compiled expression.
#[derive(Clone, Debug)]
pub struct Expression {
    pub source: String,
}
