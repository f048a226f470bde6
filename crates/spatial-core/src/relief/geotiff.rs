//! GeoTIFF: i16, u16 and f32 in strips or tiles, plain, deflate, LZW or zstd, with predictors 1 to 3, BigTIFF too.
//!
//! The crate `tiff` decodes; the georeference is read in `geokeys`. Of the images of a file the first is read: the others
//! are overviews and masks.

use std::io::Read;
use std::sync::Mutex;

use tiff::decoder::{ChunkType, Decoder, DecodingResult};
use tiff::tags::{ByteOrder, Tag};

use super::bytes::{ByteReader, Bytes};
use super::cache::lock;
use super::error::ReliefFault;
use super::geokeys::{GeoTags, unsupported};
use super::georef::Georef;
use super::raster::{CHUNK_SAMPLES_MAX, Raster, Shape};
use super::raw::{Endian, RawRaster, Sample, SampleType};

/// Strips are decoded together until a chunk has so many samples.
const CHUNK_SAMPLES: u32 = 1 << 16;

/// Whether these are the first bytes of a TIFF.
pub(super) fn is_tiff(first: &[u8]) -> bool {
    matches!(first, b"II*\0" | b"MM\0*" | b"II+\0" | b"MM\0+")
}

/// Opens a file; `epsg` is the coordinate system where it names none.
pub(super) fn open(
    bytes: Bytes,
    epsg: Option<u32>,
) -> Result<(Box<dyn Raster>, Georef), ReliefFault> {
    check_bands(&bytes)?;
    let mut file = Decoder::new(bytes.reader()).map_err(|e| header(&e))?;
    let layout = layout(&mut file)?;
    let georef = geo_tags(&mut file)?.georef(epsg)?;
    let (width, height) = file.dimensions().map_err(|e| header(&e))?;
    let shape = shape(&mut file, [width, height]);
    if let (Err(fault), Some(offset)) = (&shape, plain_strip(&mut file)) {
        let raster = RawRaster::new(bytes, offset, [width, height], layout, false);
        return Ok((Box::new(raster.map_err(|_| fault.clone())?), georef));
    }
    let (shape, parts) = shape?;
    let sparse = sparse(&mut file, shape, parts)?;
    let stride = file.chunk_dimensions().0 as usize;
    file.inner().release();
    let raster = Tiff {
        stride,
        file: Mutex::new(file),
        shape,
        parts,
        layout,
        sparse,
    };
    Ok((Box::new(raster), georef))
}

struct Tiff {
    file: Mutex<Decoder<ByteReader>>,
    shape: Shape,
    parts: u32,    // strips in a chunk, 1 for tiles
    stride: usize, // samples of a row of a strip or tile
    layout: Sample,
    sparse: Vec<u64>, // a bit for each strip or tile that the file does not have
}

impl Raster for Tiff {
    fn shape(&self) -> Shape {
        self.shape
    }

    fn decode(&self, chunk: u32) -> Result<Vec<f32>, ReliefFault> {
        let mut file = lock(&self.file);
        let count = self.shape.chunk_size(chunk).1.map(|n| n as usize);
        let count = count[0] * count[1];
        let mut out = Vec::with_capacity(count);
        for part in (chunk * self.parts..).take(self.parts as usize) {
            if out.len() == count {
                break;
            }
            self.decode_part(&mut file, part, &mut out)?;
        }
        file.inner().release();
        if out.len() != count {
            let message = format!("{} samples instead of {count}", out.len());
            return Err(ReliefFault::damaged(format!("chunk {chunk}"), &message));
        }
        Ok(out)
    }
}

impl Tiff {
    fn decode_part(
        &self,
        file: &mut Decoder<ByteReader>,
        part: u32,
        out: &mut Vec<f32>,
    ) -> Result<(), ReliefFault> {
        if self
            .sparse
            .get(part as usize / 64)
            .is_some_and(|bits| bits >> (part % 64) & 1 != 0)
        {
            let (width, height) = file.chunk_data_dimensions(part);
            let is_void = self.layout.voids != [None; 2];
            let sample = if is_void {
                f32::NAN
            } else {
                self.layout.metres(0.0)
            };
            out.extend(std::iter::repeat_n(
                sample,
                width as usize * height as usize,
            ));
            return Ok(());
        }
        // Rows as long as the file has them: otherwise the decoder reads piece by piece, which LZW of tiles does not survive.
        let bytes = match self.layout.kind {
            SampleType::I16 | SampleType::U16 => 2,
            SampleType::F32 => 4,
        };
        let mut decoded = DecodingResult::U8(Vec::new());
        file.read_chunk_to_buffer(&mut decoded, part, bytes * self.stride)
            .map_err(|e| ReliefFault::damaged(format!("strip or tile {part}"), &e))?;
        let width = file.chunk_data_dimensions(part).0 as usize;
        match decoded {
            DecodingResult::I16(samples) => self.push_rows(&samples, width, out),
            DecodingResult::U16(samples) => self.push_rows(&samples, width, out),
            DecodingResult::F32(samples) => self.push_rows(&samples, width, out),
            _ => return Err(header(&"samples of another type than the header says")),
        }
        Ok(())
    }

    /// Appends the heights of rows without what pads them.
    fn push_rows<T: Copy + Into<f64>>(&self, samples: &[T], width: usize, out: &mut Vec<f32>) {
        for row in samples.chunks_exact(self.stride) {
            let row = row[..width].iter();
            out.extend(row.map(|stored| self.layout.metres((*stored).into())));
        }
    }
}

fn header(message: &dyn std::fmt::Display) -> ReliefFault {
    ReliefFault::damaged("TIFF header", message)
}

/// Refuses several bands before the decoder sees the file: it multiplies their number unchecked.
fn check_bands(bytes: &Bytes) -> Result<(), ReliefFault> {
    let mut header_bytes = [0; 16];
    bytes.read_at(0, &mut header_bytes[..8])?;
    let is_big_endian = header_bytes[0] == b'M';
    let number = |bytes: &[u8]| {
        let add = |sum: u64, byte: &u8| sum << 8 | u64::from(*byte);
        match is_big_endian {
            true => bytes.iter().fold(0, add),
            false => bytes.iter().rev().fold(0, add),
        }
    };
    let is_big_tiff = number(&header_bytes[2..4]) == 43;
    let (at, count_bytes, entry_bytes) = match is_big_tiff {
        true => {
            bytes.read_at(0, &mut header_bytes)?;
            (number(&header_bytes[8..16]), 8, 20)
        }
        false => (number(&header_bytes[4..8]), 2, 12),
    };
    let mut count = [0; 8];
    bytes.read_at(at, &mut count[..count_bytes])?;
    let entries = number(&count[..count_bytes]);
    if entries > 4_096 {
        return Err(header(&format!("{entries} tags")));
    }
    let mut directory = Vec::new();
    let mut reader = bytes.reader();
    std::io::Seek::seek(
        &mut reader,
        std::io::SeekFrom::Start(at + count_bytes as u64),
    )?;
    reader
        .take(entries * entry_bytes)
        .read_to_end(&mut directory)?;
    for entry in directory.chunks_exact(entry_bytes as usize) {
        // SamplesPerPixel, a SHORT.
        if number(&entry[..2]) == 277 {
            let value = &entry[entry.len() - if is_big_tiff { 8 } else { 4 }..][..2];
            if number(value) != 1 {
                let what = format!("{} bands", number(value));
                let advice = "take one out with `gdal_translate -b 1`";
                return Err(unsupported("tag 277", &what, advice));
            }
        }
    }
    Ok(())
}

/// What a sample is and what it means.
fn layout(file: &mut Decoder<ByteReader>) -> Result<Sample, ReliefFault> {
    let (bits, format) = (
        number(file, Tag::BitsPerSample, 1)?,
        number(file, Tag::SampleFormat, 1)?,
    );
    let kind = match (format, bits) {
        (2, 16) => SampleType::I16,
        (1, 16) => SampleType::U16,
        (3, 32) => SampleType::F32,
        _ => {
            let what = format!("samples of format {format} with {bits} bits");
            let advice = "want i16, u16 or f32: convert it with `gdal_translate -ot Float32`";
            return Err(unsupported("tags 258 and 339", &what, advice));
        }
    };
    if number(file, Tag::PhotometricInterpretation, 1)? != 1 {
        let advice =
            "want heights that ascend: set it with `gdal_translate -co PHOTOMETRIC=MINISBLACK`";
        return Err(unsupported("tag 262", "samples that are colours", advice));
    }
    let nodata = text(file, 42_113)?;
    let nodata = match nodata.as_deref().map(|text| text.trim_matches(['\0', ' '])) {
        None | Some("") => None,
        Some(text) => Some(
            text.parse::<f64>()
                .map_err(|e| ReliefFault::damaged("tag 42113", &e))?,
        ),
    };
    // A float's no-data is written in more digits than the float has.
    let nodata = nodata.map(|v| {
        if kind == SampleType::F32 {
            f64::from(v as f32)
        } else {
            v
        }
    });
    let metadata = text(file, 42_112)?.unwrap_or_default();
    let endian = match file.byte_order() {
        ByteOrder::LittleEndian => Endian::Little,
        ByteOrder::BigEndian => Endian::Big,
    };
    Ok(Sample {
        kind,
        endian,
        voids: [nodata, None],
        scale: role(&metadata, "scale")?.unwrap_or(1.0),
        offset: role(&metadata, "offset")?.unwrap_or(0.0),
    })
}

/// The number of an item of GDAL's metadata: `<Item name="SCALE" sample="0" role="scale">0.1</Item>`.
fn role(metadata: &str, role: &str) -> Result<Option<f64>, ReliefFault> {
    let Some((_, rest)) = metadata.split_once(&format!("role=\"{role}\"")) else {
        return Ok(None);
    };
    let text = rest
        .split_once('>')
        .and_then(|(_, rest)| rest.split_once('<'));
    let number = text.and_then(|(text, _)| text.trim().parse::<f64>().ok());
    match number.filter(|v| v.is_finite() && v.abs() < 1e9) {
        Some(number) => Ok(Some(number)),
        None => Err(ReliefFault::damaged(
            "tag 42112",
            &format!("no number for {role}"),
        )),
    }
}

fn number(file: &mut Decoder<ByteReader>, tag: Tag, default: u16) -> Result<u16, ReliefFault> {
    let value = file.find_tag(tag).map_err(|e| header(&e))?;
    let values = value
        .map(|value| value.into_u16_vec().map_err(|e| header(&e)))
        .transpose()?;
    Ok(values
        .and_then(|values| values.first().copied())
        .unwrap_or(default))
}

fn text(file: &mut Decoder<ByteReader>, tag: u16) -> Result<Option<String>, ReliefFault> {
    let value = file
        .find_tag(Tag::from_u16_exhaustive(tag))
        .map_err(|e| header(&e))?;
    value
        .map(|value| value.into_string().map_err(|e| header(&e)))
        .transpose()
}

fn geo_tags(file: &mut Decoder<ByteReader>) -> Result<GeoTags, ReliefFault> {
    let mut numbers = |tag| match file.find_tag(tag) {
        Ok(Some(value)) => value.into_f64_vec().map_err(|e| header(&e)),
        Ok(None) => Ok(Vec::new()),
        Err(e) => Err(header(&e)),
    };
    let scale = numbers(Tag::ModelPixelScaleTag)?;
    let tie_points = numbers(Tag::ModelTiepointTag)?;
    let transformation = numbers(Tag::ModelTransformationTag)?;
    let keys = match file.find_tag(Tag::GeoKeyDirectoryTag) {
        Ok(Some(value)) => value.into_u16_vec().map_err(|e| header(&e))?,
        Ok(None) => Vec::new(),
        Err(e) => return Err(header(&e)),
    };
    Ok(GeoTags {
        scale,
        tie_points,
        transformation,
        keys,
    })
}

/// How the raster is cut, and how many strips make a chunk.
fn shape(
    file: &mut Decoder<ByteReader>,
    [width, height]: [u32; 2],
) -> Result<(Shape, u32), ReliefFault> {
    let (across, down) = file.chunk_dimensions();
    if file.get_chunk_type() == ChunkType::Tile {
        // Tiles may be larger than the raster, and are decoded whole.
        let count = u64::from(across) * u64::from(down);
        if count > CHUNK_SAMPLES_MAX {
            return Err(ReliefFault::TooLarge {
                what: "samples of a tile".into(),
                count,
                count_max: CHUNK_SAMPLES_MAX,
                advice: "rewrite it in smaller ones, as with `gdal_translate -co TILED=YES`",
            });
        }
        return Ok((Shape::new([width, height], [across, down])?, 1));
    }
    let rows = down.min(height);
    let parts = (CHUNK_SAMPLES / width.max(1) / rows).clamp(1, height.div_ceil(rows));
    Ok((Shape::new([width, height], [width, rows * parts])?, parts))
}

/// Where the samples begin, when all of them lie plainly in one strip.
fn plain_strip(file: &mut Decoder<ByteReader>) -> Option<u64> {
    let is_plain = number(file, Tag::Compression, 1).ok()? == 1
        && number(file, Tag::Predictor, 1).ok()? == 1
        && file.get_chunk_type() == ChunkType::Strip
        && file.strip_count().ok()? == 1;
    let offset = file.find_tag(Tag::StripOffsets).ok()??.into_u64().ok();
    offset.filter(|_| is_plain)
}

/// The strips or tiles without bytes, which GDAL leaves out where nothing is.
fn sparse(
    file: &mut Decoder<ByteReader>,
    shape: Shape,
    parts: u32,
) -> Result<Vec<u64>, ReliefFault> {
    let tag = match file.get_chunk_type() {
        ChunkType::Tile => Tag::TileByteCounts,
        ChunkType::Strip => Tag::StripByteCounts,
    };
    let counts = file
        .find_tag_unsigned_vec::<u64>(tag)
        .map_err(|e| header(&e))?;
    let counts = counts.unwrap_or_default();
    let chunks = u64::from(shape.across()) * u64::from(shape.height.div_ceil(shape.chunk_height));
    if (counts.len() as u64) < chunks || counts.len() as u64 > chunks * u64::from(parts) {
        return Err(header(&format!("{} strips or tiles", counts.len())));
    }
    if !counts.contains(&0) {
        return Ok(Vec::new());
    }
    let mut bits = vec![0; counts.len().div_ceil(64)];
    for (n, count) in counts.iter().enumerate() {
        bits[n / 64] |= u64::from(*count == 0) << (n % 64);
    }
    Ok(bits)
}
