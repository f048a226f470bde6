//! What is wrong with a file of features.

use crate::geo::{PolygonError, PolylineError};

/// Why a file of features was refused, and where.
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
#[error("{path}: {fault}")]
pub struct FeatureFileError {
    /// Where in the file, as `features[3].geometry.coordinates[0][17]`; at most as deep as files may nest.
    pub path: Box<str>,
    /// What.
    pub fault: FeatureFault,
}

/// What is wrong.
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
pub enum FeatureFault {
    /// The text is longer than the options allow.
    #[error("{bytes} bytes are more than the {bytes_max} that are read")]
    TooLong {
        /// How long it is.
        bytes: usize,
        /// How long it may be.
        bytes_max: usize,
    },
    /// Not JSON, or not of the form that the standard gives it; line and column are in the text.
    #[error("{0}")]
    Form(Box<str>),
    /// The object that is asked for does not exist.
    #[error("there is no such object")]
    NoSuchObject,
    /// A reference leads nowhere.
    #[error("arc {0} does not exist")]
    NoSuchArc(i64),
    /// Collections in collections.
    #[error("geometry is nested deeper than {0}")]
    TooDeep(usize),
    /// A position needs two numbers.
    #[error("a position has {0} numbers, not 2 or more")]
    Position(usize),
    /// The latitude is not a number within ±90°.
    #[error("latitude {0}° is not within ±90")]
    Latitude(f64),
    /// The longitude is not a number within ±540°.
    #[error("longitude {0}° is not within ±540")]
    Longitude(f64),
    /// A ring needs four positions.
    #[error("a ring has {0} positions, not 4 or more")]
    RingTooShort(usize),
    /// The last position of a ring is not the first.
    #[error("the ring is not closed")]
    RingNotClosed,
    /// Edges straight in latitude and longitude cannot be followed that closely.
    #[error("the edges need more than {0} points")]
    TooManyPoints(usize),
    /// The rings make no polygon; they are counted over all polygons of the geometry.
    #[error(transparent)]
    Polygon(#[from] PolygonError),
    /// The positions make no line.
    #[error(transparent)]
    Polyline(#[from] PolylineError),
}

/// The way to a part of a file, told only when something is wrong there.
#[derive(Clone, Copy)]
pub(super) enum Path<'a> {
    Root,
    Field(&'a Path<'a>, &'static str),
    Index(&'a Path<'a>, usize),
}

impl Path<'_> {
    pub(super) fn fault(&self, fault: impl Into<FeatureFault>) -> FeatureFileError {
        let mut path = String::new();
        self.write(&mut path);
        if path.is_empty() {
            path.push_str("file");
        }
        FeatureFileError {
            path: path.into(),
            fault: fault.into(),
        }
    }

    fn write(&self, to: &mut String) {
        match self {
            Path::Root => {}
            Path::Field(parent, name) => {
                parent.write(to);
                if !to.is_empty() {
                    to.push('.');
                }
                to.push_str(name);
            }
            Path::Index(parent, index) => {
                parent.write(to);
                to.push_str(&format!("[{index}]"));
            }
        }
    }
}

/// A parser's message, cut to a bounded length.
pub(super) fn form(message: &impl std::fmt::Display) -> FeatureFault {
    const CHARS_MAX: usize = 200;
    FeatureFault::Form(message.to_string().chars().take(CHARS_MAX).collect())
}
