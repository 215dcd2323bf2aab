//! The processes of a stack, seen from outside.

use std::fs;

use rustix::process::{Pid, Signal, kill_process};
use tokio::signal::unix::{SignalKind, signal};

/// The children of a process: their ids and the names of their binaries.
#[must_use]
pub fn children(parent: u32) -> Vec<(u32, String)> {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let ids = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    ids.filter(|id| parent_of(*id) == Some(parent))
        .filter_map(|id| {
            let binary = fs::read_link(format!("/proc/{id}/exe")).ok()?;
            Some((id, binary.file_name()?.to_str()?.to_owned()))
        })
        .collect()
}

/// The parent, from `/proc/ID/stat`: the name in brackets may hold anything, the parent is the second field after it.
fn parent_of(id: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    stat.rsplit_once(") ")?.1.split(' ').nth(1)?.parse().ok()
}

/// Whether there is such a process, ending ones included: `children` no longer lists a process that is ending.
#[must_use]
pub fn exists(id: u32) -> bool {
    fs::exists(format!("/proc/{id}")).unwrap_or_default()
}

/// The TCP ports of IPv4 that a process listens on, from `/proc`: none is left out because nobody thought of it.
#[must_use]
pub fn listening_ports(id: u32) -> Vec<u16> {
    let sockets: Vec<_> = fs::read_dir(format!("/proc/{id}/fd"))
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|file| Some(fs::read_link(file.path()).ok()?.to_str()?.to_owned()))
        .collect();
    let table = fs::read_to_string(format!("/proc/{id}/net/tcp")).unwrap_or_default();
    // `0: 0100007F:0BB8 00000000:0000 0A ... INODE`: the address and port in hexadecimal, and the state, 0A for LISTEN.
    let port = |line: &str| {
        let fields: Vec<_> = line.split_whitespace().collect();
        let [_, local, _, "0A", _, _, _, _, _, inode, ..] = fields.as_slice() else { return None };
        let socket = format!("socket:[{inode}]");
        sockets.contains(&socket).then(|| u16::from_str_radix(local.rsplit(':').next()?, 16).ok())?
    };
    table.lines().filter_map(port).collect()
}

/// Kills a process as the kernel does when memory runs out.
pub fn kill_nine(id: u32) {
    kill_with(id, Signal::KILL);
}

/// Sends a signal; a process that has ended already is no error.
pub fn kill_with(id: u32, signal: Signal) {
    if let Some(id) = i32::try_from(id).ok().and_then(Pid::from_raw) {
        let _ = kill_process(id, signal);
    }
}

/// Waits for Ctrl-C or SIGTERM.
///
/// # Panics
/// When the process cannot listen for signals.
pub async fn shutdown_requested() {
    let (mut interrupt, mut terminate) =
        (signal(SignalKind::interrupt()).unwrap(), signal(SignalKind::terminate()).unwrap());
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}
