//! `cargo lambda watch` on the tables and queues of a running stack.

use std::{collections::BTreeMap, fmt::Write, fs, net::TcpListener, process::Stdio, time::Duration};

use e2e::{Shop, eventually, template, workspace};
use rustix::process::{Pid, Signal, kill_process_group};
use tempfile::TempDir;
use tokio::{
    net::TcpStream,
    process::{Child, Command},
};

/// It builds each function when it is first invoked, but answers at once.
const READY_WITHIN: Duration = Duration::from_secs(60);

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
    /// Starts it with the variables that the template gives the functions.
    pub(crate) async fn start(shop: &Shop) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let folder = TempDir::new().unwrap();
        let variables = folder.path().join("variables.env");
        fs::write(&variables, environment(shop)).unwrap();
        let log = fs::File::create(folder.path().join("log")).unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", WITH_STDIN, "sh", "cargo", "lambda"]).current_dir(workspace());
        command.args(["watch", "--ignore-changes", "--invoke-address", "127.0.0.1"]);
        command.args(["--invoke-port", &port.to_string(), "--env-file"]).arg(variables);
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

/// The variables of all functions: each has one meaning in the whole template.
fn environment(shop: &Shop) -> String {
    let mut variables = BTreeMap::from([
        ("AWS_REGION".to_owned(), "us-east-1".to_owned()),
        ("AWS_ACCESS_KEY_ID".to_owned(), "local".to_owned()),
        ("AWS_SECRET_ACCESS_KEY".to_owned(), "local".to_owned()),
        ("AWS_ENDPOINT_URL_DYNAMODB".to_owned(), shop.ready["dynamodb"].as_str().unwrap().to_owned()),
        ("AWS_ENDPOINT_URL_SQS".to_owned(), shop.ready["sqs"].as_str().unwrap().to_owned()),
    ]);
    for function in template().functions {
        for (name, text) in function.environment {
            let value = text.resolve(|reference| {
                let id = &reference.resource;
                let named = shop.ready["tables"].get(id).or_else(|| shop.ready["queues"].get(id))?;
                named.as_str().map(str::to_owned)
            });
            variables.insert(name, value.unwrap_or_else(|reference| panic!("what is {reference:?}?")));
        }
    }
    variables.iter().fold(String::new(), |mut file, (name, value)| {
        writeln!(file, "{name}={value}").unwrap();
        file
    })
}
