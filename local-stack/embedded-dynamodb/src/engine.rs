//! dynoxide's HTTP server, where nobody but this process can reach it.
//!
//! It grants the pages of every site access (CORS), and it can only be served on a port. So each server here accepts one
//! connection, ours, and its port is closed before the connection is used.

use std::{
    fmt, io,
    net::{Ipv4Addr, Shutdown, TcpListener, TcpStream},
    os::fd::OwnedFd,
    sync::{Arc, Mutex, PoisonError},
};

use bytes::Bytes;
use dynoxide::Database;
use http::{HeaderValue, Request, Response, header};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::sync::Semaphore;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// Requests to the database at once. It handles one at a time.
const CONNECTIONS: usize = 16;

/// The servers and the connections to them.
pub(crate) struct Engine {
    database: Database,
    free: Semaphore,
    idle: Mutex<Vec<Connection>>,
    servers: TaskTracker,
    stop: CancellationToken,
}

type Connection = SendRequest<Full<Bytes>>;
/// An error that the caller can only report.
pub(crate) type EngineError = Box<dyn std::error::Error + Send + Sync>;

impl Engine {
    pub(crate) fn new(database: Database) -> Arc<Self> {
        let (servers, stop) = (TaskTracker::new(), CancellationToken::new());
        let (free, idle) = (Semaphore::new(CONNECTIONS), Mutex::default());
        Arc::new(Self { database, free, idle, servers, stop })
    }

    /// The response to a request, which is completed even if its client leaves.
    pub(crate) async fn respond(
        self: Arc<Self>,
        request: Request<Bytes>,
    ) -> Result<Response<Bytes>, EngineError> {
        tokio::spawn(async move { self.exchange(request).await }).await?
    }

    async fn exchange(&self, request: Request<Bytes>) -> Result<Response<Bytes>, EngineError> {
        let _free = self.free.acquire().await?;
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut connection = match idle {
            Some(connection) => connection,
            None => self.connect().await?,
        };
        let response = send(&mut connection, request).await?;
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        Ok(response)
    }

    /// Starts a server and connects to it.
    async fn connect(&self) -> Result<Connection, EngineError> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let port = TcpStream::from(OwnedFd::from(listener.try_clone()?));
        let listener = tokio::net::TcpListener::from_std(listener)?;
        let (database, stopped) = (self.database.clone(), self.stop.clone().cancelled_owned());
        self.servers.spawn(async move {
            if let Err(error) = dynoxide::server::serve_with_shutdown(listener, database, stopped).await {
                eprintln!("the embedded DynamoDB ended: {error}");
            }
        });
        let stream = tokio::net::TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (mut connection, served) = handshake(TokioIo::new(stream)).await?;
        tokio::spawn(served);
        // A response shows that the server has accepted the connection.
        send(&mut connection, Request::new(Bytes::new())).await?;
        close(&port)?;
        Ok(connection)
    }

    /// Ends the servers, and waits until none of them uses the database.
    pub(crate) async fn stop(&self) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
        self.stop.cancel();
        self.servers.close();
        self.servers.wait().await;
    }
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine").field("servers", &self.servers).finish_non_exhaustive()
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// Closes a listening port that another owner of the socket still listens on. Linux does so when it is shut down; other
/// systems refuse, and the port stays open there.
fn close(port: &TcpStream) -> io::Result<()> {
    match port.shutdown(Shutdown::Read) {
        Err(error) if cfg!(target_os = "linux") => Err(error),
        _ => Ok(()),
    }
}

async fn send(connection: &mut Connection, request: Request<Bytes>) -> Result<Response<Bytes>, EngineError> {
    let mut request = request.map(Full::new);
    request.headers_mut().insert(header::HOST, HeaderValue::from_static("localhost"));
    connection.ready().await?;
    let (head, body) = connection.send_request(request).await?.into_parts();
    Ok(Response::from_parts(head, body.collect().await?.to_bytes()))
}
