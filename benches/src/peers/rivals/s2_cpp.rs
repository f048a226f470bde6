//! The C++ library of S2 in Debian's version, through batched calls (cpp/s2_shim.cpp) that build.rs compiles where the
//! library is installed.
#![expect(unsafe_code, reason = "calls into C++; nowhere else in the benches")]

use core::ffi::c_int;
use core::marker::PhantomData;
use core::ptr::{NonNull, null_mut};

use spatial_core::{DVec3, Planet};

use super::{Found, MovingPoints, PointIndex};

pub(crate) const NAME: &str = "S2 C++ 0.10";

/// Whether it was there when this was built. Without it no function here may be called.
pub(crate) const IS_INSTALLED: bool = cfg!(s2_cpp);

macro_rules! shim {
    ($(fn $name:ident($($argument:ident: $type:ty),*) $(-> $result:ty)?;)*) => {
        #[cfg(s2_cpp)]
        unsafe extern "C" {
            $(fn $name($($argument: $type),*) $(-> $result)?;)*
        }
        $(
            #[cfg(not(s2_cpp))]
            unsafe fn $name($(_: $type),*) $(-> $result)? {
                panic!("the C++ library of S2 is not installed")
            }
        )*
    };
}

/// What C++ owns.
#[repr(C)]
struct CppPoints([u8; 0]);
#[repr(C)]
struct CppShapes([u8; 0]);
#[repr(C)]
struct CppRegions([u8; 0]);

shim! {
    fn bm_ids_of_points(xyz: *const f64, count: usize, ids: *mut u64);
    fn bm_ids_of_degrees(latlng: *const f64, count: usize, ids: *mut u64);
    fn bm_points_of_ids(ids: *const u64, count: usize, xyz: *mut f64);
    fn bm_all_neighbors(ids: *const u64, count: usize, neighbors: *mut u64);
    fn bm_points_new(xyz: *const f64, count: usize) -> *mut CppPoints;
    fn bm_points_free(points: *mut CppPoints);
    fn bm_points_move(points: *mut CppPoints, from: *const f64, to: *const f64, count: usize);
    fn bm_points_within(points: *mut CppPoints, centers: *const f64, count: usize, square: f64,
        rows: *mut u32, squares: *mut f64, room: usize) -> usize;
    fn bm_points_nearest(points: *mut CppPoints, centers: *const f64, count: usize, nearest: c_int,
        rows: *mut u32, squares: *mut f64, room: usize) -> usize;
    fn bm_points_along(points: *mut CppPoints, arcs: *const f64, count: usize, square: f64) -> usize;
    fn bm_regions_new() -> *mut CppRegions;
    fn bm_regions_free(regions: *mut CppRegions);
    fn bm_regions_add_rect(regions: *mut CppRegions, lat: *const f64, lng: *const f64);
    fn bm_regions_add_ring(regions: *mut CppRegions, xyz: *const f64, count: usize);
    fn bm_points_in_regions(points: *const CppPoints, regions: *const CppRegions, first: usize, count: usize,
        rows: *mut u32, room: usize) -> usize;
    fn bm_cover_caps(centers: *const f64, count: usize, radius_rad: f64, cells_max: c_int, fast: bool,
        ids: *mut u64, lengths: *mut u32, room: usize) -> usize;
    fn bm_shapes_new() -> *mut CppShapes;
    fn bm_shapes_free(shapes: *mut CppShapes);
    fn bm_shapes_add(shapes: *mut CppShapes, xyz: *const f64, lengths: *const u32, rings: usize);
    fn bm_shapes_build(shapes: *mut CppShapes);
    fn bm_shapes_containing(shapes: *const CppShapes, xyz: *const f64, count: usize, found: *mut i32);
    fn bm_shapes_distances(shapes: *const CppShapes, xyz: *const f64, count: usize, distances: *mut f64);
    fn bm_shapes_within(shapes: *const CppShapes, xyz: *const f64, count: usize, radius_rad: f64,
        found: *mut u32);
    fn bm_orientations(xyz: *const f64, count: usize, signs: *mut i8);
}

/// Leaves that contain directions.
pub(crate) fn ids_of_points(points: &[[f64; 3]], ids: &mut [u64]) {
    assert_eq!(points.len(), ids.len());
    // SAFETY: three doubles a point are read, one id a point is written.
    unsafe { bm_ids_of_points(points.as_ptr().cast(), points.len(), ids.as_mut_ptr()) }
}

/// Leaves that contain places, given by latitude and longitude.
pub(crate) fn ids_of_degrees(places: &[[f64; 2]], ids: &mut [u64]) {
    assert_eq!(places.len(), ids.len());
    // SAFETY: two doubles a place are read, one id a place is written.
    unsafe { bm_ids_of_degrees(places.as_ptr().cast(), places.len(), ids.as_mut_ptr()) }
}

/// Centres of cells.
pub(crate) fn points_of_ids(ids: &[u64], points: &mut [[f64; 3]]) {
    assert_eq!(ids.len(), points.len());
    // SAFETY: one id a point is read, three doubles a point are written.
    unsafe { bm_points_of_ids(ids.as_ptr(), ids.len(), points.as_mut_ptr().cast()) }
}

/// The cells around cells, of their own levels. A slot that is not needed is left as it was.
pub(crate) fn all_neighbors(ids: &[u64], neighbors: &mut [[u64; 8]]) {
    assert_eq!(ids.len(), neighbors.len());
    // SAFETY: one id a cell is read, at most eight a cell are written.
    unsafe { bm_all_neighbors(ids.as_ptr(), ids.len(), neighbors.as_mut_ptr().cast()) }
}

/// Which way triples of points turn.
pub(crate) fn orientations(triples: &[[[f64; 3]; 3]], signs: &mut [i8]) {
    assert_eq!(triples.len(), signs.len());
    // SAFETY: nine doubles a triple are read, one sign a triple is written.
    unsafe { bm_orientations(triples.as_ptr().cast(), triples.len(), signs.as_mut_ptr()) }
}

/// How caps are covered.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Covering {
    pub(crate) radius_rad: f64,
    pub(crate) cells_max: u8,
    pub(crate) is_fast: bool,
}

/// Covers caps and forgets the coverings: their cells.
pub(crate) fn cover_caps_each(centers: &[[f64; 3]], how: Covering) -> usize {
    // SAFETY: three doubles a centre are read; nothing is written for want of targets.
    unsafe {
        bm_cover_caps(
            centers.as_ptr().cast(),
            centers.len(),
            how.radius_rad,
            c_int::from(how.cells_max),
            how.is_fast,
            null_mut(),
            null_mut(),
            0,
        )
    }
}

/// The covering of a cap.
pub(crate) fn cover_cap(center: [f64; 3], how: Covering) -> Vec<u64> {
    let mut ids = vec![0; 64 + usize::from(how.cells_max)];
    // SAFETY: three doubles are read; at most the ids that there is room for are written, and no lengths.
    let cells = unsafe {
        bm_cover_caps(
            center.as_ptr(),
            1,
            how.radius_rad,
            c_int::from(how.cells_max),
            how.is_fast,
            ids.as_mut_ptr(),
            null_mut(),
            ids.len(),
        )
    };
    assert!(cells <= ids.len(), "{cells} cells");
    ids.truncate(cells);
    ids
}

/// `S2PointIndex`, asked by `S2ClosestPointQuery`. Its points are directions, so that distances are those of the datum.
pub(crate) struct Points {
    points: NonNull<CppPoints>,
    rows: Vec<u32>,
    squares: Vec<f64>,
    owned: PhantomData<CppPoints>,
}

/// More hits than any query of a case has.
const HITS_MAX: usize = 1 << 20;

impl Points {
    pub(crate) fn build(points: &[[f64; 3]]) -> Self {
        let units: Vec<_> = points.iter().map(|point| unit_of(*point)).collect();
        // SAFETY: three doubles a point are read and copied.
        let points = unsafe { bm_points_new(units.as_ptr().cast(), units.len()) };
        Self {
            points: NonNull::new(points).expect("C++ gives an index or aborts"),
            rows: vec![0; HITS_MAX],
            squares: vec![0.0; HITS_MAX],
            owned: PhantomData,
        }
    }

    fn take(&self, hits: usize, found: &mut Vec<Found>) {
        assert!(hits <= HITS_MAX, "{hits} hits");
        let square_m = Planet::EARTH.radius_m().powi(2);
        let squares = self.squares.iter().map(|square| square * square_m);
        found.clear();
        found.extend(self.rows.iter().copied().zip(squares).take(hits));
    }

    /// Asks about centres that are directions; the hits of the last are kept if they are wanted.
    fn ask_within(&mut self, centers: &[[f64; 3]], radius_m: f64, is_kept: bool) -> usize {
        let square = (radius_m / Planet::EARTH.radius_m()).powi(2);
        let (rows, squares, room) = self.targets(is_kept);
        // SAFETY: three doubles a centre are read; no more hits are written than there is room for.
        unsafe {
            bm_points_within(
                self.points.as_ptr(),
                centers.as_ptr().cast(),
                centers.len(),
                square.min(4.0),
                rows,
                squares,
                room,
            )
        }
    }

    fn ask_nearest(&mut self, centers: &[[f64; 3]], count: usize, is_kept: bool) -> usize {
        let count = c_int::try_from(count).expect("a small number");
        let (rows, squares, room) = self.targets(is_kept);
        // SAFETY: three doubles a centre are read; no more hits are written than there is room for.
        unsafe {
            bm_points_nearest(
                self.points.as_ptr(),
                centers.as_ptr().cast(),
                centers.len(),
                count,
                rows,
                squares,
                room,
            )
        }
    }

    fn targets(&mut self, is_kept: bool) -> (*mut u32, *mut f64, usize) {
        if is_kept {
            (self.rows.as_mut_ptr(), self.squares.as_mut_ptr(), HITS_MAX)
        } else {
            (null_mut(), null_mut(), 0)
        }
    }
}

impl PointIndex for Points {
    fn name(&self) -> &'static str {
        NAME
    }

    fn native(&self, points: &[[f64; 3]]) -> Vec<[f64; 3]> {
        points.iter().map(|point| unit_of(*point)).collect()
    }

    fn within(&mut self, center: [f64; 3], radius_m: f64, found: &mut Vec<Found>) {
        let hits = self.ask_within(&[center], radius_m, true);
        self.take(hits, found);
    }

    fn nearest(&mut self, center: [f64; 3], count: usize, found: &mut Vec<Found>) {
        let hits = self.ask_nearest(&[center], count, true);
        self.take(hits, found);
    }

    /// In one call, its results left in its own buffer.
    fn within_each(&mut self, centers: &[[f64; 3]], radius_m: f64, _: &mut Vec<Found>) -> u64 {
        self.ask_within(centers, radius_m, false) as u64
    }

    fn nearest_each(&mut self, centers: &[[f64; 3]], count: usize, _: &mut Vec<Found>) -> u64 {
        self.ask_nearest(centers, count, false) as u64
    }
}

impl MovingPoints for Points {
    fn move_each(&mut self, from: &[[f64; 3]], to: &[[f64; 3]]) {
        assert_eq!(from.len(), to.len());
        // SAFETY: three doubles a point are read of both.
        unsafe {
            bm_points_move(
                self.points.as_ptr(),
                from.as_ptr().cast(),
                to.as_ptr().cast(),
                from.len(),
            );
        }
    }
}

impl Drop for Points {
    fn drop(&mut self) {
        // SAFETY: it came from `bm_points_new` and is freed once.
        unsafe { bm_points_free(self.points.as_ptr()) }
    }
}

/// Regions of the sphere, numbered from 0.
pub(crate) struct Regions {
    regions: NonNull<CppRegions>,
    count: usize,
    owned: PhantomData<CppRegions>,
}

impl Regions {
    pub(crate) fn new() -> Self {
        // SAFETY: no conditions.
        let regions = unsafe { bm_regions_new() };
        Self {
            regions: NonNull::new(regions).expect("C++ gives some or aborts"),
            count: 0,
            owned: PhantomData,
        }
    }

    /// Latitudes and longitudes in radians.
    pub(crate) fn add_rect(&mut self, lat_rad: [f64; 2], lng_rad: [f64; 2]) {
        self.count += 1;
        // SAFETY: two doubles of each are read.
        unsafe {
            bm_regions_add_rect(self.regions.as_ptr(), lat_rad.as_ptr(), lng_rad.as_ptr());
        }
    }

    /// A polygon of a ring of unit vectors; inside is to the left.
    pub(crate) fn add_ring(&mut self, ring: &[DVec3]) {
        self.count += 1;
        let xyz: Vec<[f64; 3]> = ring.iter().map(|p| p.to_array()).collect();
        // SAFETY: three doubles a point are read.
        unsafe { bm_regions_add_ring(self.regions.as_ptr(), xyz.as_ptr().cast(), xyz.len()) }
    }
}

impl Drop for Regions {
    fn drop(&mut self) {
        // SAFETY: it came from `bm_regions_new` and is freed once.
        unsafe { bm_regions_free(self.regions.as_ptr()) }
    }
}

impl Points {
    /// Everybody in a region: its covering of eight cells, and the points in them one by one. Only numbers.
    pub(crate) fn in_region(&mut self, regions: &Regions, n: usize, found: &mut Vec<u32>) {
        assert!(n < regions.count);
        // SAFETY: there is such a region; no more numbers are written than there is room for.
        let hits = unsafe {
            bm_points_in_regions(
                self.points.as_ptr(),
                regions.regions.as_ptr(),
                n,
                1,
                self.rows.as_mut_ptr(),
                HITS_MAX,
            )
        };
        assert!(hits <= HITS_MAX, "{hits} hits");
        found.clear();
        found.extend(&self.rows[..hits]);
    }

    /// As [`Points::in_region`] for all regions; the number of hits.
    pub(crate) fn in_regions_each(&mut self, regions: &Regions) -> u64 {
        // SAFETY: there are so many regions; nothing is written for want of targets.
        let hits = unsafe {
            bm_points_in_regions(
                self.points.as_ptr(),
                regions.regions.as_ptr(),
                0,
                regions.count,
                null_mut(),
                0,
            )
        };
        hits as u64
    }

    /// The number of those within a distance of arcs, each between two unit vectors.
    pub(crate) fn along_each(&mut self, arcs: &[[[f64; 3]; 2]], radius_m: f64) -> u64 {
        let square = (radius_m / Planet::EARTH.radius_m()).powi(2);
        // SAFETY: six doubles an arc are read.
        let hits = unsafe {
            bm_points_along(
                self.points.as_ptr(),
                arcs.as_ptr().cast(),
                arcs.len(),
                square,
            )
        };
        hits as u64
    }
}

/// `MutableS2ShapeIndex`, asked by `S2ContainsPointQuery`.
pub(crate) struct Shapes {
    shapes: NonNull<CppShapes>,
    owned: PhantomData<CppShapes>,
}

impl Shapes {
    /// Shapes of rings, numbered from 0; inside is to the left.
    pub(crate) fn build(shapes: &[Vec<Vec<DVec3>>]) -> Self {
        // SAFETY: no conditions.
        let built = unsafe { bm_shapes_new() };
        let built = NonNull::new(built).expect("C++ gives an index or aborts");
        for rings in shapes {
            let lengths: Vec<u32> = rings.iter().map(|ring| ring.len() as u32).collect();
            let xyz: Vec<[f64; 3]> = rings.iter().flatten().map(|p| p.to_array()).collect();
            // SAFETY: as many lengths are read as there are rings, and three doubles for each point they count.
            unsafe {
                bm_shapes_add(
                    built.as_ptr(),
                    xyz.as_ptr().cast(),
                    lengths.as_ptr(),
                    lengths.len(),
                );
            }
        }
        // SAFETY: nobody else has it.
        unsafe { bm_shapes_build(built.as_ptr()) };
        Self {
            shapes: built,
            owned: PhantomData,
        }
    }

    /// For each point the first shape that contains it, or −1.
    pub(crate) fn containing(&self, points: &[[f64; 3]], found: &mut [i32]) {
        assert_eq!(points.len(), found.len());
        // SAFETY: three doubles a point are read, one number a point is written; the index is built.
        unsafe {
            bm_shapes_containing(
                self.shapes.as_ptr(),
                points.as_ptr().cast(),
                points.len(),
                found.as_mut_ptr(),
            );
        }
    }
}

impl Shapes {
    /// The distance of each point from the nearest shape, radians; 0 inside. By `S2ClosestEdgeQuery`.
    pub(crate) fn distances(&self, points: &[[f64; 3]], distances: &mut [f64]) {
        assert_eq!(points.len(), distances.len());
        // SAFETY: three doubles a point are read, one is written; the index is built.
        unsafe {
            bm_shapes_distances(
                self.shapes.as_ptr(),
                points.as_ptr().cast(),
                points.len(),
                distances.as_mut_ptr(),
            );
        }
    }

    /// How many shapes are within a distance of each point. By `S2ClosestEdgeQuery`, of whose edges the shapes are counted.
    pub(crate) fn within(&self, points: &[[f64; 3]], radius_rad: f64, found: &mut [u32]) {
        assert_eq!(points.len(), found.len());
        // SAFETY: three doubles a point are read, one number a point is written; the index is built.
        unsafe {
            bm_shapes_within(
                self.shapes.as_ptr(),
                points.as_ptr().cast(),
                points.len(),
                radius_rad,
                found.as_mut_ptr(),
            );
        }
    }
}

impl Drop for Shapes {
    fn drop(&mut self) {
        // SAFETY: it came from `bm_shapes_new` and is freed once.
        unsafe { bm_shapes_free(self.shapes.as_ptr()) }
    }
}

fn unit_of(point: [f64; 3]) -> [f64; 3] {
    point.map(|metres| metres / Planet::EARTH.radius_m())
}
