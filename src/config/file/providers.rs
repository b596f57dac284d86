//! `[providers.<id>]` with its accounts, and `[[provider]]`: the user's own.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

use super::Check;
use crate::config::ProviderSettings;
use crate::sources::SourceKind;
use crate::sources::further;
use crate::sources::providers::described::language::Description;
use crate::sources::providers::described::load;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TypedProvider {
    enabled: Option<bool>,
    base_url: Option<Spanned<String>>,
    account: Option<Spanned<String>>,
    poll_minutes: Option<Spanned<i64>>,
    #[serde(default)]
    settings: BTreeMap<Spanned<String>, String>,
    #[serde(default)]
    accounts: BTreeMap<Spanned<String>, TypedProvider>,
}

impl Check<'_> {
    pub(super) fn providers(
        &mut self,
        typed: BTreeMap<Spanned<String>, TypedProvider>,
    ) -> BTreeMap<String, ProviderSettings> {
        let mut providers = BTreeMap::new();
        for (id, mut provider) in typed {
            self.known(&id, "providers", SourceKind::Provider);
            for (name, account) in std::mem::take(&mut provider.accounts) {
                if let Some(named) = self.named(&id, &name) {
                    let section = format!("providers.{}.accounts.{}", id.get_ref(), name.get_ref());
                    let settings = self.provider(named, &section, account);
                    providers.insert(named.to_owned(), settings);
                }
            }
            let section = format!("providers.{}", id.get_ref());
            let settings = self.provider(id.get_ref(), &section, provider);
            providers.insert(id.into_inner(), settings);
        }
        providers
    }

    fn provider(&mut self, id: &str, section: &str, typed: TypedProvider) -> ProviderSettings {
        if let Some(name) = typed.accounts.keys().next() {
            let hint = "write it under the provider: [providers.ID.accounts.NAME]";
            self.problem(name.span(), section, "an account has no accounts", hint);
        }
        ProviderSettings {
            enabled: typed.enabled,
            base_url: typed.base_url.and_then(|url| self.base_url(section, &url)),
            account: self.account(section, typed.account),
            poll_minutes: typed
                .poll_minutes
                .and_then(|minutes| self.poll_minutes(id, section, &minutes)),
            settings: self.settings(id, section, typed.settings),
        }
    }

    /// A further account of a provider; its id.
    fn named(&mut self, of: &Spanned<String>, name: &Spanned<String>) -> Option<&'static str> {
        let is_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if name.get_ref().is_empty() || !name.get_ref().chars().all(is_name) {
            let field = format!("providers.{}.accounts", of.get_ref());
            let what = format!("{:?} is no name of an account", name.get_ref());
            let hint = "write small letters, digits and hyphens, such as \"work\"";
            self.problem(name.span(), field, what, hint);
            return None;
        }
        let named = further::named(self.further.find(of.get_ref())?, name.get_ref());
        self.further.add(named);
        Some(named.info().id)
    }

    /// Providers of the user's own.
    pub(super) fn own(&mut self, descriptions: Vec<Spanned<Description>>) {
        for spanned in descriptions {
            let mut faults = Vec::new();
            load::check(spanned.get_ref(), &mut |at, field, what| {
                faults.push((at, format!("provider.{field}"), what));
            });
            let is_right = faults.is_empty();
            for (at, field, what) in faults {
                self.problem(at, field, what, "");
            }
            let id = spanned.get_ref().id.clone();
            if is_right && !self.further.add(further::own(spanned.into_inner())) {
                let what = format!("{:?} is the id of another source", id.get_ref());
                self.problem(id.span(), "provider.id", what, "write one of your own");
            }
        }
    }

    /// What a provider has to be told besides its key: only what it knows.
    fn settings(
        &mut self,
        id: &str,
        section: &str,
        typed: BTreeMap<Spanned<String>, String>,
    ) -> BTreeMap<String, String> {
        let known = self.further.find(id).map_or(&[][..], |it| it.info().settings);
        for name in typed.keys() {
            if !known.iter().any(|spec| spec.name == name.get_ref()) {
                let names: Vec<_> = known.iter().map(|spec| spec.name).collect();
                let hint = match names.as_slice() {
                    [] => "take it out: this provider needs no settings".to_owned(),
                    names => format!("write one of {}", names.join(", ")),
                };
                let field = format!("{section}.settings");
                let what = format!("{:?} is not a setting of this provider", name.get_ref());
                self.problem(name.span(), field, what, hint);
            }
        }
        typed.into_iter().map(|(name, value)| (name.into_inner(), value)).collect()
    }

    fn poll_minutes(&mut self, id: &str, section: &str, minutes: &Spanned<i64>) -> Option<u32> {
        let least = self.further.find(id).map_or(0, |it| it.info().least_minutes).max(1);
        match u32::try_from(*minutes.get_ref()) {
            Ok(checked) if (least..=1440).contains(&checked) => Some(checked),
            _ => {
                self.problem(
                    minutes.span(),
                    format!("{section}.poll_minutes"),
                    format!("{} is out of range", minutes.get_ref()),
                    format!("write whole minutes from {least} to 1440"),
                );
                None
            }
        }
    }
}
