//! `[[plan]]`, `[[discount]]` and `[people]`.

use std::collections::BTreeMap;
use std::ops::Range;

use chrono::{NaiveDate, Weekday};
use serde::Deserialize;
use toml::{Spanned, Value};

use super::{Check, described};
use crate::config::AgentSettings;
use crate::plans::offers::{self, Offer};
use crate::plans::people::People;
use crate::plans::{Discount, Every, Off, Overage, Plan, Plans, Seat};
use crate::spend::{Currency, Filter, Lists, Money, Rates};

const A_DATE: &str = "write a day such as 2026-11-05";
const AN_OVERAGE: &str = "write \"billed\", \"nothing\", or \"list\" with included = 20";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TypedPlan {
    offer: Option<Spanned<String>>,
    name: Option<Spanned<String>>,
    fee: Option<Spanned<Value>>,
    currency: Option<Spanned<String>>,
    per: Option<Spanned<String>>,
    start: Option<Spanned<Value>>,
    end: Option<Spanned<Value>>,
    #[serde(alias = "sources")]
    agents: Option<Spanned<Value>>,
    #[serde(default)]
    providers: Vec<String>,
    #[serde(default)]
    accounts: Vec<String>,
    #[serde(default)]
    models: Vec<Spanned<String>>,
    overage: Option<Spanned<String>>,
    included: Option<Spanned<Value>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TypedDiscount {
    account: Spanned<String>,
    share: Option<Spanned<Value>>,
    amount: Option<Spanned<Value>>,
    currency: Option<Spanned<String>>,
    per: Option<Spanned<String>>,
    from: Option<Spanned<Value>>,
    until: Option<Spanned<Value>>,
    #[serde(default = "yes")]
    in_bill: bool,
}

fn yes() -> bool {
    true
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TypedPeople {
    engineer_month: Option<TypedAmount>,
    team_budget: Option<TypedAmount>,
    #[serde(default)]
    per_working_day: bool,
    working_days: Option<Vec<Spanned<String>>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TypedAmount {
    amount: Spanned<Value>,
    currency: Option<Spanned<String>>,
}

impl Check<'_> {
    pub(super) fn plans(
        &mut self,
        plans: Vec<Spanned<TypedPlan>>,
        discounts: Vec<Spanned<TypedDiscount>>,
        agents: &BTreeMap<String, AgentSettings>,
        rates: &Rates,
    ) -> Plans {
        let mut checked: Vec<Plan> = Vec::new();
        for spanned in plans {
            let span = spanned.span();
            let Some(plan) = self.plan(spanned, agents) else { continue };
            let is_same = |other: &&Plan| {
                other.name == plan.name && other.covers.only.accounts == plan.covers.only.accounts
            };
            if checked.iter().filter(is_same).any(|other| other.meets(&plan)) {
                self.problem(
                    span,
                    "plan",
                    format!("{:?} is there twice for some days", plan.name),
                    "end the first before the second starts, or give each a name of its own",
                );
            }
            checked.push(plan);
        }
        let discounts = discounts.into_iter().filter_map(|it| self.discount(it, rates)).collect();
        Plans { plans: checked, discounts }
    }

    fn plan(
        &mut self,
        spanned: Spanned<TypedPlan>,
        agents: &BTreeMap<String, AgentSettings>,
    ) -> Option<Plan> {
        let span = spanned.span();
        let typed = spanned.into_inner();
        let offer = match &typed.offer {
            None => None,
            Some(id) => Some(self.offer(id)?),
        };
        let name = match &typed.name {
            Some(name) => {
                let name = name.get_ref().trim().to_owned();
                if name.is_empty() || name.chars().any(char::is_control) {
                    let hint = "write a name, or leave the setting out of a plan with an offer";
                    let what = "the name is empty or holds a control character";
                    self.problem(span.clone(), "plan.name", what, hint);
                }
                name
            }
            None => match offer {
                Some(offer) => offer.name.clone(),
                None => {
                    let hint = "write name = \"my plan\", or take an offer";
                    self.problem(span.clone(), "plan.name", "the plan has no name", hint);
                    return None;
                }
            },
        };
        let fee = self.fee(&typed, offer, &span);
        let (first_day, last_day) =
            self.days(("plan.start", typed.start.as_ref()), ("plan.end", typed.end.as_ref()));
        let every = self.every(&typed, offer, first_day);
        let overage = self.overage(&typed, offer);
        // A list with a mistake in it is told of there, and "all" is everything.
        let names_agents = typed.agents.is_some();
        let mut only = Lists {
            sources: typed.agents.map(|it| self.scope(&it, "plan.agents")).unwrap_or_default(),
            providers: typed.providers,
            accounts: typed.accounts,
            models: self.globs(typed.models, "plan.models"),
            ..Lists::default()
        };
        match offer {
            Some(offer) if only.is_empty() && !names_agents => only = offer.covers.only.clone(),
            // An account or a model narrows what the offer covers.
            Some(offer) if only.sources.is_empty() && !names_agents => {
                only.sources = offer.covers.only.sources.clone();
            }
            Some(_) => {}
            None if only.is_empty() && !names_agents => {
                let hint = "write agents = [\"claude-code\"], accounts, providers or models";
                self.problem(span, "plan", "it says not what the plan covers", hint);
            }
            None => {}
        }
        let seats = self.seats(&only, agents);
        Some(Plan {
            name,
            offer: offer.map(|offer| offer.id.clone()),
            fee,
            every,
            first_day,
            last_day,
            covers: Filter { only, ..Filter::default() },
            seats,
            overage,
        })
    }

    fn offer(&mut self, id: &Spanned<String>) -> Option<&'static Offer> {
        let found = offers::find(id.get_ref());
        if found.is_none() {
            let known: Vec<_> = offers::all().iter().map(|offer| offer.id.as_str()).collect();
            let what = format!("{:?} is no offer this version knows", id.get_ref());
            let hint = format!("write name, fee and per yourself, or one of {}", known.join(", "));
            self.problem(id.span(), "plan.offer", what, hint);
        }
        found
    }

    fn fee(&mut self, typed: &TypedPlan, offer: Option<&Offer>, span: &Range<usize>) -> Money {
        let of_offer = offer.map(|offer| offer.fee);
        let default = of_offer.map_or(Currency::USD, |fee| fee.currency);
        let currency = match &typed.currency {
            None => default,
            Some(code) => self.code("plan.currency", code).unwrap_or(default),
        };
        let Some(written) = &typed.fee else {
            if let (Some(code), Some(fee)) = (&typed.currency, of_offer)
                && currency != fee.currency
            {
                let what = format!("the fee of the offer is in {}", fee.currency);
                let hint = format!("write the fee in {currency} too");
                self.problem(code.span(), "plan.currency", what, hint);
            }
            return of_offer.unwrap_or_else(|| {
                let hint = "write fee = 20, or fee = 0 for a plan that costs nothing";
                self.problem(span.clone(), "plan.fee", "the plan has no fee", hint);
                Money::zero(currency)
            });
        };
        let hint = "write an amount such as 20 or 17.50; 0 for a plan that costs nothing";
        match self.decimal("plan.fee", written, currency, hint) {
            Some(fee) if fee.attos < 0 => {
                let what = format!("{} is below zero", fee.to_decimal());
                self.problem(written.span(), "plan.fee", what, hint);
                Money::zero(currency)
            }
            fee => fee.unwrap_or(Money::zero(currency)),
        }
    }

    /// How often the fee is due: on the day of the start, unless it says another.
    fn every(
        &mut self,
        typed: &TypedPlan,
        offer: Option<&Offer>,
        start: Option<NaiveDate>,
    ) -> Every {
        let written = typed.per.as_ref().map(|per| per.get_ref().trim());
        let says_day = written.is_some_and(|per| per.contains("from"));
        let every = match &typed.per {
            None => offer.map_or(Every::MONTH, |offer| offer.every),
            Some(per) => per.get_ref().parse().unwrap_or_else(|hint| {
                let what = format!("{:?} is no time that a fee is for", per.get_ref());
                self.problem(per.span(), "plan.per", what, format!("{hint}"));
                Every::MONTH
            }),
        };
        start.filter(|_| !says_day).map_or(every, |start| every.from_day(start))
    }

    fn overage(&mut self, typed: &TypedPlan, offer: Option<&Offer>) -> Overage {
        let of_offer = offer.map(Offer::overage).unwrap_or_default();
        let included = typed.included.as_ref().map(|written| {
            let hint = "write the amount that the fee includes, such as 20; 0 for none";
            let amount = self.decimal("plan.included", written, Currency::USD, hint);
            if amount.is_some_and(|amount| amount.attos < 0) {
                self.problem(written.span(), "plan.included", "it is below zero", hint);
            }
            amount.unwrap_or(Money::zero(Currency::USD))
        });
        let word = typed.overage.as_ref().map(|overage| overage.get_ref().as_str());
        match (word, included) {
            (None, None) => of_offer,
            (None | Some("list"), Some(included)) => Overage::List { included },
            (Some("list"), None) if matches!(of_offer, Overage::List { .. }) => of_offer,
            (Some("billed"), None) => Overage::Billed,
            (Some("nothing"), None) => Overage::Nothing,
            (Some(word), included) => {
                let what = match (word, included) {
                    ("list", _) => "it says not what the fee includes".to_owned(),
                    ("billed" | "nothing", _) => {
                        format!("what the fee includes is nothing to overage = {word:?}")
                    }
                    _ => format!("{word:?} is no overage"),
                };
                let span = typed.overage.as_ref().map(Spanned::span).unwrap_or_default();
                self.problem(span, "plan.overage", what, AN_OVERAGE);
                of_offer
            }
        }
    }

    /// The agents and accounts that a plan names, each with its account.
    fn seats(&self, only: &Lists, agents: &BTreeMap<String, AgentSettings>) -> Vec<Seat> {
        let account_of = |id: &String| {
            let own = agents.get(id).and_then(|settings| settings.account.clone());
            own.or_else(|| self.further.find(id).map(|it| it.info().account.to_owned()))
        };
        let of_agents = only
            .sources
            .iter()
            .map(|id| Seat { source: id.clone(), account: account_of(id).unwrap_or_default() });
        let of_accounts = only
            .accounts
            .iter()
            .map(|account| Seat { source: String::new(), account: account.clone() });
        // An account only narrows what is named by agents.
        if only.sources.is_empty() { of_accounts.collect() } else { of_agents.collect() }
    }

    fn discount(&mut self, spanned: Spanned<TypedDiscount>, rates: &Rates) -> Option<Discount> {
        let span = spanned.span();
        let typed = spanned.into_inner();
        if typed.account.get_ref().trim().is_empty() {
            let hint = "write who pays, as `spendbar sources` shows it";
            self.problem(typed.account.span(), "discount.account", "the name is empty", hint);
        }
        let (first_day, last_day) = self
            .days(("discount.from", typed.from.as_ref()), ("discount.until", typed.until.as_ref()));
        let off = match (&typed.share, &typed.amount) {
            (Some(share), None) => {
                if let Some(per) = &typed.per {
                    let hint = "leave it out, or write an amount instead of a share";
                    self.problem(per.span(), "discount.per", "a share is for every day", hint);
                }
                Off::Share { ppm: self.share("discount.share", share)? }
            }
            (None, Some(amount)) => {
                let amount = self.in_dollars("discount", amount, typed.currency.as_ref(), rates)?;
                let every = match &typed.per {
                    None => None,
                    Some(per) if per.get_ref() == "once" => None,
                    Some(per) => match per.get_ref().parse() {
                        Ok(every) => Some(every),
                        Err(hint) => {
                            let what = format!("{:?} is no time", per.get_ref());
                            let hint = format!("{hint}, or \"once\"");
                            self.problem(per.span(), "discount.per", what, hint);
                            return None;
                        }
                    },
                };
                if every.is_none() && first_day.is_none() {
                    let what = "it says not from when on the amount is used up";
                    self.problem(span, "discount.from", what, A_DATE);
                    return None;
                }
                Off::Amount { amount, every }
            }
            _ => {
                let hint = "write share = \"15%\", or amount = 100";
                self.problem(span, "discount", "it says not how much is off", hint);
                return None;
            }
        };
        let account = typed.account.into_inner();
        Some(Discount { account, off, first_day, last_day, in_bill: typed.in_bill })
    }

    /// Percent as millionths: `15`, `12.5`, `"15%"`.
    fn share(&mut self, field: &str, written: &Spanned<Value>) -> Option<u32> {
        const PPM: i128 = 100_000_000_000_000;
        let hint = "write percent above 0 and up to 100, such as 15 or \"12.5%\"";
        let plain = match written.get_ref() {
            Value::String(text) => {
                let text = text.trim().trim_end_matches('%').trim_end().to_owned();
                Spanned::new(written.span(), Value::String(text))
            }
            other => Spanned::new(written.span(), other.clone()),
        };
        let percent = self.decimal(field, &plain, Currency::USD, hint)?;
        let ppm = percent.attos / PPM;
        let is_share = percent.attos % PPM == 0 && (1..=1_000_000).contains(&ppm);
        if !is_share {
            let what = format!("{} is no share", described(written.get_ref()));
            self.problem(written.span(), field, what, hint);
        }
        u32::try_from(ppm).ok().filter(|_| is_share)
    }

    /// An amount above zero in dollars, converted where there is a rate.
    fn in_dollars(
        &mut self,
        field: &str,
        written: &Spanned<Value>,
        currency: Option<&Spanned<String>>,
        rates: &Rates,
    ) -> Option<Money> {
        let code = match currency {
            None => Currency::USD,
            Some(code) => self.code(&format!("{field}.currency"), code)?,
        };
        let amount = self.amount(&format!("{field}.amount"), written, code);
        let usd = rates.usd(&amount);
        if usd.is_none() {
            let span = currency.map_or(written.span(), Spanned::span);
            let what = format!("what one {code} is worth is not said");
            let hint = format!("add [rates] {code} = {{ usd = 1.16, date = \"2026-11-02\" }}");
            self.problem(span, format!("{field}.currency"), what, hint);
        }
        usd
    }

    fn code(&mut self, field: &str, written: &Spanned<String>) -> Option<Currency> {
        let code = written.get_ref().parse().ok();
        if code.is_none() {
            let what = format!("{:?} is no currency", written.get_ref());
            self.problem(written.span(), field, what, "write a code such as \"EUR\"");
        }
        code
    }

    /// The first and the last day, both inside.
    fn days(
        &mut self,
        first: (&str, Option<&Spanned<Value>>),
        last: (&str, Option<&Spanned<Value>>),
    ) -> (Option<NaiveDate>, Option<NaiveDate>) {
        let mut day = |(field, written): (&str, Option<&Spanned<Value>>)| {
            let written = written?;
            let text = match written.get_ref() {
                Value::String(text) => text.trim().to_owned(),
                Value::Datetime(date) => date.to_string(),
                other => described(other),
            };
            let day = NaiveDate::parse_from_str(&text, "%Y-%m-%d").ok();
            if day.is_none() {
                self.problem(written.span(), field, format!("{text:?} is no day"), A_DATE);
            }
            day
        };
        let (from, until) = (day(first), day(last));
        if let (Some(from), Some(until), Some(written)) = (from, until, last.1)
            && until < from
        {
            let what = format!("{until} is before {from}");
            self.problem(written.span(), last.0, what, "end it on or after its first day");
        }
        (from, until)
    }

    pub(super) fn people(&mut self, typed: TypedPeople, rates: &Rates) -> People {
        let defaults = People::default();
        let mut amount = |field: &str, typed: Option<TypedAmount>| {
            let typed = typed?;
            self.in_dollars(field, &typed.amount, typed.currency.as_ref(), rates)
        };
        let engineer_month = amount("people.engineer_month", typed.engineer_month);
        let team_budget = amount("people.team_budget", typed.team_budget);
        let working_days = typed.working_days.map(|days| {
            let days: Vec<Weekday> = days
                .into_iter()
                .filter_map(|day| {
                    let parsed = day.get_ref().parse().ok();
                    if parsed.is_none() {
                        let what = format!("{:?} is no day of the week", day.get_ref());
                        let hint = "write days such as [\"mon\", \"tue\"]";
                        self.problem(day.span(), "people.working_days", what, hint);
                    }
                    parsed
                })
                .collect();
            days
        });
        People {
            engineer_month,
            team_budget,
            per_working_day: typed.per_working_day,
            working_days: working_days.unwrap_or(defaults.working_days),
        }
    }
}
