//! The relief of a pass in the Andes (`assets/andes-pass.png`: NASA SRTM, public domain, a sample every 3 arc-seconds), as ground of a
//! world and as a picture.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::error::Error;
use std::fs::File;
use std::io::BufReader;
use std::sync::Arc;

use bluemarble::sim::{Record, World, WorldStart};
use bluemarble::space::{CellId, DVec3, Ecef, Geodetic, HeightTile, LatticeSpec, Planet, face_st};

/// Heights by latitude and longitude, first row north.
pub(crate) struct Raster {
    pub(crate) heights_m: Vec<f64>,
    pub(crate) columns: usize,
    pub(crate) rows: usize,
}

impl Raster {
    pub(crate) const NORTH_DEG: f64 = -32.74;
    pub(crate) const WEST_DEG: f64 = -70.17;
    pub(crate) const PER_DEG: f64 = 1_200.0;

    pub(crate) fn open() -> Result<Self, Box<dyn Error>> {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/andes-pass.png");
        let mut reader = png::Decoder::new(BufReader::new(File::open(path)?)).read_info()?;
        let size = reader
            .output_buffer_size()
            .ok_or("a picture of some size")?;
        let mut bytes = vec![0; size];
        let info = reader.next_frame(&mut bytes)?;
        let (columns, rows) = (info.width as usize, info.height as usize);
        let samples = bytes
            .chunks_exact(2)
            .map(|pair| f64::from(u16::from_be_bytes([pair[0], pair[1]])));
        let heights_m: Vec<_> = samples.collect();
        if heights_m.len() != columns * rows {
            return Err("the relief has 16 bits a sample".into());
        }
        Ok(Self {
            heights_m,
            columns,
            rows,
        })
    }

    /// Column and row of a direction, clamped to the raster.
    pub(crate) fn grid(&self, direction: DVec3) -> [f64; 2] {
        let p = direction.normalize();
        let (lat, lon) = (p.z.asin().to_degrees(), p.y.atan2(p.x).to_degrees());
        let clamp = |x: f64, count: usize| x.clamp(0.0, count as f64 - 1.001);
        [
            clamp((lon - Self::WEST_DEG) * Self::PER_DEG, self.columns),
            clamp((Self::NORTH_DEG - lat) * Self::PER_DEG, self.rows),
        ]
    }

    /// A value at a place of the grid, bilinear.
    pub(crate) fn value(&self, of: &[f64], [x, y]: [f64; 2]) -> f64 {
        let (i, j) = (x as usize, y as usize);
        let (fx, fy) = (x - i as f64, y - j as f64);
        let at = |i: usize, j: usize| of[j * self.columns + i];
        let north = at(i, j) * (1.0 - fx) + at(i + 1, j) * fx;
        let south = at(i, j + 1) * (1.0 - fx) + at(i + 1, j + 1) * fx;
        north * (1.0 - fy) + south * fy
    }

    /// How a value grows to the east and to the north, a metre.
    pub(crate) fn gradient(&self, of: &[f64], at: [f64; 2]) -> [f64; 2] {
        let [x, y] = at.map(|k| k.max(1.0));
        let (x, y) = (
            x.min(self.columns as f64 - 2.1),
            y.min(self.rows as f64 - 2.1),
        );
        let [east_m, north_m] = Self::sample_m();
        let east = self.value(of, [x + 0.5, y]) - self.value(of, [x - 0.5, y]);
        let north = self.value(of, [x, y - 0.5]) - self.value(of, [x, y + 0.5]);
        [east / east_m, north / north_m]
    }

    /// How far samples are apart to the east and to the north, metres.
    pub(crate) fn sample_m() -> [f64; 2] {
        let north = Planet::EARTH.radius_m() * (1.0 / Self::PER_DEG).to_radians();
        [north * Self::NORTH_DEG.to_radians().cos(), north]
    }
}

/// A tile of the world's ground, a sample every 78 m.
fn tile(spec: &LatticeSpec, cell: CellId, raster: &Raster) -> Result<HeightTile, Box<dyn Error>> {
    let (face, i, j) = cell.to_face_ij();
    let leaves_per_sample = (1u32 << 30) / spec.face_intervals();
    let side = u32::from(spec.intervals()) + 1;
    let samples = (0..side * side).map(|k| {
        let (i, j) = (
            i / leaves_per_sample + k % side,
            j / leaves_per_sample + k / side,
        );
        let height_m = raster.value(&raster.heights_m, raster.grid(spec.direction(face, i, j)));
        ((height_m - spec.offset_m()) / spec.quantum_m()).round() as i16
    });
    Ok(HeightTile::new(cell, spec.intervals(), samples.collect())?)
}

/// The ground that a world stands on.
pub(crate) struct Ground {
    lattice: LatticeSpec,
    tiles: BTreeMap<CellId, Arc<HeightTile>>,
}

impl Ground {
    pub(crate) fn new(raster: &Raster) -> Result<Self, Box<dyn Error>> {
        let lattice = LatticeSpec::new(11, 128, 3_500.0, 0.1)?;
        let mut tiles = BTreeMap::new();
        for j in (0..raster.rows).step_by(8) {
            for i in (0..raster.columns).step_by(8) {
                let lat = Raster::NORTH_DEG - j as f64 / Raster::PER_DEG;
                let lon = Raster::WEST_DEG + i as f64 / Raster::PER_DEG;
                let place = Planet::EARTH.ecef(Geodetic::from_degrees(lat, lon, 0.0)?);
                let cell = lattice.tile_at(place.to_vec());
                if let Entry::Vacant(vacant) = tiles.entry(cell) {
                    vacant.insert(Arc::new(tile(&lattice, cell, raster)?));
                }
            }
        }
        Ok(Self { lattice, tiles })
    }

    /// A world on this ground, and the records that make it resident.
    pub(crate) fn world(&self, tick_rate_hz: u16) -> Result<(World, Vec<Record>), Box<dyn Error>> {
        let mut world = World::new(WorldStart {
            world_id: 1,
            planet: Planet::EARTH,
            tick_rate_hz,
            gravity: WorldStart::EARTH_GRAVITY,
            lattice: self.lattice,
        })?;
        let records = self.tiles.values().map(|tile| {
            world.stage(Arc::clone(tile));
            Record::Resident {
                tile: tile.cell(),
                checksum: tile.checksum(),
            }
        });
        let records = records.collect();
        Ok((world, records))
    }

    /// The place on the ground above or below another; that on the datum where there is no ground.
    pub(crate) fn below(&self, place: DVec3) -> Ecef {
        let (face, s, t) = face_st(place);
        let tile = self.tiles.get(&self.lattice.tile_of(face, s, t));
        let height_m = tile.map_or(0.0, |tile| tile.height_m(&self.lattice, face, s, t));
        let p = place.normalize() * (Planet::EARTH.radius_m() + height_m);
        Ecef::new(p.x, p.y, p.z).expect("near the Earth")
    }
}

/// How the ground looks at a place of the grid, in pixels of so many metres: shaded, with a contour line every 200 m.
pub(crate) fn color(raster: &Raster, grid: [f64; 2], pixel_m: f64) -> [f64; 3] {
    let (columns, rows) = (raster.columns as f64 - 1.001, raster.rows as f64 - 1.001);
    let grid = [grid[0].clamp(0.0, columns), grid[1].clamp(0.0, rows)];
    let height_m = raster.value(&raster.heights_m, grid);
    let [east, north] = raster.gradient(&raster.heights_m, grid);
    // Light from the north-west, half-way up.
    let light = DVec3::new(-1.0, 1.0, 1.4).normalize();
    let slope = DVec3::new(-east, -north, 1.0).normalize();
    let shade = 0.25 + slope.dot(light).max(0.0);
    let line_m = (east.hypot(north) * pixel_m).clamp(2.0, 40.0);
    let is_contour = (height_m / 200.0).fract() * 200.0 < line_m;
    let shade = if is_contour { 0.72 * shade } else { shade };
    let t = ((height_m - 2_300.0) / 2_600.0).clamp(0.0, 1.0);
    [150.0 + 95.0 * t, 128.0 + 115.0 * t, 100.0 + 150.0 * t].map(|channel| channel * shade)
}
