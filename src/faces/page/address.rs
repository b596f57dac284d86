//! What is looked at, in the page's address: `?span=30d&by=model&source=codex&day=2026-11-24`.

use url::form_urlencoded;

use crate::board::page::{Reach, View, WhatIfView};
use crate::board::report::GroupBy;

const REACHES: [(Reach, &str); 4] =
    [(Reach::Today, "today"), (Reach::Week, "7d"), (Reach::Month, "30d"), (Reach::Year, "365d")];
const GROUPS: [(GroupBy, &str); 4] = [
    (GroupBy::Source, "source"),
    (GroupBy::Model, "model"),
    (GroupBy::Project, "project"),
    (GroupBy::Session, "session"),
];
/// Longer names are cut off by no agent; they would only make addresses that browsers refuse.
const LONGEST: usize = 1_000;

/// Reads the part after the question mark. What is not understood is as if it were not there.
pub fn read(query: &str) -> View {
    let mut view = View::default();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        let text =
            (!value.is_empty() && value.len() <= LONGEST).then(|| value.clone().into_owned());
        match &*name {
            "span" => {
                view.reach = known(&REACHES, &value).unwrap_or(view.reach);
            }
            "by" => view.by = known(&GROUPS, &value).unwrap_or(view.by),
            "day" => view.day = value.parse().ok(),
            "source" => view.source = text,
            "model" => view.model = text,
            "project" => view.project = text,
            "session" => view.session = text,
            "all" => view.all = value == "1",
            "if" if value == "1" => view.what_if = Some(view.what_if.unwrap_or_default()),
            "if_model" => view.what_if.get_or_insert_default().model = text,
            "if_scale" => view.what_if.get_or_insert_default().scale = text,
            "if_plan" => view.what_if.get_or_insert_default().plan = text,
            _ => {}
        }
    }
    view
}

/// The address that shows it, from the root: `/?by=model`.
pub fn write(view: &View) -> String {
    let query = query(view);
    if query.is_empty() { "/".into() } else { format!("/?{query}") }
}

/// The part after the question mark; empty for what is shown without a choice.
pub fn query(view: &View) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs(view)).finish()
}

/// The same as names and values, for forms.
pub fn pairs(view: &View) -> Vec<(&'static str, String)> {
    let usual = View::default();
    let mut pairs = Vec::new();
    if view.reach != usual.reach {
        pairs.push(("span", word(&REACHES, view.reach).to_owned()));
    }
    if view.by != usual.by {
        pairs.push(("by", word(&GROUPS, view.by).to_owned()));
    }
    let names = [
        ("source", &view.source),
        ("model", &view.model),
        ("project", &view.project),
        ("session", &view.session),
    ];
    for (name, value) in names {
        pairs.extend(value.clone().map(|value| (name, value)));
    }
    if view.all {
        pairs.push(("all", "1".to_owned()));
    }
    if let Some(day) = view.day {
        pairs.push(("day", day.to_string()));
    }
    if let Some(WhatIfView { model, scale, plan }) = &view.what_if {
        pairs.push(("if", "1".to_owned()));
        pairs.extend(model.clone().map(|model| ("if_model", model)));
        pairs.extend(scale.clone().map(|scale| ("if_scale", scale)));
        pairs.extend(plan.clone().map(|plan| ("if_plan", plan)));
    }
    pairs
}

fn known<T: Copy>(words: &[(T, &str)], word: &str) -> Option<T> {
    words.iter().find(|(_, known)| *known == word).map(|(value, _)| *value)
}

fn word<T: PartialEq>(words: &[(T, &'static str)], value: T) -> &'static str {
    words.iter().find(|(known, _)| *known == value).map_or("", |(_, word)| word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_keeps_the_choice() {
        let query = "span=30d&by=model&source=codex&project=%2Fhome%2Fada%2FR%26D%3F&all=1&day=2026-11-24&if=1&if_scale=2x&if_plan=cursor-pro";
        let view = read(query);
        assert_eq!(view.project.as_deref(), Some("/home/ada/R&D?"));
        assert_eq!(write(&view), format!("/?{query}"));
        assert_eq!(read(&super::query(&view)), view);
        assert_eq!(write(&View::default()), "/");
    }

    #[test]
    fn what_is_not_understood_changes_nothing() {
        let view = read("span=1000y&by=money&day=soon&source=&token=abc&model=%ff");
        assert_eq!(view, View { model: Some("\u{fffd}".into()), ..View::default() });
    }
}
