//! The embedded DynamoDB: dynoxide, a DynamoDB API on `SQLite`, on a loopback port.

use std::{
    fs::{self, OpenOptions},
    os::unix::fs::OpenOptionsExt,
    path::Path,
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use dynoxide::Database;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::{body::Incoming, service::service_fn};
use loopback::{Clients, Listener};
use tokio::{task::JoinHandle, time};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::{
    engine::{Engine, EngineError},
    error::Error,
    names::Names,
    temporary::TemporaryFolder,
};

/// A running server. Stop it with [`Embedded::stop`]; dropping it stops it too, without waiting.
#[derive(Debug)]
pub struct Embedded {
    url: String,
    engine: Arc<Engine>,
    stop: DropGuard,
    sweeper: JoinHandle<()>,
    /// The folder of data that is not kept. It is removed with this value.
    temporary: Option<TemporaryFolder>,
}

const FILE: &str = "dynamodb.sqlite";
/// DynamoDB removes expired items within days; a minute is soon enough.
const SWEEP_EVERY: Duration = Duration::from_secs(60);
/// The server closes idle connections at once; it does not wait longer than this for the others.
const STOP_WITHIN: Duration = Duration::from_secs(1);
/// DynamoDB accepts no larger body: 16 MB.
const LARGEST_BODY: usize = 16 * 1024 * 1024;

impl Embedded {
    /// Serves on `port` of 127.0.0.1 (0 takes any free one), with the data in `folder`, or in a temporary folder that is
    /// removed when the server stops. `region` is that of its ARNs.
    ///
    /// # Errors
    /// If the port is taken or the folder cannot be used.
    pub async fn start(port: u16, region: &str, folder: Option<&Path>) -> Result<Self, Error> {
        let listener = Listener::bind(port).await.map_err(|_| Error::PortTaken(port))?;
        let (folder, temporary) = match folder {
            Some(folder) => {
                fs::create_dir_all(folder).map_err(|error| Error::data(folder, &error))?;
                (folder.to_owned(), None)
            }
            None => {
                let temporary =
                    TemporaryFolder::create().map_err(|error| Error::data(&std::env::temp_dir(), &error))?;
                (temporary.path().to_owned(), Some(temporary))
            }
        };
        let database = open(&folder, temporary.is_none())?;
        let sweeper = tokio::spawn(sweep(database.clone()));
        let (url, engine, stop) = (listener.url(), Engine::new(database), CancellationToken::new());
        let front = Arc::new(Front { engine: Arc::clone(&engine), names: Names::new(region) });
        let service = service_fn(move |request| Arc::clone(&front).respond(request));
        tokio::spawn(loopback::serve(listener, Clients::OfThisMachine, stop.clone(), service));
        Ok(Self { url, engine, stop: stop.drop_guard(), sweeper, temporary })
    }

    /// The URL of the server: `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn endpoint(&self) -> String {
        self.url.clone()
    }

    /// Stops serving and removes the temporary folder.
    pub async fn stop(self) {
        self.sweeper.abort();
        drop(self.stop);
        let _ = time::timeout(STOP_WITHIN, self.engine.stop()).await;
        drop(self.temporary);
    }
}

/// What stands on the port, before the engine.
#[derive(Debug)]
struct Front {
    engine: Arc<Engine>,
    names: Names,
}

impl Front {
    /// Forwards a request with the names that dynoxide knows. An error closes the connection.
    async fn respond(
        self: Arc<Self>,
        request: Request<Incoming>,
    ) -> Result<Response<Full<Bytes>>, EngineError> {
        let (parts, body) = request.into_parts();
        let body = match Limited::new(body, LARGEST_BODY).collect().await {
            Ok(body) => body.to_bytes(),
            Err(error) if error.is::<LengthLimitError>() => return Ok(too_large()),
            Err(error) => return Err(error),
        };
        let operation = operation(&parts.headers).to_owned();
        let translated =
            std::str::from_utf8(&body).ok().and_then(|body| self.names.request(&operation, body));
        let mut forwarded = Request::new(translated.map_or(body, Bytes::from));
        *forwarded.method_mut() = parts.method;
        *forwarded.uri_mut() = parts.uri.path_and_query().map_or("/", |target| target.as_str()).parse()?;
        *forwarded.headers_mut() = parts.headers;
        strip_connection(forwarded.headers_mut());

        let mut response = Arc::clone(&self.engine).respond(forwarded).await?;
        strip_connection(response.headers_mut());
        let translated =
            std::str::from_utf8(response.body()).ok().and_then(|body| self.names.response(&operation, body));
        if let Some(translated) = translated {
            *response.body_mut() = Bytes::from(translated);
            response.headers_mut().remove("x-amz-crc32");
        }
        Ok(response.map(Full::new))
    }
}

/// `GetItem` of `X-Amz-Target: DynamoDB_20120810.GetItem`.
fn operation(headers: &HeaderMap) -> &str {
    let target = headers.get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or_default();
    target.rsplit('.').next().unwrap_or_default()
}

/// Removes the headers of one connection and those that say how long a body is: bodies are forwarded whole.
fn strip_connection(headers: &mut HeaderMap) {
    for name in [
        header::CONNECTION,
        header::TRANSFER_ENCODING,
        header::UPGRADE,
        header::TE,
        header::EXPECT,
        header::CONTENT_LENGTH,
    ] {
        headers.remove(name);
    }
}

fn too_large() -> Response<Full<Bytes>> {
    let body = r#"{"__type":"com.amazon.coral.service#RequestEntityTooLargeException","message":"the request is larger than 16 MiB"}"#;
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = StatusCode::PAYLOAD_TOO_LARGE;
    let json = HeaderValue::from_static("application/x-amz-json-1.0");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
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
    // The files that SQLite adds for its log have the same mode.
    OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .open(&file)
        .map_err(|error| Error::data(folder, &error))?;
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
    use std::os::unix::fs::PermissionsExt;

    use tempfile::TempDir;

    use super::*;

    #[tokio::test]
    async fn a_taken_port_is_named() {
        let taken = Listener::bind(0).await.unwrap();
        let port = taken.port();
        let error = Embedded::start(port, "us-east-1", None).await.unwrap_err();
        assert!(matches!(error, Error::PortTaken(taken) if taken == port), "{error}");
    }

    #[tokio::test]
    async fn data_stays_in_a_named_folder_and_goes_with_a_temporary_one() {
        let folder = TempDir::new().unwrap();
        Embedded::start(0, "us-east-1", Some(folder.path())).await.unwrap().stop().await;
        assert!(folder.path().join(FILE).exists());

        let server = Embedded::start(0, "us-east-1", None).await.unwrap();
        let temporary = server.temporary.as_ref().unwrap().path().to_owned();
        for file in fs::read_dir(&temporary).unwrap().flatten() {
            let mode = file.metadata().unwrap().permissions().mode() & 0o077;
            assert_eq!(mode, 0, "others may not read {:?}", file.path());
        }
        server.stop().await;
        assert!(!temporary.exists());
    }

    #[tokio::test]
    async fn a_corrupt_data_folder_is_refused_with_advice() {
        let folder = TempDir::new().unwrap();
        fs::write(folder.path().join(FILE), "this is no database at all, not even a little bit").unwrap();
        let error = Embedded::start(0, "us-east-1", Some(folder.path())).await.unwrap_err();
        assert!(error.to_string().contains("--data"), "{error}");
    }
}
