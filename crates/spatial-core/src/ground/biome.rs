//! What grows where: a function of latitude and height, until planets bring their own.

/// What grows on the ground, or covers it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Biome {
    /// Water, the ground below 0 m.
    Sea,
    /// Sea that is frozen in the mean of a year.
    SeaIce,
    /// Ice and bare ground.
    Ice,
    /// Moss and low shrubs.
    Tundra,
    /// Conifers of cold winters.
    BorealForest,
    /// Forest of four seasons.
    TemperateForest,
    /// Grass and shrubs with dry summers.
    Shrubland,
    /// Sand and stones of the dry belts.
    Desert,
    /// Grass and few trees between deserts and rain.
    Savanna,
    /// Forest of the rains at the equator.
    Rainforest,
}

/// Sea water freezes here, °C.
const FREEZING_C: f64 = -1.8;
/// Degrees a metre that air grows colder upwards (ICAO standard atmosphere).
const LAPSE_C_PER_M: f64 = 0.006_5;

impl Biome {
    /// All of them, in order.
    pub const ALL: [Self; 10] = [
        Self::Sea,
        Self::SeaIce,
        Self::Ice,
        Self::Tundra,
        Self::BorealForest,
        Self::TemperateForest,
        Self::Shrubland,
        Self::Desert,
        Self::Savanna,
        Self::Rainforest,
    ];

    /// What is to be expected at the sine of a latitude and a height in metres, on a planet with the climate of the Earth.
    ///
    /// ```text
    /// T = 14.9 − 28·(3·sin² − 1)/2 − 0.0065·max(height, 0)      °C, mean of a year (North 1975; standard atmosphere)
    ///
    /// height < 0      sea; below −1.8 °C sea ice
    /// T < −11         ice             −11 … −6   tundra           −6 … 2    boreal forest
    /// 2 … 16          temperate forest, from 30° to 38° shrubland
    /// from 16         below 12° rainforest, to 18° savanna, to 30° desert, beyond shrubland
    /// ```
    pub fn at(sin_lat: f64, height_m: f64) -> Self {
        let square = sin_lat * sin_lat;
        let sea_c = 14.9 - 14.0 * (3.0 * square - 1.0);
        if height_m < 0.0 {
            return if sea_c < FREEZING_C {
                Self::SeaIce
            } else {
                Self::Sea
            };
        }
        let mean_c = sea_c - LAPSE_C_PER_M * height_m;
        // Squares of the sines of 12°, 18°, 30° and 38°.
        let is_within = |sine_square: f64| square < sine_square;
        match mean_c {
            t if t < -11.0 => Self::Ice,
            t if t < -6.0 => Self::Tundra,
            t if t < 2.0 => Self::BorealForest,
            t if t < 16.0 && !is_within(0.25) && is_within(0.379_04) => Self::Shrubland,
            t if t < 16.0 => Self::TemperateForest,
            _ if is_within(0.043_227) => Self::Rainforest,
            _ if is_within(0.095_492) => Self::Savanna,
            _ if is_within(0.25) => Self::Desert,
            _ => Self::Shrubland,
        }
    }

    /// Its name in lower case, words apart.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sea => "sea",
            Self::SeaIce => "sea ice",
            Self::Ice => "ice",
            Self::Tundra => "tundra",
            Self::BorealForest => "boreal forest",
            Self::TemperateForest => "temperate forest",
            Self::Shrubland => "shrubland",
            Self::Desert => "desert",
            Self::Savanna => "savanna",
            Self::Rainforest => "rainforest",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_of_the_earth() {
        let at = |lat_deg: f64, height_m| Biome::at(libm::sin(lat_deg.to_radians()), height_m);
        assert_eq!(at(0.0, 100.0), Biome::Rainforest);
        assert_eq!(at(14.0, 300.0), Biome::Savanna);
        assert_eq!(at(-25.0, 500.0), Biome::Desert);
        assert_eq!(at(36.0, 100.0), Biome::Shrubland);
        assert_eq!(at(48.0, 300.0), Biome::TemperateForest);
        assert_eq!(at(63.0, 100.0), Biome::BorealForest);
        assert_eq!(at(72.0, 100.0), Biome::Tundra);
        assert_eq!(at(-85.0, 2_800.0), Biome::Ice);
        assert_eq!(at(-3.1, 6_400.0), Biome::Ice);
        assert_eq!(at(31.0, -420.0), Biome::Sea);
        assert_eq!(at(88.0, -4_000.0), Biome::SeaIce);
        assert_eq!(at(0.0, 0.0), Biome::Rainforest);
    }

    #[test]
    fn every_one_is_somewhere_and_has_a_name() {
        let mut found = std::collections::BTreeSet::new();
        for k in 0..=90 {
            for height_m in (-100..6_000).step_by(50) {
                let sine = libm::sin(f64::from(k).to_radians());
                let biome = Biome::at(sine, f64::from(height_m));
                assert_eq!(biome, Biome::at(-sine, f64::from(height_m)));
                found.insert((biome, biome.name()));
            }
        }
        assert!(found.iter().map(|(biome, _)| *biome).eq(Biome::ALL));
    }
}
