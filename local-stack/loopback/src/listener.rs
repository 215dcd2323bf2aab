//! A port of this machine's loopback addresses.

use std::{
    future::pending,
    io,
    net::{Ipv4Addr, Ipv6Addr},
};

use tokio::net::{TcpListener, TcpStream};

/// A port of this machine's loopback addresses.
#[derive(Debug)]
pub struct Listener {
    port: u16,
    v4: TcpListener,
    v6: Option<TcpListener>,
}

impl Listener {
    /// Listens on `port` of 127.0.0.1; 0 takes any free one.
    ///
    /// # Errors
    /// When the port is taken.
    pub async fn bind(port: u16) -> io::Result<Self> {
        let v4 = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
        Ok(Self { port: v4.local_addr()?.port(), v4, v6: None })
    }

    /// The same, and on `[::1]` where there is IPv6: `localhost` is that to some clients, cargo-lambda among them.
    ///
    /// # Errors
    /// When the port is taken.
    pub async fn bind_localhost(port: u16) -> io::Result<Self> {
        let listener = Self::bind(port).await?;
        let v6 = TcpListener::bind((Ipv6Addr::LOCALHOST, listener.port)).await.ok();
        Ok(Self { v6, ..listener })
    }

    /// The port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// `http://127.0.0.1:PORT`
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub(crate) async fn accept(&self) -> io::Result<TcpStream> {
        let v6 = async {
            match &self.v6 {
                Some(listener) => listener.accept().await,
                None => pending().await,
            }
        };
        let (stream, _) = tokio::select! {
            accepted = self.v4.accept() => accepted?,
            accepted = v6 => accepted?,
        };
        // Small responses must not wait for the peer's acknowledgement.
        stream.set_nodelay(true)?;
        Ok(stream)
    }
}
