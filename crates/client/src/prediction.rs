//! The player's own entity, predicted by the server's own step.
//!
//! ```text
//!            own state: tick 90, input 41                 input 45 is made
//!                   │                                           │
//!  confirmed ●──41──┤──42──●──43──●──44──●──45──● now           each ● is the state after an input; the hash that
//!                   │                                           travels with 45 is that of the one after 44
//!                   └─ was it what input 41 led to here?  yes: nothing changes   no: 42 to 45 are computed again from it
//! ```
//! Where nothing that the client does not know was in reach, it always was. Inputs that were sent before there was anything to predict from, or so long ago that
//! they are forgotten, led to where nobody here knows: nothing is said until the server has used them.

use std::collections::VecDeque;
use std::sync::Arc;

use net_proto::{Avatar, Input, Motion, OwnState, Welcome};
use sim_core::{ExactState, Grade, Kind, Mode, Obstacles, Solo, WorldStart};
use spatial_core::{DVec3, Ecef, LatticeSpec, Planet, TileStore, UNITS_PER_M};

use crate::ground::Ground;

/// Inputs are kept for want of confirmation for so many seconds.
const STEPS_S: usize = 2;
/// What is drawn comes half the way to what is predicted in so long, seconds.
const FADE_S: f64 = 0.1;
/// Who is farther off than so is put there at once, metres: it was moved.
const SNAP_M: f64 = 1.0;
/// Who was wrong so often in a row does not know what is around it, and says no more what it predicts until it was right as often.
const DOUBTS: u32 = 3;

/// The player's own entity, ahead of the server by the inputs that are on their way.
#[derive(Clone, Debug)]
pub struct Prediction {
    planet: Planet,
    lattice: LatticeSpec,
    solo: Solo,
    ground: Ground,
    obstacles: Obstacles,
    heard: Option<(u64, u32)>, // tick and input of the newest own state
    base: Option<ExactState>, // the state that the first step goes on from; none where nothing can be predicted
    steps: VecDeque<Step>,    // of the inputs after it
    steps_max: usize,
    unknown_seq: u32, // inputs up to this one are not among the steps: states before it say nothing of what they lead to
    doubts: u32,      // own states in a row that were other than predicted, or since then were not
    fading: DVec3,    // metres from where the player is predicted to where it is drawn
    fade: f64,        // what is left of that after a tick
    counts: PredictionCounts,
}

/// An input, and where it led.
#[derive(Clone, Copy, Debug)]
struct Step {
    seq: u32,
    input: sim_core::Input,
    after: Option<ExactState>,
}

/// Whether the server's state of the player is what was predicted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Agreement {
    /// Nothing had been predicted: the first state, or one over ground that the client does not know.
    Unpredicted,
    /// It is, to the last bit.
    Agreed,
    /// It is not. What is predicted for now has moved by so much, 2⁻¹⁶ m.
    Corrected(u32),
}

impl Agreement {
    /// How far what is predicted for now has moved, metres.
    pub fn correction_m(self) -> f64 {
        match self {
            Self::Corrected(units) => f64::from(units) / UNITS_PER_M,
            Self::Unpredicted | Self::Agreed => 0.0,
        }
    }
}

/// What predictions came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct PredictionCounts {
    /// Own states that were as predicted.
    pub agreed: u64,
    /// Own states that were not.
    pub corrected: u64,
    /// The largest correction, 2⁻¹⁶ m.
    pub largest: u32,
    /// Corrections that were too large to fade: the player was seen to jump.
    pub snaps: u64,
}

impl PredictionCounts {
    /// Of both.
    pub(crate) fn and(self, more: Self) -> Self {
        Self {
            agreed: self.agreed + more.agreed,
            corrected: self.corrected + more.corrected,
            largest: self.largest.max(more.largest),
            snaps: self.snaps + more.snaps,
        }
    }
}

/// Why a client cannot predict its player.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NoPrediction {
    /// The server's planet has another size or another lattice.
    #[error("the client's planet is not the one that the server's world is on")]
    OtherPlanet,
    /// The player is no character.
    #[error("only characters are predicted, and the player is none")]
    NoCharacter,
}

impl Prediction {
    /// For a welcomed player, over the ground of a store. Of inputs up to `sent_seq`, which have been sent already, it knows nothing: it begins when the
    /// server has used them.
    ///
    /// # Errors
    /// [`NoPrediction`].
    pub fn new(
        welcome: &Welcome,
        sent_seq: u32,
        store: Arc<dyn TileStore>,
    ) -> Result<Self, NoPrediction> {
        let (planet, lattice) = (store.manifest().planet(), *store.manifest().lattice());
        let radius_mm = (planet.radius_m() * 1e3).round() as u64;
        if radius_mm != welcome.radius_mm || lattice.fingerprint() != welcome.lattice {
            return Err(NoPrediction::OtherPlanet);
        }
        let start = WorldStart {
            world_id: welcome.world.0,
            planet,
            tick_rate_hz: welcome.tick_rate_hz,
            gravity: welcome.gravity,
            lattice,
        };
        let kind =
            kind_of(&welcome.avatar, welcome.speed_limit).ok_or(NoPrediction::NoCharacter)?;
        let steps_max = STEPS_S * usize::from(welcome.tick_rate_hz);
        Ok(Self {
            planet,
            lattice,
            solo: Solo::new(&start, kind).ok_or(NoPrediction::NoCharacter)?,
            ground: Ground::new(store),
            obstacles: Obstacles::new(planet),
            heard: None,
            base: None,
            steps: VecDeque::with_capacity(steps_max),
            steps_max,
            unknown_seq: sent_seq,
            doubts: 0,
            fading: DVec3::ZERO,
            fade: 0.5f64.powf(1.0 / (FADE_S * f64::from(welcome.tick_rate_hz))),
            counts: PredictionCounts::default(),
        })
    }

    /// Predicts over the ground of another store of the same planet from now on: one that has more of it, or newer.
    ///
    /// # Errors
    /// [`NoPrediction::OtherPlanet`]; then nothing changes.
    pub fn exchange_ground(&mut self, store: Arc<dyn TileStore>) -> Result<(), NoPrediction> {
        let (planet, lattice) = (store.manifest().planet(), *store.manifest().lattice());
        if planet != self.planet || lattice != self.lattice {
            return Err(NoPrediction::OtherPlanet);
        }
        self.ground.exchange(store);
        Ok(())
    }

    /// The static obstacles that the client knows of.
    pub fn obstacles_mut(&mut self) -> &mut Obstacles {
        &mut self.obstacles
    }

    /// Predicts what an input leads to. Numbers follow each other.
    pub fn step(&mut self, seq: u32, input: &Input) {
        if self.steps.len() == self.steps_max
            && let Some(forgotten) = self.steps.pop_front()
        {
            self.unknown_seq = forgotten.seq; // nothing was heard for long
        }
        let input = sim_core::Input {
            seq,
            east: input.east,
            north: input.north,
            up: input.up,
            heading: input.heading,
            buttons: input.buttons,
            predicted: 0,
        };
        let after = self.state().map(|state| self.after(&state, &input));
        self.steps.push_back(Step { seq, input, after });
        self.fading *= self.fade;
    }

    /// Takes in what the server says. What is late says nothing.
    pub fn hear(&mut self, own: &OwnState) -> Agreement {
        if self.heard.is_some_and(|(tick, _)| own.tick <= tick) {
            return Agreement::Unpredicted;
        }
        let before = self.state();
        let foretold = self.confirm(own.last_input_seq);
        self.heard = Some((own.tick, own.last_input_seq));
        let exact = exact(own);
        self.base = (self.has_all_after(own.last_input_seq) && self.knows(own)).then_some(exact);
        let agreement = match (foretold, self.base) {
            (Some(foretold), Some(_)) if foretold == exact => Agreement::Agreed,
            _ => {
                self.replay();
                let agreement = self.correction(before);
                if let Agreement::Corrected(_) = agreement {
                    self.fade_from(before);
                }
                agreement
            }
        };
        self.count(agreement);
        agreement
    }

    /// The state after the last input; `None` where nothing can be predicted.
    pub fn state(&self) -> Option<ExactState> {
        match self.steps.back() {
            Some(step) => step.after,
            None => self.base,
        }
    }

    /// Where the player is after the last input.
    pub fn place(&self) -> Option<Ecef> {
        self.planet.place(self.state()?.position).ok()
    }

    /// Where to draw the player after the last input: where it is, but for corrections, which fade over some tenths of a second. Somebody who
    /// was put elsewhere, more than a metre away, is drawn there at once.
    pub fn shown(&self) -> Option<Ecef> {
        let place = self.place()?;
        let [x, y, z] = (place.to_vec() + self.fading).to_array();
        Some(Ecef::new(x, y, z).unwrap_or(place))
    }

    /// The hash of the state that the last input was predicted from; 0 when there is nothing to say.
    pub fn hash(&self) -> u32 {
        let before = match self.steps.len() {
            0 => None,
            1 => self.base,
            n => self.steps[n - 2].after,
        };
        let is_sure = self.doubts < DOUBTS;
        before.filter(|_| is_sure).map_or(0, |state| state.hash())
    }

    /// What predictions came to.
    pub fn counts(&self) -> PredictionCounts {
        self.counts
    }

    /// Forgets the steps up to an input; where the last of them led, if that is known.
    fn confirm(&mut self, seq: u32) -> Option<ExactState> {
        let mut foretold = match self.heard {
            Some((_, heard)) if heard == seq => self.base,
            _ => None,
        };
        while let Some(step) = self.steps.front().filter(|step| step.seq <= seq) {
            foretold = step.after;
            self.steps.pop_front();
        }
        foretold
    }

    /// Computes all steps again.
    fn replay(&mut self) {
        let mut state = self.base;
        for n in 0..self.steps.len() {
            let input = self.steps[n].input;
            state = state.map(|state| self.after(&state, &input));
            self.steps[n].after = state;
        }
    }

    /// Where there is no ground a world holds whoever is there.
    fn after(&mut self, from: &ExactState, input: &sim_core::Input) -> ExactState {
        let (solo, obstacles) = (&mut self.solo, &self.obstacles);
        let next = (self.ground).with(|tiles| solo.step(from, input, tiles, obstacles));
        next.unwrap_or(*from)
    }

    /// Whether all that has been sent after an input is among the steps.
    fn has_all_after(&self, seq: u32) -> bool {
        seq >= self.unknown_seq
    }

    /// Whether the ground that the server has below the player is here.
    fn knows(&mut self, own: &OwnState) -> bool {
        let place = self.planet.place(own.position);
        own.ground != 0 && place.is_ok_and(|place| self.ground.name_at(place) == own.ground)
    }

    fn correction(&self, before: Option<ExactState>) -> Agreement {
        let place = |state: ExactState| self.planet.place(state.position).ok();
        let (Some(before), Some(now)) = (before.and_then(place), self.place()) else {
            return Agreement::Unpredicted;
        };
        // Casts saturate. What moves by nothing now may still go another way.
        let units = (before.distance_m(now) * UNITS_PER_M).round() as u32;
        Agreement::Corrected(units.max(1))
    }

    /// What is drawn stays where it is, and comes from there.
    fn fade_from(&mut self, before: Option<ExactState>) {
        let before = before.and_then(|state| self.planet.place(state.position).ok());
        let (Some(before), Some(now)) = (before, self.place()) else {
            return;
        };
        self.fading += before.to_vec() - now.to_vec();
        if self.fading.length() > SNAP_M {
            self.fading = DVec3::ZERO;
            self.counts.snaps += 1;
        }
    }

    fn count(&mut self, agreement: Agreement) {
        match agreement {
            Agreement::Unpredicted => {}
            Agreement::Agreed => {
                self.counts.agreed += 1;
                self.doubts = self.doubts.saturating_sub(1);
            }
            Agreement::Corrected(units) => {
                self.counts.corrected += 1;
                self.counts.largest = self.counts.largest.max(units);
                self.doubts = (self.doubts + 1).min(2 * DOUBTS);
            }
        }
    }
}

fn exact(own: &OwnState) -> ExactState {
    ExactState {
        position: own.position,
        velocity: own.velocity,
        mode: match own.motion {
            Motion::Walk => Mode::Walk,
            Motion::Fall => Mode::Fall,
            Motion::Swim => Mode::Swim,
        },
    }
}

/// The simulation's words for what a welcome says.
fn kind_of(avatar: &Avatar, speed_max: u16) -> Option<Kind> {
    let kind = Kind {
        grade: Grade::Character,
        role: 0,
        radius: avatar.radius,
        height: avatar.height,
        speed_max,
        acceleration: avatar.acceleration,
        slope_max: avatar.slope_max,
        step_max: avatar.step_max,
        jump_speed: avatar.jump_speed,
        drag: avatar.drag,
        weight: avatar.weight,
    };
    (avatar.grade == Grade::Character as u8 && kind.is_legal()).then_some(kind)
}
