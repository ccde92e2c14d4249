//! A scripted model server (`tests/fake_llm.py`), also for the tests of other crates.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

use serde_json::{Value as Json, json};

pub(crate) struct Model {
    process: Child,
    pub(crate) address: String,
}

impl Model {
    pub(crate) fn start(scenario: &Json) -> Self {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../agent/tests/fake_llm.py");
        let mut process = Command::new("python3")
            .arg(script)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let said: Json = serde_json::from_str(&line).unwrap();
        let address = said["listening"].as_str().unwrap().trim_start_matches("http://").to_owned();
        let model = Self { process, address };
        model.load(scenario);
        model
    }

    /// Begins anew with another scenario.
    pub(crate) fn load(&self, scenario: &Json) {
        assert_eq!(self.ask("POST", "/_scenario", &scenario.to_string()), json!({ "ok": true }));
    }

    /// Every call so far, with what was said about it.
    pub(crate) fn requests(&self) -> Vec<Json> {
        self.ask("GET", "/_requests", "").as_array().unwrap().clone()
    }

    fn ask(&self, method: &str, path: &str, body: &str) -> Json {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let length = body.len();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap()
    }
}

impl Drop for Model {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
