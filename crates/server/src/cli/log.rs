//! The log: lines or objects on standard error. Files, their rotation and where they are sent are the supervisor's.

use tracing_subscriber::filter::ParseError;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, Registry, fmt, reload};

use crate::config::LogFormat;

/// What is logged can be changed while the program runs.
pub(super) struct Log(reload::Handle<EnvFilter, Registry>);

impl Log {
    /// Begins to log. `RUST_LOG` goes before the level.
    pub(super) fn start(format: LogFormat, level: &str) -> Result<Self, ParseError> {
        let filter = match EnvFilter::try_from_default_env() {
            Ok(filter) => filter,
            Err(_) => EnvFilter::try_new(level)?,
        };
        let (filter, handle) = reload::Layer::new(filter);
        let lines = fmt::layer().with_writer(std::io::stderr);
        let lines = match format {
            LogFormat::Text => {
                let is_terminal = std::io::IsTerminal::is_terminal(&std::io::stderr());
                lines.with_ansi(is_terminal).boxed()
            }
            LogFormat::Json => {
                let lines = lines.json().flatten_event(true);
                lines.with_current_span(true).with_span_list(false).boxed()
            }
        };
        tracing_subscriber::registry()
            .with(filter)
            .with(lines)
            .init();
        Ok(Self(handle))
    }

    /// Logs from now on at another level, unless `RUST_LOG` says what is logged.
    pub(super) fn set(&self, level: &str) {
        if std::env::var_os(EnvFilter::DEFAULT_ENV).is_some() {
            return;
        }
        match EnvFilter::try_new(level).map(|filter| self.0.reload(filter)) {
            Ok(Ok(())) => {}
            // The configuration has been checked, and the subscriber lives as long as the program.
            other => tracing::error!(?other, "the level of the log stays"),
        }
    }
}
