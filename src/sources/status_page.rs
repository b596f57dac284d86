//! The answer of a provider's status page, as Atlassian Statuspage and those like it give it:
//! `GET <page>/api/v2/status.json` (<https://status.claude.com/api#status>). No key.
//!
//! `status.indicator` is `none`, `minor`, `major`, `critical` or, while planned work goes on,
//! `maintenance`; `status.description` is a sentence for people. An answer without an indicator
//! that is known is none: a sign-in page, or a page of another make, says nothing.

use chrono::{DateTime, Utc};
use reqwest::header::{ACCEPT, HeaderMap, HeaderValue};
use serde::Deserialize;
use serde_json::Value;
use url::Url;

use super::SourceError;
use super::providers::http::{Client, Request};
use super::providers::{address, decode};
use crate::spend::{Indicator, Trouble};

/// Below a page's address.
const PATH: &str = "/api/v2/status.json";
/// Longer words of a page are cut.
const LONGEST_TEXT: usize = 80;
const UNKNOWN: &str = "`status.indicator` is not one that is known";

#[derive(Deserialize)]
struct Answer {
    status: Status,
}

#[derive(Deserialize)]
struct Status {
    indicator: String,
    // Whatever else stands here is no reason to disbelieve the indicator.
    #[serde(default)]
    description: Value,
}

/// An answer is a few lines; a page of a web site is none.
const MOST_BYTES: usize = 64 * 1024;

/// Asks a page once. Nothing but the address and the name of this program is sent.
///
/// # Errors
/// There is no answer, or it is none of a status page.
pub async fn ask(
    http: &Client,
    page: &str,
    now: DateTime<Utc>,
) -> Result<Option<Trouble>, SourceError> {
    let no_address = |_| SourceError::Misconfigured { what: format!("{page} is no address") };
    let base = Url::parse(page).map_err(no_address)?;
    let (body, _) = http
        .send(&Request {
            url: address::join(&base, PATH, &[]),
            headers: HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static("application/json"))]),
            body: None,
            waits: &[],
            refusal: None,
            configured: false,
            now,
            most_bytes: MOST_BYTES,
        })
        .await?;
    read(&body, now)
}

/// Reads an answer; `None` when all is well.
///
/// # Errors
/// [`SourceError::FormatChanged`] for anything but an answer of a status page.
pub fn read(body: &[u8], as_of: DateTime<Utc>) -> Result<Option<Trouble>, SourceError> {
    let Answer { status } = decode::answer(body)?;
    let indicator = match status.indicator.as_str() {
        "none" => return Ok(None),
        "maintenance" => Indicator::Maintenance,
        "minor" => Indicator::Minor,
        "major" => Indicator::Major,
        "critical" => Indicator::Critical,
        // The answer's own text never gets into an error.
        _ => return Err(SourceError::FormatChanged { what: UNKNOWN.into() }),
    };
    let text = plain(status.description.as_str().unwrap_or_default());
    Ok(Some(Trouble { indicator, text, as_of }))
}

/// Foreign words as one short line: nothing in them that moves a cursor, hides itself or turns the
/// direction of writing.
fn plain(text: &str) -> String {
    let is_unseen = |c: char| {
        c.is_control()
            || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}')
            || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
            || matches!(c, '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
    };
    let seen: String = text.chars().map(|c| if is_unseen(c) { ' ' } else { c }).collect();
    let line = seen.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= LONGEST_TEXT {
        return line;
    }
    let kept: String = line.chars().take(LONGEST_TEXT - 1).collect();
    format!("{}…", kept.trim_end())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::sources::providers::fake::{Fake, client};
    use crate::sources::providers::fixtures::Fixture;

    fn at() -> DateTime<Utc> {
        "2026-11-03T12:00:00Z".parse().unwrap()
    }

    fn answer(indicator: &str, description: &str) -> Vec<u8> {
        format!(r#"{{"status":{{"indicator":{indicator},"description":{description}}}}}"#).into()
    }

    fn refused(body: &[u8]) -> String {
        match read(body, at()) {
            Err(SourceError::FormatChanged { what }) => what,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_fixtures_are_read_as_they_say() {
        let fixture = Fixture::load("statuspage");
        let file = fixture.expected()["exchanges"][0]["file"].as_str().unwrap();
        assert_eq!(fixture.reading()["status"], "none");
        assert_eq!(read(&fixture.body(file), fixture.now()), Ok(None));
        for variant in fixture.expected()["variants"].as_array().unwrap() {
            let body = fixture.body(variant["files"][0].as_str().unwrap());
            match variant["status"].as_str() {
                None => assert_eq!(refused(&body), "it is not JSON"),
                Some(indicator) => {
                    let trouble = read(&body, fixture.now()).unwrap().unwrap();
                    assert_eq!(serde_json::to_value(trouble.indicator).unwrap(), indicator);
                    assert_eq!(trouble.text, "Partial System Outage");
                    assert_eq!(trouble.as_of, fixture.now());
                }
            }
        }
    }

    #[test]
    fn every_indicator_is_known_and_no_other() {
        for (word, indicator) in [
            ("maintenance", Indicator::Maintenance),
            ("minor", Indicator::Minor),
            ("major", Indicator::Major),
            ("critical", Indicator::Critical),
        ] {
            let trouble = read(&answer(&format!("\"{word}\""), "\"x\""), at()).unwrap().unwrap();
            assert_eq!(trouble, Trouble { indicator, text: "x".into(), as_of: at() });
        }
        for odd in ["\"Major\"", "\"up\"", "\"\"", "null", "2", "[\"major\"]", "{\"major\":null}"] {
            let what = refused(&answer(odd, "\"x\""));
            assert!(what.starts_with("`status.indicator` is not"), "{odd}: {what}");
        }
        for odd in ["{}", "{\"status\":null}", "{\"status\":\"major\"}", "[]", "null", "", "<html>"]
        {
            refused(odd.as_bytes());
        }
        refused(br#"{"status":{"description":"All Systems Operational"}}"#);
    }

    #[test]
    fn an_odd_description_is_none() {
        for odd in ["null", "7", "{}", "\"\"", "\" \\n\"", "\"\\u200b\\u0000\""] {
            assert_eq!(read(&answer("\"minor\"", odd), at()).unwrap().unwrap().text, "", "{odd}");
        }
        let without = br#"{"status":{"indicator":"minor"}}"#;
        assert_eq!(read(without, at()).unwrap().unwrap().text, "");
    }

    #[test]
    fn foreign_words_are_one_short_line() {
        assert_eq!(plain(" Major \u{1b}[31m\r\n\tOutage\u{202e}\u{2066} "), "Major [31m Outage");
        assert_eq!(plain(&"é".repeat(80)), "é".repeat(80));
        assert_eq!(plain(&"é".repeat(81)), "é".repeat(79) + "…");
    }

    #[tokio::test]
    async fn a_page_is_asked_below_its_address_and_an_error_is_one() {
        use crate::sources::providers::fake::Exchange;

        let asked = |exchange| async {
            // The server wants to see the header; that no key is sent is its lack of one.
            let fake =
                Fake::serve_with(("accept", "application/json".into()), vec![exchange]).await;
            let said = ask(&client(), &format!("{}status", fake.url), at()).await;
            fake.finish();
            said
        };
        let path = "/status/api/v2/status.json";
        let major = asked(Exchange::ok(path, answer("\"major\"", "\"x\""))).await;
        assert_eq!(major.unwrap().unwrap().indicator, Indicator::Major);
        let gone = asked(Exchange::ok(path, answer("\"major\"", "\"x\"")).status(404)).await;
        assert!(matches!(gone, Err(SourceError::NotOffered { .. })), "{gone:?}");
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(body: Vec<u8>) {
            let _ = read(&body, at());
        }

        #[test]
        fn no_text_is_long_or_holds_a_control(text in "(?s).{0,300}") {
            let shown = plain(&text);
            prop_assert!(shown.chars().count() <= LONGEST_TEXT && !shown.contains(char::is_control));
        }
    }
}
