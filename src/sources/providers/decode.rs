//! JSON answers -> values: amounts exactly as written, and an error that names the field.
//!
//! An answer's own text never gets into an error: a gateway may well echo the key it was given.

use serde::de::{DeserializeOwned, Unexpected};
use serde::{Deserialize, Deserializer};
use serde_json::error::Category;
use serde_json::value::RawValue;

use crate::sources::SourceError;
use crate::spend::{Currency, Money, MoneyError};

const AN_AMOUNT: &str = "a number or a decimal text";

/// Reads one answer.
///
/// # Errors
/// [`SourceError::FormatChanged`] with the path of the field that is not as expected.
pub fn answer<T: DeserializeOwned>(body: &[u8]) -> Result<T, SourceError> {
    let changed = |what: String| SourceError::FormatChanged { what };
    let mut reader = serde_json::Deserializer::from_slice(body);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        changed(match error.inner().classify() {
            Category::Eof if body.iter().all(u8::is_ascii_whitespace) => "it is empty".into(),
            Category::Eof => "it breaks off in the middle".into(),
            Category::Syntax | Category::Io => "it is not JSON".into(),
            Category::Data => shape(&error.path().to_string(), &error.inner().to_string()),
        })
    })?;
    reader.end().map_err(|_| changed("it goes on after its end".into()))?;
    Ok(value)
}

/// Atto-units of a number or decimal text in whole units. For `deserialize_with`.
pub fn units<'de, D: Deserializer<'de>>(from: D) -> Result<i128, D::Error> {
    amount(from, Money::parse)?.ok_or_else(|| not_an_amount("null"))
}

/// Like [`units`], with null for nothing. The field itself has to be there.
pub fn units_or_null<'de, D: Deserializer<'de>>(from: D) -> Result<Option<i128>, D::Error> {
    amount(from, Money::parse)
}

/// Atto-units of a number or decimal text in hundredths of the unit.
pub fn cents<'de, D: Deserializer<'de>>(from: D) -> Result<i128, D::Error> {
    amount(from, Money::parse_cents)?.ok_or_else(|| not_an_amount("null"))
}

/// Millionths of a share that is given in percent (`12.5` is 125 000), rounded down.
pub fn percent<'de, D: Deserializer<'de>>(from: D) -> Result<i64, D::Error> {
    percent_or_null(from)?.ok_or_else(|| not_an_amount("null"))
}

/// Like [`percent`], with null for nothing. The field itself has to be there.
pub fn percent_or_null<'de, D: Deserializer<'de>>(from: D) -> Result<Option<i64>, D::Error> {
    // One percent is ten thousand millionths.
    let ppm = |attos: i128| i64::try_from(attos.div_euclid(10_i128.pow(14)));
    units_or_null(from)?.map(ppm).transpose().map_err(|_| not_an_amount("text"))
}

/// A row that may be of a kind that this program does not know: then it is nothing, and the rows
/// beside it are read all the same.
#[derive(Debug)]
pub struct Lossy<T>(pub Option<T>);

impl<'de, T: DeserializeOwned> Deserialize<'de> for Lossy<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(from)?;
        Ok(Self(serde_json::from_str(raw.get()).ok()))
    }
}

/// Like [`cents`], with null for nothing. The field itself has to be there.
pub fn cents_or_null<'de, D: Deserializer<'de>>(from: D) -> Result<Option<i128>, D::Error> {
    amount(from, Money::parse_cents)
}

fn amount<'de, D: Deserializer<'de>>(
    from: D,
    parse: fn(&str, Currency) -> Result<Money, MoneyError>,
) -> Result<Option<i128>, D::Error> {
    let raw = Box::<RawValue>::deserialize(from)?;
    // The digits as they stand in the answer: a detour over binary floats would change them.
    let text = match raw.get().as_bytes().first() {
        Some(b'n') => return Ok(None),
        Some(b'"') => serde_json::from_str(raw.get()).map_err(|_| not_an_amount("text"))?,
        Some(b'-' | b'0'..=b'9') => raw.get().to_owned(),
        _ => return Err(not_an_amount("something else")),
    };
    // The currency plays no part in reading the digits.
    match parse(&text, Currency::USD) {
        Ok(money) => Ok(Some(money.attos)),
        Err(_) => Err(not_an_amount("text")),
    }
}

fn not_an_amount<E: serde::de::Error>(found: &str) -> E {
    E::invalid_value(Unexpected::Other(found), &AN_AMOUNT)
}

/// What is wrong, in words that hold nothing of the answer: of serde's message only the name of
/// a missing field and what was expected are kept, and both come from this program's structs.
fn shape(path: &str, message: &str) -> String {
    let place = if path == "." { "the answer".to_owned() } else { format!("`{path}`") };
    if let Some(rest) = message.strip_prefix("missing field `") {
        let field = rest.split('`').next().unwrap_or_default();
        return format!("{place} has no field `{field}`");
    }
    // Errors of other types' own making ("… is not a currency") hold the answer's text anywhere.
    let typed = message.starts_with("invalid type: ") || message.starts_with("invalid value: ");
    let Some((_, expected)) = message.rsplit_once(", expected ").filter(|_| typed) else {
        return format!("{place} is not what it used to be");
    };
    let expected = expected.split(" at line ").next().unwrap_or_default();
    let plain = match expected {
        "u64" | "u32" | "i64" => "a whole number",
        "a sequence" => "a list",
        other if other.starts_with("struct ") => "an object",
        other => other,
    };
    format!("{place} is not {plain}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    struct Row {
        #[serde(deserialize_with = "units")]
        value: i128,
        #[serde(default)]
        count: u64,
        currency: Option<Currency>,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    struct Rows {
        data: Vec<Row>,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    struct Loose {
        #[serde(deserialize_with = "units_or_null")]
        value: Option<i128>,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    struct InCents {
        #[serde(deserialize_with = "cents")]
        value: i128,
    }

    fn what<T: DeserializeOwned + std::fmt::Debug>(body: &str) -> String {
        match answer::<T>(body.as_bytes()) {
            Err(SourceError::FormatChanged { what }) => what,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn amounts_keep_every_digit() {
        let rows: Rows = answer(
            br#"{"data":[{"value":12.3456789012},{"value":"1e-7"},{"value":-0.5},{"value":1E-7}]}"#,
        )
        .unwrap();
        let attos: Vec<i128> = rows.data.iter().map(|row| row.value).collect();
        // One unit is 10^18 attos.
        assert_eq!(
            attos,
            [
                12_345_678_901_200_000_000,
                100_000_000_000,
                -500_000_000_000_000_000,
                100_000_000_000
            ]
        );
        // 123.45 cents are 1.2345 units.
        let InCents { value } = answer(br#"{"value":"123.45"}"#).unwrap();
        assert_eq!(value, 1_234_500_000_000_000_000);
    }

    #[test]
    fn null_is_nothing_only_where_it_may_be() {
        assert_eq!(answer::<Loose>(br#"{"value":null}"#).unwrap().value, None);
        insta::assert_snapshot!(what::<Loose>("{}"), @"the answer has no field `value`");
        insta::assert_snapshot!(what::<InCents>(r#"{"value":null}"#), @"`value` is not a number or a decimal text");
    }

    #[test]
    fn an_error_names_the_field_and_nothing_of_the_answer() {
        insta::assert_snapshot!(what::<Rows>(r#"{"data":[{"value":1},{"value":"sk-x"}]}"#), @"`data[1].value` is not a number or a decimal text");
        insta::assert_snapshot!(what::<Rows>(r#"{"data":[{"value":""}]}"#), @"`data[0].value` is not a number or a decimal text");
        insta::assert_snapshot!(what::<Rows>(r#"{"data":[{"value":{"sk-x":1}}]}"#), @"`data[0].value` is not a number or a decimal text");
        insta::assert_snapshot!(what::<Rows>(r#"{"data":[{"value":1,"count":"a, expected sk-x"}]}"#), @"`data[0].count` is not a whole number");
        insta::assert_snapshot!(what::<Rows>(r#"{"data":[{"value":1,"count":-1}]}"#), @"`data[0].count` is not a whole number");
        insta::assert_snapshot!(what::<Rows>(r#"{"data":[{"value":1,"currency":"a, expected sk-x"}]}"#), @"`data[0].currency` is not what it used to be");
        insta::assert_snapshot!(what::<Rows>(r#"{"data":{"sk-x":1}}"#), @"`data` is not a list");
        insta::assert_snapshot!(what::<Rows>(r#"{"data":["sk-x"]}"#), @"`data[0]` is not an object");
        insta::assert_snapshot!(what::<Rows>(r#"{"rows":[]}"#), @"the answer has no field `data`");
        insta::assert_snapshot!(what::<Rows>(r#"{"data":[{"value":1"#), @"it breaks off in the middle");
        insta::assert_snapshot!(what::<Rows>("<html>"), @"it is not JSON");
        insta::assert_snapshot!(what::<Rows>(" "), @"it is empty");
        insta::assert_snapshot!(what::<Rows>(r#"{"data":[]} sk-x"#), @"it goes on after its end");
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(body: Vec<u8>) {
            let _ = answer::<Rows>(&body);
        }

        #[test]
        fn no_text_of_the_answer_gets_into_an_error(text in "(, expected sk-secret)?[a-zA-Z0-9,` ]{0,20}") {
            let secret = format!("sk-secret{text}");
            let quoted = serde_json::to_string(&secret).unwrap();
            for body in [
                format!(r#"{{"data":[{{"value":{quoted}}}]}}"#),
                format!(r#"{{"data":[{{"value":1,"count":{quoted}}}]}}"#),
                format!(r#"{{"data":[{{"value":1,"currency":{quoted}}}]}}"#),
                format!(r#"{{"data":{quoted}}}"#),
                format!(r#"{{{quoted}:1}}"#),
                quoted,
            ] {
                let error = answer::<Rows>(body.as_bytes()).unwrap_err();
                prop_assert!(!format!("{error} {error:?}").contains("sk-secret"), "{error}");
            }
        }

        #[test]
        fn numbers_and_texts_read_alike(units in -1_000_000_000i64..1_000_000_000, decimals in 0u64..1_000_000) {
            let text = format!("{units}.{decimals:06}");
            let number: Rows = answer(format!(r#"{{"data":[{{"value":{text}}}]}}"#).as_bytes()).unwrap();
            let quoted: Rows = answer(format!(r#"{{"data":[{{"value":"{text}"}}]}}"#).as_bytes()).unwrap();
            prop_assert_eq!(&number, &quoted);
            prop_assert_eq!(number.data[0].value, Money::parse(&text, Currency::USD).unwrap().attos);
        }
    }
}
