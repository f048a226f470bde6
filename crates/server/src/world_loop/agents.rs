//! Wandering agents: what they want is drawn by lot now and then, and journalled like any input.

use sim_core::{Agent, FINE_PER_M, Input, Kind, KindId, Record, Tier, World};
use spatial_core::{CoordError, Ecef, EntityId, Frame, Planet, UNITS_PER_M, face_st};

use crate::config::Config;
use crate::host::Host;
use crate::lots::Lots;
use crate::towns::{TOWNS, Town, town_radius_m};

/// What [`Kind::role`] says of a wandering agent.
pub(super) const ROLE_AGENT: u8 = 0;
/// What [`Kind::role`] says of a player's avatar.
pub(super) const ROLE_PLAYER: u8 = 1;

/// Walking speeds of agents, metres a second.
const SPEED_MPS: core::ops::Range<f64> = 0.5..1.8;
/// Seconds until an agent changes its mind.
const WHIM_S: core::ops::Range<f64> = 5.0..15.0;
/// One in so many decides to stand still.
const IDLE_SHARE: f64 = 0.1;
/// Agents that enter in one tick: a journal frame and a tick's work stay small.
const SPAWNS_A_TICK: usize = 1_000;

/// Agents that choose in one tick: with 19 bytes each they fill a twelfth of what a journal frame may hold.
const CHOICES_A_TICK: usize = 65_536;

/// The towns in use, on a planet.
pub(super) struct Towns {
    planet: Planet,
    centres: Vec<(Town, Ecef)>,
    radius_m: f64,
    speed_max: u16,
    kinds: [KindId; 2], // of agents and of players
}

impl Towns {
    pub(super) fn new(world: &World, config: &Config) -> Result<Self, CoordError> {
        let planet = world.start().planet;
        let speed_max = (config.speed_max_mps * FINE_PER_M) as u16;
        let towns = &TOWNS[..usize::from(config.towns)];
        let centre = |town: &Town| Ok((*town, planet.ecef(town.near(0.0, 0.0)?)));
        Ok(Self {
            planet,
            centres: towns
                .iter()
                .map(centre)
                .collect::<Result<_, CoordError>>()?,
            radius_m: town_radius_m(config),
            speed_max,
            kinds: kinds_in(world, speed_max),
        })
    }

    pub(super) fn centres(&self) -> impl Iterator<Item = Ecef> {
        self.centres.iter().map(|(_, at)| *at)
    }

    /// The records that tell a world the kinds of its agents and players, if it does not know them.
    pub(super) fn tell_kinds(&self, world: &World, records: &mut Vec<Record>) {
        for (role, id) in (0..).zip(self.kinds) {
            let kind = kind_of(role, self.speed_max);
            if world.kind(id).is_none() {
                records.push(Record::Kind { id, kind });
            }
        }
    }

    /// What players are.
    pub(super) fn player_kind(&self) -> Kind {
        kind_of(ROLE_PLAYER, self.speed_max)
    }

    /// Somebody new in a town, anywhere in it: on the ground or the sea, or on the datum while there is none.
    pub(super) fn newcomer(
        &self,
        world: &World,
        town: usize,
        role: u8,
        lots: &mut Lots,
    ) -> Result<Agent, CoordError> {
        let (town, _) = &self.centres[town % self.centres.len()];
        let (east_m, north_m) = lots.in_disc(self.radius_m);
        let place = self.planet.ecef(town.near(east_m, north_m)?);
        let mut position = self.planet.position(place)?;
        position.z += (ground_m(world, place) * UNITS_PER_M).ceil() as i32;
        Ok(Agent {
            position,
            heading: lots.bits() as u16,
            kind: self.kinds[usize::from(role)],
            velocity: [0; 3],
        })
    }

    fn nearest(&self, place: Ecef) -> usize {
        let away = |n: &usize| self.centres[*n].1.distance_m(place);
        let nearer = |a: &usize, b: &usize| away(a).total_cmp(&away(b));
        (0..self.centres.len()).min_by(nearer).unwrap_or(0)
    }
}

/// How high the ground is that is resident at a place, or the sea, metres; 0 where none is.
fn ground_m(world: &World, place: Ecef) -> f64 {
    let lattice = &world.start().lattice;
    let tile = world.tiles().tile(lattice.tile_at(place.to_vec()));
    let (face, s, t) = face_st(place.to_vec());
    tile.map_or(0.0, |tile| tile.height_m(lattice, face, s, t).max(0.0))
}

/// The rows of all who have a role.
pub(super) fn of_role(world: &World, role: u8) -> impl Iterator<Item = usize> + '_ {
    let has_role = move |id| world.kind(id).is_some_and(|kind| kind.role == role);
    let rows = world.kinds().enumerate();
    rows.filter_map(move |(row, id)| has_role(id).then_some(row))
}

/// What somebody with a role is: agents are a crowd, players are characters, whom their clients can predict.
fn kind_of(role: u8, speed_max: u16) -> Kind {
    let kind = match role {
        ROLE_PLAYER => Kind::character(speed_max),
        _ => Kind::crowd(speed_max),
    };
    Kind { role, ..kind }
}

/// The names of the kinds of both roles: those that a recovered world has already, or free ones. What a kind is never changes, so another
/// speed limit is another kind.
fn kinds_in(world: &World, speed_max: u16) -> [KindId; 2] {
    let mut taken = None;
    [ROLE_AGENT, ROLE_PLAYER].map(|role| {
        let wanted = kind_of(role, speed_max);
        let is_it = |id: &KindId| match world.kind(*id) {
            Some(kind) => *kind == wanted,
            None => taken != Some(*id),
        };
        let id = (0..=u16::MAX).map(KindId).find(is_it).unwrap_or_default();
        taken = Some(id);
        id
    })
}

struct Wanderer {
    entity: EntityId,
    home: usize,
    next_tick: u64,
    is_asleep: bool,
}

/// All wandering agents.
pub(super) struct Wanderers {
    all: Vec<Wanderer>,
    wanted: usize,
    tick_rate_hz: f64,
}

impl Wanderers {
    /// Takes over the agents that a recovered world holds; the missing ones will enter.
    pub(super) fn new(world: &World, towns: &Towns, config: &Config) -> Self {
        let all = of_role(world, ROLE_AGENT).map(|row| Wanderer {
            entity: world.ids()[row],
            home: towns.nearest(world.place(row)),
            next_tick: world.tick(),
            is_asleep: world.tier(world.ids()[row]) == Some(Tier::ASLEEP),
        });
        let mut all: Vec<_> = all.collect();
        // Not all in the first tick: as many every tick, over the shortest whim.
        let spread = (WHIM_S.start * f64::from(config.tick_rate_hz)) as u64;
        for (n, wanderer) in all.iter_mut().enumerate() {
            wanderer.next_tick += n as u64 % spread.max(1);
        }
        Self {
            all,
            wanted: config.agents as usize,
            tick_rate_hz: f64::from(config.tick_rate_hz),
        }
    }

    /// Lets missing agents enter, if their towns' ground is ready.
    pub(super) fn enter(
        &mut self,
        (world, towns): (&World, &Towns),
        (host, lots): (&mut Host, &mut Lots),
        records: &mut Vec<Record>,
    ) -> Result<(), CoordError> {
        let missing = self.wanted.saturating_sub(self.all.len());
        if missing == 0 || !towns.are_ready(world) {
            return Ok(());
        }
        for _ in 0..missing.min(SPAWNS_A_TICK) {
            let Some(entity) = host.lease() else {
                break; // more names are on their way to the disk
            };
            let home = self.all.len() % towns.centres.len();
            let agent = towns.newcomer(world, home, ROLE_AGENT, lots)?;
            records.push(Record::Spawn { entity, agent });
            self.all.push(Wanderer {
                entity,
                home,
                next_tick: world.tick() + 1 + self.ticks(lots.within(0.0, WHIM_S.end)),
                is_asleep: false,
            });
        }
        Ok(())
    }

    /// Lets those whose time has come choose anew, at most [`CHOICES_A_TICK`]; the others choose in the next tick. Who
    /// is said to be idle goes to sleep instead, until it chooses again and is not.
    pub(super) fn choose(
        &mut self,
        (world, towns): (&World, &Towns),
        (lots, is_idle): (&mut Lots, impl Fn(EntityId) -> bool),
        records: &mut Vec<Record>,
    ) {
        let tick = world.tick();
        let mut room = CHOICES_A_TICK;
        for n in 0..self.all.len() {
            if self.all[n].next_tick > tick {
                continue;
            }
            if room == 0 {
                break;
            }
            room -= 1;
            self.all[n].next_tick = tick + self.ticks(lots.within(WHIM_S.start, WHIM_S.end));
            let wanderer = &mut self.all[n];
            let sleeps = is_idle(wanderer.entity);
            if wanderer.is_asleep != sleeps {
                wanderer.is_asleep = sleeps;
                records.push(tier(wanderer));
            }
            if !sleeps {
                records.extend(wish(wanderer, (world, towns), lots));
            }
        }
    }

    fn ticks(&self, seconds: f64) -> u64 {
        (seconds * self.tick_rate_hz) as u64
    }
}

impl Towns {
    fn are_ready(&self, world: &World) -> bool {
        let lattice = &world.start().lattice;
        self.centres()
            .all(|at| world.is_resident(lattice.tile_at(at.to_vec())))
    }
}

/// How often it moves from now on.
fn tier(wanderer: &Wanderer) -> Record {
    Record::Tier {
        entity: wanderer.entity,
        tier: match wanderer.is_asleep {
            true => Tier::ASLEEP,
            false => Tier::EVERY_TICK,
        },
    }
}

/// A new direction: home when far from it, else any.
fn wish(wanderer: &Wanderer, (world, towns): (&World, &Towns), lots: &mut Lots) -> Option<Record> {
    let row = world.row_of(wanderer.entity)?;
    let place = world.place(row);
    let home = towns.centres[wanderer.home].1;
    let is_far = place.distance_m(home) > towns.radius_m + place_height_m(place, home);
    let any = lots.within(0.0, core::f64::consts::TAU);
    let towards = is_far.then(|| bearing(towns.planet, world.position(row), home));
    let bearing = towards.flatten().unwrap_or(any);
    let mut speed = lots.within(SPEED_MPS.start, SPEED_MPS.end);
    if !is_far && lots.unit() < IDLE_SHARE {
        speed = 0.0;
    }
    let (sin, cos) = bearing.sin_cos();
    let turns = (bearing / core::f64::consts::TAU).rem_euclid(1.0);
    Some(Record::Input {
        entity: wanderer.entity,
        input: Input {
            east: (speed * sin * FINE_PER_M) as i16,
            north: (speed * cos * FINE_PER_M) as i16,
            heading: (turns * 65_536.0) as u32 as u16,
            ..Input::default()
        },
    })
}

/// Towns are centred on the datum, agents stand on the ground: what that adds to their distance at most.
fn place_height_m(place: Ecef, home: Ecef) -> f64 {
    (place.to_vec().length() - home.to_vec().length()).abs()
}

/// The direction home in the frame of a position, clockwise from north; `None` from another part of the planet.
fn bearing(planet: Planet, from: spatial_core::Position, home: Ecef) -> Option<f64> {
    let frame = Frame::new(planet, from.frame).ok()?;
    let to = frame.to_position(home).ok()?;
    let (east, north) = (to.x.wrapping_sub(from.x), to.y.wrapping_sub(from.y));
    Some(f64::from(east).atan2(f64::from(north)))
}
