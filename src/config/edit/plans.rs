//! Changes to `[[plan]]`.

use toml_edit::{Item, Table};

use super::{Blocks, EditError, amount_text, insert_block, quoted};
use crate::plans::offers;
use crate::spend::Money;

/// What `plan set` asks for. What is `None` or empty is left as it stands in the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PlanChange {
    /// The plan's name; without one, that of the offer.
    pub name: Option<String>,
    /// The id of an offer.
    pub offer: Option<String>,
    /// The fee.
    pub fee: Option<Money>,
    /// A code, where the fee is in another currency than dollars.
    pub currency: Option<String>,
    /// How often the fee is due.
    pub per: Option<String>,
    /// The first day.
    pub start: Option<String>,
    /// The last day.
    pub end: Option<String>,
    /// Takes the last day out of the file: the plan goes on. An `end` beside it counts for nothing.
    pub goes_on: bool,
    /// Names in the lists `agents`, `accounts` and `models`.
    pub lists: Vec<(&'static str, Vec<String>)>,
    /// `billed`, `nothing` or `list`.
    pub overage: Option<String>,
    /// What the fee includes at list prices, in dollars.
    pub included: Option<Money>,
}

impl PlanChange {
    /// The name that the plan goes by; `None` where neither a name nor a known offer says one.
    pub fn plan_name(&self) -> Option<String> {
        let of_offer =
            || self.offer.as_deref().and_then(offers::find).map(|offer| offer.name.clone());
        self.name.clone().or_else(of_offer)
    }

    /// The settings that it writes, as TOML.
    fn settings(&self) -> Vec<(&'static str, String)> {
        let texts = [
            ("offer", &self.offer),
            ("currency", &self.currency),
            ("per", &self.per),
            ("start", &self.start),
            ("end", if self.goes_on { &None } else { &self.end }),
            ("overage", &self.overage),
        ];
        let mut settings: Vec<(&'static str, String)> = Vec::new();
        for (key, text) in texts {
            settings.extend(text.as_ref().map(|text| match key {
                // TOML has days of its own.
                "start" | "end" => (key, text.clone()),
                _ => (key, quoted(text)),
            }));
            if key == "offer" {
                settings.extend(self.fee.map(|fee| ("fee", amount_text(&fee))));
            }
        }
        settings.extend(self.included.map(|amount| ("included", amount_text(&amount))));
        for (key, names) in &self.lists {
            let listed: Vec<_> = names.iter().map(|name| quoted(name)).collect();
            settings.push((key, format!("[{}]", listed.join(", "))));
        }
        settings
    }
}

/// Adds a plan, or updates the one of that name.
///
/// # Errors
/// The text is no TOML, lists its plans inline, or has several of that name.
pub fn set_plan(text: &str, change: &PlanChange) -> Result<String, EditError> {
    let blocks = find(text)?;
    let name = change.plan_name().unwrap_or_default();
    let mut text = text.to_owned();
    match blocks.the_plan(&name)? {
        Some(block) => {
            // Its line is taken out first where it stands; the rest is found anew.
            if change.goes_on
                && let Some((_, span)) = block.values.iter().find(|(key, _)| key == "end")
            {
                let start = text[..span.start].rfind('\n').map_or(0, |newline| newline + 1);
                let end = super::line_end(&text, span.end);
                text.replace_range(start..end, "");
                return set_plan(&text, change);
            }
            block.update(&mut text, change.settings());
        }
        None => {
            let at = blocks.0.last().map_or(text.len(), |last| last.lines.end);
            let mut block = String::from("[[plan]]\n");
            if let Some(name) = &change.name {
                block.push_str(&format!("name = {}\n", quoted(name)));
            }
            for (key, value) in change.settings() {
                block.push_str(&format!("{key} = {value}\n"));
            }
            insert_block(&mut text, at, &block);
        }
    }
    Ok(text)
}

/// Removes a plan: its lines from `[[plan]]` to its last setting.
///
/// # Errors
/// The text is no TOML, lists its plans inline, or has none or several of that name.
pub fn remove_plan(text: &str, name: &str) -> Result<String, EditError> {
    let blocks = find(text)?;
    let block = blocks.the_plan(name)?.ok_or_else(|| EditError::NoSuchPlan {
        name: name.to_owned(),
        known: blocks.0.iter().map(|block| block.name.clone()).collect(),
    })?;
    let mut text = text.to_owned();
    text.replace_range(block.lines.clone(), "");
    Ok(text)
}

fn find(text: &str) -> Result<Blocks, EditError> {
    Blocks::of(text, "plan", |tables| tables.iter().map(|table| name_of(table)).collect())
}

/// A plan goes by its name, else by that of its offer.
fn name_of(table: &Table) -> String {
    let text = |key: &str| table.get(key).and_then(Item::as_str).map(str::trim);
    let of_offer = || text("offer").and_then(offers::find).map(|offer| offer.name.as_str());
    text("name").or_else(of_offer).unwrap_or_default().to_owned()
}

impl Blocks {
    fn the_plan(&self, name: &str) -> Result<Option<&super::Block>, EditError> {
        let mut of_name = self.0.iter().filter(|block| block.name == name);
        let block = of_name.next();
        match of_name.next() {
            Some(_) => Err(EditError::SeveralPlans { name: name.to_owned() }),
            None => Ok(block),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spend::Currency;

    const TEXT: &str = "\
# Mine.
zone = \"UTC\" # of the office

# What I pay.
[[plan]] # the big one
offer = \"claude-max-20x\" # since summer
start = 2026-07-05

[[plan]]
name = \"Codex at work\"
fee = 25
agents = [\"codex\"]

[[budget]]
amount = 200
per = \"day\"
";

    fn usd(text: &str) -> Money {
        Money::parse(text, Currency::USD).expect(text)
    }

    #[test]
    fn setting_a_plan_keeps_every_other_byte() {
        let change = PlanChange {
            name: Some("Claude Max 20x".into()),
            fee: Some(usd("180")),
            end: Some("2026-12-31".into()),
            ..PlanChange::default()
        };
        let set = set_plan(TEXT, &change).expect("set");
        let expected = TEXT
            .replace("start = 2026-07-05\n", "start = 2026-07-05\nfee = 180\nend = 2026-12-31\n");
        assert_eq!(set, expected);
        let again = set_plan(&set, &change).expect("set");
        assert_eq!(again, set, "setting the same changes nothing");
    }

    #[test]
    fn a_plan_that_goes_on_loses_its_last_day_alone() {
        let text =
            TEXT.replace("start = 2026-07-05\n", "end = 2026-12-31 # out\nstart = 2026-07-05\n");
        let change = PlanChange {
            name: Some("Claude Max 20x".into()),
            fee: Some(usd("180")),
            goes_on: true,
            ..PlanChange::default()
        };
        let set = set_plan(&text, &change).expect("set");
        assert_eq!(set, TEXT.replace("2026-07-05\n", "2026-07-05\nfee = 180\n"));
        assert_eq!(set_plan(&set, &change).expect("set"), set, "it has none already");
    }

    #[test]
    fn a_new_plan_comes_behind_the_others() {
        let change = PlanChange {
            offer: Some("cursor-pro".into()),
            lists: vec![("accounts", vec!["cursor".into()])],
            ..PlanChange::default()
        };
        let set = set_plan(TEXT, &change).expect("set");
        let block = "[[plan]]\noffer = \"cursor-pro\"\naccounts = [\"cursor\"]\n";
        assert!(set.contains(&format!("agents = [\"codex\"]\n\n{block}\n[[budget]]")), "{set}");
        assert_eq!(
            remove_plan(&set, "Cursor Pro").expect("removed").matches("[[plan]]").count(),
            2
        );
    }

    #[test]
    fn a_plan_is_removed_by_its_name_or_its_offers() {
        let removed = remove_plan(TEXT, "Claude Max 20x").expect("removed");
        assert!(!removed.contains("claude-max") && removed.contains("# What I pay."), "{removed}");
        let error = remove_plan(TEXT, "nonsense").expect_err("none");
        assert_eq!(
            error.to_string(),
            "no plan is named \"nonsense\"; there is Claude Max 20x, Codex at work"
        );
        let twice = format!("{TEXT}\n[[plan]]\noffer = \"claude-max-20x\"\nstart = 2027-01-01\n");
        assert!(matches!(
            remove_plan(&twice, "Claude Max 20x"),
            Err(EditError::SeveralPlans { .. })
        ));
    }
}
