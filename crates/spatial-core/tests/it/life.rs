//! A thousand steps of a world's life, columns and index and watchers together, against maps and brute force.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use spatial_core::{
    Anchor, Cap, CellId, Component, Corridor, Ecef, EntityId, Frame, FrameChange, FrameId,
    Geodetic, IndexView, LatLngRect, MovingIndex, PairSearch, Planet, Position, Region, Sense,
    Sighting, Table, WatchEvents, WatchHandle, WatcherId, Watches,
};

const PLANET: Planet = Planet::EARTH;

#[derive(Clone, Copy, PartialEq, Debug, Default, Component)]
#[component(name = "spot", kind = point, version = 1)]
struct Spot {
    frame: FrameId,
    x: i32,
    y: i32,
    z: i32,
}

impl From<Position> for Spot {
    fn from(at: Position) -> Self {
        let Position { frame, x, y, z } = at;
        Self { frame, x, y, z }
    }
}

impl From<Spot> for Position {
    fn from(spot: Spot) -> Self {
        let Spot { frame, x, y, z } = spot;
        Self { frame, x, y, z }
    }
}

#[derive(Clone, Debug)]
enum Act {
    Spawn(u64, usize, [i8; 2]),
    Despawn(u64),
    Walk(u64, [i32; 2]),
    WalkAll([i32; 2]),
    Reload,
    Watch(u64, u64, u16),
    Unwatch(usize),
    Tick,
    Ball(u64, u32),
    Nearest(u64, usize),
    Box(usize, u16),
    Cap(usize, u16),
    Cell(usize, u8),
    Corridor(u64, u64, u32),
    Pairs(u32),
}

/// Where life is: at a pole, on the antimeridian, on a cube edge and a corner, and at an ordinary place; degrees.
const HOMES: [[f64; 2]; 5] = [
    [90.0, 0.0],
    [-17.0, 180.0],
    [0.0, 45.0],
    [35.264_389_682_754_654, -135.0],
    [46.0, 7.7],
];

const IDS: core::ops::Range<u64> = 1..120;

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let step = || [-3_000..3_000i32, -3_000..3_000i32]; // metres
    let act = prop_oneof![
        8 => (IDS, 0..HOMES.len(), any::<[i8; 2]>()).prop_map(|(id, home, off)| Act::Spawn(id, home, off)),
        3 => IDS.prop_map(Act::Despawn),
        6 => (IDS, step()).prop_map(|(id, step)| Act::Walk(id, step)),
        2 => step().prop_map(Act::WalkAll),
        1 => Just(Act::Reload),
        3 => (IDS, 0..20_000u64, any::<u16>()).prop_map(|(id, enter, more)| Act::Watch(id, enter, more)),
        1 => any::<usize>().prop_map(Act::Unwatch),
        4 => Just(Act::Tick),
        1 => (IDS, 0..40_000u32).prop_map(|(id, radius)| Act::Ball(id, radius)),
        1 => (IDS, 0..10usize).prop_map(|(id, count)| Act::Nearest(id, count)),
        1 => (0..HOMES.len(), any::<u16>()).prop_map(|(home, size)| Act::Box(home, size)),
        1 => (0..HOMES.len(), any::<u16>()).prop_map(|(home, size)| Act::Cap(home, size)),
        1 => (0..HOMES.len(), 0..24u8).prop_map(|(home, level)| Act::Cell(home, level)),
        1 => (IDS, IDS, 0..20_000u32).prop_map(|(a, b, radius)| Act::Corridor(a, b, radius)),
        1 => (0..5_000u32).prop_map(Act::Pairs),
    ];
    prop::collection::vec(act, 1..=1_000)
}

struct Life {
    table: Table,
    index: MovingIndex,
    watches: Watches,
    places: Vec<Ecef>, // by row, as of the last rebuild
    // What is known without them.
    positions: BTreeMap<EntityId, Position>,
    watchers: Vec<Watcher>,
    named: u64,
}

struct Watcher {
    id: WatcherId,
    handle: WatchHandle,
    entity: EntityId,
    radii_m: [f64; 2],
    members: BTreeSet<EntityId>,
}

fn home(n: usize, [north, east]: [i8; 2]) -> Ecef {
    let [lat, lng] = HOMES[n];
    let lat = lat + f64::from(north) * 1e-3;
    let lat = if lat > 90.0 { 180.0 - lat } else { lat };
    PLANET.ecef(Geodetic::from_degrees(lat, lng + f64::from(east) * 1e-3, 0.0).unwrap())
}

fn place_of(at: Position) -> Ecef {
    PLANET.place(at).unwrap()
}

impl Life {
    fn new() -> Self {
        let mut table = Table::new();
        table.register::<Spot>().unwrap();
        Self {
            table,
            index: MovingIndex::new(),
            watches: Watches::new(),
            places: Vec::new(),
            positions: BTreeMap::new(),
            watchers: Vec::new(),
            named: 0,
        }
    }

    fn live(&mut self, act: &Act) {
        match act {
            Act::Spawn(id, n, offset) => self.spawn(EntityId(*id), home(*n, *offset)),
            Act::Despawn(id) => {
                let was_there = self.positions.remove(&EntityId(*id)).is_some();
                assert_eq!(self.table.despawn(EntityId(*id)).is_ok(), was_there);
            }
            Act::Walk(id, step) => self.walk(EntityId(*id), *step),
            Act::WalkAll(step) => {
                let all: Vec<EntityId> = self.positions.keys().copied().collect();
                all.into_iter().for_each(|id| self.walk(id, *step));
            }
            Act::Reload => self.reload(),
            Act::Watch(id, enter_m, more_m) => {
                self.watch(EntityId(*id), *enter_m as f64, f64::from(*more_m % 2_000));
            }
            Act::Unwatch(n) if !self.watchers.is_empty() => {
                let gone = self.watchers.swap_remove(n % self.watchers.len());
                self.watches.remove(gone.handle).unwrap();
            }
            Act::Unwatch(_) => {}
            Act::Tick => self.tick(),
            _ => self.ask(act),
        }
        self.table.assert_well_formed();
        self.watches.assert_well_formed();
    }

    fn spawn(&mut self, id: EntityId, place: Ecef) {
        let is_new = !self.positions.contains_key(&id);
        assert_eq!(self.table.spawn(id).is_ok(), is_new);
        if is_new {
            let at = PLANET.position(place).unwrap();
            let row = self.table.row(id).unwrap();
            self.table.set(row, Spot::from(at));
            self.positions.insert(id, at);
        }
    }

    /// A walk on the grid of the frame; beyond its edge the frame changes, for the row by way of its columns.
    fn walk(&mut self, id: EntityId, [east, north]: [i32; 2]) {
        let Some(at) = self.positions.get_mut(&id) else {
            return;
        };
        // Metres in grid units, without leaving the frame's 32 km.
        let limit = 20_000 << 16;
        at.x = (at.x + (east << 16) / 4).clamp(-limit, limit);
        at.y = (at.y + (north << 16) / 4).clamp(-limit, limit);
        let row = self.table.row(id).unwrap();
        self.table.set(row, Spot::from(*at));
        let frame = Frame::new(PLANET, at.frame).unwrap();
        let place = frame.to_ecef(*at);
        if frame.is_left(place) {
            let next = Frame::at(PLANET, place);
            let change = FrameChange::new(frame.axes(), next.axes());
            let turned = next.to_position(place).unwrap();
            self.table.change_frame(&change, &[row as u32]).unwrap();
            let found = Position::from(self.table.get::<Spot>(row));
            assert_eq!(found.frame, next.id());
            assert!(next.to_ecef(found).distance_m(next.to_ecef(turned)) < 1e-4);
            *at = found;
        }
    }

    fn reload(&mut self) {
        let (mut bytes, mut again) = (Vec::new(), Vec::new());
        self.table.save(&mut bytes);
        self.table = Table::load(&bytes).unwrap();
        self.table.register::<Spot>().unwrap();
        self.table.save(&mut again);
        assert_eq!(bytes, again);
    }

    fn watch(&mut self, entity: EntityId, enter_m: f64, more_m: f64) {
        self.named += 1;
        let id = WatcherId(self.named ^ 0x55);
        let radii_m = [enter_m, enter_m + more_m];
        let sense = Sense::around(radii_m[0], radii_m[1]).unwrap();
        let handle = self.watches.watch(id, Anchor::On(entity), sense);
        let members = BTreeSet::new();
        self.watchers.push(Watcher {
            id,
            handle,
            entity,
            radii_m,
            members,
        });
    }

    /// Rebuilds the index from the table.
    fn rebuild(&mut self) {
        let ids = self.table.ids();
        assert_eq!(ids.len(), self.positions.len());
        self.places.clear();
        for (row, id) in ids.iter().enumerate() {
            let at = Position::from(self.table.get::<Spot>(row));
            assert_eq!(at, self.positions[id]);
            self.places.push(place_of(at));
        }
        self.index.rebuild(ids, &self.places);
    }

    fn tick(&mut self) {
        self.rebuild();
        let view = self.index.view(self.table.ids(), &self.places);
        view.assert_well_formed();
        let mut events = WatchEvents::default();
        self.watches.update(view, &mut events);
        let mut want = WatchEvents::default();
        self.watchers.sort_by_key(|watcher| watcher.id);
        for watcher in &mut self.watchers {
            watcher.update(&self.positions, &mut want);
            let members = self.watches.members(watcher.handle).unwrap();
            let members: BTreeSet<EntityId> = members.map(|member| member.id).collect();
            assert_eq!(members, watcher.members);
        }
        assert_eq!(events, want);
    }

    fn ask(&mut self, act: &Act) {
        self.rebuild();
        let view = self.index.view(self.table.ids(), &self.places);
        ask(view, &self.places, act);
    }
}

impl Watcher {
    fn update(&mut self, positions: &BTreeMap<EntityId, Position>, events: &mut WatchEvents) {
        let center = positions.get(&self.entity).map(|at| place_of(*at));
        let old = core::mem::take(&mut self.members);
        for (id, at) in positions {
            let distance_m = center.map_or(f64::NAN, |center| place_of(*at).distance_m(center));
            let stays = old.contains(id) && distance_m <= self.radii_m[1];
            if stays || distance_m <= self.radii_m[0] {
                self.members.insert(*id);
            }
        }
        let sighting = |entity: &EntityId| Sighting {
            watcher: self.id,
            entity: *entity,
        };
        events
            .entered
            .extend(self.members.difference(&old).map(sighting));
        events
            .left
            .extend(old.difference(&self.members).map(sighting));
    }
}

/// The rows for whose places something holds, in iteration order.
fn by_force(view: IndexView<'_>, places: &[Ecef], holds: impl Fn(Ecef) -> bool) -> Vec<u32> {
    let all = view.rows().iter().copied();
    all.filter(|row| holds(places[*row as usize])).collect()
}

/// One question and the same to everybody.
fn ask(view: IndexView<'_>, places: &[Ecef], act: &Act) {
    let (mut rows, mut hits) = (Vec::new(), Vec::new());
    let by_force = |holds: &dyn Fn(Ecef) -> bool| by_force(view, places, holds);
    let somebody = |n: u64| places[n as usize % places.len()];
    match act {
        _ if places.is_empty() => {}
        Act::Ball(n, radius_m) => {
            let (center, radius_m) = (somebody(*n), f64::from(*radius_m));
            view.rows_within(center, radius_m, &mut rows).unwrap();
            assert_eq!(rows, by_force(&|p| p.distance_m(center) <= radius_m));
        }
        Act::Nearest(n, count) => {
            view.nearest(somebody(*n), *count, &mut hits);
            assert_eq!(hits.len(), places.len().min(*count));
            let far = hits.last().map_or(0.0, |hit| hit.distance_m);
            let nearer = by_force(&|p| p.distance_m(somebody(*n)) < far);
            assert!(
                nearer
                    .iter()
                    .all(|row| hits.iter().any(|hit| hit.row == *row))
            );
        }
        Act::Corridor(a, b, radius_m) => {
            let path = vec![somebody(*a), somebody(*b)];
            let corridor = Corridor::new(path, f64::from(*radius_m)).unwrap();
            view.corridor(&corridor, &mut hits);
            let found: Vec<u32> = hits.iter().map(|hit| hit.row).collect();
            let [a, b] = [*a, *b].map(|n| somebody(n).to_vec());
            let near = |p: Ecef| {
                let (along, p) = (b - a, p.to_vec());
                let square = along.length_squared();
                let t = if square > 0.0 {
                    (p - a).dot(along) / square
                } else {
                    0.0
                };
                p.distance(a + along * t.clamp(0.0, 1.0)) <= f64::from(*radius_m)
            };
            assert_eq!(found, by_force(&near));
        }
        Act::Pairs(radius_m) => {
            let (mut search, mut pairs) = (PairSearch::new(), Vec::new());
            search
                .pairs(view, f64::from(*radius_m), &mut pairs)
                .unwrap();
            let near = |n: usize, m: usize| places[n].distance_m(places[m]) <= f64::from(*radius_m);
            let later = |n: usize| (n + 1..places.len()).filter(move |m| near(n, *m)).count();
            assert_eq!(pairs.len(), (0..places.len()).map(later).sum::<usize>());
            let is_right = |rows: [u32; 2]| near(rows[0] as usize, rows[1] as usize);
            assert!(
                pairs
                    .iter()
                    .all(|pair| pair.a < pair.b && is_right(pair.rows))
            );
            let all: BTreeSet<_> = pairs.iter().collect();
            assert_eq!(all.len(), pairs.len());
        }
        _ => ask_region(view, places, act),
    }
}

/// The same, about a part of the globe.
fn ask_region(view: IndexView<'_>, places: &[Ecef], act: &Act) {
    let mut rows = Vec::new();
    let by_force = |holds: &dyn Fn(Ecef) -> bool| by_force(view, places, holds);
    match act {
        Act::Box(n, size) => {
            let ([lat, lng], half) = (HOMES[*n], f64::from(*size) * 1e-4);
            let lat = [lat - half, lat + half].map(|lat| lat.clamp(-90.0, 90.0));
            let rect = LatLngRect::from_degrees(lat, [lng - half, lng + half]).unwrap();
            view.region_rows(&rect, &mut rows);
            assert_eq!(rows, by_force(&|p| rect.contains_point(p.to_vec())));
        }
        Act::Cap(n, size) => {
            let cap = Cap::new(home(*n, [0, 0]).to_vec(), f64::from(*size) * 1e-7).unwrap();
            view.region_rows(&cap, &mut rows);
            assert_eq!(rows, by_force(&|p| cap.contains_point(p.to_vec())));
        }
        Act::Cell(n, level) => {
            let cell = CellId::from_direction(home(*n, [0, 0]).to_vec()).parent(*level);
            view.cell_rows(cell, &mut rows);
            assert_eq!(rows, by_force(&|p| p.leaf().parent(*level) == cell));
        }
        _ => unreachable!("all other acts change something"),
    }
}

proptest! {
    #[test]
    fn a_life_of_a_thousand_steps(acts in acts()) {
        let mut life = Life::new();
        for act in &acts {
            life.live(act);
        }
        life.tick();
    }
}
