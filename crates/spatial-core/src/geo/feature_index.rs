//! The index over features.

use glam::DVec3;

use super::box_tree::BoxTree;
use super::edge_set::EdgeSet;
use super::edge_tree::{EdgeTree, NONE, build};
use super::feature::{Feature, NoDirection, first_without, is_direction};
use crate::planet::Planet;
use crate::region::{Chord, unit};

/// Finds features by place: those that contain a point, the nearest, those within a distance.
///
/// ```
/// use spatial_core::{DVec3, Feature, FeatureIndex, Polygon};
///
/// let octant = Polygon::new(&[vec![DVec3::X, DVec3::Y, DVec3::Z]])?;
/// let name = Some("octant".to_owned());
/// let index = FeatureIndex::new(vec![Feature { name, geometry: octant.into(), id: None }])?;
/// assert_eq!(index.first_containing(DVec3::ONE)?, Some(0));
/// assert_eq!(index.first_containing(-DVec3::ONE)?, None);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
/// It is built once. Features are numbered as they were given. Queries allocate nothing but room in the caller's vectors.
/// Containment is exact and half open ([`Polygon`](super::Polygon)); distances are angles, right to about 10⁻¹⁶ rad.
#[derive(Clone, Debug)]
pub struct FeatureIndex {
    features: Vec<Feature>,
    edges: EdgeSet, // those of polygons first; the shapes are polygons, then everything else of each feature
    owners: Vec<u32>, // of shapes: features; ascending among polygons
    tree: EdgeTree, // over polygons
    boxes: BoxTree, // over everything
}

/// A feature and how far it is.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct NearFeature {
    /// Its number.
    pub feature: u32,
    /// The angle to it, radians; 0 inside a polygon.
    pub distance_rad: f64,
}

impl NearFeature {
    /// The distance along a planet's datum, metres.
    pub fn distance_m(&self, planet: Planet) -> f64 {
        self.distance_rad * planet.radius_m()
    }
}

impl FeatureIndex {
    /// Builds the index: about half a microsecond an edge.
    ///
    /// # Errors
    /// [`TooManyEdges`] beyond 2²⁶ points and edges.
    pub fn new(features: Vec<Feature>) -> Result<Self, TooManyEdges> {
        let count = features
            .iter()
            .map(|feature| feature.geometry.edge_count())
            .sum::<usize>();
        if count.max(features.len()) > EdgeSet::EDGES_MAX {
            return Err(TooManyEdges(count));
        }
        let mut edges = EdgeSet::with_capacity(count);
        let (mut owners, mut inside) = (Vec::new(), Vec::new());
        for (number, feature) in features.iter().enumerate() {
            for polygon in feature.geometry.polygons() {
                let shape = owners.len() as u32;
                owners.push(number as u32);
                inside.extend(polygon.contains_start().then_some(shape));
                polygon
                    .rings()
                    .for_each(|ring| edges.push_chain(ring, true, shape));
            }
        }
        let of_polygons = edges.len() as u32;
        for (number, feature) in features.iter().enumerate() {
            let shape = owners.len() as u32;
            owners.push(number as u32);
            let points = feature.geometry.points().chunks(1);
            let lines = feature.geometry.lines().iter().map(|line| line.vertices());
            points
                .chain(lines)
                .for_each(|chain| edges.push_chain(chain, false, shape));
        }
        Ok(Self {
            tree: build(&edges, of_polygons, inside),
            boxes: BoxTree::new(&edges),
            features,
            edges,
            owners,
        })
    }

    /// The features, by number.
    pub fn features(&self) -> &[Feature] {
        &self.features
    }

    /// The features again, without the index.
    pub fn into_features(self) -> Vec<Feature> {
        self.features
    }

    /// The feature of least number one of whose polygons contains a direction of any length but zero.
    ///
    /// # Errors
    /// [`NoDirection`] when it is zero or not finite.
    #[inline]
    pub fn first_containing(&self, direction: DVec3) -> Result<Option<u32>, NoDirection> {
        if !is_direction(direction) {
            return Err(NoDirection { index: 0 });
        }
        let shape = self.tree.first(&self.edges, direction);
        Ok(self.owner(shape))
    }

    /// [`FeatureIndex::first_containing`] of many directions, put into `found` in order, instead of what was there. A
    /// third of the time a point, among the world's countries.
    ///
    /// # Errors
    /// [`NoDirection`] with the index of the first that is zero or not finite; `found` is unchanged.
    pub fn first_containing_each(
        &self,
        directions: &[DVec3],
        found: &mut Vec<Option<u32>>,
    ) -> Result<(), NoDirection> {
        if let Some(index) = first_without(directions) {
            return Err(NoDirection { index });
        }
        found.clear();
        found.reserve(directions.len());
        self.tree.first_of_each(&self.edges, directions, |shapes| {
            found.extend(shapes.iter().map(|shape| self.owner(*shape)));
        });
        Ok(())
    }

    /// All features one of whose polygons contains a direction of any length but zero, ascending, put into `found` instead
    /// of what was there.
    ///
    /// # Errors
    /// [`NoDirection`] when it is zero or not finite; `found` is unchanged.
    pub fn containing(&self, direction: DVec3, found: &mut Vec<u32>) -> Result<(), NoDirection> {
        if !is_direction(direction) {
            return Err(NoDirection { index: 0 });
        }
        found.clear();
        self.tree.for_each(&self.edges, direction, |shape| {
            found.push(self.owners[shape as usize])
        });
        found.sort_unstable();
        found.dedup();
        Ok(())
    }

    /// The nearest features to a direction of any length but zero, at most `count`, put into `found` instead of what was
    /// there: by distance, then by number.
    ///
    /// # Errors
    /// [`NoDirection`] when it is zero or not finite; `found` is unchanged.
    pub fn nearest(
        &self,
        direction: DVec3,
        count: usize,
        found: &mut Vec<NearFeature>,
    ) -> Result<(), NoDirection> {
        let p = unit(direction).ok_or(NoDirection { index: 0 })?;
        found.clear();
        if count == 0 {
            return Ok(());
        }
        self.tree.for_each(&self.edges, p, |shape| {
            let feature = self.owners[shape as usize];
            insert_nearer(
                found,
                count,
                NearFeature {
                    feature,
                    distance_rad: 0.0,
                },
            );
        });
        let bound = |found: &[NearFeature]| match found.get(count - 1) {
            Some(last) => Chord(last.distance_rad),
            None => Chord::STRAIGHT,
        };
        // Squared chords stand in the place of distances until the end.
        self.boxes
            .search(&self.edges, p, bound(found), |edge, chord| {
                let feature = self.owners[self.edges.edge(edge).shape as usize];
                insert_nearer(
                    found,
                    count,
                    NearFeature {
                        feature,
                        distance_rad: chord.0,
                    },
                );
                bound(found)
            });
        found
            .iter_mut()
            .for_each(|near| near.distance_rad = Chord(near.distance_rad).to_rad());
        Ok(())
    }

    /// The features no farther than an angle (radians; π or more is everywhere) from a direction of any length but zero,
    /// ascending by number, put into `found` instead of what was there.
    ///
    /// # Errors
    /// [`WithinError`]; `found` is unchanged.
    pub fn within(
        &self,
        direction: DVec3,
        distance_rad: f64,
        found: &mut Vec<NearFeature>,
    ) -> Result<(), WithinError> {
        let p = unit(direction).ok_or(WithinError::Direction)?;
        if distance_rad.is_nan() || distance_rad < 0.0 {
            return Err(WithinError::Distance(distance_rad));
        }
        found.clear();
        let bound = Chord::from_rad(distance_rad);
        self.tree.for_each(&self.edges, p, |shape| {
            let feature = self.owners[shape as usize];
            found.push(NearFeature {
                feature,
                distance_rad: 0.0,
            });
        });
        self.boxes.search(&self.edges, p, bound, |edge, chord| {
            let feature = self.owners[self.edges.edge(edge).shape as usize];
            match found.last_mut() {
                Some(last) if last.feature == feature => {
                    last.distance_rad = last.distance_rad.min(chord.0)
                }
                _ => found.push(NearFeature {
                    feature,
                    distance_rad: chord.0,
                }),
            }
            bound
        });
        found.sort_unstable_by(|a, b| {
            a.feature
                .cmp(&b.feature)
                .then(a.distance_rad.total_cmp(&b.distance_rad))
        });
        found.dedup_by_key(|near| near.feature);
        found
            .iter_mut()
            .for_each(|near| near.distance_rad = Chord(near.distance_rad).to_rad());
        Ok(())
    }

    /// Bytes on the heap, without the features themselves.
    pub fn heap_bytes(&self) -> usize {
        let owners = self.owners.capacity() * size_of::<u32>();
        self.edges.heap_bytes() + owners + self.tree.heap_bytes() + self.boxes.heap_bytes()
    }

    #[inline]
    fn owner(&self, shape: u32) -> Option<u32> {
        if shape == NONE {
            None
        } else {
            Some(self.owners[shape as usize])
        }
    }
}

/// Keeps the nearest `count`, each feature once, in order; distances of any one kind.
fn insert_nearer(found: &mut Vec<NearFeature>, count: usize, near: NearFeature) {
    if let Some(at) = found.iter().position(|f| f.feature == near.feature) {
        if found[at].distance_rad <= near.distance_rad {
            return;
        }
        found.remove(at);
    }
    let order = |f: &NearFeature| (f.distance_rad, f.feature) < (near.distance_rad, near.feature);
    let at = found.partition_point(order);
    if at < count {
        found.truncate(count - 1);
        found.insert(at, near);
    }
}

/// An index has room for 2²⁶ points and edges.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0} points and edges are more than the 67,108,864 of an index")]
pub struct TooManyEdges(pub usize);

/// Why a search within a distance was refused.
#[derive(Clone, Copy, PartialEq, Debug, thiserror::Error)]
pub enum WithinError {
    /// The direction is zero or not finite.
    #[error("the direction is zero or not finite")]
    Direction,
    /// The distance is negative or not a number.
    #[error("distance {0} rad is negative or not a number")]
    Distance(f64),
}
