//! How long acknowledgements may wait for something to travel with.
//!
//! In a game both sides have something to say many times a second, and a packet of nothing but an acknowledgement costs either side nearly as much as one of state.
//! quinn asks its peer to wait no longer than a round trip, or 25 ms, and has no setting for more: near a server three of five snapshots
//! were answered by a packet of their own. What it does honour is that a peer says how long it will wait at least, so both sides say
//! [`WAIT_MS`] in their transport parameters, more than there is between two datagrams of 15 a second. What is lost is told at once as before, for packets that come out of order do not wait.

use std::sync::Arc;

use bytes::Buf;
use quinn::crypto::rustls::{QuicClientConfig, QuicServerConfig};
use quinn_proto::coding::Codec;
use quinn_proto::crypto::{ClientConfig, Keys, ServerConfig, Session, UnsupportedVersion};
use quinn_proto::transport_parameters::TransportParameters;
use quinn_proto::{ConnectError, ConnectionId, Side, VarInt};

/// How long either side lets acknowledgements wait, if it is not asked for more.
pub(super) const WAIT_MS: u32 = 69;

/// TLS of a side that says so.
pub(super) struct Patient<T>(pub(super) Arc<T>);

impl ClientConfig for Patient<QuicClientConfig> {
    fn start_session(
        self: Arc<Self>,
        version: u32,
        server_name: &str,
        params: &TransportParameters,
    ) -> Result<Box<dyn Session>, ConnectError> {
        let params = patient(params, Side::Client);
        Arc::clone(&self.0).start_session(version, server_name, &params)
    }
}

impl ServerConfig for Patient<QuicServerConfig> {
    fn initial_keys(
        &self,
        version: u32,
        dst_cid: &ConnectionId,
    ) -> Result<Keys, UnsupportedVersion> {
        self.0.initial_keys(version, dst_cid)
    }

    fn retry_tag(&self, version: u32, orig_dst_cid: &ConnectionId, packet: &[u8]) -> [u8; 16] {
        self.0.retry_tag(version, orig_dst_cid, packet)
    }

    fn start_session(
        self: Arc<Self>,
        version: u32,
        params: &TransportParameters,
    ) -> Box<dyn Session> {
        let params = patient(params, Side::Server);
        Arc::clone(&self.0).start_session(version, &params)
    }
}

/// The parameters of a side with both waits in them; as they are, should quinn not take them back.
fn patient(params: &TransportParameters, of: Side) -> TransportParameters {
    let mut written = Vec::new();
    params.write(&mut written);
    let rewritten = with_waits(&written);
    let reader = !of;
    let read = rewritten.map(|bytes| TransportParameters::read(reader, &mut bytes.as_slice()));
    match read {
        Some(Ok(params)) => params,
        _ => *params,
    }
}

/// The bytes of parameters: each a number, a length and a value.
fn with_waits(mut params: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(params.len() + 16);
    while params.has_remaining() {
        let id = VarInt::decode(&mut params).ok()?;
        let len = VarInt::decode(&mut params).ok()?;
        let value = params.split_off(..usize::try_from(len.into_inner()).ok()?)?;
        if id != MAX_ACK_DELAY && id != MIN_ACK_DELAY {
            put(&mut out, (id, len), value);
        }
    }
    for (id, wait) in [(MAX_ACK_DELAY, WAIT_MS), (MIN_ACK_DELAY, 1_000 * WAIT_MS)] {
        let mut value = Vec::new();
        VarInt::from_u32(wait).encode(&mut value);
        put(&mut out, (id, VarInt::try_from(value.len()).ok()?), &value);
    }
    Some(out)
}

fn put(out: &mut Vec<u8>, (id, len): (VarInt, VarInt), value: &[u8]) {
    id.encode(out);
    len.encode(out);
    out.extend_from_slice(value);
}

/// In milliseconds: RFC 9000, 18.2.
const MAX_ACK_DELAY: VarInt = VarInt::from_u32(0x0b);
/// In microseconds: draft-ietf-quic-ack-frequency-07, the one that quinn speaks.
const MIN_ACK_DELAY: VarInt = VarInt::from_u32(0xff04_de1b);
