//! Examples, layers, limits.

use std::ffi::OsString;
use std::path::Path;

use super::*;

#[test]
fn the_example_is_the_default() {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/development.toml");
    let settings = Settings::read(&example).unwrap();
    assert_eq!(Config::new(settings).unwrap(), Config::default());
    let text = std::fs::read_to_string(example).unwrap();
    for key in keys() {
        let given = format!("\n{key} = ");
        let shown = format!("\n# {key} = ");
        let count = text.matches(&given).count() + text.matches(&shown).count();
        assert_eq!(count, 1, "the example has `{key}` {count} times");
    }
}

#[test]
fn the_example_of_production_is_legal_and_says_nothing_twice() {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/production.toml");
    let config = Config::new(Settings::read(&example).unwrap()).unwrap();
    assert_eq!(config.environment, Environment::Production);
    assert!(config.token_key_file.is_some() && !config.previous_version);
    let default = Config::default();
    let text = std::fs::read_to_string(&example).unwrap();
    let given = text.lines().filter_map(|line| line.split_once(" = "));
    let given: Vec<&str> = given.map(|(key, _)| key.trim_start_matches("# ")).collect();
    let same = given
        .iter()
        .filter(|key| !config.changes(&default).iter().any(|c| c.key == **key));
    let same: Vec<_> = same.collect();
    assert!(same.is_empty(), "as in development: {same:?}");
}

/// All keys, as a file has them.
fn keys() -> Vec<String> {
    let settings = <Settings as clap::Args>::augment_args(clap::Command::new("serve"));
    settings
        .get_arguments()
        .map(|arg| arg.get_id().to_string())
        .collect()
}

#[test]
fn every_key_can_be_compared() {
    let (a, b) = (Config::default(), Config::default());
    assert!(a.changes(&b).is_empty());
    let compared: Vec<&str> = a.compared(&b).map(|c| c.0).collect();
    assert_eq!(keys(), compared);
}

#[test]
fn what_cannot_change_stays_and_is_named() {
    let before = Config::default();
    let wanted = Config {
        players_max: 7,
        world: 9,
        cheaters: Cheaters::Watch,
        ..Config::default()
    };
    let (after, refused) = before.reloaded(&wanted);
    assert_eq!(refused, ["world"]);
    assert_eq!((after.players_max, after.world), (7, before.world));
    assert_eq!(after.cheaters, Cheaters::Watch);
}

#[test]
fn production_wants_a_key_and_redirects_a_place() {
    for (text, key) in [
        ("environment = \"production\"", "token_key_file"),
        ("redirect_to = \"example.org:4433\"", "redirect_cert"),
        (
            "redirect_to = \"nowhere\"\nredirect_cert = \"0000000000000000000000000000000000000000000000000000000000000000\"",
            "redirect_to",
        ),
        (
            "token_key_file = \"a\"\ntoken_public_key = \"0000000000000000000000000000000000000000000000000000000000000000\"",
            "token_public_key",
        ),
        ("token_public_key = \"12\"", "token_public_key"),
        ("log_level = \"=loud=\"", "log_level"),
        ("drain_s = 6", "drain_s"),
        ("auth_timeout_ms = 5", "auth_timeout_ms"),
    ] {
        let error = Config::new(toml::from_str(text).unwrap()).unwrap_err();
        assert!(error.to_string().contains(key), "{text}: {error}");
    }
}

#[test]
fn earlier_settings_win() {
    let high = Settings {
        world: Some(7),
        ..Settings::default()
    };
    let low = Settings {
        world: Some(8),
        agents: Some(9),
        ..Settings::default()
    };
    let both = high.or(low);
    assert_eq!((both.world, both.agents), (Some(7), Some(9)));
}

#[test]
fn problems_name_file_and_key() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("c.toml");
    for (text, expected) in [
        ("agent = 5", "agent"),
        ("[world]\nid = 1", "world"),
        ("agents = \"many\"", "agents"),
        ("listen = ", "line 1"),
    ] {
        std::fs::write(&path, text).unwrap();
        let error = Settings::read(&path).unwrap_err().to_string();
        assert!(
            error.contains("c.toml") && error.contains(expected),
            "{error}"
        );
    }
    let missing = Settings::read(&dir.path().join("none.toml")).unwrap_err();
    assert!(missing.to_string().contains("none.toml: cannot read"));
}

#[test]
fn variables_that_mean_nothing_are_named() {
    let check = |name: &str| Settings::check_variables([OsString::from(name)]);
    for known in ["BLUEMARBLE_AGENTS", "BLUEMARBLE_CACHE", "HOME"] {
        check(known).unwrap();
    }
    let error = check("BLUEMARBLE_AGENT").unwrap_err();
    assert!(error.to_string().contains("BLUEMARBLE_AGENT:"), "{error}");
}

#[test]
fn values_out_of_range_name_the_key() {
    for (text, key) in [
        ("world = 0", "world"),
        ("tick_rate_hz = 500", "tick_rate_hz"),
        ("snapshot_ticks = 3", "snapshot_ticks"),
        ("snapshot_hz = 14", "snapshot_hz"),
        ("snapshot_hz = 31", "snapshot_hz"),
        ("interest_radius_m = nan", "interest_radius_m"),
        ("speed_max_mps = inf", "speed_max_mps"),
        ("towns = 21", "towns"),
        ("resume_s = 3601", "resume_s"),
        ("journal_bytes_max = 1000", "journal_bytes_max"),
        ("sync_ms = 1001", "sync_ms"),
        ("audience = \"mine\"", "audience"),
    ] {
        let error = Config::new(toml::from_str(text).unwrap()).unwrap_err();
        assert!(error.to_string().contains(key), "{error}");
    }
}
