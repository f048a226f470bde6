//! What a peer may use of our memory and time.

use std::sync::Arc;
use std::time::Duration;

use quinn::crypto::rustls::QuicServerConfig;
use quinn::{AckFrequencyConfig, ServerConfig, TransportConfig, ValidationTokenConfig, VarInt};

use super::acks::Patient;
use super::game_control::GameControlConfig;

/// Datagrams that may wait on a server's connection: the complete set of a crowded epoch goes out at once, 56 parts
/// of it fit. What is older is dropped first. What [`super::Peer::send`] is told of a backlog keeps it from growing stale.
pub(super) const SERVER_SEND_BYTES: usize = 64 << 10;
/// Datagrams that may wait on a client's connection: an input is repeated in the next anyway.
pub(super) const CLIENT_SEND_BYTES: usize = 2 << 10;
/// The longest UDP payload that is received: what an Ethernet frame holds.
pub(super) const UDP_PAYLOAD_MAX: u16 = 1_472;

/// How a server treats its clients. A peer can pin about 0.4 MB of ours.
///
/// | handshakes that wait for a decision | 1,024, 64 KiB each, 8 MiB together |
/// | --- | --- |
/// | proof of an address (Retry) | good for 15 s; none is handed out for later connections |
/// | tickets of TLS for later connections | none |
pub(super) fn server(crypto: QuicServerConfig) -> ServerConfig {
    let mut config = ServerConfig::with_crypto(Arc::new(Patient(Arc::new(crypto))));
    let mut tokens = ValidationTokenConfig::default();
    tokens.sent(0);
    config
        .max_incoming(HANDSHAKES_MAX)
        .incoming_buffer_size(64 << 10)
        .incoming_buffer_size_total(8 << 20)
        .retry_token_lifetime(Duration::from_secs(15))
        .validation_token_config(tokens)
        .migration(true)
        .transport_config(Arc::new(server_transport()));
    config
}

pub(super) fn server_transport() -> TransportConfig {
    transport(SERVER_SEND_BYTES)
}

/// How a client treats its server.
pub(super) fn client() -> TransportConfig {
    transport(CLIENT_SEND_BYTES)
}

/// A client that answers every second packet costs a server as much as a packet that it sends: at 120 a second to each
/// of 1,000 peers 5.8 µs a datagram became 4.4. What either side sends anyway carries the answers that wait ([`super::acks`]);
/// losses are told at once.
fn transport(datagram_send_bytes: usize) -> TransportConfig {
    let mut acks = AckFrequencyConfig::default();
    acks.ack_eliciting_threshold(VarInt::from_u32(8))
        .max_ack_delay(Some(Duration::from_millis(50)));
    let mut config = TransportConfig::default();
    config
        .max_concurrent_bidi_streams(VarInt::from_u32(4))
        .max_concurrent_uni_streams(VarInt::from_u32(8))
        .stream_receive_window(VarInt::from_u32(64 << 10))
        .receive_window(VarInt::from_u32(256 << 10))
        .send_window(256 << 10)
        .crypto_buffer_size(16 << 10)
        .datagram_receive_buffer_size(Some(64 << 10))
        .datagram_send_buffer_size(datagram_send_bytes)
        .max_idle_timeout(Some(IDLE_TIMEOUT_MS.into()))
        .keep_alive_interval(Some(Duration::from_secs(3)))
        .initial_rtt(Duration::from_millis(100))
        .initial_mtu(1_200)
        .ack_frequency_config(Some(acks))
        .congestion_controller_factory(Arc::new(GameControlConfig));
    config
}

const HANDSHAKES_MAX: usize = 1_024;
const IDLE_TIMEOUT_MS: VarInt = VarInt::from_u32(10_000);

#[cfg(test)]
mod tests {
    use std::fmt::Debug;

    use super::*;
    use crate::quic::Identity;
    use crate::quic::endpoint::server_tls;

    /// Every limit that a configuration has, `name: value`. Its fields are private, what it prints is not.
    #[track_caller]
    fn holds(config: &impl Debug, limits: &[(&str, &str)]) {
        let printed = format!("{config:?}");
        for (name, value) in limits {
            let expected = format!("{name}: {value}");
            let at = printed.find(&format!(" {name}: "));
            let at = at.unwrap_or_else(|| panic!("{name} is not in {printed}"));
            assert!(
                printed[at + 1..].starts_with(&expected),
                "{expected}, not {}",
                &printed[at + 1..at + 60]
            );
        }
    }

    #[test]
    fn no_limit_drifts() {
        let both = [
            ("max_concurrent_bidi_streams", "4,"),
            ("max_concurrent_uni_streams", "8,"),
            ("max_idle_timeout", "Some(10000),"),
            ("stream_receive_window", "65536,"),
            ("receive_window", "262144,"),
            ("send_window", "262144,"),
            ("initial_rtt", "100ms,"),
            ("initial_mtu", "1200,"),
            ("min_mtu", "1200,"),
            ("keep_alive_interval", "Some(3s),"),
            ("crypto_buffer_size", "16384,"),
            ("datagram_receive_buffer_size", "Some(65536),"),
            ("ack_eliciting_threshold", "8,"),
            ("max_ack_delay", "Some(50ms),"),
        ];
        holds(&client(), &both);
        holds(&client(), &[("datagram_send_buffer_size", "2048,")]);
        let server = server(server_tls(&Identity::self_signed().unwrap()).unwrap());
        holds(&server, &both);
        let servers = [
            ("datagram_send_buffer_size", "65536,"),
            ("retry_token_lifetime", "15s,"),
            ("sent", "0"),
            ("migration", "true,"),
            ("max_incoming", "1024,"),
            ("incoming_buffer_size", "65536,"),
            ("incoming_buffer_size_total", "8388608,"),
        ];
        holds(&server, &servers);
    }
}
