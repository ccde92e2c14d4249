//! A keeper by itself: `keeper --data-dir D [--linger-ms N]`. The tests of this crate run it; the
//! product's own is the hidden `orchestrate keeper`. `keeper carry FOLDER [--pane]` is the carrier
//! of an attempt.

use std::time::Duration;

fn main() -> Result<(), worker::keeper::Error> {
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, verb, folder, rest @ ..] = arguments.as_slice()
        && verb == "carry"
    {
        let pane = rest.iter().any(|word| word == "--pane");
        std::process::exit(worker::runtime::run(folder.as_ref(), pane));
    }
    let after = |flag: &str| {
        let at = arguments.iter().position(|argument| argument == flag)?;
        arguments.get(at + 1)
    };
    let data_dir = after("--data-dir").map_or(".", String::as_str);
    let mut options = worker::keeper::Options::new(data_dir);
    if let Some(linger) = after("--linger-ms").and_then(|ms| ms.parse().ok()) {
        options.linger = Duration::from_millis(linger);
    }
    worker::keeper::run(&options)
}
