//! Meshes of client tiles: closed over the whole globe, whatever the levels side by side.

use std::collections::BTreeMap;

use spatial_core::{
    CellId, ClientTile, DVec3, EdgeSteps, Horizon, LatticeSpec, Planet, TileMesh, TileStore,
    TooCoarse,
};

use super::scene::Rough;
use super::tiles::direction;
use crate::sparse::Random;

/// Where quadtrees are deep: at a corner of the cube, and close beside lines between cells of level 1 and 0, beyond which they may be
/// coarse.
fn deep_places() -> [CellId; 6] {
    const E: f64 = 1e-7;
    [
        [1.0, -1.0 + E, 1.0 - E],
        [1.0 - E, -1.0, 1.0 - E],
        [1.0 - E, -1.0 + E, 1.0],
        [1.0, E, 0.3],
        [1.0, 1.0 + E, -0.2],
        [-0.4, -1.0, -1.0 - E],
    ]
    .map(|[x, y, z]| CellId::from_direction(DVec3::new(x, y, z)))
}

/// The leaves of a quadtree over the globe: divided at random, deepest at some places, and as far as a mesh follows.
fn leaves(random: &mut Random, level_max: u8, jump_max: u8) -> Vec<CellId> {
    let mut open: Vec<CellId> = (0..6).map(|f| CellId::from_face_ij(f, 0, 0, 0)).collect();
    let mut leaves = std::collections::BTreeSet::new();
    while let Some(cell) = open.pop() {
        let is_deep = deep_places().iter().any(|place| cell.contains(*place));
        let is_divided = cell.level() < level_max && (is_deep || random.below(4) == 0);
        match is_divided {
            true => open.extend(cell.children().unwrap()),
            false => drop(leaves.insert(cell)),
        }
    }
    loop {
        let too_coarse: Vec<CellId> = leaves
            .iter()
            .flat_map(|leaf: &CellId| leaf.edge_neighbors().map(|beside| (leaf.level(), beside)))
            .filter_map(|(level, beside)| Some((level, holder(&leaves, beside)?)))
            .filter(|(level, beside)| level - beside.level() > jump_max)
            .map(|(_, beside)| beside)
            .collect();
        if too_coarse.is_empty() {
            return leaves.into_iter().collect();
        }
        for cell in too_coarse {
            if leaves.remove(&cell) {
                leaves.extend(cell.children().unwrap());
            }
        }
    }
}

/// The leaf that a cell lies in.
fn holder(leaves: &std::collections::BTreeSet<CellId>, cell: CellId) -> Option<CellId> {
    (0..=cell.level())
        .map(|level| cell.parent(level))
        .find(|above| leaves.contains(above))
}

struct Globe {
    tiles: Vec<(ClientTile, TileMesh)>, // the coarsest first
    jumps: BTreeMap<u8, usize>,
}

fn globe(rough: &Rough, random: &mut Random) -> Globe {
    let jump_max = (rough.spec.intervals() / 2).trailing_zeros() as u8;
    let mut cells = leaves(random, rough.spec.levels(), jump_max);
    cells.sort_by_key(|cell| cell.level());
    let set = cells.iter().copied().collect();
    let mut jumps = BTreeMap::new();
    let tiles = cells.iter().map(|cell| {
        let coarser: EdgeSteps = cell.edge_neighbors().map(|beside| {
            let steps = holder(&set, beside).map_or(0, |leaf| cell.level() - leaf.level());
            *jumps.entry(steps).or_default() += 1;
            steps
        });
        let tile = ClientTile::of(&rough.store, *cell).unwrap();
        let mesh = tile.mesh(rough.planet, &rough.spec, coarser).unwrap();
        (tile, mesh)
    });
    let tiles = tiles.collect();
    Globe { tiles, jumps }
}

type Key = [u64; 3];

/// What a vertex is known by, whoever has it: the bits of its direction.
fn key(rough: &Rough, tile: &ClientTile, vertex: u16) -> Key {
    let side = tile.intervals() + 1;
    let d = direction(
        &rough.spec,
        tile.cell(),
        i32::from(vertex % side),
        i32::from(vertex / side),
    );
    d.to_array().map(f64::to_bits)
}

fn place(mesh: &TileMesh, vertex: u16) -> DVec3 {
    let [x, y, z] = mesh.positions[usize::from(vertex)].map(f64::from);
    mesh.center.to_vec() + DVec3::new(x, y, z)
}

fn check_closed(rough: &Rough, globe: &Globe) {
    let mut edges: BTreeMap<(Key, Key), u32> = BTreeMap::new();
    let mut vertices: BTreeMap<Key, (DVec3, f64)> = BTreeMap::new();
    let mut triangles = 0i64;
    for (tile, mesh) in &globe.tiles {
        let radius_m = tile.bounds(rough.planet, &rough.spec).radius_m();
        let rounding_m = 10.4e-8 * radius_m + 1e-8;
        for triangle in mesh.indices.chunks_exact(3) {
            let [a, b, c] = [triangle[0], triangle[1], triangle[2]];
            let keys = [a, b, c].map(|v| key(rough, tile, v));
            for (from, to) in [(0, 1), (1, 2), (2, 0)] {
                *edges.entry((keys[from], keys[to])).or_default() += 1;
            }
            let [a, b, c] = [a, b, c].map(|v| (v, place(mesh, v)));
            let area = (b.1 - a.1).cross(c.1 - a.1);
            assert!(
                area.length() > 0.0 && area.dot(a.1) > 0.0,
                "{} faces inwards",
                tile.cell()
            );
            for ((vertex, p), key) in [a, b, c].into_iter().zip(keys) {
                let (seen, error_m) = *vertices.entry(key).or_insert((p, rounding_m));
                assert!((seen - p).length() <= error_m + rounding_m);
                let d = DVec3::from_array(key.map(f64::from_bits));
                let normal = DVec3::from_array(mesh.normals[usize::from(vertex)].map(f64::from));
                assert!(normal.dot(d) > 0.0 && (normal.length() - 1.0).abs() < 1e-6);
                assert!((p.cross(d)).length() <= rounding_m);
            }
            triangles += 1;
        }
    }
    for ((from, to), count) in &edges {
        assert_eq!(*count, 1, "an edge of two triangles on one side");
        assert!(edges.contains_key(&(*to, *from)), "an edge without a twin");
    }
    let euler = vertices.len() as i64 - edges.len() as i64 / 2 + triangles;
    assert_eq!(euler, 2, "no sphere");
    assert_eq!(reached(&edges), vertices.len(), "in pieces");
}

/// Vertices that one comes to along edges from the first.
fn reached(edges: &BTreeMap<(Key, Key), u32>) -> usize {
    let first = edges.first_key_value().unwrap().0.0;
    let mut seen = std::collections::BTreeSet::from([first]);
    let mut open = vec![first];
    while let Some(from) = open.pop() {
        for ((_, to), _) in edges.range((from, [0; 3])..=(from, [u64::MAX; 3])) {
            if seen.insert(*to) {
                open.push(*to);
            }
        }
    }
    seen.len()
}

#[test]
fn random_quadtrees_are_closed() {
    let mut all = BTreeMap::new();
    for (seed, rough) in [
        (1, Rough::whole(5, 8)),
        (2, Rough::sparse(4, 8, 3)),
        (3, Rough::sparse(4, 16, 4)),
        (4, Rough::sparse(5, 32, 2)),
        (5, Rough::whole(1, 64)),
    ] {
        println!("seed {seed}");
        let globe = globe(&rough, &mut Random(seed));
        check_closed(&rough, &globe);
        for (steps, count) in globe.jumps {
            *all.entry(steps).or_insert(0) += count;
        }
    }
    assert!(
        (1..=4).all(|steps| all.get(&steps).is_some_and(|count| *count >= 5)),
        "{all:?}"
    );
}

/// A tile of 64 intervals beside one that is coarser by six levels: only its corners are left of the edge.
#[test]
fn six_levels_side_by_side() {
    let rough = Rough::sparse(6, 128, 1);
    let id = CellId::from_face_ij(3, 0, 0, 6);
    let tile = ClientTile::of(&rough.store, id).unwrap();
    let mesh = tile.mesh(rough.planet, &rough.spec, [6, 0, 6, 6]).unwrap();
    let on_edges = mesh
        .indices
        .iter()
        .filter(|v| **v < 65 || **v % 65 == 0 || **v >= 64 * 65);
    let mut corners: Vec<u16> = on_edges.copied().collect();
    corners.sort_unstable();
    corners.dedup();
    assert_eq!(corners, [0, 64, 64 * 65, 65 * 65 - 1]);
    let too_coarse = tile.mesh(rough.planet, &rough.spec, [0, 7, 0, 0]);
    assert_eq!(too_coarse, Err(TooCoarse { levels: 7, max: 6 }));
}

/// Normals of tiles of one level are the same bits in every tile that has the vertex; across levels they are after the finer tile
/// has adopted the coarser one's.
#[test]
fn normals_agree_on_both_sides() {
    let mut differing = 0;
    for (seed, rough) in [
        (6, Rough::whole(3, 8)),
        (7, Rough::sparse(4, 8, 5)),
        (8, Rough::whole(1, 128)),
    ] {
        let mut globe = globe(&rough, &mut Random(seed));
        let mut by_level: BTreeMap<(u8, Key), [u32; 3]> = BTreeMap::new();
        for (tile, mesh) in &globe.tiles {
            for v in border(tile.intervals()) {
                let normal = mesh.normals[usize::from(v)].map(f32::to_bits);
                let seen = *by_level
                    .entry((tile.cell().level(), key(&rough, tile, v)))
                    .or_insert(normal);
                assert_eq!(seen, normal, "{} {v}", tile.cell());
            }
        }
        for n in 0..globe.tiles.len() {
            let (coarser, rest) = globe.tiles.split_at_mut(n);
            let (tile, mesh) = &mut rest[0];
            for (_, above) in coarser
                .iter()
                .rev()
                .filter(|(other, _)| other.cell().level() < tile.cell().level())
            {
                mesh.adopt_normals(above);
            }
        }
        let mut by_place: BTreeMap<Key, [u32; 3]> = BTreeMap::new();
        for (tile, mesh) in &globe.tiles {
            let used: std::collections::BTreeSet<u16> = mesh.indices.iter().copied().collect();
            for v in border(tile.intervals()).filter(|v| used.contains(v)) {
                let (key, normal) = (
                    key(&rough, tile, v),
                    mesh.normals[usize::from(v)].map(f32::to_bits),
                );
                assert_eq!(
                    *by_place.entry(key).or_insert(normal),
                    normal,
                    "{} {v}",
                    tile.cell()
                );
                differing += usize::from(
                    by_level.contains_key(&(tile.cell().level(), key))
                        && by_level[&(tile.cell().level(), key)] != normal,
                );
            }
        }
    }
    assert!(differing > 100, "nothing had to be adopted: {differing}");
}

fn border(c: u16) -> impl Iterator<Item = u16> {
    let side = c + 1;
    (0..side * side).filter(move |v| v % side == 0 || v % side == c || *v < side || *v >= side * c)
}

/// The sum of the areas of the quads around, from the samples alone and one by one.
#[test]
fn normals_are_those_of_the_quads_around() {
    let rough = Rough::whole(2, 16);
    for id in [
        CellId::from_face_ij(0, 0, 0, 0),
        CellId::from_face_ij(5, 1 << 29, 0, 2),
        CellId::from_face_ij(1, 3 << 28, 3 << 28, 2),
    ] {
        let tile = ClientTile::of(&rough.store, id).unwrap();
        let mesh = tile.mesh(rough.planet, &rough.spec, [0; 4]).unwrap();
        for j in 1..8 {
            for i in 1..8 {
                let at = |i: i32, j: i32| {
                    direction(&rough.spec, id, i, j)
                        * (rough.planet.radius_m() + tile.height_m(&rough.spec, i, j))
                };
                let quad = |i: i32, j: i32| {
                    let (a, b, c, d) = (at(i, j), at(i + 1, j), at(i + 1, j + 1), at(i, j + 1));
                    ((b - a).cross(c - a) + (c - a).cross(d - a)) / 2.0
                };
                let want =
                    (quad(i - 1, j - 1) + quad(i, j - 1) + quad(i - 1, j) + quad(i, j)).normalize();
                let got = DVec3::from_array(mesh.normals[(j * 9 + i) as usize].map(f64::from));
                assert!((got - want).length() < 2e-7, "{id} {i} {j}: {got} {want}");
            }
        }
    }
    assert!(rough.store.nodes().len() > 6);
}

/// Ground that a manifest puts at the centre of its planet or beyond is drawn just outside it.
#[test]
fn ground_below_the_centre_faces_outwards() {
    let rough = Rough::whole(2, 8);
    let planet = Planet::new(10_000.0).unwrap();
    for (offset_m, quantum_m) in [(0.0, 100.0), (-1e6, 0.25)] {
        let spec = LatticeSpec::new(2, 8, offset_m, quantum_m).unwrap();
        let (mut least_m, mut facing) = (f64::INFINITY, 0);
        for id in spec.cells() {
            let tile = ClientTile::of(&rough.store, id).unwrap();
            let bounds = tile.bounds(planet, &spec);
            let mesh = tile.mesh(planet, &spec, [0; 4]).unwrap();
            let rounding_m = 10.4e-8 * bounds.radius_m() + 1e-8;
            for (vertex, normal) in mesh.normals.iter().enumerate() {
                let normal = DVec3::from_array(normal.map(f64::from));
                let (i, j) = (vertex % 5, vertex / 5);
                let d = direction(&spec, id, i as i32, j as i32);
                assert!(normal.dot(d) > 0.0 && (normal.length() - 1.0).abs() < 1e-6);
                let p = place(&mesh, vertex as u16);
                assert!((p - bounds.center().to_vec()).length() <= bounds.radius_m() + rounding_m);
                least_m = least_m.min(p.length() + rounding_m);
            }
            for triangle in mesh.indices.chunks_exact(3) {
                let [a, b, c] = [0, 1, 2].map(|k| place(&mesh, triangle[k]));
                // Beside mountains of the planet's size f32 leaves nothing of what is so near to the centre.
                if a.length().max(b.length()).max(c.length()) < 11.0 && rounding_m < 1e-4 {
                    assert!((b - a).cross(c - a).dot(a) > 0.0, "{id}");
                    facing += 1;
                }
            }
        }
        assert!((10.0..11.0).contains(&least_m), "{least_m}");
        assert!(facing > 100 || quantum_m == 100.0, "{facing}");
    }
}

/// How far triangles lie within the ground is what a tile says, nearly all of it where it is worst; and a horizon's ball of drawn
/// ground lies within them all, which one of the true ground does not.
#[test]
fn meshes_lie_within_the_ground_by_their_chords() {
    let mut nearest: f64 = 0.0;
    for (seed, rough) in [
        (9, Rough::whole(3, 8)),
        (10, Rough::whole(1, 128)),
        (11, Rough::sparse(3, 32, 4)),
    ] {
        let spec = &rough.spec;
        let mut random = Random(seed);
        for id in leaves(&mut random, spec.levels(), 2) {
            let tile = ClientTile::of(&rough.store, id).unwrap();
            let geometric_m = f64::from(tile.geometric_error().unwrap()) * spec.quantum_m();
            let mesh_error_m = tile.mesh_error_m(rough.planet, spec).unwrap();
            let chords_m = mesh_error_m - geometric_m;
            assert!(chords_m > 0.0);
            let mesh = tile.mesh(rough.planet, spec, [0; 4]).unwrap();
            let rounding_m = 4e-7 * tile.bounds(rough.planet, spec).radius_m();
            let lowest_m = spec.height_m(f64::from(tile.min()));
            let ball = |of: &dyn Fn(f64) -> Horizon| of(lowest_m).radius_m();
            let drawn =
                ball(&|h| Horizon::of_meshes(rough.planet, h, id.level(), spec.intervals() / 2));
            assert!(drawn < ball(&|h| Horizon::new(rough.planet, h)));
            for triangle in mesh.indices.chunks_exact(3) {
                let corners = [0, 1, 2].map(|k| place(&mesh, triangle[k]));
                let x = random.below(1 << 20) as f64 / f64::from(1 << 20);
                for weights in [
                    [0.5, 0.0, 0.5],
                    [x, 1.0 - x, 0.0],
                    [x / 2.0, 1.0 - x, x / 2.0],
                ] {
                    let (mut p, mut radius_m) = (DVec3::ZERO, 0.0);
                    for (corner, weight) in corners.iter().zip(weights) {
                        p += *corner * weight;
                        radius_m += corner.length() * weight;
                    }
                    let within_m = radius_m - p.length();
                    assert!(
                        within_m <= chords_m + rounding_m,
                        "{id} {within_m} {chords_m}"
                    );
                    assert!(p.length() >= drawn - rounding_m, "{id}");
                    nearest = nearest.max(within_m / chords_m);
                }
            }
        }
    }
    assert!(nearest > 0.9, "{nearest}");
}

/// Over flat ground a coarse tile is as far off as its chords are, a quarter from level to level.
#[test]
fn a_flat_face_is_not_drawn_without_error() {
    let rough = Rough::whole(4, 128);
    let flat = LatticeSpec::new(4, 128, 0.0, 0.001).unwrap();
    let error_m = |level| {
        let id = CellId::from_face_ij(0, 0, 0, level);
        let tile = ClientTile::of(&rough.store, id).unwrap();
        let chords_m = f64::from(tile.geometric_error().unwrap()) * flat.quantum_m();
        tile.mesh_error_m(Planet::EARTH, &flat).unwrap() - chords_m
    };
    assert!((1_150.0..1_160.0).contains(&error_m(0)), "{}", error_m(0));
    for level in 1..=4 {
        let ratio = error_m(level - 1) / error_m(level);
        assert!((ratio - 4.0).abs() < 1e-3, "{level} {ratio}");
    }
}
