//! HTTP servers on loopback addresses.
//!
//! - [`Listener`] is a port of 127.0.0.1 and, on request, of `[::1]`
//! - [`serve`] lets a hyper service respond to its requests
//! - [`Clients`] says who may send them: a web page that is open on this machine can reach every loopback port through the
//!   browser, so most servers refuse its requests
//! - [`host()`] is the host that a request names

mod border;
mod host;
mod listener;
mod server;

pub use border::Clients;
pub use host::{InvalidHost, host};
pub use listener::Listener;
pub use server::serve;
