//! The file as typed, and the check that makes a [`Config`] of it.
//!
//! The typed structs refuse unknown settings, so that a slip of the pen is an error and not a
//! setting that silently does nothing. Values that need more than a type are kept with their place
//! in the text and checked afterwards, all of them, so that one run shows every problem.

use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::{Path, PathBuf};
use toml::{Spanned, Value};
use url::Url;

mod alerts;
mod budgets;
mod energy;
mod guard;
mod mcp;
mod metrics;
mod plans;
mod providers;
mod watches;
mod yields;

use alerts::{TypedAlerts, TypedHook, TypedWebhook};
use budgets::TypedBudget;
pub(super) use budgets::effective_names;
use energy::TypedEnergy;
use guard::TypedGuard;
use mcp::TypedMcp;
use metrics::TypedMetrics;
use plans::{TypedDiscount, TypedPeople, TypedPlan};
use providers::TypedProvider;
use watches::{TypedRate, TypedWatch};
use yields::TypedYield;

use super::{AgentSettings, Billing, Config, ConfigError, ConfigProblem};
use crate::board::{Colours, Headline};
use crate::sources::SourceKind;
use crate::sources::further::Further;
use crate::sources::providers::address::is_loopback;
use crate::sources::providers::described::language::Description;
use crate::spend::{Currency, Money, Period, Zone};

/// Percent at which a budget speaks unless it says otherwise.
pub(super) const DEFAULT_THRESHOLDS: [u32; 3] = [50, 80, 100];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Typed {
    zone: Option<Spanned<String>>,
    headline: Option<Headline>,
    #[serde(default)]
    icon: TypedIcon,
    notifications: Option<bool>,
    status_pages: Option<bool>,
    #[serde(default)]
    metrics: TypedMetrics,
    #[serde(default)]
    alerts: TypedAlerts,
    #[serde(default)]
    hook: Vec<TypedHook>,
    #[serde(default)]
    webhook: Vec<TypedWebhook>,
    #[serde(default)]
    agents: BTreeMap<Spanned<String>, TypedAgent>,
    #[serde(default)]
    providers: BTreeMap<Spanned<String>, TypedProvider>,
    #[serde(default)]
    provider: Vec<Spanned<Description>>,
    #[serde(default)]
    budget: Vec<TypedBudget>,
    #[serde(default)]
    guard: TypedGuard,
    #[serde(default, rename = "yield")]
    yields: TypedYield,
    #[serde(default)]
    energy: TypedEnergy,
    #[serde(default)]
    mcp: TypedMcp,
    #[serde(default)]
    watch: Vec<Spanned<TypedWatch>>,
    #[serde(default)]
    rates: BTreeMap<Spanned<String>, TypedRate>,
    #[serde(default)]
    plan: Vec<Spanned<TypedPlan>>,
    #[serde(default)]
    discount: Vec<Spanned<TypedDiscount>>,
    #[serde(default)]
    people: TypedPeople,
    #[serde(default)]
    price: Vec<toml::Table>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct TypedIcon {
    #[serde(default)]
    colours: Colours,
    #[serde(default)]
    period: Period,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TypedAgent {
    enabled: Option<bool>,
    #[serde(default)]
    roots: Vec<Spanned<String>>,
    account: Option<Spanned<String>>,
    billing: Option<Billing>,
}

/// The file's bytes as text.
pub(super) fn decode(bytes: Vec<u8>, path: &Path) -> Result<String, ConfigError> {
    String::from_utf8(bytes).map_err(|error| {
        let good = error.utf8_error().valid_up_to();
        let line = 1 + error.as_bytes()[..good].iter().filter(|byte| **byte == b'\n').count();
        ConfigError::invalid(
            path,
            ConfigProblem {
                line,
                field: String::new(),
                what: "this line is not UTF-8 text".into(),
                hint: "save the file in the encoding UTF-8".into(),
            },
        )
    })
}

/// Reads and checks; every problem from the top of the file down.
pub(super) fn parse(
    text: &str,
    home: &Path,
    system_zone: Zone,
) -> Result<Config, Vec<ConfigProblem>> {
    // Some editors put a byte order mark in front; places in the text are counted behind it.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let typed: Typed = toml::from_str(text).map_err(|error| vec![not_typed(text, &error)])?;
    let mut check = Check { text, home, problems: Vec::new(), further: Further::default() };
    let config = check.config(typed, system_zone);
    check.problems.sort_by_key(|problem| problem.line);
    if check.problems.is_empty() { Ok(config) } else { Err(check.problems) }
}

/// What the TOML reader refuses: broken syntax, unknown settings, wrong types.
fn not_typed(text: &str, error: &toml::de::Error) -> ConfigProblem {
    let start = error.span().map_or(0, |span| span.start);
    let line = line_of(text, start);
    let written = text.lines().nth(line - 1).unwrap_or_default().trim();
    // The reader's words for Rust programmers become the words of this file.
    let message = error.message().replace('\n', ", ");
    let what = [
        ("unknown field", "unknown setting"),
        ("unknown variant", "unknown value"),
        ("missing field", "missing setting"),
        ("invalid type:", "wrong kind of value:"),
    ]
    .into_iter()
    .fold(message, |message, (theirs, ours)| message.replace(theirs, ours));
    let what = if written.is_empty() { what } else { format!("{what}, in `{written}`") };
    let what = alerts::without_secrets(&what);
    ConfigProblem { line, field: String::new(), what, hint: String::new() }
}

fn line_of(text: &str, offset: usize) -> usize {
    let before = text.as_bytes().get(..offset).unwrap_or(text.as_bytes());
    1 + before.iter().filter(|byte| **byte == b'\n').count()
}

struct Check<'a> {
    text: &'a str,
    home: &'a Path,
    problems: Vec<ConfigProblem>,
    further: Further,
}

impl Check<'_> {
    fn problem(
        &mut self,
        span: Range<usize>,
        field: impl Into<String>,
        what: impl Into<String>,
        hint: impl Into<String>,
    ) {
        let line = line_of(self.text, span.start);
        self.problems.push(ConfigProblem {
            line,
            field: field.into(),
            what: what.into(),
            hint: hint.into(),
        });
    }

    fn config(&mut self, typed: Typed, system_zone: Zone) -> Config {
        let zone = typed.zone.and_then(|zone| self.zone(&zone)).unwrap_or(system_zone);
        self.own(typed.provider);
        let agents = self.agents(typed.agents);
        let providers = self.providers(typed.providers);
        let warnings = self.warnings(&typed.alerts);
        let metrics = self.metrics(typed.metrics);
        let alerts = self.alerts(typed.alerts, typed.hook, typed.webhook);
        let rates = self.rates(typed.rates);
        let budgets = self.budgets(typed.budget, &rates);
        let guard = self.guard(typed.guard, &budgets);
        let energy = self.energy(typed.energy);
        let yields = self.yields(typed.yields);
        let plans = self.plans(typed.plan, typed.discount, &agents, &rates);
        let people = self.people(typed.people, &rates);
        let watches = typed.watch.into_iter().filter_map(|it| self.watch(it)).collect();
        Config {
            zone,
            headline: typed.headline.unwrap_or_default(),
            colours: typed.icon.colours,
            period: typed.icon.period,
            notifications: typed.notifications.unwrap_or(true),
            status_pages: typed.status_pages.unwrap_or(true),
            metrics,
            alerts,
            agents,
            providers,
            budgets,
            guard,
            mcp: typed.mcp.settings(),
            yields,
            read_from: None,
            rates,
            plans,
            people,
            watches,
            warnings,
            prices: typed.price,
            energy,
            further: std::mem::take(&mut self.further),
        }
    }

    fn zone(&mut self, zone: &Spanned<String>) -> Option<Zone> {
        let parsed = zone.get_ref().parse().ok();
        if parsed.is_none() {
            self.problem(
                zone.span(),
                "zone",
                format!("{:?} is no time zone", zone.get_ref()),
                "write a name such as \"Europe/Berlin\" or \"UTC\", or leave the setting out to \
                 follow the system",
            );
        }
        parsed
    }

    fn agents(
        &mut self,
        typed: BTreeMap<Spanned<String>, TypedAgent>,
    ) -> BTreeMap<String, AgentSettings> {
        let mut agents = BTreeMap::new();
        for (id, agent) in typed {
            self.known(&id, "agents", SourceKind::Agent);
            let section = format!("agents.{}", id.get_ref());
            let settings = AgentSettings {
                enabled: agent.enabled,
                roots: self.roots(&section, &agent.roots),
                account: self.account(&section, agent.account),
                billing: agent.billing,
            };
            agents.insert(id.into_inner(), settings);
        }
        agents
    }

    /// The ids that settings can name.
    fn source_ids(&self, kind: Option<SourceKind>) -> Vec<&'static str> {
        let infos = self.further.all().map(|source| source.info());
        infos.filter(|info| kind.is_none_or(|kind| info.kind == kind)).map(|info| info.id).collect()
    }

    fn known(&mut self, id: &Spanned<String>, section: &str, kind: SourceKind) {
        let known = self.source_ids(Some(kind));
        if !known.contains(&id.get_ref().as_str()) {
            let list = known.join(", ");
            self.problem(
                id.span(),
                format!("{section}.{}", id.get_ref()),
                format!("{:?} is not among the {section} this version reads", id.get_ref()),
                format!("write one of {list}"),
            );
        }
    }

    fn account(&mut self, section: &str, account: Option<Spanned<String>>) -> Option<String> {
        let account = account?;
        if account.get_ref().trim().is_empty() {
            self.problem(
                account.span(),
                format!("{section}.account"),
                "the name is empty",
                "write a name; sources with the same name are one bill",
            );
        }
        Some(account.into_inner())
    }

    fn roots(&mut self, section: &str, roots: &[Spanned<String>]) -> Vec<PathBuf> {
        let mut paths = Vec::new();
        for root in roots {
            let path = match root.get_ref().strip_prefix('~') {
                Some("") => self.home.to_owned(),
                Some(rest) if rest.starts_with(['/', '\\']) => self.home.join(&rest[1..]),
                _ => PathBuf::from(root.get_ref()),
            };
            if path.is_absolute() {
                paths.push(path);
            } else {
                self.problem(
                    root.span(),
                    format!("{section}.roots"),
                    format!("{:?} is not an absolute path", root.get_ref()),
                    "write the whole path, or begin it with ~/ for your home folder",
                );
            }
        }
        paths
    }

    fn base_url(&mut self, section: &str, written: &Spanned<String>) -> Option<Url> {
        let hint = "write an address such as \"https://gateway.example.com\"";
        let what = match Url::parse(written.get_ref()) {
            Err(error) => format!("{:?} is no address: {error}", written.get_ref()),
            Ok(url) if url.host().is_none() => {
                format!("{:?} names no host", written.get_ref())
            }
            Ok(url) if !url.username().is_empty() || url.password().is_some() => {
                "the address holds a user name or password".into()
            }
            Ok(url) if url.scheme() == "https" || (url.scheme() == "http" && is_loopback(&url)) => {
                return Some(url);
            }
            Ok(url) if url.scheme() == "http" => {
                "plain http would send the key unencrypted; it is for this machine only".into()
            }
            Ok(url) => format!("{}: is not https", url.scheme()),
        };
        self.problem(written.span(), format!("{section}.base_url"), what, hint);
        None
    }

    fn amount(&mut self, field: &str, written: &Spanned<Value>, currency: Currency) -> Money {
        let hint = "write an amount above zero, such as 200 or 200.50";
        let amount = self.decimal(field, written, currency, hint);
        if let Some(amount) = amount.filter(|amount| amount.attos <= 0) {
            let what = format!("{} is not above zero", amount.to_decimal());
            self.problem(written.span(), field, what, hint);
        }
        amount.unwrap_or(Money::zero(currency))
    }

    /// Any amount, below zero too; `None` where there is none, which is told.
    fn decimal(
        &mut self,
        field: &str,
        written: &Spanned<Value>,
        currency: Currency,
        hint: &str,
    ) -> Option<Money> {
        let text = match written.get_ref() {
            Value::String(text) => text.trim().to_owned(),
            Value::Integer(number) => number.to_string(),
            // The written digits, not the nearest binary float: money is exact.
            Value::Float(_) => {
                let written = self.text.get(written.span()).unwrap_or_default();
                written.trim_start_matches('+').replace('_', "")
            }
            other => {
                let what = format!("found {}, not an amount", described(other));
                self.problem(written.span(), field, what, hint);
                return None;
            }
        };
        let amount = Money::parse(&text, currency);
        if let Err(error) = &amount {
            self.problem(written.span(), field, error.to_string(), hint);
        }
        amount.ok()
    }

    fn thresholds(&mut self, thresholds: Option<&[Spanned<i64>]>) -> Vec<u32> {
        let Some(thresholds) = thresholds else { return DEFAULT_THRESHOLDS.to_vec() };
        let mut sorted = BTreeSet::new();
        for threshold in thresholds {
            match u32::try_from(*threshold.get_ref()) {
                Ok(percent @ 1..=1000) => {
                    sorted.insert(percent);
                }
                _ => self.problem(
                    threshold.span(),
                    "budget.thresholds",
                    format!("{} is out of range", threshold.get_ref()),
                    "write whole percent from 1 to 1000, such as [50, 80, 100]",
                ),
            }
        }
        sorted.into_iter().collect()
    }
}

fn described(value: &Value) -> String {
    match value {
        Value::String(text) => format!("{text:?}"),
        Value::Integer(_) | Value::Float(_) | Value::Boolean(_) | Value::Datetime(_) => {
            value.to_string()
        }
        Value::Array(_) => "a list".into(),
        Value::Table(_) => "a table".into(),
    }
}
