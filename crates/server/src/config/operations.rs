//! What holds of the keys that are about running a server.

use super::{Config, Environment};

/// The longest text that fits a message.
const TEXT_BYTES_MAX: usize = net_proto::TEXT_BYTES_MAX;

impl Config {
    pub(super) fn rules_of_operations(&self) -> [(&'static str, bool, &'static str); 10] {
        let is_dev = self.environment == Environment::Development;
        let has_key = self.token_key_file.is_some() || self.token_public_key.is_some();
        let from_variable = std::env::var_os("BLUEMARBLE_TOKEN_KEY").is_some();
        let texts = 1..=TEXT_BYTES_MAX;
        [
            (
                "token_key_file",
                is_dev || has_key || from_variable,
                "given in production, or token_public_key, or the variable BLUEMARBLE_TOKEN_KEY: whose tickets are taken is not left to a key that \
                 the server makes itself",
            ),
            (
                "token_public_key",
                self.token_public_key.is_none() || self.token_key_file.is_none() && !from_variable,
                "left out where the whole key is given",
            ),
            (
                "log_level",
                tracing_subscriber::EnvFilter::try_new(&self.log_level).is_ok(),
                "a level (error, warn, info, debug, trace) or a list such as warn,bluemarble_server=info",
            ),
            (
                "trades_min",
                (1..=60_000).contains(&self.trades_min),
                "1 to 60000",
            ),
            ("queue_max", self.queue_max <= 100_000, "at most 100000"),
            ("drain_s", self.drain_s <= 5, "at most 5 seconds"),
            (
                "maintenance_text",
                texts.contains(&self.maintenance_text.len()),
                "1 to 200 bytes of text",
            ),
            (
                "redirect_to",
                self.redirect_to.as_deref().is_none_or(is_host_and_port),
                "host:port, at most 200 bytes",
            ),
            (
                "redirect_cert",
                self.redirect_to.is_some() == self.redirect_cert.is_some()
                    && (self.redirect_to.is_none() || self.token_public_key.is_none()),
                "given with redirect_to, and only with it; both need the whole key that signs tickets (token_key_file)",
            ),
            (
                "auth_timeout_ms",
                (10..=10_000).contains(&self.auth_timeout_ms),
                "10 to 10000 milliseconds",
            ),
        ]
    }
}

fn is_host_and_port(text: &str) -> bool {
    let parts = text.rsplit_once(':');
    text.len() <= TEXT_BYTES_MAX
        && parts.is_some_and(|(host, port)| {
            !host.is_empty() && port.parse::<u16>().is_ok_and(|p| p != 0)
        })
}
