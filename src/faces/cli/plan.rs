//! `plan`: the list, the offers, what was changed, and what others would have cost.

use std::io::{self, Write};

use chrono::NaiveDate;
use serde::Serialize;

use super::json::{self, OtherAmount, PlanJson};
use super::style::{Cut, Style, clean, wrap};
use super::table::{Column, Table};
use crate::board::wording::{self, plans as words};
use crate::board::{Comparison, PlanRow};
use crate::plans::compare::Mix;
use crate::plans::offers::Offer;
use crate::plans::{Overage, Plan, Plans};
use crate::spend::{Currency, Filter, Money};

/// Mixes that are shown without --all.
const SHOWN: usize = 12;

/// Writes every plan of the config, and of those that run today what they are worth.
///
/// # Errors
/// Those of the writer.
pub fn text(out: &mut dyn Write, plans: &Plans, rows: &[PlanRow], style: &Style) -> io::Result<()> {
    if plans.plans.is_empty() {
        writeln!(out, "No plan is set.")?;
        return writeln!(out, "Set one: spendbar plan set --offer claude-max-20x");
    }
    let mut table = Table::new(vec![
        Column::Name("Name", Cut::End),
        Column::Figure("Fee"),
        Column::Word("Per"),
        Column::Word("Runs"),
        Column::Name("Covers", Cut::End),
        Column::Name("Beyond the fee", Cut::End),
    ]);
    for plan in &plans.plans {
        table.row(vec![
            plan.name.clone(),
            wording::amount_full(&plan.fee),
            plan.every.to_string(),
            words::runs(plan.first_day, plan.last_day),
            plan.covers.words(),
            overage(&plan.overage),
        ]);
    }
    table.write(out, style, 0)?;
    let mut notes: Vec<String> = rows.iter().map(words::worth).collect();
    notes.extend(overlaps(plans));
    if !notes.is_empty() {
        writeln!(out)?;
    }
    for note in notes {
        writeln!(out, "{}", wrap(&clean(&note), style.width, 0))?;
    }
    Ok(())
}

/// Of each pair of plans that may cover the same usage, which one does.
pub fn overlaps(plans: &Plans) -> Vec<String> {
    let name = |place: usize| plans.plans.get(place).map_or("", |plan| &plan.name);
    let said = |(first, second): (usize, usize)| {
        format!(
            "{} and {} may cover the same usage: {0} does, for it stands first, and both fees \
             are paid.",
            name(first),
            name(second)
        )
    };
    plans.overlaps().into_iter().map(said).collect()
}

/// Writes `spendbar.plans.v1`.
///
/// # Errors
/// Those of the writer.
pub fn json(out: &mut dyn Write, plans: &Plans, rows: &[PlanRow]) -> io::Result<()> {
    let document = PlansJson {
        schema: "spendbar.plans.v1",
        plans: plans.plans.iter().map(Row::of).collect(),
        running: rows.iter().map(json::plan).collect(),
        notes: overlaps(plans),
    };
    json::write(out, &document)
}

/// Writes every offer.
///
/// # Errors
/// Those of the writer.
pub fn offers(out: &mut dyn Write, offers: &[Offer], style: &Style) -> io::Result<()> {
    let mut table = Table::new(vec![
        Column::Word("Offer"),
        Column::Name("Name", Cut::End),
        Column::Figure("Fee"),
        Column::Word("Per"),
        Column::Name("Covers", Cut::End),
        Column::Word("Read on"),
        Column::Name("Source", Cut::End),
    ]);
    for offer in offers {
        table.row(vec![
            offer.id.clone(),
            offer.name.clone(),
            wording::amount_full(&offer.fee),
            offer.every.to_string(),
            offer.covers.words(),
            offer.checked.to_string(),
            offer.source.clone(),
        ]);
    }
    table.write(out, style, 0)?;
    let note = "Fees are list prices in the United States without tax, for one seat. Yours is what \
                your bill says: --fee sets it.";
    writeln!(out, "\n{}", style.quiet(&wrap(note, style.width, 0)))
}

/// Writes `spendbar.offers.v1`.
///
/// # Errors
/// Those of the writer.
pub fn offers_json(out: &mut dyn Write, offers: &[Offer]) -> io::Result<()> {
    let offers = offers.iter().map(OfferJson::of).collect();
    json::write(out, &OffersJson { schema: "spendbar.offers.v1", offers })
}

/// Writes what `plan set` did.
///
/// # Errors
/// Those of the writer.
pub fn confirm_set(out: &mut dyn Write, plan: &Plan) -> io::Result<()> {
    writeln!(
        out,
        "Plan {:?}: {} a {}, covers {}. Beyond the fee: {}.",
        clean(&plan.name),
        wording::amount_short(&plan.fee),
        plan.every,
        plan.covers.words(),
        overage(&plan.overage),
    )
}

/// Writes what `plan remove` did.
///
/// # Errors
/// Those of the writer.
pub fn confirm_removed(out: &mut dyn Write, name: &str) -> io::Result<()> {
    writeln!(out, "Plan {:?} is removed.", clean(name))
}

/// Writes what mixes of plans would have cost, the cheapest first.
///
/// # Errors
/// Those of the writer.
pub fn compare(
    out: &mut dyn Write,
    comparison: &Comparison,
    all: bool,
    style: &Style,
) -> io::Result<()> {
    let month = comparison.first_day.format("%B %Y");
    let so_far = if comparison.is_over { "" } else { " so far" };
    let list = wording::amount_full(&comparison.list);
    writeln!(out, "{}", style.strong(&format!("{month}{so_far}: {list} at list price")))?;
    if comparison.list.attos == 0 {
        return writeln!(out, "No usage with a list price, so there is nothing to compare.");
    }
    let mut table = Table::new(vec![
        Column::Name("Plans", Cut::End),
        Column::Figure("Cost $"),
        Column::Name("", Cut::End),
    ]);
    let mut row = |name: String, mix: &Mix, note: &str| {
        let cost = mix.usd().map_or_else(
            || words::paid(&mix.paid),
            |usd| wording::estimate(mix.paid.estimated, wording::table_amount(&usd)),
        );
        table.row(vec![name, cost, note.to_owned()]);
    };
    if let Some(own) = &comparison.own {
        row(own_name(comparison), own, "as the config has it");
    }
    let most = if all { usize::MAX } else { SHOWN };
    for mix in comparison.mixes.iter().take(most) {
        let note = if mix.assumed().next().is_some() { "if its limits hold all of it" } else { "" };
        row(mix_name(mix), mix, note);
    }
    // What is paid per token is what the others are held against.
    let rest = comparison.mixes.iter().skip(most);
    for mix in rest.clone().filter(|mix| mix.offers.is_empty()) {
        row(mix_name(mix), mix, "");
    }
    table.write(out, style, 0)?;
    let hidden = rest.filter(|mix| !mix.offers.is_empty()).count();
    writeln!(out)?;
    for note in notes(comparison, hidden) {
        writeln!(out, "{}", style.quiet(&wrap(&note, style.width, 0)))?;
    }
    Ok(())
}

fn notes(comparison: &Comparison, hidden: usize) -> Vec<String> {
    let mut notes = Vec::new();
    if hidden > 0 {
        notes.push(format!("{hidden} dearer mixes are not shown; --all shows them."));
    }
    notes.extend(assumptions(comparison));
    notes
}

/// What the comparison takes for granted.
fn assumptions(comparison: &Comparison) -> Vec<String> {
    let mut said = vec![
        "Fees are those of a whole month; usage that no plan covers counts at list price.".into(),
    ];
    if comparison.mixes.iter().any(|mix| mix.assumed().next().is_some()) {
        said.push(
            "Most plans do not state their limits in tokens or money: that they would have held \
             all of this usage is assumed, and a smaller plan may not."
                .into(),
        );
    }
    if comparison.unpriced_tokens > 0 {
        let tokens = wording::tokens(comparison.unpriced_tokens);
        said.push(format!("{tokens} tokens have no known price and are in no amount."));
    }
    if comparison.mixes.iter().any(|mix| !mix.paid.other.is_empty()) {
        said.push("Fees in a currency without a rate stand beside the dollars.".into());
    }
    said
}

fn mix_name(mix: &Mix) -> String {
    match mix.offers.as_slice() {
        [] => "pay per token".into(),
        offers => offers.iter().map(|offer| offer.name.as_str()).collect::<Vec<_>>().join(" + "),
    }
}

fn own_name(comparison: &Comparison) -> String {
    comparison.own_names.join(" + ")
}

/// Writes `spendbar.plan-compare.v1`.
///
/// # Errors
/// Those of the writer.
pub fn compare_json(out: &mut dyn Write, comparison: &Comparison) -> io::Result<()> {
    let document = CompareJson {
        schema: "spendbar.plan-compare.v1",
        first_day: comparison.first_day.to_string(),
        last_day: comparison.last_day.to_string(),
        is_over: comparison.is_over,
        list_usd: comparison.list.to_decimal(),
        unpriced_tokens: comparison.unpriced_tokens,
        own: comparison
            .own
            .as_ref()
            .map(|own| OwnJson { plans: &comparison.own_names, cost: CostJson::of(own) }),
        mixes: comparison.mixes.iter().map(MixJson::of).collect(),
        assumptions: assumptions(comparison),
    };
    json::write(out, &document)
}

fn overage(overage: &Overage) -> String {
    match overage {
        Overage::Billed => "what is billed".into(),
        Overage::Nothing => "nothing".into(),
        Overage::List { included } => {
            format!("list price beyond {}", wording::amount_short(included))
        }
    }
}

#[derive(Serialize)]
struct PlansJson<'a> {
    schema: &'static str,
    plans: Vec<Row<'a>>,
    /// Those that run today, in the period of their fee.
    running: Vec<PlanJson>,
    notes: Vec<String>,
}

#[derive(Serialize)]
struct Row<'a> {
    name: &'a str,
    offer: Option<&'a str>,
    fee: String,
    currency: String,
    per: String,
    start: Option<String>,
    end: Option<String>,
    covers: &'a Filter,
    overage: &'static str,
    included_usd: Option<String>,
}

impl<'a> Row<'a> {
    fn of(plan: &'a Plan) -> Self {
        let (overage, included) = match &plan.overage {
            Overage::Billed => ("billed", None),
            Overage::Nothing => ("nothing", None),
            Overage::List { included } => ("list", Some(*included)),
        };
        let day = |day: Option<NaiveDate>| day.map(|day| day.to_string());
        Self {
            name: &plan.name,
            offer: plan.offer.as_deref(),
            fee: plan.fee.to_decimal(),
            currency: plan.fee.currency.to_string(),
            per: plan.every.to_string(),
            start: day(plan.first_day),
            end: day(plan.last_day),
            covers: &plan.covers,
            overage,
            included_usd: json::decimal(included),
        }
    }
}

#[derive(Serialize)]
struct OffersJson<'a> {
    schema: &'static str,
    offers: Vec<OfferJson<'a>>,
}

#[derive(Serialize)]
struct OfferJson<'a> {
    id: &'a str,
    name: &'a str,
    fee: String,
    currency: String,
    per: String,
    covers: &'a Filter,
    included_usd: Option<String>,
    source: &'a str,
    checked: String,
    note: &'a str,
}

impl<'a> OfferJson<'a> {
    fn of(offer: &'a Offer) -> Self {
        Self {
            id: &offer.id,
            name: &offer.name,
            fee: offer.fee.to_decimal(),
            currency: offer.fee.currency.to_string(),
            per: offer.every.to_string(),
            covers: &offer.covers,
            included_usd: json::decimal(offer.included),
            source: &offer.source,
            checked: offer.checked.to_string(),
            note: &offer.note,
        }
    }
}

#[derive(Serialize)]
struct CompareJson<'a> {
    schema: &'static str,
    first_day: String,
    last_day: String,
    is_over: bool,
    list_usd: String,
    unpriced_tokens: u64,
    /// The plans of the config.
    own: Option<OwnJson<'a>>,
    /// Cheapest first; without an offer it is paying per token.
    mixes: Vec<MixJson<'a>>,
    assumptions: Vec<String>,
}

#[derive(Serialize)]
struct OwnJson<'a> {
    plans: &'a [String],
    #[serde(flatten)]
    cost: CostJson,
}

#[derive(Serialize)]
struct MixJson<'a> {
    offers: Vec<&'a str>,
    /// Offers whose limits are not stated.
    limits_unknown: Vec<&'a str>,
    #[serde(flatten)]
    cost: CostJson,
}

impl<'a> MixJson<'a> {
    fn of(mix: &'a Mix) -> Self {
        Self {
            offers: mix.offers.iter().map(|offer| offer.id.as_str()).collect(),
            limits_unknown: mix.assumed().map(|offer| offer.id.as_str()).collect(),
            cost: CostJson::of(mix),
        }
    }
}

#[derive(Serialize)]
struct CostJson {
    /// Null where a fee has no rate.
    cost_usd: Option<String>,
    /// At list price, of what no plan covers.
    metered_usd: String,
    overage_usd: String,
    fees: Vec<OtherAmount>,
}

impl CostJson {
    fn of(mix: &Mix) -> Self {
        let usd = |attos| Money { attos, currency: Currency::USD }.to_decimal();
        Self {
            cost_usd: json::decimal(mix.usd()),
            metered_usd: usd(mix.paid.metered),
            overage_usd: usd(mix.paid.overage),
            fees: mix.paid.fees.iter().map(json::other).collect(),
        }
    }
}
