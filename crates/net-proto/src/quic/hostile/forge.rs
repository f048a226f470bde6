//! What an attacker sends.

use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::BytesMut;
use quinn_proto::crypto::{
    self, CryptoError, ExportKeyingMaterialError, HeaderKey, KeyPair, Keys, PacketKey, Session,
};
use quinn_proto::transport_parameters::TransportParameters;
use quinn_proto::{ConnectError, ConnectionId, Side, TransportError};

/// Lots from a seed (SplitMix64), shared by all who draw.
#[derive(Clone, Debug)]
pub(super) struct Lots(Arc<AtomicU64>);

impl Lots {
    pub(super) fn new(seed: u64) -> Self {
        Self(Arc::new(AtomicU64::new(seed)))
    }

    pub(super) fn next(&self) -> u64 {
        let step = 0x9e37_79b9_7f4a_7c15;
        let mut z = self.0.fetch_add(step, Ordering::Relaxed).wrapping_add(step);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Below `n`; the bias does not matter here.
    pub(super) fn below(&self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }

    pub(super) fn bytes(&self, count: usize) -> Vec<u8> {
        (0..count.div_ceil(8))
            .flat_map(|_| self.next().to_le_bytes())
            .take(count)
            .collect()
    }

    /// Changes bytes: flips bits, writes numbers that are on some edge, copies a piece over another.
    pub(super) fn spoil(&self, bytes: &mut [u8]) {
        if bytes.is_empty() {
            return;
        }
        for _ in 0..=self.below(4) {
            let at = self.below(bytes.len());
            match self.below(4) {
                0 => bytes[at] ^= 1 << self.below(8),
                1 => bytes[at] = [0, 1, 0x3f, 0x40, 0x7f, 0x80, 0xbf, 0xc0, 0xff][self.below(9)],
                2 => bytes[at] = self.below(0x40) as u8, // a kind of frame
                _ => {
                    let len = (1 + self.below(16)).min(bytes.len() - at);
                    let from = self.below(bytes.len() - len + 1);
                    bytes.copy_within(from..from + len, at);
                }
            }
        }
    }
}

/// TLS whose packets are spoilt before they are encrypted: the peer decrypts them without complaint.
pub(super) struct SpoiltTls {
    pub(super) tls: Arc<dyn crypto::ClientConfig>,
    pub(super) lots: Lots,
    /// Of so many packets before and after the handshake one is spoilt.
    pub(super) one_in: (usize, usize),
}

impl crypto::ClientConfig for SpoiltTls {
    fn start_session(
        self: Arc<Self>,
        version: u32,
        server_name: &str,
        params: &TransportParameters,
    ) -> Result<Box<dyn Session>, ConnectError> {
        let session = Arc::clone(&self.tls).start_session(version, server_name, params)?;
        Ok(Box::new(SpoiltSession { session, by: self }))
    }
}

struct SpoiltSession {
    session: Box<dyn Session>,
    by: Arc<SpoiltTls>,
}

impl SpoiltSession {
    fn spoilt(&self, key: Box<dyn PacketKey>, one_in: usize) -> Box<dyn PacketKey> {
        Box::new(SpoiltKey {
            key,
            lots: self.by.lots.clone(),
            one_in,
        })
    }

    fn spoilt_keys(&self, mut keys: Keys, one_in: usize) -> Keys {
        keys.packet.local = self.spoilt(keys.packet.local, one_in);
        keys
    }
}

impl Session for SpoiltSession {
    fn initial_keys(&self, dst_cid: &ConnectionId, side: Side) -> Keys {
        self.spoilt_keys(self.session.initial_keys(dst_cid, side), self.by.one_in.0)
    }

    fn handshake_data(&self) -> Option<Box<dyn Any>> {
        self.session.handshake_data()
    }

    fn peer_identity(&self) -> Option<Box<dyn Any>> {
        self.session.peer_identity()
    }

    fn early_crypto(&self) -> Option<(Box<dyn HeaderKey>, Box<dyn PacketKey>)> {
        self.session.early_crypto()
    }

    fn early_data_accepted(&self) -> Option<bool> {
        self.session.early_data_accepted()
    }

    fn is_handshaking(&self) -> bool {
        self.session.is_handshaking()
    }

    fn read_handshake(&mut self, buf: &[u8]) -> Result<bool, TransportError> {
        self.session.read_handshake(buf)
    }

    fn transport_parameters(&self) -> Result<Option<TransportParameters>, TransportError> {
        self.session.transport_parameters()
    }

    fn write_handshake(&mut self, buf: &mut Vec<u8>) -> Option<Keys> {
        // The first keys are those of the handshake, the second those of what follows.
        let keys = self.session.write_handshake(buf)?;
        let one_in = match self.session.is_handshaking() {
            true => self.by.one_in.0,
            false => self.by.one_in.1,
        };
        Some(self.spoilt_keys(keys, one_in))
    }

    fn next_1rtt_keys(&mut self) -> Option<KeyPair<Box<dyn PacketKey>>> {
        let KeyPair { local, remote } = self.session.next_1rtt_keys()?;
        let local = self.spoilt(local, self.by.one_in.1);
        Some(KeyPair { local, remote })
    }

    fn is_valid_retry(&self, orig_dst_cid: &ConnectionId, header: &[u8], payload: &[u8]) -> bool {
        self.session.is_valid_retry(orig_dst_cid, header, payload)
    }

    fn export_keying_material(
        &self,
        output: &mut [u8],
        label: &[u8],
        context: &[u8],
    ) -> Result<(), ExportKeyingMaterialError> {
        self.session.export_keying_material(output, label, context)
    }
}

struct SpoiltKey {
    key: Box<dyn PacketKey>,
    lots: Lots,
    one_in: usize,
}

impl PacketKey for SpoiltKey {
    fn encrypt(&self, packet: u64, buf: &mut [u8], header_len: usize) {
        if self.lots.below(self.one_in) == 0 {
            let end = buf.len().saturating_sub(self.key.tag_len());
            if let Some(payload) = buf.get_mut(header_len..end) {
                self.lots.spoil(payload);
            }
        }
        self.key.encrypt(packet, buf, header_len);
    }

    fn decrypt(
        &self,
        packet: u64,
        header: &[u8],
        payload: &mut BytesMut,
    ) -> Result<(), CryptoError> {
        self.key.decrypt(packet, header, payload)
    }

    fn tag_len(&self) -> usize {
        self.key.tag_len()
    }

    fn confidentiality_limit(&self) -> u64 {
        self.key.confidentiality_limit()
    }

    fn integrity_limit(&self) -> u64 {
        self.key.integrity_limit()
    }
}
