//! Players who walk about at awkward places of a planet, and all that ever was of them.

use sim_core::{Kind, KindId, PlayerRow, Rewind};
use spatial_core::{DVec3, Ecef, EntityId, Frame, Frames, Geodetic, Planet};

use crate::scene::{PLACES_DEG, Seeded};

pub(super) const KINDS: [Kind; 3] = [
    Kind::crowd(1_024),
    Kind::character(2_000),
    Kind::flyer(300), // a ball
];

/// A ring that knows them.
pub(super) fn new_ring(planet: Planet, players_max: usize) -> Rewind {
    let mut ring = Rewind::new(planet, players_max);
    for (n, kind) in KINDS.iter().enumerate() {
        ring.learn(KindId(n as u16), kind);
    }
    ring
}

/// Somebody in a tick, as f64.
#[derive(Clone, Copy, Debug)]
pub(super) struct Person {
    pub(super) id: EntityId,
    pub(super) feet: DVec3,
    pub(super) kind: KindId,
}

/// A ring, and the same as the oracle has it.
pub(super) struct Town {
    pub(super) frames: Frames,
    pub(super) ring: Rewind,
    pub(super) history: Vec<Vec<Person>>, // by tick, from 0
    rows: Vec<PlayerRow>,
    ways: Vec<DVec3>, // a tick, metres in planet axes
    seeded: Seeded,
    side_m: f64,
}

impl Town {
    /// So many players, in towns of a side at all awkward places.
    pub(super) fn new(planet: Planet, players: u64, side_m: f64) -> Self {
        let mut town = Self {
            frames: Frames::new(planet),
            ring: new_ring(planet, players as usize + 40),
            history: Vec::new(),
            rows: Vec::new(),
            ways: Vec::new(),
            seeded: Seeded(players),
            side_m,
        };
        for n in 1..=players {
            town.join(EntityId(n * 7));
        }
        town
    }

    fn join(&mut self, entity: EntityId) {
        let planet = self.frames.planet();
        let (lat, lon) = PLACES_DEG[self.seeded.below(PLACES_DEG.len() as u64) as usize];
        let height_m = self.between(-2.0, 30.0);
        let center = planet.ecef(Geodetic::from_degrees(lat, lon, height_m).expect("a place"));
        let [east, north, _] = Frame::at(planet, center).axes().units();
        let half = 0.5 * self.side_m;
        let aside = east * self.between(-half, half) + north * self.between(-half, half);
        let position = planet.position(place(center.to_vec() + aside));
        self.rows.push(PlayerRow {
            entity,
            position: position.expect("within the shell"),
            heading: self.seeded.next() as u16,
            kind: KindId(self.seeded.below(3) as u16),
        });
        let speed = self.between(0.0, 0.4);
        let way = east * self.between(-1.0, 1.0) + north * self.between(-1.0, 1.0);
        self.ways.push(way * speed);
    }

    /// Walks a tick and records it: some leave and come, some leap, all that leave a frame change it.
    pub(super) fn walk(&mut self, tick: u64) {
        let planet = self.frames.planet();
        for n in 0..self.rows.len() {
            let way = match self.seeded.below(300) {
                0 => self.ways[n].normalize() * 200.0, // a leap
                _ => self.ways[n],
            };
            let row = &mut self.rows[n];
            let feet = planet.place(row.position).expect("a place").to_vec() + way;
            let frame = Frame::new(planet, row.position.frame).expect("a frame");
            let frame = match frame.is_left(place(feet)) {
                true => Frame::at(planet, place(feet)),
                false => frame,
            };
            row.position = frame.to_position(place(feet)).expect("within reach");
            row.heading = row.heading.wrapping_add(300);
        }
        if self.seeded.below(3) == 0 {
            let gone = self.seeded.below(self.rows.len() as u64) as usize;
            self.ways.swap_remove(gone);
            let gone = self.rows.swap_remove(gone).entity;
            // Most are new, some come back.
            let next = EntityId(gone.0 + 7 * 1_000 * self.seeded.below(2));
            self.join(next);
        }
        let recorded = self
            .ring
            .record(tick, &self.frames, self.rows.iter().copied());
        let recorded = recorded.expect("the next tick");
        assert_eq!(
            (recorded.players as usize, recorded.left_out),
            (self.rows.len(), 0)
        );
        let person = |row: &PlayerRow| Person {
            id: row.entity,
            feet: planet.place(row.position).expect("a place").to_vec(),
            kind: row.kind,
        };
        self.history.push(self.rows.iter().map(person).collect());
    }

    pub(super) fn rows(&self) -> &[PlayerRow] {
        &self.rows
    }

    pub(super) fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * (self.seeded.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    pub(super) fn below(&mut self, n: u64) -> u64 {
        self.seeded.below(n)
    }
}

pub(super) fn place(v: DVec3) -> Ecef {
    Ecef::new(v.x, v.y, v.z).expect("a finite place")
}
