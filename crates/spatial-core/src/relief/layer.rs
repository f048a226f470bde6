//! Rasters that lie side by side on one plane and answer as one.
//!
//! ```text
//! ┌─────────┬─────────┐   Rasters whose samples fall on one lattice are one sheet: a square of samples may have its
//! │ N01E010 │ N01E011 │   corners in several of them, so there is no seam, whether they share edges (.hgt) or not.
//! ├─────────┼─────────┘   Each speaks for half a step around its outer samples. Where two have a sample of one place,
//! │ N00E010 │             that of the first given counts, or the other's where that is void.
//! └─────────┘
//! ```

use std::sync::Arc;

use super::buckets::Buckets;
use super::error::ReliefError;
use super::georef::{Crs, Georef};
use super::plane::Plane;
use super::raster::{Numbered, Reader};

/// A raster and where it lies.
#[derive(Clone)]
pub(super) struct Part {
    pub(super) raster: Arc<Numbered>,
    pub(super) georef: Georef,
}

/// A raster among its neighbours.
pub(super) struct Tile {
    pub(super) part: Part,
    pub(super) sheet: u32,
    offset: [i64; 2], // of its sample (0, 0) on the sheet
    /// Steps of the layer's metric in one of its own columns and rows; 0 of rasters that are not aligned.
    scale: [f64; 2],
    /// Its borders, and those near it, that no neighbour covers; see `border`.
    pub(super) borders: Vec<[f64; 4]>,
}

/// See the module.
pub(super) struct Layer {
    pub(super) plane: Plane,
    pub(super) crs: Crs,
    pub(super) tiles: Vec<Tile>,
    firsts: Vec<u32>, // the first tile of each sheet
    pub(super) buckets: Buckets,
    /// Samples a unit of the plane, to measure distances in: of the first raster.
    pub(super) metric: [f64; 2],
}

/// A sample of a sheet: its number and the column and row there.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct SheetSample {
    pub(super) sheet: u32,
    pub(super) column: i64,
    pub(super) row: i64,
}

/// A place within a raster.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Spot {
    pub(super) tile: u32,
    pub(super) x: f64,
    pub(super) y: f64,
}

impl Layer {
    pub(super) fn new(parts: Vec<Part>, plane: Plane) -> Self {
        let crs = parts[0].georef.crs;
        let mut tiles = into_sheets(parts);
        let metric = tiles[0].part.georef.spacing().map(|step| 1.0 / step);
        for tile in tiles
            .iter_mut()
            .filter(|tile| tile.part.georef.is_aligned())
        {
            let spacing = tile.part.georef.spacing();
            tile.scale = [spacing[0] * metric[0], spacing[1] * metric[1]];
        }
        let mut firsts = Vec::new();
        for (n, tile) in (0..).zip(&tiles) {
            if tile.sheet as usize == firsts.len() {
                firsts.push(n);
            }
        }
        let rects: Vec<[f64; 4]> = tiles.iter().map(Tile::rect).collect();
        let size = [0, 1].map(|n| {
            let widths = rects.iter().map(|rect| rect[n + 2] - rect[n]);
            widths.fold(0.0, f64::max)
        });
        let mut buckets = Buckets::new(size);
        for (n, rect) in (0..).zip(rects) {
            buckets.insert(rect, n);
        }
        Self {
            plane,
            crs,
            firsts,
            buckets,
            metric,
            tiles,
        }
    }

    /// The raster that speaks for a place: the first given of them. `last` is where the last one was found.
    #[inline]
    pub(super) fn find(&self, place: [f64; 2], last: &mut u32) -> Option<Spot> {
        // Rasters of a layer overlap by their outer samples at most, so well inside no other can speak: which one answers never
        // depends on what was asked before.
        if let Some(tile) = self.tiles.get(*last as usize) {
            let [x, y] = tile.part.georef.sample(place);
            let [width, height] = tile.size().map(f64::from);
            if x > 0.75 && y > 0.75 && x < width - 1.75 && y < height - 1.75 {
                return Some(Spot { tile: *last, x, y });
            }
        }
        self.search(place).inspect(|spot| *last = spot.tile)
    }

    /// What is added to the first axis to look for a place: longitudes of rasters may go on beyond 180°.
    pub(super) fn turns(&self) -> impl Iterator<Item = f64> {
        let turn = self.crs.turn().unwrap_or(0.0);
        let turns = [0.0, turn, -turn];
        turns.into_iter().take(if turn == 0.0 { 1 } else { 3 })
    }

    /// Of rasters between whose outer samples the place lies the first; else of those within half a step of it.
    fn search(&self, place: [f64; 2]) -> Option<Spot> {
        let mut beside = None;
        for turn in self.turns() {
            let place = [place[0] + turn, place[1]];
            for n in self.buckets.at(place) {
                let tile = &self.tiles[n as usize];
                let [x, y] = tile.part.georef.sample(place);
                let [width, height] = tile.size().map(f64::from);
                let is_within = |by: f64| {
                    x >= -by && y >= -by && x <= width - 1.0 + by && y <= height - 1.0 + by
                };
                let spot = Spot { tile: n, x, y };
                // Places on an edge miss it by the rounding of their direction, to either side.
                if is_within(1e-7) {
                    return Some(spot);
                }
                if is_within(0.5) {
                    beside.get_or_insert(spot);
                }
            }
        }
        beside
    }

    /// The bilinear height at a spot; `None` when a sample that counts is void or beyond the outer ones.
    #[inline]
    pub(super) fn height_m(
        &self,
        spot: Spot,
        reader: &mut Reader<'_>,
    ) -> Result<Option<f64>, ReliefError> {
        let tile = &self.tiles[spot.tile as usize];
        let [width, height] = tile.size();
        let is_between = spot.x >= 0.0
            && spot.y >= 0.0
            && spot.x <= f64::from(width - 1)
            && spot.y <= f64::from(height - 1);
        if !is_between {
            return Ok(None);
        }
        let (column, row) = (
            (spot.x as u32).min(width - 2),
            (spot.y as u32).min(height - 2),
        );
        let corners = reader.square(&tile.part.raster, column, row)?;
        let (fx, fy) = (spot.x - f64::from(column), spot.y - f64::from(row));
        let h = bilinear(corners.map(f64::from), fx, fy);
        Ok((!h.is_nan()).then_some(h))
    }

    /// The same where it is not plain: beyond the outer samples, or with void ones, which `fill` may know (height and
    /// whether it is filled). Corners of no weight do not count.
    pub(super) fn careful_height_m(
        &self,
        spot: Spot,
        reader: &mut Reader<'_>,
        fill: &mut dyn FnMut(SheetSample) -> Result<Option<f64>, ReliefError>,
    ) -> Result<Option<(f64, bool)>, ReliefError> {
        // A place on a sample misses it by the rounding of its direction, and then its neighbours must not count.
        let [x, y] = [spot.x, spot.y].map(|x| match x.round() {
            whole if (x - whole).abs() < 1e-7 => whole,
            _ => x,
        });
        let (column, row) = (x.floor(), y.floor());
        let (fx, fy) = (x - column, y - row);
        let mut corners = [0.0; 4];
        let mut is_filled = false;
        for (n, corner) in corners.iter_mut().enumerate() {
            let (right, down) = (n % 2, n / 2);
            let weight = [1.0 - fx, fx][right] * [1.0 - fy, fy][down];
            if weight == 0.0 {
                continue;
            }
            let at = [column as i64 + right as i64, row as i64 + down as i64];
            let sample = self.corner(spot.tile, at, reader)?;
            *corner = match sample {
                Ok(sample) => f64::from(sample),
                Err(void) => match fill(void)? {
                    Some(height_m) => {
                        is_filled = true;
                        height_m
                    }
                    None => return Ok(None),
                },
            };
        }
        Ok(Some((bilinear(corners, fx, fy), is_filled)))
    }

    /// A sample by column and row of a tile, of a neighbour where it is beyond, of the nearest where there is none; or
    /// which void it is.
    fn corner(
        &self,
        tile: u32,
        at: [i64; 2],
        reader: &mut Reader<'_>,
    ) -> Result<Result<f32, SheetSample>, ReliefError> {
        let home = &self.tiles[tile as usize];
        let (wanted, size) = (home.on_sheet(at), home.size());
        // Neighbours share outer samples only.
        if (0..2).all(|n| at[n] > 0 && at[n] < i64::from(size[n]) - 1) {
            let sample = reader.sample(&home.part.raster, at[0] as u32, at[1] as u32)?;
            return Ok(if sample.is_nan() {
                Err(wanted)
            } else {
                Ok(sample)
            });
        }
        if let Some(sample) = self.sample(wanted, reader)? {
            return Ok(if sample.is_nan() {
                Err(wanted)
            } else {
                Ok(sample)
            });
        }
        let nearest = [0, 1].map(|n| at[n].clamp(0, i64::from(size[n]) - 1));
        let nearest = home.on_sheet(nearest);
        let sample = self.sample(nearest, reader)?.unwrap_or(f32::NAN);
        Ok(if sample.is_nan() {
            Err(nearest)
        } else {
            Ok(sample)
        })
    }

    /// A sample of a sheet: of the first raster that has one there which is not void; NaN when all are void, `None` when none has it.
    pub(super) fn sample(
        &self,
        at: SheetSample,
        reader: &mut Reader<'_>,
    ) -> Result<Option<f32>, ReliefError> {
        let mut found = None;
        for tile in self.holders(at) {
            let [column, row] = self.tiles[tile as usize].local(at).expect("a holder");
            let sample = reader.sample(&self.tiles[tile as usize].part.raster, column, row)?;
            if !sample.is_nan() {
                return Ok(Some(sample));
            }
            found = Some(sample);
        }
        Ok(found)
    }

    /// The tiles that have a sample of a sheet, ascending.
    fn holders(&self, at: SheetSample) -> impl Iterator<Item = u32> {
        let place = self.place(at);
        let mut tiles: Vec<u32> = self
            .turns()
            .flat_map(|turn| self.buckets.at([place[0] + turn, place[1]]))
            .filter(|n| self.tiles[*n as usize].local(at).is_some())
            .collect();
        tiles.sort_unstable();
        tiles.dedup();
        tiles.into_iter()
    }

    /// A square of samples of a sheet from a column and row on: NaN where it is void, infinite where there is none.
    pub(super) fn window(
        &self,
        sheet: u32,
        corner: [i64; 2],
        side: usize,
        reader: &mut Reader<'_>,
    ) -> Result<Vec<f32>, ReliefError> {
        let mut window = vec![f32::INFINITY; side * side];
        for tile in self.tiles.iter().filter(|tile| tile.sheet == sheet) {
            let period = tile.part.georef.period().map_or(0, i64::from);
            for shift in [0, period, -period]
                .into_iter()
                .take(if period == 0 { 1 } else { 3 })
            {
                tile.copy_into(&mut window, [corner[0] + shift, corner[1]], side, reader)?;
            }
        }
        Ok(window)
    }

    /// Where on the plane a sample of a sheet lies.
    pub(super) fn place(&self, at: SheetSample) -> [f64; 2] {
        let first = &self.tiles[self.firsts[at.sheet as usize] as usize];
        let local = [at.column - first.offset[0], at.row - first.offset[1]];
        first.part.georef.place(local.map(|n| n as f64))
    }
}

impl Tile {
    pub(super) fn size(&self) -> [u32; 2] {
        let shape = &self.part.raster.shape;
        [shape.width, shape.height]
    }

    /// Whether a spot is further than this from all edges, in steps of the layer's metric: and so from every border.
    #[inline]
    pub(super) fn is_deep(&self, spot: Spot, feather_samples: f64) -> bool {
        let [width, height] = self.size().map(f64::from);
        let x = spot.x.min(width - 1.0 - spot.x) * self.scale[0];
        let y = spot.y.min(height - 1.0 - spot.y) * self.scale[1];
        x.min(y) > feather_samples
    }

    /// West, south, east and north on the plane, with half a step about the samples; around it where it is not aligned.
    pub(super) fn rect(&self) -> [f64; 4] {
        rect_of(&self.part)
    }

    pub(super) fn on_sheet(&self, at: [i64; 2]) -> SheetSample {
        let mut column = self.offset[0] + at[0];
        if let Some(period) = self.part.georef.period() {
            column = column.rem_euclid(i64::from(period));
        }
        SheetSample {
            sheet: self.sheet,
            column,
            row: self.offset[1] + at[1],
        }
    }

    /// Copies its samples into a window of the sheet; those that are there already stay, but for voids.
    fn copy_into(
        &self,
        window: &mut [f32],
        corner: [i64; 2],
        side: usize,
        reader: &mut Reader<'_>,
    ) -> Result<(), ReliefError> {
        let size = self.size().map(i64::from);
        // Of the window's columns and rows, those that are its own.
        let [columns, rows] = [0, 1].map(|n| {
            let first = self.offset[n] - corner[n];
            let end = (first + size[n]).clamp(0, side as i64);
            (first.clamp(0, side as i64)..end, first)
        });
        for y in rows.0 {
            for x in columns.0.clone() {
                let kept = &mut window[y as usize * side + x as usize];
                if !kept.is_finite() {
                    let [column, row] = [x - columns.1, y - rows.1].map(|n| n as u32);
                    *kept = reader.sample(&self.part.raster, column, row)?;
                }
            }
        }
        Ok(())
    }

    /// Its own column and row of a sample of the sheet.
    fn local(&self, at: SheetSample) -> Option<[u32; 2]> {
        let [width, height] = self.size();
        let mut column = at.column - self.offset[0];
        if let Some(period) = self.part.georef.period() {
            column = column.rem_euclid(i64::from(period));
        }
        let row = at.row - self.offset[1];
        let is_inside = at.sheet == self.sheet
            && (0..i64::from(width)).contains(&column)
            && (0..i64::from(height)).contains(&row);
        is_inside.then_some([column as u32, row as u32])
    }
}

pub(super) fn rect_of(part: &Part) -> [f64; 4] {
    let shape = &part.raster.shape;
    let (x, y) = (f64::from(shape.width) - 0.5, f64::from(shape.height) - 0.5);
    let corners = [[-0.5, -0.5], [x, -0.5], [-0.5, y], [x, y]].map(|at| part.georef.place(at));
    let [mut west, mut south] = corners[0];
    let [mut east, mut north] = corners[0];
    for [x, y] in corners {
        (west, east) = (west.min(x), east.max(x));
        (south, north) = (south.min(y), north.max(y));
    }
    [west, south, east, north]
}

#[inline]
fn bilinear([a, b, c, d]: [f64; 4], fx: f64, fy: f64) -> f64 {
    let low = a * (1.0 - fx) + b * fx;
    let high = c * (1.0 - fx) + d * fx;
    low * (1.0 - fy) + high * fy
}

/// Puts each raster on the sheet of the first one on whose lattice its samples fall.
fn into_sheets(parts: Vec<Part>) -> Vec<Tile> {
    let mut firsts: Vec<Georef> = Vec::new();
    let tiles = parts.into_iter().map(|part| {
        let known = firsts.iter().enumerate().find_map(|(n, first)| {
            let offset = offset_on(first, &part.georef)?;
            Some((n as u32, offset))
        });
        let (sheet, offset) = known.unwrap_or_else(|| {
            firsts.push(part.georef);
            (firsts.len() as u32 - 1, [0, 0])
        });
        Tile {
            part,
            sheet,
            offset,
            scale: [0.0; 2],
            borders: Vec::new(),
        }
    });
    tiles.collect()
}

/// Where a raster's first sample falls on the lattice of another, if all of its samples fall on samples there.
pub(super) fn offset_on(sheet: &Georef, other: &Georef) -> Option<[i64; 2]> {
    /// Origins in files are rounded; a hundredth of a step shows nowhere.
    const TOLERANCE: f64 = 0.01;
    if sheet.crs != other.crs || !sheet.is_aligned() || !other.is_aligned() {
        return None;
    }
    let (a, b) = (sheet.per(), other.per());
    // Over 10⁴ samples such steps drift apart by a thousandth.
    if (0..2).any(|n| (a[n] - b[n]).abs() > 1e-7 * a[n].abs()) {
        return None;
    }
    let at = sheet.sample(other.place([0.0, 0.0]));
    let is_whole = at.iter().all(|x| (x - x.round()).abs() <= TOLERANCE);
    is_whole.then(|| at.map(|x| x.round() as i64))
}
