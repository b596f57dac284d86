//! Text -> a checked description. What is wrong says its line, its field and what to write instead.

use std::collections::BTreeSet;
use std::fmt;
use std::ops::Range;

use toml::Spanned;
use url::Url;

use super::language::{Call, Description, QuotaFact, Send, Unit};
use super::place::Places;
use super::template::Template;
use crate::sources::providers::address;

/// Something wrong in a description.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Line, from 1.
    pub line: usize,
    /// The field; empty where the message of the reader names it.
    pub field: String,
    /// What is wrong, and what to write instead.
    pub what: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: ", self.line)?;
        if !self.field.is_empty() {
            write!(f, "{}: ", self.field)?;
        }
        f.write_str(&self.what)
    }
}

/// Reads and checks a description.
///
/// # Errors
/// Everything that is wrong; at least one fault.
pub fn load(text: &str) -> Result<Description, Vec<Fault>> {
    let line_of = |at: usize| 1 + text.bytes().take(at).filter(|byte| *byte == b'\n').count();
    let description: Description = toml::from_str(text).map_err(|error| {
        let line = line_of(error.span().map_or(0, |span| span.start));
        let written = text.lines().nth(line - 1).unwrap_or_default().trim();
        let what = format!("{}, in `{written}`", error.message().replace('\n', ", "));
        vec![Fault { line, field: String::new(), what }]
    })?;
    let mut faults = Vec::new();
    check(&description, &mut |at, field, what| {
        faults.push(Fault { line: line_of(at.start), field: field.to_owned(), what });
    });
    if faults.is_empty() { Ok(description) } else { Err(faults) }
}

/// What the reader of TOML can't see; `fault` is told place, field and what is wrong.
pub fn check(description: &Description, fault: &mut dyn FnMut(Range<usize>, &str, String)) {
    let id = &description.id;
    let is_kebab = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if id.get_ref().is_empty() || !id.get_ref().chars().all(is_kebab) {
        let what = "write small letters, digits and hyphens, such as \"my-gateway\"";
        fault(id.span(), "id", format!("{:?} is no id: {what}", id.get_ref()));
    }
    let regions = description.region.iter().map(|region| &region.base_url);
    for address in description.base_url.iter().chain(regions) {
        let said = Url::parse(address.get_ref())
            .map_err(|error| error.to_string())
            .and_then(|url| address::check_base(&url).map_err(|error| error.to_string()));
        if let Err(what) = said {
            let hint = "write an address such as \"https://gateway.example.com\"";
            fault(address.span(), "base_url", format!("{what}: {hint}"));
        }
    }
    if let Some(page) = &description.status_page
        && !Url::parse(page.get_ref()).is_ok_and(|url| address::check_base(&url).is_ok())
    {
        let hint = "write an address such as \"https://status.example.com\" (http is for this \
                    machine only), without user, ? and #";
        fault(page.span(), "status_page", format!("{:?} can't be asked: {hint}", page.get_ref()));
    }
    let mut known: BTreeSet<&str> = description.setting.iter().map(|it| &*it.name).collect();
    if !description.region.is_empty() {
        known.insert("region");
    }
    for template in description.headers.values() {
        holes(template, &known, id.span(), "headers", fault);
    }
    for call in &description.call {
        check_call(description, call, &known, fault);
        known.extend(call.get_ref().values.keys().map(String::as_str));
    }
    if description.call.is_empty() {
        fault(id.span(), "call", "nothing is asked: write a [[call]] with a path".into());
    }
}

fn check_call(
    description: &Description,
    spanned: &Spanned<Call>,
    known: &BTreeSet<&str>,
    fault: &mut dyn FnMut(Range<usize>, &str, String),
) {
    let (call, at) = (spanned.get_ref(), spanned.span());
    let body = call.body.iter().flat_map(|body| body.templates());
    for template in [&call.path].into_iter().chain(call.query.values()).chain(body) {
        holes(template, known, at.clone(), "call", fault);
        if template.needs_day() && call.per_day.is_none() {
            let what = format!("{template} has a hole for a day: write per_day = 31, or {{first}}");
            fault(at.clone(), "call", what);
        }
    }
    if let Some(Send::Body(_)) = description.key.as_ref().map(|key| &key.send)
        && call.body.is_none()
    {
        let what = "the key is sent in the body: write body = {}";
        fault(at.clone(), "call.body", what.into());
    }
    if let Some(page) = &call.page
        && page.send.is_empty()
        && page.number.is_none()
        && !page.link_header
    {
        let what = "nothing asks for the next page: write send, number or link_header";
        fault(at.clone(), "call.page", what.into());
    }
    for quota in &call.quota {
        if let Some(what) = wrong_quota(quota) {
            fault(at.clone(), "call.quota", what.into());
        }
        if quota.used.is_some() || quota.limit.is_some() || quota.left.is_some() {
            in_something(quota, known, &at, "call.quota", fault);
        }
    }
    for it in &call.balance {
        in_something(it, known, &at, "call.balance", fault);
    }
    for it in &call.total {
        in_something(it, known, &at, "call.total", fault);
    }
    for it in &call.cost {
        if it.unit.is_some() || it.currency.is_none() {
            let what = "a cost is money: write currency = \"USD\", or where the answer names it";
            fault(at.clone(), "call.cost", what.into());
        }
    }
}

fn wrong_quota(quota: &QuotaFact) -> Option<&'static str> {
    let has = |places: &Option<Places>| usize::from(places.is_some());
    let amounts = has(&quota.used) + has(&quota.limit) + has(&quota.left);
    let shares = has(&quota.percent_used) + has(&quota.percent_left) + has(&quota.share_used);
    if shares > 1 || (shares == 0 && amounts < 2) || (amounts > 0 && quota.limit.is_none()) {
        return Some(
            "write limit and one of used and left, or one of percent_used, percent_left, share_used",
        );
    }
    if quota.used_scale.is_some() && quota.used.is_none() {
        return Some("used_scale says what used is multiplied by: write used");
    }
    if quota.name.is_none() && quota.seconds.is_none() && quota.length.is_none() {
        return Some("write a name, or the length in seconds, which names it");
    }
    None
}

fn in_something(
    fact: &impl Unit,
    known: &BTreeSet<&str>,
    at: &Range<usize>,
    field: &str,
    fault: &mut dyn FnMut(Range<usize>, &str, String),
) {
    if fact.currency().is_some() == fact.unit().is_some() {
        let what = "write what it is in: either currency = \"USD\" or unit = \"points\"";
        fault(at.clone(), field, what.into());
    }
    if let Some(unit) = fact.unit() {
        holes(unit, known, at.clone(), field, fault);
    }
}

fn holes(
    template: &Template,
    known: &BTreeSet<&str>,
    at: Range<usize>,
    field: &str,
    fault: &mut dyn FnMut(Range<usize>, &str, String),
) {
    for name in template.names().filter(|name| !known.contains(name)) {
        let mut all: Vec<&str> = vec!["first", "last", "today", "end", "now", "day", "next_day"];
        all.extend(known);
        let what = format!("nothing fills {{{name}}}: write one of {}", all.join(", "));
        fault(at.clone(), field, what);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> String {
        let faults = load(text).expect_err("wrong");
        faults.iter().map(Fault::to_string).collect::<Vec<_>>().join("\n")
    }

    const HEAD: &str = "id = \"mine\"\nbase_url = \"https://mine.example\"\n[key]\n";

    #[test]
    fn a_wrong_description_names_the_line_the_field_and_what_to_write() {
        insta::assert_snapshot!(said("id = \"mine\"\nbase_url = \"http://mine.example\"\ncall = []\n"), @r#"
        line 2: base_url: base_url sends the key to mine.example unencrypted; use https (http is for this machine only): write an address such as "https://gateway.example.com"
        line 1: call: nothing is asked: write a [[call]] with a path
        "#);
        for page in
            ["http://mine.example", "https://me@mine.example", "https://mine.example?a", "mine"]
        {
            let said = said(&format!(
                "id = \"mine\"\nstatus_page = \"{page}\"\nbase_url = \"https://mine.example\"\n[[call]]\npath = \"/x\"\n"
            ));
            let hint = "write an address such as \"https://status.example.com\" (http is for this machine only), without user, ? and #";
            assert_eq!(said, format!("line 2: status_page: {page:?} can't be asked: {hint}"));
        }
        insta::assert_snapshot!(said(&format!("{HEAD}[[call]]\npath = \"/x\"\n[[call.balance]]\nname = \"left\"\namount = \"balance\"\ncurrency = \"USD\"\n")), @r##"line 8: "balance" is no place in an answer: write a JSON Pointer such as "/data/balance", or "#/currency" from the top of the answer, in `amount = "balance"`"##);
        insta::assert_snapshot!(said(&format!("{HEAD}[[call]]\npath = \"/{{team}}/{{day}}\"\n[[call.balance]]\nname = \"left\"\namount = \"/b\"\n")), @r#"
        line 4: call: nothing fills {team}: write one of first, last, today, end, now, day, next_day
        line 4: call: /{team}/{day} has a hole for a day: write per_day = 31, or {first}
        line 4: call.balance: write what it is in: either currency = "USD" or unit = "points"
        "#);
        insta::assert_snapshot!(said(&format!("{HEAD}send = \"beerer\"\n[[call]]\npath = \"/x\"\n")), @r#"line 4: "beerer" is no way to send a key: write "bearer", "basic-user", "scheme:WORD", "header:NAME" or "body:FIELD", in `send = "beerer"`"#);
        insta::assert_snapshot!(said(&format!("{HEAD}[[call]]\npath = \"/x\"\n[[call.quota]]\nused = \"/u\"\n")), @r#"
        line 4: call.quota: write limit and one of used and left, or one of percent_used, percent_left, share_used
        line 4: call.quota: write what it is in: either currency = "USD" or unit = "points"
        "#);
        insta::assert_snapshot!(said(&format!("{HEAD}[[call]]\npath = \"/x\"\nscale = \"cents\"\n")).split(", expected").next().unwrap_or_default(), @"line 6: unknown field `scale`");
    }
}
