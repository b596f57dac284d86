//! What the sections say of boards that tests share.

use super::*;
use crate::faces::examples;

fn text(board: &Board) -> String {
    // Tags away, so that the words stand alone.
    let html = today::section(board).into_string() + &trust::section(board).into_string();
    let mut out = String::new();
    let mut in_tag = false;
    for character in html.chars() {
        match character {
            '<' => in_tag = true,
            '>' => in_tag = false,
            _ if !in_tag => out.push(character),
            _ => {}
        }
    }
    out
}

#[track_caller]
fn says(board: &Board, parts: &[&str]) {
    let text = text(board);
    parts.iter().for_each(|part| assert!(text.contains(part), "{part}: {text}"));
}

#[test]
fn today_says_what_it_cost_and_whether_that_is_fine() {
    says(&examples::calm(), &["≈ $214.37", "Within budget.", "42 % used, $285.63 left"]);
    says(
        &examples::near(),
        &["Within budget now, and over it at this pace.", "≈ $610.00 to $680.00"],
    );
    says(&examples::over(), &["Over 2 budgets.", "$135.00 over"]);
    says(&examples::empty(), &["–", "No figures yet.", "No source gave figures yet."]);
    assert!(!text(&examples::empty()).contains("$0"), "unknown is not zero");
}

#[test]
fn what_is_old_partial_or_broken_says_so() {
    says(
        &examples::stale(),
        &["Last figures: at 11:05", "old at 11:05", "OpenAI gave no answer: timed out."],
    );
    says(&examples::error(), &["No source gave figures yet.", "OpenAI refused the key (401)."]);
    says(&examples::paused(), &["Paused"]);
    says(&examples::loading(), &["Still reading, the figures will grow"]);
    says(
        &examples::crowded(),
        &["4.1 M tokens have no known price", "the config has an error in line 3"],
    );
    says(&examples::incident(), &["Major System Outage"]);
}

#[test]
fn what_open_pages_are_told_is_json_with_the_sections() {
    let event: serde_json::Value = serde_json::from_str(&live(&examples::calm())).expect("JSON");
    assert_eq!(event["title"], "≈ $214.37 today – Spendbar");
    let today = event["parts"]["today"].as_str().expect("HTML");
    assert!(today.contains("<strong id=\"figure\">$214.37</strong>"), "{today}");
    assert!(event["parts"]["trust"].as_str().expect("HTML").contains("Claude Code"));
}

#[test]
fn providers_keep_their_hue() {
    assert_eq!(hue(Some("anthropic")), hue(Some("claude-code")));
    assert_eq!(hue(Some("openai")), hue(Some("openai-admin")));
    assert_ne!(hue(Some("openai")), hue(Some("anthropic")));
    assert_eq!(hue(None), "hue0");
}
