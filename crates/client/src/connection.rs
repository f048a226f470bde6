//! A session over QUIC, for programs with a tokio runtime.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use net_proto::quic::{
    ControlReader, ControlWriter, HELLO_DEADLINE, STREAM_DEADLINE, StreamError, connect, quinn,
};
use net_proto::{
    ClientMessage, Hello, Input, PROTOCOL_VERSION, RefuseCode, SERVER_FRAME_BYTES_MAX,
    ServerMessage, Ticket, WireError,
};
use spatial_core::TileStore;

use crate::core::{ClientCore, Event};
use crate::error::{ConnectError, SessionError};
use crate::prediction::NoPrediction;

/// From the first packet to the welcome, at most.
const CONNECT_DEADLINE: Duration = Duration::from_secs(8);

/// One player's connection. Many can share an endpoint and a thread.
#[derive(Debug)]
pub struct Connection {
    quic: quinn::Connection,
    control: ControlReader,
    // Kept open: a client that finishes its stream has left.
    _writer: ControlWriter,
    core: ClientCore,
}

impl Connection {
    /// Connects, shows the ticket, and waits to be welcomed.
    ///
    /// # Errors
    /// [`ConnectError`]; at most 8 s pass.
    pub async fn connect(
        endpoint: &quinn::Endpoint,
        addr: SocketAddr,
        ticket: &Ticket,
    ) -> Result<Self, ConnectError> {
        let entering = Self::enter(endpoint, addr, ticket);
        match tokio::time::timeout(CONNECT_DEADLINE, entering).await {
            Ok(result) => result,
            Err(_) => Err(ConnectError::Timeout),
        }
    }

    async fn enter(
        endpoint: &quinn::Endpoint,
        addr: SocketAddr,
        ticket: &Ticket,
    ) -> Result<Self, ConnectError> {
        let quic = connect(endpoint, addr, ticket.cert_sha256).await?;
        let (send, recv) = quic.open_bi().await.map_err(SessionError::from)?;
        let mut writer = ControlWriter::new(send);
        let mut control = ControlReader::new(recv, SERVER_FRAME_BYTES_MAX);
        let mut hello = Vec::new();
        ClientMessage::Hello(Hello {
            version: PROTOCOL_VERSION,
            world: ticket.token.world(),
            token: ticket.token.clone(),
        })
        .encode(&mut hello);
        // What ends the connection says more than what it did to the stream.
        let sent = writer.send(&hello, HELLO_DEADLINE).await;
        let answer = match tokio::time::timeout(STREAM_DEADLINE, control.next()).await {
            Ok(answer) => answer.and_then(|frame| sent.map(|()| frame)),
            Err(_) => return Err(ConnectError::Timeout),
        };
        let frame = answer.map_err(|error| ended(&quic, error))?;
        let core = welcomed(frame.as_deref()).inspect_err(|error| {
            if let ConnectError::Wire(_) = error {
                quic.close(RefuseCode::MALFORMED.0.into(), b"malformed welcome");
            }
        })?;
        Ok(Self {
            quic,
            control,
            _writer: writer,
            core,
        })
    }

    /// Waits for what the server says next. Nothing is lost when the future is dropped before it is ready.
    ///
    /// # Errors
    /// [`SessionError`]: the session is over. A server that breaks the protocol is left.
    pub async fn next(&mut self) -> Result<Event, SessionError> {
        let event = tokio::select! {
            biased; // a refusal comes before the end that follows it
            frame = self.control.next() => match frame {
                Ok(Some(frame)) => self.core.handle_control(&frame),
                Ok(None) => return Err(self.end().await),
                Err(StreamError::Wire(error)) => Err(error),
                Err(error) => return Err(ended(&self.quic, error)),
            },
            datagram = self.quic.read_datagram() => match datagram {
                Ok(bytes) => self.core.handle_datagram(&bytes),
                Err(error) => return Err(error.into()),
            },
        };
        match event {
            Ok(Event::Refused(refuse)) => Err(SessionError::Refused(refuse)),
            Ok(event) => Ok(event),
            Err(error) => {
                let reason = error.to_string();
                self.quic
                    .close(RefuseCode::MALFORMED.0.into(), reason.as_bytes());
                Err(SessionError::Wire(error))
            }
        }
    }

    /// Predicts the player's own entity from now on: [`ClientCore::predict`].
    ///
    /// # Errors
    /// [`NoPrediction`].
    pub fn predict(&mut self, store: Arc<dyn TileStore>) -> Result<(), NoPrediction> {
        self.core.predict(store)
    }

    /// Says what the player is shown from now on: a time between ticks.
    pub fn show(&mut self, tick: f64) {
        self.core.show(tick);
    }

    /// Notes what the player asks for in this tick, and returns the number of the input. Call it once a tick.
    pub fn push_input(&mut self, input: Input) -> u32 {
        self.core.push_input(input)
    }

    /// Sends the inputs that the server has not acknowledged. Call it every second tick or so; never waits.
    ///
    /// # Errors
    /// [`SessionError`] when the connection has ended.
    pub fn send_inputs(&mut self) -> Result<(), SessionError> {
        let mut bytes = Vec::with_capacity(128);
        match self.write_inputs(&mut bytes) {
            true => self.send_datagram(bytes),
            false => Ok(()),
        }
    }

    /// Writes what [`Connection::send_inputs`] would send: [`ClientCore::write_inputs`].
    pub fn write_inputs(&mut self, out: &mut Vec<u8>) -> bool {
        self.core.write_inputs(out)
    }

    /// Sends bytes as a datagram, whatever they say: for programs that test servers. Never waits.
    ///
    /// # Errors
    /// [`SessionError`] when the connection has ended, or takes no datagram of this size.
    pub fn send_datagram(&self, bytes: Vec<u8>) -> Result<(), SessionError> {
        match self.quic.send_datagram(bytes.into()) {
            Err(quinn::SendDatagramError::ConnectionLost(error)) => Err(error.into()),
            Ok(()) => Ok(()),
            Err(error) => Err(SessionError::Closed(error.to_string())),
        }
    }

    /// What the client knows.
    pub fn core(&self) -> &ClientCore {
        &self.core
    }

    /// The best guess at the round trip, without the server's ticks.
    pub fn round_trip(&self) -> Duration {
        self.quic.rtt()
    }

    /// Leaves. The farewell goes out while the endpoint lives: see [`quinn::Endpoint::wait_idle`].
    pub fn close(self) {
        self.quic.close(0u32.into(), b"");
    }

    /// The server has finished its stream: it is about to close the connection.
    async fn end(&self) -> SessionError {
        match tokio::time::timeout(STREAM_DEADLINE, self.quic.closed()).await {
            Ok(error) => error.into(),
            Err(_) => SessionError::Closed("server finished its stream".into()),
        }
    }
}

fn welcomed(frame: Option<&[u8]>) -> Result<ClientCore, ConnectError> {
    let frame = frame.ok_or_else(|| ConnectError::Closed("no answer to hello".into()))?;
    match ServerMessage::decode(frame)? {
        ServerMessage::Welcome(welcome) => Ok(ClientCore::new(welcome)?),
        ServerMessage::Refuse(refuse) => Err(SessionError::Refused(refuse).into()),
        _ => Err(WireError::Unexpected("this message before a welcome").into()),
    }
}

/// Why a stream ended: the connection's reason, if it has ended too.
fn ended(quic: &quinn::Connection, error: StreamError) -> SessionError {
    match (error, quic.close_reason()) {
        (StreamError::Closed(_), Some(reason)) => reason.into(),
        (error, _) => error.into(),
    }
}
