//! Where in an answer a value lies.

use std::fmt;

use serde::Deserialize;
use serde::de::{self, Deserializer, IntoDeserializer, SeqAccess, Visitor};
use serde_json::Value;

use crate::spend::{Currency, Money};

/// A JSON Pointer (RFC 6901) from the row at hand (`/detail/limit`), or from the top of the answer
/// where it is written as a fragment (`#/currency`), or the name under which the row stands in its
/// object (`@key`).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub enum Place {
    /// From the row.
    Row(String),
    /// From the top.
    Top(String),
    /// The row's own name.
    Key,
}

/// A row of an answer.
#[derive(Clone, Copy, Debug)]
pub struct At<'a> {
    /// The whole answer.
    pub top: &'a Value,
    /// The row; without `each` the whole answer.
    pub row: &'a Value,
    /// The row's name, where it stands in an object.
    pub key: Option<&'a str>,
}

impl Place {
    /// Whether a text is meant as a place.
    pub fn is_one(text: &str) -> bool {
        text.is_empty() || text.starts_with(['/', '#']) || text == "@key"
    }

    /// What lies there; null is nothing.
    pub fn find<'a>(&self, at: At<'a>) -> Option<&'a Value> {
        match self {
            Self::Row(pointer) => at.row.pointer(pointer),
            Self::Top(pointer) => at.top.pointer(pointer),
            Self::Key => None,
        }
        .filter(|value| !value.is_null())
    }

    /// What lies there as text: texts, numbers and truth values.
    pub fn text(&self, at: At<'_>) -> Option<String> {
        if *self == Self::Key {
            return at.key.map(str::to_owned);
        }
        match self.find(at)? {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            Value::Bool(truth) => Some(truth.to_string()),
            _ => None,
        }
    }
}

impl TryFrom<String> for Place {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let pointer = text.strip_prefix('#').unwrap_or(&text);
        let escapes_are_right =
            pointer.split('~').skip(1).all(|after| after.starts_with(['0', '1']));
        match (text.as_str(), pointer) {
            ("@key", _) => Ok(Self::Key),
            (_, pointer)
                if escapes_are_right && (pointer.is_empty() || pointer.starts_with('/')) =>
            {
                let pointer = pointer.to_owned();
                Ok(if text.starts_with('#') { Self::Top(pointer) } else { Self::Row(pointer) })
            }
            _ => Err(format!(
                "{text:?} is no place in an answer: write a JSON Pointer such as \"/data/balance\", \
                 or \"#/currency\" from the top of the answer"
            )),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Row(pointer) => f.write_str(pointer),
            Self::Top(pointer) => write!(f, "#{pointer}"),
            Self::Key => f.write_str("@key"),
        }
    }
}

/// One place, or several of which the first that holds something counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Places(pub Vec<Place>);

impl Places {
    /// What lies at the first place that holds something.
    pub fn find<'a>(&self, at: At<'a>) -> Option<&'a Value> {
        self.0.iter().find_map(|place| place.find(at))
    }

    /// The same as text.
    pub fn text(&self, at: At<'_>) -> Option<String> {
        self.0.iter().find_map(|place| place.text(at))
    }
}

impl fmt::Display for Places {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.0.iter().map(Place::to_string).collect();
        f.write_str(&names.join(" or "))
    }
}

impl<'de> Deserialize<'de> for Places {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct OneOrMany;
        impl<'de> Visitor<'de> for OneOrMany {
            type Value = Places;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a place such as \"/data/balance\", or a list of them")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Places, E> {
                Ok(Places(vec![Place::deserialize(text.into_deserializer())?]))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Places, A::Error> {
                let mut places = Vec::new();
                while let Some(place) = list.next_element()? {
                    places.push(place);
                }
                Ok(Places(places))
            }
        }
        from.deserialize_any(OneOrMany)
    }
}

/// Atto-units of a number or a decimal text, digit by digit. `None` for anything else: a truth
/// value, a list, `NaN`, and more than any amount can be.
pub fn number(value: &Value) -> Option<i128> {
    let text = match value {
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.trim().to_owned(),
        _ => return None,
    };
    // The currency plays no part in reading digits.
    Money::parse(&text, Currency::USD).ok().map(|money| money.attos)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn place(text: &str) -> Result<Place, String> {
        Place::try_from(text.to_owned())
    }

    #[test]
    fn places_lead_from_the_row_or_from_the_top() {
        let top = json!({"currency": "EUR", "rows": {"a/b": {"n": 1, "none": null}}});
        let at = At { top: &top, row: &top["rows"]["a/b"], key: Some("a/b") };
        let text = |written: &str| place(written).unwrap().text(at);
        assert_eq!(text("/n").as_deref(), Some("1"));
        assert_eq!(text("#/currency").as_deref(), Some("EUR"));
        assert_eq!(text("#/rows/a~1b/n").as_deref(), Some("1"));
        assert_eq!(text("@key").as_deref(), Some("a/b"));
        assert_eq!((text("/none"), text("/gone"), text("#/rows")), (None, None, None));
        for wrong in ["data", "/a~2", "$.data", "# /a", "@row"] {
            assert!(place(wrong).unwrap_err().contains("JSON Pointer"), "{wrong}");
        }
    }

    #[test]
    fn the_first_place_that_holds_something_counts() {
        let top = json!({"a": null, "b": 2});
        let places: Places = serde_json::from_value(json!(["/a", "/b"])).unwrap();
        assert_eq!(places.text(At { top: &top, row: &top, key: None }).as_deref(), Some("2"));
        assert!(serde_json::from_value::<Places>(json!(3)).is_err());
    }

    #[test]
    fn numbers_are_read_digit_by_digit_or_not_at_all() {
        let attos = |value: Value| number(&value);
        assert_eq!(attos(json!("0.1")), Some(10_i128.pow(17)));
        let exact: Value = serde_json::from_str("0.123456789012345678").unwrap();
        assert_eq!(attos(exact), Some(123_456_789_012_345_678));
        for none in [json!("NaN"), json!(true), json!([1]), json!("1e40"), json!(""), json!("$1")] {
            assert_eq!(attos(none.clone()), None, "{none}");
        }
    }
}
