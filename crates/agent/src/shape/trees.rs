//! The files of a workspace as they were at some moment, kept beside the memory of the execution. The
//! user's own repository, if there is one, is not touched; what its `.gitignore` names is left alone.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use api::agent::Job;
use tokio::io::AsyncReadExt as _;
use worker::family::{Family, Start};

use crate::environment;

const STORE: &str = "trees.git";
/// Never kept: ours, and what is fetched or made anew by itself.
const LEFT_OUT: &str = ".orchestrate/\nnode_modules/\n__pycache__/\n";
/// Files are kept byte by byte, whatever the project says about ends of lines and filters.
const AS_THEY_ARE: &str = "* -text -filter -ident -working-tree-encoding\n";
const PATIENCE: Duration = Duration::from_secs(120);
const GRACE: Duration = Duration::from_millis(100);
/// Of what git says about one thing.
const LONGEST: usize = 16 << 20;

/// Identifies the content of all files.
pub(super) type Tree = String;

#[derive(Debug)]
pub(super) struct Trees {
    env: BTreeMap<String, String>,
    workspace: PathBuf,
}

impl Trees {
    /// # Errors
    /// In words, when git is missing or the store cannot be made.
    pub(super) async fn open(job: &Job) -> Result<Self, String> {
        let memory = Path::new(&job.memory);
        let store = memory.join(STORE);
        let mut env = environment::of_checks(job);
        let path = |path: &Path| path.display().to_string();
        env.insert("GIT_DIR".into(), path(&store));
        env.insert("GIT_WORK_TREE".into(), job.workspace.clone());
        env.insert("GIT_CONFIG_NOSYSTEM".into(), "1".into());
        env.insert("GIT_CONFIG_GLOBAL".into(), "/dev/null".into());
        let trees = Self { env, workspace: job.workspace.clone().into() };
        trees.git(&["init", "--quiet"]).await?;
        let written = || -> io::Result<()> {
            let info = store.join("info");
            fs::create_dir_all(&info)?;
            fs::write(info.join("attributes"), AS_THEY_ARE)?;
            let ours = ours(memory, Path::new(&job.workspace));
            fs::write(info.join("exclude"), format!("{LEFT_OUT}{ours}"))?;
            // Of a command that was killed; nobody else works with the store.
            match fs::remove_file(store.join("index.lock")) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
                Ok(()) | Err(_) => Ok(()),
            }
        };
        written().map_err(|error| format!("`{}`: {error}", store.display()))?;
        Ok(trees)
    }

    /// The files as they are now.
    pub(super) async fn take(&self) -> Result<Tree, String> {
        self.git(&["add", "--all"]).await?;
        Ok(self.git(&["write-tree"]).await?.trim().to_owned())
    }

    /// What differs, a line each: `M src/a.rs`.
    pub(super) async fn changed(&self, from: &str, to: &str) -> Result<Vec<String>, String> {
        let said =
            self.git(&["diff-tree", "-r", "--no-renames", "--name-status", from, to]).await?;
        Ok(said.lines().map(|line| line.replacen('\t', " ", 1)).collect())
    }

    /// How it differs, as `git apply` takes it.
    pub(super) async fn diff(&self, from: &str, to: &str) -> Result<String, String> {
        self.git(&["diff-tree", "-r", "-p", "--binary", "--no-renames", from, to]).await
    }

    /// Makes the files what they were. Those that were never taken stay.
    pub(super) async fn put_back(&self, tree: &str) -> Result<(), String> {
        self.take().await?;
        self.git(&["read-tree", "--reset", "-u", tree]).await.map(drop)
    }

    async fn git(&self, words: &[&str]) -> Result<String, String> {
        let settings = [
            "core.quotePath=false",
            "core.fsmonitor=false",
            "gc.auto=0",
            "core.hooksPath=/dev/null",
        ];
        let settings = settings.iter().flat_map(|setting| ["-c", setting]);
        let argv = std::iter::once("git").chain(settings).chain(words.iter().copied());
        let start = Start {
            argv: argv.map(str::to_owned).collect(),
            env: self.env.clone(),
            working_dir: self.workspace.clone(),
            split: true,
            ..Start::default()
        };
        let name = words.first().copied().unwrap_or_default();
        let mut family =
            Family::start(&start).map_err(|error| format!("git cannot be started: {error}"))?;
        let (mut said, mut errors) = (String::new(), String::new());
        let (output, problems) = (family.output(), family.errors());
        let work = async {
            let out = async {
                match output {
                    Some(output) => read(output, &mut said).await,
                    None => Ok(()),
                }
            };
            let err = async {
                match problems {
                    Some(problems) => read(problems, &mut errors).await,
                    None => Ok(()),
                }
            };
            let (out, err) = tokio::join!(out, err);
            out.and(err)?;
            family.wait().await
        };
        let status = tokio::time::timeout(PATIENCE, work).await;
        family.end(GRACE).await;
        match status {
            Ok(Ok(status)) if status.success() => Ok(said),
            Ok(Ok(_)) => Err(format!("`git {name}`: {}", errors.trim())),
            Ok(Err(error)) => Err(format!("`git {name}`: {error}")),
            Err(_) => Err(format!("`git {name}` took more than {} s", PATIENCE.as_secs())),
        }
    }
}

async fn read(from: impl tokio::io::AsyncRead + Unpin, to: &mut String) -> io::Result<()> {
    let mut bytes = Vec::new();
    from.take(LONGEST as u64).read_to_end(&mut bytes).await?;
    *to = String::from_utf8_lossy(&bytes).into_owned();
    Ok(())
}

/// The data folder, where it lies below the workspace: what agents do is written there meanwhile.
fn ours(memory: &Path, workspace: &Path) -> String {
    let below = |folder: &Path| {
        let path = folder.strip_prefix(workspace).ok()?.to_str()?.to_owned();
        let fit = |c: char| if "*?[\\!#".contains(c) { '?' } else { c };
        (!path.is_empty()).then(|| format!("/{}/\n", path.chars().map(fit).collect::<String>()))
    };
    // `<data>/agents/<run>/<execution>`
    let data = memory.ancestors().nth(3).and_then(below);
    data.or_else(|| below(memory)).unwrap_or_default()
}
