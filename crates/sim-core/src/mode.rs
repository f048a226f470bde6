//! How an agent moves just now.

/// How an agent moves just now.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
#[repr(u8)]
pub enum Mode {
    /// On its feet.
    Walk = 0,
    /// In the air, or on ground too steep to stand on. What enters a world does so until it stands.
    #[default]
    Fall = 1,
    /// In the sea.
    Swim = 2,
}

impl Mode {
    /// The mode of a number; `None` for one that is none.
    pub fn new(number: u8) -> Option<Self> {
        [Self::Walk, Self::Fall, Self::Swim]
            .into_iter()
            .find(|mode| *mode as u8 == number)
    }
}
