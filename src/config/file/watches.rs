//! `[[watch]]`, and `[rates]` of other currencies.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::{Spanned, Value};

use super::Check;
use crate::budgets::watch::{Watch, Watched};
use crate::sources::SourceKind;
use crate::spend::{Currency, Rate, Rates};

/// Percent used at which the watch of a quota window speaks unless it says otherwise.
const DEFAULT_WATCH: [u32; 2] = [80, 95];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TypedRate {
    usd: Spanned<Value>,
    date: Spanned<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TypedWatch {
    source: Spanned<String>,
    quota: Option<Spanned<String>>,
    thresholds: Option<Vec<Spanned<i64>>>,
    balance: Option<Spanned<String>>,
    below: Option<Spanned<Value>>,
}

impl Check<'_> {
    /// What other currencies are worth.
    pub(super) fn rates(&mut self, typed: BTreeMap<Spanned<String>, TypedRate>) -> Rates {
        let mut rates = BTreeMap::new();
        for (code, rate) in typed {
            let usd = self.amount("rates.usd", &rate.usd, Currency::USD);
            let Ok(date) = rate.date.get_ref().parse() else {
                let what = format!("{:?} is no date", rate.date.get_ref());
                let hint = "write the day the rate is of, such as \"2026-11-02\"";
                self.problem(rate.date.span(), "rates.date", what, hint);
                continue;
            };
            match code.get_ref().parse() {
                Ok(currency) if currency != Currency::USD => {
                    let nanos_usd = usd.attos / 1_000_000_000;
                    rates.insert(currency, Rate { nanos_usd, date });
                }
                _ => {
                    let what = format!("{:?} is no other currency", code.get_ref());
                    self.problem(code.span(), "rates", what, "write a code such as EUR");
                }
            }
        }
        Rates(rates)
    }

    /// What is to be told of a quota window or a balance.
    pub(super) fn watch(&mut self, spanned: Spanned<TypedWatch>) -> Option<Watch> {
        let span = spanned.span();
        let typed = spanned.into_inner();
        let known = self.source_ids(Some(SourceKind::Provider));
        if !known.contains(&typed.source.get_ref().as_str()) {
            let what = format!("{:?} is not among the providers", typed.source.get_ref());
            let hint = format!("write one of {}", known.join(", "));
            self.problem(typed.source.span(), "watch.source", what, hint);
            return None;
        }
        // `all` stands for every one of them, as it does for the sources of a budget.
        let named = |name: Spanned<String>| Some(name.into_inner()).filter(|name| name != "all");
        let of = match (typed.quota, typed.balance) {
            (Some(window), None) => {
                if let Some(below) = &typed.below {
                    let hint = "write thresholds in percent used, such as [80, 95]";
                    self.problem(below.span(), "watch.below", "a quota has no amount", hint);
                }
                let thresholds_percent = match typed.thresholds.as_deref() {
                    None => DEFAULT_WATCH.to_vec(),
                    thresholds => self.thresholds(thresholds),
                };
                Watched::Quota { window: named(window), thresholds_percent }
            }
            (None, Some(balance)) => {
                let Some(below) = typed.below else {
                    let hint = "write below = 5";
                    self.problem(span, "watch.below", "below which amount is not said", hint);
                    return None;
                };
                let below_attos = self.amount("watch.below", &below, Currency::USD).attos;
                Watched::Balance { name: named(balance), below_attos }
            }
            _ => {
                let hint = "write quota = \"week\" or balance = \"credits\"; \"all\" is every one";
                self.problem(span, "watch", "it says not what is watched", hint);
                return None;
            }
        };
        Some(Watch { source: typed.source.into_inner(), of })
    }
}
