//! The embedded DynamoDB: dynoxide, a DynamoDB API on `SQLite`, on a loopback port.

use std::{fs, net::Ipv4Addr, path::Path, time::Duration};

use dynoxide::Database;
use tempfile::TempDir;
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle, time};

use crate::error::Error;

/// A running server. Stop it with [`Embedded::stop`]; dropping it stops it too, without waiting.
#[derive(Debug)]
pub struct Embedded {
    port: u16,
    shutdown: oneshot::Sender<()>,
    server: JoinHandle<()>,
    sweeper: JoinHandle<()>,
    /// The folder of data that is not kept. It is removed with this value.
    temporary: Option<TempDir>,
}

const FILE: &str = "dynamodb.sqlite";
/// DynamoDB removes expired items within days; a minute is soon enough.
const SWEEP_EVERY: Duration = Duration::from_secs(60);
/// The server closes idle connections at once; it does not wait longer than this for the others.
const STOP_WITHIN: Duration = Duration::from_secs(1);

impl Embedded {
    /// Serves on `port` of 127.0.0.1 (0 takes any free one), with the data in `folder`, or in a temporary folder that is
    /// removed when the server stops.
    ///
    /// # Errors
    /// If the port is taken or the folder cannot be used.
    pub async fn start(port: u16, folder: Option<&Path>) -> Result<Self, Error> {
        let listener =
            TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(|_| Error::PortTaken(port))?;
        let port = listener.local_addr().map_err(|error| Error::call("listen", &error))?.port();
        let (folder, temporary) = match folder {
            Some(folder) => {
                fs::create_dir_all(folder).map_err(|error| Error::data(folder, &error))?;
                (folder.to_owned(), None)
            }
            None => {
                let temporary = TempDir::with_prefix("farthing-")
                    .map_err(|error| Error::data(&std::env::temp_dir(), &error))?;
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

    /// The URL of the server: `http://127.0.0.1:PORT`.
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

/// Opens the database and adds an index that dynoxide lacks: without it, each write to a table with a stream scans all
/// stream records.
///
/// By default, the database syncs each write to the disk. Data that is not `kept` is never synced. Kept data is synced when
/// `SQLite` checkpoints its write-ahead log: a crash of the stack loses nothing, a crash of the machine the last writes.
/// dynoxide offers these settings for imports, so they are named after bulk loading.
fn open(folder: &Path, kept: bool) -> Result<Database, Error> {
    let file = folder.join(FILE);
    let path = file.to_str().ok_or_else(|| Error::data(folder, &"its name is not UTF-8"))?;
    let database = Database::new(path).map_err(|error| Error::data(folder, &error))?;
    let set = if kept { database.disable_bulk_loading() } else { database.enable_bulk_loading() };
    set.map_err(|error| Error::data(folder, &error))?;
    let sqlite = rusqlite::Connection::open(&file).map_err(|error| Error::data(folder, &error))?;
    sqlite.busy_timeout(Duration::from_secs(5)).map_err(|error| Error::data(folder, &error))?;
    sqlite
        .execute_batch(
            "CREATE INDEX IF NOT EXISTS farthing_stream_sequence \
             ON _stream_records (table_name, CAST(sequence_number AS INTEGER))",
        )
        .map_err(|error| Error::data(folder, &error))?;
    Ok(database)
}

/// Removes expired items, because the database does not do so by itself.
async fn sweep(database: Database) {
    let mut ticks = time::interval(SWEEP_EVERY);
    loop {
        ticks.tick().await;
        if let Err(error) = database.sweep_ttl() {
            eprintln!("expired items stay: {error}");
        }
    }
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
