//! Leading a browser of this machine to a page.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

/// Below the data folder; leads on to the link.
const FILE: &str = "open.html";
/// Where `$BROWSER` names nothing.
const PROGRAMS: [&str; 3] = ["xdg-open", "open", "wslview"];

/// Begins to open this one-time link. It goes by a file that only this user can read: arguments of
/// programs are seen by everybody on the machine.
pub fn open(root: &Path, link: &str) -> io::Result<()> {
    let path = std::path::absolute(root)?.join(FILE);
    let mut file =
        OpenOptions::new().create(true).write(true).truncate(true).mode(0o600).open(&path)?;
    // One that lay there before keeps its mode.
    file.set_permissions(std::fs::Permissions::from_mode(0o600))?;
    file.write_all(page(link).as_bytes())?;
    let chosen = std::env::var("BROWSER").unwrap_or_default();
    let chosen = chosen.split(':').filter(|program| !program.is_empty());
    let mut last = io::Error::new(io::ErrorKind::NotFound, "there is no program to open it with");
    for program in chosen.chain(PROGRAMS) {
        let started = Command::new(program)
            .arg(format!("file://{}", path.display()))
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        match started {
            Ok(mut child) => {
                // Nobody waits for it, and it is not left as a zombie either.
                std::thread::spawn(move || child.wait());
                return Ok(());
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn page(link: &str) -> String {
    format!(
        "<!doctype html>\n<meta charset=\"utf-8\">\n<meta name=\"referrer\" content=\"no-referrer\">\n\
         <meta http-equiv=\"refresh\" content=\"0;url={link}\">\n<title>Orchestrate</title>\n\
         <a href=\"{link}\">Orchestrate</a>\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_leads_to_the_link() {
        assert!(
            page("http://127.0.0.1:1/login/ab").contains("0;url=http://127.0.0.1:1/login/ab\"")
        );
    }
}
