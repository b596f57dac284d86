//! Daily reports: pages of buckets, each one UTC day, as OpenAI and Anthropic both write them.

use std::collections::{BTreeSet, HashSet};

use chrono::{DateTime, Days, NaiveDate, NaiveTime, Utc};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, de::DeserializeOwned};

use super::endpoint::Endpoint;
use crate::sources::SourceError;
use crate::spend::{DaySpan, Reading};

const MOST_PAGES: usize = 100;
const DAY_SECONDS: i64 = 86_400;

/// The days a report knows, with the rows of each. A day without rows cost nothing.
#[derive(Debug)]
pub struct Report<R> {
    /// Rows by UTC day, in the order they came.
    pub days: Vec<(NaiveDate, Vec<R>)>,
}

impl<R> Report<R> {
    /// From the first to the last day the report knows; `None` when it knows none.
    pub fn cover(&self) -> Option<DaySpan> {
        let days = || self.days.iter().map(|(day, _)| *day);
        Some(DaySpan { first: days().min()?, last: days().max()? })
    }

    /// Every row.
    pub fn rows(&self) -> impl Iterator<Item = &R> {
        self.days.iter().flat_map(|(_, rows)| rows)
    }

    /// Every row with its day.
    pub fn into_rows(self) -> impl Iterator<Item = (NaiveDate, R)> {
        self.days.into_iter().flat_map(|(day, rows)| rows.into_iter().map(move |row| (day, row)))
    }

    /// Days inside [`Self::cover`] that the report leaves out.
    pub fn holes(&self) -> Vec<NaiveDate> {
        let known: BTreeSet<NaiveDate> = self.days.iter().map(|(day, _)| *day).collect();
        let Some(cover) = self.cover() else { return Vec::new() };
        let all = cover.first.iter_days().take_while(|day| *day <= cover.last);
        all.filter(|day| !known.contains(day)).collect()
    }
}

/// Midnight at the start of a UTC day.
pub fn start_of(day: NaiveDate) -> DateTime<Utc> {
    day.and_time(NaiveTime::MIN).and_utc()
}

/// Midnight at the end of a UTC day.
pub fn end_of(day: NaiveDate) -> DateTime<Utc> {
    start_of(day) + chrono::Duration::seconds(DAY_SECONDS)
}

/// How many days a span has.
pub fn length(span: DaySpan) -> i64 {
    (span.last - span.first).num_days() + 1
}

/// Reads a report over `since` to `today`, both inclusive, in requests of at most `most_days`.
/// `query` says how a span of days is asked for. Buckets outside the span, such as the days to
/// come that some reports list as empty, are left out.
///
/// # Errors
/// Those of [`Endpoint::get`]; [`SourceError::FormatChanged`] for a cursor that is missing or
/// leads in a circle, for more than 100 pages, and for buckets that are not UTC days.
pub async fn read<R: DeserializeOwned>(
    endpoint: &Endpoint<'_>,
    path: &str,
    (since, today): (NaiveDate, NaiveDate),
    most_days: u64,
    query: impl Fn(DaySpan) -> Vec<(&'static str, String)>,
) -> Result<Report<R>, SourceError> {
    let mut report = Report { days: Vec::new() };
    for span in split(since.min(today), today, most_days) {
        for bucket in pages::<R>(endpoint, path, query(span)).await? {
            let day = bucket.day()?;
            if (span.first..=span.last).contains(&day) {
                report.days.push((day, bucket.results));
            }
        }
    }
    Ok(report)
}

/// Says in `reading` which days the cost report `costs` leaves out: nothing known about a day is
/// not the same as a day that cost nothing.
pub fn note_missing<R>(reading: &mut Reading, costs: &Report<R>) {
    if costs.days.is_empty() {
        reading.gaps.push("The cost report holds no days.".into());
    }
    for day in costs.holes() {
        reading.gaps.push(format!("The cost report leaves out {day}."));
    }
}

/// A usage report, or a reading without tokens: the costs beside it are worth keeping.
///
/// # Errors
/// A refused key and a rate limit, which concern the costs as well.
pub fn or_without_tokens<R>(
    reading: &mut Reading,
    usage: Result<Report<R>, SourceError>,
) -> Result<Option<Report<R>>, SourceError> {
    match usage {
        Ok(usage) => Ok(Some(usage)),
        Err(error) if concerns_every_call(&error) => Err(error),
        Err(error) => {
            reading.gaps.push(format!("Tokens per day could not be read: {error}."));
            Ok(None)
        }
    }
}

/// Whether an error of one call says that the others are no use either.
pub fn concerns_every_call(error: &SourceError) -> bool {
    matches!(error, SourceError::KeyRejected { .. } | SourceError::RateLimited { .. })
}

#[derive(Deserialize)]
#[serde(bound = "R: DeserializeOwned")]
struct Page<R> {
    data: Vec<Bucket<R>>,
    has_more: bool,
    next_page: Option<String>,
}

/// OpenAI names the ends `start_time` and `end_time` in Unix seconds, Anthropic `starting_at` and
/// `ending_at` in RFC 3339.
#[derive(Deserialize)]
#[serde(bound = "R: DeserializeOwned")]
struct Bucket<R> {
    #[serde(alias = "starting_at", deserialize_with = "instant")]
    start_time: DateTime<Utc>,
    #[serde(alias = "ending_at", deserialize_with = "instant")]
    end_time: DateTime<Utc>,
    results: Vec<R>,
}

impl<R> Bucket<R> {
    fn day(&self) -> Result<NaiveDate, SourceError> {
        let day = self.start_time.date_naive();
        // A wider bucket would put the cost of many days on one.
        if self.start_time != start_of(day) || self.end_time != end_of(day) {
            return Err(changed("its buckets are not UTC days"));
        }
        Ok(day)
    }
}

/// Follows `next_page` to the end.
async fn pages<R: DeserializeOwned>(
    endpoint: &Endpoint<'_>,
    path: &str,
    mut query: Vec<(&'static str, String)>,
) -> Result<Vec<Bucket<R>>, SourceError> {
    let mut buckets = Vec::new();
    let mut seen = HashSet::new();
    for _ in 0..MOST_PAGES {
        let page: Page<R> = endpoint.get(path, &query).await?;
        buckets.extend(page.data);
        if !page.has_more {
            return Ok(buckets);
        }
        let cursor = page.next_page.filter(|cursor| !cursor.is_empty());
        let cursor =
            cursor.ok_or_else(|| changed("`has_more` is set but `next_page` is missing"))?;
        if !seen.insert(cursor.clone()) {
            return Err(changed("`next_page` leads in a circle"));
        }
        query.retain(|(name, _)| *name != "page");
        query.push(("page", cursor));
    }
    Err(changed("it has more than 100 pages"))
}

/// Cuts a span of days into pieces of at most `most_days`.
fn split(first: NaiveDate, last: NaiveDate, most_days: u64) -> Vec<DaySpan> {
    let mut spans = Vec::new();
    let mut start = Some(first);
    while let Some(first) = start.filter(|start| *start <= last) {
        let end = first.checked_add_days(Days::new(most_days.max(1) - 1)).unwrap_or(last).min(last);
        spans.push(DaySpan { first, last: end });
        start = end.succ_opt();
    }
    spans
}

fn instant<'de, D: Deserializer<'de>>(from: D) -> Result<DateTime<Utc>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        Seconds(serde_json::Number),
        Text(String),
    }
    let read = match Written::deserialize(from) {
        Ok(Written::Seconds(seconds)) => {
            seconds.as_i64().and_then(|seconds| DateTime::from_timestamp(seconds, 0))
        }
        Ok(Written::Text(text)) => text.parse().ok(),
        Err(_) => None,
    };
    read.ok_or_else(|| {
        let found = serde::de::Unexpected::Other("something else");
        D::Error::invalid_value(found, &"a point in time")
    })
}

fn changed(what: &str) -> SourceError {
    SourceError::FormatChanged { what: what.into() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::decode;
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn buckets_are_whole_utc_days() {
        let bucket = |start: &str, end: &str| {
            let body = format!(r#"{{"start_time":{start},"ending_at":{end},"results":[]}}"#);
            decode::answer::<Bucket<u64>>(body.as_bytes()).and_then(|bucket| bucket.day())
        };
        assert_eq!(bucket("1793491200", "1793577600"), Ok(day("2026-11-01")));
        assert_eq!(
            bucket(r#""2026-11-01T01:00:00+01:00""#, r#""2026-11-02T00:00:00Z""#),
            Ok(day("2026-11-01"))
        );
        let what = |start, end| bucket(start, end).unwrap_err().to_string();
        insta::assert_snapshot!(what("1793491200", "1793664000"), @"the answer was not understood: its buckets are not UTC days");
        insta::assert_snapshot!(what("1793494800", "1793581200"), @"the answer was not understood: its buckets are not UTC days");
        insta::assert_snapshot!(what(r#""sk-x""#, "1"), @"the answer was not understood: `start_time` is not a point in time");
        insta::assert_snapshot!(what("1.5", "1"), @"the answer was not understood: `start_time` is not a point in time");
        insta::assert_snapshot!(what("99999999999999999", "1"), @"the answer was not understood: `start_time` is not a point in time");
    }

    #[test]
    fn the_cover_tells_its_holes() {
        let days = ["2026-11-01", "2026-11-04", "2026-11-02"].map(|text| (day(text), vec![()]));
        let report = Report { days: days.into() };
        assert_eq!(
            report.cover(),
            Some(DaySpan { first: day("2026-11-01"), last: day("2026-11-04") })
        );
        assert_eq!(report.holes(), [day("2026-11-03")]);
        assert_eq!(Report::<()> { days: Vec::new() }.cover(), None);
    }

    proptest! {
        #[test]
        fn pieces_follow_each_other_without_gap_or_overlap(length in 0u64..800, most in 1u64..200) {
            let first = day("2026-02-27");
            let last = first + Days::new(length);
            let pieces = split(first, last, most);
            prop_assert_eq!(pieces[0].first, first);
            prop_assert_eq!(pieces[pieces.len() - 1].last, last);
            for piece in &pieces {
                prop_assert!((1..=most as i64).contains(&super::length(*piece)));
            }
            for pair in pieces.windows(2) {
                prop_assert_eq!(pair[0].last.succ_opt(), Some(pair[1].first));
            }
        }
    }
}
