//! Claimed positions: what honest players do now and then, and single lies.

use sim_core::{
    Claim, Finding, Grade, Input, Judged, Kind, Limits, Mode, Received, Surroundings, Validator,
};
use spatial_core::{Ecef, Frame, Planet, Position};

use crate::scene::at_on;

/// A sphere to stand on, and water south of the frame's origin.
struct Sphere {
    planet: Planet,
    frame: Frame,
}

impl Sphere {
    fn new(radius_m: f64) -> Self {
        let planet = Planet::new(radius_m).expect("a legal radius");
        let frame = Frame::new(planet, at_on(planet, 30.0, 60.0).frame).expect("a frame");
        Self { planet, frame }
    }

    /// So far along the ground to the east and north, and so high above it, metres.
    fn position(&self, [east, north, above]: [f64; 3]) -> Position {
        let [x, y, up] = self.frame.axes().units();
        let radius = self.planet.radius_m();
        let way = (x * east + y * north) / radius + up;
        let v = way * ((radius + above) / way.length_squared().sqrt());
        let place = Ecef::new(v.x, v.y, v.z).expect("a finite place");
        self.frame.to_position(place).expect("within reach")
    }
}

impl Surroundings for Sphere {
    fn place(&self, at: Position) -> Option<Ecef> {
        (at.frame == self.frame.id()).then(|| self.frame.to_ecef(at))
    }

    fn is_open(&self, _: Ecef, _: Ecef) -> bool {
        true
    }

    fn above_ground_m(&self, at: Ecef) -> Option<f64> {
        Some(at.to_vec().length_squared().sqrt() - self.planet.radius_m())
    }

    fn is_water(&self, at: Ecef) -> bool {
        self.frame.rotate_in(at.to_vec()).y < 0.0
    }
}

/// Judges claims, one an input, after the inputs were let through.
struct Judge {
    sphere: Sphere,
    kind: Kind,
    validator: Validator,
    seq: u32,
}

impl Judge {
    fn new(radius_m: f64, kind: Kind) -> Self {
        Self {
            sphere: Sphere::new(radius_m),
            kind,
            validator: Validator::default(),
            seq: 0,
        }
    }

    fn claim(&mut self, at: [f64; 3], mode: Mode) -> Vec<Finding> {
        self.seq += 1;
        let limits = Limits::at(30);
        let judged = Judged {
            tick: u64::from(self.seq) * 40, // so late that everything is told
            limits: &limits,
            kind: &self.kind,
        };
        let mut findings = Vec::new();
        let datagram = Received {
            inputs: &[Input {
                seq: self.seq,
                ..Input::default()
            }],
            seen: None,
        };
        self.validator.receive(&judged, &datagram, &mut findings);
        let claim = Claim {
            seq: self.seq,
            position: self.sphere.position(at),
            mode,
        };
        let sphere = &self.sphere;
        let is_believed = self
            .validator
            .claimed(&judged, &claim, sphere, &mut findings);
        assert_eq!(is_believed, findings.is_empty());
        findings
    }

    fn put(&mut self, at: [f64; 3], mode: Mode, thrown: u16) {
        let limits = Limits::at(30);
        let judged = Judged {
            tick: u64::from(self.seq) * 40,
            limits: &limits,
            kind: &self.kind,
        };
        let claim = Claim {
            seq: self.seq,
            position: self.sphere.position(at),
            mode,
        };
        self.validator.set_place(&judged, &claim, thrown);
    }
}

const WALKER: Kind = Kind::character(1_024);

#[test]
fn falls_of_all_heights_are_no_flight() {
    for radius_m in [10_000.0, 6_371_008.8] {
        for from_m in [0.5, 20.0, 900.0] {
            let mut judge = Judge::new(radius_m, WALKER);
            let start = [0.0, 0.0, from_m];
            judge.put(start, Mode::Fall, 0);
            let (mut above, mut speed, mut east) = (from_m, 0.0, 0.0);
            while above > 0.0 {
                // Air slows it to 55 m/s.
                speed += (9.81 - 9.81 * (speed / 55.0) * (speed / 55.0)) / 30.0;
                above -= speed / 30.0;
                east += 3.9 / 30.0 * radius_m / (radius_m + above);
                let found = judge.claim([east, 0.0, above.max(0.0)], Mode::Fall);
                assert_eq!(found, [], "{above} of {from_m} m at {speed} m/s");
            }
            assert_eq!(judge.claim([east, 0.0, 0.0], Mode::Walk), []);
        }
    }
}

#[test]
fn who_is_put_somewhere_may_jump_there_or_be_thrown() {
    for (mode, thrown, speed) in [(Mode::Walk, 0, 4.4), (Mode::Fall, 5_120, 20.0)] {
        let mut judge = Judge::new(6_371_008.8, WALKER);
        judge.put([0.0; 3], mode, thrown);
        let mut above = 0.0;
        for n in 1..(speed * 6.0) as i32 {
            above += speed / 30.0 - 9.81 / 900.0 * f64::from(n);
            assert_eq!(judge.claim([0.0, 0.0, above], Mode::Fall), [], "{above}");
        }
    }
}

#[test]
fn who_stops_in_mid_air_flies() {
    let mut judge = Judge::new(6_371_008.8, WALKER);
    judge.claim([0.0; 3], Mode::Walk);
    let mut above = 0.0;
    for n in 0..8 {
        above += 4.4 / 30.0 - 9.81 / 900.0 * f64::from(n);
        assert_eq!(judge.claim([0.0, 0.0, above], Mode::Fall), []);
    }
    let hover = (0..30).find(|_| !judge.claim([0.0, 0.0, above], Mode::Fall).is_empty());
    assert!(hover.is_some_and(|ticks| ticks < 15), "{hover:?}");
    // Nor does it help to call it ground.
    assert_eq!(
        judge.claim([0.0, 0.0, above], Mode::Walk),
        [Finding::Flight]
    );
    assert_eq!(judge.claim([0.0, 0.0, 0.2], Mode::Walk), []);
}

#[test]
fn who_rises_faster_than_it_jumps_is_found() {
    let mut judge = Judge::new(6_371_008.8, WALKER);
    judge.claim([0.0; 3], Mode::Walk);
    let found = judge.claim([0.0, 0.0, 3.0], Mode::Fall);
    assert!(
        matches!(found[..], [Finding::Teleport { way: 767..=768 }]),
        "{found:?}"
    );
    // A crowd follows the ground, however steep.
    let kind = Kind {
        grade: Grade::Crowd,
        ..WALKER
    };
    let mut judge = Judge::new(6_371_008.8, kind);
    judge.claim([0.0, 0.0, 0.2], Mode::Walk);
    assert_eq!(judge.claim([0.0, 0.0, -0.2], Mode::Walk), []);
}

#[test]
fn water_carries_where_there_is_some() {
    let mut judge = Judge::new(6_371_008.8, WALKER);
    judge.claim([0.0, -5.0, 0.0], Mode::Walk);
    for n in 1..20 {
        let up = f64::from(n) * 0.1;
        assert_eq!(judge.claim([0.0, -5.0, up], Mode::Swim), []);
    }
    let mut judge = Judge::new(6_371_008.8, WALKER);
    judge.claim([0.0, 5.0, 0.0], Mode::Walk);
    assert_eq!(judge.claim([0.0, 5.0, 0.4], Mode::Swim), [Finding::Flight]);
}

#[test]
fn flyers_are_as_fast_in_all_directions_and_need_no_ground() {
    let kind = Kind {
        grade: Grade::Flyer,
        ..WALKER
    };
    let mut judge = Judge::new(6_371_008.8, kind);
    judge.claim([0.0, 0.0, 100.0], Mode::Fall);
    for n in 1..100 {
        let way = f64::from(n) * 3.99 / 30.0;
        let part = way / 3.0f64.sqrt();
        assert_eq!(
            judge.claim([part, part, 100.0 + part], Mode::Fall),
            [],
            "{n}"
        );
    }
    let mut judge = Judge::new(6_371_008.8, kind);
    judge.claim([0.0, 0.0, 100.0], Mode::Fall);
    let fast = (1..100).find(|n| {
        let up = f64::from(*n) * 4.2 / 30.0;
        !judge.claim([0.0, 0.0, 100.0 + up], Mode::Fall).is_empty()
    });
    assert!(fast.is_some_and(|ticks| ticks <= 10), "{fast:?}");
}

#[test]
fn a_rest_saves_nothing_up() {
    let mut judge = Judge::new(6_371_008.8, WALKER);
    for _ in 0..300 {
        assert_eq!(judge.claim([0.0; 3], Mode::Walk), []);
    }
    let mut east = 0.0;
    let fast = (0..100).find(|_| {
        east += 1.1 * 4.0 / 30.0;
        !judge.claim([east, 0.0, 0.0], Mode::Walk).is_empty()
    });
    assert!(fast.is_some_and(|ticks| ticks < 3), "{fast:?}");
}

#[test]
fn the_server_may_put_a_player_anywhere() {
    let mut judge = Judge::new(6_371_008.8, WALKER);
    judge.claim([0.0; 3], Mode::Walk);
    let away = [300.0, 400.0, 0.0];
    let found = judge.claim(away, Mode::Walk);
    assert!(matches!(found[..], [Finding::Teleport { .. }]), "{found:?}");
    judge.put(away, Mode::Walk, 0);
    assert_eq!(judge.claim([300.1, 400.0, 0.0], Mode::Walk), []);
    let nowhere = Position::default();
    let limits = Limits::at(30);
    let judged = Judged {
        tick: 10_000,
        limits: &limits,
        kind: &WALKER,
    };
    let claim = Claim {
        seq: judge.seq,
        position: nowhere,
        mode: Mode::Walk,
    };
    let mut findings = Vec::new();
    let (validator, sphere) = (&mut judge.validator, &judge.sphere);
    assert!(!validator.claimed(&judged, &claim, sphere, &mut findings)); // an old number
    let claim = Claim {
        seq: u32::MAX,
        ..claim
    };
    assert!(!validator.claimed(&judged, &claim, sphere, &mut findings)); // of no input
    assert_eq!(findings, []);
}
