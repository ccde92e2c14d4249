//! ECS without a cloud: moto's server, made to run what its tasks say (`tests/plugins/ecs_double.py`).

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use api::runtime::{Ecs, KeyDoor};

pub(crate) struct Cloud {
    service: Child,
    address: String,
}

/// Of the one account that there is. Whoever signs otherwise is told so by the double.
pub(crate) fn keys() -> KeyDoor {
    KeyDoor::new(|_place| {
        let keys = [("access_key_id", "AKIDTEST"), ("secret_access_key", "not-a-secret-at-all")];
        Ok(keys.map(|(name, value)| (name.to_owned(), value.to_owned())).into())
    })
}

/// A Python that has moto: that of the machine, or one of an environment that is named.
fn python() -> Result<PathBuf, String> {
    let named = std::env::var_os("ORCHESTRATE_TEST_MOTO").map(PathBuf::from);
    let python = named.unwrap_or_else(|| PathBuf::from("python3"));
    let asked = Command::new(&python).args(["-c", "import moto.server, moto.ecs"]).output();
    match asked {
        Ok(answer) if answer.status.success() => Ok(python),
        Ok(_) | Err(_) => Err(format!(
            "`{}` has no moto; name a Python that has it in ORCHESTRATE_TEST_MOTO",
            python.display()
        )),
    }
}

impl Cloud {
    pub(crate) fn start() -> Result<Self, String> {
        let double =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../worker/tests/plugins/ecs_double.py");
        let mut service = Command::new(python()?)
            .arg(double)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| error.to_string())?;
        // It says where it listens as soon as it does.
        let stdout = service.stdout.take().ok_or("it has no output")?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line).map_err(|error| error.to_string())?;
        let address = line.trim().to_owned();
        if address.is_empty() {
            return Err("moto's server does not start".into());
        }
        Ok(Self { service, address })
    }

    pub(crate) fn ecs(&self) -> Ecs {
        Ecs {
            region: "eu-central-1".into(),
            endpoint: Some(format!("http://{}", self.address())),
            poll_seconds: 1,
            cluster: "tests".into(),
            task_definition: "shell".into(),
            container: None,
            launch_type: Some("FARGATE".into()),
            subnets: Vec::new(),
            security_groups: Vec::new(),
            public_ip: false,
        }
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// Asks the double itself, beside the API.
    fn ask(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        write!(stream, "GET {path} HTTP/1.0\r\nhost: {}\r\n\r\n", self.address).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    pub(crate) fn runs(&self, name: &str) -> bool {
        self.ask(&format!("/double/{name}")).ends_with("running")
    }

    pub(crate) fn forget(&self, name: &str) {
        let said = self.ask(&format!("/double/{name}/forget"));
        assert!(said.ends_with("forgotten"), "{said}");
    }
}

impl Drop for Cloud {
    fn drop(&mut self) {
        let _ = self.service.kill();
        let _ = self.service.wait();
    }
}
