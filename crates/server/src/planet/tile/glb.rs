//! A mesh as binary glTF 2.0: a header, a chunk of JSON and a chunk of numbers.
//!
//! Written by hand: it is forty lines, where the crates for it bring readers and pictures along.

use anyhow::{Context, Result};
use serde_json::json;
use spatial_core::{DVec3, TileMesh};

const FLOAT: u32 = 5126;
const UNSIGNED_SHORT: u32 = 5123;
const ARRAY_BUFFER: u32 = 34962;
const ELEMENT_ARRAY_BUFFER: u32 = 34963;

/// The file's bytes. glTF's up is +y: the node turns the ground at the mesh's centre there, with north to −z; `extras` of the node
/// has the centre, planet-centred, in metres.
pub(super) fn glb(mesh: &TileMesh, name: &str) -> Result<Vec<u8>> {
    let mut numbers = Vec::new();
    for corner in mesh.positions.iter().chain(&mesh.normals) {
        numbers.extend(corner.iter().flat_map(|x| x.to_le_bytes()));
    }
    let (vertices, indices_at) = (mesh.positions.len(), numbers.len());
    numbers.extend(mesh.indices.iter().flat_map(|v| v.to_le_bytes()));
    let bytes = numbers.len();
    let text = json!({
        "asset": { "version": "2.0", "generator": "bluemarble" },
        "scene": 0,
        "scenes": [{ "nodes": [0] }],
        "nodes": [{
            "name": name, "mesh": 0, "matrix": upright(mesh.center.to_vec()),
            "extras": { "center_m": mesh.center.to_array() },
        }],
        "meshes": [{ "primitives": [{ "attributes": { "POSITION": 0, "NORMAL": 1 }, "indices": 2 }] }],
        "buffers": [{ "byteLength": bytes }],
        "bufferViews": [
            { "buffer": 0, "byteOffset": 0, "byteLength": indices_at / 2, "target": ARRAY_BUFFER },
            { "buffer": 0, "byteOffset": indices_at / 2, "byteLength": indices_at / 2, "target": ARRAY_BUFFER },
            { "buffer": 0, "byteOffset": indices_at, "byteLength": bytes - indices_at, "target": ELEMENT_ARRAY_BUFFER },
        ],
        "accessors": [
            { "bufferView": 0, "componentType": FLOAT, "count": vertices, "type": "VEC3",
              "min": extreme(mesh, f32::min), "max": extreme(mesh, f32::max) },
            { "bufferView": 1, "componentType": FLOAT, "count": vertices, "type": "VEC3" },
            { "bufferView": 2, "componentType": UNSIGNED_SHORT, "count": mesh.indices.len(), "type": "SCALAR" },
        ],
    });
    let mut text = serde_json::to_vec(&text).context("cannot write JSON")?;
    text.resize(text.len().next_multiple_of(4), b' ');
    numbers.resize(bytes.next_multiple_of(4), 0);
    let length = |bytes: usize| u32::try_from(bytes).context("a mesh is no larger than that");
    let mut out = b"glTF".to_vec();
    out.extend(2u32.to_le_bytes());
    out.extend(length(12 + 8 + text.len() + 8 + numbers.len())?.to_le_bytes());
    for (kind, chunk) in [(b"JSON", text), (b"BIN\0", numbers)] {
        out.extend(length(chunk.len())?.to_le_bytes());
        out.extend(kind);
        out.extend(chunk);
    }
    Ok(out)
}

/// The least or largest of each coordinate.
fn extreme(mesh: &TileMesh, of: fn(f32, f32) -> f32) -> [f32; 3] {
    let first = mesh.positions.first().copied().unwrap_or_default();
    mesh.positions.iter().fold(first, |so_far, p| {
        core::array::from_fn(|k| of(so_far[k], p[k]))
    })
}

/// The rotation that turns up, away from the planet's centre, to +y and north to −z; column by column.
fn upright(center: DVec3) -> [f64; 16] {
    let up = center.normalize_or(DVec3::Z);
    // At the poles any direction is as good.
    let east = DVec3::Z.cross(up).normalize_or(DVec3::Y);
    let north = up.cross(east);
    let column = |axis: usize| [east[axis], up[axis], -north[axis], 0.0];
    let [a, b, c] = [0, 1, 2].map(column);
    let mut out = [0.0; 16];
    for (k, column) in [a, b, c, [0.0, 0.0, 0.0, 1.0]].iter().enumerate() {
        out[4 * k..4 * k + 4].copy_from_slice(column);
    }
    out
}
