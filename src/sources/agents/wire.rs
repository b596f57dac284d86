//! JSON fields as agents really write them: texts that borrow from the line, counts that forgive.

use std::borrow::Cow;
use std::fmt;
use std::ops::Deref;

use chrono::{DateTime, NaiveDateTime, Utc};
use serde_json::value::RawValue;

use crate::spend::{Currency, Money};

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// A text that borrows from the line unless it holds escapes. `Option<Cow<str>>` would always
/// own: serde borrows through `Option` only for types that do it themselves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Text<'a>(pub Cow<'a, str>);

impl Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Text<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text")
            }

            fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Borrowed(text)))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(Reader)
    }
}

/// A text, or nothing when the field holds something else: records of different types that share
/// a field's name must not make each other unreadable.
///
/// # Errors
/// Only when the JSON itself is broken.
pub fn text_or_nothing<'de: 'a, 'a, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Text<'a>>, D::Error> {
    struct Reader;
    impl<'de> Visitor<'de> for Reader {
        type Value = Option<Text<'de>>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("anything")
        }

        fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
            Ok(Some(Text(Cow::Borrowed(text))))
        }

        fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
            Ok(Some(Text(Cow::Owned(text.to_owned()))))
        }

        fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
            Ok(None)
        }

        fn visit_bool<E: Error>(self, _: bool) -> Result<Self::Value, E> {
            Ok(None)
        }

        fn visit_u64<E: Error>(self, _: u64) -> Result<Self::Value, E> {
            Ok(None)
        }

        fn visit_i64<E: Error>(self, _: i64) -> Result<Self::Value, E> {
            Ok(None)
        }

        fn visit_f64<E: Error>(self, _: f64) -> Result<Self::Value, E> {
            Ok(None)
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
            while items.next_element::<IgnoredAny>()?.is_some() {}
            Ok(None)
        }

        // Numbers come as maps too, as long as their digits are kept exactly.
        fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Self::Value, A::Error> {
            while fields.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            Ok(None)
        }
    }
    deserializer.deserialize_any(Reader)
}

/// A count of tokens. Counters pass 2^31 in real logs, so it is a `u64`; a negative count means
/// "none", and a whole number may come written as a float.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count(pub u64);

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl Visitor<'_> for Reader {
            type Value = Count;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a count")
            }

            fn visit_u64<E: Error>(self, count: u64) -> Result<Count, E> {
                Ok(Count(count))
            }

            fn visit_i64<E: Error>(self, count: i64) -> Result<Count, E> {
                Ok(Count(u64::try_from(count).unwrap_or(0)))
            }

            fn visit_f64<E: Error>(self, count: f64) -> Result<Count, E> {
                // 2^53: above it a float no longer holds every whole number.
                if count.fract() == 0.0 && count < 9_007_199_254_740_992.0 {
                    Ok(Count(count.max(0.0) as u64))
                } else {
                    Err(E::custom("not a whole count"))
                }
            }
        }
        deserializer.deserialize_u64(Reader)
    }
}

/// The count, zero when absent or null.
pub fn count(value: Option<Count>) -> u64 {
    value.unwrap_or_default().0
}

/// The text, `None` when absent, null or blank.
pub fn filled<'t>(text: &'t Option<Text<'_>>) -> Option<&'t str> {
    text.as_deref().filter(|text| !text.trim().is_empty())
}

/// Reads a timestamp of RFC 3339.
pub fn time(text: &str) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc3339(text).ok().map(|at| at.with_timezone(&Utc))
}

/// Reads a timestamp of RFC 3339, or one as SQLite writes it: `2026-06-01 10:00:00`, in UTC.
pub fn utc_time(text: &str) -> Option<DateTime<Utc>> {
    let plain = || NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f").ok();
    let joined = || NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f").ok();
    time(text).or_else(|| Some(plain().or_else(joined)?.and_utc()))
}

/// Reads a time in milliseconds since 1970, or in seconds where it is too small for that: some
/// agents changed from one to the other.
pub fn epoch(number: i64) -> Option<DateTime<Utc>> {
    // 10^10 s is the year 2286, 10^10 ms the year 1970.
    if number.unsigned_abs() < 10_000_000_000 {
        DateTime::from_timestamp(number, 0)
    } else {
        DateTime::from_timestamp_millis(number)
    }
}

/// Reads a time as agents write it: RFC 3339 text, or a number as [`epoch`] takes it, which may
/// have a fraction.
pub fn instant(value: &RawValue) -> Option<DateTime<Utc>> {
    let text = value.get();
    if text.starts_with('"') {
        return time(text.trim_matches('"'));
    }
    let number: f64 = text.parse().ok()?;
    let micros = if number.abs() < 1e10 { number * 1e6 } else { number * 1e3 };
    DateTime::from_timestamp_micros(micros.round() as i64)
}

/// A cost in dollars that the log states, as number or text; `None` when it is zero, which says
/// nothing.
///
/// # Errors
/// It is no amount. The text names `field`.
pub fn stated_cost(cost: &RawValue, field: &str) -> Result<Option<Money>, String> {
    let text = cost.get().trim_matches('"');
    if text == "null" {
        return Ok(None);
    }
    match Money::parse(text, Currency::USD) {
        Ok(cost) if cost.attos == 0 => Ok(None),
        Ok(cost) => Ok(Some(cost)),
        Err(error) => Err(format!("{field}: {error}")),
    }
}

/// A text with its percent signs undone, as paths stand in names and addresses.
pub fn percent_decoded(name: &str) -> String {
    let mut bytes = Vec::with_capacity(name.len());
    let mut rest = name.as_bytes();
    while let [byte, after @ ..] = rest {
        let code = match (byte, after) {
            (b'%', [high, low, ..]) => {
                let digit = |byte: &u8| char::from(*byte).to_digit(16);
                digit(high).zip(digit(low)).map(|(high, low)| (high * 16 + low) as u8)
            }
            _ => None,
        };
        bytes.push(code.unwrap_or(*byte));
        rest = if code.is_some() { &after[2..] } else { after };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The JSON reader's sentence without its position, which is within the line and means nothing
/// to people.
pub fn cause(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.split(" at line ").next().unwrap_or_default().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(serde::Deserialize)]
    struct Row<'a> {
        #[serde(borrow)]
        text: Option<Text<'a>>,
        count: Option<Count>,
    }

    #[test]
    fn texts_borrow_and_counts_forgive() {
        let row: Row = serde_json::from_str(r#"{"text":"plain","count":3000000000}"#).unwrap();
        assert!(matches!(row.text, Some(Text(Cow::Borrowed("plain")))));
        assert_eq!(count(row.count), 3_000_000_000);
        let row: Row = serde_json::from_str(r#"{"text":"a\"b","count":-4}"#).unwrap();
        assert_eq!(row.text.as_deref(), Some("a\"b"));
        assert_eq!(count(row.count), 0);
        let row: Row = serde_json::from_str(r#"{"text":null,"count":12.0}"#).unwrap();
        assert_eq!((filled(&row.text), count(row.count)), (None, 12));
        assert!(serde_json::from_str::<Row>(r#"{"count":1.5}"#).is_err());
        assert!(serde_json::from_str::<Row>(r#"{"count":"12"}"#).is_err());
    }

    #[test]
    fn a_time_has_a_zone() {
        assert_eq!(time("2026-03-02T10:00:00.5+01:00"), time("2026-03-02T09:00:00.500Z"));
        assert_eq!(time("2026-03-02 10:00"), None);
        for text in
            ["2026-03-02 09:00:00.5", "2026-03-02T09:00:00.5", "2026-03-02T10:00:00.5+01:00"]
        {
            assert_eq!(utc_time(text), time("2026-03-02T09:00:00.500Z"), "{text}");
        }
    }

    #[test]
    fn an_instant_is_text_seconds_or_milliseconds() {
        let read = |text: &str| instant(serde_json::from_str(text).unwrap());
        let expected = time("2026-07-03T09:00:01.5Z");
        for text in ["\"2026-07-03T09:00:01.5Z\"", "1783069201.5", "1783069201500"] {
            assert_eq!(read(text), expected, "{text}");
        }
        for text in ["null", "\"soon\"", "{}", "1e300", "-1e300"] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn percent_signs_are_undone_and_odd_names_kept() {
        assert_eq!(percent_decoded("%2Fhome%2Fada%2Fa%20b%C3%BC"), "/home/ada/a bü");
        assert_eq!(percent_decoded("100%+%2"), "100%+%2");
        assert_eq!(percent_decoded("%zz%"), "%zz%");
    }
}
