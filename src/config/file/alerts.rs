//! `[alerts]`, `[[hook]]` and `[[webhook]]`.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use serde::Deserialize;
use toml::{Spanned, Value};

use super::Check;
use crate::budgets::unusual::Warnings;
use crate::config::alerts::{AlertSettings, Hook, SecretUrl, Webhook, WebhookAddress, WebhookBody};
use crate::spend::{Currency, Quiet, Severity};

/// Seconds that a hook may take unless it says otherwise, and at most.
const DEFAULT_TIMEOUT: i64 = 10;
const LONGEST_TIMEOUT: i64 = 300;

/// Money counts in 1e-18, list prices in 1e-12.
const ATTOS_PER_PICO: i128 = 1_000_000;

/// Characters of a name, which is also a name in the keyring.
const LONGEST_NAME: usize = 24;

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TypedAlerts {
    quiet: Option<Spanned<String>>,
    pace: Option<bool>,
    spike: Option<bool>,
    burn: Option<bool>,
    burn_above: Option<Spanned<Value>>,
    burn_minutes: Option<Spanned<i64>>,
    silent_hours: Option<Spanned<i64>>,
    unpriced: Option<bool>,
    quota_percent: Option<Spanned<i64>>,
    balance_days: Option<Spanned<i64>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TypedHook {
    name: Option<Spanned<String>>,
    command: Spanned<Vec<String>>,
    timeout: Option<Spanned<i64>>,
    from: Option<Severity>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TypedWebhook {
    name: Option<Spanned<String>>,
    url: Option<Spanned<String>>,
    url_env: Option<Spanned<String>>,
    body: Option<WebhookBody>,
    from: Option<Severity>,
}

impl Check<'_> {
    /// What is told besides the thresholds of budgets.
    pub(super) fn warnings(&mut self, typed: &TypedAlerts) -> Warnings {
        let usual = Warnings::default();
        let mut number = |written: &Option<Spanned<i64>>, field: &str, most: u32, usual: u32| {
            let Some(written) = written else { return usual };
            let number = u32::try_from(*written.get_ref()).ok().filter(|number| *number <= most);
            number.unwrap_or_else(|| {
                let what = format!("{} is out of range", written.get_ref());
                let hint = format!("write a whole number up to {most}");
                self.problem(written.span(), format!("alerts.{field}"), what, hint);
                usual
            })
        };
        let burn_minutes = number(&typed.burn_minutes, "burn_minutes", 1440, usual.burn_minutes);
        let silent_hours = number(&typed.silent_hours, "silent_hours", 8760, usual.silent_hours);
        let quota_percent = number(&typed.quota_percent, "quota_percent", 100, usual.quota_percent);
        let balance_days = number(&typed.balance_days, "balance_days", 365, usual.balance_days);
        let burn_above = typed.burn_above.as_ref().map(|above| {
            self.amount("alerts.burn_above", above, Currency::USD).attos / ATTOS_PER_PICO
        });
        Warnings {
            pace: typed.pace.unwrap_or(usual.pace),
            spike: typed.spike.unwrap_or(usual.spike),
            burn: typed.burn.unwrap_or(usual.burn),
            burn_above,
            burn_minutes: burn_minutes.max(1),
            silent_hours,
            unpriced: typed.unpriced.unwrap_or(usual.unpriced),
            quota_percent,
            balance_days,
        }
    }

    /// Where alerts go to, and when they keep still.
    pub(super) fn alerts(
        &mut self,
        alerts: TypedAlerts,
        hooks: Vec<TypedHook>,
        webhooks: Vec<TypedWebhook>,
    ) -> AlertSettings {
        let quiet = alerts.quiet.and_then(|written| {
            let quiet = Quiet::parse(written.get_ref());
            if quiet.is_none() {
                let what = format!("{:?} is no span of hours", written.get_ref());
                let hint = "write two different times, such as \"22:00-08:00\"";
                self.problem(written.span(), "alerts.quiet", what, hint);
            }
            quiet
        });
        let given = hooks.iter().map(|hook| hook.name.as_ref()).collect();
        let names = self.channel_names("hook", given);
        let hooks = hooks.into_iter().zip(names);
        let hooks = hooks.filter_map(|(hook, name)| self.hook(hook, name)).collect();
        let given = webhooks.iter().map(|webhook| webhook.name.as_ref()).collect();
        let names = self.channel_names("webhook", given);
        let webhooks = webhooks.into_iter().zip(names);
        let webhooks = webhooks.filter_map(|(it, name)| self.webhook(it, name)).collect();
        AlertSettings { quiet, hooks, webhooks }
    }

    /// The name of each: its own, or the word for what it is with a number where that is taken.
    fn channel_names(&mut self, word: &str, given: Vec<Option<&Spanned<String>>>) -> Vec<String> {
        let own: Vec<_> = given.iter().flatten().map(|name| name.get_ref().clone()).collect();
        let mut taken: BTreeSet<String> = BTreeSet::new();
        let mut names = Vec::new();
        for name in given {
            let name = match name {
                None => {
                    let numbered = (2_u32..).map(|number| format!("{word}-{number}"));
                    let mut free = std::iter::once(word.to_owned()).chain(numbered);
                    free.find(|it| !own.contains(it) && !taken.contains(it)).unwrap_or_default()
                }
                Some(name) => {
                    let is_of_name =
                        |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
                    let text = name.get_ref();
                    let field = format!("{word}.name");
                    if !(1..=LONGEST_NAME).contains(&text.len()) || !text.chars().all(is_of_name) {
                        let what = format!("{text:?} is no name of a {word}");
                        let hint =
                            "write up to 24 small letters, digits and hyphens, such as \"team\"";
                        self.problem(name.span(), field, what, hint);
                    } else if taken.contains(text) {
                        let what = format!("a second {word} is named {text:?}");
                        self.problem(name.span(), field, what, "give each a name of its own");
                    }
                    text.clone()
                }
            };
            taken.insert(name.clone());
            names.push(name);
        }
        names
    }

    fn hook(&mut self, typed: TypedHook, name: String) -> Option<Hook> {
        let span = typed.command.span();
        let mut command = typed.command.into_inner();
        let hint = "write the program and its arguments, such as [\"notify-me\", \"--loud\"]";
        let Some(program) = command.first_mut() else {
            self.problem(span, "hook.command", "the list is empty", hint);
            return None;
        };
        if let Some(rest) = program.strip_prefix("~/") {
            *program = self.home.join(rest).to_string_lossy().into_owned();
        }
        let has_folder = program.contains(['/', '\\']);
        if program.trim().is_empty() || (has_folder && !Path::new(program.as_str()).is_absolute()) {
            let what = format!("{program:?} is neither a whole path nor a program's name");
            let hint = "write the whole path, or a name that is found in PATH";
            self.problem(span, "hook.command", what, hint);
            return None;
        }
        let seconds = typed.timeout.as_ref().map_or(DEFAULT_TIMEOUT, |it| *it.get_ref());
        if let Some(timeout) = &typed.timeout
            && !(1..=LONGEST_TIMEOUT).contains(&seconds)
        {
            let what = format!("{seconds} is out of range");
            let hint = format!("write seconds from 1 to {LONGEST_TIMEOUT}");
            self.problem(timeout.span(), "hook.timeout", what, hint);
        }
        let timeout = Duration::from_secs(seconds.clamp(1, LONGEST_TIMEOUT).unsigned_abs());
        Some(Hook { name, command, timeout, from: typed.from.unwrap_or(Severity::Info) })
    }

    fn webhook(&mut self, typed: TypedWebhook, name: String) -> Option<Webhook> {
        let address = match (typed.url, typed.url_env) {
            (None, None) => WebhookAddress::Keyring,
            (None, Some(variable)) => {
                let text = variable.get_ref();
                if text.is_empty() || text.contains(['=', '\0', ' ', '/']) {
                    let what = "it is no name of an environment variable";
                    let hint = "write a name such as \"SLACK_WEBHOOK\", not the address itself";
                    self.problem(variable.span(), "webhook.url_env", what, hint);
                }
                WebhookAddress::Variable(variable.into_inner())
            }
            (Some(url), None) => match SecretUrl::parse(url.get_ref()) {
                Ok(url) => WebhookAddress::Written(url),
                Err(what) => {
                    let hint = "write an address such as \"https://hooks.slack.com/services/…\"";
                    self.problem(url.span(), "webhook.url", what, hint);
                    return None;
                }
            },
            (Some(_), Some(variable)) => {
                let hint = "take one of them out";
                self.problem(variable.span(), "webhook", "it has both url and url_env", hint);
                return None;
            }
        };
        let (body, from) = (typed.body.unwrap_or_default(), typed.from.unwrap_or(Severity::Info));
        Some(Webhook { name, address, body, from })
    }
}

/// A line of the config as a message may show it: what is in quotes and looks like an address loses
/// everything behind its host, for with webhooks that is a secret.
pub(super) fn without_secrets(line: &str) -> String {
    let mut shown = String::new();
    let mut rest = line;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        shown.push_str(before);
        let host = after.find(['/', '?', '#', '@', '"', '\'', '`', ' ']).unwrap_or(after.len());
        let end = after.find(['"', '\'', '`', ' ']).unwrap_or(after.len());
        // What stands before an @ is a name and a password, and no host.
        let is_host = !after[..end].contains('@');
        shown.push_str(if is_host { &after[..host] } else { "" });
        if end > host || !is_host {
            shown.push('…');
        }
        rest = &after[end..];
    }
    shown + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_lose_what_follows_a_host() {
        for (line, shown) in [
            ("url = \"https://hooks.example/T0/hunter2\" x", "url = \"https://hooks.example…\" x"),
            ("url = \"https://hooks.example?hunter2", "url = \"https://hooks.example…"),
            ("url = 'https://u:hunter2@hooks.example/'", "url = 'https://…'"),
            ("base_url = \"https://a.example\"", "base_url = \"https://a.example\""),
            ("[\"http://a/1\", \"http://b/2\"]", "[\"http://a…\", \"http://b…\"]"),
            ("amount = 2", "amount = 2"),
        ] {
            assert_eq!(without_secrets(line), shown);
        }
    }
}
