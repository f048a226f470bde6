//! What of a configuration can be changed while the server runs.

use super::Config;

/// A key whose value differs between two configurations.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Change {
    /// Its name.
    pub key: &'static str,
    /// Whether a running server takes the new value.
    pub is_reloadable: bool,
}

/// Says of every key, in the order of [`super::Settings`], whether a running server takes another value.
macro_rules! keys {
    ($($key:ident: $when:literal,)*) => {
        impl Config {
            /// All keys, whether both have the same value, and whether it can be changed.
            pub(super) fn compared(&self, other: &Self) -> impl Iterator<Item = (&'static str, bool, bool)> {
                [$((stringify!($key), self.$key == other.$key, $when == "reload"),)*].into_iter()
            }

            /// This configuration with all values of another that a running server takes, and the keys of those that it does not.
            #[must_use]
            pub fn reloaded(&self, wanted: &Self) -> (Self, Vec<&'static str>) {
                let mut after = self.clone();
                $(if $when == "reload" {
                    after.$key.clone_from(&wanted.$key);
                })*
                let refused = self.changes(wanted).into_iter().filter(|change| !change.is_reloadable);
                (after, refused.map(|change| change.key).collect())
            }
        }
    };
}

keys! {
    listen: "start",
    planet: "start",
    data_dir: "start",
    world: "start",
    tick_rate_hz: "start",
    snapshot_ticks: "start",
    snapshot_hz: "start",
    interest_radius_m: "start",
    interest_hysteresis_m: "start",
    players_max: "reload",
    resume_s: "reload",
    speed_max_mps: "start",
    agents: "start",
    towns: "start",
    seed: "start",
    checkpoint_s: "reload",
    sync_ms: "start",
    journal_bytes_max: "start",
    reserve_bytes: "start",
    witness_dir: "start",
    backup_dir: "start",
    backup_every_s: "start",
    status_s: "start",
    threads: "start",
    endpoints: "start",
    cheaters: "reload",
    ban_s: "reload",
    rewind_ms: "start",
    pace_min: "reload",
    player_bytes_s: "reload",
    tile_bytes_s: "start",
    audience: "start",
    commands_min: "reload",
    says_s: "reload",
    earshot_m: "reload",
    previous_version: "reload",
    http_listen: "start",
    environment: "start",
    log: "start",
    log_level: "reload",
    token_key_file: "start",
    token_public_key: "start",
    trades_min: "reload",
    queue_max: "reload",
    drain_s: "reload",
    maintenance_text: "reload",
    redirect_to: "reload",
    redirect_cert: "reload",
    auth_timeout_ms: "reload",
    auth_when_open: "reload",
}

impl Config {
    /// The keys whose values differ.
    pub fn changes(&self, other: &Self) -> Vec<Change> {
        let all = self.compared(other);
        let differs = |(key, is_same, is_reloadable): (_, bool, _)| {
            (!is_same).then_some(Change { key, is_reloadable })
        };
        all.filter_map(differs).collect()
    }
}
