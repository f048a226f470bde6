//! Records of anything that may happen, by chance: who comes, goes, sleeps, boards, falls on whom, at the most awkward places.

use sim_core::{Agent, Despawn, Event, Grade, Input, Kind, KindId, Obstacle, Record, Shape, Tier};
use spatial_core::{DQuat, DVec3, Ecef, EntityId, Frame, Planet, Position};

use crate::equal_worlds::{on_deck, pose_at, spawn};
use crate::scene::{BALL, CHARACTER, PLACES_DEG, RACER, RUNNER, Seeded, WALKER, at, walker};

/// Carriers' names, and the first of the kinds that are told late.
const CARRIERS: [u64; 4] = [900, 901, 902, 903];
const LATE_KIND: u16 = 10;

/// Radii of the kinds that are told late, 2⁻⁸ m: at last the widest.
const RADII: [u16; 8] = [26, 102, 200, 300, 512, 700, 1_000, 1_024];

/// What is to happen to a world, and who lives in it as far as records tell.
#[derive(Clone)]
pub(crate) struct Wanderers {
    seeded: Seeded,
    alive: Vec<u64>,
    next: u64,
    kinds: u16, // told late
}

impl Wanderers {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            seeded: Seeded(seed),
            alive: Vec::new(),
            next: 1,
            kinds: 0,
        }
    }

    /// The same people with another future.
    pub(crate) fn astray(&self, seed: u64) -> Self {
        Self {
            seeded: Seeded(seed),
            ..self.clone()
        }
    }

    /// What happens in a tick.
    pub(crate) fn records(&mut self, tick: u64) -> Vec<Record> {
        let mut out = Vec::new();
        // Where there are many, fewer come.
        let choices = if self.alive.len() > 700 { 60 } else { 40 };
        for _ in 0..self.seeded.below(25) {
            match self.seeded.below(choices) {
                0..=9 => self.come(&mut out),
                10..=14 => self.go(&mut out),
                15..=22 => self.tire(&mut out),
                23..=29 => self.travel(&mut out),
                30 | 31 => self.build(&mut out),
                32 if tick > 20 => self.tell_kind(&mut out),
                33 => self.die(&mut out),
                34 if self.seeded.below(6) == 0 => self.heap(&mut out),
                _ => self.wish(tick, &mut out),
            }
        }
        out
    }

    /// One of those who are alive, seldom somebody else.
    fn somebody(&mut self) -> EntityId {
        let count = self.alive.len() as u64;
        if count == 0 || self.seeded.below(50) == 0 {
            return EntityId(1 + self.seeded.below(self.next));
        }
        EntityId(self.alive[self.seeded.below(count) as usize])
    }

    fn new_name(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    /// Somebody comes, now and then under a name that was another's.
    fn come(&mut self, out: &mut Vec<Record>) {
        let n = match self.seeded.below(6) {
            0 => 1 + self.seeded.below(self.next),
            _ => self.new_name(),
        };
        let position = self.place();
        let kind = match self.seeded.below(12) {
            0 => BALL,
            1 => RACER,
            2 => CHARACTER,
            3 => RUNNER,
            4 | 5 => WALKER,
            _ => KindId(LATE_KIND + self.seeded.below(u64::from(self.kinds) + 1) as u16),
        };
        let is_thrown = self.seeded.below(4) == 0 && matches!(kind, BALL | CHARACTER | RUNNER);
        let seeded = &mut self.seeded;
        let velocity = match is_thrown {
            true => [0; 3].map(|_: i32| (seeded.next() as i32) >> seeded.below(12)),
            false => [0; 3],
        };
        if !self.alive.contains(&n) {
            self.alive.push(n);
        }
        let agent = Agent {
            position,
            kind,
            velocity,
            ..Agent::default()
        };
        let entity = EntityId(n);
        out.push(Record::Spawn { entity, agent });
    }

    /// Somebody goes; now and then another comes at once under the same name.
    fn go(&mut self, out: &mut Vec<Record>) {
        let entity = self.somebody();
        self.alive.retain(|n| *n != entity.0);
        out.push(Record::Despawn { entity });
        if self.seeded.below(4) == 0 {
            let agent = walker(self.place());
            self.alive.push(entity.0);
            out.push(Record::Spawn { entity, agent });
        }
    }

    fn die(&mut self, out: &mut Vec<Record>) {
        let entity = self.somebody();
        self.alive.retain(|n| *n != entity.0);
        let event = Event::new(entity, entity, Despawn {});
        out.push(Record::Event { event });
    }

    fn tire(&mut self, out: &mut Vec<Record>) {
        let entity = self.somebody();
        let tier = Tier::every_power_of_two(self.seeded.below(8) as u8);
        let tier = tier.unwrap_or(Tier::ASLEEP);
        out.push(Record::Tier { entity, tier });
    }

    /// Carriers come, are elsewhere and go; people board and leave them.
    fn travel(&mut self, out: &mut Vec<Record>) {
        let carrier = EntityId(CARRIERS[self.seeded.below(4) as usize]);
        match self.seeded.below(7) {
            0 => {
                let (lat, lon) = PLACES_DEG[self.seeded.below(8) as usize];
                let lon = lon + self.seeded.below(100) as f64 * 1e-4;
                let (height_m, turn) = (self.seeded.below(4_000), self.seeded.below(6_000));
                let lat = lat.clamp(-89.0, 89.0);
                let pose = pose_at(lat, lon, height_m as f64, turn as f64 * 1e-3);
                let entity = carrier;
                out.push(Record::Carrier { entity, pose });
            }
            1 if self.seeded.below(6) == 0 => out.push(Record::CarrierGone { entity: carrier }),
            1..=4 => {
                let entity = self.somebody();
                out.push(Record::Board { entity, carrier });
            }
            _ => {
                let entity = self.somebody();
                out.push(Record::Leave { entity });
            }
        }
    }

    fn build(&mut self, out: &mut Vec<Record>) {
        let id = EntityId(1 + self.seeded.below(40));
        if self.seeded.below(2) == 0 {
            return out.push(Record::Raze { id });
        }
        let position = self.place();
        let (wide, long) = (self.seeded.below(8) as f64, self.seeded.below(40) as f64);
        let turn = DQuat::from_rotation_z(self.seeded.below(6) as f64);
        let shape = Shape::cuboid(DVec3::new(0.3 + wide, 0.3 + long, 300.0), turn);
        let shape = shape.expect("a box");
        let obstacle = Obstacle { position, shape };
        out.push(Record::Build { id, obstacle });
    }

    /// A wider kind than any before, so that everybody reaches further.
    fn tell_kind(&mut self, out: &mut Vec<Record>) {
        let Some(&radius) = RADII.get(usize::from(self.kinds)) else {
            return;
        };
        let (grade, kind) = match self.kinds % 3 {
            2 => (Grade::Character, Kind::character(900)),
            _ => (Grade::Crowd, Kind::crowd(900)),
        };
        let height = 2 * radius + 100;
        let kind = Kind {
            radius,
            height,
            grade,
            ..kind
        };
        let id = KindId(LATE_KIND + self.kinds);
        out.push(Record::Kind { id, kind });
        self.kinds += 1;
    }

    /// Sixty in one spot.
    fn heap(&mut self, out: &mut Vec<Record>) {
        let spot = self.place();
        for _ in 0..60 {
            let n = self.new_name();
            self.alive.push(n);
            out.push(spawn(n, spot, WALKER));
        }
    }

    fn wish(&mut self, tick: u64, out: &mut Vec<Record>) {
        let entity = self.somebody();
        let seeded = &mut self.seeded;
        let input = Input {
            seq: tick as u32,
            east: seeded.next() as i16,
            north: seeded.next() as i16,
            up: seeded.next() as i16,
            heading: seeded.next() as u16,
            buttons: seeded.next() as u16,
            ..Input::default()
        };
        out.push(Record::Input { entity, input });
    }

    /// Somewhere awkward.
    fn place(&mut self) -> Position {
        let (lat, lon) = PLACES_DEG[self.seeded.below(8) as usize];
        let base = at(lat, lon);
        match self.seeded.below(10) {
            0..=2 => self.near_corner_of_blocks(base),
            3..=5 => self.near(base),
            6 => {
                let x = base.x + self.seeded.below(8) as i32;
                Position { x, ..base }
            }
            7 => self.at_border(base),
            _ => self.aboard(),
        }
    }

    fn near_corner_of_blocks(&mut self, base: Position) -> Position {
        let side = 1i32 << 22;
        let mut beside = |units: i32| {
            let block = self.seeded.below(3) as i32 - 1;
            let off = self.seeded.below(1_200_000) as i32 - 600_000;
            (units & !(side - 1)) + block * side + off
        };
        let (x, y) = (beside(base.x), beside(base.y));
        Position { x, y, ..base }
    }

    /// Around a place, which may be a corner of frames.
    fn near(&mut self, base: Position) -> Position {
        let centre = direction_of(base) * Planet::EARTH.radius_m();
        let reach_m = [8.0, 90.0, 200.0][self.seeded.below(3) as usize];
        let mut off = || (self.seeded.below(1 << 20) as f64 / f64::from(1 << 19) - 1.0) * reach_m;
        let place = on_datum(centre + DVec3::new(off(), off(), off()));
        let mut near = Planet::EARTH.position(place).expect("within the shell");
        near.z += self.seeded.below(4) as i32 * 65_536;
        near
    }

    /// Within 75 m of an edge of the frame around a place, on either side, in that frame or its own.
    fn at_border(&mut self, base: Position) -> Position {
        let frame = Frame::at(Planet::EARTH, Planet::EARTH.place(base).expect("a place"));
        let centre = direction_of(base);
        let edge = frame.edges()[self.seeded.below(4) as usize];
        let on_edge = (centre - edge * edge.dot(centre)).normalize();
        let across_m = self.seeded.below(150_000) as f64 / 1_000.0 - 75.0;
        let along_m = self.seeded.below(40_000) as f64 / 1_000.0;
        let way = edge * across_m + edge.cross(on_edge) * along_m;
        let place = on_datum(on_edge * Planet::EARTH.radius_m() + way);
        let own = Planet::EARTH.position(place).expect("within the shell");
        match self.seeded.below(2) {
            0 => frame.to_position(place).unwrap_or(own),
            _ => own,
        }
    }

    /// On a deck, also of a carrier that is not there, and at the ends of its grid.
    fn aboard(&mut self) -> Position {
        let carrier = EntityId(CARRIERS[self.seeded.below(4) as usize]);
        let mut along = || match self.seeded.below(6) {
            0 => i32::MAX - self.seeded.below(700_000) as i32,
            1 => i32::MIN + self.seeded.below(700_000) as i32,
            2 => (1 << 22) + self.seeded.below(600_000) as i32 - 300_000,
            _ => self.seeded.below(1_000_000) as i32 - 500_000,
        };
        let (x, y) = (along(), along());
        let z = match self.seeded.below(20) {
            0 => i32::MAX - self.seeded.below(1_000) as i32,
            _ => self.seeded.below(300_000) as i32,
        };
        on_deck(carrier, [x, y, z])
    }
}

fn direction_of(at: Position) -> DVec3 {
    let place = Planet::EARTH.place(at).expect("a place");
    place.to_vec().normalize()
}

fn on_datum(place: DVec3) -> Ecef {
    let [x, y, z] = (place.normalize() * Planet::EARTH.radius_m()).to_array();
    Ecef::new(x, y, z).expect("finite")
}
