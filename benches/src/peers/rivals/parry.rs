//! parry's height field, two triangles a cell of a plane; and its tree of boxes.

use parry3d::bounding_volume::Aabb;
use parry3d::math::Vector;
use parry3d::partitioning::{Bvh, BvhBuildStrategy, BvhWorkspace};
use parry3d::query::{Ray, RayCast};
use parry3d::shape::HeightField;
use parry3d::utils::Array2;

pub(crate) const NAME: &str = "parry3d 0.31.1 HeightField";

/// A height field as large as a square of samples, and rays for it.
pub(crate) struct Field {
    field: HeightField,
    side: usize,
    step_m: [f64; 2], // between samples to the north and to the east
}

/// A ray of a length that counts as 1.
pub(crate) type Way = Ray;

impl Field {
    /// Of `side` rows of `side` samples.
    pub(crate) fn new(side: usize, step_m: [f64; 2], sample: impl Fn(usize, usize) -> f32) -> Self {
        let mut heights = Array2::zeros(side, side);
        for row in 0..side {
            for column in 0..side {
                heights[(row, column)] = sample(row, column);
            }
        }
        let across = step_m.map(|step_m| (step_m * (side - 1) as f64) as f32);
        Self {
            field: HeightField::new(heights, Vector::new(across[1], 1.0, across[0])),
            side,
            step_m,
        }
    }

    /// From a place to another: samples north and east of the corner, and metres above the datum.
    pub(crate) fn way(&self, from: [f64; 3], to: [f64; 3]) -> Way {
        let middle = 0.5 * (self.side - 1) as f64;
        let place = |[north, east, up]: [f64; 3]| {
            let x = (east - middle) * self.step_m[1];
            let z = (north - middle) * self.step_m[0];
            Vector::new(x as f32, up as f32, z as f32)
        };
        let from = place(from);
        Ray::new(from, place(to) - from)
    }

    /// The part of the way until the ground, if it is met.
    pub(crate) fn cast(&self, way: &Way) -> Option<f32> {
        self.field.cast_local_ray(way, 1.0, false)
    }

    /// The shape itself, in an engine of physics.
    pub(crate) fn shape(&self) -> HeightField {
        self.field.clone()
    }
}

pub(crate) const BOXES: &str = "parry3d 0.31.1 Bvh";

/// Boxes that move, all of them at once.
pub(crate) struct Boxes {
    tree: Bvh,
    workspace: BvhWorkspace,
}

/// The box of a capsule that stands on its feet.
pub(crate) fn capsule_box([x, y, z]: [f32; 3], radius_m: f32, height_m: f32) -> Aabb {
    let least = Vector::new(x - radius_m, y - radius_m, z);
    let most = Vector::new(x + radius_m, y + radius_m, z + height_m);
    Aabb::new(least, most)
}

impl Boxes {
    /// A tree built for just these, the better of its two ways for trees that last, with nodes in the order of its depth.
    pub(crate) fn new(boxes: &[Aabb]) -> Self {
        let mut tree = Bvh::from_leaves(BvhBuildStrategy::Binned, boxes);
        let mut workspace = BvhWorkspace::default();
        tree.refit(&mut workspace);
        Self { tree, workspace }
    }

    /// Moves all boxes to these places and lists all pairs that overlap.
    ///
    /// The tree keeps its form, for who walks stays near its neighbours; exact boxes, since wider ones are for those who ask for new
    /// pairs alone.
    pub(crate) fn pairs(&mut self, boxes: &[Aabb], pairs: &mut Vec<[u32; 2]>) {
        for (n, one) in (0..).zip(boxes) {
            self.tree.insert_or_update_partially(*one, n, 0.0);
        }
        self.tree.refit_without_opt();
        pairs.clear();
        self.tree
            .traverse_bvtt_single_tree::<false>(&mut self.workspace, &mut |a, b| {
                pairs.push([a.min(b), a.max(b)]);
            });
    }
}
