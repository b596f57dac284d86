//! Budgets that a form asks for.

use anyhow::Context;

use crate::board::wording;
use crate::budgets::Budget;
use crate::config::Config;
use crate::config::edit::{self, BudgetChange};
use crate::spend::{Currency, Cycle, Money};

use super::super::page::Page;
use super::form::{Form, Outcome, Refused, edited};

/// What `budget set` takes for granted.
const THRESHOLDS: [u32; 3] = [50, 80, 100];

/// Adds a budget, or changes the one that the form is of.
pub(super) fn set(page: &Page, form: &Form) -> Outcome {
    let config = page.app.config().map_err(anyhow::Error::from)?;
    let (change, what) = asked(form, &config)?;
    edited(page, what, |text| edit::set_budget(text, &change))
}

/// Removes a budget.
pub(super) fn remove(page: &Page, form: &Form) -> Outcome {
    let name = form.get("of");
    edited(page, format!("Budget {name:?} is removed."), |text| edit::remove_budget(text, name))
}

/// What the form asks for, and that in words.
fn asked(form: &Form, config: &Config) -> Result<(BudgetChange, String), Refused> {
    let of = form.get("of");
    let present = match of {
        "" => None,
        of => {
            let found = config.budgets.iter().find(|budget| budget.name == of);
            Some(found.with_context(|| format!("no budget is named {of:?} any more"))?)
        }
    };
    let currency = present.map_or(Currency::USD, |budget| budget.amount.currency);
    // The fields in their order on the page, so that the first wrong one is told.
    let amount = amount(form.get("amount"), currency)?;
    let cycle: Cycle = form.get("per").parse().map_err(|hint| {
        let typed = form.get("per");
        Refused::field("per", format!("{typed:?} is no time: {hint}."))
    })?;
    let change = BudgetChange {
        thresholds_percent: thresholds(form, present)?,
        name: name(form, present, cycle, config)?,
        sources: match (present, form.get("source")) {
            (Some(_), _) | (None, "" | "all") => None,
            (None, id) => Some(vec![id.to_owned()]),
        },
        ..BudgetChange::new(amount, cycle)
    };
    let named = change.name.clone().unwrap_or_else(|| cycle.to_string());
    let (limit, per) = (wording::amount_short(&change.amount), wording::per(cycle));
    let what = match present {
        None => format!("Budget {named:?} is added: {limit} {per}."),
        Some(old) => {
            let (limit_before, per_before) =
                (wording::amount_short(&old.amount), wording::per(old.cycle));
            match (limit_before, per_before) == (limit.clone(), per.clone()) {
                true => format!("Budget {named:?} speaks at other shares."),
                false => format!("Budget {named:?} is {limit} {per}."),
            }
        }
    };
    Ok((change, what))
}

fn amount(typed: &str, currency: Currency) -> Result<Money, Refused> {
    let plain = typed.strip_prefix('$').unwrap_or(typed).trim();
    match Money::parse(plain, currency) {
        Ok(amount) if amount.attos > 0 => Ok(amount),
        _ => {
            let what = match typed {
                "" => "The amount is missing".to_owned(),
                typed => format!("{typed:?} is no amount"),
            };
            Err(Refused::field(
                "amount",
                format!("{what}: write one above zero, such as 200 or 200.50."),
            ))
        }
    }
}

/// The name that goes into the file. One that is taken is refused: adding must not change another.
fn name(
    form: &Form,
    present: Option<&Budget>,
    cycle: Cycle,
    config: &Config,
) -> Result<Option<String>, Refused> {
    if let Some(budget) = present {
        return Ok(Some(budget.name.clone()));
    }
    let typed = form.get("name");
    if typed.chars().any(char::is_control) {
        return Err(Refused::field("name", "The name has characters that can't be shown."));
    }
    let word = cycle.to_string();
    let named = if typed.is_empty() { &word } else { typed };
    if config.budgets.iter().any(|budget| budget.name == named) {
        let what = format!(
            "There is a budget {named:?} already: change that one, or give this one a name of its own."
        );
        return Err(Refused::field("name", what));
    }
    Ok((!typed.is_empty()).then(|| typed.to_owned()))
}

/// Percent; `None` where the form asks for what holds anyway.
fn thresholds(form: &Form, present: Option<&Budget>) -> Result<Option<Vec<u32>>, Refused> {
    let mut thresholds = Vec::new();
    let parts = form.get("thresholds").split([',', ' ', '%']).filter(|part| !part.is_empty());
    for part in parts {
        match part.parse() {
            Ok(percent @ 1..=1000) => thresholds.push(percent),
            _ => {
                let what = format!(
                    "{part:?} is no share: write whole percent from 1 to 1000, such as 50, 80, 100."
                );
                return Err(Refused::field("thresholds", what));
            }
        }
    }
    thresholds.sort_unstable();
    thresholds.dedup();
    let now = present.map_or(&THRESHOLDS[..], |budget| &budget.thresholds_percent);
    // A first start's form asks for an amount alone.
    let is_asked = form.0.iter().any(|(name, _)| name == "thresholds");
    Ok((is_asked && thresholds != now).then_some(thresholds))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::spend::Zone;

    fn form(fields: &[(&str, &str)]) -> Form {
        Form(fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    fn config(text: &str) -> Config {
        Config::parse(text, Path::new("c"), Path::new("/home/u"), Zone::UTC).expect(text)
    }

    const DAY: &str = "[[budget]]\namount = 200\nper = \"day\"\n";

    #[test]
    fn a_new_budget_is_what_budget_set_writes() {
        let fields = [
            ("amount", "$ 50.5"),
            ("per", "week"),
            ("thresholds", "50, 80, 100"),
            ("source", "all"),
        ];
        let (change, what) = asked(&form(&fields), &config(DAY)).ok().expect("right");
        let amount = Money::parse("50.5", Currency::USD).expect("an amount");
        assert_eq!(change, BudgetChange::new(amount, "week".parse().expect("a time")));
        assert_eq!(what, "Budget \"week\" is added: $50.50 a week.");
    }

    #[test]
    fn what_is_wrong_is_named_with_its_field() {
        let refused = |fields: &[_]| {
            let refused = asked(&form(fields), &config(DAY)).expect_err("refused");
            format!("{}: {}", refused.field, refused.why)
        };
        insta::assert_snapshot!(refused(&[("amount", "many"), ("per", "week")]), @r#"amount: "many" is no amount: write one above zero, such as 200 or 200.50."#);
        insta::assert_snapshot!(refused(&[("amount", ""), ("per", "week")]), @"amount: The amount is missing: write one above zero, such as 200 or 200.50.");
        insta::assert_snapshot!(refused(&[("amount", "-1"), ("per", "week")]), @r#"amount: "-1" is no amount: write one above zero, such as 200 or 200.50."#);
        insta::assert_snapshot!(refused(&[("amount", "1"), ("per", "soon")]), @r#"per: "soon" is no time: write "day", "week", "week from sunday", "month", "month from 15", "5 hours", "30 days" or "2026-11-01 to 2027-06-30"."#);
        insta::assert_snapshot!(refused(&[("amount", "1"), ("per", "day")]), @r#"name: There is a budget "day" already: change that one, or give this one a name of its own."#);
        insta::assert_snapshot!(refused(&[("amount", "1"), ("per", "week"), ("thresholds", "0")]), @r#"thresholds: "0" is no share: write whole percent from 1 to 1000, such as 50, 80, 100."#);
        insta::assert_snapshot!(refused(&[("amount", "1"), ("per", "week"), ("of", "gone")]), @r#": No budget is named "gone" any more."#);
    }

    #[test]
    fn a_budget_that_is_there_keeps_what_the_form_does_not_ask() {
        let eur = "[rates]\nEUR = { usd = 1.16, date = \"2026-11-02\" }\n[[budget]]\nname = \"web\"\n\
                   amount = 5\ncurrency = \"EUR\"\nper = \"month\"\nthresholds = [90]\n";
        let fields = [
            ("of", "web"),
            ("amount", "6"),
            ("per", "month"),
            ("thresholds", "90 %"),
            ("source", "codex"),
        ];
        let (change, what) = asked(&form(&fields), &config(eur)).ok().expect("right");
        assert_eq!(change.amount.currency.to_string(), "EUR");
        assert_eq!((change.thresholds_percent, change.sources), (None, None));
        assert_eq!(change.name.as_deref(), Some("web"));
        insta::assert_snapshot!(what, @r#"Budget "web" is €6 a month."#);
        let never = [("of", "web"), ("amount", "5"), ("per", "month"), ("thresholds", "")];
        let (change, what) = asked(&form(&never), &config(eur)).ok().expect("right");
        assert_eq!(change.thresholds_percent, Some(vec![]), "it never speaks");
        insta::assert_snapshot!(what, @r#"Budget "web" speaks at other shares."#);
    }
}
