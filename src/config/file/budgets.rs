//! `[[budget]]`.

use std::collections::BTreeSet;

use serde::Deserialize;
use toml::{Spanned, Value};

use super::{Check, described};
use crate::budgets::{Basis, Budget};
use crate::spend::{Currency, Cycle, Filter, Glob, Lists, Rates};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TypedBudget {
    name: Option<Spanned<String>>,
    amount: Spanned<Value>,
    currency: Option<Spanned<String>>,
    #[serde(alias = "period")]
    per: Spanned<String>,
    thresholds: Option<Vec<Spanned<i64>>>,
    basis: Option<Spanned<Basis>>,
    #[serde(default)]
    rollover: bool,
    #[serde(alias = "scope")]
    sources: Option<Spanned<Value>>,
    #[serde(default)]
    providers: Vec<String>,
    #[serde(default)]
    accounts: Vec<String>,
    #[serde(default)]
    models: Vec<Spanned<String>>,
    #[serde(default)]
    projects: Vec<Spanned<String>>,
    #[serde(default)]
    sessions: Vec<Spanned<String>>,
    #[serde(default)]
    except: TypedLists,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct TypedLists {
    sources: Option<Spanned<Value>>,
    #[serde(default)]
    providers: Vec<String>,
    #[serde(default)]
    accounts: Vec<String>,
    #[serde(default)]
    models: Vec<Spanned<String>>,
    #[serde(default)]
    projects: Vec<Spanned<String>>,
    #[serde(default)]
    sessions: Vec<Spanned<String>>,
}

impl Check<'_> {
    pub(super) fn budgets(&mut self, typed: Vec<TypedBudget>, rates: &Rates) -> Vec<Budget> {
        let given: Vec<_> = typed
            .iter()
            .map(|budget| {
                let name = budget.name.as_ref().map(|name| name.get_ref().trim());
                // What is no time is told below; here it only needs a name.
                (name, budget.per.get_ref().parse().unwrap_or(Cycle::Day))
            })
            .collect();
        let names = effective_names(&given);
        let mut seen = BTreeSet::new();
        let mut budgets = Vec::new();
        for (budget, name) in typed.into_iter().zip(names) {
            if let Some(given) = &budget.name {
                let mut problem = |what: String, hint: &str| {
                    self.problem(given.span(), "budget.name", what, hint)
                };
                if name.is_empty() {
                    problem("the name is empty".into(), "write a name, or leave the setting out");
                } else if seen.contains(&name) {
                    let what = format!("a second budget is named {name:?}");
                    problem(what, "give each budget a name of its own");
                }
            }
            seen.insert(name.clone());
            budgets.push(self.budget(budget, name, rates));
        }
        budgets
    }

    fn budget(&mut self, typed: TypedBudget, name: String, rates: &Rates) -> Budget {
        let currency = self.currency(typed.currency.as_ref(), rates);
        let cycle = match typed.per.get_ref().parse() {
            Ok(cycle) => cycle,
            Err(hint) => {
                let what = format!("{:?} is no time", typed.per.get_ref());
                self.problem(typed.per.span(), "budget.per", what, format!("{hint}"));
                Cycle::Day
            }
        };
        let only = TypedLists {
            sources: typed.sources,
            providers: typed.providers,
            accounts: typed.accounts,
            models: typed.models,
            projects: typed.projects,
            sessions: typed.sessions,
        };
        let filter = Filter {
            only: self.lists(only, "budget"),
            except: self.lists(typed.except, "budget.except"),
        };
        let is_told = !filter.tells_work_apart() && !matches!(cycle, Cycle::Hours(_));
        if let Some(basis) = &typed.basis
            && *basis.get_ref() == Basis::Billed
            && !is_told
        {
            self.problem(
                basis.span(),
                "budget.basis",
                "bills come per day, and tell neither folders nor sessions",
                "write basis = \"list\", or leave out projects, sessions and hours",
            );
        }
        Budget {
            name,
            amount: self.amount("budget.amount", &typed.amount, currency),
            cycle,
            thresholds_percent: self.thresholds(typed.thresholds.as_deref()),
            filter,
            basis: typed.basis.map(Spanned::into_inner).unwrap_or_default(),
            rollover: typed.rollover,
        }
    }

    fn currency(&mut self, written: Option<&Spanned<String>>, rates: &Rates) -> Currency {
        let Some(written) = written else { return Currency::USD };
        match written.get_ref().parse::<Currency>() {
            Ok(currency) if currency == Currency::USD || rates.0.contains_key(&currency) => {
                return currency;
            }
            Ok(currency) => self.problem(
                written.span(),
                "budget.currency",
                format!("what one {currency} is worth is not said"),
                format!("add [rates] {currency} = {{ usd = 1.16, date = \"2026-11-02\" }}"),
            ),
            Err(_) => self.problem(
                written.span(),
                "budget.currency",
                format!("{:?} is no currency", written.get_ref()),
                "write a code such as \"EUR\"",
            ),
        }
        Currency::USD
    }

    fn lists(&mut self, typed: TypedLists, field: &str) -> Lists {
        Lists {
            sources: typed
                .sources
                .map(|sources| self.scope(&sources, &format!("{field}.sources")))
                .unwrap_or_default(),
            providers: typed.providers,
            accounts: typed.accounts,
            models: self.globs(typed.models, &format!("{field}.models")),
            projects: self.folders(typed.projects, &format!("{field}.projects")),
            sessions: self.globs(typed.sessions, &format!("{field}.sessions")),
        }
    }

    pub(super) fn globs(&mut self, written: Vec<Spanned<String>>, field: &str) -> Vec<Glob> {
        written
            .into_iter()
            .filter_map(|text| match Glob::new(text.get_ref()) {
                Ok(glob) => Some(glob),
                Err(error) => {
                    let what = format!("{:?} is no pattern: {}", text.get_ref(), error.msg);
                    self.problem(text.span(), field, what, "write a name, with * for any text");
                    None
                }
            })
            .collect()
    }

    /// Folders may begin with `~`, and have to be whole paths: what is logged is one.
    fn folders(&mut self, written: Vec<Spanned<String>>, field: &str) -> Vec<Glob> {
        let mut whole = Vec::new();
        for text in written {
            let span = text.span();
            let path = match text.get_ref().strip_prefix('~') {
                Some("") => self.home.display().to_string(),
                Some(rest) if rest.starts_with(['/', '\\']) => {
                    format!("{}{rest}", Glob::escape(&self.home.display().to_string()))
                }
                _ => text.into_inner(),
            };
            let path = path.trim_end_matches(['/', '\\']).to_owned();
            let is_whole = path.starts_with(['/', '*', '\\']) || path.get(1..2) == Some(":");
            if is_whole {
                whole.push(Spanned::new(span, path));
            } else {
                let hint = "write the whole path, or begin it with ~/ for your home folder, or **/";
                self.problem(span, field, format!("{path:?} is not a whole path"), hint);
            }
        }
        self.globs(whole, field)
    }

    pub(super) fn scope(&mut self, sources: &Spanned<Value>, field: &str) -> Vec<String> {
        let known = self.source_ids(None);
        let hint = || {
            let list = known.iter().map(|id| format!("{id:?}")).collect::<Vec<_>>().join(", ");
            format!("write \"all\", or a list out of [{list}]")
        };
        let listed = match sources.get_ref() {
            Value::String(word) if word == "all" => return Vec::new(),
            Value::Array(listed) if !listed.is_empty() => listed,
            Value::Array(_) => {
                self.problem(sources.span(), field, "the list is empty", hint());
                return Vec::new();
            }
            other => {
                let what = format!("found {}, not a list of sources", described(other));
                self.problem(sources.span(), field, what, hint());
                return Vec::new();
            }
        };
        let mut scope: Vec<String> = Vec::new();
        for id in listed {
            match id.as_str() {
                Some(id) if known.contains(&id) => {
                    if !scope.iter().any(|listed| listed == id) {
                        scope.push(id.to_owned());
                    }
                }
                _ => {
                    let what = format!("{} is no source this version reads", described(id));
                    self.problem(sources.span(), field, what, hint());
                }
            }
        }
        scope
    }
}

/// The name each budget goes by: its own, or the word of its period with a number where that is
/// taken (`day`, `day-2`).
pub(in crate::config) fn effective_names(budgets: &[(Option<&str>, Cycle)]) -> Vec<String> {
    let mut taken: BTreeSet<String> =
        budgets.iter().filter_map(|(name, _)| name.map(str::to_owned)).collect();
    budgets
        .iter()
        .map(|(name, cycle)| match name {
            Some(name) => (*name).to_owned(),
            None => {
                let word = cycle.to_string();
                let free = std::iter::once(word.clone())
                    .chain((2_u32..).map(|number| format!("{word}-{number}")))
                    .find(|name| !taken.contains(name))
                    .unwrap_or_else(|| word.clone());
                taken.insert(free.clone());
                free
            }
        })
        .collect()
}
