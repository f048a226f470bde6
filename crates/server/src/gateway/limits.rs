//! What a running gateway can be told anew.

use std::time::Duration;

use net_proto::Audience;

use crate::config::{Config, WhenOpen};

/// Read by every login and by every session, before each thing that it limits.
#[derive(Clone, Debug)]
pub(crate) struct Limits {
    pub(super) players_max: usize,
    pub(super) queue_max: usize,
    /// Seconds that a session whose line is lost can be taken up again; 0 for none.
    pub(super) resume_s: u16,
    /// Whether tokens without a key open for clients of the protocol's previous version.
    pub(super) previous_version: bool,
    pub(super) commands_min: u32,
    pub(super) trades_min: u32,
    pub(super) says_s: u32,
    /// How long the account service may take, and what becomes of logins while it is not asked.
    pub(super) auth: (Duration, WhenOpen),
    pub(super) drain_s: u8,
    pub(super) maintenance_text: String,
    pub(super) redirect: Option<Elsewhere>,
}

/// Where sessions go on when the server stops.
#[derive(Clone, Debug)]
pub(super) struct Elsewhere {
    pub(super) address: String,
    pub(super) cert_sha256: [u8; 32],
    /// Whom tickets for there must be for.
    pub(super) audience: Audience,
}

impl Limits {
    pub(crate) fn of(config: &Config) -> Self {
        let place = config.redirect_to.clone().zip(config.redirect_cert);
        let redirect = place.map(|(address, cert_sha256)| Elsewhere {
            address,
            cert_sha256,
            audience: config
                .audience
                .map_or_else(|| Audience::of_certificate(cert_sha256), Audience),
        });
        Self {
            players_max: config.players_max as usize,
            queue_max: config.queue_max as usize,
            resume_s: config.resume_s,
            previous_version: config.previous_version,
            commands_min: config.commands_min,
            trades_min: config.trades_min,
            says_s: config.says_s,
            auth: (
                Duration::from_millis(u64::from(config.auth_timeout_ms)),
                config.auth_when_open,
            ),
            drain_s: config.drain_s,
            maintenance_text: config.maintenance_text.clone(),
            redirect,
        }
    }
}
