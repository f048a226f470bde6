//! `planet verify`: every tile is sound, and tiles that share samples agree on them.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use rayon::prelude::*;
use serde::Serialize;
use spatial_core::{
    CellId, HeightTile, LatticeSpec, MissingTile, Node, TileStore, cell_at, column_row, halfway,
};

use super::{open, print_json, progress};

/// More problems than this are counted, not listed.
const LISTED_MAX: usize = 20;
/// Corners and edges of a cube.
const CORNERS: usize = 8;
const EDGES: usize = 12;

#[derive(Debug, clap::Args)]
pub struct VerifyArgs {
    /// The planet: a folder or a pack
    planet: PathBuf,
}

#[derive(Default, Serialize)]
struct Report {
    tiles: usize,
    shared_with_parents: u64,
    geometric_errors: usize, // of tiles, that are what they say
    shared_within_faces: u64,
    shared_on_cube_edges: usize,
    shared_at_cube_corners: usize,
    on_borders: u64, // samples of edges without a neighbour that lie halfway, as their parents' ground
    problem_count: usize,
    problems: Vec<String>,
}

pub(super) fn run(args: &VerifyArgs, json: bool) -> Result<ExitCode> {
    let store = open(&args.planet)?;
    let report = verify(&*store);
    if json {
        print_json(&report)?;
    } else {
        report.print(&args.planet);
    }
    Ok(ExitCode::from(u8::from(report.problem_count > 0)))
}

fn verify(store: &dyn TileStore) -> Report {
    let manifest = store.manifest();
    let spec = *manifest.lattice();
    let (cells, wanted) = (store.cells(), spec.tile_count());
    if manifest.missing() == MissingTile::Error && cells.len() as u64 != wanted {
        // Not even listed: what the manifest claims may be more than fits memory.
        let mut report = Report::default();
        report.problem(format!("{} tiles instead of {wanted}", cells.len()));
        return report;
    }
    let bar = progress(cells.len(), "verifying");
    let parts: Vec<Report> = cells
        .par_iter()
        .map(|cell| {
            bar.inc(1);
            check_tile(store, *cell)
        })
        .collect();
    bar.finish_and_clear();
    let mut report = Report::default();
    parts.into_iter().for_each(|part| report.merge(part));
    // Tiles that cannot be read have been reported; their edges would only be reported again.
    if report.problem_count == 0 {
        for level in 0..spec.levels() {
            report.merge(check_cube(store, &spec, level));
        }
    }
    report
}

/// A tile's own soundness (by loading it), what the planet's table says of it, what it shares with its parent and its
/// two neighbours before it, and that its other edges carry its parent's ground.
fn check_tile(store: &dyn TileStore, cell: CellId) -> Report {
    let mut report = Report::default();
    let tile = match store.load(cell) {
        Ok(tile) => tile,
        Err(e) => {
            report.problem(e.to_string());
            return report;
        }
    };
    report.tiles = 1;
    check_node(store, &tile, &mut report);
    if cell.level() > 0
        && let Ok(parent) = store.load(cell.parent(cell.level() - 1))
    {
        report.shared_with_parents = compare_parent(&tile, &parent, &mut report);
        check_error(&tile, &parent, &mut report);
    }
    let n = usize::from(tile.intervals());
    let (column, row) = column_row(cell);
    if let Some(west) = column.checked_sub(1).map(|c| beside(cell, c, row))
        && let Ok(west) = store.load(west)
    {
        let differ = (0..=n)
            .filter(|j| tile.sample(0, *j) != west.sample(n, *j))
            .count();
        report.compared(differ, n + 1, cell, "its neighbour along s");
    }
    if let Some(south) = row.checked_sub(1).map(|r| beside(cell, column, r))
        && let Ok(south) = store.load(south)
    {
        let differ = (0..=n)
            .filter(|i| tile.sample(*i, 0) != south.sample(*i, n))
            .count();
        report.compared(differ, n + 1, cell, "its neighbour along t");
    }
    if store.manifest().missing() == MissingTile::Coarser {
        check_borders(store, &tile, &mut report);
    }
    report
}

/// The table's bounds of a tile and all below it hold its samples; without children they are its samples' own.
fn check_node(store: &dyn TileStore, tile: &HeightTile, report: &mut Report) {
    if store.manifest().format() < 2 {
        return; // whose tables say nothing of samples
    }
    let Some(number) = store.nodes().find(tile.cell()) else {
        return report.problem(format!("tile {}: has no node", tile.cell()));
    };
    let node = store.nodes().node(number);
    let (own, said) = ((tile.min(), tile.max()), (node.min(), node.max()));
    let holds = said.0 <= own.0 && own.1 <= said.1;
    if !holds || (node.is_leaf() && own != said) {
        report.problem(format!(
            "tile {}: the planet's table says that samples are within {said:?}, they are within {own:?}",
            tile.cell()
        ));
    }
    if tile.geometric_error().unwrap_or(Node::ERROR_UNKNOWN) != node.error() {
        report.problem(format!(
            "tile {}: the planet's table says another geometric error than the tile",
            tile.cell()
        ));
    }
}

/// The geometric error that a tile says is that of its samples.
fn check_error(tile: &HeightTile, parent: &HeightTile, report: &mut Report) {
    let Some(said) = tile.geometric_error() else {
        return;
    };
    match tile.geometric_error_under(parent) {
        Ok(own) if own == said => report.geometric_errors += 1,
        Ok(own) => report.problem(format!(
            "tile {}: says that its geometric error is {said} quanta, it is {own}",
            tile.cell()
        )),
        Err(e) => report.problem(format!("tile {}: {e}", tile.cell())),
    }
}

/// Along an edge without a neighbour of the same level, a tile is as its parent: odd samples lie halfway, rounded as all others.
fn check_borders(store: &dyn TileStore, tile: &HeightTile, report: &mut Report) {
    if tile.cell().level() == 0 {
        return;
    }
    let n = usize::from(tile.intervals());
    for (side, beside) in tile.cell().edge_neighbors().into_iter().enumerate() {
        if store.nodes().find(beside).is_some() {
            continue;
        }
        let at = |k: usize| match side {
            0 => tile.sample(k, 0),
            1 => tile.sample(n, k),
            2 => tile.sample(k, n),
            _ => tile.sample(0, k),
        };
        let is_odd = |k: &usize| at(*k) != tile.rounded_sample(halfway(at(k - 1), at(k + 1)));
        let differ = (1..n).step_by(2).filter(is_odd).count();
        report.on_borders += n as u64 / 2;
        if differ > 0 {
            report.problem(format!(
                "tile {}: {differ} samples of an edge without a neighbour are not its parent's ground",
                tile.cell()
            ));
        }
    }
}

fn compare_parent(tile: &HeightTile, parent: &HeightTile, report: &mut Report) -> u64 {
    let half = usize::from(tile.intervals()) / 2;
    let (column, row) = column_row(tile.cell());
    let (i0, j0) = (half * (column & 1) as usize, half * (row & 1) as usize);
    let places = || (0..=half).flat_map(|j| (0..=half).map(move |i| (i, j)));
    let differ = places()
        .filter(|(i, j)| tile.sample(2 * i, 2 * j) != parent.sample(i0 + i, j0 + j))
        .count();
    if differ > 0 {
        report.problem(format!(
            "tile {}: {differ} samples differ from its parent's",
            tile.cell()
        ));
    }
    places().count() as u64
}

/// The samples of a level on the edges of the cube: all faces that have them must agree on each, and of a whole level
/// two faces have every sample of an edge, at corners three.
fn check_cube(store: &dyn TileStore, spec: &LatticeSpec, level: u8) -> Report {
    let mut report = Report::default();
    let mut shared: BTreeMap<[u64; 3], Vec<i16>> = BTreeMap::new();
    let scale = 1u32 << (spec.leaf_level() - level);
    let n = spec.face_intervals() / scale;
    for cell in store.cells().iter().filter(|c| c.level() == level) {
        for (i, j, value) in match store.load(*cell) {
            Ok(tile) => on_cube_edges(&tile, n),
            Err(e) => {
                report.problem(e.to_string());
                continue;
            }
        } {
            let key = spec.direction(cell.face(), i * scale, j * scale).to_array();
            shared.entry(key.map(f64::to_bits)).or_default().push(value);
        }
    }
    let differ = |values: &&Vec<i16>| values.windows(2).any(|w| w[0] != w[1]);
    let differing = shared.values().filter(differ).count();
    let count = |faces| shared.values().filter(|v| v.len() == faces).count();
    report.shared_on_cube_edges = count(2);
    report.shared_at_cube_corners = count(3);
    let lacks = count(2) != EDGES * (n as usize - 1) || count(3) != CORNERS;
    if differing > 0 || (lacks && store.manifest().missing() == MissingTile::Error) {
        report.problem(format!(
            "level {level}: faces disagree on an edge or a corner of the cube"
        ));
    }
    report
}

/// The samples of a tile that lie on the edges of its face, once each of the face's: where on it, and the sample. The
/// face has n intervals along an edge at the tile's level.
fn on_cube_edges(tile: &HeightTile, n: u32) -> Vec<(u32, u32, i16)> {
    let intervals = u32::from(tile.intervals());
    let (column, row) = column_row(tile.cell());
    let mut found = Vec::new();
    for at in 0..(intervals + 1) * (intervals + 1) {
        let (i, j) = (at % (intervals + 1), at / (intervals + 1));
        let (x, y) = (column * intervals + i, row * intervals + j);
        // A sample that two tiles of the face share is the later one's, but at the face's end.
        let is_last = |k: u32, place: u32| k == intervals && place != n;
        let is_on_edge = x == 0 || y == 0 || x == n || y == n;
        if is_on_edge && !is_last(i, x) && !is_last(j, y) {
            found.push((x, y, tile.sample(i as usize, j as usize)));
        }
    }
    found
}

/// The cell at a column and row of another's face and level.
fn beside(cell: CellId, column: u32, row: u32) -> CellId {
    cell_at(cell.face(), cell.level(), column, row)
}

impl Report {
    fn problem(&mut self, what: String) {
        self.problem_count += 1;
        if self.problems.len() < LISTED_MAX {
            self.problems.push(what);
        }
    }

    fn compared(&mut self, differ: usize, of: usize, cell: CellId, with: &str) {
        self.shared_within_faces += of as u64;
        if differ > 0 {
            self.problem(format!("tile {cell}: {differ} samples differ from {with}"));
        }
    }

    fn merge(&mut self, other: Self) {
        self.tiles += other.tiles;
        self.shared_with_parents += other.shared_with_parents;
        self.geometric_errors += other.geometric_errors;
        self.shared_within_faces += other.shared_within_faces;
        self.shared_on_cube_edges += other.shared_on_cube_edges;
        self.shared_at_cube_corners += other.shared_at_cube_corners;
        self.on_borders += other.on_borders;
        self.problem_count += other.problem_count;
        self.problems.extend(other.problems);
        self.problems.truncate(LISTED_MAX);
    }

    fn print(&self, planet: &std::path::Path) {
        println!("{}: {} tiles sound", planet.display(), self.tiles);
        println!(
            "equal samples: {} with parents, {} within faces",
            self.shared_with_parents, self.shared_within_faces
        );
        if self.geometric_errors > 0 {
            println!(
                "geometric errors as their tiles say: {}",
                self.geometric_errors
            );
        }
        println!(
            "equal on the 12 edges of the cube: {}, at its 8 corners: {}",
            self.shared_on_cube_edges, self.shared_at_cube_corners
        );
        if self.on_borders > 0 {
            println!(
                "on edges without a neighbour, as their parents: {}",
                self.on_borders
            );
        }
        for problem in &self.problems {
            println!("PROBLEM {problem}");
        }
        let unlisted = self.problem_count - self.problems.len();
        if unlisted > 0 {
            println!("and {unlisted} more problems");
        }
    }
}
