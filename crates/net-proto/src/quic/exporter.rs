//! What proofs of possession sign: bytes that a TLS session's two ends alone can compute.

use quinn::Connection;

use crate::holder::Exported;

/// The TLS exporter's bytes (RFC 8446, 7.5) of a connection, both ends alike: label `EXPORTER-bluemarble`, no context,
/// 32 bytes. `None` only before the handshake is complete.
pub fn export(connection: &Connection) -> Option<Exported> {
    let mut exported = [0; 32];
    connection
        .export_keying_material(&mut exported, LABEL, b"")
        .ok()?;
    Some(exported)
}

pub(super) const LABEL: &[u8] = b"EXPORTER-bluemarble";
