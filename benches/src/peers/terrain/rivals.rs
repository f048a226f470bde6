//! What others keep relief in.

use crate::relief::SIDE;

/// A way to keep a square grid of at most `SIDE`² samples without loss.
pub(crate) struct Peer {
    pub(crate) name: &'static str,
    pub(crate) encode: fn(&[i16]) -> Vec<u8>,
    pub(crate) decode: fn(&[u8]) -> Vec<i16>,
}

pub(crate) const PEERS: [Peer; 3] = [
    Peer {
        name: "png 0.18, 16 bits",
        encode: png_encode,
        decode: png_decode,
    },
    Peer {
        name: "zstd 0.13, level 19, raw",
        encode: |samples| zstd_encode(&to_bytes(samples)),
        decode: |bytes| from_bytes(&zstd_decode(bytes)),
    },
    Peer {
        name: "plane + zstd 0.13, level 19",
        encode: plane_encode,
        decode: plane_decode,
    },
];

fn to_bytes(samples: &[i16]) -> Vec<u8> {
    samples.iter().flat_map(|v| v.to_le_bytes()).collect()
}

fn from_bytes(bytes: &[u8]) -> Vec<i16> {
    let pairs = bytes.chunks_exact(2);
    pairs.map(|b| i16::from_le_bytes([b[0], b[1]])).collect()
}

fn zstd_encode(bytes: &[u8]) -> Vec<u8> {
    zstd::bulk::compress(bytes, 19).expect("memory")
}

fn zstd_decode(bytes: &[u8]) -> Vec<u8> {
    zstd::bulk::decompress(bytes, 2 * SIDE * SIDE).expect("just encoded")
}

/// Grey of 16 bits, big-endian, with the filters that suit each row.
fn png_encode(samples: &[i16]) -> Vec<u8> {
    let mut out = Vec::new();
    let side = samples.len().isqrt() as u32;
    let mut encoder = png::Encoder::new(&mut out, side, side);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::Sixteen);
    encoder.set_compression(png::Compression::High);
    let bytes: Vec<u8> = samples
        .iter()
        .flat_map(|v| (*v as u16).to_be_bytes())
        .collect();
    let mut writer = encoder.write_header().expect("memory");
    writer.write_image_data(&bytes).expect("memory");
    writer.finish().expect("memory");
    out
}

fn png_decode(bytes: &[u8]) -> Vec<i16> {
    let mut reader = png::Decoder::new(std::io::Cursor::new(bytes))
        .read_info()
        .expect("just encoded");
    let info = reader.info();
    let mut out = vec![0; 2 * info.width as usize * info.height as usize];
    reader.next_frame(&mut out).expect("just encoded");
    let pairs = out.chunks_exact(2);
    pairs
        .map(|b| u16::from_be_bytes([b[0], b[1]]) as i16)
        .collect()
}

/// Residuals against W + N − NW in zigzag, low bytes before high bytes.
fn plane_encode(samples: &[i16]) -> Vec<u8> {
    let residual = |k: usize| samples[k].wrapping_sub(plane(samples, k));
    let zigzag = |r: i16| (r << 1 ^ r >> 15) as u16;
    let all: Vec<u16> = (0..samples.len()).map(|k| zigzag(residual(k))).collect();
    let high = all.iter().map(|z| (z >> 8) as u8);
    let planes: Vec<u8> = all.iter().map(|z| *z as u8).chain(high).collect();
    zstd_encode(&planes)
}

fn plane(samples: &[i16], k: usize) -> i16 {
    let side = samples.len().isqrt();
    match (k % side, k / side) {
        (0, 0) => 0,
        (_, 0) => samples[k - 1],
        (0, _) => samples[k - side],
        _ => samples[k - 1]
            .wrapping_add(samples[k - side])
            .wrapping_sub(samples[k - side - 1]),
    }
}

/// Two sums: along each row, then down the rows.
fn plane_decode(bytes: &[u8]) -> Vec<i16> {
    let planes = zstd_decode(bytes);
    let (low, high) = planes.split_at(planes.len() / 2);
    let unzigzag = |z: u16| (z >> 1) as i16 ^ ((z & 1) as i16).wrapping_neg();
    let pairs = low.iter().zip(high);
    let mut samples: Vec<i16> = pairs
        .map(|(l, h)| unzigzag(u16::from_le_bytes([*l, *h])))
        .collect();
    let side = samples.len().isqrt();
    for row in samples.chunks_exact_mut(side) {
        let mut sum = 0i16;
        for v in row {
            sum = sum.wrapping_add(*v);
            *v = sum;
        }
    }
    for j in 1..side {
        let (before, row) = samples.split_at_mut(j * side);
        let before = &before[(j - 1) * side..];
        for (v, above) in row[..side].iter_mut().zip(before) {
            *v = v.wrapping_add(*above);
        }
    }
    samples
}
