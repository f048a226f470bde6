//! Maps for other programs: pictures in every projection, pyramids and rasters of heights.

use std::fs;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use spatial_core::{
    Geodetic, HeightEncoding, MapMaker, MercatorTile, PackStore, PictureGrid, Registration, Relief,
    ReliefOptions, ReliefSource, Terrain, open_relief,
};

use super::earth::PACK;
use super::{Random, bluemarble, fail, import, small_relief, succeed};

struct Picture {
    width: usize,
    channels: usize,
    pixels: Vec<u8>,
}

impl Picture {
    fn read(path: &str) -> Self {
        let decoder = png::Decoder::new(std::io::BufReader::new(fs::File::open(path).unwrap()));
        let mut reader = decoder.read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let frame = reader.next_frame(&mut pixels).unwrap();
        Self {
            width: frame.width as usize,
            channels: frame.color_type.samples(),
            pixels,
        }
    }

    fn at(&self, x: usize, y: usize) -> &[u8] {
        &self.pixels[self.channels * (y * self.width + x)..][..self.channels]
    }
}

/// A projection, its options, rows for 64 columns, whether the corner is beyond the map, and what is in the middle.
type Drawn = (&'static str, &'static str, usize, bool, fn(&[u8]) -> bool);

const DRAWN: [Drawn; 9] = [
    ("equirectangular", "--center 0 180", 32, false, is_sea),
    ("web-mercator", "", 64, false, is_sea),
    ("mollweide", "--center 0 20", 32, true, is_land),
    ("orthographic", "--center 23 10", 64, true, is_land),
    ("lambert-azimuthal", "--center 0 -150", 64, true, is_sea),
    (
        "lambert-azimuthal",
        "--center -85 60 --reach 20",
        64,
        false,
        is_ice,
    ),
    (
        "polar-stereographic",
        "--hemisphere south",
        64,
        true,
        is_ice,
    ),
    (
        "utm",
        "--zone 55 --hemisphere south --center -25 147",
        64,
        false,
        is_land,
    ),
    ("utm", "--center 47 9", 64, false, is_land),
];

fn is_sea(c: &[u8]) -> bool {
    u32::from(c[2]) > 2 * u32::from(c[0])
}

fn is_land(c: &[u8]) -> bool {
    c[0].max(c[1]) > c[2]
}

fn is_ice(c: &[u8]) -> bool {
    c.iter().all(|v| *v > 200)
}

/// Every projection draws: what is beyond the map is transparent or plain, what is in the middle is what lies there.
#[test]
fn the_earth_in_every_projection() {
    let dir = tempfile::tempdir().unwrap();
    for (n, (name, options, rows, is_round, looks)) in DRAWN.into_iter().enumerate() {
        let options: Vec<&str> = options.split_whitespace().collect();
        let out = dir.path().join(format!("{n}.png")).display().to_string();
        let fixed = [
            "render",
            PACK,
            "--width",
            "64",
            "--projection",
            name,
            "--out",
            &out,
        ];
        succeed(&[&fixed[..], &options[..]].concat());
        let picture = Picture::read(&out);
        assert_eq!(picture.pixels.len(), 64 * rows * picture.channels, "{name}");
        let corner = picture.at(0, 0);
        assert_eq!(corner.get(3) == Some(&0), is_round, "{name}: {corner:?}");
        let middle = picture.at(32, rows / 2);
        assert!(looks(&middle[..3]), "{name}: {middle:?}");
        assert!(middle.get(3).is_none_or(|a| *a == 255), "{name}");
        succeed(&[&fixed[..], &options[..], &["--background", "#102030"]].concat());
        let picture = Picture::read(&out);
        assert_eq!(picture.channels, 3);
        assert_eq!(picture.at(0, 0) == [0x10, 0x20, 0x30], is_round, "{name}");
    }
    let left: Vec<_> = fs::read_dir(dir.path()).unwrap().collect();
    assert_eq!(left.len(), 9, "{left:?}");
}

/// Commands, and a word of why they are refused.
const REFUSED: [(&str, &str); 25] = [
    ("render PACK --zone 3 --out PNG", "--zone"),
    ("render PACK --reach 30 --out PNG", "--reach"),
    (
        "render PACK --projection utm --zone 61 --out PNG",
        "zone 61",
    ),
    (
        "render PACK --projection orthographic --reach 0 --out PNG",
        "--reach 0",
    ),
    (
        "render PACK --projection mollweide --center 0 900 --out PNG",
        "900",
    ),
    ("render PACK --background blue --out PNG", "RRGGBB"),
    ("export PACK --out GIF", "--format"),
    ("export PACK --out TIF --max-zoom 3", "--max-zoom"),
    ("export PACK --out PMTILES --step 1", "--step"),
    (
        "export PACK --out PMTILES --min-zoom 5 --max-zoom 4",
        "--min-zoom 5",
    ),
    ("export PACK --out PMTILES --max-zoom 25", "25"),
    ("export PACK --out PMTILES --max-zoom 20", "more than"),
    ("export PACK --out TIF --step 0", "--step 0"),
    ("export PACK --out TIF --step nan", "--step"),
    ("export PACK --out TIF --step 0.00001", "more than"),
    ("export PACK --out TIF --bounds 10 0 -10 5", "--bounds"),
    ("export PACK --out TIF --bounds 0 0 91 5", "--bounds"),
    ("export PACK --out TIF --bounds 0 7 9 7", "--bounds"),
    (
        "export PACK --out TIF --bounds 0 180 9 -180",
        "nothing lies",
    ),
    (
        "export PACK --out TIF --bounds 0 -180 9 -180",
        "nothing lies",
    ),
    ("export PACK --out TIF --bounds 0 180 9 180", "nothing lies"),
    ("export PACK --out PMTILES --bounds 86 0 90 9", "±85.05"),
    ("export PACK --out PMTILES --bounds -90 0 -86 9", "±85.05"),
    ("export PACK --out TIF --effort fast", "--effort"),
    ("render PACK --center nan 0 --out PNG", "--center"),
];

#[test]
fn what_makes_no_map_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).display().to_string();
    let (png, tif, pmtiles) = (path("a.png"), path("a.tif"), path("a.pmtiles"));
    let gif = path("a.gif");
    let files = [
        ("PACK", PACK),
        ("PNG", &png),
        ("TIF", &tif),
        ("PMTILES", &pmtiles),
        ("GIF", &gif),
    ];
    for (command, words) in REFUSED {
        let args = command.split_whitespace();
        let file = |word: &str| files.iter().find(|(name, _)| *name == word).map(|f| f.1);
        let args: Vec<&str> = args.map(|word| file(word).unwrap_or(word)).collect();
        let output = bluemarble(&args);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {stderr}");
        assert!(stderr.contains(words), "{args:?}: {stderr}");
    }
    assert!(fs::read_dir(dir.path()).unwrap().next().is_none());
    for name in ["none/a.tif", "none/a.pmtiles"] {
        let out = path(name);
        let error = fail(
            1,
            &[
                "export", PACK, "--bounds", "0", "0", "1", "1", "--out", &out,
            ],
        );
        assert!(error.contains("none"), "{error}");
    }
}

/// A tile by the command is that of the library; beyond the map it is the last row of pixels.
#[test]
fn a_tile_of_the_webs_map() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("tile.png").display().to_string();
    let tile = |name: &str, format: &str| {
        let facts = succeed(&[
            "tile",
            "--json",
            PACK,
            "--mercator",
            name,
            "--format",
            format,
            "--out",
            &out,
        ]);
        (
            serde_json::from_str::<serde_json::Value>(&facts).unwrap(),
            Picture::read(&out),
        )
    };
    let (facts, terrarium) = tile("4/11/6", "terrarium");
    assert!(
        facts["max_m"].as_f64().unwrap() > 6_000.0,
        "the Himalaya: {facts}"
    );
    assert_eq!((terrarium.width, terrarium.channels), (512, 3));
    let mut maker = MapMaker::new(Arc::new(PackStore::open(PACK).unwrap()));
    let raster = maker
        .mercator(MercatorTile::new(4, 11, 6).unwrap())
        .unwrap();
    assert_eq!(
        terrarium.pixels,
        raster.terrarium(maker.store().manifest().lattice())
    );
    assert_eq!(
        tile("4/-5/6", "terrarium").1.pixels,
        terrarium.pixels,
        "around the planet"
    );
    assert_eq!(tile("4/11/6", "shaded").1.pixels, raster.shaded([0; 3]));
    let [map, above] = ["1/1/0", "1/1/-3"].map(|name| tile(name, "terrarium").1.pixels);
    let row_bytes = 3 * 512;
    assert_ne!(map[..row_bytes], map[row_bytes..2 * row_bytes]);
    assert!(above.chunks(row_bytes).all(|row| *row == map[..row_bytes]));
    let above = tile("1/1/-3", "shaded").1.pixels;
    let row = &above[..row_bytes];
    assert!(row.chunks(3).any(|pixel| *pixel != row[..3]));
    assert!(above.chunks(row_bytes).all(|other| other == row));
    for (name, words) in [
        ("4/1", "want Z/X/Y"),
        ("25/0/0", "25"),
        ("a/0/0", "want Z/X/Y"),
        ("1/2/3/4", "want"),
    ] {
        let error = fail(2, &["tile", PACK, "--mercator", name, "--out", &out]);
        assert!(error.contains(words), "{error}");
    }
    for args in [
        &["--mercator", "1/1/1", "--cell", "3"][..],
        &["--cell", "3", "--format", "shaded"],
    ] {
        let output = bluemarble(&[&["tile", PACK][..], args].concat());
        assert_eq!(output.status.code(), Some(2), "{args:?}");
    }
}

/// No file may take the place of the planet that it is made from, by whatever name.
#[test]
fn the_planet_itself_is_not_written_over() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).display().to_string();
    let (planet, pack) = (path("planet"), path("a.pack"));
    import(&small_relief(dir.path()), 256, planet.as_ref());
    succeed(&["pack", &planet, "--out", &pack]);
    let bytes = fs::read(&pack).unwrap();
    fs::create_dir(path("sub")).unwrap();
    fs::hard_link(&pack, path("link")).unwrap();
    let files = || {
        let mut names: Vec<_> = fs::read_dir(&planet)
            .unwrap()
            .map(|e| e.unwrap().file_name())
            .collect();
        names.sort();
        names
    };
    let before = files();
    for (planet, out) in [
        (&pack, pack.clone()),
        (&pack, path("sub/../a.pack")),
        (&pack, path("link")),
        (&planet, path("planet/CURRENT")),
        (&planet, path("planet/new")),
        (&planet, path("sub/../planet/new")),
    ] {
        for args in [
            &["render", "--width", "16"][..],
            &["export", "--format", "geotiff"],
            &["export", "--format", "pmtiles"],
            &["tile", "--mercator", "0/0/0"],
            &["tile", "--at", "0", "0"],
            &["pack"],
        ] {
            let error = fail(1, &[args, &[planet, "--out", &out]].concat());
            assert!(error.contains("belongs to the planet"), "{args:?}: {error}");
        }
    }
    assert_eq!(fs::read(&pack).unwrap(), bytes);
    assert_eq!(files(), before);
    succeed(&["render", &pack, "--width", "16", "--out", &path("a.png")]);
}

/// A disk without room: one clear error, and what was there stays.
#[cfg(unix)]
#[test]
fn a_full_disk_leaves_nothing_behind() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["a.tif", "a.pmtiles"] {
        let out = dir.path().join(name);
        fs::write(&out, "what was there").unwrap();
        let name = out.display().to_string();
        let limited = r#"trap '' XFSZ; ulimit -f 20; exec "$0" planet "$@""#;
        let output = std::process::Command::new("bash")
            .args(["-c", limited, env!("CARGO_BIN_EXE_bluemarble")])
            .args([
                "export", PACK, "--bounds", "30", "0", "50", "30", "--out", &name,
            ])
            .output()
            .unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{stderr}");
        assert!(
            stderr.contains(&name) && !stderr.contains("panicked"),
            "{stderr}"
        );
        assert_eq!(fs::read(&out).unwrap(), b"what was there");
    }
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);
}

/// Heights written as GeoTIFF and read by our own importer, i16 and f32, over the antimeridian and to the pole; then a planet made
/// of the file.
#[test]
fn a_geotiff_comes_back() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).display().to_string();
    let terrain = Terrain::new(Arc::new(PackStore::open(PACK).unwrap()));
    let out = path("part.tif");
    let step_deg = 0.05;
    for (n, (sample, [south, west, north, east])) in [
        ("i16", [30.0, 70.0, 46.0, 100.0]),
        ("f32", [-20.0, 175.0, -10.0, -170.0]),
        ("f32", [85.0, -180.0, 90.0, 180.0]),
    ]
    .into_iter()
    .enumerate()
    {
        let bounds = [south, west, north, east].map(|deg: f64| deg.to_string());
        let bounds: Vec<&str> = bounds.iter().map(String::as_str).collect();
        let fixed = [
            "export", "--json", PACK, "--out", &out, "--step", "0.05", "--sample", sample,
            "--bounds",
        ];
        let report: serde_json::Value =
            serde_json::from_str(&succeed(&[&fixed[..], &bounds].concat())).unwrap();
        let width_deg = if east > west {
            east - west
        } else {
            east - west + 360.0
        };
        let size = [width_deg, north - south].map(|deg| (deg / step_deg).round() as u32);
        assert_eq!(
            (report["width"].as_u64(), report["height"].as_u64()),
            (Some(u64::from(size[0])), Some(u64::from(size[1])))
        );
        let relief = open_relief(Path::new(&out), &ReliefOptions::default()).unwrap();
        assert_eq!(relief.size(), size);
        let mut random = Random::new(n as u64);
        let (mut places, mut want) = (Vec::new(), Vec::new());
        for _ in 0..2_000 {
            // In the middle of a pixel.
            let [i, j] = size.map(|n| random.below(u64::from(n)) as f64 + 0.5);
            let lon = west + i * step_deg;
            let lon = if lon > 180.0 { lon - 360.0 } else { lon };
            let place = Geodetic::from_degrees(north - j * step_deg, lon, 0.0).unwrap();
            places.push(place.direction());
            want.push(terrain.height(place).unwrap());
        }
        let mut got = Vec::new();
        relief.samples(&places, &mut got).unwrap();
        // Half a metre of rounding; and what a place is off, on slopes of hundreds of metres between samples.
        let bounds_m = (if sample == "i16" { 0.51 } else { 0.01 }, 2.0);
        let off = got
            .iter()
            .zip(&want)
            .map(|(got, want)| (got.unwrap().height_m - want).abs());
        let mut off: Vec<f64> = off.collect();
        off.sort_by(f64::total_cmp);
        assert!(
            off[off.len() / 2] < bounds_m.0 && off[off.len() - 1] < bounds_m.1,
            "{sample}: {off:?}"
        );
    }
}

/// Export, import: the same planet, where the ground is smooth.
#[test]
fn a_planet_of_an_exported_file_is_the_planet() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).display().to_string();
    let waves = (0..181 * 360).flat_map(|n| {
        let (lat, lon) = (
            f64::from(n / 360 - 90).to_radians(),
            f64::from(n % 360).to_radians(),
        );
        let height_m = 2_000.0 * lat.cos() * (2.0 * lat).sin() * (3.0 * lon).cos();
        (height_m.round() as i16).to_le_bytes()
    });
    fs::write(path("waves.raw"), waves.collect::<Vec<u8>>()).unwrap();
    import(path("waves.raw").as_ref(), 128, &dir.path().join("planet"));
    succeed(&[
        "export",
        &path("planet"),
        "--out",
        &path("all.tif"),
        "--step",
        "0.5",
    ]);
    import(path("all.tif").as_ref(), 128, &dir.path().join("again"));
    let [a, b] = ["planet", "again"].map(|name| Terrain::new(super::store_of(&path(name))));
    let mut random = Random::new(9);
    for _ in 0..2_000 {
        let p = random.direction() * 6.0e6;
        let place = spatial_core::Ecef::new(p.x, p.y, p.z).unwrap();
        let off = (a.height(place).unwrap() - b.height(place).unwrap()).abs();
        assert!(off < 5.0, "{place:?}: {off} m");
    }
}

/// A pyramid's header, directory and tiles, read by hand; its tiles are those of the library, and the importer reads one back.
#[test]
fn a_pyramid_holds_the_tiles_of_its_zooms() {
    let dir = tempfile::tempdir().unwrap();
    let planet = dir.path().join("planet");
    import(&small_relief(dir.path()), 256, &planet);
    let (planet, out) = (planet.display().to_string(), dir.path().join("a.pmtiles"));
    let name = out.display().to_string();
    let report = succeed(&[
        "export",
        "--json",
        &planet,
        "--out",
        &name,
        "--max-zoom",
        "2",
    ]);
    let report: serde_json::Value = serde_json::from_str(&report).unwrap();
    assert_eq!(report["tiles"], 21);
    let tiles = read_pyramid(&out, (0, 2));
    let ids: Vec<u64> = tiles.iter().map(|(id, _)| *id).collect();
    assert_eq!(ids, (0..21).collect::<Vec<u64>>());
    let store = super::store_of(&planet);
    let mut maker = MapMaker::new(Arc::clone(&store));
    let options = ReliefOptions {
        picture: Some(PictureGrid {
            encoding: HeightEncoding::Terrarium,
            bounds: None,
            registration: Registration::Area,
        }),
        ..ReliefOptions::default()
    };
    // Along the curve: 0/0/0; then of zoom 1 the tiles (0, 0), (0, 1), (1, 1), (1, 0).
    for (id, (z, x, y)) in [
        (0, (0, 0, 0)),
        (1, (1, 0, 0)),
        (2, (1, 0, 1)),
        (3, (1, 1, 1)),
        (4, (1, 1, 0)),
    ] {
        let name = format!("{z}/{x}/{y}.png");
        let source = ReliefSource::from_bytes(&name, tiles[id].1.clone(), &options).unwrap();
        let raster = maker.mercator(MercatorTile::new(z, x, y).unwrap()).unwrap();
        let around = f64::from(512u32 << z);
        for (row, column) in [(0, 0), (300, 77), (511, 511)] {
            let lon = ((x * 512 + column) as f64 + 0.5) / around * 360.0 - 180.0;
            let north = core::f64::consts::TAU * (0.5 - ((y * 512 + row) as f64 + 0.5) / around);
            let place = Geodetic::from_degrees(north.sinh().atan().to_degrees(), lon, 0.0).unwrap();
            let mut got = Vec::new();
            source.samples(&[place.direction()], &mut got).unwrap();
            let want = f64::from(raster.row_m(row as usize)[column as usize]);
            assert!((got[0].unwrap().height_m - want).abs() <= 0.51, "{name}");
        }
    }
    assert_eq!(store.manifest().lattice().levels(), 2);
}

/// A part of the planet at the antimeridian or over it, whichever name that has: columns at the ends of the map.
#[test]
fn a_pyramid_of_a_part_holds_the_columns_that_it_reaches() {
    let dir = tempfile::tempdir().unwrap();
    let planet = dir.path().join("planet");
    import(&small_relief(dir.path()), 128, &planet);
    let (planet, out) = (planet.display().to_string(), dir.path().join("a.pmtiles"));
    let name = out.display().to_string();
    for (west, east, picture, tiles) in [
        ("170", "-170", "shaded", 4),
        ("170", "180", "terrarium", 2),
        ("170", "-180", "terrarium", 2),
        ("-180", "-170", "terrarium", 2),
        ("180", "-170", "terrarium", 2),
    ] {
        let options =
            format!("--bounds -10 {west} 10 {east} --min-zoom 3 --max-zoom 3 --picture {picture}");
        let options: Vec<&str> = options.split_whitespace().collect();
        let fixed = ["export", "--json", &planet, "--out", &name];
        let report = succeed(&[&fixed[..], &options].concat());
        let report: serde_json::Value = serde_json::from_str(&report).unwrap();
        assert_eq!(report["tiles"], tiles, "{west} to {east}");
        assert_eq!(read_pyramid(&out, (3, 3)).len(), tiles);
    }
}

/// The tiles of a small pyramid by their ids: its header and its root directory (PMTiles 3).
fn read_pyramid(path: &Path, zooms: (u8, u8)) -> Vec<(u64, Vec<u8>)> {
    let bytes = fs::read(path).unwrap();
    let word = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap()) as usize;
    assert_eq!(&bytes[..8], b"PMTiles\x03");
    assert_eq!(
        (bytes[97], bytes[98], bytes[99]),
        (2, 1, 2),
        "gzip, no compression, PNG"
    );
    assert_eq!((bytes[100], bytes[101]), zooms);
    assert_eq!(word(48), 0, "no leaves");
    let mut metadata = String::new();
    let of_metadata = &bytes[word(24)..word(24) + word(32)];
    flate2::read::GzDecoder::new(of_metadata)
        .read_to_string(&mut metadata)
        .unwrap();
    assert!(serde_json::from_str::<serde_json::Value>(&metadata).unwrap()["name"].is_string());
    let mut directory = Vec::new();
    let root = &bytes[word(8)..word(8) + word(16)];
    flate2::read::GzDecoder::new(root)
        .read_to_end(&mut directory)
        .unwrap();
    let mut directory = directory.into_iter();
    let mut number = || {
        let (mut value, mut shift) = (0u64, 0);
        loop {
            let byte = directory.next().unwrap();
            value |= u64::from(byte & 0x7f) << shift;
            shift += 7;
            if byte < 0x80 {
                return value;
            }
        }
    };
    let count = number() as usize;
    let mut column = |_: &str| (0..count).map(|_| number()).collect::<Vec<u64>>();
    let (ids, runs, lengths, offsets) = (
        column("ids"),
        column("runs"),
        column("lengths"),
        column("offsets"),
    );
    let (mut tiles, mut id, mut end) = (Vec::new(), 0, 0);
    for n in 0..count {
        id += ids[n];
        let offset = if offsets[n] == 0 { end } else { offsets[n] - 1 };
        end = offset + lengths[n];
        let first = word(56) + offset as usize;
        let tile = bytes[first..first + lengths[n] as usize].to_vec();
        tiles.extend((0..runs[n]).map(|k| (id + k, tile.clone())));
    }
    tiles
}
