//! What amounts, ages and errors read as.

use super::*;

fn usd(text: &str) -> Money {
    Money::parse(text, Currency::USD).expect(text)
}

#[test]
fn amounts_read_as_the_style_says() {
    for (value, icon, menu, table) in [
        ("0", "$0", "$0.00", "0.00"),
        ("0.4213", "42¢", "$0.42", "0.42"),
        ("0.996", "$1", "$1.00", "1.00"),
        ("12.4", "$12", "$12.40", "12.40"),
        ("214.37", "$214", "$214.37", "214.37"),
        ("999.6", "1.0k", "$999.60", "999.60"),
        ("1912.80", "1.9k", "$1,912.80", "1,912.80"),
        ("9960", "10k", "$9,960.00", "9,960.00"),
        ("19985.84", "20k", "$19,985.84", "19,985.84"),
        ("999960", "1.0M", "$999,960.00", "999,960.00"),
        ("1305088.81", "1.3M", "$1.31 M", "1,305,088.81"),
        ("-0.5", "-50¢", "-$0.50", "-0.50"),
    ] {
        let money = usd(value);
        assert_eq!(icon_amount(Some(money)), icon, "icon {value}");
        assert_eq!(amount(&money), menu, "menu {value}");
        assert_eq!(table_amount(&money), table, "table {value}");
    }
    assert_eq!(icon_amount(None), "–");
    assert_eq!(amount_short(&usd("402")), "$402");
}

#[test]
fn tokens_read_as_the_style_says() {
    for (count, text) in [
        (0, "0"),
        (412, "412"),
        (999, "999"),
        (18_240, "18.2 k"),
        (4_100_000, "4.1 M"),
        (99_960, "100 k"),
        (999_999, "1.0 M"),
        (603_000_000_000, "603 B"),
        (u64::MAX, "18446744 T"),
    ] {
        assert_eq!(tokens(count), text);
    }
}

#[test]
fn a_source_that_is_left_alone_says_since_when() {
    let held = |seconds| held_back(Duration::from_secs(seconds), 5);
    assert_eq!(held(42), "asked 42 s ago; at most once in 5 min");
    assert_eq!(held(150), "asked 2 min ago; at most once in 5 min");
}

#[test]
fn ages_read_as_the_style_says() {
    let now: DateTime<Utc> = "2026-11-24T15:00:00Z".parse().expect("time");
    let zone = Zone::named("Europe/Berlin");
    for (at, text) in [
        ("2026-11-24T14:59:30Z", "just now"),
        ("2026-11-24T15:00:10Z", "just now"),
        ("2026-11-24T14:56:10Z", "3 min ago"),
        ("2026-11-24T13:05:00Z", "at 14:05"),
        ("2026-11-23T17:20:00Z", "yesterday 18:20"),
        ("2026-11-20T17:20:00Z", "on 20 Nov 18:20"),
        ("2025-11-20T17:20:00Z", "on 20 Nov 2025 18:20"),
    ] {
        assert_eq!(age(now, at.parse().expect("time"), zone), text);
    }
}

#[test]
fn shares_round_down() {
    assert_eq!(percent(999), "99 %");
    assert_eq!(percent(1000), "100 %");
    assert_eq!(bar(430), "▰▰▰▰▱▱▱▱▱▱");
    assert_eq!(bar(2_000), "▰▰▰▰▰▰▰▰▰▰");
    assert_eq!(bar(-5), "▱▱▱▱▱▱▱▱▱▱");
}

#[test]
fn an_incident_is_told_as_loudly_as_it_is() {
    let say = |indicator, text: &str| {
        let as_of = "2026-11-24T13:05:00Z".parse().expect("time");
        let it = Incident { by: "OpenAI", indicator, text: text.into(), as_of };
        (incident_short(&it), incident(&it, Zone::named("Europe/Berlin")))
    };
    let (short, long) = say(Indicator::Critical, "Major System Outage");
    assert_eq!(short, "status: major outage");
    assert_eq!(
        long,
        "OpenAI reports “Major System Outage” on its status page (as of 14:05): \
         figures may be late."
    );
    let (short, long) = say(Indicator::Major, "");
    assert_eq!(short, "status: outage");
    assert_eq!(
        long,
        "OpenAI reports an outage on its status page (as of 14:05): figures may be late."
    );
    let (short, long) = say(Indicator::Minor, "Partially Degraded Service");
    assert_eq!(short, "degraded");
    assert_eq!(long, "OpenAI's status page mentions “Partially Degraded Service” (as of 14:05).");
    let (short, long) = say(Indicator::Maintenance, "");
    assert_eq!(short, "maintenance");
    assert_eq!(long, "OpenAI's status page mentions maintenance (as of 14:05).");
}

#[test]
fn a_failure_says_what_and_what_to_do() {
    let info = crate::sources::find("openai-admin").expect("known").info();
    let now: DateTime<Utc> = "2026-11-24T15:00:00Z".parse().expect("time");
    let say = |error: SourceError, seconds: Option<i64>| {
        let retry = seconds.map(|seconds| now + chrono::Duration::seconds(seconds));
        failure(info, &error, retry, now, Zone::UTC)
    };
    assert_eq!(
        say(SourceError::KeyRejected { status: 401 }, None),
        "OpenAI refused the key (401). It needs an admin key (sk-admin-…). \
         Set one: `spendbar key set openai-admin`."
    );
    assert_eq!(
        say(SourceError::KeyUnavailable { what: "it is locked".into() }, Some(60)),
        "OpenAI: the keyring did not give the key: it is locked. \
         Unlock or restart it, or set OPENAI_ADMIN_KEY. Trying again in 60 s."
    );
    assert_eq!(
        say(SourceError::RateLimited { retry_after: None }, Some(420)),
        "OpenAI was asked too often (429). Trying again in 7 min."
    );
    assert_eq!(
        say(SourceError::Unreachable { what: "timed out after 20 s".into() }, Some(30)),
        "OpenAI gave no answer: timed out after 20 s. Trying again in 30 s."
    );
}
