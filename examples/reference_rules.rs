//! The rules that most games begin with, written with nothing but the public API: people walk, jump, shoot arrows and gather berries, by
//! day and by night; a quick shot is judged by where its target was when the shooter saw it.
//!
//! ```text
//! player ──► Input: wish, heading, buttons        Record::Input, one a tick at most
//!   SHOOT    Archery, before the move             spawns an arrow, a flyer; cooldown
//!   arrow    the step                             Hit to whom it struck, and to the arrow
//!   Hit      Wounds                               harm at once, and three times more: the wound bleeds
//!   no more  Wounds                               Despawn
//!   GATHER   Gathering                            Ask to a bush within reach, Give back; a bush bears by day alone
//!            Meals                                who is hurt eats
//!   JUMP     the step                             a character's own
//!   sun      Daylight                             from the tick and the planet's rotation; tired people walk slowly at night
//!   shot     the embedder, with Rewind            its answer enters as Record::Event, so a replay needs no past
//! ```

use bluemarble::sim::{
    Agent, Body, Entry, Event, EventData, EventKind, FINE_PER_M, Heading, Hit, Input, Kind, KindId,
    Moment, Near, Outbox, Record, Rewind, Stage, State, System, Trial, Wish, World, WorldStart,
    prove, replay,
};
use bluemarble::space::{
    Access, Block, Component, DVec3, EntityId, Geodetic, PackStore, Planet, Position, Ray,
    TileStore, UNITS_PER_M, face_st,
};

const TICK_RATE_HZ: u16 = 20;
/// The planet turns once in so many ticks: a minute.
const DAY_TICKS: u64 = 1_200;

const PERSON: KindId = KindId(0);
const BUSH: KindId = KindId(1);
const ARROW: KindId = KindId(2);

/// Buttons of this game; [`Input::JUMP`] is the first.
const SHOOT: u16 = 2;
const GATHER: u16 = 4;

/// What somebody has suffered. Columns are zero for whoever enters the world, so it is counted upwards.
#[derive(Clone, Copy, Component)]
#[component(name = "harm", kind = scalar, version = 1)]
struct Harm {
    points: u32,
    wounds: u32,
}

/// Nobody bears more points.
const HARM_MAX: u32 = 100;

/// When somebody may shoot again, and how often it has.
#[derive(Clone, Copy, Component)]
#[component(name = "bow", kind = scalar, version = 1)]
struct Bow {
    ready_at: u64,
    shots: u32,
}

/// What somebody carries, or a bush bears.
#[derive(Clone, Copy, Component)]
#[component(name = "berries", kind = scalar, version = 1)]
struct Berries {
    count: u32,
}

/// How high the sun stands: the sine of its elevation, 2⁻¹⁵.
#[derive(Clone, Copy, Component)]
#[component(name = "sun", kind = scalar, version = 1)]
struct Sun {
    height: i32,
}

/// Points that somebody loses, and how often more.
#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C)]
struct Damage {
    points: u32,
    again: u32,
}

#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C)]
struct Ask {}

#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C)]
struct Give {}

impl EventData for Damage {
    const KIND: EventKind = EventKind(256);
}

impl EventData for Ask {
    const KIND: EventKind = EventKind(257);
}

impl EventData for Give {
    const KIND: EventKind = EventKind(258);
}

/// Day and night: the sun stands still, and the planet turns.
struct Daylight;

impl System for Daylight {
    type Own = (&'static mut Sun, &'static mut Wish, &'static Body);
    type Others = State;

    fn stage(&self) -> Stage {
        Stage::Before
    }

    fn run(
        &self,
        near: &Near<'_, State>,
        rows: Block<'_>,
        (sun, wish, body): <Self::Own as Access>::View<'_>,
        _out: &mut Outbox,
    ) {
        // libm has the same bits everywhere; std's sine has not.
        let turn = (near.tick() % DAY_TICKS) as f64 / DAY_TICKS as f64 * core::f64::consts::TAU;
        let to_sun = DVec3::new(libm::cos(turn), -libm::sin(turn), 0.0);
        for n in 0..rows.ids.len() {
            let row = rows.first_row + n;
            let up = near
                .place_m(row, Body::get(&body, n).position())
                .normalize();
            sun.height[n] = (up.dot(to_sun) * 32_768.0) as i32;
            let fastest = if sun.height[n] > 0 { 1_024 } else { 512 };
            wish.east[n] = wish.east[n].clamp(-fastest, fastest);
            wish.north[n] = wish.north[n].clamp(-fastest, fastest);
        }
    }
}

/// Who holds SHOOT looses an arrow once a second, the way it looks.
struct Archery;

impl System for Archery {
    type Own = (&'static mut Bow, &'static Body, &'static Heading);
    type Others = State;

    fn stage(&self) -> Stage {
        Stage::Before
    }

    fn run(
        &self,
        near: &Near<'_, State>,
        rows: Block<'_>,
        (bow, body, heading): <Self::Own as Access>::View<'_>,
        out: &mut Outbox,
    ) {
        for (n, id) in rows.ids.iter().enumerate() {
            let state = near.other(rows.first_row + n);
            let is_shooting = state.kind == PERSON.0 && state.buttons & SHOOT != 0;
            if !is_shooting || bow.ready_at[n] > near.tick() {
                continue;
            }
            bow.ready_at[n] = near.tick() + u64::from(TICK_RATE_HZ);
            bow.shots[n] += 1;
            let turn = f64::from(heading.turn[n]) / 65_536.0 * core::f64::consts::TAU;
            let ahead = DVec3::new(libm::sin(turn), libm::cos(turn), 0.0);
            let units = |metres: DVec3| (metres * UNITS_PER_M).to_array().map(|units| units as i32);
            let [x, y, z] = units(ahead * 0.8 + DVec3::Z * 1.4); // from the shoulder
            let at = Body::get(&body, n).position();
            let arrow = Agent {
                position: Position {
                    x: at.x + x,
                    y: at.y + y,
                    z: at.z + z,
                    ..at
                },
                heading: heading.turn[n],
                kind: ARROW,
                velocity: units(ahead * 40.0 + DVec3::Z * 1.0),
            };
            out.spawn(*id, &arrow, 0);
        }
    }
}

/// Arrows hurt, wounds bleed, and who bears no more leaves the world. An arrow that has hit something is gone.
struct Wounds;

impl System for Wounds {
    type Own = (&'static mut Harm,);
    type Others = State;

    fn stage(&self) -> Stage {
        Stage::After
    }

    fn run(
        &self,
        _near: &Near<'_, State>,
        _rows: Block<'_>,
        _own: <Self::Own as Access>::View<'_>,
        _out: &mut Outbox,
    ) {
    }

    fn hears(&self) -> &[EventKind] {
        &[Hit::KIND, Damage::KIND]
    }

    fn receive(
        &self,
        near: &Near<'_, State>,
        event: &Event,
        row: usize,
        (harm,): &mut <Self::Own as Access>::View<'_>,
        out: &mut Outbox,
    ) {
        let (source, target) = (event.source, event.target);
        match (event.data::<Hit>(), event.data::<Damage>()) {
            (Some(_), _) if near.other(row).kind == ARROW.0 => out.despawn(source, target),
            (Some(_), _) if near.other(row).kind == PERSON.0 => {
                let (points, again) = (6, 3);
                out.send(source, target, Damage { points, again });
            }
            (_, Some(damage)) => {
                harm.wounds[row] += 1;
                harm.points[row] = harm.points[row].saturating_add(damage.points);
                if harm.points[row] >= HARM_MAX {
                    out.despawn(source, target);
                } else if damage.again > 0 {
                    let (points, again) = (1, damage.again - 1);
                    out.send_after(10, source, target, Damage { points, again });
                }
            }
            _ => {}
        }
    }
}

/// Bushes bear by day; who holds GATHER near one asks it for a berry twice a second.
struct Gathering;

impl System for Gathering {
    type Own = (&'static mut Berries, &'static Body, &'static Sun);
    type Others = State;

    fn stage(&self) -> Stage {
        Stage::Before
    }

    fn reach_m(&self) -> f64 {
        2.0
    }

    fn run(
        &self,
        near: &Near<'_, State>,
        rows: Block<'_>,
        (berries, body, sun): <Self::Own as Access>::View<'_>,
        out: &mut Outbox,
    ) {
        near.with_list(|others| {
            for (n, id) in rows.ids.iter().enumerate() {
                let row = rows.first_row + n;
                let (state, turn) = (near.other(row), near.tick() + id.0);
                if state.kind == BUSH.0 {
                    let grows = sun.height[n] > 0 && turn.is_multiple_of(30);
                    berries.count[n] = (berries.count[n] + u32::from(grows)).min(8);
                } else if state.buttons & GATHER != 0 && turn.is_multiple_of(10) {
                    near.within(row, Body::get(&body, n).position(), 2.0, others);
                    let bush = others
                        .iter()
                        .find(|other| near.other(other.row).kind == BUSH.0);
                    if let Some(bush) = bush {
                        out.send(*id, bush.id, Ask {});
                    }
                }
            }
        });
    }

    fn hears(&self) -> &[EventKind] {
        &[Ask::KIND, Give::KIND]
    }

    fn receive(
        &self,
        _near: &Near<'_, State>,
        event: &Event,
        row: usize,
        (berries, ..): &mut <Self::Own as Access>::View<'_>,
        out: &mut Outbox,
    ) {
        if event.data::<Give>().is_some() {
            berries.count[row] += 1;
        } else if berries.count[row] > 0 {
            // Two who ask in one tick are served one after the other: a berry is never given twice.
            berries.count[row] -= 1;
            out.send(event.target, event.source, Give {});
        }
    }
}

/// Who is hurt eats a berry a second, and is better for it.
struct Meals;

impl System for Meals {
    type Own = (&'static mut Harm, &'static mut Berries);
    type Others = State;

    fn stage(&self) -> Stage {
        Stage::After
    }

    fn run(
        &self,
        near: &Near<'_, State>,
        rows: Block<'_>,
        (harm, berries): <Self::Own as Access>::View<'_>,
        _out: &mut Outbox,
    ) {
        for (n, id) in rows.ids.iter().enumerate() {
            let is_due = (near.tick() + id.0).is_multiple_of(u64::from(TICK_RATE_HZ));
            if is_due && harm.points[n] > 0 && berries.count[n] > 0 {
                berries.count[n] -= 1;
                harm.points[n] = harm.points[n].saturating_sub(5);
            }
        }
    }
}

/// Four villages around the planet: somewhere it is always day.
const VILLAGES: [(&str, f64, f64); 4] = [
    ("Bern", 46.95, 7.44),
    ("Almaty", 43.25, 76.9),
    ("Sydney", -33.7, 150.6),
    ("Denver", 39.75, -105.0),
];
const PEOPLE: u64 = 12; // of a village
const BUSHES: u64 = 8;

struct Villages {
    pack: PackStore,
}

impl Villages {
    fn centre(village: usize) -> Position {
        let (_, lat, lon) = VILLAGES[village];
        let place = Geodetic::from_degrees(lat, lon, 0.0).expect("a legal place");
        let place = Planet::EARTH.ecef(place);
        Planet::EARTH.position(place).expect("on the datum")
    }

    /// Everybody who lives in a village, and its bushes.
    fn people(village: usize) -> impl Iterator<Item = (EntityId, KindId)> {
        let first = village as u64 * 100 + 1;
        (0..PEOPLE + BUSHES).map(move |n| {
            let kind = if n < PEOPLE { PERSON } else { BUSH };
            (EntityId(first + n), kind)
        })
    }

    /// The first tick: the ground, what there is, and everybody.
    fn found(&self, world: &mut World) -> Vec<Record> {
        let mut records: Vec<_> = [
            (PERSON, Kind::character(4 * 256)),
            (BUSH, Kind::crowd(0)),
            (ARROW, Kind::flyer(13)),
        ]
        .map(|(id, kind)| Record::Kind { id, kind })
        .into();
        let (first, count) = (EntityId(1_000_000), 10_000);
        records.push(Record::Lease { first, count }); // names of arrows
        for village in 0..VILLAGES.len() {
            let centre = Self::centre(village);
            let place = Planet::EARTH.place(centre).expect("a place");
            let lattice = *self.pack.manifest().lattice();
            let tile = self.pack.load(lattice.tile_at(place.to_vec()));
            let tile = tile.expect("the Earth has ground everywhere");
            records.push(Record::Resident {
                tile: tile.cell(),
                checksum: tile.checksum(),
            });
            let (face, s, t) = face_st(place.to_vec());
            let height_m = tile.height_m(&lattice, face, s, t);
            world.stage(tile);
            for (n, (entity, kind)) in Self::people(village).enumerate() {
                let mut position = centre;
                position.x += ((n as i32 * 7 % 5) - 2) * 3 * 65_536;
                position.y += ((n as i32 * 3 % 7) - 3) * 2 * 65_536;
                position.z += ((height_m + 3.0) * UNITS_PER_M) as i32; // from where it falls to its feet
                let agent = Agent {
                    position,
                    kind,
                    ..Agent::default()
                };
                records.push(Record::Spawn { entity, agent });
            }
        }
        records
    }

    /// What a player does: now it gathers, now it shoots at the nearest, now it jumps about.
    fn play(world: &World, tick: u64, village: usize, player: EntityId) -> Option<Record> {
        let row = world.row_of(player)?;
        let own = world.position(row);
        let way = |other: EntityId| {
            let at = world.position(world.row_of(other)?);
            (at.frame == own.frame && other != player)
                .then(|| [f64::from(at.x - own.x), f64::from(at.y - own.y)])
        };
        let mood = (tick / 60 + player.0) % 3;
        let wanted = if mood == 0 { BUSH } else { PERSON };
        let others = Self::people(village).filter(|(_, kind)| *kind == wanted);
        let ways = others.filter_map(|(other, _)| way(other));
        let [east, north] = ways.min_by(|a, b| {
            let square = |[x, y]: [f64; 2]| x * x + y * y;
            square(*a).total_cmp(&square(*b))
        })?;
        let turn = libm::atan2(east, north) / core::f64::consts::TAU * 65_536.0;
        let far = libm::sqrt(east * east + north * north);
        let speed = FINE_PER_M * [3.0, 0.0, 2.0][mood as usize] / far.max(1.0);
        Some(Record::Input {
            entity: player,
            input: Input {
                seq: tick as u32,
                east: (east * speed) as i16,
                north: (north * speed) as i16,
                heading: turn as i32 as u16,
                buttons: [GATHER, SHOOT, Input::JUMP][mood as usize],
                ..Input::default()
            },
        })
    }
}

impl Trial for Villages {
    fn begin(&self) -> World {
        let start = WorldStart {
            world_id: 1,
            planet: Planet::EARTH,
            tick_rate_hz: TICK_RATE_HZ,
            gravity: WorldStart::EARTH_GRAVITY,
            lattice: *self.pack.manifest().lattice(),
        };
        let mut world = World::new(start).expect("a legal start");
        world.register::<Harm>().expect("a new column");
        world.register::<Bow>().expect("a new column");
        world.register::<Berries>().expect("a new column");
        world.register::<Sun>().expect("a new column");
        world.add_system(Daylight).expect("a legal system");
        world.add_system(Archery).expect("a legal system");
        world.add_system(Gathering).expect("a legal system");
        world.add_system(Wounds).expect("a legal system");
        world.add_system(Meals).expect("a legal system");
        world
    }

    fn records(&self, world: &mut World, tick: u64) -> Vec<Record> {
        let mut records = match tick {
            0 => self.found(world),
            _ => Vec::new(),
        };
        for village in 0..VILLAGES.len() {
            let players = Self::people(village).filter(|(_, kind)| *kind == PERSON);
            let players = players.filter(|(id, _)| (id.0 + tick).is_multiple_of(10));
            records.extend(players.filter_map(|(id, _)| Self::play(world, tick, village, id)));
        }
        records
    }
}

/// How long what a player sees is behind the world, ticks.
const LATE_TICKS: u64 = 5;

/// Quick shots of a tick, judged by where people were when the shooters saw them; the answers enter the world as records.
fn quick_shots(world: &World, rewind: &Rewind, tick: u64) -> Vec<Record> {
    let mut records = Vec::new();
    let Ok(past) = rewind.past(Moment::at(tick.saturating_sub(1 + LATE_TICKS))) else {
        return records; // nothing is remembered that long
    };
    for village in 0..VILLAGES.len() {
        let people = Villages::people(village).filter(|(_, kind)| *kind == PERSON);
        let there: Vec<_> = people.filter(|(id, _)| past.place(*id).is_some()).collect();
        let n = (tick / 100) as usize;
        let (Some((shooter, _)), Some((aim, _))) = (
            there.get(n % there.len().max(1)),
            there.get((n + 1) % there.len().max(1)),
        ) else {
            continue;
        };
        let (Some(row), Some(seen)) = (world.row_of(*shooter), past.place(*aim)) else {
            continue;
        };
        let eye = world.place(row);
        let up = eye.to_vec().normalize() * 1.2;
        let from = bluemarble::space::Ecef::new(
            eye.to_vec().x + up.x,
            eye.to_vec().y + up.y,
            eye.to_vec().z + up.z,
        );
        let ray = Ray {
            from: from.expect("near the Earth"),
            direction: seen.to_vec() - eye.to_vec(),
            reach_m: 50.0,
        };
        if let Ok(Some(hit)) = past.hit(&ray, 0.0, Some(*shooter)) {
            let (points, again) = (15, 0);
            let event = Event::new(hit.entity, *shooter, Damage { points, again });
            records.push(Record::Event { event });
        }
    }
    records
}

fn tell(world: &World, tick: u64) {
    let (harm, bow) = (world.column::<Harm>(), world.column::<Bow>());
    let (berries, sun) = (world.column::<Berries>(), world.column::<Sun>());
    println!("after {} s", tick / u64::from(TICK_RATE_HZ));
    println!("  village   sun  people  berries  on bushes  arrows  wounds");
    for (village, (name, ..)) in VILLAGES.iter().enumerate() {
        let rows = |wanted| {
            let all = Villages::people(village).filter(move |(_, kind)| *kind == wanted);
            all.filter_map(|(id, _)| world.row_of(id))
        };
        let sum = |rows: &mut dyn Iterator<Item = usize>, lane: &[u32]| {
            rows.map(|row| lane[row]).sum::<u32>()
        };
        let height = rows(BUSH).next().map_or(0, |row| sun.height[row]);
        println!(
            "  {name:<7} {:>4}°  {:>6}  {:>7}  {:>9}  {:>6}  {:>6}",
            (libm::asin(f64::from(height) / 32_768.0).to_degrees()).round(),
            rows(PERSON).count(),
            sum(&mut rows(PERSON), berries.count),
            sum(&mut rows(BUSH), berries.count),
            sum(&mut rows(PERSON), bow.shots),
            sum(&mut rows(PERSON), harm.wounds),
        );
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/earth-1024.pack");
    let villages = Villages {
        pack: PackStore::open(path)?,
    };
    let mut world = villages.begin();
    let mut rewind = Rewind::new(Planet::EARTH, 100);
    let mut journal = Vec::new();
    let mut quick = 0;
    for tick in 0..DAY_TICKS {
        let mut records = villages.records(&mut world, tick);
        if tick % 100 == 0 {
            let hits = quick_shots(&world, &rewind, tick);
            quick += hits.len();
            records.extend(hits);
        }
        world.step(tick, &records)?;
        journal.push(Entry::Records { tick, records });
        let people = (0..VILLAGES.len()).flat_map(Villages::people);
        rewind.record_world(tick, &world, people.map(|(id, _)| id))?;
        if (tick + 1) % (DAY_TICKS / 4) == 0 {
            tell(&world, tick + 1);
        }
    }
    println!("{quick} quick shots hit somebody where the shooter saw him, {LATE_TICKS} ticks late");

    let mut again = villages.begin();
    for entry in &journal {
        replay(&mut again, entry, &mut |cell, _| {
            villages.pack.load(cell).ok()
        })?;
    }
    assert_eq!(again.hash(), world.hash());
    println!("replayed from its journal: {:016x} again", again.hash());
    let hash = prove(&villages, 150)?;
    println!(
        "the same on 1, 2, 3 and 8 threads, at every SIMD level, and after going back: {hash:016x}"
    );
    Ok(())
}
