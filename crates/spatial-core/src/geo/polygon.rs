//! Polygons on the sphere.

use core::f64::consts::PI;

use glam::DVec3;

use super::box_tree::BoxTree;
use super::crossing::wedge_contains_vertex;
use super::edge_set::EdgeSet;
use super::edge_tree::{EdgeTree, NONE, build, curve_start};
use super::feature::first_without;
use super::first_cells::first_cells;
use super::polygon_check::Check;
use super::polygon_error::PolygonError;
use super::ring::{ChainFault, CleanRing, left_area};
use super::{bounds, centroid};
use crate::region::{Cap, Cell, CellBound, Chord, LatLngRect, Region, Relation, unit};

/// A part of the sphere between rings: several outer ones, holes, islands in holes.
///
/// ```
/// use spatial_core::{DVec3, Geodetic, Polygon, Region};
///
/// let fiji = [[-21.0, 176.0], [-21.0, -178.0], [-12.0, -178.0], [-12.0, 176.0]];
/// let ring: Vec<DVec3> = fiji
///     .iter()
///     .map(|[lat, lon]| Geodetic::from_degrees(*lat, *lon, 0.0).map(Geodetic::direction))
///     .collect::<Result<_, _>>()?;
/// let box_around_fiji = Polygon::new(&[ring])?;
/// assert!(box_around_fiji.contains_point(Geodetic::from_degrees(-17.0, 180.0, 0.0)?.direction()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
/// - Edges are the shorter arcs of great circles. An edge of more than a quarter of a turn gets a vertex in its middle.
/// - What lies inside an odd number of rings is inside: that of a ring is its smaller part ([`Polygon::new`]), or the part
///   to the left of its edges ([`Polygon::directed`]). The antimeridian and the poles are ordinary places.
/// - The boundary is half open, as S2's: of polygons that tile a region, exactly one contains a point, vertices included.
///   Points are decided exactly ([`super::orientation`]).
/// - Repeated points and spikes (there and back) are dropped. Rings may touch themselves and others, not cross.
#[derive(Clone, Debug)]
pub struct Polygon {
    edges: EdgeSet,  // ring after ring, inside to the left
    rings: Vec<u32>, // first edge (and vertex) of each, and the end of the last
    tree: EdgeTree,  // over `edges`, one shape
    boxes: BoxTree,  // over `edges`
    contains_start: bool,
    area: f64,
}

impl Polygon {
    /// The inside of each ring is its smaller part, whichever way its vertices run; what lies in an odd number of them
    /// is inside. Directions of any length but zero; a ring's first may be repeated as its last.
    ///
    /// # Errors
    /// [`PolygonError`], which names the ring.
    pub fn new(rings: &[Vec<DVec3>]) -> Result<Self, PolygonError> {
        let polygon = Self::of_smaller_parts(&clean(rings)?)?;
        polygon.refuse_crossings()?;
        Ok(polygon)
    }

    /// As [`Polygon::new`], of rings that may cross, as a few published ones do: what lies in an odd number of their turns
    /// is inside. The area and the centroid count what is wound the other way as less than nothing. Rings that enclose
    /// nothing are dropped, so there may be none.
    ///
    /// # Errors
    /// [`PolygonError`], which names the ring.
    pub fn even_odd(rings: &[Vec<DVec3>]) -> Result<Self, PolygonError> {
        let clean_ring = |n: usize| match clean_ring(n, &rings[n]) {
            Err(PolygonError::NoArea { .. }) => None,
            ring => Some(ring),
        };
        let rings = (0..rings.len())
            .filter_map(clean_ring)
            .collect::<Result<Vec<_>, _>>()?;
        Self::of_smaller_parts(&rings)
    }

    fn of_smaller_parts(rings: &[CleanRing]) -> Result<Self, PolygonError> {
        let start = curve_start();
        let around = rings.iter().filter(|ring| ring.smaller_contains(start));
        Self::of_rings(rings, around.count() % 2 == 1)
    }

    /// What lies to the left of the rings is inside, so it may be more than half the sphere. Outer rings run
    /// counter-clockwise, holes clockwise.
    ///
    /// # Errors
    /// [`PolygonError`], which names the ring.
    pub fn directed(rings: &[Vec<DVec3>]) -> Result<Self, PolygonError> {
        let rings = clean(rings)?;
        let start = curve_start();
        let odd = rings
            .iter()
            .filter(|ring| ring.left_contains(start))
            .count()
            % 2
            == 1;
        let polygon = Self::of_rings(&rings, odd)?;
        // Which of the two sides of all edges is meant, the first ring decides.
        let turned = !polygon.is_left_of(&rings[0].vertices);
        let polygon = if turned {
            Self::of_rings(&rings, !odd)?
        } else {
            polygon
        };
        polygon.refuse_crossings()?;
        Ok(polygon)
    }

    /// The whole sphere.
    pub fn full() -> Self {
        let edges = EdgeSet::default();
        Self {
            tree: build(&edges, 0, vec![0]),
            boxes: BoxTree::new(&edges),
            edges,
            rings: vec![0],
            contains_start: true,
            area: 4.0 * PI,
        }
    }

    fn of_rings(clean: &[CleanRing], contains_start: bool) -> Result<Self, PolygonError> {
        let mut polygon =
            Self::unchecked(clean.iter().map(|r| r.vertices.as_slice()), contains_start)?;
        let turned: Vec<bool> = (0..clean.len())
            .map(|ring| !polygon.is_left_of(&clean[ring].vertices))
            .collect();
        if turned.contains(&true) {
            // The same boundary, walked with the inside to the left.
            let mut rings: Vec<_> = clean.iter().map(|ring| ring.vertices.clone()).collect();
            let backwards = rings.iter_mut().zip(&turned).filter(|(_, turned)| **turned);
            backwards.for_each(|(ring, _)| ring.reverse());
            polygon = Self::unchecked(rings.iter().map(Vec::as_slice), contains_start)?;
        }
        polygon.area = polygon.sum_of_areas();
        Ok(polygon)
    }

    fn unchecked<'a>(
        rings: impl Iterator<Item = &'a [DVec3]>,
        contains_start: bool,
    ) -> Result<Self, PolygonError> {
        let mut edges = EdgeSet::default();
        let mut starts = vec![0];
        for ring in rings {
            if edges.len() + ring.len() > EdgeSet::EDGES_MAX {
                return Err(PolygonError::TooLarge);
            }
            edges.push_chain(ring, true, 0);
            starts.push(edges.len() as u32);
        }
        let inside = if contains_start { vec![0] } else { Vec::new() };
        let tree = build(&edges, edges.len() as u32, inside);
        Ok(Self {
            boxes: BoxTree::new(&edges),
            edges,
            rings: starts,
            tree,
            contains_start,
            area: 0.0,
        })
    }

    /// Rings, each with the inside to its left, without repeating the first vertex: unit vectors.
    pub fn rings(&self) -> impl ExactSizeIterator<Item = &[DVec3]> + Clone {
        self.rings
            .windows(2)
            .map(|ends| &self.edges.points()[ends[0] as usize..ends[1] as usize])
    }

    /// Number of edges, and of vertices.
    pub fn edge_count(&self) -> usize {
        self.edges.len()
    }

    /// Steradians, 0 to 4π; times the planet's radius squared it is square metres. Computed once. Of a ring that is given
    /// twice, of which nothing is inside, it counts both.
    pub fn area(&self) -> f64 {
        self.area
    }

    /// The direction of the centre of mass; `None` where there is none to speak of, as of the whole sphere.
    ///
    /// Right to about 2·10⁻⁹ rad (a centimetre on Earth). Costs a pass over the edges.
    pub fn centroid(&self) -> Option<DVec3> {
        centroid::of_rings(self.rings())
    }

    /// The angle from a direction to the boundary, radians: negative inside. `None` of a polygon without boundary and of a
    /// direction that is zero or not finite.
    ///
    /// What a fence with hysteresis asks: inside from 0 down, outside from the margin up. Costs a microsecond.
    pub fn signed_distance_rad(&self, direction: DVec3) -> Option<f64> {
        let p = unit(direction)?;
        let distance = self.boxes.nearest_edge(&self.edges, p)?.to_rad();
        Some(if self.contains_unit(p) {
            -distance
        } else {
            distance
        })
    }

    /// Whether a direction is inside or no farther outside than an angle, radians; false when it is zero or not finite.
    ///
    /// Much cheaper than the distance where it is inside, or far.
    pub fn is_within(&self, direction: DVec3, margin_rad: f64) -> bool {
        unit(direction).is_some_and(|p| {
            self.contains_unit(p)
                || self
                    .boxes
                    .is_any_within(&self.edges, p, Chord::from_rad(margin_rad))
        })
    }

    /// Whether each direction is inside, in order: [`Region::contains_point`] of all of them, appended to `inside`; false for what
    /// points nowhere.
    pub fn contains_points(&self, directions: &[DVec3], inside: &mut Vec<bool>) {
        let old = inside.len();
        self.tree.first_of_each(&self.edges, directions, |shapes| {
            inside.extend(shapes.iter().map(|shape| *shape != NONE));
        });
        if first_without(directions).is_some() {
            let answers = directions.iter().zip(&mut inside[old..]);
            answers.for_each(|(p, inside)| *inside &= unit(*p).is_some());
        }
    }

    /// Bytes on the heap.
    pub fn heap_bytes(&self) -> usize {
        self.edges.heap_bytes()
            + self.tree.heap_bytes()
            + self.boxes.heap_bytes()
            + self.rings.capacity() * size_of::<u32>()
    }

    /// Whether [`curve_start`] is inside.
    pub(super) fn contains_start(&self) -> bool {
        self.contains_start
    }

    fn refuse_crossings(&self) -> Result<(), PolygonError> {
        let mut check = Check::new(&self.edges, &self.rings);
        self.tree.for_each_leaf(|near| check.pairs(near));
        check.verdict()
    }

    /// Whether a ring, given as it was, has the inside to its left.
    ///
    /// Seen from a vertex: the side that its wedge's reference direction is on, and whether the vertex counts as inside.
    /// Where several wedges meet, one does not tell; of a ring that crosses itself, most of a few vertices do.
    fn is_left_of(&self, vertices: &[DVec3]) -> bool {
        const LOOKS: usize = 9;
        let count = vertices.len();
        let at = |n: usize| vertices[n % count];
        let tells = |n: &usize| self.is_lone(at(*n));
        let is_left = |n: usize| {
            let wedge = wedge_contains_vertex(at(n + count - 1), at(n), at(n + 1));
            self.contains_unit(at(n)) == wedge
        };
        let looks = count.min(LOOKS);
        let mut votes: Vec<usize> = (0..looks)
            .map(|k| k * count / looks)
            .filter(tells)
            .collect();
        if votes.is_empty() {
            votes.push((0..count).find(tells).unwrap_or(0));
        }
        let left = votes.iter().filter(|n| is_left(**n)).count();
        2 * left > votes.len()
    }

    /// Whether two edges meet at the vertex, no more.
    fn is_lone(&self, vertex: DVec3) -> bool {
        let mut ends = 0;
        self.tree.for_each_edge_near(vertex, |edge| {
            ends += self
                .edges
                .ends(edge)
                .iter()
                .filter(|end| **end == vertex)
                .count();
        });
        ends == 2
    }

    fn contains_unit(&self, p: DVec3) -> bool {
        self.tree.first(&self.edges, p) != NONE
    }

    /// Of a polygon of next to no area, which end of 0 to 4π it is follows from a look at opposite points.
    fn sum_of_areas(&self) -> f64 {
        let sum: f64 = self.rings().map(left_area).sum();
        let area = sum - (sum / (4.0 * PI)).floor() * (4.0 * PI);
        if (1e-9..=4.0 * PI - 1e-9).contains(&area) {
            return area;
        }
        if self.rings.len() == 1 {
            return if self.contains_start { 4.0 * PI } else { 0.0 };
        }
        let is_large = self.contains_unit(DVec3::X) && self.contains_unit(-DVec3::X);
        match (is_large, area < 1.0) {
            (true, true) => 4.0 * PI,
            (false, false) => 0.0,
            _ => area,
        }
    }
}

impl Region for Polygon {
    /// Around the mean of the vertices; the whole sphere if that needs more than a hemisphere.
    fn cap_bound(&self) -> Cap {
        bounds::cap_of(self)
    }

    fn rect_bound(&self) -> LatLngRect {
        bounds::rect_of(self)
    }

    #[inline]
    fn contains_point(&self, direction: DVec3) -> bool {
        unit(direction).is_some_and(|p| self.contains_unit(p))
    }

    /// False of a cell that an edge touches.
    fn contains_cell(&self, cell: &Cell) -> bool {
        self.relation(cell) == Relation::Inside
    }

    /// True of a cell that an edge touches.
    fn may_intersect(&self, cell: &Cell) -> bool {
        self.relation(cell) != Relation::Outside
    }

    fn relation(&self, cell: &Cell) -> Relation {
        self.tree.relation(&self.edges, cell.id())
    }

    fn cell_bound(&self) -> CellBound {
        first_cells(&self.tree, &self.edges)
    }
}

fn clean(rings: &[Vec<DVec3>]) -> Result<Vec<CleanRing>, PolygonError> {
    if rings.is_empty() {
        return Err(PolygonError::NoRings);
    }
    (0..rings.len())
        .map(|ring| clean_ring(ring, &rings[ring]))
        .collect()
}

fn clean_ring(ring: usize, directions: &[DVec3]) -> Result<CleanRing, PolygonError> {
    CleanRing::new(directions).map_err(|fault| match fault {
        ChainFault::Direction(vertex) => PolygonError::Direction { ring, vertex },
        ChainFault::Opposite(vertex) => PolygonError::Opposite { ring, vertex },
        ChainFault::TooFew => PolygonError::NoArea { ring },
    })
}
