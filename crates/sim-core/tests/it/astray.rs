//! Three worlds with the same records: one goes straight, one is saved and loaded at random, at any level, and one goes astray at random and is
//! taken back. They are the same world in every tick, and contacts are those of brute force.
//!
//! `BLUEMARBLE_ASTRAY` is a number of seeds, of 300 ticks each then; `BLUEMARBLE_ASTRAY_SEED` the first one.

use sim_core::{Grade, Kind, Record, SimLevel, Snapshot, StepReport, Tier, World};
use spatial_core::{DVec3, EntityId, Planet, UNITS_PER_M};

use crate::contacts::{DOUBT_M, distance_m};
use crate::equal_worlds::reloaded;
use crate::scene::{Seeded, all_ground, empty_world, tiles};
use crate::wanderers::Wanderers;

/// The tick in which the last tile becomes resident, and between how many ticks contacts are counted.
const LATE: u64 = 40;
const COUNTED: u64 = 5;

/// Three worlds that ought to be the same.
struct Trio {
    seed: u64,
    straight: World,
    loaded: World,
    astray: World,
    chance: Seeded,
    snapshot: Snapshot,
    people: Wanderers,
    late: Record, // makes the last tile resident
}

/// What happened in the straight one.
#[derive(Default, Debug)]
struct Seen {
    contacts: u64,
    crossings: u64,
    counted: u64, // contacts by brute force
    agents: usize,
}

impl Trio {
    /// They have all ground but one tile.
    fn begin(seed: u64) -> Self {
        let (mut straight, mut loaded, mut astray) = (empty_world(), empty_world(), empty_world());
        let mut records = all_ground(&mut straight);
        all_ground(&mut loaded);
        all_ground(&mut astray);
        let late = records.len() - 1 - seed as usize % 24;
        let late = records.remove(late);
        for world in [&mut straight, &mut loaded, &mut astray] {
            world.step(0, &records).expect("a step");
        }
        Self {
            seed,
            straight,
            loaded,
            astray,
            chance: Seeded(seed ^ 77),
            snapshot: Snapshot::default(),
            people: Wanderers::new(seed),
            late,
        }
    }

    /// One tick of all three, after which they are the same.
    fn step(&mut self, seen: &mut Seen) {
        let tick = self.straight.tick();
        let is_counted = tick % COUNTED == COUNTED - 1;
        let mut records = match is_counted {
            true => Vec::new(), // so that places before the tick are those of the step
            false => self.people.records(tick),
        };
        records.extend((tick == LATE).then(|| self.late.clone()));
        self.reload();
        self.go_astray();
        if self.chance.below(4) == 0 {
            self.straight.touching(&mut Vec::new());
        }
        let counted = is_counted.then(|| count_contacts(&self.straight));
        let [did, loaded_did, astray_did] =
            [&mut self.straight, &mut self.loaded, &mut self.astray]
                .map(|world| world.step(tick, &records).expect("a step"));
        let what = format!("seed {}, tick {tick}", self.seed);
        if let Some((least, most)) = counted {
            let contacts = did.contacts;
            let is_right = (least..=most).contains(&contacts);
            assert!(is_right, "{what}: {contacts} contacts of {least} to {most}");
            seen.counted += most;
        }
        let here = (&self.straight, &did);
        assert_same(
            &format!("{what}, loaded"),
            here,
            (&self.loaded, &loaded_did),
        );
        assert_same(
            &format!("{what}, astray"),
            here,
            (&self.astray, &astray_did),
        );
        seen.contacts += did.contacts;
        seen.crossings += u64::from(did.crossings);
        seen.agents = self.straight.len();
    }

    /// Now and then the loaded one is saved and loaded, and steps by other instructions from then on.
    fn reload(&mut self) {
        if self.chance.below(3) != 0 {
            return;
        }
        self.loaded = reloaded(&self.loaded);
        let level = SimLevel::ALL[self.chance.below(3) as usize];
        self.loaded.set_level(level);
        if self.loaded.tick() <= LATE {
            tiles().for_each(|tile| self.loaded.stage(tile)); // what is on offer is not saved
        }
    }

    /// Now and then one has another future for a few ticks, and is taken back.
    fn go_astray(&mut self) {
        if self.chance.below(2) != 0 {
            return;
        }
        self.astray.snapshot(&mut self.snapshot);
        let mut people = self.people.astray(self.chance.next());
        for _ in 0..self.chance.below(4) {
            let tick = self.astray.tick();
            let records = people.records(tick + 1_000);
            self.astray.step(tick, &records).expect("a step");
        }
        self.astray.restore(&self.snapshot).expect("this world's");
    }
}

/// Fails with all agents that are different.
#[track_caller]
fn assert_same(what: &str, (a, did): (&World, &StepReport), (b, other_did): (&World, &StepReport)) {
    if did == other_did && a.hash() == b.hash() {
        return;
    }
    let mut ids = [a.ids(), b.ids()].concat();
    ids.sort_unstable();
    ids.dedup();
    let of = |world: &World, id: EntityId| (world.agent(id), world.tier(id));
    let others = ids.into_iter().filter(|id| of(a, *id) != of(b, *id));
    let told: Vec<_> = others
        .map(|id| format!("{id}: {:?}\n  not {:?}", of(b, id), of(a, id)))
        .collect();
    panic!("{what}: {other_did:?}\nnot {did:?}\n{}", told.join("\n"));
}

/// Somebody as brute force sees it: whose places are compared with whose, and where.
struct Body {
    id: EntityId,
    carrier: Option<EntityId>,
    at: DVec3, // planet-centred, or on the carrier
    kind: Kind,
    is_asleep: bool,
}

fn bodies(world: &World) -> Vec<Body> {
    let body = |id: EntityId| {
        let agent = world.agent(id).expect("it is there");
        let row = world.row_of(id).expect("it is there");
        let carrier = agent.position.frame.carrier();
        Body {
            id,
            carrier,
            at: match carrier {
                Some(_) => DVec3::from_array(agent.position.xyz().map(f64::from)) / UNITS_PER_M,
                None => world.place(row).to_vec(),
            },
            kind: *world.kind(agent.kind).expect("a kind that was told"),
            is_asleep: world.tier(id) == Some(Tier::ASLEEP),
        }
    };
    let all = world.ids().iter().map(|id| body(*id));
    all.filter(|body| body.kind.grade != Grade::Flyer).collect()
}

/// The least and the most contacts that agents may feel, by comparing everybody with everybody.
fn count_contacts(world: &World) -> (u64, u64) {
    let all = bodies(world);
    let (mut least, mut most) = (0, 0);
    for own in all.iter().filter(|own| !own.is_asleep) {
        let others = all.iter().filter(|other| {
            let is_near = (own.at - other.at).abs().max_element() < 40.0;
            is_near && other.id != own.id && other.carrier == own.carrier
        });
        for other in others {
            let gap = apart_m(own, other) - own.kind.radius_m() - other.kind.radius_m();
            least += u64::from(gap < -DOUBT_M);
            most += u64::from(gap < DOUBT_M);
        }
    }
    (least, most)
}

/// Between the axes of two upright capsules.
fn apart_m(own: &Body, other: &Body) -> f64 {
    if own.carrier.is_none() {
        return distance_m(Planet::EARTH, (own.at, &own.kind), (other.at, &other.kind));
    }
    let d = own.at - other.at;
    let ends = |kind: &Kind| (kind.radius_m(), kind.height_m() - kind.radius_m());
    let ((low, high), (other_low, other_high)) = (ends(&own.kind), ends(&other.kind));
    let above = (d.z + low - other_high).max(other_low - (d.z + high));
    DVec3::new(d.x, d.y, above.max(0.0)).length()
}

fn asked(name: &str) -> Option<u64> {
    let asked = std::env::var(name).ok();
    asked.map(|asked| asked.parse().expect("a number"))
}

#[test]
fn worlds_that_were_loaded_or_went_astray_are_the_straight_one() {
    let seeds = asked("BLUEMARBLE_ASTRAY");
    let ticks = if seeds.is_some() { 300 } else { 120 };
    let first = asked("BLUEMARBLE_ASTRAY_SEED").unwrap_or(0);
    let mut seen = Seen::default();
    for seed in first..first + seeds.unwrap_or(8) {
        let mut trio = Trio::begin(seed);
        (0..ticks).for_each(|_| trio.step(&mut seen));
    }
    println!("{ticks} ticks of each seed: {seen:?}");
    assert!(seen.contacts > 1_000 && seen.counted > 200, "{seen:?}");
    assert!(seen.crossings > 0 && seen.agents > 50, "{seen:?}");
}
