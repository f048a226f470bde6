//! Inputs from a game's units.

use std::f64::consts::TAU;

use net_proto::Input;

/// An input that asks for a velocity, m/s to the east and north, and looks along a heading, radians clockwise from
/// north. Velocities beyond ±127 m/s are cut; the server has a limit of its own.
///
/// # Errors
/// [`InputError`] when a number is not finite.
pub fn input(east_mps: f64, north_mps: f64, heading_rad: f64) -> Result<Input, InputError> {
    for (name, value) in [
        ("east", east_mps),
        ("north", north_mps),
        ("heading", heading_rad),
    ] {
        if !value.is_finite() {
            return Err(InputError { name, value });
        }
    }
    // Casts saturate; a full turn is north again.
    let units = |mps: f64| (mps * f64::from(Input::UNITS_PER_MPS)).round() as i16;
    let turn = (heading_rad.rem_euclid(TAU) / TAU * 65_536.0).round() as u32;
    Ok(Input {
        east: units(east_mps),
        north: units(north_mps),
        heading: (turn % 65_536) as u16,
        ..Input::default()
    })
}

/// An input whose wishes are within a speed, 2⁻⁸ m/s: an honest client asks for no more.
pub(crate) fn within(speed: u16, input: Input) -> Input {
    let square = |part: i16| u64::from(part.unsigned_abs()) * u64::from(part.unsigned_abs());
    let limit = u64::from(speed) * u64::from(speed);
    let up = i32::from(input.up).clamp(-i32::from(speed), i32::from(speed)) as i16;
    let asked = square(input.east) + square(input.north);
    if asked <= limit {
        return Input { up, ..input };
    }
    let scale = f64::from(speed) / (asked as f64).sqrt();
    let cut = |part: i16| (f64::from(part) * scale) as i16; // towards zero
    Input {
        east: cut(input.east),
        north: cut(input.north),
        up,
        ..input
    }
}

/// A number that is not finite.
#[derive(Clone, Copy, PartialEq, Debug, thiserror::Error)]
#[error("`{name}` is {value}, not a finite number")]
pub struct InputError {
    name: &'static str,
    value: f64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wishes_are_cut_to_a_speed_in_their_direction() {
        let of = |east, north, up| {
            let input = within(
                1_024,
                Input {
                    east,
                    north,
                    up,
                    ..Input::default()
                },
            );
            (input.east, input.north, input.up)
        };
        assert_eq!(of(1_024, 0, -1_024), (1_024, 0, -1_024));
        assert_eq!(of(-3_000, 4_000, 2_000), (-614, 819, 1_024));
        assert_eq!(of(i16::MIN, i16::MIN, i16::MIN), (-724, -724, -1_024));
        let any = Input {
            east: 30_000,
            ..Input::default()
        };
        assert_eq!(within(u16::MAX, any), any);
        assert_eq!(within(0, any), Input::default());
    }

    #[test]
    fn units_are_as_on_the_wire() {
        let of = |e, n, h| input(e, n, h).map(|i| (i.east, i.north, i.heading));
        assert_eq!(of(1.0, -0.5, TAU / 4.0), Ok((256, -128, 16_384)));
        assert_eq!(of(1e9, -1e9, -TAU / 4.0), Ok((i16::MAX, i16::MIN, 49_152)));
        assert_eq!(of(0.0, 0.0, -1e-12), Ok((0, 0, 0)));
        for bad in [f64::NAN, f64::INFINITY] {
            assert!(
                of(bad, 0.0, 0.0).is_err()
                    && of(0.0, bad, 0.0).is_err()
                    && of(0.0, 0.0, bad).is_err()
            );
        }
    }
}
