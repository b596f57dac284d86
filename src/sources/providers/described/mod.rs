//! Providers that are data: a description says what to ask and where in the answers the facts lie.
//!
//! The language is [`language`], its example the files in `assets/providers`; [`load`] checks a
//! description, [`ask`] makes its calls, [`facts`] reads the answers. Places in an answer are JSON
//! Pointers ([`place`]), requests are texts with holes ([`template`]).
//!
//! To add a provider: a file in `assets/providers` and its name in [`FILES`], a folder under
//! `tests/fixtures/providers`, a line in the changelog.

pub mod ask;
pub mod facts;
pub mod language;
pub mod load;
pub mod place;
pub mod template;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use ask::{Asking, Saved};
use language::{Description, Send};
use template::Fill;
use url::Url;

use super::endpoint::{Auth, Endpoint, Limits};
use crate::sources::{
    KeySpec, Look, ReadFuture, SettingSpec, Source, SourceError, SourceInfo, SourceKind,
};
use crate::spend::{Currency, Noted, Reading};

/// A file of `assets/providers` with its name.
macro_rules! described {
    ($name:literal) => {
        ($name, include_str!(concat!("../../../../assets/providers/", $name, ".toml")))
    };
}

/// The descriptions that come with the program, in the order they are shown.
pub const FILES: &[(&str, &str)] = &[
    described!("github-copilot"),
    described!("vercel-ai-gateway"),
    described!("fireworks"),
    described!("deepinfra"),
    described!("deepseek"),
    described!("moonshot"),
    described!("kimi-code-plan"),
    described!("zai"),
    described!("minimax"),
    described!("ollama-cloud"),
    described!("poe"),
    described!("siliconflow"),
    described!("novita"),
    described!("stepfun"),
    described!("elevenlabs"),
    described!("opencode-go"),
    described!("cline-plan"),
    described!("kilo-credits"),
    described!("factory"),
    described!("windsurf-team"),
    described!("venice"),
    described!("fal"),
    described!("deepgram"),
    described!("cloudflare-ai-gateway"),
    described!("zenmux"),
    described!("synthetic"),
    described!("aimlapi"),
    described!("crof"),
    described!("aiand"),
    described!("clawrouter"),
    described!("new-api"),
    described!("sub2api"),
    described!("devin"),
];

/// The providers that come with the program as descriptions. Most users have keys of one or two of
/// them: of the others no more than the head is ever read. A test reads every file; one whose head is
/// wrong all the same is left out.
pub fn built_in() -> impl Iterator<Item = &'static dyn Source> {
    FILES.iter().filter_map(|(name, text)| match toml::from_str(head(text)) {
        Ok(head) => Some(Described::with_head(&head, text) as &'static dyn Source),
        Err(error) => {
            log::error!("{name}: {error}");
            None
        }
    })
}

/// What stands before the first request: all that a row in the table of sources needs.
fn head(text: &str) -> &str {
    text.find("\n[[call]]").map_or(text, |end| &text[..end])
}

/// What gives the description when it is first asked for.
type Later = Box<dyn FnOnce() -> Description + std::marker::Send>;

/// A provider that is read along a description.
pub struct Described {
    info: &'static SourceInfo,
    description: LazyLock<Description, Later>,
}

impl Described {
    /// A source out of a checked description. It lives as long as the program: sources are known
    /// by their place in the table.
    pub fn new(description: Description) -> &'static Self {
        let info = Box::leak(Box::new(info(&description)));
        Box::leak(Box::new(Self { info, description: LazyLock::new(Box::new(|| description)) }))
    }

    /// The same out of a file's head; the rest is read when it is asked for.
    fn with_head(head: &Description, text: &'static str) -> &'static Self {
        let whole = || load::load(text).expect("a test reads every description of the program");
        let info = Box::leak(Box::new(info(head)));
        Box::leak(Box::new(Self { info, description: LazyLock::new(Box::new(whole)) }))
    }

    /// What was asked and read along the way, for people who write a description.
    ///
    /// # Errors
    /// As [`Source::read`].
    pub async fn trace(&self, look: &Look<'_>) -> Result<(Reading, Vec<Noted>), SourceError> {
        // Without a key nothing more of it is read.
        if self.info.key.is_some() && look.key.is_none() {
            return Err(SourceError::NeedsKey);
        }
        let description = &*self.description;
        let fill = self.fill(look)?;
        let (base, region) = self.host(&fill.values)?;
        let (endpoint, key) = match &description.key {
            None => (Endpoint::without_key(look, base)?, None),
            Some(key) => {
                let auth = match &key.send {
                    Send::Bearer => Auth::Bearer,
                    Send::BasicUser => Auth::BasicUser,
                    Send::Scheme(word) => Auth::Scheme(word.clone()),
                    Send::Header(name) => Auth::Header(name.clone()),
                    Send::Body(_) => Auth::Elsewhere,
                };
                let key = look.key.ok_or(SourceError::NeedsKey)?;
                (Endpoint::without_key(look, base)?.with_auth(&auth, key)?, Some(key))
            }
        };
        let endpoint =
            description.headers.iter().try_fold(endpoint, |endpoint, (name, value)| {
                endpoint.with_text_header(name, &value.fill(&fill))
            })?;
        let endpoint =
            endpoint.with_limits(Limits { answer: ask::MOST_BYTES, look: ask::MOST_IN_ALL });
        Asking { description, asked: &endpoint, fill, region, key }.run().await
    }

    /// The same with saved answers, one for each request in their order. Nothing is sent.
    ///
    /// # Errors
    /// As [`Source::read`]; [`SourceError::Unreachable`] for a request without an answer.
    pub async fn rehearse(
        &self,
        look: &Look<'_>,
        answers: Vec<Vec<u8>>,
    ) -> Result<(Reading, Vec<Noted>), SourceError> {
        let fill = self.fill(look)?;
        let (_, region) = self.host(&fill.values)?;
        let (description, asked) = (&*self.description, Saved(answers.into_iter()));
        Asking { description, asked, fill, region, key: None }.run().await
    }

    fn fill(&self, look: &Look<'_>) -> Result<Fill, SourceError> {
        let mut values = BTreeMap::new();
        for spec in self.info.settings {
            values.insert(spec.name.to_owned(), look.setting(self.info, spec.name)?);
        }
        let last = look.now.date_naive();
        Ok(Fill { first: look.since.min(last), last, now: look.now, day: None, values })
    }

    /// The address and the currency of the region that is set.
    fn host(
        &self,
        values: &BTreeMap<String, String>,
    ) -> Result<(&str, Option<Currency>), SourceError> {
        let Some(set) = values.get("region") else { return Ok((self.info.base_url, None)) };
        let regions = &self.description.region;
        match regions.iter().find(|region| region.name == *set) {
            Some(region) => Ok((region.base_url.get_ref(), region.currency)),
            None => {
                let names: Vec<_> = regions.iter().map(|region| &*region.name).collect();
                let what = format!("its region is none of {}", names.join(", "));
                Err(SourceError::Misconfigured { what })
            }
        }
    }
}

impl Source for Described {
    fn info(&self) -> &'static SourceInfo {
        self.info
    }

    fn reads(&self) -> String {
        let paths = self.description.call.iter().map(|call| call.get_ref().path.to_string());
        paths.collect::<Vec<_>>().join(", ")
    }

    fn read<'a>(&'a self, look: &'a Look<'a>) -> ReadFuture<'a> {
        Box::pin(async move { Ok(self.trace(look).await?.0) })
    }
}

/// The row in the table of sources.
fn info(description: &Description) -> SourceInfo {
    let id = description.id.get_ref();
    let base_url = description.base_url.as_ref().map(|url| url.get_ref().as_str());
    let base_url = base_url.or(description.region.first().map(|it| it.base_url.get_ref().as_str()));
    let mut settings: Vec<SettingSpec> = Vec::new();
    if let Some(first) = description.region.first() {
        let names: Vec<_> = description.region.iter().map(|region| &*region.name).collect();
        settings.push(SettingSpec {
            name: "region",
            variable: "",
            what: leaked(&format!("the region: {}", names.join(" or "))),
            default: Some(leaked(&first.name)),
        });
    }
    settings.extend(description.setting.iter().map(|setting| SettingSpec {
        name: leaked(&setting.name),
        variable: leaked(&setting.variable),
        what: leaked(&setting.what),
        default: setting.default.as_deref().map(leaked),
    }));
    SourceInfo {
        id: leaked(id),
        name: leaked(description.name.as_deref().unwrap_or(id)),
        kind: SourceKind::Provider,
        account: leaked(description.account.as_deref().unwrap_or(id)),
        poll_minutes: description.poll_minutes.clamp(1, 1440),
        least_minutes: description.least_minutes,
        key: description.key.as_ref().map(|key| KeySpec {
            variables: Box::leak(key.variables.iter().map(|name| leaked(name)).collect()),
            kind: leaked(&key.kind),
        }),
        settings: Box::leak(settings.into()),
        status_page: description.status_page.as_ref().map_or("", |page| {
            // A page is known by its address, so that is written in one way.
            let written = page.get_ref();
            let url = Url::parse(written).map_or(written.clone(), String::from);
            leaked(url.trim_end_matches('/'))
        }),
        base_url: leaked(base_url.unwrap_or_default().trim_end_matches('/')),
        tells: leaked(&description.tells),
        reads: "",
        limits: leaked(&description.limits),
    }
}

fn leaked(text: &str) -> &'static str {
    Box::leak(text.into())
}
