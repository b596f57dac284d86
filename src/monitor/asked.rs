//! The sources as the board wants them.

use crate::board::AskedSource;
use crate::config::Config;

use super::incidents;
use super::look::{enabled, poll};

/// The sources that are switched on, as the board wants them.
pub fn asked_sources(config: &Config) -> Vec<AskedSource> {
    let providers = incidents::providers_with_page(config);
    enabled(config, true)
        .map(|source| AskedSource {
            info: source.info(),
            poll: poll(config, source.info()),
            status_page: incidents::page_of(config, &providers, source.info()),
        })
        .collect()
}
