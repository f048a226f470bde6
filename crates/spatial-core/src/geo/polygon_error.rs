//! What is wrong with rings.

/// Why rings make no polygon. Rings and vertices are counted from 0, as they were given.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum PolygonError {
    /// There is no ring.
    #[error("a polygon needs a ring")]
    NoRings,
    /// A vertex has no direction.
    #[error("vertex {vertex} of ring {ring} is zero or not finite")]
    Direction {
        /// The ring.
        ring: usize,
        /// The vertex.
        vertex: usize,
    },
    /// Which way an edge goes cannot be said.
    #[error("vertex {vertex} of ring {ring} is opposite to the one before")]
    Opposite {
        /// The ring.
        ring: usize,
        /// The edge's end, counted without repeated points and spikes.
        vertex: usize,
    },
    /// A ring encloses nothing.
    #[error("ring {ring} has fewer than three vertices that enclose something")]
    NoArea {
        /// The ring.
        ring: usize,
    },
    /// Edges of a ring cross each other.
    #[error("ring {ring} crosses itself near {:?}", at.map(f64::from_bits))]
    SelfCrossing {
        /// The ring.
        ring: usize,
        /// A direction nearby: bits of x, y and z.
        at: [u64; 3],
    },
    /// Edges of two rings cross each other.
    #[error("rings {} and {} cross near {:?}", rings[0], rings[1], at.map(f64::from_bits))]
    RingsCross {
        /// The rings, ascending.
        rings: [usize; 2],
        /// A direction nearby: bits of x, y and z.
        at: [u64; 3],
    },
    /// More than 2²⁶ edges.
    #[error("a polygon has at most 67,108,864 edges")]
    TooLarge,
}
