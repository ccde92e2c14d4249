//! From an assignment to something that can be executed: folder, files, environment, program.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use api::link::{Assignment, Piece, Python, SecretAsk, Work};
use api::runtime::{Place, Runtime};
use rustix::fs::{Access, access};

use super::{Options, agent, collect, create_folder, folder, lay, secrets, worktree};
use crate::runtime;
use crate::tree::KEY;
use crate::wire::Spawn;

/// What children get of the worker's own environment, beside `LC_*`: where things are and how
/// people write, nothing that grants anything. The rest stays here, tokens and keys with it.
const ALLOWED: [&str; 24] = [
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "SHELL",
    "LANG",
    "LANGUAGE",
    "TZ",
    "TMPDIR",
    "CARGO_HOME",
    "RUSTUP_HOME",
    "RUSTUP_TOOLCHAIN",
    "GOPATH",
    "GOROOT",
    "JAVA_HOME",
    "NVM_DIR",
    "PYENV_ROOT",
    "VIRTUAL_ENV",
    "CONDA_PREFIX",
    "XDG_CACHE_HOME",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
];
const DEFAULT_PATH: &str = "/usr/local/bin:/usr/bin:/bin";

pub(crate) fn harmless(name: &str) -> bool {
    ALLOWED.contains(&name) || name.starts_with("LC_")
}

/// Why an attempt cannot be started, in words for the author of the stage.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Problem {
    #[error("the attempt `{0}` has no fit name")]
    Name(String),
    #[error("could not prepare `{path}`: {cause}")]
    Prepare { path: String, cause: io::Error },
    #[error("the working folder `{path}` {what}; `{program}` was to run in it")]
    WorkingDir { path: String, what: &'static str, program: String },
    #[error("there is no command")]
    Empty,
    #[error("`{program}` was not found in PATH ({path}); it was to run in `{folder}`")]
    NotFound { program: String, path: String, folder: String },
    #[error("`{program}` {what}; it was to run in `{folder}`")]
    NotExecutable { program: String, what: &'static str, folder: String },
    #[error("the Python file `{file}` does not exist in `{folder}`")]
    NoPythonFile { file: String, folder: String },
    #[error("the context file `{path}` {what}")]
    Context { path: String, what: String },
    #[error("{0}")]
    Secret(String),
    #[error("{0}")]
    Runtime(String),
    #[error("its worktree could not be made: {0}")]
    Worktree(String),
    #[error(
        "the environment variable `{0}` cannot be set: a name has no `=`, and neither name nor value a NUL"
    )]
    Variable(String),
}

impl Problem {
    /// The same, where nothing is about to run yet.
    pub(crate) fn brief(&self) -> String {
        match self {
            Self::NotFound { program, path, .. } => {
                format!("`{program}` was not found in PATH ({path})")
            }
            Self::NotExecutable { program, what, .. } => format!("`{program}` {what}"),
            other @ (Self::Name(_)
            | Self::Prepare { .. }
            | Self::WorkingDir { .. }
            | Self::Empty
            | Self::NoPythonFile { .. }
            | Self::Context { .. }
            | Self::Secret(_)
            | Self::Runtime(_)
            | Self::Worktree(_)
            | Self::Variable(_)) => other.to_string(),
        }
    }
}

pub(super) fn prepare(options: &Options, assignment: &Assignment) -> Result<Spawn, Problem> {
    let attempt = &assignment.attempt;
    let folder = folder(&options.data_dir, attempt).ok_or(Problem::Name(attempt.key.clone()))?;
    let run_folder = folder.parent().unwrap_or(&folder).to_owned();
    create_folder(&options.data_dir, &run_folder, assignment.once).map_err(failed(&run_folder))?;
    let outputs = run_folder.join(format!("{}.outputs", attempt.key));
    let (mut env, secrets) = environment(options, assignment)?;
    env.insert("ORCHESTRATE_OUTPUT".into(), outputs.display().to_string());
    if let Some(of) = &assignment.worktree {
        let worktree =
            worktree::prepare(of).map_err(|error| Problem::Worktree(error.to_string()))?;
        env.insert("ORCHESTRATE_BRANCH".into(), worktree.branch.to_string());
        env.insert("ORCHESTRATE_BASE".into(), worktree.base);
    }
    lay::lay(options, assignment, &folder, &mut env)?;
    let working_dir = PathBuf::from(&assignment.working_dir);
    let argv = words(options, &assignment.work, &folder, &working_dir, &mut env)?;
    let program = argv.first().ok_or(Problem::Empty)?;
    check_folder(&working_dir, program)?;
    let path = env.get("PATH").map_or(DEFAULT_PATH, String::as_str);
    let program = match &assignment.runtime {
        // What is found here says nothing about what there is elsewhere.
        Some(Runtime {
            place: Place::Plugin { .. } | Place::Docker(_) | Place::Ecs(_), ..
        }) => PathBuf::from(program),
        Some(Runtime { place: Place::Tmux { .. }, .. }) | None => {
            find(program, path, &working_dir)?
        }
    };
    if let Some((name, _)) = env
        .iter()
        .find(|(name, value)| name.is_empty() || name.contains(['=', '\0']) || value.contains('\0'))
    {
        return Err(Problem::Variable(name.clone()));
    }
    collect::remember(assignment, &folder).map_err(failed(&folder))?;
    let mut spawn = Spawn {
        attempt: attempt.clone(),
        run_folder,
        folder,
        program,
        argv,
        env,
        working_dir,
        secrets,
        outputs,
        timeout_ms: assignment.timeout_ms,
        idle_ms: assignment.idle_ms,
        grace_ms: assignment.grace_ms,
        once: assignment.once,
        layout: options.layout,
    };
    runtime::dress(options, assignment, &mut spawn).map_err(Problem::Runtime)?;
    Ok(spawn)
}

/// What every child gets of the worker's own environment.
pub(crate) fn plain_environment(options: &Options) -> BTreeMap<String, String> {
    let allowed = |name: &str| harmless(name) || options.pass.iter().any(|p| p == name);
    let mut env: BTreeMap<String, String> = options
        .environment
        .iter()
        .filter(|(name, _)| allowed(name))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    env.entry("PATH".into()).or_insert_with(|| DEFAULT_PATH.into());
    env
}

/// The whole environment of the child but its files, and the values of the secrets in it.
fn environment(
    options: &Options,
    assignment: &Assignment,
) -> Result<(BTreeMap<String, String>, Vec<String>), Problem> {
    let mut env = plain_environment(options);
    // Nobody watches: no colours by terminal codes, no pagers, no progress bars.
    env.insert("TERM".into(), "dumb".into());
    let mut secrets = Vec::new();
    for (name, pieces) in &assignment.env {
        let mut value = String::new();
        for piece in pieces {
            match piece {
                Piece::Plain(text) => value.push_str(text),
                Piece::Secret(secret) => {
                    let ask = SecretAsk {
                        name: secret,
                        attempt: &assignment.attempt.key,
                        run: &assignment.attempt.run,
                        environment: assignment.environment.as_deref(),
                    };
                    let secret = secrets::value(options, ask).map_err(Problem::Secret)?;
                    value.push_str(&secret);
                    secrets.push(secret);
                }
            }
        }
        env.insert(name.clone(), value);
    }
    let attempt = &assignment.attempt;
    let stage = attempt.execution.split('[').next().unwrap_or_default();
    let own = [
        ("ORCHESTRATE_RUN", attempt.run.clone()),
        ("ORCHESTRATE_STAGE", stage.to_owned()),
        ("ORCHESTRATE_EXECUTION", attempt.execution.clone()),
        ("ORCHESTRATE_ATTEMPT", attempt.number.to_string()),
        ("ORCHESTRATE_FENCE", attempt.fence.to_string()),
        (KEY, attempt.key.clone()),
        (
            "ORCHESTRATE_ATTEMPT_KEY",
            assignment.effect_key.clone().unwrap_or_else(|| attempt.key.clone()),
        ),
    ];
    env.extend(own.map(|(name, value)| (name.to_owned(), value)));
    if let Some(environment) = &assignment.environment {
        env.insert("ORCHESTRATE_ENVIRONMENT".into(), environment.clone());
    }
    Ok((env, secrets))
}

/// The words of the command. Writes what a Python program needs to the attempt's folder.
fn words(
    options: &Options,
    work: &Work,
    folder: &Path,
    working_dir: &Path,
    env: &mut BTreeMap<String, String>,
) -> Result<Vec<String>, Problem> {
    let (program, parameters) = match work {
        Work::Command { argv } => return Ok(argv.clone()),
        Work::Agent { job, whole } => {
            return agent::words(options, job, whole, folder, working_dir);
        }
        Work::Merge { job } => {
            fs::create_dir_all(folder).map_err(failed(folder))?;
            return crate::merge::words(options, job, folder).map_err(failed(folder));
        }
        Work::Python { program, parameters } => (program, parameters),
    };
    fs::create_dir_all(folder).map_err(failed(folder))?;
    let write = |name: &str, bytes: &[u8]| {
        let path = folder.join(name);
        fs::write(&path, bytes).map_err(failed(&path))?;
        Ok(path.display().to_string())
    };
    let path = write("parameters.json", parameters.to_string().as_bytes())?;
    env.insert("ORCHESTRATE_PARAMETERS".into(), path);
    // Output is seen when it is written, and not when a buffer is full.
    env.entry("PYTHONUNBUFFERED".into()).or_insert_with(|| "1".into());
    let file = match program {
        Python::Code(code) => write("code.py", code.as_bytes())?,
        Python::File(file) => {
            let missing = working_dir.is_dir() && !working_dir.join(file).is_file();
            if missing {
                let folder = working_dir.display().to_string();
                return Err(Problem::NoPythonFile { file: file.clone(), folder });
            }
            file.clone()
        }
    };
    Ok(vec!["python3".into(), file])
}

fn check_folder(path: &Path, program: &str) -> Result<(), Problem> {
    let what = match fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => return Ok(()),
        Ok(_) => "is not a folder",
        Err(error) if error.kind() == io::ErrorKind::NotFound => "does not exist",
        Err(_) => "cannot be entered",
    };
    Err(Problem::WorkingDir { path: path.display().to_string(), what, program: program.into() })
}

/// The executable, as an absolute path.
pub(crate) fn find(program: &str, path: &str, working_dir: &Path) -> Result<PathBuf, Problem> {
    let folder = || working_dir.display().to_string();
    if program.contains('/') {
        let file = working_dir.join(program);
        let what = match fs::metadata(&file) {
            Ok(metadata) if metadata.is_dir() => "is a folder",
            Ok(_) if access(&file, Access::EXEC_OK).is_ok() => return Ok(file),
            Ok(_) => "is not executable (chmod +x)",
            Err(error) if error.kind() == io::ErrorKind::NotFound => "does not exist",
            Err(_) => "cannot be reached",
        };
        return Err(Problem::NotExecutable { program: program.into(), what, folder: folder() });
    }
    path.split(':')
        .filter(|place| !place.is_empty())
        .map(|place| working_dir.join(place).join(program))
        .find(|file| file.is_file() && access(file, Access::EXEC_OK).is_ok())
        .ok_or_else(|| Problem::NotFound {
            program: program.into(),
            path: path.into(),
            folder: folder(),
        })
}

pub(super) fn failed(path: &Path) -> impl FnOnce(io::Error) -> Problem {
    move |cause| Problem::Prepare { path: path.display().to_string(), cause }
}
