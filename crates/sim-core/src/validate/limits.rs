//! The limits that players are judged by.

/// Limits, in ticks and small integers. [`Limits::at`] has those of a tick rate; a game changes what it must.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Limits {
    /// Ticks a second.
    pub tick_rate_hz: u16,
    /// Inputs that may come for more ticks than have passed, since delay has fallen: 200 ms of the line, 100 ms of a frame that
    /// stuttered, and two ticks for rounding.
    pub burst_ticks: u16,
    /// Ticks of a silence that may be made up for after it: ten seconds, after which a session has ended.
    pub held_ticks: u16,
    /// How many ticks sooner than it can have been due an input may come: none where clients tell what they had seen when it
    /// was, not when they made it.
    pub early_ticks: u16,
    /// Datagrams that may come at once, after a line has held them back for half a second; one a tick may come for ever.
    pub datagrams_burst: u16,
    /// The largest turn in a tick, 2⁻¹⁶ turns: ten turns a second.
    pub turn_max: u16,
    /// The buttons that there are.
    pub buttons: u16,
    /// For so many ticks after something unknown to the client its predictions may be wrong: two seconds.
    pub excused_ticks: u16,
    /// A claimed way may be this much longer than speed and time allow before it is a teleport, 2⁻⁸ m.
    pub teleport_slack: u16,
    /// So deep in the ground, or high above it where it claims to stand, may somebody be, 2⁻⁸ m.
    pub ground_slack: u16,
    /// What falls is slowed by gravity, or the lack of it, at least by this, 2⁻⁸ m/s²: half that of the Earth.
    pub fall: u16,
}

impl Limits {
    /// The limits at so many ticks a second, for a game that knows all buttons.
    ///
    /// # Panics
    /// Below 10 or above 1,000 ticks a second.
    pub fn at(tick_rate_hz: u16) -> Self {
        assert!((10..=1_000).contains(&tick_rate_hz));
        Self {
            tick_rate_hz,
            burst_ticks: (3 * tick_rate_hz).div_ceil(10) + 2,
            held_ticks: 10 * tick_rate_hz,
            early_ticks: 0,
            datagrams_burst: (tick_rate_hz / 2).max(16),
            turn_max: (655_360 / u32::from(tick_rate_hz)).min(0x8000) as u16,
            buttons: u16::MAX,
            excused_ticks: 2 * tick_rate_hz,
            teleport_slack: 128,
            ground_slack: 77,
            fall: 1_256,
        }
    }
}
