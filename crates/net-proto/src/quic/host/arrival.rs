//! Clients that knock.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use quinn::ConnectionError;

use super::peer::Peer;
use super::{Host, now};

/// A client that knocks. Dropped, it is refused.
pub struct Incoming {
    arrival: Option<quinn_proto::Incoming>,
    host: Host,
}

impl Incoming {
    pub(super) fn new(arrival: quinn_proto::Incoming, host: Host) -> Self {
        Self {
            arrival: Some(arrival),
            host,
        }
    }

    fn arrival(&self) -> &quinn_proto::Incoming {
        self.arrival
            .as_ref()
            .expect("it is there until it is decided")
    }

    fn take(mut self) -> (quinn_proto::Incoming, Host) {
        let arrival = self.arrival.take();
        let host = self.host.clone();
        (arrival.expect("it is decided once"), host)
    }

    /// Where it says it is.
    pub fn remote_address(&self) -> SocketAddr {
        self.arrival().remote_address()
    }

    /// Whether it has proven that.
    pub fn remote_address_validated(&self) -> bool {
        self.arrival().remote_address_validated()
    }

    /// Begins the handshake.
    ///
    /// # Errors
    /// What it sent is no beginning of a connection, or it knocked too long ago.
    pub fn accept(self) -> Result<Connecting, ConnectionError> {
        let (arrival, host) = self.take();
        let shared = &host.0.0;
        let (id, fate) = shared.work(|state| state.accept(now(), arrival))?;
        Ok(Connecting(Ok(Peer::new(Arc::clone(shared), id, fate))))
    }

    /// Has it prove its address; it comes again. False where it had.
    pub fn retry(self) -> bool {
        let (arrival, host) = self.take();
        host.0.0.work(|state| state.retry(arrival))
    }

    /// Says no.
    pub fn refuse(self) {
        let (arrival, host) = self.take();
        host.0.0.work(|state| state.refuse(arrival));
    }

    /// Says nothing.
    pub fn ignore(self) {
        let (arrival, host) = self.take();
        host.0.0.work(|state| state.ignore(arrival));
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        if let Some(arrival) = self.arrival.take() {
            self.host.0.0.work(|state| state.refuse(arrival));
        }
    }
}

impl core::fmt::Debug for Incoming {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(
            f,
            "Incoming({:?})",
            self.arrival.as_ref().map(|a| a.remote_address())
        )
    }
}

/// A handshake. Completes when it has; dropped, it is given up.
#[derive(Debug)]
pub struct Connecting(Result<Peer, ConnectionError>);

impl Future for Connecting {
    type Output = Result<Peer, ConnectionError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let connected = match &self.0 {
            Ok(peer) => peer.poll(cx, |line| line.is_connected.then_some(())),
            Err(reason) => Poll::Ready(Err(reason.clone())),
        };
        connected.map(|connected| {
            connected?;
            core::mem::replace(&mut self.0, Err(ConnectionError::LocallyClosed))
        })
    }
}

impl IntoFuture for Incoming {
    type Output = Result<Peer, ConnectionError>;
    type IntoFuture = Connecting;

    fn into_future(self) -> Connecting {
        self.accept()
            .unwrap_or_else(|reason| Connecting(Err(reason)))
    }
}
