//! Where two worlds differ: who, and in what.

use core::fmt;

use spatial_core::{Column, Durability, EntityId, Lane, LaneType};

use crate::world::World;

/// The first thing in which two worlds differ.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Difference {
    /// They are no two runs of one world.
    Start,
    /// They are not at the same tick.
    Tick {
        /// Of one.
        left: u64,
        /// Of the other.
        right: u64,
    },
    /// An agent is in one of them only.
    Missing {
        /// The agent.
        entity: EntityId,
        /// Whether it is in the left one.
        is_left: bool,
    },
    /// A column, or a tag, is in one of them only, or is another one there.
    Column {
        /// Its name.
        name: String,
    },
    /// An agent's value of a column, or whether it has a tag.
    Value {
        /// The agent.
        entity: EntityId,
        /// The column or tag.
        column: String,
        /// The lane; empty of a tag.
        lane: String,
        /// The value in one.
        left: String,
        /// The value in the other.
        right: String,
    },
    /// Something that no agent has: kinds, carriers, names on lease, events on their way, obstacles, the ledger, resident terrain.
    Part {
        /// What.
        name: &'static str,
    },
}

impl World {
    /// The first thing in which two worlds differ; `None` when their states are the same.
    ///
    /// Agents are compared by rising id, of each its columns and tags by name; then what no agent has. What is not state (transient and
    /// derived columns, staged terrain, the order of rows) is not looked at. Costs about as much as two hashes.
    pub fn difference(&self, other: &Self) -> Option<Difference> {
        if self.start_hash() != other.start_hash() {
            return Some(Difference::Start);
        }
        if self.tick() != other.tick() {
            return Some(Difference::Tick {
                left: self.tick(),
                right: other.tick(),
            });
        }
        let agents = self.difference_of_columns(other);
        let agents = agents.or_else(|| self.difference_of_agents(other));
        agents.or_else(|| {
            let parts = self.parts().into_iter().zip(other.parts());
            let mut parts = parts.filter(|(left, right)| left != right);
            parts.next().map(|((name, _), _)| Difference::Part { name })
        })
    }

    fn difference_of_columns(&self, other: &Self) -> Option<Difference> {
        let (mut left, mut right) = (self.described(), other.described());
        left.sort();
        right.sort();
        let only = |a: &[(String, String)], b: &[(String, String)]| {
            a.iter().find(|column| !b.contains(column)).cloned()
        };
        let found = only(&left, &right).or_else(|| only(&right, &left));
        found.map(|(name, _)| Difference::Column { name })
    }

    /// Names of durable columns and of tags, each with all else that must be the same.
    fn described(&self) -> Vec<(String, String)> {
        let columns = durable(self).map(|column| {
            let schema = column.schema();
            (schema.name.clone(), format!("{schema:?}"))
        });
        let tags = self
            .table
            .tag_names()
            .map(|name| (name.to_owned(), String::new()));
        columns.chain(tags).collect()
    }

    fn difference_of_agents(&self, other: &Self) -> Option<Difference> {
        let (left, right) = (by_id(self), by_id(other));
        let (mut left, mut right) = (left.iter().peekable(), right.iter().peekable());
        loop {
            let (a, b) = match (left.peek(), right.peek()) {
                (None, None) => return None,
                (Some((a, _)), Some((b, _))) if a == b => (left.next()?.1, right.next()?.1),
                (a, b) => {
                    // Nobody's id is beyond all others, so who is first is alone.
                    let id = |at: Option<&&(EntityId, usize)>| at.map(|at| at.0);
                    let is_left = id(b).is_none_or(|b| id(a).is_some_and(|a| a < b));
                    let entity = if is_left { id(a)? } else { id(b)? };
                    return Some(Difference::Missing { entity, is_left });
                }
            };
            let are_same = self.table.hash_row(a) == other.table.hash_row(b);
            if let Some(found) = (!are_same)
                .then(|| self.difference_of_rows(other, a, b))
                .flatten()
            {
                return Some(found);
            }
        }
    }

    fn difference_of_rows(&self, other: &Self, a: usize, b: usize) -> Option<Difference> {
        let mut columns: Vec<&Column> = durable(self).collect();
        columns.sort_by_key(|column| column.name());
        let entity = self.ids()[a];
        for column in columns {
            let twin = other.table.column_named(column.name())?;
            let twins = other.table.column(twin).lanes();
            for (lane, twin) in column.lanes().iter().zip(twins) {
                if bytes(lane, a) != bytes(twin, b) {
                    return Some(Difference::Value {
                        entity,
                        column: column.name().to_owned(),
                        lane: lane.name().to_owned(),
                        left: text(lane, a),
                        right: text(twin, b),
                    });
                }
            }
        }
        let mut tags: Vec<&str> = self.table.tag_names().collect();
        tags.sort_unstable();
        tags.into_iter().find_map(|name| {
            let has = |world: &Self, row| {
                let tag = world.table.tag_named(name);
                tag.is_some_and(|tag| world.table.has_tag(tag, row))
            };
            let (left, right) = (has(self, a), has(other, b));
            (left != right).then(|| Difference::Value {
                entity,
                column: name.to_owned(),
                lane: String::new(),
                left: left.to_string(),
                right: right.to_string(),
            })
        })
    }

    /// What no agent has, by name, as bytes.
    fn parts(&self) -> [(&'static str, Vec<u8>); 4] {
        let mut others = Vec::new();
        self.encode_others(&mut others);
        let mut ledger = Vec::new();
        self.ledger.encode(&mut ledger);
        let tiles = self.ground.inventory();
        let tiles = tiles.flat_map(|(tile, checksum)| [tile.to_u64(), checksum]);
        [
            (
                "kinds, carriers, names on lease or events on their way",
                others,
            ),
            ("obstacles", self.statics.hash().to_le_bytes().to_vec()),
            ("the ledger", ledger),
            (
                "resident terrain",
                tiles.flat_map(u64::to_le_bytes).collect(),
            ),
        ]
    }
}

fn durable(world: &World) -> impl Iterator<Item = &Column> {
    let columns = world.table.columns().iter();
    columns.filter(|column| column.durability() == Durability::Durable)
}

/// Ids and rows, by rising id.
fn by_id(world: &World) -> Vec<(EntityId, usize)> {
    let mut rows: Vec<_> = world.ids().iter().copied().zip(0..).collect();
    rows.sort_unstable();
    rows
}

fn bytes(lane: &Lane, row: usize) -> &[u8] {
    let size = lane.lane_type().bytes();
    &lane.bytes()[row * size..(row + 1) * size]
}

/// A value as text.
fn text(lane: &Lane, row: usize) -> String {
    match lane.lane_type() {
        LaneType::I8 => lane.values::<i8>()[row].to_string(),
        LaneType::I16 => lane.values::<i16>()[row].to_string(),
        LaneType::I32 => lane.values::<i32>()[row].to_string(),
        LaneType::I64 => lane.values::<i64>()[row].to_string(),
        LaneType::U8 => lane.values::<u8>()[row].to_string(),
        LaneType::U16 => lane.values::<u16>()[row].to_string(),
        LaneType::U32 => lane.values::<u32>()[row].to_string(),
        LaneType::U64 => lane.values::<u64>()[row].to_string(),
        LaneType::F32 => lane.values::<f32>()[row].to_string(),
        LaneType::F64 => lane.values::<f64>()[row].to_string(),
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let side = |is_left: bool| if is_left { "left" } else { "right" };
        match self {
            Self::Start => write!(f, "they are no two runs of one world"),
            Self::Tick { left, right } => write!(f, "tick {left} left, tick {right} right"),
            Self::Missing { entity, is_left } => {
                write!(f, "{entity} is in the {} one only", side(*is_left))
            }
            Self::Column { name } => write!(f, "the column {name} is not the same in both"),
            Self::Value {
                entity,
                column,
                lane,
                left,
                right,
            } => write!(f, "{entity}, {column}.{lane}: {left} left, {right} right"),
            Self::Part { name } => write!(f, "{name}"),
        }
    }
}
