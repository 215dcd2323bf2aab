//! The embedded DynamoDB: dynoxide, a DynamoDB API on `SQLite`, on a loopback port.

use std::{fs, net::Ipv4Addr, path::Path, time::Duration};

use dynoxide::Database;
use tempfile::TempDir;
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle, time};

use crate::Error;

/// A running server. Stop it with [`Embedded::stop`]; dropping it stops it too, without waiting.
#[derive(Debug)]
pub struct Embedded {
    port: u16,
    shutdown: oneshot::Sender<()>,
    server: JoinHandle<()>,
    sweeper: JoinHandle<()>,
    /// Where the data is when it need not stay; removed with this value.
    temporary: Option<TempDir>,
}

const FILE: &str = "dynamodb.sqlite";
/// DynamoDB removes expired items within days; once a minute is soon enough for a demo.
const SWEEP_EVERY: Duration = Duration::from_secs(60);
/// The server closes idle connections at once; one that hangs is not waited for.
const STOP_WITHIN: Duration = Duration::from_secs(1);

impl Embedded {
    /// Serves on `port` of 127.0.0.1 (0 takes any free one), with the data in `folder`, or in a temporary folder that
    /// goes when the server stops.
    ///
    /// # Errors
    /// When the port is taken or the folder cannot be used.
    pub async fn start(port: u16, folder: Option<&Path>) -> Result<Self, Error> {
        let listener =
            TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(|_| Error::PortTaken(port))?;
        let port = listener.local_addr().map_err(|error| call("listen", &error))?.port();
        let (folder, temporary) = match folder {
            Some(folder) => {
                fs::create_dir_all(folder).map_err(|error| data(folder, &error))?;
                (folder.to_owned(), None)
            }
            None => {
                let temporary =
                    TempDir::with_prefix("farthing-").map_err(|error| data(&std::env::temp_dir(), &error))?;
                (temporary.path().to_owned(), Some(temporary))
            }
        };
        let database = open(&folder, temporary.is_none())?;
        let (shutdown, stop) = oneshot::channel::<()>();
        let sweeper = tokio::spawn(sweep(database.clone()));
        let server = tokio::spawn(async move {
            let stopped = async {
                // A dropped sender stops the server as well.
                let _ = stop.await;
            };
            if let Err(error) = dynoxide::server::serve_with_shutdown(listener, database, stopped).await {
                eprintln!("the embedded DynamoDB ended: {error}");
            }
        });
        Ok(Self { port, shutdown, server, sweeper, temporary })
    }

    /// Where it answers: `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Stops serving and removes the temporary folder.
    pub async fn stop(self) {
        self.sweeper.abort();
        let _ = self.shutdown.send(());
        let _ = time::timeout(STOP_WITHIN, self.server).await;
        drop(self.temporary);
    }
}

/// Opens the database and adds the index that its stream writes lack: without it each write to a table with a stream
/// looks at every stream record there is.
///
/// The database would wait for the disk at each write. What need not stay is not waited for at all; what is `kept` is when
/// `SQLite` moves its log into the file: a crash of the stack loses nothing then, a crash of the machine the last writes.
/// dynoxide has these settings for imports, and by the name of that only.
fn open(folder: &Path, kept: bool) -> Result<Database, Error> {
    let file = folder.join(FILE);
    let path = file.to_str().ok_or_else(|| data(folder, &"its name is not UTF-8"))?;
    let database = Database::new(path).map_err(|error| data(folder, &error))?;
    let set = if kept { database.disable_bulk_loading() } else { database.enable_bulk_loading() };
    set.map_err(|error| data(folder, &error))?;
    let sqlite = rusqlite::Connection::open(&file).map_err(|error| data(folder, &error))?;
    sqlite.busy_timeout(Duration::from_secs(5)).map_err(|error| data(folder, &error))?;
    sqlite
        .execute_batch(
            "CREATE INDEX IF NOT EXISTS farthing_stream_sequence \
             ON _stream_records (table_name, CAST(sequence_number AS INTEGER))",
        )
        .map_err(|error| data(folder, &error))?;
    Ok(database)
}

/// Removes expired items, which the database does not do by itself.
async fn sweep(database: Database) {
    let mut ticks = time::interval(SWEEP_EVERY);
    loop {
        ticks.tick().await;
        if let Err(error) = database.sweep_ttl() {
            eprintln!("expired items stay: {error}");
        }
    }
}

fn data(folder: &Path, cause: &dyn std::fmt::Display) -> Error {
    Error::Data { folder: folder.display().to_string(), cause: cause.to_string() }
}

fn call(action: &str, cause: &dyn std::fmt::Display) -> Error {
    Error::Call { action: action.to_owned(), cause: cause.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_taken_port_is_named() {
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = taken.local_addr().unwrap().port();
        let error = Embedded::start(port, None).await.unwrap_err();
        assert!(matches!(error, Error::PortTaken(taken) if taken == port), "{error}");
    }

    #[tokio::test]
    async fn data_stays_in_a_named_folder_and_goes_with_a_temporary_one() {
        let folder = TempDir::new().unwrap();
        Embedded::start(0, Some(folder.path())).await.unwrap().stop().await;
        assert!(folder.path().join(FILE).exists());

        let server = Embedded::start(0, None).await.unwrap();
        let temporary = server.temporary.as_ref().unwrap().path().to_owned();
        assert!(temporary.exists());
        server.stop().await;
        assert!(!temporary.exists());
    }

    #[tokio::test]
    async fn a_corrupt_data_folder_is_refused_with_advice() {
        let folder = TempDir::new().unwrap();
        fs::write(folder.path().join(FILE), "this is no database at all, not even a little bit").unwrap();
        let error = Embedded::start(0, Some(folder.path())).await.unwrap_err();
        assert!(error.to_string().contains("--data"), "{error}");
    }
}
