//! The towns nearest to a place, and the country it is in: `nearest_towns [LATITUDE LONGITUDE]`, in degrees.

use bluemarble::space::{
    DVec3, Feature, FeatureIndex, FileOptions, Geodetic, Geometry, Planet, Winding, read_topojson,
};

/// GeoNames, CC BY 4.0; see assets/README.md.
const TOWNS: &str = include_str!("../assets/towns.csv");
/// Natural Earth, public domain; see assets/README.md.
const COUNTRIES: &str = include_str!("../assets/countries-110m.json");
/// Where the Matterhorn is.
const DEFAULT: [f64; 2] = [45.9764, 7.6586];

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [lat, lon] = match arguments.as_slice() {
        [] => DEFAULT,
        [lat, lon] => [lat.parse()?, lon.parse()?],
        _ => return Err("usage: nearest_towns [LATITUDE LONGITUDE]".into()),
    };
    let here = direction(lat, lon)?;

    // One border crosses itself at this scale, so what is inside goes by even and odd.
    let options = FileOptions {
        winding: Winding::EvenOdd,
        ..FileOptions::default()
    };
    let countries = FeatureIndex::new(read_topojson(COUNTRIES, "countries", &options)?)?;
    let country = countries
        .first_containing(here)?
        .and_then(|number| countries.features()[number as usize].name.as_deref());
    println!("{lat}° {lon}° is in {}", country.unwrap_or("no country"));

    let towns = FeatureIndex::new(read_towns()?)?;
    let mut near = Vec::new();
    towns.nearest(here, 5, &mut near)?;
    for town in &near {
        let name = towns.features()[town.feature as usize].name.as_deref();
        let distance_km = town.distance_m(Planet::EARTH) / 1_000.0;
        println!("{distance_km:8.1} km  {}", name.unwrap_or_default());
    }
    towns.within(here, 500_000.0 / Planet::EARTH.radius_m(), &mut near)?;
    println!(
        "{} of {} towns within 500 km",
        near.len(),
        towns.features().len()
    );
    Ok(())
}

/// Every line a point with a name.
fn read_towns() -> Result<Vec<Feature>, Failure> {
    let town = |line: &str| {
        let mut fields = line.split(',');
        let mut next = || fields.next().ok_or("a town has four fields");
        let (lat, lon, name, country) = (next()?, next()?, next()?, next()?);
        let mut geometry = Geometry::default();
        geometry.push_point(direction(lat.parse()?, lon.parse()?)?)?;
        Ok(Feature {
            id: None,
            name: Some(format!("{name} ({country})")),
            geometry,
        })
    };
    TOWNS.lines().skip(1).map(town).collect()
}

fn direction(lat: f64, lon: f64) -> Result<DVec3, Failure> {
    Ok(Geodetic::from_degrees(lat, lon, 0.0)?.direction())
}
