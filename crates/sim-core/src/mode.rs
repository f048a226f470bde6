//! How an agent moves just now.

/// How an agent moves just now.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
#[repr(u8)]
pub enum Mode {
    /// It has not found its ground yet, or falls, or is thrown.
    #[default]
    Fall = 0,
    /// It stands or walks.
    Walk = 1,
    /// It swims.
    Swim = 2,
}

impl Mode {
    /// The mode of a number of the state column; what is none falls.
    pub fn from_u8(mode: u8) -> Self {
        match mode {
            1 => Self::Walk,
            2 => Self::Swim,
            _ => Self::Fall,
        }
    }
}
