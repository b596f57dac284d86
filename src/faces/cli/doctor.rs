//! `doctor`: what was looked for, where, and what was found.

use std::io::{self, Write};

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::json;
use super::sources::{Source, SourceEntry, SourceState, failure};
use super::style::{Style, clean, width, wrap};
use crate::board::wording;
use crate::spend::Zone;

/// Everything that was checked.
#[derive(Clone, Debug)]
pub struct Diagnosis<'a> {
    /// This program's version.
    pub version: &'static str,
    /// When it was checked.
    pub now: DateTime<Utc>,
    /// Zone of the times shown.
    pub zone: Zone,
    /// The parts of the program: config, ledger, keyring, tray host, notification daemon ...
    pub checks: Vec<Check>,
    /// Every source.
    pub sources: Vec<SourceEntry<'a>>,
}

/// One part of the program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// Kebab-case id for programs: `keyring`.
    pub id: &'static str,
    /// Its name for people: `Keyring`.
    pub name: &'static str,
    /// How it is.
    pub verdict: Verdict,
    /// What was looked for, where: a path, a name on the bus. `None` when there is nothing to name.
    pub place: Option<String>,
    /// What was found, one clause.
    pub found: String,
    /// What to do about it; `None` when nothing has to be done.
    pub hint: Option<String>,
}

/// How a part is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// As it should be.
    Ok,
    /// Missing, and the program does without.
    Note,
    /// Wrong.
    Bad,
}

impl Diagnosis<'_> {
    /// Whether nothing is wrong.
    pub fn is_ok(&self) -> bool {
        let failing = |source: &SourceEntry<'_>| source.state == SourceState::Failing;
        !self.checks.iter().any(|check| check.verdict == Verdict::Bad)
            && !self.sources.iter().any(failing)
    }
}

/// Writes it for people: a line per thing, below it where was looked and what to do.
///
/// # Errors
/// Those of the writer.
pub fn text(out: &mut dyn Write, diagnosis: &Diagnosis<'_>, style: &Style) -> io::Result<()> {
    let Diagnosis { now, zone, checks, sources, .. } = diagnosis;
    writeln!(out, "{}", style.strong(&format!("Spendbar {}", diagnosis.version)))?;
    let name_width = checks
        .iter()
        .map(|check| width(check.name))
        .chain(sources.iter().map(|source| width(source.info.name)))
        .max()
        .unwrap_or(0);
    let mut lines = Lines { out, style, name_width };
    for check in checks {
        lines.head(check.verdict, check.name, &check.found)?;
        for line in check.place.iter().chain(&check.hint) {
            lines.below(line)?;
        }
    }
    writeln!(lines.out, "\n{}", style.strong("Sources"))?;
    for source in sources {
        lines.head(verdict(source.state), source.info.name, &source_line(source, *now, *zone))?;
        if source.state == SourceState::NotFound {
            lines.below(&source.places.join(", "))?;
        } else {
            for place in &source.places {
                lines.below(place)?;
            }
        }
        if let Some(key) = &source.key {
            lines.below(&format!("key: {key}"))?;
        }
        match (failure(source, *now, *zone), source.state, &source.info.key) {
            (Some(sentence), ..) => lines.below(&sentence)?,
            (None, SourceState::NeedsKey, Some(key)) => lines.below(&format!(
                "Set {}: `spendbar key set {}`, or {}.",
                key.kind,
                source.info.id,
                key.variables.join(", ")
            ))?,
            (None, SourceState::NeedsSetting, _) => {
                for spec in source.info.settings.iter().filter(|spec| spec.default.is_none()) {
                    let (id, name, what) = (source.info.id, spec.name, spec.what);
                    let setting = format!("settings = {{ {name} = \"…\" }}");
                    lines.below(&format!("Write {what}, under [providers.{id}]: {setting}."))?;
                }
            }
            _ => {}
        }
        if let Some(row) = source.row {
            if let Some(incident) = &row.incident {
                lines.below(&wording::incident(incident, *zone))?;
            }
            for gap in &row.gaps {
                lines.below(gap)?;
            }
            if row.unmetered_tokens > 0 {
                lines.below(&format!(
                    "{} tokens of forks whose parent is missing are in no figure",
                    wording::tokens(row.unmetered_tokens)
                ))?;
            }
            if row.problem_count > 0 {
                lines.below(&format!("{} lines could not be read", row.problem_count))?;
            }
            for problem in &row.problems {
                let at = problem.position.as_ref().map_or(String::new(), |at| format!(", {at}"));
                lines.below(&format!("{}{at}: {}", problem.place, problem.what))?;
            }
        }
    }
    Ok(())
}

/// Writes `spendbar.doctor.v1`.
///
/// # Errors
/// Those of the writer.
pub fn json(out: &mut dyn Write, diagnosis: &Diagnosis<'_>) -> io::Result<()> {
    let sources = diagnosis.sources.iter();
    json::write(
        out,
        &Document {
            schema: "spendbar.doctor.v1",
            version: diagnosis.version,
            at: json::instant(diagnosis.now),
            zone: diagnosis.zone.name(),
            ok: diagnosis.is_ok(),
            checks: diagnosis.checks.iter().map(CheckDocument::of).collect(),
            sources: sources.map(|s| Source::of(s, diagnosis.now, diagnosis.zone)).collect(),
        },
    )
}

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    version: &'static str,
    at: String,
    zone: &'static str,
    ok: bool,
    checks: Vec<CheckDocument<'a>>,
    sources: Vec<Source<'a>>,
}

#[derive(Serialize)]
struct CheckDocument<'a> {
    id: &'static str,
    verdict: Verdict,
    place: Option<&'a str>,
    found: &'a str,
    hint: Option<&'a str>,
}

impl<'a> CheckDocument<'a> {
    fn of(check: &'a Check) -> Self {
        Self {
            id: check.id,
            verdict: check.verdict,
            place: check.place.as_deref(),
            found: &check.found,
            hint: check.hint.as_deref(),
        }
    }
}

struct Lines<'a> {
    out: &'a mut dyn Write,
    style: &'a Style,
    name_width: usize,
}

impl Lines<'_> {
    fn head(&mut self, verdict: Verdict, name: &str, found: &str) -> io::Result<()> {
        let mark = match verdict {
            Verdict::Ok => "✓".to_owned(),
            Verdict::Note => "·".to_owned(),
            Verdict::Bad => self.style.alarm("✗"),
        };
        let blanks = " ".repeat(self.name_width.saturating_sub(width(name)));
        writeln!(self.out, "{mark} {name}{blanks}  {}", self.wrapped(found))
    }

    fn below(&mut self, line: &str) -> io::Result<()> {
        let margin = " ".repeat(self.margin());
        writeln!(self.out, "{margin}{}", self.style.quiet(&self.wrapped(line)))
    }

    fn wrapped(&self, line: &str) -> String {
        let room = self.style.width.saturating_sub(self.margin());
        let margin = format!("\n{}", " ".repeat(self.margin()));
        wrap(&clean(line), room, 0).replace('\n', &margin)
    }

    /// The mark and a blank before the name, two blanks behind it.
    fn margin(&self) -> usize {
        self.name_width + 4
    }
}

fn verdict(state: SourceState) -> Verdict {
    match state {
        SourceState::Ok => Verdict::Ok,
        SourceState::Failing => Verdict::Bad,
        SourceState::Stale
        | SourceState::NeedsKey
        | SourceState::NeedsSetting
        | SourceState::NotFound
        | SourceState::Waiting
        | SourceState::Off => Verdict::Note,
    }
}

fn source_line(source: &SourceEntry<'_>, now: DateTime<Utc>, zone: Zone) -> String {
    let mut parts = vec![source.state.words().to_owned()];
    if let Some(row) = source.row {
        parts.extend(row.error.as_ref().map(|error| wording::failure_short(error).to_owned()));
        parts.extend(row.incident.as_ref().map(|it| wording::incident_short(it).to_owned()));
        let figures = |at| format!("last figures {}", wording::age(now, at, zone));
        parts.extend(row.last_good_at.map(figures));
    }
    parts.dedup();
    parts.join(" · ")
}

#[cfg(test)]
mod tests {
    use super::super::sources::tests::{entry, failing, marked, now, row};
    use super::*;

    #[test]
    fn a_reported_fault_is_told_and_is_no_fault_of_this_machine() {
        let row = marked("openai-admin");
        let diagnosis = Diagnosis {
            version: "0.1.0",
            now: now(),
            zone: Zone::UTC,
            checks: Vec::new(),
            sources: vec![entry("openai-admin", Some(&row), Some("keyring"))],
        };
        let mut out = Vec::new();
        text(&mut out, &diagnosis, &Style { color: false, width: 100 }).expect("a vector");
        insta::assert_snapshot!(String::from_utf8(out).expect("text"), @"
        Spendbar 0.1.0

        Sources
        ✓ OpenAI  ok · status: outage · last figures 3 min ago
                  https://api.example.com
                  key: keyring
                  OpenAI reports “Partial System Outage” on its status page (as of 14:50): figures may be
                  late.
        ");
        assert!(diagnosis.is_ok());
    }

    #[test]
    fn a_diagnosis_as_text_and_json() {
        let (good, failing) = (row("claude-code"), failing());
        let check = |id, name, verdict, place: &str, found: &str, hint: Option<&str>| Check {
            id,
            name,
            verdict,
            place: Some(place.to_owned()).filter(|place| !place.is_empty()),
            found: found.into(),
            hint: hint.map(str::to_owned),
        };
        let diagnosis = Diagnosis {
            version: "0.1.0",
            now: now(),
            zone: Zone::UTC,
            checks: vec![
                check(
                    "config",
                    "Config",
                    Verdict::Ok,
                    "/home/ada/.config/spendbar/config.toml",
                    "2 budgets",
                    None,
                ),
                check(
                    "keyring",
                    "Keyring",
                    Verdict::Note,
                    "",
                    "no keyring is running here",
                    Some("Keys come from environment variables."),
                ),
                check(
                    "tray",
                    "Tray host",
                    Verdict::Bad,
                    "org.kde.StatusNotifierWatcher",
                    "not on the bus",
                    Some("Add the tray to your panel."),
                ),
            ],
            sources: vec![
                entry("claude-code", Some(&good), None),
                entry("codex", None, None),
                entry("openai-admin", Some(&failing), Some("keyring, …6789")),
                entry("openrouter", None, None),
            ],
        };
        let shown = |columns| {
            let mut out = Vec::new();
            text(&mut out, &diagnosis, &Style { color: false, width: columns }).expect("a vector");
            String::from_utf8(out).expect("text")
        };
        insta::assert_snapshot!(shown(100), @"
        Spendbar 0.1.0
        ✓ Config       2 budgets
                       /home/ada/.config/spendbar/config.toml
        · Keyring      no keyring is running here
                       Keys come from environment variables.
        ✗ Tray host    not on the bus
                       org.kde.StatusNotifierWatcher
                       Add the tray to your panel.

        Sources
        ✓ Claude Code  ok · last figures 3 min ago
                       /home/ada/.claude-code/a/rather/long/folder/to/look/into
        · Codex        not found
                       /home/ada/.codex/a/rather/long/folder/to/look/into
        ✗ OpenAI       failing · key refused · last figures 3 min ago
                       https://api.example.com
                       key: keyring, …6789
                       OpenAI refused the key (401). It needs an admin key (sk-admin-…). Set one:
                       `spendbar key set openai-admin`.
                       2 lines could not be read
                       /home/ada/.claude/projects/é/a.jsonl, line 12: no JSON
        · OpenRouter   needs a key
                       https://api.example.com
                       Set a key (sk-or-…): `spendbar key set openrouter`, or OPENROUTER_API_KEY.
        ");
        insta::assert_snapshot!(shown(60), @"
        Spendbar 0.1.0
        ✓ Config       2 budgets
                       /home/ada/.config/spendbar/config.toml
        · Keyring      no keyring is running here
                       Keys come from environment variables.
        ✗ Tray host    not on the bus
                       org.kde.StatusNotifierWatcher
                       Add the tray to your panel.

        Sources
        ✓ Claude Code  ok · last figures 3 min ago
                       /home/ada/.claude-code/a/rather/long/folder/to/look/into
        · Codex        not found
                       /home/ada/.codex/a/rather/long/folder/to/look/into
        ✗ OpenAI       failing · key refused · last figures 3 min
                       ago
                       https://api.example.com
                       key: keyring, …6789
                       OpenAI refused the key (401). It needs an
                       admin key (sk-admin-…). Set one:
                       `spendbar key set openai-admin`.
                       2 lines could not be read
                       /home/ada/.claude/projects/é/a.jsonl, line
                       12: no JSON
        · OpenRouter   needs a key
                       https://api.example.com
                       Set a key (sk-or-…):
                       `spendbar key set openrouter`, or
                       OPENROUTER_API_KEY.
        ");
        let mut out = Vec::new();
        json(&mut out, &Diagnosis { sources: Vec::new(), ..diagnosis.clone() }).expect("a vector");
        insta::assert_snapshot!(String::from_utf8(out).expect("text"), @r#"
        {
          "schema": "spendbar.doctor.v1",
          "version": "0.1.0",
          "at": "2026-11-24T15:00:00Z",
          "zone": "UTC",
          "ok": false,
          "checks": [
            {
              "id": "config",
              "verdict": "ok",
              "place": "/home/ada/.config/spendbar/config.toml",
              "found": "2 budgets",
              "hint": null
            },
            {
              "id": "keyring",
              "verdict": "note",
              "place": null,
              "found": "no keyring is running here",
              "hint": "Keys come from environment variables."
            },
            {
              "id": "tray",
              "verdict": "bad",
              "place": "org.kde.StatusNotifierWatcher",
              "found": "not on the bus",
              "hint": "Add the tray to your panel."
            }
          ],
          "sources": []
        }
        "#);
        assert!(!diagnosis.is_ok());
    }
}
