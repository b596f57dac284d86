//! `[yield]`: how spend is set against commits.

use serde::Deserialize;
use toml::Spanned;

use super::Check;
use crate::board::yields::WINDOW_HOURS;
use crate::config::YieldSettings;

/// The longest time after a request for which a commit is said to be its doing: thirty days.
const MOST_HOURS: i64 = 30 * 24;

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TypedYield {
    window_hours: Option<Spanned<i64>>,
    background: Option<bool>,
}

impl Check<'_> {
    pub(super) fn yields(&mut self, typed: TypedYield) -> YieldSettings {
        let window_hours = match typed.window_hours {
            None => WINDOW_HOURS,
            Some(hours) => match u32::try_from(*hours.get_ref()) {
                Ok(count) if (1..=MOST_HOURS).contains(hours.get_ref()) => count,
                _ => {
                    let what = format!("{} is out of range", hours.get_ref());
                    let hint = format!("write whole hours from 1 to {MOST_HOURS}");
                    self.problem(hours.span(), "yield.window_hours", what, hint);
                    WINDOW_HOURS
                }
            },
        };
        let background = typed.background.unwrap_or(YieldSettings::default().background);
        YieldSettings { window_hours, background }
    }
}
