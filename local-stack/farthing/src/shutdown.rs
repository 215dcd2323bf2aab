//! What stops the stack.

use std::io::Read;

use local_lambda::Error;
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::oneshot,
};

/// Ctrl-C, SIGTERM and, if requested, the end of standard input.
pub(crate) struct Shutdown {
    interrupt: Signal,
    terminate: Signal,
    stdin_end: Option<oneshot::Receiver<()>>,
}

impl Shutdown {
    /// Starts to listen for signals and, with `with_stdin`, for the end of standard input.
    pub(crate) fn listen(with_stdin: bool) -> Result<Self, Error> {
        let listen = |kind| {
            signal(kind).map_err(|cause| Error::System { action: "listen for signals".to_owned(), cause })
        };
        Ok(Self {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
            stdin_end: with_stdin.then(stdin_end),
        })
    }

    /// Completes at the first reason to stop.
    pub(crate) async fn requested(&mut self) {
        let stdin_end = async {
            match &mut self.stdin_end {
                Some(end) => _ = end.await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            () = stdin_end => {}
        }
    }

    /// Completes at the next signal. Standard input does not count, because it ends only once.
    pub(crate) async fn signal(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// Reads standard input to its end in a separate thread, because a read of standard input cannot be cancelled.
fn stdin_end() -> oneshot::Receiver<()> {
    let (ended, end) = oneshot::channel();
    std::thread::spawn(move || {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        let _ = ended.send(());
    });
    end
}
