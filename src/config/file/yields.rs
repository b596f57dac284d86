//! `[yield]`: how spend is set against commits.

use serde::Deserialize;
use toml::Spanned;

use super::Check;
use crate::board::yields::WINDOW_HOURS;
use crate::config::YieldSettings;
use crate::sources::forges::Host;
use crate::spend::Forge;

/// The longest time after a request for which a commit is said to be its doing: thirty days.
const MOST_HOURS: i64 = 30 * 24;

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TypedYield {
    window_hours: Option<Spanned<i64>>,
    background: Option<bool>,
    #[serde(default)]
    github: bool,
    github_host: Option<Spanned<String>>,
    #[serde(default)]
    gitlab: bool,
    gitlab_host: Option<Spanned<String>>,
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
        let github = self.host(Forge::GitHub, typed.github, typed.github_host);
        let gitlab = self.host(Forge::GitLab, typed.gitlab, typed.gitlab_host);
        let hosts = github.into_iter().chain(gitlab).collect();
        YieldSettings { window_hours, background, hosts }
    }

    /// The host of a forge, where it may be asked. What is written is checked in any case.
    fn host(
        &mut self,
        forge: Forge,
        is_on: bool,
        written: Option<Spanned<String>>,
    ) -> Option<Host> {
        let Some(written) = written else { return Host::usual(forge).ok().filter(|_| is_on) };
        match Host::at(forge, written.get_ref().trim()) {
            Ok(host) => Some(host).filter(|_| is_on),
            Err(error) => {
                let field = format!("yield.{}_host", forge.word());
                let hint = "write the host's name, such as \"git.example.com\"";
                self.problem(written.span(), field, error.to_string(), hint);
                None
            }
        }
    }
}
