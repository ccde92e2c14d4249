//! Following a container: what it prints, and how it ends.

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use api::link::End;
use http_body_util::BodyExt as _;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::super::patience::Patience;
use super::super::{Ending, Trouble, Will};
use super::frames::{Log, Read};
use super::{Docker, PATIENCE, PAUSE, State};

/// Between two readings of its log lie so many times what the last one took, and at least and at most
/// so long.
const REST: u32 = 5;
const SHORTEST_REST: Duration = Duration::from_millis(100);
const LONGEST_REST: Duration = Duration::from_secs(10);

/// Hangs as long as it is held.
struct Bell(JoinHandle<()>);

impl Drop for Bell {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// How far it was followed, and who waits for its end.
struct Following<'a> {
    log: Log,
    over: Option<Will<'a, Option<State>>>,
}

impl Docker {
    pub(super) async fn pass_on(&self, out: &mut (dyn Write + Send)) -> Result<Ending, Trouble> {
        let rung = Arc::new(Notify::new());
        let _bell = self.bell(&rung);
        let mut following = Following { log: Log::default(), over: None };
        let mut patience = Patience::of(PATIENCE);
        loop {
            match self.step(&mut following, &rung, out).await {
                Ok(Some(ending)) => return Ok(ending),
                Ok(None) => patience.heard(),
                Err(trouble) => {
                    patience.bear(trouble)?;
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }

    /// Rings when the container prints something. What it prints is read again, from its log: Podman
    /// leaves lines out for those who follow.
    fn bell(&self, rung: &Arc<Notify>) -> Bell {
        let (socket, rung) = (self.socket.clone(), Arc::clone(rung));
        let path = self.path("/logs?stdout=1&stderr=1&follow=1");
        Bell(tokio::spawn(async move {
            loop {
                if let Ok(mut stream) = socket.stream(&path).await {
                    while let Some(Ok(_)) = stream.body_mut().frame().await {
                        rung.notify_one();
                    }
                }
                // What was printed before it hangs again rings then.
                tokio::time::sleep(PAUSE).await;
            }
        }))
    }

    /// Reads what there is, and waits for more or for the end; `None` when that was not its end.
    async fn step<'a>(
        &'a self,
        following: &mut Following<'a>,
        rung: &Notify,
        out: &mut (dyn Write + Send),
    ) -> Result<Option<Ending>, Trouble> {
        let began = Instant::now();
        let read = self.read(&mut following.log, false, out).await?;
        let pause = (began.elapsed() * REST).clamp(SHORTEST_REST, LONGEST_REST);
        let over = following.over.get_or_insert_with(|| Box::pin(self.over()));
        let more = async {
            if read != Read::Doubtful {
                rung.notified().await;
            }
            tokio::time::sleep(pause).await;
        };
        let over = tokio::select! {
            over = over.as_mut() => over,
            () = more => return Ok(None),
        };
        following.over = None;
        let Some(state) = over? else {
            return Ok(Some(Ending::Gone(format!("the container `{}` is gone", self.name))));
        };
        if !state.has_ended() {
            tokio::time::sleep(PAUSE).await;
            return Ok(None);
        }
        if self.read(&mut following.log, true, out).await? == Read::Shortened {
            let _gone = writeln!(out, "orchestrate: the daemon threw a part of its output away");
        }
        if state.out_of_memory {
            let _gone = writeln!(out, "orchestrate: the container ran out of memory");
        }
        if !state.error.is_empty() {
            let _gone = writeln!(out, "orchestrate: {}", state.error);
        }
        Ok(Some(Ending::Ended(End::Code(state.exit_code))))
    }

    /// Waits until it runs no more; `None`: there is nothing of it.
    async fn over(&self) -> Result<Option<State>, Trouble> {
        let waited = self.socket.ask("POST", &self.path("/wait"), None, Duration::MAX).await?;
        if waited.status != 404 && waited.status >= 300 {
            return Err(waited.refused("wait for the container"));
        }
        self.inspect().await
    }

    async fn read(
        &self,
        log: &mut Log,
        over: bool,
        out: &mut (dyn Write + Send),
    ) -> Result<Read, Trouble> {
        let mut stream = self.socket.stream(&self.path("/logs?stdout=1&stderr=1&follow=0")).await?;
        let status = stream.status().as_u16();
        if status == 404 {
            // Whether it is there is asked next.
            return Ok(Read::Whole);
        }
        if status != 200 {
            let words = format!("the daemon does not say what it prints: it answered {status}");
            return Err(Trouble::Unreachable(words));
        }
        let mut reading = log.read();
        while let Some(frame) = stream.body_mut().frame().await {
            let frame = frame.map_err(|error| Trouble::Unreachable(error.to_string()))?;
            let Ok(bytes) = frame.into_data() else { continue };
            reading.push(&bytes, |new| {
                let _gone = out.write_all(new);
            });
        }
        let read = reading.end(over, |new| {
            let _gone = out.write_all(new);
        });
        let _gone = out.flush();
        Ok(read)
    }
}
