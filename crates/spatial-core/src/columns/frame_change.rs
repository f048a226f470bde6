//! Entities seen from another frame: every column turns as its kind says.

use glam::{DQuat, DVec3};

use super::column::Column;
use super::kind::Kind;
use super::lane::{Lane, LaneType, LaneValue};
use super::table::Table;
use crate::frame::{FrameChange, FrameId, Position};

/// Why rows were not seen from another frame. The table is as before.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum FrameChangeError {
    /// There is no such row.
    #[error("entry {index} of the batch is row {row}, which does not exist")]
    Beyond {
        /// Place in the batch.
        index: usize,
        /// The row.
        row: u32,
    },
    /// A row would turn twice.
    #[error("entry {index} of the batch is row {row}, which it names before")]
    Twice {
        /// Place in the batch.
        index: usize,
        /// The row.
        row: u32,
    },
    /// A point is in another frame than the one that is left, or a value does not fit its lane any more: a place beyond
    /// ±32 km of the new origin, a vector beyond its type.
    #[error(
        "entry {index} of the batch: column {column} cannot hold row {row} in the new frame, or not from the old"
    )]
    Range {
        /// Place in the batch.
        index: usize,
        /// The row.
        row: u32,
        /// The column.
        column: String,
    },
    /// A loaded column that nobody has registered has lanes that its kind does not have.
    #[error("column {0} has lanes that its kind does not have")]
    Layout(String),
}

impl Table {
    /// Turns some rows of all columns from their frame into another, each as its [`Kind`] says; they count as changed.
    ///
    /// Points go as [`FrameChange::position`] says: exact to half their grid's unit. Integers are rounded to the nearest, ties to
    /// even. Level vectors (those of two lanes) stay in the plane and keep their length.
    ///
    /// # Errors
    /// [`FrameChangeError`] names the first row that cannot turn; then none does.
    pub fn change_frame(
        &mut self,
        change: &FrameChange,
        rows: &[u32],
    ) -> Result<(), FrameChangeError> {
        self.check_rows(rows)?;
        let (mut good, mut first) = (rows, Ok(()));
        for column in &mut self.columns {
            match turn_column(column, change, good, false) {
                Err(error @ FrameChangeError::Range { index, .. }) => {
                    (good, first) = (&rows[..index], Err(error));
                }
                other => other?,
            }
        }
        first?;
        for column in &mut self.columns {
            turn_column(column, change, rows, true)?;
        }
        Ok(())
    }

    fn check_rows(&mut self, rows: &[u32]) -> Result<(), FrameChangeError> {
        let (count, named) = (self.len(), &mut self.room.rows);
        named.resize(count);
        let check = |(index, row): (usize, &u32)| {
            let at = *row as usize;
            if at >= count {
                return Err(FrameChangeError::Beyond { index, row: *row });
            }
            if named.contains(at) {
                return Err(FrameChangeError::Twice { index, row: *row });
            }
            named.insert(at);
            Ok(())
        };
        let checked = rows.iter().enumerate().try_for_each(check);
        named.clear();
        checked
    }
}

/// Turns rows of a column, or only finds out whether they can.
fn turn_column(
    column: &mut Column,
    change: &FrameChange,
    rows: &[u32],
    writes: bool,
) -> Result<(), FrameChangeError> {
    let kind = column.kind();
    if matches!(kind, Kind::Scalar | Kind::Raw) {
        return Ok(());
    }
    let infos: Vec<_> = column.schema().lanes.iter().map(|l| l.unnamed()).collect();
    if !kind.accepts(&infos) {
        return Err(FrameChangeError::Layout(column.name().to_owned()));
    }
    let lanes = column.lanes_mut();
    let turned = match lanes.last().expect("a column has lanes").lane_type() {
        LaneType::I8 => turn_lanes::<i8>(kind, lanes, change, rows, writes),
        LaneType::I16 => turn_lanes::<i16>(kind, lanes, change, rows, writes),
        LaneType::I32 => turn_lanes::<i32>(kind, lanes, change, rows, writes),
        LaneType::F32 => turn_lanes::<f32>(kind, lanes, change, rows, writes),
        LaneType::F64 => turn_lanes::<f64>(kind, lanes, change, rows, writes),
        _ => turn_headings(lanes, change, rows, writes),
    };
    turned.map_err(|index| FrameChangeError::Range {
        index,
        row: rows[index],
        column: column.name().to_owned(),
    })?;
    if writes {
        rows.iter()
            .for_each(|row| column.changes.mark(*row as usize));
    }
    Ok(())
}

/// Turns the lanes of a kind that accepts them; the place in `rows` of the first that cannot.
fn turn_lanes<T: Number>(
    kind: Kind,
    lanes: &mut [Lane],
    change: &FrameChange,
    rows: &[u32],
    writes: bool,
) -> Result<(), usize> {
    let act = Act { rows, writes };
    let vector = |v: [f64; 3]| Some(change.vector(DVec3::from_array(v)).to_array());
    match (kind, lanes) {
        (Kind::Point, [x, y, z]) => act.on::<T, 3>([x, y, z], |at| T::point(change, at)),
        (Kind::Point, [frame, x, y, z]) => {
            let (here, elsewhere) = act.until_elsewhere(frame, change.from().id());
            here.on::<T, 3>([x, y, z], |at| T::point(change, at))?;
            elsewhere.map_or(Ok(()), Err)?;
            act.write_frames(frame, change.to().id());
            Ok(())
        }
        (Kind::Vector, [x, y, z]) => act.on::<T, 3>([x, y, z], vector),
        (Kind::Vector, [x, y]) => act.on::<T, 2>([x, y], |v| Some(level_vector(change, v))),
        (Kind::Rotation, [x, y, z, w]) => act.on::<T, 4>([x, y, z, w], |q| {
            let turned = change.rotation(DQuat::from_array(q.map(|e| e / T::ONE)));
            Some(turned.to_array().map(|e| e * T::ONE))
        }),
        _ => unreachable!("the kind accepts no other lanes"),
    }
}

/// What is left of a level vector in the new frame's plane, as long as before.
fn level_vector(change: &FrameChange, [x, y]: [f64; 2]) -> [f64; 2] {
    let turned = change.vector(DVec3::new(x, y, 0.0));
    let length = (turned.x * turned.x + turned.y * turned.y).sqrt();
    if length > 0.0 {
        let scale = (x * x + y * y).sqrt() / length;
        [turned.x * scale, turned.y * scale]
    } else {
        [0.0, 0.0]
    }
}

fn turn_headings(
    lanes: &mut [Lane],
    change: &FrameChange,
    rows: &[u32],
    writes: bool,
) -> Result<(), usize> {
    for lane in lanes.iter_mut().filter(|_| writes) {
        let headings = lane.values_mut::<u16>();
        for row in rows {
            let heading = &mut headings[*row as usize];
            *heading = change.heading(*heading);
        }
    }
    Ok(())
}

/// What is done to which rows.
#[derive(Clone, Copy)]
struct Act<'a> {
    rows: &'a [u32],
    writes: bool,
}

impl Act<'_> {
    /// Turns the numbers of N lanes together; the place in the batch of the first row that cannot.
    fn on<T: Number, const N: usize>(
        self,
        lanes: [&mut Lane; N],
        turn: impl Fn([f64; N]) -> Option<[f64; N]>,
    ) -> Result<(), usize> {
        let mut values = lanes.map(|lane| lane.values_mut::<T>());
        for (index, row) in self.rows.iter().enumerate() {
            let row = *row as usize;
            let before: [f64; N] = core::array::from_fn(|n| values[n][row].into());
            let after = turn(before).ok_or(index)?;
            for (values, after) in values.iter_mut().zip(after) {
                let after = T::nearest(after).ok_or(index)?;
                let value: f64 = after.into();
                if !value.is_finite() && before.iter().all(|value| value.is_finite()) {
                    return Err(index); // beyond a float
                }
                if self.writes {
                    values[row] = after;
                }
            }
        }
        Ok(())
    }

    /// The rows before the first that is in another frame, and that one's place in the batch.
    fn until_elsewhere(self, lane: &Lane, from: FrameId) -> (Self, Option<usize>) {
        let frames = lane.values::<FrameId>();
        let elsewhere = |row: &u32| frames[*row as usize] != from;
        let first = self.rows.iter().position(elsewhere);
        let rows = &self.rows[..first.unwrap_or(self.rows.len())];
        (Self { rows, ..self }, first)
    }

    fn write_frames(self, lane: &mut Lane, to: FrameId) {
        let frames = lane.values_mut::<FrameId>();
        for row in self.rows.iter().filter(|_| self.writes) {
            frames[*row as usize] = to;
        }
    }
}

/// The values of lanes that turn.
trait Number: LaneValue + Into<f64> {
    /// What stands for 1 in a quaternion.
    const ONE: f64;

    /// The nearest value, 0 for −0; none when it is out of range.
    fn nearest(value: f64) -> Option<Self>;

    /// A point; none when it is beyond the new frame's reach.
    fn point(change: &FrameChange, at: [f64; 3]) -> Option<[f64; 3]>;
}

macro_rules! integers {
    ($($integer:ty),+) => {
        $(impl Number for $integer {
            const ONE: f64 = Self::MAX as f64;

            fn nearest(value: f64) -> Option<Self> {
                let rounded = value.round_ties_even();
                let range = f64::from(Self::MIN)..=f64::from(Self::MAX);
                range.contains(&rounded).then_some(rounded as Self)
            }

            fn point(change: &FrameChange, at: [f64; 3]) -> Option<[f64; 3]> {
                let [x, y, z] = at.map(|units| units as i32);
                let frame = change.from().id();
                let turned = change.position(Position { frame, x, y, z }).ok()?;
                Some([turned.x, turned.y, turned.z].map(f64::from))
            }
        })+
    };
}

integers!(i8, i16, i32);

macro_rules! floats {
    ($($float:ty),+) => {
        $(impl Number for $float {
            const ONE: f64 = 1.0;

            fn nearest(value: f64) -> Option<Self> {
                Some(value as Self + 0.0)
            }

            fn point(change: &FrameChange, at: [f64; 3]) -> Option<[f64; 3]> {
                let (from, to) = (change.from(), change.to());
                let origins = from.origin().to_vec() - to.origin().to_vec();
                let planet = from.rotate_out(DVec3::from_array(at)) + origins;
                Some(to.rotate_in(planet).to_array())
            }
        })+
    };
}

floats!(f32, f64);
