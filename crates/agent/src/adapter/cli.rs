//! What adapters of programs share: the program itself, the house it lives in, what its errors mean.

pub(super) mod fault;
pub(super) mod files;
pub(super) mod held;
pub(super) mod home;
pub(super) mod program;
