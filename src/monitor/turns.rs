//! Which looks may run side by side.

use crate::spend::{SourceInfo, SourceKind};

/// Providers that are asked at once. They answer when they like: one after the other, a slow one
/// would hold up the rest.
pub const PROVIDERS_AT_ONCE: usize = 8;

/// Whether a look at `info` may begin beside those that run: of the agents so many at once, of the
/// providers [`PROVIDERS_AT_ONCE`], and each provider is asked one thing at a time, whatever number
/// of accounts it has.
pub fn may_begin(info: &SourceInfo, running: &[&SourceInfo], agents_at_once: usize) -> bool {
    let alike = running.iter().filter(|other| other.kind == info.kind).count();
    match info.kind {
        SourceKind::Agent => alike < agents_at_once,
        SourceKind::Provider => {
            alike < PROVIDERS_AT_ONCE
                && running.iter().all(|other| provider(other) != provider(info))
        }
    }
}

/// `openai-admin` of `openai-admin@work`.
fn provider(info: &SourceInfo) -> &str {
    info.id.split('@').next().unwrap_or(info.id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::{SOURCES, find, further};

    #[test]
    fn providers_are_asked_side_by_side_and_agents_read_in_turn() {
        let of = |kind| SOURCES.iter().map(|it| it.info()).filter(move |it| it.kind == kind);
        let agents: Vec<_> = of(SourceKind::Agent).collect();
        let providers: Vec<_> = of(SourceKind::Provider).collect();
        assert!(may_begin(agents[0], &providers, 1));
        assert!(!may_begin(agents[0], &agents[1..2], 1));
        assert!(may_begin(agents[0], &agents[1..2], 2));
        assert!(may_begin(providers[0], &agents, 1));
        assert!(may_begin(providers[0], &providers[1..PROVIDERS_AT_ONCE], 1));
        assert!(!may_begin(providers[0], &providers[1..=PROVIDERS_AT_ONCE], 1));
    }

    #[test]
    fn two_accounts_of_a_provider_are_asked_one_after_the_other() {
        let openai = find("openai-admin").expect("known");
        let work = further::named(openai, "turns").info();
        assert!(!may_begin(openai.info(), &[work], 1));
        assert!(!may_begin(work, &[openai.info()], 1));
        let other = find("openrouter").expect("known").info();
        assert!(may_begin(work, &[other], 1));
    }
}
