//! Client tiles: their bytes, their meshes, and what a node is.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::ValueEnum;
use serde::Serialize;
use spatial_core::{CellId, ClientTile, Codec, EdgeSteps, Geodetic, Horizon, MAX_LEVEL, TileStore};

use super::super::atomic_file;
use super::glb::glb;
use super::{Misuse, TileArgs, Which};
use crate::planet::info::extremes;
use crate::planet::print_json;

#[derive(Debug, clap::Args)]
pub(super) struct ClientArgs {
    /// The level of the tile at a place: 0, a face, to one more than the planet's finest; if not given that
    #[arg(long, conflicts_with = "cell")]
    level: Option<u8>,
    /// How a client tile's bytes are written
    #[arg(long, value_enum, default_value_t = ClientCodec::Archive, conflicts_with = "mesh", requires = "out")]
    codec: ClientCodec,
    /// Leave out of a client tile's bytes what its parent has, if that makes them fewer; of the archive codec
    #[arg(long, conflicts_with = "mesh", requires = "out")]
    with_parent: bool,
    /// Write the tile's mesh as binary glTF instead
    #[arg(long, requires = "out")]
    mesh: bool,
    /// By how many levels the neighbours below, right, above and left of a mesh are coarser: directions of the lattice of the
    /// cell's face, not of the compass
    #[arg(long, num_args = 4, value_names = ["BELOW", "RIGHT", "ABOVE", "LEFT"], requires = "mesh")]
    coarser: Option<Vec<u8>>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum ClientCodec {
    /// Faster to decode
    Wire,
    /// Smaller
    Archive,
}

/// A node of the quadtree and its client tile.
#[derive(Serialize)]
struct Facts {
    cell: String,
    level: u8,
    /// Of all ground of the cell, to the finest.
    min_m: f64,
    max_m: f64,
    /// How far the tile is at most from the finest ground that is known.
    geometric_error_m: Option<f64>,
    /// That and by how much its mesh's flat triangles lie within the round ground.
    mesh_error_m: Option<f64>,
    /// By how much a sample may differ from the one that was imported.
    error_bound_m: f64,
    center_m: [f64; 3],
    radius_m: f64,
    /// Hidden by the ball below all true ground only where the whole cell is; none where it never is.
    horizon_point_m: Option<[f64; 3]>,
    /// The radius of that ball.
    horizon_radius_m: f64,
    filled_samples: usize,
    /// The cells of the next level, if their ground is known any finer.
    children: Vec<String>,
    #[serde(flatten)]
    written: Option<Written>,
}

#[derive(Serialize)]
struct Written {
    file: PathBuf,
    bytes: usize,
    /// Whether the bytes can only be decoded with the parent's; none of a mesh.
    needs_parent: Option<bool>,
}

/// The cell that was asked for.
pub(super) fn cell(which: &Which, args: &ClientArgs, levels: u8) -> Result<CellId, Misuse> {
    let cell = match (&which.cell, which.at.as_deref()) {
        (Some(token), _) => {
            CellId::from_token(token).map_err(|e| Misuse(format!("{token:?}: {e}")))?
        }
        (_, Some([lat_deg, lon_deg])) => {
            let level = args.level.unwrap_or(levels).min(MAX_LEVEL);
            let place = Geodetic::from_degrees(*lat_deg, *lon_deg, 0.0);
            place
                .map_err(|e| Misuse(e.to_string()))?
                .leaf()
                .parent(level)
        }
        _ => return Err(Misuse("name a cell or a place".to_owned())),
    };
    if args.with_parent && matches!(args.codec, ClientCodec::Wire) {
        let why = "--with-parent is for the archive codec: a wire tile is decoded alone";
        return Err(Misuse(why.to_owned()));
    }
    let level = args.level.unwrap_or(cell.level());
    if level > levels {
        return Err(Misuse(format!(
            "level {level} is finer than client tiles of this planet are: 0 to {levels}"
        )));
    }
    Ok(cell)
}

pub(super) fn run(
    store: &dyn TileStore,
    cell: CellId,
    args: &TileArgs,
    json: bool,
) -> Result<ExitCode> {
    let tile = ClientTile::of(store, cell)?;
    let mut facts = Facts::of(store, &tile)?;
    if let Some(path) = &args.out {
        let bytes = match args.client.mesh {
            true => mesh(store, &tile, &args.client)?,
            false => encode(store, &tile, &args.client)?,
        };
        let needs_parent = match args.client.mesh {
            true => None,
            false => Some(ClientTile::needs_parent(&bytes)?),
        };
        atomic_file::write(path, &bytes)?;
        facts.written = Some(Written {
            file: path.clone(),
            bytes: bytes.len(),
            needs_parent,
        });
    }
    if json {
        print_json(&facts)?;
    } else {
        facts.print();
    }
    Ok(ExitCode::SUCCESS)
}

fn encode(store: &dyn TileStore, tile: &ClientTile, args: &ClientArgs) -> Result<Vec<u8>> {
    let codec = match args.codec {
        ClientCodec::Wire => Codec::Wire,
        ClientCodec::Archive => Codec::Archive,
    };
    let parent = match (args.with_parent, tile.cell().level()) {
        (true, 1..) => {
            let above = tile.cell().parent(tile.cell().level() - 1);
            Some(ClientTile::of(store, above)?)
        }
        _ => None,
    };
    Ok(tile.encode(codec, parent.as_ref())?)
}

fn mesh(store: &dyn TileStore, tile: &ClientTile, args: &ClientArgs) -> Result<Vec<u8>> {
    let mut coarser = EdgeSteps::default();
    if let Some(given) = &args.coarser {
        coarser.copy_from_slice(given);
    }
    let level = tile.cell().level();
    if coarser.iter().any(|steps| *steps > level) {
        let why = format!("--coarser: beside a tile of level {level}, by {level} levels at most");
        return Err(Misuse(why).into());
    }
    let manifest = store.manifest();
    let mesh = tile.mesh(manifest.planet(), manifest.lattice(), coarser);
    let mesh = mesh.map_err(|too_coarse| Misuse(format!("--coarser: {too_coarse}")))?;
    glb(&mesh, &tile.cell().token())
}

impl Facts {
    fn of(store: &dyn TileStore, tile: &ClientTile) -> Result<Self> {
        let (planet, spec) = (store.manifest().planet(), store.manifest().lattice());
        let lowest_m = spec.height_m(f64::from(extremes(store)?.0));
        let (bounds, horizon) = (tile.bounds(planet, spec), Horizon::new(planet, lowest_m));
        let last = i32::from(tile.intervals());
        let own = (0..=last).flat_map(|j| (0..=last).map(move |i| (i as usize, j as usize)));
        let is_finer = store.nodes().slot(tile.cell()).is_ok();
        let children = tile.cell().children().into_iter().flatten();
        Ok(Self {
            cell: tile.cell().token(),
            level: tile.cell().level(),
            min_m: spec.height_m(f64::from(tile.min())),
            max_m: spec.height_m(f64::from(tile.max())),
            geometric_error_m: tile
                .geometric_error()
                .map(|quanta| f64::from(quanta) * spec.quantum_m()),
            mesh_error_m: tile.mesh_error_m(planet, spec),
            error_bound_m: f64::from(tile.error_bound()) * spec.quantum_m(),
            center_m: bounds.center().to_array(),
            radius_m: bounds.radius_m(),
            horizon_point_m: horizon.point(&bounds).map(|p| p.to_array()),
            horizon_radius_m: horizon.radius_m(),
            filled_samples: own.filter(|(i, j)| tile.is_filled(*i, *j)).count(),
            children: children.filter(|_| is_finer).map(CellId::token).collect(),
            written: None,
        })
    }

    fn print(&self) {
        let list = |[x, y, z]: [f64; 3]| format!("{x:.3} {y:.3} {z:.3} m");
        println!("cell        {}, level {}", self.cell, self.level);
        println!("range       {} m to {} m", self.min_m, self.max_m);
        match self.geometric_error_m {
            Some(error_m) => println!("error       at most {error_m} m from the finest ground"),
            None => println!("error       unknown"),
        }
        if let Some(error_m) = self.mesh_error_m {
            println!("mesh        {error_m:.3} m with what its triangles cut off the sphere");
        }
        println!(
            "samples     within {} m of those that were imported",
            self.error_bound_m
        );
        println!(
            "ball        {:.3} m about {}",
            self.radius_m,
            list(self.center_m)
        );
        match self.horizon_point_m {
            Some(point) => println!(
                "horizon     {} above a ball of {:.3} m",
                list(point),
                self.horizon_radius_m
            ),
            None => println!("horizon     never hidden"),
        }
        if self.filled_samples > 0 {
            println!("filled      {} samples", self.filled_samples);
        }
        match self.children.is_empty() {
            true => println!("children    known no finer"),
            false => println!("children    {}", self.children.join(" ")),
        }
        if let Some(written) = &self.written {
            let needs = match written.needs_parent {
                Some(true) => ", to be decoded with the parent's tile",
                Some(false) => ", decoded alone",
                None => "",
            };
            println!("{}: {} bytes{needs}", written.file.display(), written.bytes);
        }
    }
}
