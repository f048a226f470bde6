//! GeoTIFF: golden files of other writers, and files of the `tiff` crate's own encoder.

use std::io::Cursor;
use std::path::Path;

use spatial_core::{Relief, ReliefFault, ReliefOptions, ReliefSource, open_relief};
use tiff::encoder::colortype::{ColorType, Gray16, Gray32Float, GrayI16};
use tiff::encoder::{
    Compression, DeflateLevel, DirectoryEncoder, Predictor, TiffEncoder, TiffKindStandard,
    TiffValue,
};
use tiff::tags::Tag;

use super::{between, data, direction, height, refusal, source};

const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/relief");

/// What GDAL's and tifffile's files say by pyproj and numpy, or a note for those that are not here.
#[test]
fn golden_files_answer_as_their_writers_say() {
    let table = std::fs::read_to_string(format!("{GOLDEN}.csv")).unwrap();
    let mut open: Option<(String, Option<ReliefSource>)> = None;
    let (mut count, mut worst) = (0, 0.0f64);
    for line in table.lines() {
        let fields: Vec<&str> = line.split(',').collect();
        let [file, lat, lon, want] = fields[..] else {
            panic!("{line}")
        };
        if open.as_ref().is_none_or(|open| open.0 != file) {
            let path = match file.starts_with("srtm3") {
                true => data(file),
                false => Some(Path::new(GOLDEN).join(file)),
            };
            let relief = path.map(|path| open_relief(&path, &ReliefOptions::default()).unwrap());
            open = Some((file.to_owned(), relief));
        }
        let Some((_, Some(relief))) = &open else {
            continue;
        };
        let got = height(relief, lat.parse().unwrap(), lon.parse().unwrap());
        count += 1;
        match (got, want) {
            (None, "") => {}
            (Some(got), want) if !want.is_empty() => {
                let want: f64 = want.parse().unwrap();
                worst = worst.max((got - want).abs());
                // Places have 12 digits after the point, 10⁻⁷ m; f32 samples are exact.
                assert!((got - want).abs() < 1e-4, "{line}: {got}");
            }
            _ => panic!("{line}: {got:?}"),
        }
    }
    println!("{count} heights, at most {worst:.1e} m off");
    assert!(count >= 1_000);
}

type Tags<'a, 'b> = DirectoryEncoder<'a, &'b mut Cursor<Vec<u8>>, TiffKindStandard>;

const WIDTH: i64 = 12;
const HEIGHT: i64 = 9;

/// A file of 12 × 9 samples of 0.1° from (10° E, 50° N), pixel is area.
fn written<C: ColorType>(
    samples: &[C::Inner],
    compression: Compression,
    predictor: Predictor,
    edit: impl FnOnce(&mut Tags<'_, '_>),
) -> Vec<u8>
where
    [C::Inner]: TiffValue,
{
    let mut bytes = Cursor::new(Vec::new());
    let file = TiffEncoder::new(&mut bytes).unwrap();
    let mut file = file.with_compression(compression).with_predictor(predictor);
    let mut image = file.new_image::<C>(WIDTH as u32, HEIGHT as u32).unwrap();
    image.rows_per_strip(4).unwrap();
    let tags = image.encoder();
    tags.write_tag(Tag::ModelPixelScaleTag, &[0.1, 0.1, 0.0][..])
        .unwrap();
    let tie = [0.0, 0.0, 0.0, 10.0, 50.0, 0.0];
    tags.write_tag(Tag::ModelTiepointTag, &tie[..]).unwrap();
    let keys: [u16; 12] = [1, 1, 0, 2, 1024, 0, 1, 2, 2048, 0, 1, 4326];
    tags.write_tag(Tag::GeoKeyDirectoryTag, &keys[..]).unwrap();
    edit(tags);
    image.write_data(samples).unwrap();
    bytes.into_inner()
}

fn ground(column: i64, row: i64) -> f64 {
    (column * 100 + row * 9 % 7) as f64
}

fn samples<T>(of: impl Fn(f64) -> T) -> Vec<T> {
    let all = (0..WIDTH * HEIGHT).map(|k| of(ground(k % WIDTH, k / WIDTH)));
    all.collect()
}

fn plain() -> Vec<u8> {
    let samples = samples(|h| h as i16);
    written::<GrayI16>(&samples, Compression::Uncompressed, Predictor::None, |_| ())
}

fn check(relief: &dyn Relief, ground: impl Fn(i64, i64) -> f64 + Copy) {
    for k in 0..400 {
        let (x, y) = (f64::from(k * 7 % 111) / 10.0, f64::from(k * 13 % 81) / 10.0);
        // Half a step from the corner.
        let got = height(relief, 49.95 - 0.1 * y, 10.05 + 0.1 * x).unwrap();
        let x = x.min(10.999_999_999);
        let y = y.min(7.999_999_999);
        let want = between(x, y, ground);
        assert!((got - want).abs() < 1e-5, "{x} {y}: {got}, want {want}");
    }
}

#[test]
fn the_crates_own_files_are_read() {
    let deflate = Compression::Deflate(DeflateLevel::Balanced);
    for (compression, predictor) in [
        (Compression::Uncompressed, Predictor::None),
        (Compression::Lzw, Predictor::None),
        (Compression::Lzw, Predictor::Horizontal),
        (deflate, Predictor::None),
        (deflate, Predictor::Horizontal),
    ] {
        let i16s = samples(|h| h as i16 - 500);
        let bytes = written::<GrayI16>(&i16s, compression, predictor, |_| ());
        check(&source("a.tif", bytes), |x, y| ground(x, y) - 500.0);
        let u16s = samples(|h| h as u16 + 40_000);
        let bytes = written::<Gray16>(&u16s, compression, predictor, |_| ());
        check(&source("no extension", bytes), |x, y| {
            ground(x, y) + 40_000.0
        });
    }
    let f32s = samples(|h| h as f32 + 0.25);
    let bytes = written::<Gray32Float>(&f32s, deflate, Predictor::None, |_| ());
    check(&source("a.tif", bytes), |x, y| ground(x, y) + 0.25);
}

#[test]
fn voids_and_scales() {
    let samples = samples(|h| h as i16);
    let write = |edit: &dyn Fn(&mut Tags<'_, '_>)| {
        written::<GrayI16>(&samples, Compression::Lzw, Predictor::None, |tags| {
            edit(tags)
        })
    };
    let nodata = write(&|tags| tags.write_tag(Tag::Unknown(42_113), "500").unwrap());
    let relief = source("a.tif", nodata);
    // Column 5 of row 0 is 500.
    assert_eq!(height(&relief, 49.95, 10.55), None);
    assert!(height(&relief, 49.95, 10.451).is_none() && height(&relief, 49.95, 10.449).is_some());
    let metadata = r#"<GDALMetadata><Item name="OFFSET" sample="0" role="offset">-7</Item>
        <Item name="SCALE" sample="0" role="scale">0.5</Item></GDALMetadata>"#;
    let scaled = write(&|tags| tags.write_tag(Tag::Unknown(42_112), metadata).unwrap());
    check(&source("a.tif", scaled), |x, y| 0.5 * ground(x, y) - 7.0);
    let bad = metadata.replace("0.5", "half");
    let bad = write(&|tags| tags.write_tag(Tag::Unknown(42_112), &bad[..]).unwrap());
    assert!(matches!(refusal("a.tif", bad), ReliefFault::Damaged { .. }));
}

/// Overwrites the value of a tag of a little-endian file.
fn with_tag(mut bytes: Vec<u8>, tag: u16, value: u32) -> Vec<u8> {
    let at = u32::from_le_bytes(bytes[4..8].try_into().unwrap()) as usize;
    let count = u16::from_le_bytes(bytes[at..at + 2].try_into().unwrap()) as usize;
    let entries = (0..count).map(|n| at + 2 + 12 * n);
    let mut entries = entries.filter(|at| bytes[*at..at + 2] == tag.to_le_bytes());
    let entry = entries.next().expect("the tag is there");
    let bytes_of_type = if bytes[entry + 2] == 3 { 2 } else { 4 };
    bytes[entry + 8..][..bytes_of_type].copy_from_slice(&value.to_le_bytes()[..bytes_of_type]);
    bytes
}

/// Headers that lie, or ask for more than there can be, are errors before anything is allocated.
#[test]
fn bad_files_are_refused() {
    let deflated = written::<GrayI16>(
        &samples(|h| h as i16),
        Compression::Deflate(DeflateLevel::Fast),
        Predictor::Horizontal,
        |_| (),
    );
    for bytes in [plain(), deflated] {
        for (tag, value) in [
            (256, 0), // width
            (256, 4_000_000_000),
            (257, 4_000_000_000), // height
            (277, 3),             // bands
            (258, 12),            // bits
            (262, 0),             // colours
            (278, 0),             // rows in a strip
            (259, 7),             // JPEG
        ] {
            let mut bytes = with_tag(bytes.clone(), tag, value);
            if tag == 256 {
                bytes = with_tag(bytes, 278, value.max(1));
            }
            // Some show only when a strip is read.
            let opened = ReliefSource::from_bytes("a.tif", bytes, &ReliefOptions::default());
            let read = opened.and_then(|relief| relief.sample(direction(49.9, 10.2)));
            assert!(read.is_err(), "tag {tag} = {value}");
        }
        for length in (0..bytes.len()).step_by(7) {
            let opened = ReliefSource::from_bytes(
                "a.tif",
                bytes[..length].to_vec(),
                &ReliefOptions::default(),
            );
            let read = opened.and_then(|relief| relief.sample(direction(49.3, 11.0)));
            assert!(read.is_err(), "{length} bytes of {}", bytes.len());
        }
    }
    let other = ReliefSource::from_bytes(
        "a.tif",
        with_tag(plain(), 34_735, 0),
        &ReliefOptions::default(),
    );
    assert!(other.is_err());
}

/// A system that the file does not name may be stated.
#[test]
fn systems_may_be_stated() {
    let unnamed = |epsg| {
        let mut bytes = plain();
        let key = [2048u16, 0, 1, 4326].map(u16::to_le_bytes).concat();
        let at = bytes.windows(8).position(|window| window == key).unwrap();
        bytes[at + 6..at + 8].copy_from_slice(&32_767u16.to_le_bytes());
        let options = ReliefOptions {
            epsg,
            ..ReliefOptions::default()
        };
        ReliefSource::from_bytes("a.tif", bytes, &options)
    };
    check(&unnamed(Some(4258)).unwrap(), ground);
    let error = unnamed(None).map(|_| ()).unwrap_err().to_string();
    assert!(error.contains("EPSG") && error.contains("a.tif"), "{error}");
    let error = unnamed(Some(2056)).map(|_| ()).unwrap_err().to_string();
    assert!(error.contains("EPSG:2056"), "{error}");
}

/// Uncompressed in one strip it is read in bands, however large.
#[test]
fn one_large_plain_strip_is_read_in_bands() {
    const SIDE: usize = 5_000; // 25 million samples, more than are decoded at once
    let mut bytes = Cursor::new(Vec::new());
    let mut file = TiffEncoder::new(&mut bytes).unwrap();
    let mut image = file.new_image::<GrayI16>(SIDE as u32, SIDE as u32).unwrap();
    image.rows_per_strip(SIDE as u32).unwrap();
    let tags = image.encoder();
    tags.write_tag(Tag::ModelPixelScaleTag, &[0.001, 0.001, 0.0][..])
        .unwrap();
    tags.write_tag(Tag::ModelTiepointTag, &[0.0, 0.0, 0.0, 10.0, 50.0, 0.0][..])
        .unwrap();
    let keys: [u16; 12] = [1, 1, 0, 2, 1025, 0, 1, 2, 2048, 0, 1, 4326];
    tags.write_tag(Tag::GeoKeyDirectoryTag, &keys[..]).unwrap();
    let samples: Vec<i16> = (0..SIDE * SIDE)
        .map(|k| ((k % SIDE) * 3 + k / SIDE) as i16)
        .collect();
    image.write_data(&samples).unwrap();
    let relief = source("a.tif", bytes.into_inner());
    let got = height(&relief, 50.0 - 4.5, 10.0 + 3.25).unwrap();
    assert!((got - (3_250.0 * 3.0 + 4_500.0)).abs() < 1e-5, "{got}");
}
