//! A client's connection, as a server has it.

use std::fmt;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use ::bytes::Bytes;
use quinn::{ConnectionError, VarInt};
use quinn_proto::{Dir, SendDatagramError, StreamId};

use super::line::{Fate, Line, LineId};
use super::state::{State, enlist};
use super::streams::{PeerReader, PeerWriter};
use super::{Shared, now};
use crate::holder::Exported;
use crate::quic::exporter::LABEL;
use crate::quic::transport::SERVER_SEND_BYTES;

/// A client's connection. Clones are the same one; when the last is dropped, streams among them, it ends.
#[derive(Clone)]
pub struct Peer(pub(super) Arc<Hold>);

/// Somebody has it.
pub(super) struct Hold {
    shared: Arc<Shared>,
    id: LineId,
    fate: Arc<Fate>,
}

impl Drop for Hold {
    fn drop(&mut self) {
        if self.fate.reason().is_none() {
            let id = self.id;
            self.shared
                .work(|state| state.close(now(), id, VarInt::from_u32(0), &Bytes::new()));
        }
    }
}

impl Peer {
    pub(super) fn new(shared: Arc<Shared>, id: LineId, fate: Arc<Fate>) -> Self {
        Self(Arc::new(Hold { shared, id, fate }))
    }

    pub(super) fn work<R>(&self, work: impl FnOnce(&mut State, LineId) -> R) -> R {
        self.0.shared.work(|state| work(state, self.0.id))
    }

    /// Works on the connection, if there still is one.
    fn with<R>(&self, work: impl FnOnce(&mut Line) -> R) -> Option<R> {
        self.work(|state, id| state.with(id, work))
    }

    /// Works on the connection, as far as that goes, or waits for something to happen to it; why it has ended, where it has.
    pub(super) fn poll<R>(
        &self,
        cx: &std::task::Context<'_>,
        work: impl FnOnce(&mut Line) -> Option<R>,
    ) -> Poll<Result<R, ConnectionError>> {
        let worked = self.work(|state, id| {
            let done = state.with(id, |line| {
                let done = work(line);
                if done.is_none() {
                    enlist(&mut line.waiting, cx.waker());
                }
                done
            });
            if matches!(done, Some(Some(_))) {
                state.touch(id);
            }
            done.flatten()
        });
        match worked {
            Some(done) => Poll::Ready(Ok(done)),
            None => match self.close_reason() {
                Some(reason) => Poll::Ready(Err(reason)),
                None => Poll::Pending,
            },
        }
    }

    /// Queues datagrams and sends what may leave. With more than `backlog_max` bytes of datagrams waiting already: none. False when not all were
    /// queued, for that reason, or because the connection has ended, or for it they are too long.
    pub fn send(&self, datagrams: impl IntoIterator<Item = Bytes>, backlog_max: usize) -> bool {
        let queue = |line: &mut Line| {
            if line.connection.is_closed() {
                return false;
            }
            let mut queue = line.connection.datagrams();
            let backlog = SERVER_SEND_BYTES.saturating_sub(queue.send_buffer_space());
            let mut datagrams = datagrams.into_iter();
            // What has to wait must not hold more memory than it is long.
            let own = |datagram: Bytes| match backlog {
                0 => datagram,
                _ => Bytes::copy_from_slice(&datagram),
            };
            backlog <= backlog_max
                && datagrams.all(|datagram| queue.send(own(datagram), true).is_ok())
        };
        self.work(|state, id| state.attend(now(), id, queue)) == Some(true)
    }

    /// Queues a datagram; it leaves soon.
    ///
    /// # Errors
    /// The connection has ended, or takes none so long.
    pub fn send_datagram(&self, datagram: Bytes) -> Result<(), DatagramError> {
        if let Some(reason) = self.close_reason() {
            return Err(reason.into());
        }
        let sent = self.work(|state, id| {
            let sent = state.with(id, |line| line.connection.datagrams().send(datagram, true));
            state.touch(id);
            sent
        });
        match sent {
            Some(sent) => Ok(sent?),
            None => Err(self.close_reason().unwrap_or(ConnectionError::Reset).into()),
        }
    }

    /// The longest datagram that it takes now; none before it has said so, or where it takes none.
    pub fn max_datagram_size(&self) -> Option<usize> {
        self.with(|line| line.connection.datagrams().max_size())?
    }

    /// Waits for a datagram. Not with a listener.
    ///
    /// # Errors
    /// The connection has ended.
    pub async fn read_datagram(&self) -> Result<Bytes, ConnectionError> {
        poll_fn(|cx| self.poll(cx, |line| line.connection.datagrams().recv())).await
    }

    /// Has a listener called with each datagram, in the order in which they come, from now on and as soon as they do. It must not call anything of this
    /// host, nor hold a [`Peer`] of it, nor wait.
    pub fn listen(&self, listener: impl FnMut(Bytes) + Send + 'static) {
        self.with(|line| {
            line.listener = Some(Box::new(listener));
            line.listen();
        });
    }

    /// Waits for the client to open a stream both ways.
    ///
    /// # Errors
    /// The connection has ended.
    pub async fn accept_bi(&self) -> Result<(PeerWriter, PeerReader), ConnectionError> {
        let stream = self.accept(Dir::Bi).await?;
        Ok((
            PeerWriter::new(self.clone(), stream),
            PeerReader::new(self.clone(), stream),
        ))
    }

    /// Waits for the client to open a stream on which only it writes.
    ///
    /// # Errors
    /// The connection has ended.
    pub async fn accept_uni(&self) -> Result<PeerReader, ConnectionError> {
        Ok(PeerReader::new(self.clone(), self.accept(Dir::Uni).await?))
    }

    /// Opens a stream on which only this side writes, when the client lets it.
    ///
    /// # Errors
    /// The connection has ended.
    pub async fn open_uni(&self) -> Result<PeerWriter, ConnectionError> {
        let opened = poll_fn(|cx| self.poll(cx, |line| line.connection.streams().open(Dir::Uni)));
        Ok(PeerWriter::new(self.clone(), opened.await?))
    }

    async fn accept(&self, dir: Dir) -> Result<StreamId, ConnectionError> {
        poll_fn(|cx| self.poll(cx, |line| line.connection.streams().accept(dir))).await
    }

    /// Ends the connection; what has not arrived may not.
    pub fn close(&self, code: VarInt, reason: &[u8]) {
        let reason = Bytes::copy_from_slice(reason);
        self.work(|state, id| state.close(now(), id, code, &reason));
    }

    /// Why it has ended; none while it has not.
    pub fn close_reason(&self) -> Option<ConnectionError> {
        self.0.fate.reason().cloned()
    }

    /// Waits until it has ended: why.
    pub async fn closed(&self) -> ConnectionError {
        let never = poll_fn(|cx| self.poll(cx, |_| None::<core::convert::Infallible>));
        match never.await {
            Ok(never) => match never {},
            Err(reason) => reason,
        }
    }

    /// Where the client is now; none when the connection is over.
    pub fn remote_address(&self) -> Option<SocketAddr> {
        self.with(|line| line.connection.remote_address())
    }

    /// The round trip, smoothed; zero when the connection is over.
    pub fn rtt(&self) -> Duration {
        self.with(|line| line.connection.rtt()).unwrap_or_default()
    }

    /// What has travelled; nothing when the connection is over.
    pub fn stats(&self) -> Option<quinn::ConnectionStats> {
        self.with(|line| line.connection.stats())
    }

    /// The TLS exporter's bytes, as [`super::super::export`] gives them; none when the connection is over.
    pub fn export(&self) -> Option<Exported> {
        let mut exported = [0; 32];
        self.with(|line| {
            let session = line.connection.crypto_session();
            session
                .export_keying_material(&mut exported, LABEL, b"")
                .ok()
        })??;
        Some(exported)
    }
}

impl fmt::Debug for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Peer({})", self.0.id.serial)
    }
}

/// Why a datagram was not sent.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum DatagramError {
    /// The connection has ended.
    #[error(transparent)]
    Ended(#[from] ConnectionError),
    /// It takes none so long, or none at all.
    #[error(transparent)]
    Refused(#[from] SendDatagramError),
}
