//! `[metrics]`: figures for Prometheus.

use serde::Deserialize;
use toml::Spanned;

use super::Check;
use crate::config::MetricsSettings;

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TypedMetrics {
    enabled: Option<bool>,
    port: Option<Spanned<i64>>,
    open: Option<bool>,
}

impl Check<'_> {
    pub(super) fn metrics(&mut self, typed: TypedMetrics) -> MetricsSettings {
        let defaults = MetricsSettings::default();
        let port = typed.port.map(|written| match u16::try_from(*written.get_ref()) {
            Ok(port @ 1024..) => port,
            _ => {
                let what = format!("{} is no port that a user may open", written.get_ref());
                self.problem(written.span(), "metrics.port", what, "write one from 1024 to 65535");
                defaults.port
            }
        });
        MetricsSettings {
            enabled: typed.enabled.unwrap_or(defaults.enabled),
            port: port.unwrap_or(defaults.port),
            open: typed.open.unwrap_or(defaults.open),
        }
    }
}
