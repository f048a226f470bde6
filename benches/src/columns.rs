//! Columns: passes, spawns and despawns, look-ups, changes, orders, saves.

use spatial_core::{Component, Consumer, EntityId, Handle, Table};

use crate::case::{Case, Size, hash_of};
use crate::seeded::Seeded;

/// Where something is, metres.
#[derive(Clone, Copy, Component)]
#[component(name = "place", kind = point, version = 1)]
pub(crate) struct Place {
    pub(crate) x: f32,
    pub(crate) y: f32,
    pub(crate) z: f32,
}

/// How far it goes in a tick, metres.
#[derive(Clone, Copy, Component)]
#[component(name = "velocity", kind = vector, version = 1)]
pub(crate) struct Velocity {
    pub(crate) x: f32,
    pub(crate) y: f32,
    pub(crate) z: f32,
}

const FEW: usize = 10_000;
const MANY: usize = 1_000_000;

fn ids(count: usize) -> Vec<EntityId> {
    (1..=count as u64).map(EntityId).collect()
}

fn empty() -> Table {
    let mut table = Table::new();
    table.register::<Place>().expect("the table has no column");
    table.register::<Velocity>().expect("it has another name");
    table
}

fn crowd(count: usize) -> Table {
    let mut table = empty();
    let spawned = table.spawn_batch(&ids(count));
    spawned.expect("ids that differ");
    let mut seeded = Seeded(6);
    let mut fill = |lane: &mut [f32]| lane.fill_with(|| seeded.signed() as f32);
    let (_, (place, velocity)) = table.split_mut::<(&mut Place, &mut Velocity)>();
    for lane in [
        place.x, place.y, place.z, velocity.x, velocity.y, velocity.z,
    ] {
        fill(lane);
    }
    table
}

fn hash_places(table: &Table) -> u64 {
    let place = table.lanes::<Place>();
    let lanes = [place.x, place.y, place.z].into_iter().flatten();
    hash_of(lanes.map(|value| value.to_bits().into()))
}

#[inline(never)]
fn add(to: &mut [f32], what: &[f32]) {
    for (to, what) in to.iter_mut().zip(what) {
        *to += *what;
    }
}

/// Position += velocity, three f32 of each.
pub(crate) struct Iterate {
    table: Table,
    threads: bool,
}

impl Iterate {
    pub(crate) fn of_ten_thousand(size: Size) -> Self {
        Self {
            table: crowd(size.of(FEW)),
            threads: false,
        }
    }

    pub(crate) fn of_a_million(size: Size) -> Self {
        Self {
            table: crowd(size.of(MANY)),
            threads: false,
        }
    }

    /// On rayon's threads.
    pub(crate) fn in_parallel(size: Size) -> Self {
        Self {
            threads: true,
            ..Self::of_a_million(size)
        }
    }
}

impl Case for Iterate {
    fn operations(&self) -> u64 {
        self.table.len() as u64
    }

    fn run(&mut self) {
        type Pass<'a> = (&'a mut Place, &'a Velocity);
        if self.threads {
            self.table.par_blocks::<Pass<'_>>(|_, (place, velocity)| {
                add(place.x, velocity.x);
                add(place.y, velocity.y);
                add(place.z, velocity.z);
            });
        } else {
            self.table.blocks::<Pass<'_>>(|_, (place, velocity)| {
                add(place.x, velocity.x);
                add(place.y, velocity.y);
                add(place.z, velocity.z);
            });
        }
    }

    fn hash(&self) -> u64 {
        hash_places(&self.table)
    }
}

/// In which order entities are despawned.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    /// As they were spawned.
    Spawned,
    /// Any.
    Random,
}

/// A batch is spawned and despawned; each of both is an operation.
pub(crate) struct Batches {
    table: Table,
    spawned: Vec<EntityId>,
    despawned: Vec<EntityId>,
    rows: u64,
}

impl Batches {
    pub(crate) fn of_ten_thousand(size: Size, order: Order) -> Self {
        Self::new(0, size.of(FEW), order)
    }

    pub(crate) fn of_a_million(size: Size, order: Order) -> Self {
        Self::new(0, size.of(MANY), order)
    }

    /// Ten thousand, among a million who stay.
    pub(crate) fn among_a_million(size: Size, order: Order) -> Self {
        Self::new(size.of(MANY), size.of(FEW), order)
    }

    fn new(staying: usize, count: usize, order: Order) -> Self {
        let table = crowd(staying);
        let spawned = ids(staying + count).split_off(staying);
        let mut despawned = spawned.clone();
        if order == Order::Random {
            Seeded(7).shuffle(&mut despawned);
        }
        Self {
            table,
            spawned,
            despawned,
            rows: 0,
        }
    }
}

impl Case for Batches {
    fn operations(&self) -> u64 {
        2 * self.spawned.len() as u64
    }

    fn run(&mut self) {
        let rows = self.table.spawn_batch(&self.spawned);
        self.rows += rows.expect("nobody of them is here").end as u64;
        let gone = self.table.despawn_batch(&self.despawned);
        gone.expect("all of them are here");
    }

    fn hash(&self) -> u64 {
        let last = self.table.handle_of(EntityId(1));
        hash_of([self.rows, last.map_or(0, |handle| handle.slot.into())])
    }
}

/// Half of a crowd goes, in any order, so that others move into the gaps; then it comes back.
pub(crate) struct Turnover {
    table: Table,
    half: Vec<EntityId>,
}

impl Turnover {
    pub(crate) fn new(size: Size) -> Self {
        let table = crowd(size.of(MANY));
        let mut half: Vec<EntityId> = table.ids().iter().copied().step_by(2).collect();
        Seeded(8).shuffle(&mut half);
        Self { table, half }
    }
}

impl Case for Turnover {
    fn operations(&self) -> u64 {
        2 * self.half.len() as u64
    }

    fn run(&mut self) {
        let gone = self.table.despawn_batch(&self.half);
        gone.expect("all of them are here");
        self.table.spawn_batch(&self.half).expect("they have left");
    }

    fn hash(&self) -> u64 {
        hash_of(self.table.ids().iter().map(|id| id.0)) ^ hash_places(&self.table)
    }
}

/// Rows of entities in any order, by handle or by id.
pub(crate) struct LookUp {
    table: Table,
    handles: Vec<Handle>,
    ids: Vec<EntityId>,
    sum: u64,
}

impl LookUp {
    /// Ten thousand handles of ten thousand entities.
    pub(crate) fn few_by_handle(size: Size) -> Self {
        Self::new(size.of(FEW), size.of(FEW), true)
    }

    /// Ten thousand handles of a million entities.
    pub(crate) fn by_handle(size: Size) -> Self {
        Self::new(size.of(MANY), size.of(FEW), true)
    }

    /// Ten thousand ids of a million entities.
    pub(crate) fn by_id(size: Size) -> Self {
        Self::new(size.of(MANY), size.of(FEW), false)
    }

    fn new(count: usize, asked: usize, by_handle: bool) -> Self {
        let table = crowd(count);
        let mut ids = table.ids().to_vec();
        Seeded(9).shuffle(&mut ids);
        ids.truncate(asked);
        let handles = ids.iter().filter_map(|id| table.handle_of(*id));
        let handles = handles.filter(|_| by_handle).collect();
        Self {
            table,
            handles,
            ids,
            sum: 0,
        }
    }
}

impl Case for LookUp {
    fn operations(&self) -> u64 {
        self.ids.len() as u64
    }

    fn run(&mut self) {
        let mut sum = 0;
        if self.handles.is_empty() {
            let rows = self.ids.iter().filter_map(|id| self.table.row(*id));
            rows.for_each(|row| sum += row);
        }
        for handle in &self.handles {
            if let Ok(row) = self.table.row_of(*handle) {
                sum += row;
            }
        }
        self.sum += sum as u64;
    }

    fn hash(&self) -> u64 {
        hash_of([self.sum])
    }
}

/// What a consumer reads of a flag that every entity has.
#[derive(Clone, Copy, Component)]
#[component(name = "flag", kind = raw, version = 1)]
struct Flag {
    bits: u8,
}

/// Writing 5,000 of 4.5 million rows and finding them; one operation.
pub(crate) struct Changes {
    table: Table,
    consumer: Consumer,
    written: Vec<usize>,
    found: Vec<u32>,
    writes: bool,
}

impl Changes {
    pub(crate) fn new(size: Size) -> Self {
        let count = size.of(4_500_000);
        let mut table = Table::new();
        let column = table.register::<Flag>().expect("the table has no column");
        table.spawn_batch(&ids(count)).expect("ids that differ");
        let consumer = table.add_consumer(column).expect("the first one");
        let mut all = 0;
        let drained = table.drain_changes(consumer, |_| all += 1);
        drained.expect("it was just added");
        assert_eq!(all, count);
        let mut seeded = Seeded(10);
        let mut written: Vec<usize> = Vec::new();
        written.extend((0..size.of(5_000)).map(|_| seeded.below(count)));
        Self {
            table,
            consumer,
            found: Vec::with_capacity(written.len()),
            written,
            writes: true,
        }
    }

    /// Without a change: what the bitmaps cost.
    pub(crate) fn none(size: Size) -> Self {
        Self {
            writes: false,
            ..Self::new(size)
        }
    }
}

impl Case for Changes {
    fn operations(&self) -> u64 {
        1
    }

    fn run(&mut self) {
        if self.writes {
            let written = self.written.iter().copied();
            self.table
                .write_rows::<Flag>(written, |row, flags| flags.bits[row] ^= 1);
        }
        self.found.clear();
        let found = &mut self.found;
        let drained = self
            .table
            .drain_changes(self.consumer, |row| found.push(row as u32));
        drained.expect("it was added");
    }

    fn hash(&self) -> u64 {
        let found = self.found.iter().copied().map(u64::from);
        hash_of(found.chain([self.table.len() as u64]))
    }
}

/// Rows are brought into a random order.
pub(crate) struct Reorder {
    table: Table,
    order: Vec<u32>,
}

impl Reorder {
    pub(crate) fn new(size: Size) -> Self {
        let table = crowd(size.of(MANY));
        let mut order: Vec<u32> = (0..table.len() as u32).collect();
        Seeded(11).shuffle(&mut order);
        Self { table, order }
    }
}

impl Case for Reorder {
    fn operations(&self) -> u64 {
        self.table.len() as u64
    }

    fn run(&mut self) {
        let reordered = self.table.reorder(&self.order);
        reordered.expect("a permutation of all rows");
    }

    fn hash(&self) -> u64 {
        hash_of(self.table.ids().iter().map(|id| id.0)) ^ hash_places(&self.table)
    }
}

/// A table is saved and loaded.
pub(crate) struct Saves {
    table: Table,
    bytes: Vec<u8>,
    loaded: Table,
}

impl Saves {
    pub(crate) fn new(size: Size) -> Self {
        Self {
            table: crowd(size.of(MANY)),
            bytes: Vec::new(),
            loaded: Table::new(),
        }
    }
}

impl Case for Saves {
    fn operations(&self) -> u64 {
        self.table.len() as u64
    }

    fn run(&mut self) {
        self.bytes.clear();
        self.table.save(&mut self.bytes);
        self.loaded = Table::load(&self.bytes).expect("just saved");
    }

    fn hash(&self) -> u64 {
        hash_of([self.loaded.hash_rows(), self.bytes.len() as u64])
    }
}
