//! Would two branches merge? Asked of `merge-tree`, which touches nothing: that two branches change
//! the same file says almost nothing.

use std::collections::BTreeSet;

use crate::call::{Failed, Git};
use crate::clone::Repository;

/// Two commits and what stands between them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overlap {
    pub ours: String,
    pub theirs: String,
    pub clash: Clash,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Clash {
    /// They merge to this tree.
    Clean { tree: String },
    /// These files would have to be settled by hand.
    Files(Vec<String>),
}

impl Repository {
    /// Merges two commits as trees.
    ///
    /// # Errors
    /// When one of them is no commit: it is looked up first, because `merge-tree` exits with 1 for
    /// that as it does for a conflict.
    pub fn overlap(&self, ours: &str, theirs: &str) -> Result<Overlap, Failed> {
        let (ours, theirs) = (self.resolve(ours)?, self.resolve(theirs)?);
        let args = ["merge-tree", "--write-tree", "--name-only", "--no-messages", "-z"];
        let args = [&args[..], &[&ours, &theirs]].concat();
        let ended = self.git().ended(&args)?;
        let mut lines = ended.stdout.split('\0').filter(|line| !line.is_empty());
        let tree = lines.next().unwrap_or_default().trim();
        let is_tree = tree.len() >= 40 && tree.bytes().all(|byte| byte.is_ascii_hexdigit());
        let clash = match ended.code {
            Some(0) if is_tree => Clash::Clean { tree: tree.to_owned() },
            Some(1) if is_tree => {
                let files: BTreeSet<&str> = lines.collect();
                Clash::Files(files.into_iter().map(str::to_owned).collect())
            }
            _ => return Err(Git::odd(&args, &ended.stderr)),
        };
        Ok(Overlap { ours, theirs, clash })
    }
}
