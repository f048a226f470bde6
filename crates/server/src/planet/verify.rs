//! `planet verify`: every tile is sound, and tiles that share samples agree on them.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use rayon::prelude::*;
use serde::Serialize;
use spatial_core::{CellId, HeightTile, LatticeSpec, TileStore, cell_at, column_row};

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
    shared_within_faces: u64,
    shared_on_cube_edges: usize,
    shared_at_cube_corners: usize,
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
    let spec = *store.manifest().lattice();
    let (cells, wanted) = (store.cells(), spec.tile_count());
    if cells.len() as u64 != wanted {
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

/// A tile's own soundness (by loading it), and what it shares with its parent and its two neighbours before it.
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
    if cell.level() > 0
        && let Ok(parent) = store.load(cell.parent(cell.level() - 1))
    {
        report.shared_with_parents = compare_parent(&tile, &parent, &mut report);
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
    report
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

/// The samples of a level on the edges of the cube: two faces, at corners three, must agree on each.
fn check_cube(store: &dyn TileStore, spec: &LatticeSpec, level: u8) -> Report {
    let mut report = Report::default();
    let mut shared: BTreeMap<[u64; 3], Vec<i16>> = BTreeMap::new();
    let n = spec.face_intervals() >> (spec.leaf_level() - level);
    for face in 0..6 {
        for k in 0..n {
            for (i, j) in [(k, 0), (n, k), (n - k, n), (0, n - k)] {
                let scale = spec.face_intervals() / n;
                let key = spec.direction(face, i * scale, j * scale).to_array();
                match sample(store, spec, (face, level), (i, j)) {
                    Ok(value) => shared.entry(key.map(f64::to_bits)).or_default().push(value),
                    Err(e) => report.problem(e.to_string()),
                }
            }
        }
    }
    let equal = |values: &[i16]| values.windows(2).all(|w| w[0] == w[1]);
    let sharing = |faces: usize| {
        shared
            .values()
            .filter(move |v| v.len() == faces && equal(v))
            .count()
    };
    report.shared_on_cube_edges = sharing(2);
    report.shared_at_cube_corners = sharing(3);
    if sharing(2) != EDGES * (n as usize - 1) || sharing(3) != CORNERS {
        report.problem(format!(
            "level {level}: faces disagree on an edge or a corner of the cube"
        ));
    }
    report
}

/// Sample (i, j) of a level of a face.
fn sample(
    store: &dyn TileStore,
    spec: &LatticeSpec,
    (face, level): (u8, u8),
    (i, j): (u32, u32),
) -> Result<i16> {
    let n = u32::from(spec.intervals());
    let last = (1u32 << level) - 1;
    let (column, row) = ((i / n).min(last), (j / n).min(last));
    let tile = store.load(cell_at(face, level, column, row))?;
    Ok(tile.sample((i - column * n) as usize, (j - row * n) as usize))
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
        self.shared_within_faces += other.shared_within_faces;
        self.shared_on_cube_edges += other.shared_on_cube_edges;
        self.shared_at_cube_corners += other.shared_at_cube_corners;
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
        println!(
            "equal on the 12 edges of the cube: {}, at its 8 corners: {}",
            self.shared_on_cube_edges, self.shared_at_cube_corners
        );
        for problem in &self.problems {
            println!("PROBLEM {problem}");
        }
        let unlisted = self.problem_count - self.problems.len();
        if unlisted > 0 {
            println!("and {unlisted} more problems");
        }
    }
}
