//! What a provider may answer, and what comes of it.

use std::io::Write as _;

use super::scene::bill;
use crate::provider::{Answer, Fault, Request, Script};

/// How a case ends.
pub enum End {
    /// The row fails with this sentence, and the last good bill stays.
    Says(&'static str),
    /// It is read, and this is the bill.
    Bills(&'static str),
}

use End::{Bills, Says};

/// What goes wrong, and for each reader how often it asks and how it ends.
pub type Case = (&'static str, Fault, (usize, End), (usize, End));

pub fn json(text: &str) -> Fault {
    Fault::Answer(Answer::ok(text))
}

fn script(script: fn(&Request) -> Answer) -> Fault {
    Fault::Script(Script::new(script))
}

/// Megabytes of a bill's rows, well formed to the last byte.
pub fn long(megabytes: usize) -> Fault {
    let row = r#"{"start_time":1793577600,"end_time":1793664000,"results":[{"amount":{"value":0.01,"currency":"usd"},"project_id":"proj_0123456789"}]}"#;
    let rows = vec![row; megabytes * 1024 * 1024 / row.len()].join(",");
    json(&format!(r#"{{"data":[{rows}],"has_more":false,"next_page":null}}"#))
}

/// Pages without end, each of so many megabytes.
pub fn large_pages(mebibytes: usize) -> Fault {
    let script = move |request: &Request| {
        let cursor = request.query.get("page").or(request.query.get("cursor"));
        let number = cursor.map_or(1, |cursor| cursor.parse::<u32>().expect("ours") + 1);
        let mut page = bill(request, "1", Some(&number.to_string()));
        page.body.resize(page.body.len() + mebibytes * 1024 * 1024, b' ');
        page
    };
    Fault::Script(Script::new(script))
}

/// Blanks that a few kilobytes of gzip unpack to.
pub fn bomb(mebibytes: usize) -> Fault {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    let blanks = vec![b' '; 1024 * 1024];
    (0..mebibytes).for_each(|_| packer.write_all(&blanks).expect("packed"));
    let packed = packer.finish().expect("packed");
    assert!(packed.len() < mebibytes * 2048, "{} bytes", packed.len());
    Fault::Answer(Answer::ok(packed).header("content-encoding", "gzip"))
}

pub fn later(seconds_of_date: &str, until: &str) -> Fault {
    let day = |time: &str| format!("Tue, 03 Nov 2026 {time} GMT");
    let answer = Answer::error(429, "{}").header("date", day(seconds_of_date));
    Fault::Answer(answer.header("retry-after", day(until)))
}

pub fn cases() -> Vec<Case> {
    let page = "<!doctype html><title>Sign in</title><p>Please sign in.</p>";
    let html = Answer::ok(page).header("x-served-by", "a captive portal");
    let again = "was asked too often (429). Trying again in 2 min.";
    vec![
        (
            "half an answer",
            Fault::HalfAnAnswer,
            (1, Says("does not know: it breaks off in the middle.")),
            (1, Says("does not know: it breaks off in the middle.")),
        ),
        (
            "a connection that ends in the middle",
            Fault::CutOff,
            (1, Says("does not know: it breaks off in the middle.")),
            (1, Says("does not know: it breaks off in the middle.")),
        ),
        (
            "a web page",
            Fault::Answer(html),
            (1, Says("does not know: it is not JSON.")),
            (1, Says("does not know: it is not JSON.")),
        ),
        (
            "a hang-up",
            Fault::Hangup,
            (2, Says("gave no answer: the connection was closed before an answer came.")),
            (2, Says("gave no answer: the connection was closed before an answer came.")),
        ),
        (
            "the same cursor again",
            script(|request| bill(request, "1", Some("again"))),
            (2, Says("does not know: `next_page` leads in a circle.")),
            (2, Says("does not know: its pages lead in a circle.")),
        ),
        (
            "pages without end",
            large_pages(0),
            (100, Says("does not know: it has more than 100 pages.")),
            (100, Says("does not know: it has more than 100 pages.")),
        ),
        (
            "NaN",
            script(|request| bill(request, "NaN", None)),
            (1, Says("does not know: it is not JSON.")),
            (1, Says("does not know: it is not JSON.")),
        ),
        (
            "NaN as a text",
            script(|request| bill(request, "\"NaN\"", None)),
            (1, Says("is not a number or a decimal text.")),
            (1, Says("is not a number or a decimal text.")),
        ),
        (
            "a number without end",
            script(|request| bill(request, "1e999999999", None)),
            (1, Says("is not a number or a decimal text.")),
            (1, Says("is not a number or a decimal text.")),
        ),
        (
            "another shape",
            json(r#"[[[{"cost":"1.00"}]]]"#),
            (1, Says("does not know: ")),
            (1, Says("does not know: ")),
        ),
        (
            "nesting without end",
            Fault::Answer(Answer::ok("[".repeat(1024 * 1024))),
            (1, Says("does not know: ")),
            (1, Says("does not know: ")),
        ),
        ("a limit with a date", later("12:00:00", "12:02:00"), (1, Says(again)), (1, Says(again))),
        (
            "a limit with a date, by a clock that is ten minutes ahead",
            later("12:30:00", "12:32:00"),
            (1, Says(again)),
            (1, Says(again)),
        ),
        (
            "a limit with a date, by a clock that is ten minutes behind",
            later("11:50:00", "11:52:00"),
            (1, Says(again)),
            (1, Says(again)),
        ),
        (
            "a limit for ever",
            Fault::Answer(Answer::error(429, "").header("retry-after", u64::MAX.to_string())),
            (1, Says("was asked too often (429). Trying again at 12:")),
            (1, Says("was asked too often (429). Trying again at 12:")),
        ),
        (
            "a fault",
            Fault::Status(500),
            (2, Says("has a fault on its side (500). Trying again in ")),
            (2, Says("has a fault on its side (500). Trying again in ")),
        ),
        (
            "numbers as texts",
            script(|request| bill(request, "\"2.25\"", None)),
            (3, Bills("2.25")),
            (1, Bills("2.25")),
        ),
        (
            "less than nothing",
            script(|request| bill(request, "-3.5", None)),
            (3, Bills("-3.5")),
            (1, Bills("-3.5")),
        ),
        (
            "more money than there is",
            script(|request| bill(request, "1000000000000000000", None)),
            (3, Bills("1000000000000000000")),
            (1, Bills("1000000000000000000")),
        ),
    ]
}
