//! Shots: judged by where players were when the shooter saw them.
//!
//! The answer enters the world as a record, so a replay needs no past.

use net_proto::InputHead;
use sim_core::{Event, Hit, Moment, Past, Record, Rewind, World};
use spatial_core::{DVec3, Ecef, EntityId, Frame, Ray};

use crate::config::Config;
use crate::status::ShotCounts;

/// One that has been fired.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Shot {
    pub(super) shooter: EntityId,
    /// Where it goes, as an input says it.
    pub(super) heading: u16,
    /// What the shooter was shown, 2⁻⁸ ticks; nothing where the client does not say.
    pub(super) shown: Option<u64>,
}

/// The players' past, and the shots of a tick.
pub(super) struct Shots {
    rewind: Rewind,
    reach_m: f64,
    ticks_max: u64, // a shooter may be so far behind
    waiting: Vec<Shot>,
    pub(super) counts: ShotCounts,
}

impl Shots {
    pub(super) fn new(world: &World, config: &Config) -> Self {
        // Who has left is remembered for as long as its moments.
        let players = config.players_max as usize;
        let players = (players + players / 4 + 1).min(Rewind::PLAYERS_MAX);
        let ticks = u64::from(config.rewind_ms) * u64::from(config.tick_rate_hz) / 1_000;
        Self {
            rewind: Rewind::new(world.start().planet, players),
            reach_m: config.interest_radius_m,
            ticks_max: ticks.min(Rewind::TICKS as u64 - 2),
            waiting: Vec::new(),
            counts: ShotCounts::default(),
        }
    }

    /// Takes in the shot of a tick, if there is one.
    pub(super) fn fire(&mut self, shot: Option<Shot>) {
        self.waiting.extend(shot);
    }

    /// Remembers the players of the state before the next tick.
    pub(super) fn remember(&mut self, world: &World, players: impl Iterator<Item = EntityId>) {
        // Ticks only rise: the error says that this one is known.
        let recorded = self.rewind.record_world(world.tick(), world, players);
        debug_assert!(recorded.is_ok());
        self.counts.left_out += recorded.map_or(0, |recorded| u64::from(recorded.left_out));
    }

    /// Judges the shots of a tick; calls with each hit, which is also recorded.
    pub(super) fn judge(
        &mut self,
        world: &World,
        records: &mut Vec<Record>,
        mut struck: impl FnMut(EntityId),
    ) {
        let mut waiting = core::mem::take(&mut self.waiting);
        for shot in waiting.drain(..) {
            self.counts.fired += 1;
            let Some(target) = self.target(world, &shot) else {
                continue;
            };
            self.counts.hits += 1;
            struck(target);
            let hit = Hit {
                obstacle: 0,
                speed: 0,
                what: Hit::AGENT,
            };
            records.push(Record::Event {
                event: Event::new(target, shot.shooter, hit),
            });
        }
        self.waiting = waiting;
    }

    fn target(&mut self, world: &World, shot: &Shot) -> Option<EntityId> {
        let ray = self.ray(world, shot)?;
        let past = self.past(shot.shown)?;
        let hit = past.hit(&ray, 0.0, Some(shot.shooter)).ok().flatten()?;
        let to = ray.from.to_vec() + ray.direction * hit.distance_m;
        let to = Ecef::new(to.x, to.y, to.z).ok()?;
        world.sight(ray.from, to).is_clear().then_some(hit.entity)
    }

    /// The moment that a shooter saw, or the one nearest to it that counts.
    fn past(&mut self, shown: Option<u64>) -> Option<Past<'_>> {
        let newest = self.rewind.newest()?;
        let moment = shown.map_or(Moment::at(newest), |shown| moment(shown, newest));
        let oldest = Moment::at(newest.saturating_sub(self.ticks_max));
        let moment = moment.max(oldest);
        let is_known = self.rewind.past(moment).is_ok();
        self.counts.forgotten += u64::from(!is_known);
        let moment = if is_known { moment } else { Moment::at(newest) };
        self.rewind.past(moment).ok()
    }

    /// Level, from the eyes: the centre of the upper end of the shooter's capsule.
    fn ray(&self, world: &World, shot: &Shot) -> Option<Ray> {
        let row = world.row_of(shot.shooter)?;
        let kind = world.kind(world.kind_at(row))?;
        let feet = world.place(row).to_vec();
        let up = feet.normalize();
        let eyes = feet + up * (kind.height_m() - kind.radius_m());
        let position = world.position(row);
        let frame = Frame::new(world.start().planet, position.frame).ok()?;
        let turn = f64::from(shot.heading) / 65_536.0 * core::f64::consts::TAU;
        let ahead = frame.rotate_out(DVec3::new(turn.sin(), turn.cos(), 0.0));
        Some(Ray {
            from: Ecef::new(eyes.x, eyes.y, eyes.z).ok()?,
            direction: (ahead - up * ahead.dot(up)).normalize(),
            reach_m: self.reach_m,
        })
    }
}

/// What was shown, 2⁻⁸ ticks, as a moment; nobody is shown more than there is.
fn moment(shown: u64, newest: u64) -> Moment {
    let parts = InputHead::PARTS_PER_TICK;
    let fraction = (shown % parts) * (65_536 / parts);
    let moment = Moment {
        tick: shown / parts,
        fraction: fraction as u16, // below 65,536
    };
    moment.min(Moment::at(newest))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use sim_core::{Agent, Input, Kind, KindId, WorldStart};
    use spatial_core::{CellId, HeightTile, LatticeSpec, Planet, Position, UNITS_PER_M};

    use super::*;

    const SHOOTER: EntityId = EntityId(1);
    const RUNNER: EntityId = EntityId(2);
    const EAST: u16 = 0x4000;
    const LEVELS: u8 = 16; // with tiles of some 300 m
    const INTERVALS: u16 = 64;

    /// A tile with a hill 10 m to the east of its middle, and the middle.
    fn ground(lattice: &LatticeSpec, hill_m: i16) -> (Arc<HeightTile>, Position) {
        const HALF: u32 = 1 << (LEVELS - 2); // tiles of a face's side
        let n = u32::from(INTERVALS);
        let corner = HALF * n;
        let middle = lattice.direction(0, corner + n / 2, corner + n / 2);
        let place = middle * Planet::EARTH.radius_m();
        let place = Ecef::new(place.x, place.y, place.z).unwrap();
        let at = Planet::EARTH.position(place).unwrap();
        let top = Position {
            x: at.x + (10.0 * UNITS_PER_M) as i32,
            ..at
        };
        let top = Planet::EARTH.place(top).unwrap();
        let height = |(j, i): (u32, u32)| {
            let sample = lattice.direction(0, corner + i, corner + j) * Planet::EARTH.radius_m();
            let is_hill = (sample - top.to_vec()).length() < 7.0;
            if is_hill { hill_m } else { 0 }
        };
        let all = (0..=n).flat_map(|j| (0..=n).map(move |i| (j, i)));
        let cell = lattice.tile_at(place.to_vec());
        let tile = HeightTile::new(cell, INTERVALS, all.map(height).collect()).unwrap();
        (Arc::new(tile), at)
    }

    /// A shooter, and somebody who runs north at 8 m/s, 20 m to the east; a hill between them, if it has a height.
    fn scene(config: &Config, ticks: u64, hill_m: i16) -> (World, Shots) {
        let lattice = LatticeSpec::new(LEVELS, INTERVALS, 0.0, 1.0).unwrap();
        let mut world = World::new(WorldStart {
            world_id: 1,
            planet: Planet::EARTH,
            tick_rate_hz: config.tick_rate_hz,
            gravity: WorldStart::EARTH_GRAVITY,
            lattice,
        })
        .unwrap();
        let (tile, at) = ground(&lattice, hill_m);
        let (cell, checksum): (CellId, u64) = (tile.cell(), tile.checksum());
        world.stage(tile);
        let kind = Kind::character(2_048);
        let spawn = |entity, east_m: f64| Record::Spawn {
            entity,
            agent: Agent {
                position: Position {
                    x: at.x + (east_m * UNITS_PER_M) as i32,
                    ..at
                },
                kind: KindId(0),
                ..Agent::default()
            },
        };
        let input = Input {
            north: 2_048,
            ..Input::default()
        };
        let mut records = vec![
            Record::Resident {
                tile: cell,
                checksum,
            },
            Record::Kind {
                id: KindId(0),
                kind,
            },
            spawn(SHOOTER, 0.0),
            spawn(RUNNER, 20.0),
        ];
        records.push(Record::Input {
            entity: RUNNER,
            input,
        });
        let mut shots = Shots::new(&world, config);
        for tick in 0..ticks {
            let report = world.step(tick, &records).unwrap();
            assert_eq!((report.refused, report.held), (0, 0));
            records.clear();
            shots.remember(&world, [SHOOTER, RUNNER].into_iter());
        }
        (world, shots)
    }

    /// Whom a shot to the east hits.
    fn fire(world: &World, shots: &mut Shots, shown: Option<f64>) -> Option<EntityId> {
        shots.fire(Some(Shot {
            shooter: SHOOTER,
            heading: EAST,
            shown: shown.map(|tick| (tick * 256.0) as u64),
        }));
        let (mut records, mut struck) = (Vec::new(), None);
        shots.judge(world, &mut records, |entity| struck = Some(entity));
        let told = records.iter().map(|record| match record {
            Record::Event { event } => (event.target, event.source),
            other => panic!("{other:?}"),
        });
        assert!(told.eq(struck.map(|target| (target, SHOOTER))));
        struck
    }

    #[test]
    fn a_shot_is_judged_by_what_its_shooter_was_shown() {
        let config = Config {
            rewind_ms: 2_000,
            ..Config::default()
        };
        let (world, mut shots) = scene(&config, 30, 0);
        // In the first tick the runner stood to the east, a second later it is 8 m to the north.
        assert_eq!(fire(&world, &mut shots, Some(1.0)), Some(RUNNER));
        assert_eq!(fire(&world, &mut shots, Some(1.5)), Some(RUNNER));
        assert_eq!(fire(&world, &mut shots, Some(15.0)), None);
        assert_eq!(fire(&world, &mut shots, None), None);
        assert_eq!(fire(&world, &mut shots, Some(1e9)), None); // nobody is shown more than there is
        let counts = ShotCounts {
            fired: 5,
            hits: 2,
            ..ShotCounts::default()
        };
        assert_eq!(shots.counts, counts);
    }

    #[test]
    fn who_sees_too_late_shoots_at_what_counts() {
        let config = Config {
            rewind_ms: 500,
            ..Config::default()
        };
        let (world, mut shots) = scene(&config, 30, 0);
        assert_eq!(fire(&world, &mut shots, Some(1.0)), None);
        assert_eq!(shots.counts.forgotten, 0);
        let (world, mut shots) = scene(&config, 10, 0);
        assert_eq!(fire(&world, &mut shots, Some(1.0)), Some(RUNNER));
    }

    #[test]
    fn the_ground_is_in_the_way() {
        for (hill_m, hit) in [(0, Some(RUNNER)), (6, None)] {
            let (world, mut shots) = scene(&Config::default(), 1, hill_m);
            assert_eq!(fire(&world, &mut shots, None), hit, "{hill_m} m");
        }
    }

    #[test]
    fn a_shot_ends_with_its_reach() {
        let (world, mut shots) = scene(&Config::default(), 1, 0);
        assert_eq!(fire(&world, &mut shots, None), Some(RUNNER));
        shots.reach_m = 10.0;
        assert_eq!(fire(&world, &mut shots, None), None);
    }
}
