//! Loaded columns of older versions.

use spatial_core::{
    Component, EntityId, Lane, LaneType, Migration, MigrationError, MigrationRefused,
    RegisterError, Table,
};

use super::saved;

#[derive(Clone, Copy, PartialEq, Debug, Component)]
#[component(name = "fuel", kind = scalar, version = 1)]
struct FuelV1 {
    gallons: u8,
}

#[derive(Clone, Copy, PartialEq, Debug, Component)]
#[component(name = "fuel", kind = raw, version = 5)]
struct Fuel {
    litres: f32,
    full: u8,
}

/// Version 1 had gallons, version 3 litres; 5 says besides whether that is the tank's measure.
const TO_3: Migration = Migration {
    from: 1,
    to: 3,
    run: |old| {
        let gallons = old[0].values::<u8>();
        if gallons.contains(&255) {
            return Err(MigrationRefused("255 gallons is no amount".to_owned()));
        }
        let litres: Vec<f32> = gallons.iter().map(|g| f32::from(*g) * 4.0).collect();
        Ok(vec![Lane::from_values("litres", &litres)])
    },
};
const TO_5: Migration = Migration {
    from: 3,
    to: 5,
    run: |old| {
        let full: Vec<u8> = old[0]
            .values::<f32>()
            .iter()
            .map(|l| u8::from(*l >= 40.0))
            .collect();
        Ok(vec![old[0].clone(), Lane::from_values("full", &full)])
    },
};

fn loaded(gallons: &[u8]) -> Table {
    let mut table = Table::new();
    table.register::<FuelV1>().unwrap();
    for (n, gallons) in gallons.iter().enumerate() {
        table.spawn(EntityId(n as u64 + 1)).unwrap();
        table.set(n, FuelV1 { gallons: *gallons });
    }
    Table::load(&saved(&table)).unwrap()
}

#[test]
fn steps_are_chained() {
    let mut table = loaded(&[3, 10, 0]);
    let column = table.column_named("fuel").unwrap();
    let consumer = table.add_consumer(column).unwrap();
    table.drain_changes(consumer, |_| ()).unwrap();
    table.register_migrating::<Fuel>(&[TO_5, TO_3]).unwrap();
    table.assert_well_formed();
    let (litres, full) = (40.0, 1);
    assert_eq!(table.get::<Fuel>(1), Fuel { litres, full });
    assert_eq!(table.get::<Fuel>(0).litres, 12.0);
    let mut changed = 0;
    table.drain_changes(consumer, |_| changed += 1).unwrap();
    assert_eq!(changed, 3);

    let mut again = Table::load(&saved(&table)).unwrap();
    again.register::<Fuel>().unwrap(); // it is of version 5 now
    assert_eq!(again.hash_rows(), table.hash_rows());
}

/// The table is as before to the last byte, and the next try may succeed.
#[test]
fn a_migration_that_fails_changes_nothing() {
    let short = Migration {
        run: |_| Ok(vec![Lane::zeros("litres", LaneType::F32, 1)]),
        ..TO_3
    };
    let other = Migration {
        run: |old| Ok(vec![Lane::zeros("liters", LaneType::F32, old[0].len())]),
        from: 1,
        to: 5,
    };
    let back = Migration { to: 1, ..TO_3 };
    let beyond = Migration { to: 6, ..TO_3 };
    let failed = |from, cause| RegisterError::Migration {
        name: "fuel".to_owned(),
        from,
        cause,
    };
    let version = |found| RegisterError::Version {
        name: "fuel".to_owned(),
        found,
        want: 5,
    };
    let rows = MigrationError::Rows { found: 1, want: 2 };
    for (steps, error) in [
        (vec![], version(1)),
        (vec![TO_3], version(3)),
        (vec![TO_5], version(1)),
        (vec![short], failed(1, rows)),
        (vec![back], failed(1, MigrationError::Direction(1))),
        (vec![beyond], failed(1, MigrationError::Direction(6))),
        (vec![other], RegisterError::Layout("fuel".to_owned())),
    ] {
        let mut table = loaded(&[1, 2]);
        let before = saved(&table);
        assert_eq!(table.register_migrating::<Fuel>(&steps), Err(error));
        table.assert_well_formed();
        assert_eq!(saved(&table), before);
        table.register_migrating::<Fuel>(&[TO_3, TO_5]).unwrap();
    }
    let refused = MigrationRefused("255 gallons is no amount".to_owned());
    let error = loaded(&[1, 255]).register_migrating::<Fuel>(&[TO_3, TO_5]);
    assert_eq!(error, Err(failed(1, refused.into())));
}

#[test]
fn a_column_in_use_is_not_migrated() {
    let mut table = loaded(&[1]);
    table.register::<FuelV1>().unwrap();
    let taken = RegisterError::Taken("fuel".to_owned());
    assert_eq!(table.register_migrating::<Fuel>(&[TO_3, TO_5]), Err(taken));
    let version = RegisterError::Version {
        name: "fuel".to_owned(),
        found: 1,
        want: 5,
    };
    let described = table.register_column_migrating(&Fuel::schema(), &[TO_3, TO_5]);
    assert_eq!(described, Err(version));
}
