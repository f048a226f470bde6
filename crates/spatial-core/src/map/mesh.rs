//! Where the pixels of a picture lie, from exact places of few of them.
//!
//! ```text
//! ●───·───●───·───●     blocks of at most 16 × 16 pixels, each with 3 × 3 nodes: exact directions, and how steep a metre of
//! ·   ·   ·   ·   ·     height between neighbouring pixels is drawn; neighbours share their edge
//! ●───·───●───·───●     between nodes a parabola along each axis
//! ```
//! A direction needs no length and knows no edges: cube faces, poles and the antimeridian are nothing special. How far a parabola is
//! off, the third differences of the nodes say: 0.0642 of one, the maximum of x (x − 1) (x − 2) / 6. Where that is too much, or a node
//! has no place (the rim of a map), the block's pixels are asked for one by one.

use glam::DVec3;

use super::shade::slopes_per_m;
use super::{MapWindow, Places};

/// Pixels along a block, and fewer on maps that are strongly bent.
const BLOCK_PIXELS: usize = 16;
const BENT_BLOCK_PIXELS: usize = 11;
/// A block that spans more is bent: 16 pixels of a whole map of 512 span 11°.
const BENT_RAD: f64 = 0.12;
/// A pixel's place is right within this part of the interval between two samples.
const OFF_MAX: f64 = 1.0 / 64.0;
/// How far a parabola through three nodes is off at most, of the third difference.
const OFF: f64 = 0.0642;

/// The planet's lattice, as far as a map has to know it.
#[derive(Clone, Copy)]
pub(super) struct Lattice {
    pub(super) radius_m: f64,
    pub(super) intervals: u32, // of a tile
    pub(super) leaf_level: u8,
}

impl Lattice {
    /// Metres between samples of a level in the mean of a face: the root of the area that one speaks for.
    pub(super) fn spacing_m(&self, level: u8) -> f64 {
        let face_m = self.radius_m * (4.0 * core::f64::consts::PI / 6.0).sqrt();
        face_m / (f64::from(self.intervals) * f64::from(1u32 << level))
    }

    /// The coarsest level whose samples lie no farther apart than pixels do, or the finest: a pixel counts as a square of its area.
    fn level_of(&self, size: &Size) -> u8 {
        let levels = 0..self.leaf_level;
        let mut fits = levels.filter(|level| {
            let spacing_m = self.spacing_m(*level);
            spacing_m * spacing_m <= size.area_m2
        });
        fits.next().unwrap_or(self.leaf_level)
    }
}

/// How large a pixel is on the ground.
#[derive(Clone, Copy)]
struct Size {
    sides_m: [f64; 2], // along columns and rows
    area_m2: f64,
}

impl Size {
    /// From the ways along columns and rows, on a sphere of radius 1; where one is not known or nothing, a square of the other's.
    fn new([across, down]: [Option<DVec3>; 2], radius_m: f64) -> Self {
        let length_m =
            |way: Option<DVec3>| way.map_or(0.0, |w| w.length_squared().sqrt() * radius_m);
        let sides_m = [length_m(across), length_m(down)];
        let longer_m = sides_m[0].max(sides_m[1]);
        match (across, down) {
            (Some(across), Some(down)) if sides_m[0] > 0.0 && sides_m[1] > 0.0 => Self {
                sides_m,
                area_m2: across.cross(down).length_squared().sqrt() * radius_m * radius_m,
            },
            _ => Self {
                sides_m: [longer_m; 2],
                area_m2: longer_m * longer_m,
            },
        }
    }
}

/// A row of pixels.
#[derive(Default)]
pub(super) struct RowPlaces {
    pub(super) directions: Vec<DVec3>, // of about length one; NaN where the map has no place
    pub(super) levels: Vec<u8>,        // of the lattice
    pub(super) slopes_per_m: Vec<[f32; 2]>,
    line: Vec<Node>, // what the nodes say along the row
}

/// Whether a block in the middle of a window spans so much of the globe that parabolas would not do.
fn is_bent(places: &impl Places, window: MapWindow) -> bool {
    let [column, row] = [
        window.column as f64 + 0.5 * f64::from(window.width),
        window.row as f64 + 0.5 * f64::from(window.height),
    ];
    let to = 0.5 * BLOCK_PIXELS as f64;
    let ends = [
        places.direction(column - to, row),
        places.direction(column + to, row),
    ];
    matches!(ends, [Some(a), Some(b)] if (b - a).length_squared() > BENT_RAD * BENT_RAD)
}

/// The places of a window's pixels.
pub(super) struct PlaceMesh<'a, P> {
    places: &'a P,
    lattice: Lattice,
    columns: Axis,
    rows: Axis,
    at: Nodes,
}

/// What is known at the nodes and of the blocks, row by row. Kept from mesh to mesh: to ask the system for the memory takes as long
/// as to fill it.
#[derive(Default)]
pub(super) struct Nodes {
    directions: Vec<Option<DVec3>>,
    nodes: Vec<Node>,
    levels: Vec<Option<u8>>, // of a node that has no place none
    blocks: Vec<Option<u8>>, // the level of one that is smooth
}

/// An exact place: its direction, and the slopes that a metre of height is drawn with. NaN where there is none.
type Node = [f64; 5];

impl<'a, P: Places> PlaceMesh<'a, P> {
    /// Over what an earlier mesh leaves behind.
    pub(super) fn new(places: &'a P, window: MapWindow, lattice: Lattice, mut kept: Nodes) -> Self {
        let pixels = match is_bent(places, window) {
            true => BENT_BLOCK_PIXELS,
            false => BLOCK_PIXELS,
        };
        let columns = Axis::new(window.column, window.width as usize, pixels);
        let rows = Axis::new(window.row, window.height as usize, pixels);
        places.directions(&columns.nodes(), &rows.nodes(), &mut kept.directions);
        kept.find([&columns, &rows], &lattice);
        let mut mesh = Self {
            places,
            lattice,
            at: kept,
            columns,
            rows,
        };
        mesh.find_smooth();
        mesh
    }

    /// The memory, for the next mesh.
    pub(super) fn into_nodes(self) -> Nodes {
        self.at
    }

    fn find_smooth(&mut self) {
        let mut blocks = core::mem::take(&mut self.at.blocks);
        blocks.clear();
        for j in 0..self.rows.blocks {
            blocks.extend((0..self.columns.blocks).map(|i| self.level_of_smooth((i, j))));
        }
        self.at.blocks = blocks;
    }

    /// The places of a row of pixels.
    pub(super) fn row(&self, row: usize, out: &mut RowPlaces) {
        out.directions.clear();
        out.levels.clear();
        out.slopes_per_m.clear();
        let (block_row, down) = self.rows.at[row];
        self.line(2 * block_row, through(down), &mut out.line);
        for block in 0..self.columns.blocks {
            let pixels = self.columns.firsts[block]..self.columns.firsts[block + 1];
            match self.at.blocks[block_row * self.columns.blocks + block] {
                Some(level) => {
                    let nodes = &out.line[2 * block..2 * block + 3];
                    let parabola = Parabola::through(nodes[0], nodes[1], nodes[2]);
                    out.levels.resize(out.levels.len() + pixels.len(), level);
                    let at = &self.columns.at[pixels];
                    out.directions
                        .extend(at.iter().map(|(_, x)| parabola.direction(*x)));
                    out.slopes_per_m
                        .extend(at.iter().map(|(_, x)| parabola.slopes_per_m(*x)));
                }
                None => pixels.for_each(|column| self.exact([column, row], out)),
            }
        }
    }

    /// What three rows of nodes from one on say between them.
    fn line(&self, first: usize, weights: [f64; 3], out: &mut Vec<Node>) {
        let width = self.columns.steps() + 1;
        let row = |k: usize| &self.at.nodes[(first + k) * width..(first + k + 1) * width];
        let (above, here, below) = (row(0), row(1), row(2));
        out.clear();
        out.resize(width, [0.0; 5]);
        for (n, node) in out.iter_mut().enumerate() {
            for k in 0..5 {
                node[k] =
                    above[n][k] * weights[0] + here[n][k] * weights[1] + below[n][k] * weights[2];
            }
        }
    }

    /// The finest level of a block's nodes, if all have places.
    fn finest_of(&self, (i, j): (usize, usize)) -> Option<u8> {
        let (width, mut finest) = (self.columns.steps() + 1, 0);
        let first = 2 * j * width + 2 * i;
        for row in [first, first + width, first + 2 * width] {
            for level in &self.at.levels[row..row + 3] {
                finest = finest.max((*level)?);
            }
        }
        Some(finest)
    }

    /// The level of a block whose pixels may be taken from its nodes.
    fn level_of_smooth(&self, block: (usize, usize)) -> Option<u8> {
        let finest = self.finest_of(block)?;
        let off_max = OFF_MAX * self.lattice.spacing_m(finest) / self.lattice.radius_m;
        (self.off(block) <= off_max).then_some(finest)
    }

    /// How far a block's parabolas are off at most, on a sphere of radius 1; infinite where a node beside it has no place.
    fn off(&self, (i, j): (usize, usize)) -> f64 {
        let width = self.columns.steps() + 1;
        let first = 2 * j * width + 2 * i;
        let (mut across, mut down) = (0.0f64, 0.0f64);
        for k in 0..3 {
            let (of_row, of_column) = (first + k * width, first + k);
            across = across.max(self.third(of_row, 1, (2 * i, self.columns.steps())));
            down = down.max(self.third(of_column, width, (2 * j, self.rows.steps())));
        }
        OFF * (across + down).sqrt()
    }

    /// The larger square of the third differences of nodes so far apart, that begin at one and at the one before; it is the
    /// `at`-th of its line.
    fn third(&self, first: usize, stride: usize, (at, steps): (usize, usize)) -> f64 {
        let difference = |first: usize| {
            let node = |n: usize| &self.at.nodes[first + n * stride];
            let (a, b, c, d) = (node(0), node(1), node(2), node(3));
            let mut square = 0.0;
            for k in 0..3 {
                let third = (d[k] - a[k]) - 3.0 * (c[k] - b[k]);
                square += third * third;
            }
            // NaN would be lost in `max`.
            if square < f64::INFINITY {
                square
            } else {
                f64::INFINITY
            }
        };
        let before = if at == 0 {
            0.0
        } else {
            difference(first - stride)
        };
        let after = if at + 3 > steps {
            0.0
        } else {
            difference(first)
        };
        before.max(after)
    }

    /// A pixel by itself.
    fn exact(&self, pixel: [usize; 2], out: &mut RowPlaces) {
        let at = |right: f64, down: f64| {
            let column = self.columns.first + pixel[0] as f64 + right;
            self.places
                .direction(column, self.rows.first + pixel[1] as f64 + down)
        };
        let direction = at(0.0, 0.0);
        let beside = |right: f64, down: f64| {
            let here = direction?;
            match at(right, down) {
                Some(there) => Some(there - here),
                None => Some(here - at(-right, -down)?),
            }
        };
        let size = Size::new([beside(1.0, 0.0), beside(0.0, 1.0)], self.lattice.radius_m);
        let [across, down] = slopes_per_m(size.sides_m);
        out.directions.push(direction.unwrap_or(DVec3::NAN));
        out.levels.push(self.lattice.level_of(&size));
        out.slopes_per_m.push([across as f32, down as f32]);
    }
}

impl Nodes {
    /// All nodes, from their directions.
    fn find(&mut self, [columns, rows]: [&Axis; 2], lattice: &Lattice) {
        let (width, directions) = (columns.steps() + 1, &self.directions);
        self.nodes.clear();
        self.levels.clear();
        for (n, direction) in directions.iter().enumerate() {
            let Some(direction) = *direction else {
                self.nodes.push([f64::NAN; 5]);
                self.levels.push(None);
                continue;
            };
            let (i, j) = (n % width, n / width);
            // To both neighbours, or to the one there is.
            let way = |at: usize, axis: &Axis, stride: usize| {
                let before = (at > 0).then(|| directions[n - stride]).flatten();
                let after = (at < axis.steps())
                    .then(|| directions[n + stride])
                    .flatten();
                let steps = f64::from(u8::from(before.is_some()) + u8::from(after.is_some()));
                let apart = after.unwrap_or(direction) - before.unwrap_or(direction);
                (steps * axis.step > 0.0).then(|| apart / (steps * axis.step))
            };
            let size = Size::new([way(i, columns, 1), way(j, rows, width)], lattice.radius_m);
            let [across, down] = slopes_per_m(size.sides_m);
            self.nodes
                .push([direction.x, direction.y, direction.z, across, down]);
            self.levels.push(Some(lattice.level_of(&size)));
        }
    }
}

/// Five numbers along a row of a block: a + b x + c x², x from 0 to 1.
struct Parabola {
    a: Node,
    b: Node,
    c: Node,
}

impl Parabola {
    /// With values at 0, ½ and 1.
    fn through(start: Node, middle: Node, end: Node) -> Self {
        let (mut b, mut c) = ([0.0; 5], [0.0; 5]);
        for k in 0..5 {
            b[k] = 4.0 * middle[k] - 3.0 * start[k] - end[k];
            c[k] = 2.0 * (start[k] + end[k]) - 4.0 * middle[k];
        }
        Self { a: start, b, c }
    }

    #[inline(always)]
    fn at(&self, k: usize, x: f64) -> f64 {
        self.a[k] + x * (self.b[k] + x * self.c[k])
    }

    #[inline(always)]
    fn direction(&self, x: f64) -> DVec3 {
        DVec3::new(self.at(0, x), self.at(1, x), self.at(2, x))
    }

    #[inline(always)]
    fn slopes_per_m(&self, x: f64) -> [f32; 2] {
        [self.at(3, x) as f32, self.at(4, x) as f32]
    }
}

/// What the values at 0, ½ and 1 count for in the parabola through them.
fn through(x: f64) -> [f64; 3] {
    let half = x - 0.5;
    [2.0 * half * (x - 1.0), 4.0 * x * (1.0 - x), 2.0 * x * half]
}

/// Pixels along columns or rows, and the nodes among them.
struct Axis {
    first: f64, // pixel
    blocks: usize,
    step: f64,             // pixels from node to node
    at: Vec<(usize, f64)>, // of each pixel its block, and how far along in it, 0 to 1
    firsts: Vec<usize>,    // pixels of the blocks, and the end
}

impl Axis {
    /// With blocks of at most so many pixels.
    fn new(first: i64, pixels: usize, block_pixels: usize) -> Self {
        let intervals = pixels.saturating_sub(1);
        // Of one block alone there are no third differences.
        let blocks = intervals.div_ceil(block_pixels).max(2);
        let at = (0..pixels).map(|pixel| {
            let along = (pixel * blocks) as f64 / intervals.max(1) as f64;
            let block = (along as usize).min(blocks - 1);
            (block, along - block as f64)
        });
        let at: Vec<(usize, f64)> = at.collect();
        let first_of = |block: usize| at.partition_point(|(b, _)| *b < block);
        Self {
            first: first as f64,
            blocks,
            step: intervals as f64 / (2 * blocks) as f64,
            firsts: (0..=blocks).map(first_of).collect(),
            at,
        }
    }

    /// Steps from the first node to the last.
    fn steps(&self) -> usize {
        2 * self.blocks
    }

    /// Where the nodes are, in pixels.
    fn nodes(&self) -> Vec<f64> {
        let place = |n: usize| self.first + n as f64 * self.step;
        (0..=self.steps()).map(place).collect()
    }
}
