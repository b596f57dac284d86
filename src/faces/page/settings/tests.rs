//! What the page says and offers in each state.

use chrono::Duration;

use super::*;
use crate::faces::examples;
use crate::faces::page::assets::Assets;
use crate::spend::Currency;

fn settings(board: &Board) -> Settings<'_> {
    let budget = BudgetSetting {
        name: "<day>".into(),
        amount: Money::parse("200.5", Currency::USD).expect("an amount"),
        cycle: Cycle::Day,
        thresholds: vec![50, 80],
        counts: "all sources".into(),
    };
    let config = Configured {
        sources: Vec::new(),
        takes_key: Vec::new(),
        no_keyring: None,
        budgets: vec![budget],
        plans: vec![PlanSetting {
            name: "<max>".into(),
            fee: Money::parse("17.5", Currency::USD).expect("an amount"),
            every: Every::Month(5),
            first_day: "2026-11-05".parse().ok(),
            last_day: None,
            covers: "claude-code".into(),
        }],
        offers: crate::board::whatif::plans::all(),
        headline: Headline::List,
        colours: Colours::Auto,
        period: Period::Week,
    };
    Settings {
        board,
        file: "~/config.toml".into(),
        config: Ok(config),
        changes: Vec::new(),
        undo: Undo::Nothing,
        login: Some(Ok((AtLogin::Nothing, "~/entry".into()))),
        said: None,
        typed: Typed::default(),
    }
}

fn drawn(settings: &Settings<'_>) -> String {
    page(settings, &Frame { assets: &Assets::new(), csrf: "SECOND-TOKEN" })
}

#[test]
fn every_form_carries_the_second_token_and_names_are_text() {
    let board = examples::calm();
    let html = drawn(&settings(&board));
    let forms: Vec<_> = html.split("<form").skip(1).collect();
    assert!(forms.len() >= 5, "{html}");
    for form in forms {
        let form = form.split("</form>").next().expect("its end");
        assert!(
            form.contains("method=\"post\"") && form.contains("value=\"SECOND-TOKEN\""),
            "{form}"
        );
    }
    assert!(html.contains("&lt;day&gt;") && !html.contains("<day>"), "{html}");
    assert!(html.contains("value=\"200.50\"") && html.contains("value=\"50, 80\""), "{html}");
    assert!(html.contains("&lt;max&gt;") && html.contains("value=\"17.50\""), "{html}");
    assert!(html.contains("$17.50 a month from 5, since 5 Nov 2026, covers claude-code"), "{html}");
    assert!(html.contains("Claude Max 20x: $200 a month</option>"), "{html}");
    assert!(html.contains("name=\"period\" value=\"week\" checked"), "{html}");
    assert!(!html.contains("<script"), "nothing of it needs a script");
}

#[test]
fn undo_is_offered_for_the_newest_change_alone() {
    let board = examples::calm();
    let change = |number: u64| Changed {
        number,
        what: format!("change {number}"),
        at: board.now - Duration::minutes(3),
    };
    let offers = |undo: Undo, about: Option<u64>| {
        let changes = vec![change(2), change(1)];
        let said = Some(Said { failed: false, text: "Done.".into(), change: about });
        let html = drawn(&Settings { changes, undo, said, ..settings(&board) });
        assert!(html.contains("change 1") && html.contains("3 min ago"), "{html}");
        html.matches("action=\"/settings/undo\"").count()
    };
    assert_eq!(offers(Undo::Possible, Some(2)), 2, "beside what was said, and in the list");
    assert_eq!(offers(Undo::Possible, Some(1)), 1, "an older one is not undone before");
    assert_eq!(offers(Undo::Possible, None), 1);
    assert_eq!(offers(Undo::ChangedElsewhere, Some(2)), 0);
}

#[test]
fn each_way_to_start_at_login_is_told() {
    let board = examples::calm();
    let with = |login| drawn(&Settings { login, ..settings(&board) });
    let told = |at_login| with(Some(Ok((at_login, "~/entry".to_owned()))));
    assert!(told(AtLogin::This).contains("Spendbar starts when you log in."));
    assert!(told(AtLogin::Nothing).contains("Spendbar does not start by itself."));
    let other = told(AtLogin::Other("/old & gone".into()));
    assert!(other.contains("/old &amp; gone") && other.contains("Start this one"), "{other}");
    let unknown = with(Some(Err("~/entry: denied".into())));
    assert!(unknown.contains("is not known: ~/entry: denied"), "{unknown}");
    assert!(!unknown.contains("/settings/autostart"));
    assert!(!with(None).contains("login"), "a demo leaves it alone");
}

#[test]
fn a_broken_file_is_offered_no_form_that_writes_it() {
    let board = examples::calm();
    let broken = Settings { config: Err("c.toml:3: <wrong>".into()), ..settings(&board) };
    let html = drawn(&broken);
    assert!(html.contains("c.toml:3: &lt;wrong&gt;"), "{html}");
    assert_eq!(html.matches("<form").count(), 1, "the start at login");
}
