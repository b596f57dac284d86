//! Token counts by kind, and one usage event as an agent's log tells it.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_128;

use super::money::Money;

/// Tokens of one or many requests. The five paid kinds are disjoint: adding them up gives the
/// total. `reasoning` is a part of `output`, repeated for information and never added.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct TokenCounts {
    /// Fresh input, without anything read from or written to a prompt cache.
    pub input: u64,
    /// Input read from a prompt cache.
    pub cache_read: u64,
    /// Input written to a cache that lives five minutes (also: lifetime unknown).
    pub cache_write_5m: u64,
    /// Input written to a cache that lives one hour.
    pub cache_write_1h: u64,
    /// All output, reasoning included.
    pub output: u64,
    /// The reasoning share of `output`.
    pub reasoning: u64,
}

impl TokenCounts {
    /// All tokens that are paid for; `reasoning` is inside `output` already.
    pub fn total(&self) -> u64 {
        self.prompt().saturating_add(self.output)
    }

    /// Everything that was sent: fresh input, cache reads and cache writes. Long-context tiers
    /// are chosen by this figure.
    pub fn prompt(&self) -> u64 {
        self.input
            .saturating_add(self.cache_read)
            .saturating_add(self.cache_write_5m)
            .saturating_add(self.cache_write_1h)
    }

    /// True when no kind holds a token.
    pub fn is_zero(&self) -> bool {
        *self == Self::default()
    }

    /// Adds kind by kind, stopping at `u64::MAX` rather than wrapping.
    pub fn add(&mut self, other: &Self) {
        self.zip(other, u64::saturating_add);
    }

    /// Subtracts kind by kind, stopping at zero.
    pub fn sub(&mut self, other: &Self) {
        self.zip(other, u64::saturating_sub);
    }

    fn zip(&mut self, other: &Self, f: fn(u64, u64) -> u64) {
        self.input = f(self.input, other.input);
        self.cache_read = f(self.cache_read, other.cache_read);
        self.cache_write_5m = f(self.cache_write_5m, other.cache_write_5m);
        self.cache_write_1h = f(self.cache_write_1h, other.cache_write_1h);
        self.output = f(self.output, other.output);
        self.reasoning = f(self.reasoning, other.reasoning);
    }
}

/// What makes an event the same event across streamed repeats, resumed or forked sessions and
/// copied files.
///
/// Ten bytes name a *group* (for Claude Code the message id), six bytes the member of it (the
/// request id). The first of the six is the member's *rank*: of a group only the events of the
/// highest rank that was met count, each once at its largest. An [`EventKey::original`] ranks
/// highest; an [`EventKey::copy`] says "some event of this group" (a sidechain replay, a line
/// without a request id) and yields to every original; an [`EventKey::fallback`] is one of several
/// records that a poorer store keeps of the same session, and yields likewise.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventKey(pub [u8; 16]);

impl EventKey {
    const GROUP_BYTES: usize = 10;
    /// The rank of originals, the highest; their byte may be any larger number too.
    pub const ORIGINAL: u8 = 2;

    /// The key of one distinct event.
    pub fn original(group: &[&[u8]], member: &[&[u8]]) -> Self {
        let mut key = Self::of(group, member);
        if key.rank() < Self::ORIGINAL {
            key.0[Self::GROUP_BYTES] |= 0x80;
        }
        key
    }

    /// The key of a line that repeats some event of its group.
    pub fn copy(group: &[&[u8]]) -> Self {
        let mut bytes = [0; 16];
        bytes[..Self::GROUP_BYTES]
            .copy_from_slice(&hash_parts(group).to_be_bytes()[..Self::GROUP_BYTES]);
        Self(bytes)
    }

    /// The key of a record that counts only while its group has no record of a higher rank: 0
    /// yields to 1, and both yield to originals.
    pub fn fallback(rank: u8, group: &[&[u8]], member: &[&[u8]]) -> Self {
        let mut key = Self::of(group, member);
        key.0[Self::GROUP_BYTES] = rank.min(Self::ORIGINAL - 1);
        key
    }

    /// The key of an event whose group is the event itself and that also names its session: for
    /// logs in which a session has many thousand events, so that looking at one event's group
    /// never means looking at all of them.
    pub fn in_session(session: &[u8], event: &[&[u8]]) -> Self {
        let (session, event) =
            (hash_parts(&[session]).to_be_bytes(), hash_parts(event).to_be_bytes());
        let mut bytes = [0xff; 16];
        bytes[..6].copy_from_slice(&event[..6]);
        bytes[6..10].copy_from_slice(&session[..4]);
        bytes[11..].copy_from_slice(&session[4..9]);
        Self(bytes)
    }

    /// Which events of a group count: those of the highest rank.
    pub fn rank(&self) -> u8 {
        self.0[Self::GROUP_BYTES].min(Self::ORIGINAL)
    }

    /// Whether this event counts whatever else its group holds.
    pub fn is_original(&self) -> bool {
        self.rank() == Self::ORIGINAL
    }

    /// The bytes that name the group.
    pub fn group(&self) -> &[u8] {
        &self.0[..Self::GROUP_BYTES]
    }

    /// The bytes that name the member, its rank first.
    pub fn member(&self) -> &[u8] {
        &self.0[Self::GROUP_BYTES..]
    }

    /// The smallest and the largest key of this key's group, both inclusive.
    pub fn group_bounds(&self) -> (Self, Self) {
        let (mut low, mut high) = (*self, *self);
        low.0[Self::GROUP_BYTES..].fill(0);
        high.0[Self::GROUP_BYTES..].fill(0xff);
        (low, high)
    }

    fn of(group: &[&[u8]], member: &[&[u8]]) -> Self {
        let mut key = Self::copy(group);
        let hash = hash_parts(member).to_be_bytes();
        key.0[Self::GROUP_BYTES..].copy_from_slice(&hash[..6]);
        key
    }
}

impl std::fmt::Debug for EventKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Hashes parts so that `["ab", "c"]` and `["a", "bc"]` differ.
fn hash_parts(parts: &[&[u8]]) -> u128 {
    let mut joined = Vec::with_capacity(parts.iter().map(|part| part.len() + 8).sum());
    for part in parts {
        joined.extend_from_slice(&(part.len() as u64).to_le_bytes());
        joined.extend_from_slice(part);
    }
    xxh3_128(&joined)
}

/// The service tier a request ran in, as far as it changes the list price.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Speed {
    /// The plain price.
    #[default]
    Standard,
    /// Fast mode or the priority tier.
    Fast,
    /// The batch interface.
    Batch,
    /// OpenAI's flex tier.
    Flex,
}

/// Who stands behind a request, where the log tells.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Funding {
    /// The log does not say.
    #[default]
    Unknown,
    /// Billed per token to an API key.
    ApiKey,
    /// Covered by a subscription: has a list price, is not billed.
    Subscription,
}

/// One paid request, as an agent's log tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Usage {
    /// What makes it unique.
    pub key: EventKey,
    /// When it ended.
    pub at: DateTime<Utc>,
    /// Whose price list the source believes in (`anthropic`, `openai`); the price table decides.
    pub provider: Option<Arc<str>>,
    /// The model's name as logged; `None` when the log leaves it open.
    pub model: Option<Arc<str>>,
    /// Tokens by kind.
    pub tokens: TokenCounts,
    /// Service tier.
    pub speed: Speed,
    /// Web searches charged per query beside the tokens.
    pub web_searches: u32,
    /// A cost that the log itself states; kept beside the tokens, never added to the list price.
    pub stated_cost: Option<Money>,
    /// Working folder of the session.
    pub project: Option<Arc<str>>,
    /// The agent's own session id.
    pub session: Option<Arc<str>>,
    /// Subscription or API key.
    pub funding: Funding,
    /// Several requests in one figure, as running totals grow by: its size says nothing about the
    /// size of any prompt, so that it never pays the price of a long one.
    pub is_sum: bool,
}

impl Usage {
    /// Which of two records of the same event is kept: the one with more tokens, then the one
    /// that names its service tier, then the earlier, then by the remaining fields, so that the
    /// order of files never matters.
    pub fn outranks(&self, other: &Self) -> bool {
        let rank = |u: &Self| {
            (
                u.tokens.total(),
                u.tokens,
                u.speed != Speed::Standard,
                u.stated_cost.is_some(),
                std::cmp::Reverse(u.at),
                u.model.clone(),
                std::cmp::Reverse(u.session.clone()),
                std::cmp::Reverse(u.project.clone()),
            )
        };
        rank(self) > rank(other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasoning_is_not_added_to_the_total() {
        let tokens = TokenCounts {
            input: 1,
            cache_read: 2,
            cache_write_5m: 4,
            cache_write_1h: 8,
            output: 16,
            reasoning: 10,
        };
        assert_eq!(tokens.total(), 31);
        assert_eq!(tokens.prompt(), 15);
    }

    #[test]
    fn a_copy_shares_its_group_and_sorts_before_every_original() {
        let copy = EventKey::copy(&[b"msg_1"]);
        let original = EventKey::original(&[b"msg_1"], &[b"req_1"]);
        let fallback = EventKey::fallback(1, &[b"msg_1"], &[b"req_1"]);
        assert!(!copy.is_original() && !fallback.is_original() && original.is_original());
        assert!(copy.rank() < fallback.rank() && fallback.rank() < original.rank());
        let (low, high) = original.group_bounds();
        assert_eq!(low, copy);
        assert!(low < fallback && fallback < original && original <= high);
        assert_ne!(original, EventKey::original(&[b"msg_1"], &[b"req_2"]));
    }

    #[test]
    fn events_of_one_session_are_groups_of_their_own() {
        let key = |session: &[u8], event: &[u8]| EventKey::in_session(session, &[event]);
        assert!(key(b"s", b"1").is_original());
        assert_ne!(key(b"s", b"1").group_bounds(), key(b"s", b"2").group_bounds());
        assert_ne!(key(b"s", b"1"), key(b"t", b"1"));
    }

    proptest::proptest! {
        #[test]
        fn every_original_ranks_highest(group: Vec<u8>, member: Vec<u8>) {
            proptest::prop_assert!(EventKey::original(&[&group], &[&member]).is_original());
            proptest::prop_assert_eq!(EventKey::fallback(0, &[&group], &[&member]).rank(), 0);
        }
    }

    #[test]
    fn parts_are_kept_apart() {
        assert_ne!(EventKey::copy(&[b"ab", b"c"]), EventKey::copy(&[b"a", b"bc"]));
    }
}
