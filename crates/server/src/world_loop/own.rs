//! What a player is told of its own avatar, so that its client can predict it.

use std::time::Instant;

use bytes::Bytes;
use net_proto::{Avatar, Motion, OwnState, WireColumns};
use sim_core::{Kind, Mode, PUSH_SPEED_MAX_MPS, World};

use super::players::{Player, Players};
use super::rhythm::gap_max;
use super::views::{Source, owned_codes};
use crate::config::Config;
use crate::gateway::Tell;

/// What a kind is and can do, in the wire's terms.
pub(super) fn avatar(kind: &Kind) -> Avatar {
    Avatar {
        grade: kind.grade as u8,
        radius: kind.radius,
        height: kind.height,
        acceleration: kind.acceleration,
        slope_max: kind.slope_max,
        step_max: kind.step_max,
        jump_speed: kind.jump_speed,
        drag: kind.drag,
        weight: kind.weight,
    }
}

/// The exact state of a player's avatar before the next tick, as a datagram; `None` when nothing of the player was used since it was
/// last told, and will be. With when the first input came that it tells of.
pub(super) fn news(world: &World, player: &mut Player) -> Option<(Vec<u8>, Option<Instant>)> {
    if player.told_datagram == player.datagram && !player.is_halted {
        return None;
    }
    let exact = world.exact(player.entity)?;
    player.told_datagram = player.datagram;
    let state = OwnState {
        tick: world.tick(),
        last_input_seq: player.inputs.applied_seq(),
        ground: world.ground_under(player.entity).unwrap_or(0) as u32,
        position: exact.position,
        velocity: exact.velocity,
        motion: match exact.mode {
            Mode::Walk => Motion::Walk,
            Mode::Fall => Motion::Fall,
            Mode::Swim => Motion::Swim,
        },
    };
    let mut bytes = Vec::with_capacity(OwnState::BYTES);
    state.encode(&mut bytes);
    Some((bytes, player.take_arrival()))
}

/// Appends the exact states of those of whom a new datagram of inputs has begun to be used, and who have no snapshot in this tick.
pub(super) fn between(world: &World, players: &mut Players, out: &mut Vec<Tell>) {
    let welcome = (players.iter_mut()).filter(|(_, player)| player.is_welcome && !player.is_lost);
    let told = welcome.filter(|(_, player)| player.told_datagram != player.datagram);
    out.extend(told.filter_map(|(session, player)| {
        let (state, heard) = news(world, player)?;
        player.budget.spend(state.len());
        Some(Tell {
            session,
            datagrams: vec![state.into()],
            heard,
        })
    }));
}

/// What a player's avatar has in the columns for owners, as a datagram, when it is time.
pub(super) fn values(
    (world, row): (&World, usize),
    (columns, sources): (&WireColumns, &[Source]),
    player: &mut Player,
) -> Option<Bytes> {
    if player.version < 3 {
        return None;
    }
    let mut bytes = Vec::new();
    let codes = owned_codes(sources, world, row);
    let own = &mut player.own_values;
    own.write(columns, (world.tick(), codes), &mut bytes)
        .then(|| bytes.into())
}

/// Nobody who is farther away in a snapshot touches a player before the next but one, metres: somebody who stands on a head is near, and
/// both have a way to go.
pub(super) fn near_m(config: &Config) -> f64 {
    let player = Kind::character(0);
    let every = u64::from(config.snapshot_ticks);
    // Places are looked at in every so many ticks.
    let ticks = (2 * gap_max(every) + every - 1) as f64;
    let speed_mps = config.speed_max_mps + PUSH_SPEED_MAX_MPS;
    player.height_m()
        + 2.0 * player.radius_m()
        + 2.0 * speed_mps * ticks / f64::from(config.tick_rate_hz)
}
