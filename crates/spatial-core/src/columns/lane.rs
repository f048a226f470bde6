//! A lane: one field of a component for all rows, contiguous and aligned.

use bytemuck::{Pod, Zeroable, must_cast_slice, must_cast_slice_mut};

use crate::frame::FrameId;
use crate::ids::EntityId;

/// The machine type of a lane.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
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

    /// The type of a saved code.
    pub(crate) fn from_code(code: u8) -> Option<Self> {
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
pub trait LaneValue: Pod {
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
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct LaneInfo {
    /// The field's name, 1 to 255 bytes.
    pub name: &'static str,
    /// The field's machine type.
    pub lane_type: LaneType,
}

/// The unit of allocation: lanes start at multiples of a cache line, which is also the widest vector.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C, align(64))]
struct Line([u64; 8]);

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
    pub(crate) fn new(name: &str, lane_type: LaneType, rows: usize) -> Self {
        let mut lane = Self {
            name: name.to_owned(),
            lane_type,
            rows: 0,
            lines: Vec::new(),
        };
        lane.resize(rows);
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

    /// Appends a zero.
    pub(crate) fn push_zero(&mut self) {
        self.resize(self.rows + 1);
    }

    /// Removes a row; the last one takes its place.
    pub(crate) fn swap_remove(&mut self, row: usize) {
        let size = self.lane_type.bytes();
        let last = self.rows - 1;
        let bytes = self.bytes_mut();
        bytes.copy_within(last * size..(last + 1) * size, row * size);
        bytes[last * size..].fill(0);
        self.resize(last);
    }

    fn resize(&mut self, rows: usize) {
        let bytes = rows * self.lane_type.bytes();
        self.lines
            .resize(bytes.div_ceil(size_of::<Line>()), Line::zeroed());
        self.rows = rows;
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
