//! The witness: a file beside the database that says that there is one.
//!
//! Without it a lost database would look like a first start, and everything that ran would run
//! again under the same numbers.

use super::{Folder, create, failed};
use crate::port::Error;

pub(crate) fn stands(folder: &Folder) -> Result<bool, Error> {
    folder.witness().try_exists().map_err(failed("look for the witness"))
}

pub(crate) fn write(folder: &Folder, epoch: &str) -> Result<(), Error> {
    let text = format!(
        "The database of this folder is orchestrate.db, epoch {epoch}.\n\
         If it is gone, restore it. Delete this file only to start over with an empty one."
    );
    create(&folder.witness(), &text).map_err(failed("write the witness"))
}
