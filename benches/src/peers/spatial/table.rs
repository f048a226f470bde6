//! Our columns, as the races want them.

use spatial_core::{Component, Consumer, EntityId, Handle, Table};

use super::super::rivals::{EntityStore, Handles, Mover};

#[derive(Clone, Copy, Component)]
#[component(name = "place", kind = point, version = 1)]
struct Place {
    x: f32,
    y: f32,
    z: f32,
}

#[derive(Clone, Copy, Component)]
#[component(name = "velocity", kind = vector, version = 1)]
struct Velocity {
    x: f32,
    y: f32,
    z: f32,
}

/// A table of two columns.
pub(crate) struct Ours {
    table: Table,
    handles: Handles<Handle>,
    ids: Handles<EntityId>, // the same selection
    next_id: u64,
}

impl Default for Ours {
    fn default() -> Self {
        let mut table = Table::new();
        table.register::<Place>().expect("a new table");
        table.register::<Velocity>().expect("another column");
        Self {
            table,
            handles: Handles::default(),
            ids: Handles::default(),
            next_id: 1,
        }
    }
}

impl EntityStore for Ours {
    fn name(&self) -> &'static str {
        "ours"
    }

    fn select(&mut self, numbers: &[u32]) {
        self.handles.select(numbers);
        self.ids.select(numbers);
    }

    fn assign(&mut self, numbers: &[u32]) {
        self.handles.assign(numbers);
        self.ids.assign(numbers);
    }

    fn spawn(&mut self, movers: &[Mover]) {
        let ids = &mut self.ids.selected;
        ids.clear();
        ids.extend((self.next_id..).map(EntityId).take(movers.len()));
        self.next_id += movers.len() as u64;
        let rows = self.table.spawn_batch(ids).expect("new ids");
        let places = self.table.lanes_mut_in::<Place>(rows.clone());
        for (row, mover) in movers.iter().enumerate() {
            [places.x[row], places.y[row], places.z[row]] = mover.place;
        }
        let velocities = self.table.lanes_mut_in::<Velocity>(rows.clone());
        for (row, mover) in movers.iter().enumerate() {
            [velocities.x[row], velocities.y[row], velocities.z[row]] = mover.velocity;
        }
        let handles = &mut self.handles.selected;
        handles.clear();
        handles.extend(rows.map(|row| self.table.handle_at(row)));
    }

    fn despawn(&mut self) {
        let ids = &self.ids.selected;
        self.table.despawn_batch(ids).expect("all are there");
    }

    fn advance(&mut self) {
        self.table
            .blocks::<(&mut Place, &Velocity)>(|_, (place, velocity)| {
                add(place.x, velocity.x);
                add(place.y, velocity.y);
                add(place.z, velocity.z);
            });
    }

    fn look_up(&mut self) -> f32 {
        let x = self.table.lanes::<Place>().x;
        let place = |handle: &Handle| x[self.table.row_of(*handle).expect("it is there")];
        self.handles.selected.iter().map(place).sum()
    }

    fn place(&mut self, number: u32) -> [f32; 3] {
        let row = self.table.row_of(self.handles.by_number[number as usize]);
        let Place { x, y, z } = self.table.get(row.expect("it is there"));
        [x, y, z]
    }

    fn len(&mut self) -> usize {
        self.table.len()
    }
}

fn add(places: &mut [f32], velocities: &[f32]) {
    for (place, velocity) in places.iter_mut().zip(velocities) {
        *place += *velocity;
    }
}

/// A column of which few rows change, and one that looks for them.
pub(crate) struct Watched {
    table: Table,
    consumer: Consumer,
}

#[derive(Clone, Copy, Component)]
#[component(name = "value", kind = scalar, version = 1)]
struct Value {
    value: f32,
}

impl Watched {
    pub(crate) fn new(count: usize) -> Self {
        let mut table = Table::new();
        let column = table.register::<Value>().expect("a new table");
        let ids: Vec<_> = (1..=count as u64).map(EntityId).collect();
        table.spawn_batch(&ids).expect("new ids");
        let consumer = table.add_consumer(column).expect("the first");
        let mut watched = Self { table, consumer };
        watched.changed(&mut Vec::new()); // at first everybody is new
        watched
    }

    pub(crate) fn change(&mut self, rows: &[u32]) {
        for row in rows {
            self.table.set(*row as usize, Value { value: 1.0 });
        }
    }

    /// The rows that have changed, and forgets them.
    pub(crate) fn changed(&mut self, rows: &mut Vec<u32>) {
        rows.clear();
        self.table
            .drain_changes(self.consumer, |row| rows.push(row as u32))
            .expect("a consumer of this table");
    }
}
