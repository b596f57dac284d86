//! Plans that a form asks for.

use anyhow::Context;
use chrono::NaiveDate;

use crate::board::wording;
use crate::config::Config;
use crate::config::edit::{self, PlanChange};
use crate::plans::{Every, Plan, offers};
use crate::spend::{Currency, Money};

use super::super::page::Page;
use super::form::{Form, Outcome, Refused, edited};

/// Adds a plan, or changes the one that the form is of.
pub(super) fn set(page: &Page, form: &Form) -> Outcome {
    let config = page.app.config().map_err(anyhow::Error::from)?;
    let (change, what) = asked(form, &config)?;
    edited(page, what, |text| edit::set_plan(text, &change))
}

/// Removes a plan.
pub(super) fn remove(page: &Page, form: &Form) -> Outcome {
    let name = form.get("of");
    edited(page, format!("Plan {name:?} is removed."), |text| edit::remove_plan(text, name))
}

/// What the form asks for, and that in words.
fn asked(form: &Form, config: &Config) -> Result<(PlanChange, String), Refused> {
    match form.get("of") {
        "" if form.0.iter().any(|(name, _)| name == "offer") => taken(form, config),
        "" => own(form, config),
        of => {
            let found = config.plans.plans.iter().find(|plan| plan.name == of);
            changed(form, found.with_context(|| format!("no plan is named {of:?} any more"))?)
        }
    }
}

/// Another fee, or another last day.
fn changed(form: &Form, plan: &Plan) -> Result<(PlanChange, String), Refused> {
    let fee = fee(form.get("fee"), plan.fee.currency)?.ok_or_else(no_fee)?;
    let end = day(form, "end")?;
    if let (Some(first), Some(last)) = (plan.first_day, end)
        && last < first
    {
        let what = format!("The last day is before the first, {}.", wording::day(first));
        return Err(Refused::field("end", what));
    }
    // What holds already need not stand in the file.
    let change = PlanChange {
        name: Some(plan.name.clone()),
        fee: Some(fee).filter(|fee| *fee != plan.fee),
        end: end.filter(|_| end != plan.last_day).map(|day| day.to_string()),
        goes_on: end.is_none() && plan.last_day.is_some(),
        ..PlanChange::default()
    };
    let until = end.map_or(String::new(), |day| format!(", until {}", wording::day(day)));
    let what = format!("Plan {:?} is {}{until}.", plan.name, costs(&fee, plan.every));
    Ok((change, what))
}

/// A plan that is on offer.
fn taken(form: &Form, config: &Config) -> Result<(PlanChange, String), Refused> {
    let offer = match form.get("offer") {
        "" => return Err(Refused::field("offer", "Choose the plan that you have.")),
        id => offers::find(id).ok_or_else(|| {
            let what = format!("{id:?} is no offer this version knows: choose one of the list.");
            Refused::field("offer", what)
        })?,
    };
    let fee = fee(form.get("fee"), offer.fee.currency)?.filter(|fee| *fee != offer.fee);
    let start = day(form, "start")?;
    let typed = form.get("name");
    let name = name(if typed.is_empty() { &offer.name } else { typed }, config)?;
    let change = PlanChange {
        name: (!typed.is_empty()).then(|| name.clone()),
        offer: Some(offer.id.clone()),
        fee,
        start: start.map(|day| day.to_string()),
        ..PlanChange::default()
    };
    Ok((change, added(&name, &fee.unwrap_or(offer.fee), offer.every, start)))
}

/// A plan of one's own.
fn own(form: &Form, config: &Config) -> Result<(PlanChange, String), Refused> {
    let name = match form.get("name") {
        "" => return Err(Refused::field("name", "The name is missing: write one.")),
        typed => name(typed, config)?,
    };
    let fee = fee(form.get("fee"), Currency::USD)?.ok_or_else(no_fee)?;
    let every: Every = form.get("per").parse().map_err(|hint| {
        let what = format!("{:?} is no time that a fee is for: {hint}.", form.get("per"));
        Refused::field("per", what)
    })?;
    let start = day(form, "start")?;
    let agents = form.all("agent");
    if agents.is_empty() {
        let what = "Nothing is ticked that the plan covers: tick at least one agent.";
        return Err(Refused::field("agent", what));
    }
    let change = PlanChange {
        name: Some(name.clone()),
        fee: Some(fee),
        per: Some(every.to_string()),
        start: start.map(|day| day.to_string()),
        lists: vec![("agents", agents)],
        ..PlanChange::default()
    };
    Ok((change, added(&name, &fee, every, start)))
}

fn added(name: &str, fee: &Money, every: Every, start: Option<NaiveDate>) -> String {
    let since = start.map_or(String::new(), |day| format!(", since {}", wording::day(day)));
    format!("Plan {name:?} is added: {}{since}.", costs(fee, every))
}

fn costs(fee: &Money, every: Every) -> String {
    format!("{} a {}", wording::amount_short(fee), every.word())
}

fn no_fee() -> Refused {
    Refused::field("fee", "The fee is missing: write one such as 20 or 17.50, or 0 for none.")
}

/// `None` for nothing typed.
fn fee(typed: &str, currency: Currency) -> Result<Option<Money>, Refused> {
    let plain = typed.strip_prefix('$').unwrap_or(typed).trim();
    if plain.is_empty() {
        return Ok(None);
    }
    match Money::parse(plain, currency) {
        Ok(amount) if amount.attos >= 0 => Ok(Some(amount)),
        _ => {
            let what =
                format!("{typed:?} is no amount: write one such as 20 or 17.50, or 0 for none.");
            Err(Refused::field("fee", what))
        }
    }
}

/// `None` for nothing typed.
fn day(form: &Form, field: &'static str) -> Result<Option<NaiveDate>, Refused> {
    let typed = form.get(field);
    if typed.is_empty() {
        return Ok(None);
    }
    let day = typed.parse().map_err(|_| {
        Refused::field(field, format!("{typed:?} is no day: write one such as 2026-11-05."))
    })?;
    Ok(Some(day))
}

/// One that is taken is refused: adding must not change another.
fn name(name: &str, config: &Config) -> Result<String, Refused> {
    if name.chars().any(char::is_control) {
        return Err(Refused::field("name", "The name has characters that can't be shown."));
    }
    if config.plans.plans.iter().any(|plan| plan.name == name) {
        let what = format!(
            "There is a plan {name:?} already: change that one, or give this one a name of its own."
        );
        return Err(Refused::field("name", what));
    }
    Ok(name.to_owned())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::spend::Zone;

    const PLAN: &str =
        "[[plan]]\noffer = \"claude-max-20x\"\nstart = 2026-07-05\nend = 2026-12-31\n";

    fn tried(fields: &[(&str, &str)]) -> Result<(PlanChange, String), Refused> {
        let config = Config::parse(PLAN, Path::new("c"), Path::new("/home/u"), Zone::UTC);
        let fields = fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        asked(&Form(fields.collect()), &config.expect(PLAN))
    }

    #[test]
    fn only_what_is_new_is_written() {
        let asked = |fields: &[_]| tried(fields).ok().expect("right");
        let (change, what) =
            asked(&[("of", "Claude Max 20x"), ("fee", "200"), ("end", "2026-12-31")]);
        let same = PlanChange { name: Some("Claude Max 20x".into()), ..PlanChange::default() };
        assert_eq!(change, same);
        assert_eq!(what, "Plan \"Claude Max 20x\" is $200 a month, until 31 Dec 2026.");
        let (change, _) = asked(&[("of", "Claude Max 20x"), ("fee", "$180"), ("end", "")]);
        assert_eq!(change.fee.map(|fee| fee.to_decimal()).as_deref(), Some("180"));
        assert!(change.goes_on && change.end.is_none());
        let (change, what) =
            asked(&[("offer", "cursor-pro"), ("fee", "20"), ("start", "2026-11-05")]);
        assert_eq!((change.fee, change.name), (None, None), "as the offer has them");
        assert_eq!(what, "Plan \"Cursor Pro\" is added: $20 a month, since 5 Nov 2026.");
    }

    #[test]
    fn what_is_wrong_is_named_with_its_field() {
        let refused = |fields: &[_]| {
            let refused = tried(fields).expect_err("refused");
            format!("{}: {}", refused.field, refused.why)
        };
        let max = ("of", "Claude Max 20x");
        insta::assert_snapshot!(refused(&[max, ("fee", "")]), @"fee: The fee is missing: write one such as 20 or 17.50, or 0 for none.");
        insta::assert_snapshot!(refused(&[max, ("fee", "-3")]), @r#"fee: "-3" is no amount: write one such as 20 or 17.50, or 0 for none."#);
        insta::assert_snapshot!(refused(&[max, ("fee", "3"), ("end", "soon")]), @r#"end: "soon" is no day: write one such as 2026-11-05."#);
        insta::assert_snapshot!(refused(&[max, ("fee", "3"), ("end", "2026-07-04")]), @"end: The last day is before the first, 5 Jul 2026.");
        insta::assert_snapshot!(refused(&[("of", "gone"), ("fee", "3")]), @r#": No plan is named "gone" any more."#);
        insta::assert_snapshot!(refused(&[("offer", "")]), @"offer: Choose the plan that you have.");
        insta::assert_snapshot!(refused(&[("offer", "gold")]), @r#"offer: "gold" is no offer this version knows: choose one of the list."#);
        insta::assert_snapshot!(refused(&[("offer", "claude-max-20x")]), @r#"name: There is a plan "Claude Max 20x" already: change that one, or give this one a name of its own."#);
        insta::assert_snapshot!(refused(&[("name", "")]), @"name: The name is missing: write one.");
        insta::assert_snapshot!(refused(&[("name", "mine"), ("fee", "5"), ("per", "day")]), @r#"per: "day" is no time that a fee is for: write "month", "month from 15", "year", "year from 03-15", "week" or "week from sunday"."#);
        insta::assert_snapshot!(refused(&[("name", "mine"), ("fee", "5"), ("per", "year")]), @"agent: Nothing is ticked that the plan covers: tick at least one agent.");
    }
}
