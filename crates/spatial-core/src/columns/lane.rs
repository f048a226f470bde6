//! A lane: one field of a component for all rows, contiguous and aligned.

use bytemuck::{Pod, Zeroable, must_cast_slice, must_cast_slice_mut};
use serde::Serialize;

use super::moves::Move;
use super::prefetch::{AHEAD, prefetch};
use super::wire::Wire;
use crate::frame::FrameId;
use crate::ids::EntityId;

/// The machine type of a lane.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
#[repr(u8)]
#[expect(missing_docs, reason = "the names are the types")]
pub enum LaneType {
    I8 = 1,
    I16 = 2,
    I32 = 3,
    I64 = 4,
    U8 = 5,
    U16 = 6,
    U32 = 7,
    U64 = 8,
    F32 = 9,
    F64 = 10,
}

impl LaneType {
    const ALL: [Self; 10] = [
        Self::I8,
        Self::I16,
        Self::I32,
        Self::I64,
        Self::U8,
        Self::U16,
        Self::U32,
        Self::U64,
        Self::F32,
        Self::F64,
    ];

    /// Bytes of one value.
    pub const fn bytes(self) -> usize {
        match self {
            Self::I8 | Self::U8 => 1,
            Self::I16 | Self::U16 => 2,
            Self::I32 | Self::U32 | Self::F32 => 4,
            Self::I64 | Self::U64 | Self::F64 => 8,
        }
    }

    /// Whether values are floating-point numbers.
    pub const fn is_float(self) -> bool {
        matches!(self, Self::F32 | Self::F64)
    }

    /// Least and greatest number that a quantised lane holds: 64-bit integers are exact as f64 within ±2⁵³ only.
    pub(crate) const fn range(self) -> (f64, f64) {
        const EXACT: f64 = (1u64 << 53) as f64;
        match self {
            Self::I8 => (i8::MIN as f64, i8::MAX as f64),
            Self::I16 => (i16::MIN as f64, i16::MAX as f64),
            Self::I32 => (i32::MIN as f64, i32::MAX as f64),
            Self::I64 => (-EXACT, EXACT),
            Self::U8 => (0.0, u8::MAX as f64),
            Self::U16 => (0.0, u16::MAX as f64),
            Self::U32 => (0.0, u32::MAX as f64),
            Self::U64 => (0.0, EXACT),
            Self::F32 => (f32::MIN as f64, f32::MAX as f64),
            Self::F64 => (f64::MIN, f64::MAX),
        }
    }

    /// The type of a code: the number of the variant.
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|t| *t as u8 == code)
    }
}

/// A value that a lane can hold: a scalar, or a `#[repr(transparent)]` plain-old-data newtype of one. All zeros is
/// a legal value: that is what a new row holds.
///
/// ```
/// use spatial_core::{LaneType, LaneValue};
///
/// #[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
/// #[repr(transparent)]
/// struct Team(u16);
///
/// impl LaneValue for Team {
///     const TYPE: LaneType = LaneType::U16;
/// }
/// ```
pub trait LaneValue: Pod + Send + Sync {
    /// The machine type, of the same size.
    const TYPE: LaneType;
}

macro_rules! lane_values {
    ($($value:ty: $variant:ident),+ $(,)?) => {
        $(impl LaneValue for $value {
            const TYPE: LaneType = LaneType::$variant;
        })+
    };
}

lane_values!(
    i8: I8, i16: I16, i32: I32, i64: I64, u8: U8, u16: U16, u32: U32, u64: U64, f32: F32, f64: F64,
    EntityId: U64, FrameId: U64,
);

/// What a component declares about one of its lanes.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct LaneInfo {
    /// The field's name, 1 to 255 bytes.
    pub name: &'static str,
    /// The field's machine type.
    pub lane_type: LaneType,
    /// How its values travel.
    pub wire: Wire,
}

/// The unit of allocation: lanes start at multiples of a cache line, which is also the widest vector.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C, align(64))]
pub(crate) struct Line([u64; 8]);

/// The values of one field for all rows of a table.
#[derive(Clone)]
pub struct Lane {
    name: String,
    lane_type: LaneType,
    rows: usize,
    lines: Vec<Line>, // just enough for the rows; the rest of the last line is zero
}

impl Lane {
    /// A lane of zeros.
    pub fn zeros(name: &str, lane_type: LaneType, rows: usize) -> Self {
        let mut lane = Self {
            name: name.to_owned(),
            lane_type,
            rows: 0,
            lines: Vec::new(),
        };
        lane.resize(rows);
        lane
    }

    /// A lane of these values.
    pub fn from_values<T: LaneValue>(name: &str, values: &[T]) -> Self {
        let mut lane = Self::zeros(name, T::TYPE, values.len());
        lane.values_mut::<T>().copy_from_slice(values);
        lane
    }

    /// The field's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The field's machine type.
    pub fn lane_type(&self) -> LaneType {
        self.lane_type
    }

    /// One value a row.
    ///
    /// # Panics
    /// When `T` is not of the lane's type.
    pub fn values<T: LaneValue>(&self) -> &[T] {
        self.assert_holds::<T>();
        &must_cast_slice(&self.lines)[..self.rows]
    }

    /// One value a row, to write.
    ///
    /// # Panics
    /// When `T` is not of the lane's type.
    pub fn values_mut<T: LaneValue>(&mut self) -> &mut [T] {
        self.assert_holds::<T>();
        &mut must_cast_slice_mut(&mut self.lines)[..self.rows]
    }

    /// The values of all rows as they lie in memory (little-endian on every target that is built for).
    pub fn bytes(&self) -> &[u8] {
        &must_cast_slice(&self.lines)[..self.rows * self.lane_type.bytes()]
    }

    /// As [`Lane::bytes`], to write.
    pub(crate) fn bytes_mut(&mut self) -> &mut [u8] {
        &mut must_cast_slice_mut(&mut self.lines)[..self.rows * self.lane_type.bytes()]
    }

    /// The bytes of one row's value.
    pub(crate) fn row_bytes(&self, row: usize) -> &[u8] {
        let size = self.lane_type.bytes();
        &self.bytes()[row * size..(row + 1) * size]
    }

    /// The code of a row's value, as it travels.
    ///
    /// # Panics
    /// When there is no such row.
    pub fn code(&self, wire: Wire, row: usize) -> u64 {
        match self.lane_type {
            LaneType::I8 => wire.encode(self.values::<i8>()[row]),
            LaneType::I16 => wire.encode(self.values::<i16>()[row]),
            LaneType::I32 => wire.encode(self.values::<i32>()[row]),
            LaneType::I64 => wire.encode(self.values::<i64>()[row]),
            LaneType::U8 => wire.encode(self.values::<u8>()[row]),
            LaneType::U16 => wire.encode(self.values::<u16>()[row]),
            LaneType::U32 => wire.encode(self.values::<u32>()[row]),
            LaneType::U64 => wire.encode(self.values::<u64>()[row]),
            LaneType::F32 => wire.encode(self.values::<f32>()[row]),
            LaneType::F64 => wire.encode(self.values::<f64>()[row]),
        }
    }

    /// Values.
    pub fn len(&self) -> usize {
        self.rows
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// Makes room for more rows.
    pub(crate) fn reserve(&mut self, more: usize) {
        let lines = lines_of(self.lane_type, self.rows + more);
        self.lines.reserve(lines - self.lines.len());
    }

    /// Changes the number of rows; new ones are zero.
    pub(crate) fn resize(&mut self, rows: usize) {
        let lines = lines_of(self.lane_type, rows);
        if rows < self.rows && lines > 0 {
            let end = (rows * self.lane_type.bytes()).min(lines * size_of::<Line>());
            let all: &mut [u8] = must_cast_slice_mut(&mut self.lines[..lines]);
            all[end..].fill(0);
        }
        self.lines.resize(lines, Line::zeroed());
        self.rows = rows;
    }

    /// Follows rows that move into gaps; what is behind `rows` is gone.
    pub(crate) fn compact(&mut self, moves: &[Move], rows: usize) {
        match self.lane_type.bytes() {
            1 => self.follow::<u8>(moves),
            2 => self.follow::<u16>(moves),
            4 => self.follow::<u32>(moves),
            _ => self.follow::<u64>(moves),
        }
        self.resize(rows);
    }

    fn follow<T: Pod>(&mut self, moves: &[Move]) {
        let values: &mut [T] = bytemuck::cast_slice_mut(&mut self.lines);
        for (n, Move { from, to }) in moves.iter().enumerate() {
            if let Some(later) = moves.get(n + AHEAD) {
                prefetch(&values[later.to as usize]);
            }
            values[*to as usize] = values[*from as usize];
        }
    }

    /// Row n becomes what row `order[n]` was; `spare` is room to work in.
    pub(crate) fn reorder(&mut self, order: &[u32], spare: &mut Vec<Line>) {
        spare.clear();
        spare.resize(self.lines.len(), Line::zeroed());
        match self.lane_type.bytes() {
            1 => gather::<u8>(&self.lines, order, spare),
            2 => gather::<u16>(&self.lines, order, spare),
            4 => gather::<u32>(&self.lines, order, spare),
            _ => gather::<u64>(&self.lines, order, spare),
        }
        // Not swapped: lanes of different sizes would trade their buffers, and grow them for ever.
        self.lines.copy_from_slice(spare);
    }

    fn assert_holds<T: LaneValue>(&self) {
        const { assert!(size_of::<T>() == T::TYPE.bytes()) };
        assert_eq!(T::TYPE, self.lane_type, "type of lane {}", self.name);
    }

    /// Panics unless the lane has this many rows and zeros behind them.
    pub(crate) fn assert_well_formed(&self, rows: usize) {
        assert_eq!(self.rows, rows, "rows of lane {}", self.name);
        let all: &[u8] = must_cast_slice(&self.lines);
        let (used, spare) = all.split_at(rows * self.lane_type.bytes());
        assert!(spare.len() < size_of::<Line>() && spare.iter().all(|b| *b == 0));
        assert_eq!(used.as_ptr() as usize % size_of::<Line>(), 0);
    }
}

fn lines_of(lane_type: LaneType, rows: usize) -> usize {
    (rows * lane_type.bytes()).div_ceil(size_of::<Line>())
}

fn gather<T: Pod>(from: &[Line], order: &[u32], to: &mut [Line]) {
    let from: &[T] = bytemuck::cast_slice(from);
    let to: &mut [T] = bytemuck::cast_slice_mut(to);
    for (to, row) in to.iter_mut().zip(order) {
        *to = from[*row as usize];
    }
}
