//! Values of columns that only the owner of an entity sees.
//!
//! ```text
//! offset  bytes
//!      0      1  kind, 0x05
//!      1      8  tick
//!      9         bits: the codes of all lanes of the columns for owners, in order; padded with zeros
//! ```

use crate::bits::{BitReader, BitWriter};
use crate::bytes::ByteReader;
use crate::error::WireError;
use crate::replication::WireColumns;

/// What a player's own entity has in the columns for owners.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct OwnValues {
    /// The tick before which it has them.
    pub tick: u64,
    /// The codes of the lanes: [`WireColumns::owned_lanes`] of them.
    pub codes: Vec<u64>,
}

impl OwnValues {
    /// The first byte of its datagrams.
    pub const KIND: u8 = 0x05;

    /// Appends the bytes that travel. Bits of codes beyond those of their lanes are left out.
    pub fn encode(&self, columns: &WireColumns, out: &mut Vec<u8>) {
        out.push(Self::KIND);
        out.extend_from_slice(&self.tick.to_le_bytes());
        let mut writer = BitWriter::new(out);
        columns.push_owned(&mut writer, &self.codes);
        writer.finish();
    }

    /// From a server's bytes.
    ///
    /// # Errors
    /// [`WireError`] for anything but exactly one such message, of a world with these columns.
    pub fn decode(columns: &WireColumns, bytes: &[u8]) -> Result<Self, WireError> {
        let mut reader = ByteReader::new(bytes);
        match reader.u8()? {
            Self::KIND => {}
            other => return Err(WireError::Kind(other)),
        }
        let tick = reader.u64()?;
        let mut bits = BitReader::new(reader.rest());
        let codes = columns.read_owned(&mut bits)?;
        bits.finish()?;
        Ok(Self { tick, codes })
    }
}
