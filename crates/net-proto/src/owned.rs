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
use crate::ids::Epoch;
use crate::replication::{Rates, WireColumns};

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
        encode((self.tick, &self.codes), columns, out);
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

/// Decides when a player is told of the values of its own entity, at the rates of their columns.
#[derive(Clone, Debug, Default)]
pub struct OwnValuesWriter {
    rates: Rates,
    told: Vec<u64>,
    now: Vec<u64>, // scratch
    left: u8,
}

impl OwnValuesWriter {
    /// Any of the datagrams may be lost: each change is told so many times, and all values at every epoch.
    const TIMES: u8 = 3;

    /// For a player of a world of so many ticks a second.
    pub fn new(columns: &WireColumns, tick_rate_hz: u16) -> Self {
        Self {
            rates: Rates::new(columns.owned_rates(), tick_rate_hz),
            ..Self::default()
        }
    }

    /// Takes the codes of all lanes for owners before a tick in which the player is sent something, and appends a datagram if they are to be
    /// told. Whether they are; never where there are none. Allocates nothing once it has been told of as many.
    pub fn write(
        &mut self,
        columns: &WireColumns,
        (tick, codes): (u64, impl Iterator<Item = u64>),
        out: &mut Vec<u8>,
    ) -> bool {
        if columns.owned_lanes() == 0 {
            return false;
        }
        self.now.clear();
        self.now.extend(codes);
        self.rates.is_time(tick);
        self.rates.hold(&mut self.now, &self.told);
        if self.now != self.told {
            core::mem::swap(&mut self.now, &mut self.told);
            self.left = Self::TIMES;
        }
        if self.left == 0 && Epoch::starting_at(tick).is_none() {
            return false;
        }
        self.left = self.left.saturating_sub(1);
        encode((tick, &self.told), columns, out);
        true
    }
}

fn encode((tick, codes): (u64, &[u64]), columns: &WireColumns, out: &mut Vec<u8>) {
    out.push(OwnValues::KIND);
    out.extend_from_slice(&tick.to_le_bytes());
    let mut writer = BitWriter::new(out);
    columns.push_owned(&mut writer, codes);
    writer.finish();
}
