//! Client tiles of real relief: their bytes beside those of the same 65² samples elsewhere, and the time that they take.

use std::io;

use spatial_core::{ClientTile, Codec};

use super::super::contest::Contest;
use super::super::row::{Measured, Rival, Unit};
use super::super::{Pace, Tell};
use super::named;
use super::rivals::PEERS;
use crate::client_tiles::Scene;

const BYTES: &str = "client tile, median bytes";
const WIRE_BYTES: &str = "client tile, wire codec, median bytes";
const WITH_PARENT_BYTES: &str = "client tile, what the parent lacks, median bytes";
const MAKE: &str = "client tile: make from hot tiles";
const DECODE: &str = "client tile: decode";
const MESH: &str = "client tile: mesh";
const CASES: &[(&str, &str)] = &[
    (BYTES, "B"),
    (WIRE_BYTES, "B"),
    (WITH_PARENT_BYTES, "B"),
    (MAKE, "us"),
    (DECODE, "us"),
    (MESH, "us"),
];

/// Two bytes a sample, whatever they are: Cesium's heightmap-1.0, before the web server's compression.
const HEIGHTMAP: &str = "heightmap-1.0, 65² u16";

/// All rows of a square; a client tile is whole: header, the samples around it, and what normals, ball and horizon point
/// need. The peers' are 65² samples alone.
pub(super) fn race(pace: &Pace, square: &'static str, tell: Tell<'_>) -> io::Result<()> {
    if !CASES
        .iter()
        .any(|(case, _)| pace.wants(&named(case, square)))
    {
        return Ok(());
    }
    let Some(scene) = Scene::load(square, pace.size) else {
        return CASES.iter().try_for_each(|(case, unit)| {
            let why = "there is no SRTM, see BLUEMARBLE_DATA";
            let skipped = Measured::skipped(named(case, square), Unit::Us, why);
            tell(Measured { unit, ..skipped })
        });
    };
    let tiles = scene.tiles();
    for (case, codec, with_parent) in [
        (BYTES, Codec::Archive, false),
        (WIRE_BYTES, Codec::Wire, false),
        (WITH_PARENT_BYTES, Codec::Archive, true),
    ] {
        let case = named(case, square);
        if pace.wants(&case) {
            tell(sizes(case, &scene, &tiles, (codec, with_parent)))?;
        }
    }
    let count = tiles.len();
    if pace.wants(&named(MAKE, square)) {
        let run = || {
            scene
                .cells
                .iter()
                .map(|cell| scene.tile(*cell).sample(3, 5))
                .max()
        };
        tell(Contest::new(named(MAKE, square), Unit::Us, count, run).run(pace))?;
    }
    if pace.wants(&named(DECODE, square)) {
        let encoded: Vec<_> = tiles
            .iter()
            .map(|tile| encode(tile, Codec::Archive, None))
            .collect();
        let decode = |bytes: &Vec<u8>| ClientTile::decode(bytes, None).expect("just encoded");
        let agree = tiles
            .iter()
            .zip(&encoded)
            .all(|(tile, bytes)| decode(bytes) == *tile);
        let run = || encoded.iter().map(|bytes| decode(bytes).sample(3, 5)).max();
        let contest = Contest::new(named(DECODE, square), Unit::Us, count, run);
        tell(contest.checked_by("the tiles themselves", agree).run(pace))?;
    }
    if pace.wants(&named(MESH, square)) {
        let run = || tiles.iter().map(|tile| scene.mesh(tile)).sum::<usize>();
        tell(Contest::new(named(MESH, square), Unit::Us, count, run).run(pace))?;
    }
    Ok(())
}

fn encode(tile: &ClientTile, codec: Codec, parent: Option<&ClientTile>) -> Vec<u8> {
    tile.encode(codec, parent).expect("its own parent")
}

fn sizes(
    case: String,
    scene: &Scene,
    tiles: &[ClientTile],
    (codec, with_parent): (Codec, bool),
) -> Measured {
    let of = |tile: &ClientTile| {
        let level = tile.cell().level() - 1;
        let parent = with_parent.then(|| scene.tile(tile.cell().parent(level)));
        encode(tile, codec, parent.as_ref()).len()
    };
    let heightmap = |_: &[i16]| 2 * 65 * 65;
    let rivals = PEERS
        .iter()
        .map(|peer| (peer.name, &peer.encode))
        .map(|(name, encode)| {
            let bytes = tiles.iter().map(|tile| encode(&own(tile)).len());
            (name, median(bytes.collect()))
        });
    let raw = tiles.iter().map(|tile| heightmap(&own(tile)));
    let raw = [(HEIGHTMAP, median(raw.collect()))];
    Measured {
        case,
        ours: Some(median(tiles.iter().map(of).collect())),
        unit: "B",
        rivals: raw
            .into_iter()
            .chain(rivals)
            .map(|(name, bytes)| Rival {
                name: name.to_owned(),
                figure: Some(bytes),
                agree: None,
            })
            .collect(),
    }
}

/// A tile's own samples.
fn own(tile: &ClientTile) -> Vec<i16> {
    let last = i32::from(tile.intervals());
    let places = (0..=last).flat_map(|j| (0..=last).map(move |i| (i, j)));
    places.map(|(i, j)| tile.sample(i, j)).collect()
}

fn median(mut bytes: Vec<usize>) -> f64 {
    bytes.sort_unstable();
    bytes.get(bytes.len() / 2).copied().unwrap_or(0) as f64
}
