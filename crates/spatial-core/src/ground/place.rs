//! Places that have ground below them.

use glam::DVec3;

use crate::planet::{Ecef, Geodetic};

/// A place that has a direction from the planet's centre: [`Ecef`] and [`Geodetic`].
pub trait Place: sealed::Sealed {
    /// The direction, of any length but zero: that of latitude and longitude 0 for the planet's centre.
    fn direction(&self) -> DVec3;
}

impl Place for Ecef {
    #[inline(always)]
    fn direction(&self) -> DVec3 {
        match self.to_vec() {
            DVec3::ZERO => DVec3::X,
            p => p,
        }
    }
}

impl Place for Geodetic {
    fn direction(&self) -> DVec3 {
        Geodetic::direction(*self)
    }
}

mod sealed {
    use crate::planet::{Ecef, Geodetic};

    pub trait Sealed {}
    impl Sealed for Ecef {}
    impl Sealed for Geodetic {}
}
