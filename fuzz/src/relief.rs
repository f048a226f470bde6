//! Relief files: a function for each reader.

use std::io::{Cursor, Write};

use spatial_core::{
    DVec3, GridBounds, HeightEncoding, Mosaic, MosaicOptions, PictureGrid, RawGrid, Registration,
    Relief, ReliefError, ReliefOptions, ReliefSource,
};

/// First byte: 0 a GeoTIFF, 1 one whose coordinate system is stated; 128 more: its voids are filled too.
pub fn geotiff(data: &[u8]) -> bool {
    let Some((kind, rest)) = data.split_first() else {
        return false;
    };
    let options = ReliefOptions {
        epsg: (kind & 1 == 1).then_some(32_719),
        ..ReliefOptions::default()
    };
    read(*kind, || {
        ReliefSource::from_bytes("a.tif", rest.to_vec(), &options)
    })
}

/// First byte: 0 a plain `.hgt`, 1 a zipped one; 128 more: its voids are filled too.
pub fn hgt(data: &[u8]) -> bool {
    let Some((kind, rest)) = data.split_first() else {
        return false;
    };
    let name = if kind & 1 == 1 {
        "a.zip"
    } else {
        "N00E000.hgt"
    };
    read(*kind, || {
        ReliefSource::from_bytes(name, rest.to_vec(), &ReliefOptions::default())
    })
}

/// First byte: 0 a Terrarium tile, 1 a Mapbox picture with bounds, 2 a side file and a picture as chunks; 128 more: its voids
/// are filled too.
pub fn picture(data: &[u8]) -> bool {
    let Some((kind, rest)) = data.split_first() else {
        return false;
    };
    let bounds = GridBounds {
        south: -90.0,
        west: 170.0,
        north: -80.0,
        east: 190.0,
    };
    let (grid, bytes) = match kind & 127 {
        0 => (Some(grid_of(HeightEncoding::Terrarium, None)), rest),
        1 => (Some(grid_of(HeightEncoding::Mapbox, Some(bounds))), rest),
        _ => {
            let (side, bytes) = side_and_bytes(rest);
            (PictureGrid::from_side_file(side).ok(), bytes)
        }
    };
    let options = ReliefOptions {
        picture: grid,
        ..ReliefOptions::default()
    };
    read(*kind, || {
        ReliefSource::from_bytes("3/1/2.png", bytes.to_vec(), &options)
    })
}

fn grid_of(encoding: HeightEncoding, bounds: Option<GridBounds>) -> PictureGrid {
    PictureGrid {
        encoding,
        bounds,
        registration: Registration::Area,
    }
}

/// First byte: 0 a side file and a raw grid as chunks, 1 a grid of the whole planet; 128 more: its voids are filled too.
pub fn grid(data: &[u8]) -> bool {
    let Some((kind, rest)) = data.split_first() else {
        return false;
    };
    let (grid, bytes) = match kind & 1 {
        0 => {
            let (side, bytes) = side_and_bytes(rest);
            match RawGrid::from_side_file(side) {
                Ok(grid) => (Some(grid), bytes),
                Err(_) => return false,
            }
        }
        _ => (None, rest),
    };
    let options = ReliefOptions {
        grid,
        ..ReliefOptions::default()
    };
    read(*kind, || {
        ReliefSource::from_bytes("a.raw", bytes.to_vec(), &options)
    })
}

fn side_and_bytes(rest: &[u8]) -> (&str, &[u8]) {
    let mut parts = crate::chunks(rest);
    let mut next = || parts.next().unwrap_or_default();
    let (side, bytes) = (next(), next());
    (core::str::from_utf8(side).unwrap_or_default(), bytes)
}

/// Opens and asks at corners, in the middle and beside; accepted when every answer could be read.
fn read(kind: u8, open: impl Fn() -> Result<ReliefSource, ReliefError>) -> bool {
    let checked = |error: ReliefError| {
        assert!(error.to_string().len() < 1_000);
    };
    let Ok(source) = open().map_err(checked) else {
        return false;
    };
    let bounds = source.bounds();
    let middle = bounds.center();
    let mut places = vec![
        middle,
        DVec3::X,
        DVec3::Z,
        -DVec3::Z,
        DVec3::splat(f64::NAN),
        DVec3::ZERO,
    ];
    for k in 0..4 {
        let corner = bounds.vertex(k);
        places.extend([1.0, 0.999, 0.9, 0.5].map(|t| corner * t + middle * (1.0 - t)));
    }
    let mut alone = Vec::new();
    if source
        .samples(&places, &mut alone)
        .map_err(checked)
        .is_err()
    {
        return false;
    }
    assert!(
        alone
            .iter()
            .flatten()
            .all(|s| s.height_m.abs() <= 1.1e7 && !s.is_filled)
    );
    assert!(source.spacing_m() > 0.0);
    // A block of voids takes some time.
    if kind & 128 != 0 {
        let mut all = Vec::new();
        let beneath =
            ReliefSource::from_bytes("planet.raw", vec![1; 80], &ReliefOptions::default());
        let sources = vec![(source, 1), (beneath.expect("5 rows"), 0)];
        let mosaic = Mosaic::new(sources, MosaicOptions::default());
        if mosaic.samples(&places, &mut all).map_err(checked).is_err() {
            return false;
        }
        // The planet beneath answers wherever a place has a direction.
        let is_place = |at: &DVec3| at.is_finite() && *at != DVec3::ZERO;
        assert!(
            places
                .iter()
                .zip(&all)
                .all(|(at, sample)| sample.is_some() || !is_place(at))
        );
    }
    true
}

/// Files of GDAL and tifffile.
pub fn geotiff_seeds() -> Vec<(&'static str, Vec<u8>)> {
    macro_rules! golden {
        ($name:literal) => {
            include_bytes!(concat!(
                "../../crates/spatial-core/tests/data/relief/",
                $name
            ))
        };
    }
    vec![
        ("strips", crate::seed(0, golden!("strips_plain.tif"))),
        ("lzw", crate::seed(0, golden!("tiles_lzw_2.tif"))),
        ("zstd", crate::seed(0, golden!("tiles_zstd_3.tif"))),
        (
            "big_endian",
            crate::seed(1, golden!("other_big_endian.tif")),
        ),
        (
            "utm_big",
            crate::seed(0, golden!("other_big_big_endian.tif")),
        ),
    ]
}

/// A flat square with a void, zipped.
pub fn hgt_seeds() -> Vec<(&'static str, Vec<u8>)> {
    let mut samples = vec![0; 2 * 1_201 * 1_201];
    samples[2_000_000..2_000_002].copy_from_slice(&[128, 0]);
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default();
    zip.start_file("S01W180.hgt", options).expect("memory");
    zip.write_all(&samples).expect("memory");
    let zip = zip.finish().expect("memory").into_inner();
    vec![("zip", crate::seed(1, &zip))]
}

/// A few pixels.
pub fn picture_seeds() -> Vec<(&'static str, Vec<u8>)> {
    let pixels: Vec<u8> = (0..8 * 8 * 3).map(|k| (k * 37) as u8).collect();
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, 8, 8);
    encoder.set_color(png::ColorType::Rgb);
    let mut writer = encoder.write_header().expect("memory");
    writer.write_image_data(&pixels).expect("8 × 8 pixels");
    drop(writer);
    let side = br#"{"encoding":"mapbox","bounds":{"south":0,"west":1,"north":2,"east":3},"registration":"point"}"#;
    let chunks = crate::chunked([&side[..], &bytes]);
    vec![
        ("terrarium", crate::seed(0, &bytes)),
        ("mapbox", crate::seed(1, &bytes)),
        ("side", crate::seed(2, &chunks)),
    ]
}

/// Small grids of every type.
pub fn grid_seeds() -> Vec<(&'static str, Vec<u8>)> {
    let json = br#"{"width":3,"height":2,"sample":"i16","bounds":{"south":0,"west":179,"north":1,"east":181},"nodata":7}"#;
    let toml = b"width = 2\nheight = 3\nsample = 'f32'\nendian = 'big'\nrow_order = 'south_first'\nregistration = 'area'\nscale = 0.5\noffset = -3\n[bounds]\nsouth = -90\nwest = 0\nnorth = 90\neast = 360\n";
    let i16s = [1i16, 2, 7, 4, 5, 6].map(i16::to_le_bytes).concat();
    let f32s = [1.0f32, -2.0, f32::NAN, 4.0, 5.5, 6.0]
        .map(f32::to_be_bytes)
        .concat();
    let compressed = zstd::bulk::compress(&f32s, 3).expect("memory");
    vec![
        ("i16", crate::seed(0, &crate::chunked([&json[..], &i16s]))),
        ("f32", crate::seed(0, &crate::chunked([&toml[..], &f32s]))),
        (
            "zstd",
            crate::seed(0, &crate::chunked([&toml[..], &compressed])),
        ),
        ("planet", crate::seed(1, &[3; 80])),
    ]
}
