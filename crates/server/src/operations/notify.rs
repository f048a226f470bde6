//! What systemd wants to hear: `READY=1`, `STOPPING=1`, `WATCHDOG=1`, in datagrams to the socket that it names.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

/// Whoever started the server and watches it, if anybody does.
#[derive(Debug, Default)]
pub(crate) struct Supervisor {
    socket: Option<UnixDatagram>,
    watchdog: Option<Duration>,
}

impl Supervisor {
    /// As the environment says: `NOTIFY_SOCKET`, `WATCHDOG_USEC`.
    pub(crate) fn from_environment() -> Self {
        let socket = std::env::var_os("NOTIFY_SOCKET").and_then(|name| connect(&name));
        let usec = std::env::var("WATCHDOG_USEC").ok();
        let usec = usec.and_then(|text| text.parse().ok());
        Self {
            watchdog: usec.map(Duration::from_micros).filter(|d| !d.is_zero()),
            socket,
        }
    }

    /// Says something; a supervisor that does not listen is none of our trouble.
    pub(crate) fn say(&self, what: &str) {
        if let Some(socket) = &self.socket {
            let _ = socket.send(what.as_bytes());
        }
    }

    /// How often it wants to hear that all is well: half of the time after which it acts.
    pub(crate) fn pulse(&self) -> Option<Duration> {
        self.watchdog
            .filter(|_| self.socket.is_some())
            .map(|d| d / 2)
    }
}

fn connect(name: &OsStr) -> Option<UnixDatagram> {
    let socket = UnixDatagram::unbound().ok()?;
    socket.set_nonblocking(true).ok()?;
    let addr = match name.as_bytes().split_first()? {
        (b'@', hidden) => abstract_addr(hidden)?,
        _ => SocketAddr::from_pathname(name).ok()?,
    };
    socket.connect_addr(&addr).ok()?;
    Some(socket)
}

/// A name that is in no folder: Linux alone has such.
#[cfg(target_os = "linux")]
fn abstract_addr(name: &[u8]) -> Option<SocketAddr> {
    use std::os::linux::net::SocketAddrExt;
    SocketAddr::from_abstract_name(name).ok()
}

#[cfg(not(target_os = "linux"))]
fn abstract_addr(_: &[u8]) -> Option<SocketAddr> {
    None
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn both_kinds_of_sockets_hear() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("notify");
        let name = format!("bluemarble-test-{}", std::process::id());
        let hidden = abstract_addr(name.as_bytes()).unwrap();
        for (listener, told) in [
            (
                UnixDatagram::bind(&path).unwrap(),
                path.as_os_str().to_owned(),
            ),
            (
                UnixDatagram::bind_addr(&hidden).unwrap(),
                format!("@{name}").into(),
            ),
        ] {
            let supervisor = Supervisor {
                socket: connect(&told),
                watchdog: Some(Duration::from_secs(30)),
            };
            supervisor.say("READY=1");
            let mut heard = [0; 64];
            let count = listener.recv(&mut heard).unwrap();
            assert_eq!(&heard[..count], b"READY=1");
            assert_eq!(supervisor.pulse(), Some(Duration::from_secs(15)));
        }
    }

    #[test]
    fn nobody_need_listen() {
        let alone = Supervisor {
            socket: connect(OsStr::new("/nonexistent/notify")),
            watchdog: Some(Duration::from_secs(1)),
        };
        alone.say("READY=1");
        assert_eq!(alone.pulse(), None);
    }
}
