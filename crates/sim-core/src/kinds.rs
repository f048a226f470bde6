//! The kinds of a world, and what the kernels read of them.

use crate::kind::{FINE_PER_M, Grade, Kind, KindId};

/// Grid units in one fine unit (2⁻⁸ m).
const UNITS_PER_FINE: f32 = 256.0;

/// All kinds of a world: part of its state.
#[derive(Clone, Default)]
pub(crate) struct Kinds {
    all: Vec<Option<Kind>>, // by id
    bodies: Vec<KindBody>,  // by id, derived; of those not told, anything
    radius_max: u16,        // of all
}

/// A kind's body in grid units.
#[derive(Clone, Copy)]
pub(crate) struct KindBody {
    pub(crate) radius: f32,
    /// The radius at which others touch it; NaN of a flyer, which nobody does.
    pub(crate) touch_radius: f32,
    /// The centre of the capsule's upper ball above its feet.
    pub(crate) top: f32,
    /// Highest speed, 2⁻⁸ m/s.
    pub(crate) speed_max: f32,
    pub(crate) grade: Grade,
}

impl Kinds {
    /// Tells what a kind is. False when it was told otherwise before, or it is none.
    pub(crate) fn define(&mut self, id: KindId, kind: Kind) -> bool {
        let at = usize::from(id.0);
        match self.all.get(at).copied().flatten() {
            Some(known) => known == kind,
            None if !kind.is_legal() => false,
            None => {
                let length = self.all.len().max(at + 1);
                self.all.resize(length, None);
                self.bodies.resize(length, KindBody::of(&kind));
                self.all[at] = Some(kind);
                self.bodies[at] = KindBody::of(&kind);
                self.radius_max = self.radius_max.max(kind.radius);
                true
            }
        }
    }

    pub(crate) fn get(&self, id: KindId) -> Option<&Kind> {
        self.all.get(usize::from(id.0))?.as_ref()
    }

    /// All kinds there are, ascending by id.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (KindId, &Kind)> {
        let numbered = self.all.iter().enumerate();
        numbered.filter_map(|(n, kind)| Some((KindId(n as u16), kind.as_ref()?)))
    }

    /// The body of an agent's kind.
    #[inline(always)]
    pub(crate) fn body(&self, kind: u16) -> KindBody {
        self.bodies[usize::from(kind)]
    }

    /// The distance at which the widest two touch, grid units.
    pub(crate) fn reach(&self) -> i32 {
        2 * i32::from(self.radius_max) * UNITS_PER_FINE as i32
    }
}

impl KindBody {
    fn of(kind: &Kind) -> Self {
        let radius = f32::from(kind.radius) * UNITS_PER_FINE;
        Self {
            radius,
            touch_radius: match kind.grade {
                Grade::Flyer => f32::NAN,
                Grade::Crowd | Grade::Character => radius,
            },
            top: f32::from(kind.height - kind.radius) * UNITS_PER_FINE,
            speed_max: f32::from(kind.speed_max),
            grade: kind.grade,
        }
    }
}

const _: () = assert!(UNITS_PER_FINE as f64 == spatial_core::UNITS_PER_M / FINE_PER_M);
