//! JSON fields as agents really write them: texts that borrow from the line, counts that forgive.

use std::borrow::Cow;
use std::fmt;
use std::ops::Deref;

use chrono::{DateTime, Utc};
use rusqlite::Connection;
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

/// Reads a time that may be written either way: a text of RFC 3339, or a number since 1970.
pub fn moment(value: &RawValue) -> Option<DateTime<Utc>> {
    let text = value.get();
    match text.strip_prefix('"').and_then(|text| text.strip_suffix('"')) {
        Some(text) => time(text),
        // A fraction of a second or millisecond is dropped.
        None => epoch(text.split('.').next()?.parse().ok()?),
    }
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

/// The columns of a table in another program's database; none when it has no such table.
///
/// # Errors
/// The database can't be read.
pub fn columns(database: &Connection, table: &str) -> rusqlite::Result<Vec<String>> {
    let mut statement = database.prepare("SELECT name FROM pragma_table_info(?1)")?;
    statement.query_map([table], |row| row.get(0))?.collect()
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
    fn a_table_that_is_missing_has_no_columns() {
        let database = Connection::open_in_memory().unwrap();
        database.execute_batch("CREATE TABLE \"a b\" (x, \"y z\")").unwrap();
        assert_eq!(columns(&database, "a b").unwrap(), ["x", "y z"]);
        assert!(columns(&database, "x").unwrap().is_empty());
    }

    #[test]
    fn a_time_has_a_zone() {
        assert_eq!(time("2026-03-02T10:00:00.5+01:00"), time("2026-03-02T09:00:00.500Z"));
        assert_eq!(time("2026-03-02 10:00"), None);
        for (text, at) in [
            ("1769753935279", Some("2026-01-30T06:18:55.279Z")),
            ("1769753935.9", Some("2026-01-30T06:18:55Z")),
            ("\"2026-01-30T06:18:55Z\"", Some("2026-01-30T06:18:55Z")),
            ("9223372036854775807", None),
            ("[1]", None),
            ("null", None),
        ] {
            let raw = RawValue::from_string(text.to_owned()).unwrap();
            assert_eq!(moment(&raw), at.and_then(time), "{text}");
        }
    }
}
