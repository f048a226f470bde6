//! What is wrong with a file of heights.

/// Why a file of heights was refused or cannot be read further: which file, where in it, what to do.
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
#[error("{file}: {fault}")]
pub struct ReliefError {
    /// The file, as it was named.
    pub file: Box<str>,
    /// What.
    pub fault: ReliefFault,
}

/// What is wrong, and where.
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
pub enum ReliefFault {
    /// The system cannot open or read it.
    #[error("{0}")]
    Io(Box<str>),
    /// Neither its content nor its name says what it is.
    #[error(
        "no format that is read: want .hgt, .hgt.zip, GeoTIFF, PNG, or a raw grid with a side file (.json or .toml) of its name"
    )]
    UnknownFormat,
    /// The name does not say where it lies.
    #[error("the name does not say where it lies: want {0}")]
    Name(&'static str),
    /// It is not as long as its form asks.
    #[error("{bytes} bytes, but {want}")]
    Length {
        /// How long it is.
        bytes: u64,
        /// How long it should be.
        want: Box<str>,
    },
    /// More than is read at once; nothing was allocated for it.
    #[error("{what}: {count} are more than the {count_max} that are read; {advice}")]
    TooLarge {
        /// Of what.
        what: Box<str>,
        /// How many it claims.
        count: u64,
        /// How many may be.
        count_max: u64,
        /// What to do.
        advice: &'static str,
    },
    /// Bytes that cannot be decoded.
    #[error("{place}: {message}")]
    Damaged {
        /// Where in the file.
        place: Box<str>,
        /// The decoder's words, cut to a bounded length.
        message: Box<str>,
    },
    /// A legal file of a kind that is not read.
    #[error("{place}: {what}; {advice}")]
    Unsupported {
        /// Where in the file.
        place: Box<str>,
        /// What is there.
        what: Box<str>,
        /// What to do.
        advice: &'static str,
    },
    /// Coordinates of a system that is not read.
    #[error(
        "EPSG:{0} is not read: want latitudes and longitudes (EPSG:4326 and relatives), UTM (EPSG:326xx, 327xx) or Web Mercator (EPSG:3857); convert it with `gdalwarp -t_srs EPSG:4326`"
    )]
    Crs(u32),
    /// A number that makes no sense in its place.
    #[error("{place}: {value} {problem}")]
    Value {
        /// Where in the file.
        place: Box<str>,
        /// The number.
        value: f64,
        /// What is wrong with it.
        problem: &'static str,
    },
}

impl ReliefFault {
    /// Makes the error of a file.
    pub(super) fn of(self, file: &str) -> ReliefError {
        let file = file.into();
        ReliefError { file, fault: self }
    }

    pub(super) fn damaged(place: impl Into<Box<str>>, message: &dyn std::fmt::Display) -> Self {
        Self::Damaged {
            place: place.into(),
            message: cut(message),
        }
    }
}

impl From<std::io::Error> for ReliefFault {
    fn from(error: std::io::Error) -> Self {
        Self::Io(cut(&error))
    }
}

/// A decoder's message, cut to a bounded length.
fn cut(message: &dyn std::fmt::Display) -> Box<str> {
    const CHARS_MAX: usize = 200;
    message.to_string().chars().take(CHARS_MAX).collect()
}
