//! The config is changed in its text, and every other byte stays.

use proptest::prelude::*;

use super::*;
use crate::config::Config;
use crate::spend::Zone;

fn change(amount: &str, cycle: Cycle) -> BudgetChange {
    BudgetChange::new(Money::parse(amount, Currency::USD).expect(amount), cycle)
}

fn load(text: &str) -> Config {
    Config::parse(text, Path::new("config.toml"), Path::new("/home/u"), Zone::UTC)
        .unwrap_or_else(|error| panic!("{error}\n---\n{text}"))
}

#[test]
fn every_setting_of_a_budget_can_be_set_and_reads_back() {
    let start = "[rates]\nEUR = { usd = 1.16, date = \"2026-11-02\" }\n";
    let cycle: Cycle = "month from 15".parse().expect("a time");
    let lists = vec![
        ("models", vec!["claude-*".to_owned()]),
        ("projects", vec!["/work/a".to_owned()]),
        ("accounts", vec!["work".to_owned()]),
    ];
    let full = BudgetChange {
        name: Some("full".into()),
        currency: Some("EUR".parse().expect("a currency")),
        basis: Some(Basis::List),
        rollover: Some(true),
        lists,
        ..change("50", cycle)
    };
    let text = set_budget(start, &full).expect("set");
    let budget = load(&text).budgets.remove(0);
    assert_eq!((budget.cycle, budget.basis, budget.rollover), (cycle, Basis::List, true));
    assert_eq!(format!("{:?}", budget.amount), "50 EUR");
    assert_eq!(budget.filter.words(), "account work, model claude-*, project /work/a");
    // What is not given stays; an empty list is everything again.
    let lists = vec![("models", Vec::new())];
    let less = BudgetChange { name: Some("full".into()), lists, ..change("60", cycle) };
    let budget = load(&set_budget(&text, &less).expect("set")).budgets.remove(0);
    assert_eq!(budget.filter.words(), "account work, project /work/a");
    assert!(budget.rollover);
}

#[test]
fn a_budget_is_added_at_the_end_and_then_updated_in_place() {
    let start = "# mine\nzone = \"UTC\" # here\n";
    let added = set_budget(start, &change("200", Cycle::Day)).expect("set");
    insta::assert_snapshot!(added, @r#"
    # mine
    zone = "UTC" # here

    [[budget]]
    amount = 200
    per = "day"
    "#);
    let more = BudgetChange {
        thresholds_percent: Some(vec![90, 100]),
        sources: Some(vec!["codex".into()]),
        ..change("250.5", Cycle::Day)
    };
    let updated = set_budget(&added, &more).expect("set");
    insta::assert_snapshot!(updated, @r#"
    # mine
    zone = "UTC" # here

    [[budget]]
    amount = 250.50
    per = "day"
    thresholds = [90, 100]
    sources = ["codex"]
    "#);
    assert_eq!(load(&updated).budgets.len(), 1);
}

#[test]
fn comments_blanks_and_line_ends_stay() {
    let start = "[[budget]]  # first\r\n# why\r\namount = 1_0 # ten\r\nperiod = 'day'\r\n\r\n\
                 # about codex\r\n[agents.codex]\r\nenabled = false";
    let updated = set_budget(start, &change("20", Cycle::Day)).expect("set");
    let expected = start.replace("1_0 #", "20 #").replace("'day'", "\"day\"");
    assert_eq!(updated, expected);
    let added = set_budget(start, &change("3", Cycle::MONTH)).expect("set");
    assert_eq!(
        added,
        start.replace("'day'\r\n", "'day'\r\n\r\n[[budget]]\r\namount = 3\r\nper = \"month\"\r\n")
    );
}

#[test]
fn an_amount_is_raised_where_it_stands() {
    let start =
        "[[budget]]\namount = 33.33 # why\nper = \"day\"\n[[budget]]\namount = 7\nper = \"day\"\n";
    let usd = |text: &str| Money::parse(text, Currency::USD).expect(text);
    let raised = usd("33.33").raised(25).expect("an amount");
    let text = set_amount(start, "day", &raised).expect("set");
    // 33.33 * 1.25 = 41.6625, and a whole cent is never less.
    assert_eq!(text, start.replace("33.33 #", "41.67 #"));
    let text = set_amount(start, "day-2", &usd("7").raised(100).expect("14")).expect("set");
    assert_eq!(text, start.replace("= 7", "= 14"));
    assert!(set_amount(start, "week", &usd("1")).is_err());
}

#[test]
fn a_scope_by_its_other_name_is_changed_where_it_stands() {
    let start = "[[budget]]\namount = 1\nperiod = \"day\"\nscope = \"all\"\n";
    let sources = Some(vec!["codex".to_owned()]);
    let updated = set_budget(start, &BudgetChange { sources, ..change("1", Cycle::Day) });
    assert_eq!(updated.expect("set"), start.replace("\"all\"", "[\"codex\"]"));
}

#[test]
fn a_removed_budget_takes_only_its_own_lines() {
    let text = "# top\n[[budget]]\namount = 1\nper = \"day\"\n# between\n[[budget]]\nname = \"m\"\n\
                amount = 2\nper = \"month\" # last\n# end\n";
    assert_eq!(
        remove_budget(text, "day").expect("removed"),
        "# top\n# between\n[[budget]]\nname = \"m\"\namount = 2\nper = \"month\" # last\n# end\n"
    );
    assert_eq!(
        remove_budget(text, "m").expect("removed"),
        "# top\n[[budget]]\namount = 1\nper = \"day\"\n# between\n# end\n"
    );
    assert_eq!(
        remove_budget(text, "week").expect_err("none").to_string(),
        "no budget is named \"week\"; there is day, m"
    );
}

#[test]
fn the_default_file_takes_a_budget() {
    let text = set_budget(DEFAULT_TEXT, &change("200", Cycle::Day)).expect("set");
    assert!(text.starts_with(DEFAULT_TEXT));
    assert_eq!(load(&text).budgets[0].amount.to_decimal(), "200");
}

#[test]
fn inline_budgets_are_left_to_the_editor() {
    let text = "budget = [{ amount = 1, per = \"day\" }]\n";
    assert_eq!(
        set_budget(text, &change("2", Cycle::Day)),
        Err(EditError::Inline { what: "budget" })
    );
    assert!(matches!(
        set_budget("a = 1\nb =\n", &change("2", Cycle::Day)),
        Err(EditError::NotToml { line: 2, .. })
    ));
}

#[test]
fn writing_follows_a_link_and_leaves_nothing_else_behind() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("new/config.toml");
    write(&path, "a").expect("written");
    write(&path, "b").expect("written");
    assert_eq!(fs::read_to_string(&path).expect("read"), "b");
    assert_eq!(fs::read_dir(folder.path().join("new")).expect("list").count(), 1);
}

/// Links and modes are made by the system's own tools; without them there is nothing to test.
#[test]
fn a_link_stays_a_link_and_permissions_stay() {
    let folder = tempfile::tempdir().expect("folder");
    let run = |program: &str, arguments: [&str; 3]| {
        let mut command = std::process::Command::new(program);
        command.args(arguments).current_dir(folder.path());
        command.output().is_ok_and(|output| output.status.success())
    };
    let real = folder.path().join("dotfiles.toml");
    fs::write(&real, "a").expect("written");
    if !run("ln", ["-s", "dotfiles.toml", "config.toml"])
        || !run("chmod", ["--", "640", "dotfiles.toml"])
    {
        return;
    }
    let mode = fs::metadata(&real).expect("real").permissions();
    let link = folder.path().join("config.toml");
    write(&link, "b").expect("written");
    assert!(fs::symlink_metadata(&link).expect("link").is_symlink());
    assert_eq!(fs::read_to_string(&real).expect("read"), "b");
    assert_eq!(fs::metadata(&real).expect("real").permissions(), mode);
}

#[derive(Clone, Debug)]
enum Step {
    Set(BudgetChange),
    Remove(String),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let name = prop_oneof![
        Just(None),
        "[a-z\"\\\\ü ]{1,6}"
            .prop_map(|name| Some(name.trim().to_owned()).filter(|name| !name.is_empty()))
    ];
    let cycle = proptest::sample::select(vec![Cycle::Day, Cycle::WEEK, Cycle::MONTH]);
    let set = (
        1_i128..10_i128.pow(24),
        cycle,
        name,
        proptest::option::of(proptest::collection::vec(1_u32..=1000, 0..4)),
        proptest::option::of(proptest::sample::subsequence(vec!["codex", "openrouter"], 0..=2)),
    )
        .prop_map(|(attos, cycle, name, thresholds_percent, sources)| {
            let amount = Money { attos, currency: Currency::USD };
            Step::Set(BudgetChange {
                name,
                thresholds_percent,
                sources: sources.map(|ids| ids.into_iter().map(str::to_owned).collect()),
                ..BudgetChange::new(amount, cycle)
            })
        });
    let word = proptest::sample::select(vec!["day", "week", "month", "day-2"]);
    let remove = word.prop_map(|word| Step::Remove(word.to_owned()));
    proptest::collection::vec(prop_oneof![3 => set, 1 => remove], 1..12)
}

proptest! {
    /// Every comment and every other setting is there after any edits, in its order, and the
    /// file loads with the amount that was set last.
    #[test]
    fn comments_and_other_content_survive_any_edits(steps in steps(), crlf: bool, mark: bool) {
        let start = "# one\nzone = \"Europe/Berlin\" # two\n\n# three\n[agents.codex] # four\n\
                     enabled = false\n# five ü\n";
        let mut text = start.to_owned();
        if crlf { text = text.replace('\n', "\r\n"); }
        if mark { text.insert(0, '\u{feff}'); }
        let outside: Vec<String> = text.lines().filter(|line| !line.trim().is_empty()).map(str::to_owned).collect();
        for step in steps {
            match step {
                Step::Set(change) => {
                    text = set_budget(&text, &change).expect("TOML");
                    let config = load(&text);
                    let word = change.cycle.to_string();
                    let name = change.name.as_deref().unwrap_or(&word);
                    let budget = config.budgets.iter().find(|budget| budget.name == name).expect("there");
                    prop_assert_eq!(budget.amount, change.amount);
                    prop_assert_eq!(budget.cycle, change.cycle);
                }
                Step::Remove(name) => {
                    let before = load(&text).budgets;
                    match remove_budget(&text, &name) {
                        Ok(shorter) => {
                            text = shorter;
                            prop_assert_eq!(load(&text).budgets.len() + 1, before.len());
                        }
                        Err(_) => prop_assert!(before.iter().all(|budget| budget.name != name)),
                    }
                }
            }
            let mut lines = text.lines();
            for line in &outside {
                prop_assert!(lines.any(|found| found == line), "lost {line:?} of\n{text}");
            }
            if crlf {
                prop_assert_eq!(text.matches('\n').count(), text.matches("\r\n").count());
            }
        }
    }
}
