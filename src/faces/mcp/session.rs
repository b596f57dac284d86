//! `session_cost`.

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::super::cli::json;
use super::super::cli::style::clean;
use super::{Reply, Told, Usage, list, model, reply};
use crate::board::report::Sums;
use crate::board::session_cost::{LOOK_BACK_DAYS, SessionCost, Which};
use crate::board::wording;
use crate::spend::Zone;

/// Models that the text names; the data has all of them.
const TEXT_MODELS: usize = 5;

/// What a session cost, seen at `now`.
///
/// # Errors
/// The data can't be written as JSON.
pub fn answer(
    cost: &SessionCost,
    which: &Which,
    told: Told,
    now: DateTime<Utc>,
    zone: Zone,
) -> Result<Reply, serde_json::Error> {
    let (chosen, why) = match which {
        Which::Named(_) => ("named", ""),
        Which::NewestIn(_) => {
            ("newest_in_working_folder", ", the newest in the folder this server was started in")
        }
    };
    let agents = cost.agents.iter().map(|name| clean(name)).collect::<Vec<_>>().join(" and ");
    let of = if agents.is_empty() { String::new() } else { format!(" of {agents}") };
    let mut lines = vec![format!("Session {}{of}{why}:", clean(&cost.session))];
    lines.push(format!("In all {}", usage(&cost.all)));
    lines.push(format!("Today {}", usage(&cost.today)));
    let days = if cost.first_day == cost.last_day {
        format!("on {}", wording::day(cost.first_day))
    } else {
        format!("from {} to {}", wording::day(cost.first_day), wording::day(cost.last_day))
    };
    let last = cost.last_at.map_or(String::new(), |at| {
        let later = if cost.last_at_is_exact { "" } else { " or up to a quarter of an hour later" };
        format!(", last {}{later}", wording::age(now, at, zone))
    });
    lines.push(format!("At work {days}{last}."));
    if cost.models.len() > 1 {
        let models = cost.models.iter().take(TEXT_MODELS);
        let models: Vec<_> = models
            .map(|(name, sums)| format!("{} {}", model(name.as_deref()), list(sums.list)))
            .collect();
        lines.push(format!("Models: {}", models.join(", ")));
    } else if let Some((name, _)) = cost.models.first() {
        lines.push(format!("Model: {}", model(name.as_deref())));
    }
    let projects = (told == Told::Projects).then_some(cost.projects.as_slice());
    if let Some([.., last]) = projects {
        lines.push(format!("Folder: {}", clean(last)));
    }
    let notes = notes(cost);
    lines.extend(notes.iter().cloned());
    let document = Document {
        schema: "spendbar.mcp.session_cost.v1",
        session: &cost.session,
        chosen,
        beside: &cost.beside,
        agents: &cost.agents,
        projects,
        first_day: cost.first_day.to_string(),
        last_day: cost.last_day.to_string(),
        last_at: cost.last_at.map(json::instant),
        all: Usage::of(&cost.all),
        today: Usage::of(&cost.today),
        models: cost.models.iter().map(|(name, sums)| Model::of(name.as_deref(), sums)).collect(),
        partial: cost.all.unpriced_tokens > 0,
        notes: &notes,
    };
    reply(lines, &document)
}

/// `≈ $3.20 at list price · 12 requests · 31.0 k tokens`, with what has to be said of it.
fn usage(sums: &Sums) -> String {
    if sums.requests == 0 {
        return "nothing".into();
    }
    let requests = match sums.requests {
        1 => "1 request".to_owned(),
        many => format!("{} requests", wording::whole(many)),
    };
    let mut parts = vec![format!("{} at list price", list(sums.list)), requests];
    parts.push(format!("{} tokens", wording::tokens(sums.tokens.total())));
    if let Some(covered) = sums.covered.filter(|covered| covered.attos != 0) {
        let covered = wording::amount_full(&covered);
        parts.push(format!("{covered} of it is covered by a subscription, not billed"));
    }
    if sums.unpriced_tokens > 0 {
        let tokens = wording::tokens(sums.unpriced_tokens);
        parts.push(format!("{tokens} tokens have no known price and are in no amount"));
    }
    parts.join(" · ")
}

fn notes(cost: &SessionCost) -> Vec<String> {
    let mut notes = Vec::new();
    if !cost.beside.is_empty() {
        let ids = cost.beside.iter().map(|id| clean(id)).collect::<Vec<_>>().join(", ");
        notes.push(format!(
            "Other sessions were at work in the same folder within an hour: {ids}. Ask for one by \
             its id if it is meant."
        ));
    }
    if let Some(stated) = cost.all.stated {
        let stated = wording::amount_full(&stated);
        notes.push(format!(
            "{stated} of the list price is the agent's own figure, for models without a known price."
        ));
    }
    notes.push("List price is an estimate: no bill tells sessions apart.".into());
    notes
}

/// What is said when there is no such session.
pub fn unknown(which: &Which) -> String {
    match which {
        Which::Named(name) => format!(
            "no session {:?} is in the ledger. It is the agent's own id of the session; without \
             the argument, the newest session here is told.",
            clean(name)
        ),
        Which::NewestIn(_) => format!(
            "no session of the last {LOOK_BACK_DAYS} days works in the folder this server was \
             started in. Name a session, or start the server in the agent's working folder. What \
             was not recorded yet is not known: Spendbar has to run, or `spendbar poll --offline` \
             to look once."
        ),
    }
}

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    session: &'a str,
    chosen: &'static str,
    beside: &'a [String],
    agents: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    projects: Option<&'a [String]>,
    first_day: String,
    last_day: String,
    last_at: Option<String>,
    all: Usage,
    today: Usage,
    models: Vec<Model<'a>>,
    partial: bool,
    notes: &'a [String],
}

#[derive(Serialize)]
struct Model<'a> {
    model: Option<&'a str>,
    #[serde(flatten)]
    usage: Usage,
}

impl<'a> Model<'a> {
    fn of(model: Option<&'a str>, sums: &Sums) -> Self {
        Self { model, usage: Usage::of(sums) }
    }
}
