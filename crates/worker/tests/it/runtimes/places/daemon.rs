//! A container daemon for the tests: Podman's service, which speaks the API of Docker, with a store
//! of its own and an image made of busybox. Nothing is fetched from anywhere.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

/// What is made of busybox, in a store of its own.
pub(crate) const IMAGE: &str = "docker.io/library/busybox:1";
const TOOLS: [&str; 16] = [
    "sh", "sleep", "cat", "echo", "env", "ls", "true", "false", "printf", "kill", "mkdir", "pwd",
    "rm", "test", "head", "id",
];

/// How it runs on machines that are containers themselves: nothing is split off that need not be.
/// Which program starts containers, and with cgroups or without, is found out.
const WAYS: [(&str, &str); 4] =
    [("crun", "enabled"), ("runc", "enabled"), ("crun", "disabled"), ("runc", "disabled")];

pub(crate) struct Daemon {
    folder: PathBuf,
    service: Child,
}

/// The store with its image, made once for all tests of this process.
struct Store {
    folder: PathBuf,
}

/// Kept over runs of the tests: making an image takes longer than the suite.
fn store() -> Result<&'static Store, String> {
    static STORE: OnceLock<Result<Store, String>> = OnceLock::new();
    STORE.get_or_init(make).as_ref().map_err(Clone::clone)
}

fn make() -> Result<Store, String> {
    // Sockets and conmon want short paths.
    let folder =
        std::env::temp_dir().join(format!("orch-pod-{}", rustix::process::getuid().as_raw()));
    fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
    // One process at a time finds out how: every test is a process of its own.
    let lock = fs::File::create(folder.join("lock")).map_err(|error| error.to_string())?;
    lock.lock().map_err(|error| error.to_string())?;
    let store = Store { folder };
    if store.folder.join("works").exists() && store.runs() {
        return Ok(store);
    }
    let mut problem = String::new();
    for (runtime, cgroups) in WAYS {
        store.configure(runtime, cgroups)?;
        store.import()?;
        match store.run("exit 3") {
            Ok(3) => {
                fs::write(store.folder.join("works"), runtime)
                    .map_err(|error| error.to_string())?;
                return Ok(store);
            }
            Ok(code) => problem = format!("with {runtime} a container ended with {code}"),
            Err(error) => problem = format!("with {runtime} (cgroups {cgroups}): {error}"),
        }
    }
    Err(format!("podman runs no container here: {problem}"))
}

impl Store {
    fn configure(&self, runtime: &str, cgroups: &str) -> Result<(), String> {
        let folder = self.folder.display();
        let containers = format!(
            "[containers]\ncgroups = \"{cgroups}\"\nnetns = \"host\"\nuserns = \"host\"\n\
             utsns = \"host\"\nipcns = \"host\"\ndefault_sysctls = []\n\
             default_ulimits = [\"nofile=1024:1024\", \"nproc=4096:4096\"]\n\
             [engine]\nruntime = \"{runtime}\"\ncgroup_manager = \"cgroupfs\"\n\
             events_logger = \"file\"\n"
        );
        let storage = format!(
            "[storage]\ndriver = \"vfs\"\nrunroot = \"{folder}/run\"\ngraphroot = \"{folder}/graph\"\n"
        );
        let write = |name: &str, text: String| fs::write(self.folder.join(name), text);
        write("containers.conf", containers)
            .and_then(|()| write("storage.conf", storage))
            .map_err(|error| error.to_string())
    }

    fn command(&self) -> Command {
        let mut command = Command::new("podman");
        command
            .env("CONTAINERS_CONF", self.folder.join("containers.conf"))
            .env("CONTAINERS_STORAGE_CONF", self.folder.join("storage.conf"))
            .env("TMPDIR", &self.folder);
        command
    }

    fn import(&self) -> Result<(), String> {
        let known = self.command().args(["image", "exists", IMAGE]).status();
        if known.is_ok_and(|status| status.success()) {
            return Ok(());
        }
        let root = self.folder.join("root");
        let busybox =
            ["/bin/busybox", "/usr/bin/busybox"].into_iter().find(|p| Path::new(p).exists());
        let busybox = busybox.ok_or("there is no busybox")?;
        let lay = || -> std::io::Result<()> {
            for folder in ["bin", "tmp", "etc", "proc", "dev", "sys"] {
                fs::create_dir_all(root.join(folder))?;
            }
            fs::copy(busybox, root.join("bin/busybox"))?;
            for tool in TOOLS {
                let link = root.join("bin").join(tool);
                if !link.exists() {
                    symlink("busybox", link)?;
                }
            }
            Ok(())
        };
        lay().map_err(|error| error.to_string())?;
        let tar = self.folder.join("image.tar");
        said(Command::new("tar").arg("-C").arg(&root).arg("-cf").arg(&tar).arg("."))?;
        // What the image would run by itself is not what is run.
        let entry = ["--change", "ENTRYPOINT [\"/bin/false\"]"];
        said(self.command().arg("import").args(entry).arg(&tar).arg(IMAGE)).map(drop)
    }

    fn runs(&self) -> bool {
        self.run("exit 3") == Ok(3)
    }

    fn run(&self, script: &str) -> Result<i32, String> {
        let ran = self
            .command()
            .args(["run", "--rm", "--entrypoint", "sh", IMAGE, "-c", script])
            .output();
        let ran = ran.map_err(|error| error.to_string())?;
        match ran.status.code() {
            Some(125..=127) | None => Err(String::from_utf8_lossy(&ran.stderr).trim().to_owned()),
            Some(code) => Ok(code),
        }
    }
}

fn said(command: &mut Command) -> Result<String, String> {
    let done = command.output().map_err(|error| error.to_string())?;
    if done.status.success() {
        return Ok(String::from_utf8_lossy(&done.stdout).into_owned());
    }
    Err(String::from_utf8_lossy(&done.stderr).trim().to_owned())
}

impl Daemon {
    /// A service for this test; they share the store, as services do.
    pub(crate) fn start() -> Result<Self, String> {
        let store = store()?;
        let folder =
            tempfile::Builder::new().prefix("op").tempdir().map_err(|e| e.to_string())?.keep();
        let socket = folder.join("p.sock");
        let service = store
            .command()
            .args(["system", "service", "--time=0"])
            .arg(format!("unix://{}", socket.display()))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| error.to_string())?;
        let mut daemon = Self { folder, service };
        // Its socket is bound, then it listens: whoever connects waits for that.
        while std::os::unix::net::UnixStream::connect(&socket).is_err() {
            if !matches!(daemon.service.try_wait(), Ok(None)) {
                return Err("podman's service does not start".into());
            }
            std::thread::yield_now();
        }
        Ok(daemon)
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.folder.join("p.sock")
    }

    /// Whether there is what containers with `init` need.
    pub(crate) fn has_init(&self) -> bool {
        ["/usr/libexec/podman/catatonit", "/usr/bin/catatonit"]
            .iter()
            .any(|p| Path::new(p).exists())
    }

    /// What its own program says.
    pub(crate) fn says(&self, args: &[&str]) -> String {
        let done = store().and_then(|store| said(store.command().args(args)));
        done.unwrap_or_else(|problem| problem)
    }

    /// By its own program; whether that succeeded.
    pub(crate) fn podman(&self, args: &[&str]) -> bool {
        let Ok(store) = store() else { return false };
        store.command().args(args).output().is_ok_and(|done| done.status.success())
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.service.kill();
        let _ = self.service.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}
