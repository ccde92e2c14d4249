//! Where definitions lie, in the order in which they are looked for: the pipeline, the project, what
//! other tools keep in it, the data folder, this program.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use pipeline::agent::{
    Definition, LoopDefinition, built_in_agents, built_in_loops, is_name, read, read_loop,
};
use pipeline::{Elsewhere, Pipeline};

/// More than any definition is long.
const MAX_BYTES: u64 = 256 << 10;

/// Below the directory of a run.
const PROJECT: [&str; 4] =
    [".orchestrate/agents", ".claude/agents", ".opencode/agent", ".opencode/agents"];
const PROJECT_LOOPS: &str = ".orchestrate/loops";
/// Below the data folder. Beside it lie the memories of executions, in folders.
const HOUSE: &str = "agents";
const HOUSE_LOOPS: &str = "loops";

#[derive(Clone, Copy, Debug)]
pub(crate) struct Shelf<'a> {
    pub(crate) pipeline: Option<&'a Pipeline>,
    pub(crate) directory: Option<&'a Path>,
    pub(crate) data_dir: &'a Path,
}

/// A definition with where it came from.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    pub(crate) definition: Definition,
    /// `pipeline`, `built-in`, or the path of a file.
    pub(crate) origin: String,
    /// Its file; of an entry of a pipeline nothing.
    pub(crate) text: Option<String>,
}

/// What stands in a list of all of them.
#[derive(Clone, Debug)]
pub(crate) struct Listed {
    pub(crate) name: String,
    pub(crate) origin: String,
    /// What cannot be read says why.
    pub(crate) definition: Result<Definition, String>,
    /// One of the same name is found before it.
    pub(crate) hidden: bool,
}

impl<'a> Shelf<'a> {
    /// The first of that name. The error names those there are.
    pub(crate) fn agent(&self, name: &str) -> Result<Found, String> {
        if let Some(spec) = self.pipeline.and_then(|pipeline| pipeline.agents.get(name)) {
            let definition = Definition::written(spec);
            return Ok(Found { definition, origin: "pipeline".to_owned(), text: None });
        }
        // What is no name is no path either.
        let folders = is_name(name).then(|| self.folders()).into_iter().flatten();
        for folder in folders {
            let path = folder.join(format!("{name}.md"));
            if let Some(text) = text_of(&path)? {
                return found(&path.display().to_string(), name, text);
            }
        }
        match built_in_agents().find(|(known, _)| *known == name) {
            Some((_, text)) => found("built-in", name, text.to_owned()),
            None => Err(self.unknown("agent", name, self.agent_names())),
        }
    }

    pub(crate) fn loop_type(&self, name: &str) -> Result<LoopDefinition, String> {
        if let Some(spec) = self.pipeline.and_then(|pipeline| pipeline.loop_types.get(name)) {
            return Ok(LoopDefinition::written(spec));
        }
        let folders = is_name(name).then(|| self.loop_folders()).into_iter().flatten();
        for folder in folders {
            for ending in ["yaml", "yml"] {
                let path = folder.join(format!("{name}.{ending}"));
                if let Some(text) = text_of(&path)? {
                    return read_loop(&path.display().to_string(), &text);
                }
            }
        }
        match built_in_loops().find(|(known, _)| *known == name) {
            Some((_, text)) => read_loop("built-in", text),
            None => Err(self.unknown("loop type", name, self.loop_names())),
        }
    }

    /// All, in order of name and then of being found.
    pub(crate) fn list(&self) -> Vec<Listed> {
        let mut all: BTreeMap<String, Vec<Listed>> = BTreeMap::new();
        let mut add = |name: &str, origin: String, definition| {
            let of = all.entry(name.to_owned()).or_default();
            let hidden = !of.is_empty();
            of.push(Listed { name: name.to_owned(), origin, definition, hidden });
        };
        for (name, spec) in self.pipeline.iter().flat_map(|pipeline| &pipeline.agents) {
            add(name, "pipeline".to_owned(), Ok(Definition::written(spec)));
        }
        for folder in self.folders() {
            for (name, path) in files(&folder, &["md"]) {
                let file = path.display().to_string();
                let text = text_of(&path).and_then(|text| text.ok_or_else(|| gone(&path)));
                add(&name, file.clone(), text.and_then(|text| read(&file, &name, &text)));
            }
        }
        for (name, text) in built_in_agents() {
            add(name, "built-in".to_owned(), read(name, name, text));
        }
        all.into_values().flatten().collect()
    }

    /// What a definition can be checked with. `house`: the data folder is that of whoever runs it.
    pub(crate) fn elsewhere(&self, house: bool) -> Elsewhere {
        let unseen = match (house, self.directory) {
            (false, _) => "not here; the server may have it in its data folder",
            (true, None) => "not on the server; a file of the project is found when it runs",
            (true, Some(_)) => "",
        };
        Elsewhere {
            agents: self.agent_names(),
            loop_types: self.loop_names(),
            unseen,
            template: api::agent::prompt::check_template,
        }
    }

    /// A data folder that lies in the project may be one of its folders, too.
    fn folders(&self) -> Vec<PathBuf> {
        let below = |directory: &Path| PROJECT.map(|folder| directory.join(folder));
        let mut folders: Vec<PathBuf> = self.directory.map(below).into_iter().flatten().collect();
        let house = self.data_dir.join(HOUSE);
        if !folders.iter().any(|folder| is_same(folder, &house)) {
            folders.push(house);
        }
        folders
    }

    fn loop_folders(&self) -> impl Iterator<Item = PathBuf> + use<'a> {
        let project = self.directory.map(|directory| directory.join(PROJECT_LOOPS));
        project.into_iter().chain([self.data_dir.join(HOUSE_LOOPS)])
    }

    fn agent_names(&self) -> Vec<String> {
        let mut names: Vec<String> = self.list().into_iter().map(|listed| listed.name).collect();
        names.dedup();
        names
    }

    fn loop_names(&self) -> Vec<String> {
        let own = self.pipeline.iter().flat_map(|pipeline| pipeline.loop_types.keys().cloned());
        let written = self.loop_folders().flat_map(|folder| files(&folder, &["yaml", "yml"]));
        let built_in = built_in_loops().map(|(name, _)| name.to_owned());
        let mut names: Vec<String> =
            own.chain(written.map(|(name, _)| name)).chain(built_in).collect();
        names.sort();
        names.dedup();
        names
    }

    fn unknown(&self, what: &str, name: &str, known: Vec<String>) -> String {
        let near = pipeline::diagnostic::nearest(name, known.iter().map(String::as_str));
        let near = near.map_or_else(String::new, |near| format!(" (did you mean `{near}`?)"));
        format!("there is no {what} `{name}`{near}; there are: {}", known.join(", "))
    }
}

fn found(origin: &str, name: &str, text: String) -> Result<Found, String> {
    let definition = read(origin, name, &text)?;
    Ok(Found { definition, origin: origin.to_owned(), text: Some(text) })
}

fn gone(path: &Path) -> String {
    format!("`{}` is gone", path.display())
}

fn is_same(one: &Path, other: &Path) -> bool {
    one == other
        || fs::canonicalize(one).ok().is_some_and(|one| fs::canonicalize(other).ok() == Some(one))
}

/// `None`: there is no such file.
fn text_of(path: &Path) -> Result<Option<String>, String> {
    let failed = |problem: String| format!("`{}` cannot be read: {problem}", path.display());
    let file = match fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) if error.kind() == std::io::ErrorKind::NotADirectory => return Ok(None),
        Err(error) => return Err(failed(error.to_string())),
    };
    let known = file.metadata().map_err(|error| failed(error.to_string()))?;
    if !known.is_file() {
        return Err(failed("it is no file".to_owned()));
    }
    let mut text = String::new();
    let read = file.take(MAX_BYTES + 1).read_to_string(&mut text);
    let read = read.map_err(|error| failed(error.to_string()))?;
    if read as u64 > MAX_BYTES {
        return Err(failed(format!("it is larger than {MAX_BYTES} bytes")));
    }
    Ok(Some(text))
}

/// Names and paths of files with these endings, in order.
fn files(folder: &Path, endings: &[&str]) -> Vec<(String, PathBuf)> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut found: Vec<(String, PathBuf)> = entries
        .filter_map(|entry| {
            let path = entry.path();
            let ending = path.extension()?.to_str()?;
            let fits = endings.contains(&ending) && path.is_file();
            fits.then(|| Some((path.file_stem()?.to_str()?.to_owned(), path.clone())))?
        })
        .collect();
    found.sort();
    found
}

#[cfg(test)]
mod tests;
