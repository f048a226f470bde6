//! Rigid bodies as they move: a packet tells what differs from a frame that the receiver has acknowledged.
//!
//! [`Bodies`] is for where bytes are dearest, [`QuickBodies`] for where time is; what follows is of the former.
//!
//! Everything that prediction and probabilities are made of, is of frames that the receiver has acknowledged: the
//! baseline, the frames 1, 2, 3 and 6 before it, and the models as they were after the baseline's packet. So packets
//! may be lost and come in any order, as long as the sender picks a baseline with these behind it.
//!
//! Costs about 180 ns a body that moves, and 260 to decode it, when eleven in twelve lie still; allocates when it is made and never again. The
//! same on every platform: integers, and f32 whose sums, products, quotients and square roots IEEE 754 rounds alike everywhere; none is sent.
//! One for each receiver: what is encoded here cannot be copied to another.
//!
//! First, who of those differs that lay still. Then of each of these and of all that moved before, in order: what differs; the position,
//! against where its velocity leads and what befell its neighbours of this packet; the orientation, against where its rotation leads. The
//! scale of how far off that is, is one symbol of 23, by how far predictions were off for this body when the baseline was coded, and for its
//! neighbours in this packet; then bits that are as likely 1 as 0, of three numbers at once.
//!
//! ```
//! use net_proto::{Bodies, Body};
//!
//! let still = Body::new([0, 0, 100], 3, [256; 3], false)?;
//! let (mut sender, mut receiver) = (Bodies::new(0, &[still; 9])?, Bodies::new(0, &[still; 9])?);
//! let mut moved = [still; 9];
//! moved[4] = Body::new([-7, 0, 100], 3, [256; 3], false)?;
//! let mut packet = [0; 1_000];
//! let bytes = sender.encode(1, 0, &moved, &mut packet)?;
//! assert_eq!(receiver.decode(1, 0, &packet[..bytes])?, &moved);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod body;
mod code;
mod frame;
mod model;
mod neighbours;
mod orientation;
mod position;
mod quick;
mod ring;
mod scene;
mod set;
mod sizes;

pub use body::{Body, IllegalBody};
pub use frame::{Bodies, BodiesError};
pub use quick::QuickBodies;

/// Bodies of one frame at most.
pub const BODIES_MAX: usize = 1_024;

#[cfg(test)]
mod tests;
