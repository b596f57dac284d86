//! Texts with holes: `/v1/teams/{team}/usage`, `{first:unix_ms}`. A brace that is one is written
//! twice: `{{"0":null}}`.

use std::collections::BTreeMap;
use std::fmt;

use chrono::{DateTime, Datelike, NaiveDate, Utc};
use serde::Deserialize;
use serde_json::Value;

use crate::sources::providers::reports::{end_of, start_of};

/// A text with holes.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Template(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Hole { name: String, format: Format },
}

/// How a moment is written into a hole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Date,
    DateTime,
    Rfc3339,
    Unix,
    UnixMs,
    Year,
    Month,
    Day,
    YearMonth,
}

const FORMATS: [(&str, Format); 9] = [
    ("date", Format::Date),
    ("datetime", Format::DateTime),
    ("rfc3339", Format::Rfc3339),
    ("unix", Format::Unix),
    ("unix_ms", Format::UnixMs),
    ("year", Format::Year),
    ("month", Format::Month),
    ("day", Format::Day),
    ("year_month", Format::YearMonth),
];

/// The moments that every call knows.
const MOMENTS: [&str; 5] = ["first", "last", "today", "end", "now"];
/// Those that a call per day knows too.
const DAY_MOMENTS: [&str; 2] = ["day", "next_day"];

/// What fills the holes.
#[derive(Clone, Debug)]
pub struct Fill {
    /// First UTC day that is asked about.
    pub first: NaiveDate,
    /// Last UTC day that is asked about: today, or the last one that is over.
    pub last: NaiveDate,
    /// The time of the look.
    pub now: DateTime<Utc>,
    /// The day of a call per day.
    pub day: Option<NaiveDate>,
    /// Settings, and values of earlier calls.
    pub values: BTreeMap<String, String>,
}

impl Fill {
    fn moment(&self, name: &str) -> Option<DateTime<Utc>> {
        Some(match name {
            "first" => start_of(self.first),
            "last" => start_of(self.last),
            "today" => start_of(self.now.date_naive()),
            "end" => end_of(self.last),
            "now" => self.now,
            "day" => start_of(self.day?),
            "next_day" => end_of(self.day?),
            _ => return None,
        })
    }
}

impl Template {
    /// The names of its holes, without those of moments.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|part| match part {
            Part::Hole { name, .. }
                if !MOMENTS.contains(&&**name) && !DAY_MOMENTS.contains(&&**name) =>
            {
                Some(&**name)
            }
            _ => None,
        })
    }

    /// Whether it has a hole that only a call per day can fill.
    pub fn needs_day(&self) -> bool {
        self.0
            .iter()
            .any(|part| matches!(part, Part::Hole { name, .. } if DAY_MOMENTS.contains(&&**name)))
    }

    /// The text with its holes filled. Holes were checked when the description was loaded; one
    /// that nothing fills stays empty.
    pub fn fill(&self, with: &Fill) -> String {
        self.0
            .iter()
            .map(|part| match part {
                Part::Text(text) => text.clone(),
                Part::Hole { name, format } => match with.moment(name) {
                    Some(moment) => format.write(moment),
                    None => with.values.get(name).cloned().unwrap_or_default(),
                },
            })
            .collect()
    }

    /// The same for a JSON body: a lone hole of a count becomes a number.
    fn fill_json(&self, with: &Fill) -> Value {
        let text = self.fill(with);
        match self.0.as_slice() {
            [Part::Hole { format, .. }] if format.is_count() => {
                text.parse::<i64>().map_or(Value::String(text), Value::from)
            }
            _ => Value::String(text),
        }
    }
}

impl Format {
    fn write(self, moment: DateTime<Utc>) -> String {
        match self {
            Self::Date => moment.format("%Y-%m-%d").to_string(),
            Self::DateTime => moment.format("%Y-%m-%d %H:%M:%S").to_string(),
            Self::Rfc3339 => moment.format("%Y-%m-%dT%H:%M:%SZ").to_string(),
            Self::Unix => moment.timestamp().to_string(),
            Self::UnixMs => moment.timestamp_millis().to_string(),
            Self::Year => moment.year().to_string(),
            Self::Month => moment.month().to_string(),
            Self::Day => moment.day().to_string(),
            Self::YearMonth => moment.format("%Y-%m").to_string(),
        }
    }

    fn is_count(self) -> bool {
        matches!(self, Self::Unix | Self::UnixMs | Self::Year | Self::Month | Self::Day)
    }
}

impl TryFrom<String> for Template {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut rest = text.as_str();
        while let Some(at) = rest.find(['{', '}']) {
            let (before, from) = rest.split_at(at);
            if let Some(further) = from.strip_prefix("{{").or(from.strip_prefix("}}")) {
                parts.push(Part::Text(before.to_owned() + &from[..1]));
                rest = further;
                continue;
            }
            let hole = from.strip_prefix('{').and_then(|after| after.split_once('}'));
            let Some((hole, further)) = hole else {
                if from.starts_with('}') {
                    return Err(format!("{text:?} closes a hole with }} that no {{ opens"));
                }
                return Err(format!("{text:?} opens a hole with {{ that no }} closes"));
            };
            let (name, format) = hole.split_once(':').unwrap_or((hole, "date"));
            let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
            if name.is_empty() || !name.chars().all(is_name) {
                return Err(format!("{{{hole}}} is no hole: write {{name}} or {{name:format}}"));
            }
            let known = FORMATS.iter().find(|(word, _)| *word == format);
            let Some((_, format)) = known else {
                let words: Vec<_> = FORMATS.iter().map(|(word, _)| *word).collect();
                return Err(format!(
                    "{format:?} is no format of a date: write one of {}",
                    words.join(", ")
                ));
            };
            parts.push(Part::Text(before.to_owned()));
            parts.push(Part::Hole { name: name.to_owned(), format: *format });
            rest = further;
        }
        parts.push(Part::Text(rest.to_owned()));
        parts.retain(|part| !matches!(part, Part::Text(text) if text.is_empty()));
        Ok(Self(parts))
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|part| match part {
            Part::Text(text) => f.write_str(text),
            Part::Hole { name, .. } => write!(f, "{{{name}}}"),
        })
    }
}

/// A JSON body whose texts are templates.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "toml::Value")]
pub enum Body {
    /// A text.
    Text(Template),
    /// Anything that has no holes.
    Plain(Value),
    /// A list.
    List(Vec<Body>),
    /// An object.
    Object(BTreeMap<String, Body>),
}

impl Body {
    /// The body with its holes filled.
    pub fn fill(&self, with: &Fill) -> Value {
        match self {
            Self::Text(template) => template.fill_json(with),
            Self::Plain(value) => value.clone(),
            Self::List(list) => list.iter().map(|body| body.fill(with)).collect(),
            Self::Object(object) => object
                .iter()
                .map(|(name, body)| (name.clone(), body.fill(with)))
                .collect::<serde_json::Map<_, _>>()
                .into(),
        }
    }

    /// Every template in it.
    pub fn templates(&self) -> Vec<&Template> {
        match self {
            Self::Text(template) => vec![template],
            Self::Plain(_) => Vec::new(),
            Self::List(list) => list.iter().flat_map(Self::templates).collect(),
            Self::Object(object) => object.values().flat_map(Self::templates).collect(),
        }
    }
}

impl TryFrom<toml::Value> for Body {
    type Error = String;

    fn try_from(value: toml::Value) -> Result<Self, String> {
        Ok(match value {
            toml::Value::String(text) => Self::Text(Template::try_from(text)?),
            toml::Value::Integer(number) => Self::Plain(number.into()),
            toml::Value::Boolean(truth) => Self::Plain(truth.into()),
            toml::Value::Array(list) => {
                Self::List(list.into_iter().map(Self::try_from).collect::<Result<_, _>>()?)
            }
            toml::Value::Table(table) => Self::Object(
                table
                    .into_iter()
                    .map(|(name, value)| Ok((name, Self::try_from(value)?)))
                    .collect::<Result<_, String>>()?,
            ),
            toml::Value::Float(_) | toml::Value::Datetime(_) => {
                return Err("a body holds texts, whole numbers, true and false".into());
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill() -> Fill {
        Fill {
            first: "2026-11-01".parse().unwrap(),
            last: "2026-11-03".parse().unwrap(),
            now: "2026-11-03T12:30:00Z".parse().unwrap(),
            day: Some("2026-11-02".parse().unwrap()),
            values: BTreeMap::from([("team".to_owned(), "t-1".to_owned())]),
        }
    }

    #[test]
    fn holes_are_filled() {
        let filled = |text: &str| Template::try_from(text.to_owned()).unwrap().fill(&fill());
        assert_eq!(filled("/v1/teams/{team}/usage"), "/v1/teams/t-1/usage");
        assert_eq!(
            filled("{first}..{today}..{end:rfc3339}"),
            "2026-11-01..2026-11-03..2026-11-04T00:00:00Z"
        );
        assert_eq!(filled("{day:year}-{day:month}-{day:day} {next_day}"), "2026-11-2 2026-11-03");
        assert_eq!(filled("{first:unix} {first:unix_ms}"), "1793491200 1793491200000");
        assert_eq!(filled("{now:datetime}"), "2026-11-03 12:30:00");
    }

    #[test]
    fn a_brace_is_written_twice() {
        let filled = |text: &str| Template::try_from(text.to_owned()).unwrap().fill(&fill());
        assert_eq!(filled(r#"{{"0":{{"json":null}}}}"#), r#"{"0":{"json":null}}"#);
        assert_eq!(filled("{{{team}}}"), "{t-1}");
    }

    #[test]
    fn a_wrong_hole_says_what_to_write() {
        let wrong = |text: &str| Template::try_from(text.to_owned()).unwrap_err();
        assert!(wrong("{first:iso}").contains("write one of date, datetime, rfc3339"));
        assert!(wrong("{}").contains("write {name}"));
        assert!(wrong("/a/{team").contains("no } closes"));
        assert!(wrong("/a/team}").contains("no { opens"));
    }

    #[test]
    fn counts_in_a_body_are_numbers() {
        let body: Body = toml::toml! { page = 1
        from = "{first:unix_ms}"
        list = ["{team}", true] }
        .try_into()
        .unwrap();
        let expected =
            serde_json::json!({"page": 1, "from": 1_793_491_200_000_i64, "list": ["t-1", true]});
        assert_eq!(body.fill(&fill()), expected);
    }
}
