//! A steady tick allocates nothing, on no thread.
//!
//! The world has everything that goes on for ever: crowds in towns, characters among obstacles, balls that are thrown again and again,
//! people who run to and fro over borders of frames, passengers of a ship, sleepers of whom some wake and some fall asleep, agents who
//! come and go, a game's system that looks around and sends events, and inputs.
//!
//! `BLUEMARBLE_STEADY_AGENTS` makes it larger, over 1,000 ticks then.

use std::f64::consts::TAU;

use bytemuck::{Pod, Zeroable};
use sim_core::{
    Agent, Body, Event, EventData, EventKind, KindId, Mode, Near, Obstacle, Outbox, Record, Shape,
    Stage, State, System, Tier, Velocity, World,
};
use spatial_core::{
    Access, Block, Component, DQuat, DVec3, Ecef, EntityId, Frame, FrameId, Planet, Position,
    UNITS_PER_M,
};

use crate::allocations::Counter;
use crate::characters::{SHIP, sail};
use crate::scene::{
    BALL, CHARACTER, PLACES_DEG, RACER, Seeded, WALKER, all_ground, at, empty_world, ground_m, wish,
};

/// Agents of a small world; people of a town.
const AGENTS: u64 = 20_000;
const TOWN: u64 = 500;

/// Ticks in which everybody once turns back, and runners do: they are beyond the border by 64 m on either side, then.
const TURN: u64 = 90;
const RUN: u64 = 50;

/// What an agent is there for, by its number.
#[derive(Clone, Copy, PartialEq)]
enum Part {
    Crowd,
    Character,
    Ball,
    Runner,
    Passenger,
    Sleeper,
    Rare,
    Guest, // comes and goes
}

impl Part {
    fn of(n: u64) -> Self {
        match n % 20 {
            0 | 1 => Self::Sleeper,
            2 | 3 => Self::Rare,
            4 => Self::Character,
            5 => Self::Ball,
            6 => Self::Runner,
            7 if n < 20 * 200 => Self::Passenger,
            8 => Self::Guest,
            _ => Self::Crowd,
        }
    }

    fn kind(self) -> KindId {
        match self {
            Self::Character => CHARACTER,
            Self::Ball => BALL,
            Self::Runner => RACER,
            _ => WALKER,
        }
    }
}

fn units(m: f64) -> i32 {
    (m * UNITS_PER_M) as i32
}

/// A place on the ground, so far above it.
fn on_ground(direction: DVec3, above_m: f64) -> Position {
    let unit = direction.normalize();
    let earth = Planet::EARTH;
    let place = |r: f64| Ecef::new(unit.x * r, unit.y * r, unit.z * r).expect("finite");
    let up_m = ground_m(place(earth.radius_m())).max(0.0) + above_m;
    let at = earth.position(place(earth.radius_m() + up_m));
    at.expect("within the shell")
}

/// The middle of a town: the first ones are awkward places, every second of the others lies at a border of frames.
fn middle_of(town: u64) -> DVec3 {
    if let Some((lat, lon)) = PLACES_DEG.get(town as usize) {
        let place = Planet::EARTH.place(at(*lat, *lon)).expect("a place");
        return place.to_vec().normalize();
    }
    let mut seeded = Seeded(town);
    let mut part = || seeded.below(1 << 20) as f64 / f64::from(1 << 19) - 1.0 + 1e-9;
    let anywhere = DVec3::new(part(), part(), part()).normalize();
    match town % 2 {
        0 => anywhere,
        _ => at_border(anywhere),
    }
}

/// The place of a border that is next to a direction's frame's middle.
fn at_border(direction: DVec3) -> DVec3 {
    let far = direction * Planet::EARTH.radius_m();
    let place = Ecef::new(far.x, far.y, far.z).expect("finite");
    let frame = Frame::at(Planet::EARTH, place);
    let middle = frame.axes().origin().to_vec();
    let edge = frame.edges()[1];
    (middle - edge * edge.dot(middle)).normalize()
}

/// Somebody of a town, by a number.
fn agent(n: u64) -> Agent {
    let part = Part::of(n);
    let mut seeded = Seeded(n);
    let mut within = |m: f64| (seeded.below(1 << 20) as f64 / f64::from(1 << 19) - 1.0) * m;
    if part == Part::Passenger {
        let frame = FrameId::of_carrier(SHIP).expect("a legal id");
        let (x, y, z) = (units(within(8.0)), units(within(35.0)), 0);
        let kind = [WALKER, CHARACTER][(n / 20) as usize % 2];
        let position = Position { frame, x, y, z };
        return Agent {
            position,
            kind,
            ..Agent::default()
        };
    }
    let town = match part {
        Part::Runner => PLACES_DEG.len() as u64 + 1 + n / TOWN / 2 * 2,
        _ => n / TOWN,
    };
    let middle = middle_of(town) * Planet::EARTH.radius_m();
    let beside = DVec3::new(within(40.0), within(40.0), within(40.0));
    let above_m = if part == Part::Ball { 20.0 } else { 0.5 };
    Agent {
        position: on_ground(middle + beside, above_m),
        kind: part.kind(),
        ..Agent::default()
    }
}

fn spawn(id: u64, n: u64) -> Record {
    let (entity, agent) = (EntityId(id), agent(n));
    Record::Spawn { entity, agent }
}

/// The first tick: everybody comes.
fn beginning(world: &mut World, agents: u64) -> Vec<Record> {
    let mut records = all_ground(world);
    records.push(sail(0));
    for n in 1..=agents {
        records.push(spawn(n, n));
        let entity = EntityId(n);
        let tier = match Part::of(n) {
            Part::Sleeper => Tier::ASLEEP,
            Part::Rare => Tier::every_power_of_two((n / 20 % 4) as u8).expect("a tier"),
            _ => Tier::default(),
        };
        records.push(Record::Tier { entity, tier });
    }
    for town in 0..agents / TOWN {
        records.extend((0..6).map(|n| house(town, n)));
    }
    records
}

/// One of six houses of a town.
fn house(town: u64, n: u64) -> Record {
    let mut seeded = Seeded(town * 6 + n);
    let mut within = || (seeded.below(1 << 20) as f64 / f64::from(1 << 19) - 1.0) * 35.0;
    let beside = DVec3::new(within(), within(), within());
    let position = on_ground(middle_of(town) * Planet::EARTH.radius_m() + beside, 0.0);
    let half_m = DVec3::new(3.0, 2.0, 4.0);
    let shape = Shape::cuboid(half_m, DQuat::from_rotation_z(0.3 * n as f64)).expect("a box");
    Record::Build {
        id: EntityId(1 + town * 6 + n),
        obstacle: Obstacle { position, shape },
    }
}

/// What happens in a tick, for ever.
fn records_of(tick: u64, agents: u64, out: &mut Vec<Record>) {
    out.clear();
    out.push(sail(tick));
    turn_back(tick, agents, out);
    run_back(tick, agents, out);
    sleep_by_turns(tick, agents, out);
    come_and_go(tick, agents, out);
}

/// The agents whose turn it is, once in a period.
fn every(period: u64, tick: u64, agents: u64) -> impl Iterator<Item = u64> {
    (1..=agents).filter(move |n| n % period == tick % period)
}

/// People stroll to and fro.
fn turn_back(tick: u64, agents: u64, out: &mut Vec<Record>) {
    let is_stroller = |n: &u64| !matches!(Part::of(*n), Part::Runner | Part::Guest);
    for n in every(TURN, tick, agents).filter(is_stroller) {
        let angle = TAU * (n % 64) as f64 / 64.0;
        let back = [2.0, -2.0][(tick / TURN % 2) as usize];
        let (east, north) = (back * libm::cos(angle), back * libm::sin(angle));
        out.push(wish(EntityId(n), east, north));
    }
}

/// Runners cross borders to and fro.
fn run_back(tick: u64, agents: u64, out: &mut Vec<Record>) {
    for n in every(RUN, tick, agents).filter(|n| Part::of(*n) == Part::Runner) {
        // The first way is half as long, so that all others lead over the border.
        let back = match tick / RUN {
            0 => 60.0,
            run => [120.0, -120.0][(run % 2) as usize],
        };
        out.push(wish(EntityId(n), back, back));
    }
}

/// Of every 40 who sleep one is awake: it falls asleep when the next one wakes.
fn sleep_by_turns(tick: u64, agents: u64, out: &mut Vec<Record>) {
    for n in every(40, tick, agents).filter(|n| Part::of(*n) == Part::Sleeper) {
        let is_awake = n / 40 % 40 == tick % 40;
        let tier = [Tier::ASLEEP, Tier::default()][usize::from(is_awake)];
        let entity = EntityId(n);
        out.push(Record::Tier { entity, tier });
    }
}

/// Guests make way for others under names that nobody had; passengers leave the ship and come aboard.
fn come_and_go(tick: u64, agents: u64, out: &mut Vec<Record>) {
    let turn = tick / 120;
    let carrier = SHIP;
    for n in every(120, tick, agents) {
        let entity = EntityId(n);
        match Part::of(n) {
            Part::Guest => {
                let name = |turn: u64| n + agents * turn;
                let entity = EntityId(name(turn));
                out.push(Record::Despawn { entity });
                out.push(spawn(name(turn + 1), n));
            }
            Part::Passenger if turn.is_multiple_of(2) => out.push(Record::Leave { entity }),
            Part::Passenger => out.push(Record::Board { entity, carrier }),
            _ => {}
        }
    }
}

/// Whoever is near hears a call.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct Call {
    loud: u32,
}

impl EventData for Call {
    const KIND: EventKind = EventKind(301);
}

/// Every so many ticks somebody throws balls that lie, and calls those near by.
struct Play;

impl System for Play {
    type Own = (&'static mut Velocity, &'static Body);
    type Others = State;

    fn stage(&self) -> Stage {
        Stage::Before
    }

    fn reach_m(&self) -> f64 {
        3.0
    }

    fn run(
        &self,
        near: &Near<'_, State>,
        rows: Block<'_>,
        (velocity, body): <Self::Own as Access>::View<'_>,
        out: &mut Outbox,
    ) {
        near.with_list(|others| {
            for (n, id) in rows.ids.iter().enumerate() {
                if !(id.0 + near.tick()).is_multiple_of(64) {
                    continue;
                }
                let row = rows.first_row + n;
                if near.other(row).kind == BALL.0 && near.other(row).mode == Mode::Walk as u8 {
                    // To and fro over a line, so that nobody's ball goes round the world.
                    let aside = [units(9.0), -units(9.0)][(body.x[n] >> 22 & 1) as usize];
                    (velocity.x[n], velocity.z[n]) = (aside, units(14.0));
                }
                near.within(row, Body::get(&body, n).position(), 3.0, others);
                for other in others.iter().take(2) {
                    out.send(*id, other.id, Call { loud: 1 });
                    out.send_after(5, *id, other.id, Call { loud: 2 });
                }
            }
        });
    }

    fn hears(&self) -> &[EventKind] {
        const HEARD: [EventKind; 1] = [Call::KIND];
        &HEARD
    }

    fn receive(
        &self,
        _near: &Near<'_, State>,
        event: &Event,
        _row: usize,
        _own: &mut <Self::Own as Access>::View<'_>,
        out: &mut Outbox,
    ) {
        if event.data::<Call>().is_some_and(|call| call.loud == 2) {
            out.send(event.target, event.source, Call { loud: 1 });
        }
    }
}

/// What went on while it was counted.
#[derive(Default, Debug)]
struct Seen {
    contacts: u64,
    crossings: u64,
    events: u64,
    orders: u64, // of rows
    refused: u64,
    held: u64,
}

impl Seen {
    fn step(&mut self, world: &mut World, records: &[Record]) {
        let first = world.ids()[0];
        let report = world.step(world.tick(), records).expect("a step");
        self.contacts += report.contacts;
        self.crossings += u64::from(report.crossings);
        self.events += u64::from(report.events);
        self.orders += u64::from(world.ids()[0] != first);
        self.refused += u64::from(report.refused);
        self.held += u64::from(report.held);
    }
}

/// A world on its way.
struct Going {
    world: World,
    agents: u64,
    records: Vec<Record>,
    counter: &'static Counter,
}

impl Going {
    fn begin(agents: u64, counter: &'static Counter) -> Self {
        let mut world = empty_world();
        world.add_system(Play).expect("its columns are there");
        let records = beginning(&mut world, agents);
        world.step(0, &records).expect("a step");
        let records = Vec::with_capacity(agents as usize);
        Self {
            world,
            agents,
            records,
            counter,
        }
    }

    /// Steps so many ticks, each within something; what was seen. Steps are counted, not what a test does between them.
    fn go(&mut self, ticks: u64, step: impl Fn(&mut Seen, &mut World, &[Record])) -> Seen {
        let mut seen = Seen::default();
        for _ in 0..ticks {
            records_of(self.world.tick(), self.agents, &mut self.records);
            self.counter.count(true);
            step(&mut seen, &mut self.world, &self.records);
            self.counter.count(false);
        }
        seen
    }
}

#[test]
fn a_steady_tick_allocates_nothing_on_any_thread() {
    let asked = std::env::var("BLUEMARBLE_STEADY_AGENTS").ok();
    let agents = (asked.as_ref()).map_or(AGENTS, |n| n.parse().expect("a number of agents"));
    let ticks = if asked.is_some() { 1_000 } else { 150 };
    let counter = Counter::new();
    counter.hear_this_thread();
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(4)
        .start_handler(|_| counter.hear_this_thread());
    let pool = pool.build().expect("a pool");
    let (mut going, seen) = pool.install(|| {
        let mut going = Going::begin(agents, counter);
        going.go(4 * TURN, Seen::step);
        counter.forget();
        let seen = going.go(ticks, Seen::step);
        (going, seen)
    });
    let (count, places) = counter.told();
    assert_eq!(count, 0, "in {ticks} ticks; at\n{places}");
    println!("{agents} agents, {ticks} ticks: nothing was allocated; {seen:?}");
    assert!(seen.contacts > ticks * agents / 100, "{seen:?}");
    assert!(seen.crossings > agents / 50, "{seen:?}");
    assert!(seen.events > ticks * agents / 100, "{seen:?}");
    assert!(seen.orders > 0, "{seen:?}");
    assert_eq!((seen.refused, seen.held), (0, 0));
    // From outside of the pool the way into it is a queue, whose memory rayon asks for in pieces of 63 jobs.
    going.go(2 * 63, |seen, world, records| {
        pool.install(|| seen.step(world, records));
    });
    let (count, places) = counter.told();
    assert!(count <= 2, "{count} in 126 ticks; at\n{places}");
}
