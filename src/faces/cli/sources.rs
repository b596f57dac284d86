//! `sources`: every source this program can read, found here or not.

use std::io::{self, Write};

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::json;
use super::status::incidents;
use super::style::{Cut, Style, clean, wrap};
use super::table::{Column, Table};
use crate::board::{SourceRow, wording};
use crate::spend::{SourceError, SourceInfo, SourceKind, Zone};

/// One source with what is known of it.
#[derive(Clone, Debug)]
pub struct SourceEntry<'a> {
    /// Its row in the table.
    pub info: &'static SourceInfo,
    /// How it is.
    pub state: SourceState,
    /// Who pays.
    pub account: String,
    /// Where it is looked for: folders of an agent, the address of a provider.
    pub places: Vec<String>,
    /// Where its key comes from, for people; `None` without one.
    pub key: Option<String>,
    /// What the board shows of it; `None` when it is not there.
    pub row: Option<&'a SourceRow>,
}

/// How a source is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SourceState {
    /// The last look gave figures, and they are fresh.
    Ok,
    /// The figures are old.
    Stale,
    /// The last look failed.
    Failing,
    /// A provider without a key.
    NeedsKey,
    /// A provider that has to be told more than a key.
    NeedsSetting,
    /// An agent that is not on this machine.
    NotFound,
    /// Not looked at yet.
    Waiting,
    /// Switched off in the config.
    Off,
}

impl SourceState {
    /// The state that follows from the config, the key and the board.
    pub fn of(info: &SourceInfo, enabled: bool, has_key: bool, row: Option<&SourceRow>) -> Self {
        if !enabled {
            return Self::Off;
        }
        match row.map(|row| (&row.error, row)) {
            Some((Some(SourceError::NotInstalled), _)) => Self::NotFound,
            Some((Some(SourceError::NeedsKey), _)) => Self::NeedsKey,
            Some((Some(SourceError::NeedsSetting { .. }), _)) => Self::NeedsSetting,
            Some((Some(_), _)) => Self::Failing,
            Some((None, row)) if row.stale => Self::Stale,
            Some((None, row)) if row.last_look_at.is_some() => Self::Ok,
            _ if info.key.is_some() && !has_key => Self::NeedsKey,
            Some(_) => Self::Waiting,
            None if info.key.is_none() => Self::NotFound,
            None => Self::Waiting,
        }
    }

    /// Words for people.
    pub fn words(&self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Stale => "old figures",
            Self::Failing => "failing",
            Self::NeedsKey => "needs a key",
            Self::NeedsSetting => "needs a setting",
            Self::NotFound => "not found",
            Self::Waiting => "not looked at yet",
            Self::Off => "off",
        }
    }
}

/// Writes the table, what is not on this machine last, and under it what is wrong.
///
/// # Errors
/// Those of the writer.
pub fn text(
    out: &mut dyn Write,
    entries: &[SourceEntry<'_>],
    now: DateTime<Utc>,
    zone: Zone,
    style: &Style,
) -> io::Result<()> {
    let mut table = Table::new(vec![
        Column::Word("Source"),
        Column::Word("Id"),
        Column::Word("State"),
        Column::Word("Figures"),
        Column::Name("Tells", Cut::End),
    ]);
    let (missing, here): (Vec<_>, Vec<_>) =
        entries.iter().partition(|entry| entry.state == SourceState::NotFound);
    for entry in here.into_iter().chain(missing) {
        let seen = entry.row.and_then(|row| row.last_good_at);
        table.row(vec![
            entry.info.name.into(),
            entry.info.id.into(),
            entry.state.words().into(),
            seen.map_or(wording::UNKNOWN.into(), |at| wording::age(now, at, zone)),
            entry.info.tells.into(),
        ]);
    }
    table.write(out, style, 0)?;
    let failures = entries.iter().filter_map(|entry| failure(entry, now, zone));
    let reported = incidents(entries.iter().filter_map(|entry| entry.row), zone);
    let sentences: Vec<String> = failures.chain(reported).collect();
    if !sentences.is_empty() {
        writeln!(out)?;
    }
    for sentence in sentences {
        writeln!(out, "{}", wrap(&clean(&sentence), style.width, 0))?;
    }
    Ok(())
}

/// Writes `spendbar.sources.v1`.
///
/// # Errors
/// Those of the writer.
pub fn json(
    out: &mut dyn Write,
    entries: &[SourceEntry<'_>],
    now: DateTime<Utc>,
    zone: Zone,
) -> io::Result<()> {
    let sources = entries.iter().map(|entry| Source::of(entry, now, zone)).collect();
    json::write(out, &Document { schema: "spendbar.sources.v1", sources })
}

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    sources: Vec<Source<'a>>,
}

/// One source as JSON has it.
#[derive(Serialize)]
pub(super) struct Source<'a> {
    id: &'static str,
    kind: SourceKind,
    name: &'static str,
    state: SourceState,
    account: &'a str,
    tells: &'static str,
    places: &'a [String],
    key: Option<&'a str>,
    list_usd: Option<String>,
    billed_usd: Option<String>,
    last_look_at: Option<String>,
    last_good_at: Option<String>,
    retry_at: Option<String>,
    error: Option<String>,
    incident: Option<json::Incident>,
    problem_count: u64,
    unmetered_tokens: u64,
}

impl<'a> Source<'a> {
    pub(super) fn of(entry: &'a SourceEntry<'_>, now: DateTime<Utc>, zone: Zone) -> Self {
        let row = entry.row;
        Self {
            id: entry.info.id,
            kind: entry.info.kind,
            name: entry.info.name,
            state: entry.state,
            account: &entry.account,
            tells: entry.info.tells,
            places: &entry.places,
            key: entry.key.as_deref(),
            list_usd: json::decimal(row.and_then(|row| row.list)),
            billed_usd: json::decimal(row.and_then(|row| row.billed)),
            last_look_at: row.and_then(|row| row.last_look_at).map(json::instant),
            last_good_at: row.and_then(|row| row.last_good_at).map(json::instant),
            retry_at: row.and_then(|row| row.retry_at).map(json::instant),
            error: failure(entry, now, zone),
            incident: row.and_then(|row| row.incident.as_ref()).map(json::incident),
            problem_count: row.map_or(0, |row| row.problem_count),
            unmetered_tokens: row.map_or(0, |row| row.unmetered_tokens),
        }
    }
}

/// The sentence on what went wrong. A source that is not there is no failure.
pub(super) fn failure(entry: &SourceEntry<'_>, now: DateTime<Utc>, zone: Zone) -> Option<String> {
    let row = entry.row?;
    let error = row.error.as_ref().filter(|error| **error != SourceError::NotInstalled)?;
    Some(wording::failure(entry.info, error, row.retry_at, now, zone))
}

#[cfg(test)]
pub(in crate::faces::cli) mod tests {
    use super::*;
    use crate::spend::{Currency, KeySpec, Money};

    const fn agent(id: &'static str, name: &'static str) -> SourceInfo {
        SourceInfo {
            id,
            name,
            kind: SourceKind::Agent,
            account: "openai",
            poll_minutes: 10,
            least_minutes: 0,
            settings: &[],
            status_page: "",
            key: None,
            base_url: "",
            tells: "tokens of every request, by model, project and session",
            reads: "",
            limits: "",
        }
    }

    const fn provider(id: &'static str, name: &'static str, key: KeySpec) -> SourceInfo {
        SourceInfo {
            kind: SourceKind::Provider,
            poll_minutes: 5,
            least_minutes: 0,
            settings: &[],
            status_page: "",
            key: Some(key),
            base_url: "https://api.example.com",
            tells: "billed cost per UTC day",
            ..agent(id, name)
        }
    }

    /// Sources of its own, so that the words of the real ones can change.
    static INFOS: [SourceInfo; 4] = [
        agent("claude-code", "Claude Code"),
        agent("codex", "Codex"),
        provider(
            "openai-admin",
            "OpenAI",
            KeySpec { variables: &["OPENAI_ADMIN_KEY"], kind: "an admin key (sk-admin-…)" },
        ),
        provider(
            "openrouter",
            "OpenRouter",
            KeySpec { variables: &["OPENROUTER_API_KEY"], kind: "a key (sk-or-…)" },
        ),
    ];

    pub fn find(id: &str) -> Option<&'static SourceInfo> {
        INFOS.iter().find(|info| info.id == id)
    }

    pub fn now() -> DateTime<Utc> {
        "2026-11-24T15:00:00Z".parse().expect("time")
    }

    pub fn row(id: &str) -> SourceRow {
        SourceRow {
            info: find(id).expect("known"),
            list: Money::parse("120.37", Currency::USD).ok(),
            billed: None,
            unpriced_tokens: 0,
            last_good_at: "2026-11-24T14:57:00Z".parse().ok(),
            last_look_at: "2026-11-24T14:57:00Z".parse().ok(),
            stale: false,
            error: None,
            retry_at: None,
            balances: Vec::new(),
            quotas: Vec::new(),
            gaps: Vec::new(),
            problem_count: 0,
            unmetered_tokens: 0,
            problems: Vec::new(),
            incident: None,
        }
    }

    pub fn failing() -> SourceRow {
        SourceRow {
            list: None,
            error: Some(SourceError::KeyRejected { status: 401 }),
            problem_count: 2,
            problems: vec![crate::spend::Problem {
                place: "/home/ada/.claude/projects/é/a.jsonl".into(),
                position: Some("line 12".into()),
                what: "no JSON".into(),
            }],
            ..row("openai-admin")
        }
    }

    /// A source whose provider reports a fault.
    pub fn marked(id: &str) -> SourceRow {
        let incident = crate::board::Incident {
            by: "OpenAI",
            indicator: crate::spend::Indicator::Major,
            text: "Partial System Outage".into(),
            as_of: "2026-11-24T14:50:00Z".parse().expect("time"),
        };
        SourceRow { incident: Some(incident), ..row(id) }
    }

    pub fn entry<'a>(id: &str, row: Option<&'a SourceRow>, key: Option<&str>) -> SourceEntry<'a> {
        let info = find(id).expect("known");
        let place = match info.kind {
            SourceKind::Agent => format!("/home/ada/.{id}/a/rather/long/folder/to/look/into"),
            SourceKind::Provider => info.base_url.to_owned(),
        };
        SourceEntry {
            info,
            state: SourceState::of(info, true, key.is_some(), row),
            account: info.account.into(),
            places: vec![place],
            key: key.map(str::to_owned),
            row,
        }
    }

    #[test]
    fn the_state_follows_from_config_key_and_board() {
        let agent = find("codex").expect("known");
        let provider = find("openrouter").expect("known");
        let good = row("codex");
        let failing = failing();
        let stale = SourceRow { stale: true, ..row("codex") };
        let new = SourceRow { last_look_at: None, last_good_at: None, ..row("openrouter") };
        for (info, enabled, has_key, row, state) in [
            (agent, true, false, Some(&good), SourceState::Ok),
            (agent, false, false, Some(&good), SourceState::Off),
            (agent, true, false, None, SourceState::NotFound),
            (agent, true, false, Some(&stale), SourceState::Stale),
            (provider, true, false, None, SourceState::NeedsKey),
            (provider, true, true, None, SourceState::Waiting),
            (provider, true, true, Some(&new), SourceState::Waiting),
            (provider, true, true, Some(&failing), SourceState::Failing),
        ] {
            assert_eq!(SourceState::of(info, enabled, has_key, row), state);
        }
    }

    #[test]
    fn a_reported_fault_is_told_once_under_the_table() {
        let (agent, provider) = (marked("codex"), marked("openai-admin"));
        let entries = [
            entry("codex", Some(&agent), None),
            entry("openai-admin", Some(&provider), Some("keyring")),
        ];
        let mut out = Vec::new();
        let style = Style { color: false, width: 100 };
        text(&mut out, &entries, now(), Zone::UTC, &style).expect("a vector");
        insta::assert_snapshot!(String::from_utf8(out).expect("text"), @"
        Source  Id            State  Figures    Tells
        Codex   codex         ok     3 min ago  tokens of every request, by model, project and session
        OpenAI  openai-admin  ok     3 min ago  billed cost per UTC day

        OpenAI reports “Partial System Outage” on its status page (as of 14:50): figures may be late.
        ");
        let mut out = Vec::new();
        json(&mut out, &entries[1..], now(), Zone::UTC).expect("a vector");
        let document: serde_json::Value = serde_json::from_slice(&out).expect("JSON");
        assert_eq!(
            document["sources"][0]["incident"],
            serde_json::json!({
                "by": "OpenAI",
                "indicator": "major",
                "text": "Partial System Outage",
                "as_of": "2026-11-24T14:50:00Z",
            })
        );
    }

    #[test]
    fn sources_as_text_and_json() {
        let (good, failing) = (row("claude-code"), failing());
        let entries = [
            entry("claude-code", Some(&good), None),
            entry("codex", None, None),
            entry("openai-admin", Some(&failing), Some("keyring")),
            entry("openrouter", None, None),
        ];
        let shown = |columns| {
            let mut out = Vec::new();
            let style = Style { color: false, width: columns };
            text(&mut out, &entries, now(), Zone::UTC, &style).expect("a vector");
            String::from_utf8(out).expect("text")
        };
        insta::assert_snapshot!(shown(100), @"
        Source       Id            State        Figures    Tells
        Claude Code  claude-code   ok           3 min ago  tokens of every request, by model, project and s…
        OpenAI       openai-admin  failing      3 min ago  billed cost per UTC day
        OpenRouter   openrouter    needs a key  –          billed cost per UTC day
        Codex        codex         not found    –          tokens of every request, by model, project and s…

        OpenAI refused the key (401). It needs an admin key (sk-admin-…). Set one:
        `spendbar key set openai-admin`.
        ");
        insta::assert_snapshot!(shown(60), @"
        Source       Id            State        Figures    Tells
        Claude Code  claude-code   ok           3 min ago  tokens o…
        OpenAI       openai-admin  failing      3 min ago  billed c…
        OpenRouter   openrouter    needs a key  –          billed c…
        Codex        codex         not found    –          tokens o…

        OpenAI refused the key (401). It needs an admin key
        (sk-admin-…). Set one: `spendbar key set openai-admin`.
        ");
        let mut out = Vec::new();
        json(&mut out, &entries[1..3], now(), Zone::UTC).expect("a vector");
        insta::assert_snapshot!(String::from_utf8(out).expect("text"), @r#"
        {
          "schema": "spendbar.sources.v1",
          "sources": [
            {
              "id": "codex",
              "kind": "agent",
              "name": "Codex",
              "state": "not-found",
              "account": "openai",
              "tells": "tokens of every request, by model, project and session",
              "places": [
                "/home/ada/.codex/a/rather/long/folder/to/look/into"
              ],
              "key": null,
              "list_usd": null,
              "billed_usd": null,
              "last_look_at": null,
              "last_good_at": null,
              "retry_at": null,
              "error": null,
              "incident": null,
              "problem_count": 0,
              "unmetered_tokens": 0
            },
            {
              "id": "openai-admin",
              "kind": "provider",
              "name": "OpenAI",
              "state": "failing",
              "account": "openai",
              "tells": "billed cost per UTC day",
              "places": [
                "https://api.example.com"
              ],
              "key": "keyring",
              "list_usd": null,
              "billed_usd": null,
              "last_look_at": "2026-11-24T14:57:00Z",
              "last_good_at": "2026-11-24T14:57:00Z",
              "retry_at": null,
              "error": "OpenAI refused the key (401). It needs an admin key (sk-admin-…). Set one: `spendbar key set openai-admin`.",
              "incident": null,
              "problem_count": 2,
              "unmetered_tokens": 0
            }
          ]
        }
        "#);
    }
}
