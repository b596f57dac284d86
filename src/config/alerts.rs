//! Where alerts go to besides the desktop, and when they keep still.

use std::fmt;
use std::time::Duration;

use serde::Deserialize;
use url::Url;

use crate::sources::providers::address::is_loopback;
use crate::spend::{Quiet, Severity};

/// `[alerts]`, `[[hook]]` and `[[webhook]]`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AlertSettings {
    /// Hours in which only what is critical speaks, in the config's zone.
    pub quiet: Option<Quiet>,
    /// Programs that are run.
    pub hooks: Vec<Hook>,
    /// Addresses that are posted to.
    pub webhooks: Vec<Webhook>,
}

/// A program that is run for each alert, without a shell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hook {
    /// Its name, no other hook's.
    pub name: String,
    /// The program and its arguments; at least the program.
    pub command: Vec<String>,
    /// It is ended after this long.
    pub timeout: Duration,
    /// Less pressing alerts do not go there.
    pub from: Severity,
}

/// An address that each alert is posted to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Webhook {
    /// Its name, no other webhook's.
    pub name: String,
    /// Where its address stands.
    pub address: WebhookAddress,
    /// What is posted.
    pub body: WebhookBody,
    /// Less pressing alerts do not go there.
    pub from: Severity,
}

/// Where the address of a webhook stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WebhookAddress {
    /// In the config.
    Written(SecretUrl),
    /// In the environment variable of this name.
    Variable(String),
    /// In the keyring, under `webhook-<name>`.
    Keyring,
}

/// An address whose path is as good as a password. `Debug` and `Display` show its host alone.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretUrl(Url);

/// What a webhook is posted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WebhookBody {
    /// The alerts as JSON, as a hook gets them.
    #[default]
    Json,
    /// A message of Slack's incoming webhooks.
    Slack,
    /// A message of Discord's webhooks.
    Discord,
}

impl AlertSettings {
    /// Where alerts go to besides the desktop: each channel's id, and how pressing an alert has to
    /// be to go there.
    pub fn channels(&self) -> impl Iterator<Item = (String, Severity)> + '_ {
        let hooks = self.hooks.iter().map(|hook| (hook.channel(), hook.from));
        hooks.chain(self.webhooks.iter().map(|webhook| (webhook.channel(), webhook.from)))
    }
}

impl Hook {
    /// What the ledger calls it.
    pub fn channel(&self) -> String {
        format!("hook:{}", self.name)
    }
}

impl Webhook {
    /// What the ledger calls it.
    pub fn channel(&self) -> String {
        format!("webhook:{}", self.name)
    }

    /// What the keyring calls its address.
    pub fn key(&self) -> String {
        format!("{KEY_PREFIX}{}", self.name)
    }
}

/// What stands before a webhook's name in the keyring.
pub const KEY_PREFIX: &str = "webhook-";

impl SecretUrl {
    /// Reads an address that may be posted to: https, or http on this machine.
    ///
    /// # Errors
    /// What is wrong with it, without its path.
    pub fn parse(text: &str) -> Result<Self, String> {
        let url = Url::parse(text.trim()).map_err(|error| format!("it is no address: {error}"))?;
        let Some(host) = url.host_str() else { return Err("it names no host".into()) };
        match url.scheme() {
            _ if !url.username().is_empty() || url.password().is_some() => {
                Err(format!("it holds a user name or password before {host}"))
            }
            "https" => Ok(Self(url)),
            "http" if is_loopback(&url) => Ok(Self(url)),
            "http" => Err(format!(
                "plain http would send what it is told to {host} for everyone to read; it is for \
                 this machine only"
            )),
            other => Err(format!("{other}: is not https")),
        }
    }

    /// The address itself, to send to and nothing else.
    pub fn expose(&self) -> &Url {
        &self.0
    }

    /// Its host, with the port where that is not the usual one.
    pub fn host(&self) -> String {
        let host = self.0.host_str().unwrap_or_default();
        self.0.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
    }
}

impl fmt::Debug for SecretUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretUrl({})", self.host())
    }
}

impl fmt::Display for SecretUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.host())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_shows_its_host_alone() {
        let url = SecretUrl::parse(" https://hooks.example/services/T0/hunter2 \n").expect("good");
        assert_eq!(format!("{url} {url:?}"), "hooks.example SecretUrl(hooks.example)");
        assert_eq!(url.expose().path(), "/services/T0/hunter2");
        let local = SecretUrl::parse("http://127.0.0.1:8080/hunter2").expect("good");
        assert_eq!(local.host(), "127.0.0.1:8080");
        for bad in [
            "http://hooks.example/hunter2",
            "https://user:hunter2@hooks.example/",
            "ftp://hooks.example/hunter2",
            "/hunter2",
            "hunter2",
            "https:///hunter2 x",
            "",
        ] {
            let error = SecretUrl::parse(bad).expect_err(bad);
            assert!(!error.contains("hunter2") || bad.starts_with("https:///"), "{bad}: {error}");
        }
    }
}
