//! What was found, and what it weighs.

/// Something that an honest client does not do.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Finding {
    /// Inputs for more ticks than have passed, beyond what delay and jitter explain.
    TooMany {
        /// So many.
        ticks: u32,
    },
    /// Inputs of a longer silence than delay explains came all at once: a line or a server that stood still, or who holds them back. They are used
    /// as far as anybody's are, which gains nothing.
    Held {
        /// So many.
        ticks: u32,
    },
    /// Inputs came sooner than they can have been made: the client had seen a tick before an earlier one of them, and they are one a tick.
    TooEarly {
        /// By so many ticks more than before.
        ticks: u32,
    },
    /// Inputs come ever sooner, and had seen ever less, while the round trip stays: a clock that is fast.
    FastClock {
        /// It has gained so many.
        ticks: u32,
    },
    /// Numbers far ahead of time.
    Future {
        /// So many ticks.
        ticks: u32,
    },
    /// A datagram of nothing but inputs that are long over: a replay.
    Stale {
        /// The number of its last input.
        seq: u32,
    },
    /// Inputs are missing that a datagram has room for.
    Gap {
        /// So many.
        missing: u32,
    },
    /// An input came twice, and not the same.
    Contradiction {
        /// Its number.
        seq: u32,
    },
    /// More datagrams than anybody needs.
    Flood,
    /// A datagram without inputs, with too many, or with numbers beyond the last one.
    Malformed,
    /// A wish beyond the kind's highest speed.
    WishTooLong {
        /// Its length, 2⁻⁸ m/s, rounded down.
        asked: u32,
    },
    /// Buttons that there are not.
    UnknownButtons {
        /// They.
        buttons: u16,
    },
    /// A turn that no hand makes in a tick.
    AimSnap {
        /// 2⁻¹⁶ turns a tick.
        turn: u16,
    },
    /// Another state was predicted though nothing that the client could not know was in reach.
    Mispredicted,
    /// A claim to be somewhere that is no place.
    NoPlace,
    /// A claim to be where nobody gets in the time there was.
    Teleport {
        /// The way, 2⁻⁸ m.
        way: u32,
    },
    /// A way through something solid.
    Wall,
    /// A claim to be under the ground.
    Ground {
        /// So deep, 2⁻⁸ m.
        depth: u32,
    },
    /// Faster than its kind for longer than rounding explains.
    Speed,
    /// Off the ground, and neither jumping nor falling.
    Flight,
}

impl Finding {
    /// How many kinds there are.
    pub(super) const KINDS: usize = 20;

    /// Its kind, as a number below [`Finding::KINDS`].
    pub(super) fn kind(self) -> usize {
        match self {
            Self::TooMany { .. } => 0,
            Self::TooEarly { .. } => 1,
            Self::Future { .. } => 2,
            Self::Stale { .. } => 3,
            Self::Gap { .. } => 4,
            Self::Contradiction { .. } => 5,
            Self::Flood => 6,
            Self::Malformed => 7,
            Self::WishTooLong { .. } => 8,
            Self::UnknownButtons { .. } => 9,
            Self::AimSnap { .. } => 10,
            Self::Mispredicted => 11,
            Self::NoPlace => 12,
            Self::Teleport { .. } => 13,
            Self::Wall => 14,
            Self::Ground { .. } => 15,
            Self::Speed => 16,
            Self::Flight => 17,
            Self::FastClock { .. } => 18,
            Self::Held { .. } => 19,
        }
    }

    /// What it is called, for counts and logs.
    pub fn name(self) -> &'static str {
        match self {
            Self::TooMany { .. } => "too_many",
            Self::TooEarly { .. } => "too_early",
            Self::FastClock { .. } => "fast_clock",
            Self::Held { .. } => "held",
            Self::Future { .. } => "future",
            Self::Stale { .. } => "stale",
            Self::Gap { .. } => "gap",
            Self::Contradiction { .. } => "contradiction",
            Self::Flood => "flood",
            Self::Malformed => "malformed",
            Self::WishTooLong { .. } => "wish_too_long",
            Self::UnknownButtons { .. } => "unknown_buttons",
            Self::AimSnap { .. } => "aim_snap",
            Self::Mispredicted => "mispredicted",
            Self::NoPlace => "no_place",
            Self::Teleport { .. } => "teleport",
            Self::Wall => "wall",
            Self::Ground { .. } => "ground",
            Self::Speed => "speed",
            Self::Flight => "flight",
        }
    }

    /// What it weighs, points. 30 points fade in a second.
    ///
    /// What gains something at once weighs enough to be corrected at once; what a hand or a network might just do, once,
    /// is never enough alone.
    pub fn score(self) -> u32 {
        const TICKS_MAX: u32 = 8; // of one datagram
        match self {
            Self::TooMany { ticks } | Self::TooEarly { ticks } => 100 * ticks.min(TICKS_MAX),
            Self::FastClock { .. } => 130,
            Self::Held { .. }
            | Self::Future { .. }
            | Self::NoPlace
            | Self::Speed
            | Self::Flight => 100,
            Self::Stale { .. } | Self::Gap { .. } => 20,
            Self::Contradiction { .. } => 150,
            Self::Flood => 10,
            Self::Malformed | Self::WishTooLong { .. } | Self::UnknownButtons { .. } => 50,
            Self::AimSnap { .. } => 40,
            Self::Mispredicted => 30,
            Self::Teleport { .. } | Self::Wall | Self::Ground { .. } => 400,
        }
    }
}

/// What a server should do about a player.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
#[repr(u8)]
pub enum Escalation {
    /// Nothing.
    #[default]
    None = 0,
    /// Keep its inputs for a review.
    Watch = 1,
    /// Believe nothing that it says of itself, and set it back to where the server has it.
    Correct = 2,
    /// End its session.
    Kick = 3,
    /// And do not let it come back.
    Ban = 4,
}

impl Escalation {
    /// That of a score.
    pub fn of(points: u32) -> Self {
        match points {
            0..100 => Self::None,
            100..300 => Self::Watch,
            300..1_000 => Self::Correct,
            1_000..3_000 => Self::Kick,
            3_000.. => Self::Ban,
        }
    }

    pub(super) fn from_number(number: u8) -> Option<Self> {
        let all = [
            Self::None,
            Self::Watch,
            Self::Correct,
            Self::Kick,
            Self::Ban,
        ];
        all.get(usize::from(number)).copied()
    }
}
