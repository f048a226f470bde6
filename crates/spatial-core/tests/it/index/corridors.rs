//! Corridors along paths and rays.

use spatial_core::{
    Corridor, DVec3, Ecef, EntityId, Hit, InvalidCorridor, InvalidRadius, MovingIndex,
};

use super::scene::Scene;
use super::{Size, check};
use crate::world::{Random, ecef};

#[test]
fn corridors_equal_brute_force() {
    let mut hits = Vec::new();
    let mut force = Force::default();
    check("corridor", Size::new(), |scene, random| {
        let corridor = random_corridor(scene, random);
        scene.view.corridor(&corridor, &mut hits);
        assert_corridor(scene, &corridor, &hits, &mut force);
        hits.len()
    });
}

pub(super) fn random_corridor(scene: &Scene<'_>, random: &mut Random) -> Corridor {
    // Most are short and narrow; some wind around the planet.
    let planet_m = scene.world.planet.radius_m();
    let [radius_max, step_max] = match random.below(32) {
        0 => [0.8, 3.0],
        _ => [0.04, 0.4],
    };
    let radius_m = random.log_uniform(1e-8, radius_max) * planet_m;
    let step_m = random.log_uniform(1e-6, step_max) * planet_m;
    let mut points = vec![match random.below(5) {
        0 => scene
            .world
            .at(random.awkward_direction(), random.between(-50.0, 50.0)),
        _ => scene.any_place(random),
    }];
    for _ in 0..random.below(6) {
        let last = *points.last().unwrap();
        points.push(match random.below(6) {
            0 => scene.any_place(random),
            1 => last,
            2 => scene.world.at(random.awkward_direction(), 0.0),
            _ => scene.world.near(last, step_m / 10.0, step_m, random),
        });
    }
    if random.below(8) == 0 {
        // Somebody exactly on the rim: the nearest of a few, lest nearly everybody is within.
        let few = (0..32).map(|_| distance_to_path(&points, scene.any_place(random).to_vec()));
        let radius_m = few.fold(f64::INFINITY, f64::min);
        return Corridor::new(points, radius_m).unwrap();
    }
    if random.below(4) == 0 {
        let (from, direction) = (points[0], random.any_direction());
        return Corridor::ray(from, direction, step_m, radius_m).unwrap();
    }
    Corridor::new(points, radius_m).unwrap()
}

/// The square of the distance from a segment, as [`Corridor`] has it.
fn square_to_segment([a, b]: [DVec3; 2], p: DVec3) -> f64 {
    let along = b - a;
    let square = along.x * along.x + along.y * along.y + along.z * along.z;
    let t = if square > 0.0 {
        ((p - a).dot(along) / square).clamp(0.0, 1.0)
    } else {
        0.0
    };
    (p - (a + along * t)).length_squared()
}

/// From point to point; a single one to itself.
fn segments(points: &[Ecef]) -> impl Iterator<Item = [DVec3; 2]> {
    let alone = [points[0].to_vec(); 2];
    let pairs = points.windows(2).map(|ab| [ab[0].to_vec(), ab[1].to_vec()]);
    pairs.chain((points.len() == 1).then_some(alone))
}

/// The least of the distances is the root of the least square: roots are rounded, but never change places.
fn distance_to_path(points: &[Ecef], p: DVec3) -> f64 {
    let squares = segments(points).map(|segment| square_to_segment(segment, p));
    squares.fold(f64::INFINITY, f64::min).sqrt()
}

/// Entities that follow each other, and the ball around them: where a whole block is out of reach nobody of it is looked at.
const BLOCK: usize = 32;

/// Brute force, which leaves out blocks of entities that are out of reach by the triangle inequality.
#[derive(Default)]
pub(super) struct Force {
    seed: u64, // of the world of the blocks
    blocks: Vec<(DVec3, f64)>,
    near: Vec<bool>,
    want: Vec<(u32, f64)>,
}

impl Force {
    fn enter(&mut self, scene: &Scene<'_>) {
        if self.seed == scene.seed && self.blocks.len() == scene.ids.len().div_ceil(BLOCK) {
            return;
        }
        self.seed = scene.seed;
        let block = |first: usize| {
            let slots = first..(first + BLOCK).min(scene.ids.len());
            let places = slots.map(|slot| scene.places.get(slot));
            let center = places.clone().sum::<DVec3>() / places.len() as f64;
            let radius = places.map(|p| (p - center).length_squared().sqrt());
            (center, radius.fold(0.0, f64::max))
        };
        self.blocks = (0..scene.ids.len()).step_by(BLOCK).map(block).collect();
    }

    /// Whether anybody of a block may be in reach of a segment: whoever is has its middle within half its length and the radius.
    fn mark(&mut self, corridor: &Corridor) {
        self.near.clear();
        self.near.resize(self.blocks.len(), false);
        for [a, b] in segments(corridor.points()) {
            let middle = (a + b) * 0.5;
            let reach_m = 0.5 * (b - a).length_squared().sqrt() + corridor.radius_m();
            for (near, (center, radius_m)) in self.near.iter_mut().zip(&self.blocks) {
                let far_m = (*center - middle).length_squared().sqrt();
                // A millimetre is more than all rounding at these sizes.
                *near |= far_m <= reach_m + radius_m + 1e-3;
            }
        }
    }

    fn look(&mut self, scene: &Scene<'_>, corridor: &Corridor) {
        self.enter(scene);
        self.mark(corridor);
        self.want.clear();
        for block in (0..self.near.len()).filter(|block| self.near[*block]) {
            for slot in block * BLOCK..((block + 1) * BLOCK).min(scene.ids.len()) {
                let distance_m = distance_to_path(corridor.points(), scene.places.get(slot));
                if distance_m <= corridor.radius_m() {
                    self.want.push((slot as u32, distance_m));
                }
            }
        }
    }
}

pub(super) fn assert_corridor(
    scene: &Scene<'_>,
    corridor: &Corridor,
    hits: &[Hit],
    force: &mut Force,
) {
    force.look(scene, corridor);
    let want = force.want.iter().map(|(slot, distance_m)| Hit {
        id: scene.ids[*slot as usize],
        row: scene.rows[*slot as usize],
        distance_m: *distance_m,
    });
    let (seed, found) = (scene.seed, hits.len());
    assert!(
        hits.iter().copied().eq(want),
        "world of seed {seed}: {corridor:?} has {found} but brute force {}",
        force.want.len()
    );
}

/// Along a stack of entities every part of the path has all of them near: it must not be halved for ever.
#[test]
fn a_thin_corridor_along_a_stack_takes_no_time() {
    let pole = DVec3::Z * 6_371_000.0;
    let ids: Vec<EntityId> = (1..=400).map(EntityId).collect();
    let place = |id: &EntityId| ecef(pole + DVec3::Z * (id.0 * 5_000) as f64);
    let places: Vec<Ecef> = ids.iter().map(place).collect();
    let mut index = MovingIndex::new();
    index.rebuild(&ids, &places);
    let view = index.view(&ids, &places);
    let mut hits = Vec::new();
    // Parts as short as the radius would be ten thousand million.
    let path = vec![places[0], places[200], ecef(-pole)];
    view.corridor(&Corridor::new(path, 1e-4).unwrap(), &mut hits);
    assert_eq!(hits.len(), 201);
}

/// Halving a path through a crowd that stands in one place leaves the crowd in every part: 2⁴⁰ parts of a path without width.
#[test]
fn a_path_through_a_crowd_in_one_place_takes_a_moment() {
    let at = ecef(DVec3::new(1.0, 2.0, 3.0).normalize() * 6_371_008.8);
    let (ids, places): (Vec<_>, Vec<_>) = (1..20_000).map(|n| (EntityId(n), at)).unzip();
    let mut index = MovingIndex::new();
    index.rebuild(&ids, &places);
    let view = index.view(&ids, &places);
    let beside = |m: f64| {
        let p = at.to_vec() + DVec3::new(2.0, -1.0, 0.0).normalize() * m;
        ecef(p)
    };
    let mut hits = Vec::new();
    for radius_m in [0.0, 1e-12, 1e-6] {
        // Through it, and past it at half a millimetre in the same leaf.
        let through = Corridor::new(vec![beside(-1e6), at, beside(1e6)], radius_m).unwrap();
        view.corridor(&through, &mut hits);
        assert_eq!(hits.len(), ids.len());
        let aside = at.to_vec().normalize() * 5e-4;
        let past = [-1e6, 1e6].map(|m| ecef(beside(m).to_vec() + aside));
        view.corridor(&Corridor::new(past.to_vec(), radius_m).unwrap(), &mut hits);
        assert!(hits.is_empty());
    }
}

#[test]
fn nonsense_is_refused() {
    let at = ecef(DVec3::new(1.0, 2.0, 3.0));
    assert_eq!(Corridor::new(vec![], 1.0), Err(InvalidCorridor::Empty));
    let refused = Err(InvalidCorridor::Radius(InvalidRadius(-1.0)));
    assert_eq!(Corridor::new(vec![at], -1.0), refused);
    assert!(Corridor::new(vec![at], f64::NAN).is_err());
    assert!(Corridor::new(vec![at], f64::INFINITY).is_ok());
    let ray = |direction, length_m| Corridor::ray(at, direction, length_m, 1.0);
    assert_eq!(
        ray(DVec3::ZERO, 1.0),
        Err(InvalidCorridor::Direction([0.0; 3]))
    );
    assert!(matches!(
        ray(DVec3::NAN, 1.0),
        Err(InvalidCorridor::Direction(_))
    ));
    assert_eq!(ray(DVec3::X, -1.0), Err(InvalidCorridor::Length(-1.0)));
    assert!(matches!(
        ray(DVec3::X, f64::INFINITY),
        Err(InvalidCorridor::Length(_))
    ));
    assert!(matches!(ray(DVec3::X, 1e11), Err(InvalidCorridor::End(_))));
}
