//! Tables as bytes: everything, exactly, little-endian.
//!
//! ```text
//! "BMTABLE" 2            8 bytes: magic and format version
//! rows slots free cols   4 × u32
//! tags                   u32
//! ids                    rows × u64
//! slot of row            rows × u32
//! generation of slot     slots × u32
//! free slots             free × u32, last in first out from the end
//! column, cols times     name (u8 length, UTF-8) · kind u8 · version u16 · lanes u8, 1 to 32     256 at most
//!   lane, lanes times    name (u8 length, UTF-8) · type u8
//!   values, lanes times  rows × size of the type
//! tag, tags times        name (u8 length, UTF-8) · bits: ⌈rows/64⌉ × u64, row r in bit r%64 of word r/64   256 at most
//! ```
//! Format 1 ends with the columns: it has neither the number of tags nor tags. It is still read.
//!
//! Columns that are transient or derived are not saved, nor are consumers of changes: after a load everybody who has
//! not looked has everything to see. Wire formats belong to descriptions and are not saved either.
//!
//! A loaded table saves to the same bytes, if they are of format 2. There is no checksum here: whoever stores the bytes (checkpoint,
//! backup) checks them as a whole.

use super::bits::Bits;
use super::column::Column;
use super::ids::Ids;
use super::kind::{Durability, Kind, Replication};
use super::lane::{Lane, LaneType};
use super::schema::{ColumnSchema, LaneSchema};
use super::table::{COLUMNS_MAX, LANES_MAX, Table};
use super::tags::{TAGS_MAX, Tag};
use super::wire::Wire;
use crate::ids::EntityId;

const MAGIC: &[u8; 7] = b"BMTABLE";
const FORMAT: u8 = 2;
/// Without tags.
const FORMAT_1: u8 = 1;

// Lanes are saved as they lie in memory.
const _: () = assert!(cfg!(target_endian = "little"));

impl Table {
    /// Appends the table's bytes.
    pub fn save(&self, out: &mut Vec<u8>) {
        let slot_of_row = self.ids.slot_of_row();
        let (generations, free) = self.ids.slots.saved_parts();
        out.extend(MAGIC);
        out.push(FORMAT);
        let columns = self.columns.iter();
        let columns = columns.filter(|column| column.durability() == Durability::Durable);
        let counts = [
            self.len(),
            generations.len(),
            free.len(),
            columns.clone().count(),
            self.tags.len(),
        ];
        for count in counts {
            let count =
                u32::try_from(count).expect("rows, slots and columns are numbered by 32 bits");
            out.extend(count.to_le_bytes());
        }
        out.extend_from_slice(bytemuck::cast_slice(self.ids()));
        out.extend_from_slice(bytemuck::cast_slice(slot_of_row));
        out.extend(generations.flat_map(u32::to_le_bytes));
        out.extend_from_slice(bytemuck::cast_slice(free));
        columns.for_each(|column| save_column(column, out));
        for tag in &self.tags {
            save_name(&tag.name, out);
            out.extend_from_slice(bytemuck::cast_slice(tag.rows.words()));
        }
    }

    /// A table from its bytes. Its columns are readable through [`Table::columns`] and become a component's by
    /// [`Table::register`], which checks kind, version and lanes; those that nobody registers are kept and
    /// saved as they are.
    ///
    /// Memory is at most six times the bytes given and 4 MB; time is proportional to the bytes, unless somebody has chosen ids that
    /// collide in a hash table: then to the square of their number.
    ///
    /// # Errors
    /// [`LoadError`] when the bytes are not exactly one table.
    pub fn load(bytes: &[u8]) -> Result<Self, LoadError> {
        let mut reader = Reader(bytes);
        let format = reader.format()?;
        let [rows, slots, free, columns] =
            [reader.u32()?, reader.u32()?, reader.u32()?, reader.u32()?];
        let tags = if format == FORMAT_1 { 0 } else { reader.u32()? };
        let ids: Vec<EntityId> = reader.values(rows)?;
        let slot_of_row = reader.values(rows)?;
        let generations: Vec<u32> = reader.values(slots)?;
        let free = reader.values(free)?;
        if columns as usize > COLUMNS_MAX {
            return Err(LoadError::Columns(columns));
        }
        if tags as usize > TAGS_MAX {
            return Err(LoadError::Tags(tags));
        }
        let ids = Ids::from_saved_parts(ids, slot_of_row, &generations, free);
        let mut table = Self::of_ids(ids.ok_or(LoadError::Ids)?);
        for _ in 0..columns {
            let column = load_column(&mut reader, rows as usize)?;
            if table.column_named(column.name()).is_some() {
                return Err(LoadError::Column(column.name().to_owned()));
            }
            table.columns.push(column);
        }
        for _ in 0..tags {
            let tag = load_tag(&mut reader, rows as usize)?;
            if table.tag_named(&tag.name).is_some() {
                return Err(LoadError::Tag(tag.name));
            }
            table.tags.push(tag);
        }
        match reader.0.len() {
            0 => Ok(table),
            left => Err(LoadError::Trailing(left)),
        }
    }
}

fn save_column(column: &Column, out: &mut Vec<u8>) {
    save_name(column.name(), out);
    out.push(column.kind() as u8);
    out.extend(column.version().to_le_bytes());
    out.push(column.lanes().len() as u8); // at most LANES_MAX
    for lane in column.lanes() {
        save_name(lane.name(), out);
        out.push(lane.lane_type() as u8);
    }
    for lane in column.lanes() {
        out.extend_from_slice(lane.bytes());
    }
}

fn save_name(name: &str, out: &mut Vec<u8>) {
    let length = u8::try_from(name.len()).expect("names have at most 255 bytes");
    out.push(length);
    out.extend_from_slice(name.as_bytes());
}

fn load_column(reader: &mut Reader, rows: usize) -> Result<Column, LoadError> {
    let name = reader.name()?;
    let kind = Kind::from_code(reader.u8()?);
    let version = u16::from_le_bytes(reader.array()?);
    let count = usize::from(reader.u8()?);
    let (Some(kind), 1..=LANES_MAX) = (kind, count) else {
        return Err(LoadError::Column(name));
    };
    let mut shape = Vec::with_capacity(count);
    for _ in 0..count {
        let lane = reader.name()?;
        let lane_type = LaneType::from_code(reader.u8()?);
        let is_twin = shape.iter().any(|(other, _)| *other == lane);
        match lane_type {
            Some(lane_type) if !is_twin => shape.push((lane, lane_type)),
            _ => return Err(LoadError::Column(name)),
        }
    }
    let mut lanes = Vec::with_capacity(count);
    for (lane, lane_type) in &shape {
        let bytes = rows.checked_mul(lane_type.bytes());
        let bytes = reader.take(bytes.ok_or(LoadError::Truncated)?)?;
        let mut lane = Lane::zeros(lane, *lane_type, rows);
        lane.bytes_mut().copy_from_slice(bytes);
        lanes.push(lane);
    }
    let lane_schema = |(name, lane_type)| LaneSchema {
        name,
        lane_type,
        wire: Wire::Whole,
    };
    let schema = ColumnSchema {
        name,
        kind,
        version,
        durability: Durability::Durable,
        replication: Replication::NONE,
        lanes: shape.into_iter().map(lane_schema).collect(),
    };
    Ok(Column::loaded(lanes, schema))
}

fn load_tag(reader: &mut Reader, rows: usize) -> Result<Tag, LoadError> {
    let name = reader.name()?;
    let words = reader.values(rows.div_ceil(64) as u32)?;
    match Bits::from_words(words, rows) {
        Some(bits) => Ok(Tag::new(name, bits)),
        None => Err(LoadError::Tag(name)),
    }
}

/// Takes values off the front of bytes.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// The magic bytes and the format's number.
    fn format(&mut self) -> Result<u8, LoadError> {
        if &self.array()? != MAGIC {
            return Err(LoadError::Magic);
        }
        match self.u8()? {
            format @ (FORMAT | FORMAT_1) => Ok(format),
            format => Err(LoadError::Format(format)),
        }
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], LoadError> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(LoadError::Truncated)?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], LoadError> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(LoadError::Truncated)?;
        self.0 = rest;
        Ok(*taken)
    }

    fn u8(&mut self) -> Result<u8, LoadError> {
        Ok(self.array::<1>()?[0])
    }

    fn u32(&mut self) -> Result<u32, LoadError> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    /// So many values; nothing is allocated before the bytes are known to be there.
    fn values<T: bytemuck::Pod>(&mut self, count: u32) -> Result<Vec<T>, LoadError> {
        let count = count as usize;
        let bytes = count.checked_mul(size_of::<T>());
        let bytes = self.take(bytes.ok_or(LoadError::Truncated)?)?;
        let mut values = vec![T::zeroed(); count];
        bytemuck::cast_slice_mut(&mut values).copy_from_slice(bytes);
        Ok(values)
    }

    fn name(&mut self) -> Result<String, LoadError> {
        let length = usize::from(self.u8()?);
        match core::str::from_utf8(self.take(length)?) {
            Ok(name) if !name.is_empty() => Ok(name.to_owned()),
            _ => Err(LoadError::Name),
        }
    }
}

/// Why bytes are not a saved table.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum LoadError {
    /// They do not begin as a saved table does.
    #[error("not a saved table")]
    Magic,
    /// They are of a format that this version does not know.
    #[error("saved table has format {0}, want {FORMAT} or {FORMAT_1}")]
    Format(u8),
    /// They end too early.
    #[error("saved table is truncated")]
    Truncated,
    /// They go on after the last column.
    #[error("{0} bytes after the end of a saved table")]
    Trailing(usize),
    /// Ids, slots and free list contradict each other.
    #[error("ids and slots of a saved table contradict each other")]
    Ids,
    /// There are more columns than a table can have.
    #[error("saved table has {0} columns, more than {COLUMNS_MAX}")]
    Columns(u32),
    /// There are more tags than a table can have.
    #[error("saved table has {0} tags, more than {TAGS_MAX}")]
    Tags(u32),
    /// A name is empty or no UTF-8.
    #[error("saved table has an unreadable name")]
    Name,
    /// A column is there twice, or its kind, lane types or number of lanes are unknown.
    #[error("column {0:?} of a saved table is there twice or of unknown shape")]
    Column(String),
    /// A tag is there twice, or given to rows behind the last.
    #[error("tag {0:?} of a saved table is there twice or on rows that do not exist")]
    Tag(String),
}
