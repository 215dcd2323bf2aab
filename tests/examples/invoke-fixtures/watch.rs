//! `cargo lambda watch` on the tables and queues of a running stack.

use std::{fs, net::TcpListener, process::Stdio, time::Duration};

use e2e::{Shop, eventually, workspace};
use rustix::process::{Pid, Signal, kill_process_group};
use tempfile::TempDir;
use tokio::{
    net::TcpStream,
    process::{Child, Command},
};

/// It builds each function when it is first invoked, but answers at once; cargo may have to build the script's program.
const READY_WITHIN: Duration = Duration::from_secs(180);

/// Below the ports that Linux gives to whoever asks for any: the stack's environments ask for some before this one is bound.
const PORTS: std::ops::Range<u16> = 20_000..30_000;

/// Runs a command until standard input ends, and then ends the process group: so it ends with whoever has started it,
/// however that one ended. A shell gives what it runs in the background no standard input.
const WITH_STDIN: &str = r#""$@" & read -r _; kill -TERM 0"#;

/// A running `cargo lambda watch`.
pub(crate) struct Watch {
    /// Its Invoke API and router.
    pub(crate) port: u16,
    process: Child,
    folder: TempDir,
}

impl Watch {
    /// Starts it as people do, by the script.
    pub(crate) async fn start(shop: &Shop) -> Self {
        let port = PORTS.into_iter().find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok()).unwrap();
        let folder = TempDir::new().unwrap();
        let ready_file = folder.path().join("shop.json");
        fs::write(&ready_file, shop.ready.to_string()).unwrap();
        let log = fs::File::create(folder.path().join("log")).unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", WITH_STDIN, "sh", "scripts/cargo-lambda-watch"]).current_dir(workspace());
        command.arg(ready_file).args(["--ignore-changes", "--invoke-address", "127.0.0.1"]);
        command.args(["--invoke-port", &port.to_string()]);
        command.stdin(Stdio::piped()).stdout(log.try_clone().unwrap()).stderr(log);
        // A group of its own, so that its functions end with it.
        let process = command.process_group(0).spawn().unwrap();
        let watch = Self { port, process, folder };
        eventually(READY_WITHIN, || async {
            TcpStream::connect(("127.0.0.1", port)).await.map_err(|error| (error, watch.log()))
        })
        .await;
        watch
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Watch {
    /// Ends it and the functions that it has started.
    fn drop(&mut self) {
        let group = self.process.id().and_then(|id| Pid::from_raw(id.try_into().ok()?));
        if let Some(group) = group {
            let _ = kill_process_group(group, Signal::TERM);
        }
    }
}
