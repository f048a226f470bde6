//! The columns that travel beside place and heading: which they are, and how their values are written.
//!
//! ```text
//! of a member      0                        all are as in the baseline
//!                  1, and for each column   0: as there; 1: codes of its lanes
//! whole            codes of all lanes
//! ```
//! A code is the unsigned integer of so many bits that [`spatial_core::Wire`] makes of a value.

use spatial_core::{Audience, ColumnSchema, Component, Durability, LaneType, LaneValue, Wire};

use super::packer::entities_max;
use crate::bits::{BitReader, ShortBits};
use crate::error::WireError;
use crate::limits::{COLUMN_BITS_MAX, COLUMNS_MAX, LANES_SENT_MAX, SERVER_FRAME_BYTES_MAX};
use crate::text::is_printable;

/// The columns of a world that are replicated: those that all see, then those of owners, each in the order in which they were given.
///
/// What an entity has in them is a slice of codes, one a lane, in the same order.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct WireColumns {
    columns: Vec<ColumnSchema>,
    shared: Vec<Lane>,
    owned: Vec<Lane>,
}

/// The floats of wire formats are numbers.
impl Eq for WireColumns {}

/// A lane that travels.
#[derive(Clone, Copy, PartialEq, Debug)]
struct Lane {
    column: usize,
    bits: u32,
}

/// Why columns cannot travel.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ColumnsError {
    /// There are too many.
    #[error("{0} columns are replicated, at most {COLUMNS_MAX} can be")]
    Columns(usize),
    /// A column's or a lane's name is empty, longer than 255 bytes, or has characters that must not be printed.
    #[error("the name {0:?} cannot be sent")]
    Name(String),
    /// A column's priority is 0.
    #[error("the priority of column {0:?} is not at least 1")]
    Priority(String),
    /// There are too many lanes.
    #[error("{0} lanes are replicated to all or to owners, at most {LANES_SENT_MAX} can be")]
    Lanes(usize),
    /// Their description is too long.
    #[error(
        "the description of the replicated columns takes {0} bytes, at most {SERVER_FRAME_BYTES_MAX} can be sent"
    )]
    Description(usize),
    /// Their values are too long.
    #[error(
        "the replicated values of an entity take {0} bits, at most {COLUMN_BITS_MAX} can be sent to all, and as many to its owner"
    )]
    Bits(u32),
}

/// Where a lane's code is, and what it means.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct LaneAt {
    at: usize,
    lane_type: LaneType,
    wire: Wire,
}

impl LaneAt {
    /// The value among an entity's codes; none where these have another length, or the lane is of another type.
    pub fn value<T: LaneValue>(&self, codes: &[u64]) -> Option<T> {
        let code = codes.get(self.at)?;
        (self.lane_type == T::TYPE).then(|| self.wire.decode(*code))
    }
}

impl WireColumns {
    /// Those of a world's columns that are replicated.
    ///
    /// # Errors
    /// [`ColumnsError`] when there are too many, or their values are too long.
    pub fn new<'a>(all: impl IntoIterator<Item = &'a ColumnSchema>) -> Result<Self, ColumnsError> {
        let is_sent = |column: &&ColumnSchema| column.replication.audience != Audience::Nobody;
        let mut columns: Vec<ColumnSchema> = all.into_iter().filter(is_sent).cloned().collect();
        columns.sort_by_key(|column| column.replication.audience == Audience::Owner);
        for column in &mut columns {
            column.durability = Durability::Transient; // that is nobody else's affair
        }
        if columns.len() > COLUMNS_MAX {
            return Err(ColumnsError::Columns(columns.len()));
        }
        let mut sent = Self::default();
        for (n, column) in columns.iter().enumerate() {
            let lanes = column.lanes.iter().map(|lane| Lane {
                column: n,
                bits: lane.wire.bits(lane.lane_type),
            });
            match column.replication.audience {
                Audience::Owner => sent.owned.extend(lanes),
                _ => sent.shared.extend(lanes),
            }
        }
        for lanes in [&sent.shared, &sent.owned] {
            if lanes.len() > LANES_SENT_MAX {
                return Err(ColumnsError::Lanes(lanes.len()));
            }
            let bits = bits_of(lanes);
            if bits > COLUMN_BITS_MAX {
                return Err(ColumnsError::Bits(bits));
            }
        }
        let sent = Self { columns, ..sent };
        sent.check_description()?;
        Ok(sent)
    }

    /// Whether clients will take what they are told of the columns.
    fn check_description(&self) -> Result<(), ColumnsError> {
        for column in &self.columns {
            let lanes = column.lanes.iter().map(|lane| &lane.name);
            let is_bad = |name: &&String| {
                !(1..=255).contains(&name.len()) || !name.chars().all(is_printable)
            };
            if let Some(name) = lanes.chain([&column.name]).find(is_bad) {
                return Err(ColumnsError::Name(name.clone()));
            }
            if column.replication.priority == 0 {
                return Err(ColumnsError::Priority(column.name.clone()));
            }
        }
        let mut description = Vec::new();
        self.encode(&mut description);
        match description.len() + 1 {
            0..=SERVER_FRAME_BYTES_MAX => Ok(()),
            bytes => Err(ColumnsError::Description(bytes)),
        }
    }

    /// Entities that a client can be sent complete sets of, [`crate::ENTITIES_MAX`] or fewer where their values are long. A server that would show
    /// more chooses before.
    pub fn entities_max(&self) -> usize {
        entities_max(bits_of(&self.shared))
    }

    /// They, those that all see first.
    pub fn schemas(&self) -> &[ColumnSchema] {
        &self.columns
    }

    /// Codes of an entity that all see.
    pub fn shared_lanes(&self) -> usize {
        self.shared.len()
    }

    /// Codes of an entity that its owner sees.
    pub fn owned_lanes(&self) -> usize {
        self.owned.len()
    }

    /// How often a second each shared lane is looked at; 0: always.
    pub(super) fn shared_rates(&self) -> impl Iterator<Item = u16> {
        self.shared.iter().map(|lane| self.rate_hz(lane))
    }

    /// And each lane that owners see.
    pub(crate) fn owned_rates(&self) -> impl Iterator<Item = u16> {
        self.owned.iter().map(|lane| self.rate_hz(lane))
    }

    fn rate_hz(&self, lane: &Lane) -> u16 {
        self.columns[lane.column].replication.rate_hz
    }

    /// Where a component's lane is, among the codes of its audience; none where no such column of that version is sent.
    pub fn lane<C: Component>(&self, name: &str) -> Option<LaneAt> {
        self.lane_of(C::NAME, name)
            .filter(|(version, _)| *version == C::VERSION)
            .map(|(_, lane)| lane)
    }

    /// The version of a column, and where its lane is.
    pub fn lane_of(&self, column: &str, name: &str) -> Option<(u16, LaneAt)> {
        let found = self.columns.iter().position(|c| c.name == column)?;
        let schema = &self.columns[found];
        let number = schema.lanes.iter().position(|lane| lane.name == name)?;
        let lanes = match schema.replication.audience {
            Audience::Owner => &self.owned,
            _ => &self.shared,
        };
        let first = lanes.iter().position(|lane| lane.column == found)?;
        let lane = &schema.lanes[number];
        let at = LaneAt {
            at: first + number,
            lane_type: lane.lane_type,
            wire: lane.wire,
        };
        Some((schema.version, at))
    }

    /// Runs of shared lanes, a column each.
    fn runs(&self) -> impl Iterator<Item = (usize, &[Lane])> {
        let runs = self.shared.chunk_by(|a, b| a.column == b.column);
        runs.scan(0, |at, lanes| {
            let first = *at;
            *at += lanes.len();
            Some((first, lanes))
        })
    }

    /// How much a change matters: the greatest priority of the columns that differ, 1 where none does.
    pub(super) fn priority(&self, now: &[u64], base: &[u64]) -> u16 {
        if is_same(now, base) {
            return 1;
        }
        let changed = self.runs().filter(|(at, lanes)| {
            let run = *at..at + lanes.len();
            !is_same(&now[run.clone()], &base[run])
        });
        let priority = |(_, lanes): (usize, &[Lane])| {
            let column = &self.columns[lanes[0].column];
            u16::from(column.replication.priority)
        };
        changed.map(priority).max().unwrap_or(1)
    }

    /// Writes what differs from a baseline.
    pub(super) fn push_changes(&self, bits: &mut ShortBits, now: &[u64], base: &[u64]) {
        if self.shared.is_empty() {
            return;
        }
        let is_changed = !is_same(now, base);
        bits.push(u64::from(is_changed), 1);
        if !is_changed {
            return;
        }
        for (at, lanes) in self.runs() {
            let run = at..at + lanes.len();
            let is_changed = !is_same(&now[run.clone()], &base[run.clone()]);
            bits.push(u64::from(is_changed), 1);
            if is_changed {
                push(bits, lanes, &now[run]);
            }
        }
    }

    /// Writes all that all see.
    pub(super) fn push_whole(&self, bits: &mut ShortBits, codes: &[u64]) {
        push(bits, &self.shared, codes);
    }

    /// Reads what differs from a baseline, and appends all codes.
    pub(super) fn read_changes(
        &self,
        reader: &mut BitReader<'_>,
        base: &[u64],
        out: &mut Vec<u64>,
    ) -> Result<(), WireError> {
        if self.shared.is_empty() {
            return Ok(());
        }
        if !reader.read_bool()? {
            out.extend_from_slice(base);
            return Ok(());
        }
        for (at, lanes) in self.runs() {
            if reader.read_bool()? {
                read(reader, lanes, out)?;
            } else {
                out.extend_from_slice(&base[at..at + lanes.len()]);
            }
        }
        Ok(())
    }

    /// Reads over what differs from a baseline.
    pub(super) fn skip_changes(&self, reader: &mut BitReader<'_>) -> Result<(), WireError> {
        if self.shared.is_empty() || !reader.read_bool()? {
            return Ok(());
        }
        for (_, lanes) in self.runs() {
            if reader.read_bool()? {
                for lane in lanes {
                    reader.read(lane.bits)?;
                }
            }
        }
        Ok(())
    }

    /// Reads all that all see, and appends the codes.
    pub(super) fn read_whole(
        &self,
        reader: &mut BitReader<'_>,
        out: &mut Vec<u64>,
    ) -> Result<(), WireError> {
        read(reader, &self.shared, out)
    }

    /// Writes what owners see.
    pub(crate) fn push_owned(&self, writer: &mut crate::bits::BitWriter<'_>, codes: &[u64]) {
        for (lane, code) in self.owned.iter().zip(codes) {
            writer.write(cut(*code, lane.bits), lane.bits);
        }
    }

    /// Reads what owners see.
    pub(crate) fn read_owned(&self, reader: &mut BitReader<'_>) -> Result<Vec<u64>, WireError> {
        let mut codes = Vec::with_capacity(self.owned.len());
        read(reader, &self.owned, &mut codes)?;
        Ok(codes)
    }
}

fn bits_of(lanes: &[Lane]) -> u32 {
    lanes.iter().map(|lane| lane.bits).sum()
}

/// No bit beyond the lane's gets out, whatever a caller put into a code.
fn cut(code: u64, bits: u32) -> u64 {
    if bits == 64 {
        code
    } else {
        code & ((1 << bits) - 1)
    }
}

fn push(bits: &mut ShortBits, lanes: &[Lane], codes: &[u64]) {
    for (lane, code) in lanes.iter().zip(codes) {
        bits.push(cut(*code, lane.bits), lane.bits);
    }
}

fn read(reader: &mut BitReader<'_>, lanes: &[Lane], out: &mut Vec<u64>) -> Result<(), WireError> {
    for lane in lanes {
        out.push(reader.read(lane.bits)?);
    }
    Ok(())
}

/// Whether codes are the same. They are a handful: to call for a comparison of memory takes longer than this.
#[inline]
pub(super) fn is_same(now: &[u64], base: &[u64]) -> bool {
    now.iter().zip(base).all(|(now, base)| now == base)
}
