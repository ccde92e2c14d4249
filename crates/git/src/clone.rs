//! The bare clone in which runs work.

use std::fs;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use crate::branch::Branch;
use crate::call::{Failed, Git};
use crate::worktree::BOOKS;

/// Context, notes and reports; definitions of agents and loops are work like any other.
const NOT_WORK: &str =
    "/.orchestrate/*\n!/.orchestrate/agents/\n!/.orchestrate/loops/\n/.pipeline/\n";

/// A bare clone of one source, with everything that runs made of it.
#[derive(Clone, Debug)]
pub struct Repository {
    pub(crate) directory: PathBuf,
    source: String,
}

impl Repository {
    /// The clone of `source` (a path or an address) below `home`; made when there is none. Two who
    /// ask at once get the same one.
    ///
    /// # Errors
    /// When git is missing, too old, or cannot read the source.
    pub fn open(home: &Path, source: &str) -> Result<Self, Failed> {
        let digest = Sha256::digest(source.as_bytes());
        let digest: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        let name = source.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
        let directory = home.join(format!("{}-{digest}.git", crate::branch::part(name)));
        let repository = Self { directory, source: source.to_owned() };
        if !repository.directory.is_dir() {
            repository.clone_source(home)?;
        }
        repository.keep_out()?;
        Ok(repository)
    }

    /// All clones below `home`, in a fixed order.
    ///
    /// # Errors
    /// When a folder cannot be read, or is no clone.
    pub fn all(home: &Path) -> Result<Vec<Self>, Failed> {
        let entries = match fs::read_dir(home) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(Failed::file(home)(error)),
        };
        let mut all = Vec::new();
        for entry in entries {
            let directory = entry.map_err(Failed::file(home))?.path();
            if directory.extension().is_some_and(|end| end == "git") && directory.is_dir() {
                let source = Git::at(&directory).run(&["config", "remote.origin.url"])?;
                all.push(Self { directory, source });
            }
        }
        all.sort_by(|one, other| one.directory.cmp(&other.directory));
        Ok(all)
    }

    /// What the product itself lays into a worktree is nobody's work, and so never committed.
    fn keep_out(&self) -> Result<(), Failed> {
        let path = self.directory.join("info/exclude");
        if fs::read_to_string(&path).is_ok_and(|text| text == NOT_WORK) {
            return Ok(());
        }
        // Two who open it at once must not take each other's half away.
        let _alone = self.lock("exclude")?;
        let half = path.with_extension("half");
        fs::create_dir_all(self.directory.join("info")).map_err(Failed::file(&path))?;
        fs::write(&half, NOT_WORK).map_err(Failed::file(&half))?;
        fs::rename(&half, &path).map_err(Failed::file(&path))
    }

    /// Cloned beside its place and moved there, so that half a clone is never found.
    fn clone_source(&self, home: &Path) -> Result<(), Failed> {
        fs::create_dir_all(home).map_err(Failed::file(home))?;
        let _alone = self.lock("clone")?;
        if self.directory.is_dir() {
            return Ok(());
        }
        // Whatever there is was made by one that would do.
        crate::call::version()?;
        let half = self.directory.with_extension("half");
        if half.exists() {
            fs::remove_dir_all(&half).map_err(Failed::file(&half))?;
        }
        let place = half.display().to_string();
        // `--`: a source is never an option. Objects are copied, so that nothing the source throws
        // away is missing here.
        let args = ["clone", "--bare", "--quiet", "--no-hardlinks", "--", &self.source, &place];
        Git::at(home).run(&args)?;
        let git = Git::at(&half);
        // Branches of the source are read, and never mixed with those of runs.
        git.run(&["config", "remote.origin.fetch", "+refs/heads/*:refs/remotes/origin/*"])?;
        git.run(&["config", "gc.auto", "0"])?;
        git.run(&["config", "maintenance.auto", "false"])?;
        git.run(&["fetch", "--quiet", "--no-auto-gc", "origin"])?;
        let heads = git.run(&["for-each-ref", "--format=%(refname)", "refs/heads/"])?;
        // HEAD stays where it points, so that the default branch keeps its name.
        for head in heads.lines() {
            git.run(&["update-ref", "-d", head])?;
        }
        fs::rename(&half, &self.directory).map_err(Failed::file(&self.directory))
    }

    /// Brings the branches of the source up to date.
    ///
    /// # Errors
    /// When the source cannot be reached.
    pub fn fetch(&self) -> Result<(), Failed> {
        // A fetch looks at every worktree, to see what is checked out.
        let _alone = self.lock(BOOKS)?;
        let args = ["fetch", "--quiet", "--prune", "--no-auto-gc", "origin"];
        self.git().run(&args).map(drop)
    }

    /// The commit that a branch of the source, a branch of a run, a tag or an id means.
    ///
    /// # Errors
    /// [`Failed::NoBranch`] when there is no such thing.
    pub fn resolve(&self, name: &str) -> Result<String, Failed> {
        let unknown = || Failed::NoBranch(name.to_owned());
        if name.is_empty() || name.starts_with('-') {
            return Err(unknown());
        }
        let candidates = [
            format!("refs/remotes/origin/{name}"),
            format!("refs/heads/{name}"),
            format!("refs/tags/{name}"),
            name.to_owned(),
        ];
        for candidate in candidates {
            let commit = format!("{candidate}^{{commit}}");
            let ended = self.git().ended(&["rev-parse", "--verify", "--quiet", &commit])?;
            if ended.code == Some(0) {
                return Ok(ended.stdout.trim().to_owned());
            }
        }
        Err(unknown())
    }

    /// The branch that the source shows first.
    ///
    /// # Errors
    /// When the clone is damaged.
    pub fn default_branch(&self) -> Result<String, Failed> {
        let head = self.git().run(&["symbolic-ref", "--short", "HEAD"])?;
        Ok(head)
    }

    /// The tip of a branch of a run; `None` when there is none.
    ///
    /// # Errors
    /// When git fails.
    pub fn tip(&self, branch: &Branch) -> Result<Option<String>, Failed> {
        self.reference(&branch.full())
    }

    pub(crate) fn reference(&self, full: &str) -> Result<Option<String>, Failed> {
        let ended = self.git().ended(&["rev-parse", "--verify", "--quiet", full])?;
        Ok((ended.code == Some(0)).then(|| ended.stdout.trim().to_owned()))
    }

    /// Whether everything in `ancestor` is in `commit` too.
    ///
    /// # Errors
    /// When one of them is no commit.
    pub fn contains(&self, commit: &str, ancestor: &str) -> Result<bool, Failed> {
        let args = ["merge-base", "--is-ancestor", ancestor, commit];
        let ended = self.git().ended(&args)?;
        match ended.code {
            Some(0) => Ok(true),
            Some(1) => Ok(false),
            _ => Err(Git::odd(&args, &ended.stderr)),
        }
    }

    /// Where the clone lies.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// What it is a clone of.
    pub fn source(&self) -> &str {
        &self.source
    }

    pub(crate) fn git(&self) -> Git<'_> {
        Git::at(&self.directory)
    }

    /// One process, and one thread of it, at a time; given back when dropped, or when the process
    /// dies.
    pub(crate) fn lock(&self, what: &str) -> Result<Lock, Failed> {
        let path = self.directory.with_extension(format!("{what}.lock"));
        let mut options = fs::OpenOptions::new();
        let file = options.create(true).truncate(false).write(true).open(&path);
        let file = file.map_err(Failed::file(&path))?;
        rustix::fs::flock(&file, rustix::fs::FlockOperation::LockExclusive)
            .map_err(|error| Failed::file(&path)(error.into()))?;
        Ok(Lock { _file: file })
    }
}

/// Held until dropped.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: fs::File,
}
