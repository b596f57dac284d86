//! Which spend a figure counts: by source, provider, account, model, project and session.

use glob::{MatchOptions, Pattern, PatternError};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A name with wildcards: `*` is any text, `?` one character, `[ab]` one of several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Glob(Pattern);

impl Glob {
    /// # Errors
    /// The wildcards are not well formed; the text says where.
    pub fn new(text: &str) -> Result<Self, PatternError> {
        Pattern::new(text).map(Self)
    }

    /// A text that fits nothing but itself.
    pub fn escape(text: &str) -> String {
        Pattern::escape(text)
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// Whether a name fits, in small or large letters.
    pub fn fits(&self, name: &str) -> bool {
        let options = MatchOptions { case_sensitive: false, ..MatchOptions::new() };
        self.0.matches_with(name, options)
    }

    /// Whether a folder fits, or one that it lies in. `*` stays within a folder, `**` does not.
    fn holds_folder(&self, path: &str) -> bool {
        let options = MatchOptions { require_literal_separator: true, ..MatchOptions::new() };
        let path = path.trim_end_matches(is_separator);
        let above = path.match_indices(is_separator).map(|(at, _)| &path[..at]);
        above.chain([path]).any(|folder| self.0.matches_with(folder, options))
    }
}

impl Serialize for Glob {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Glob {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

fn is_separator(character: char) -> bool {
    matches!(character, '/' | '\\')
}

/// Lists of names. An empty list asks for nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Lists {
    /// Source ids.
    pub sources: Vec<String>,
    /// Providers, as logs and price lists name them.
    pub providers: Vec<String>,
    /// Accounts: who pays.
    pub accounts: Vec<String>,
    /// Models.
    pub models: Vec<Glob>,
    /// Folders that work was done in, with all below them.
    pub projects: Vec<Glob>,
    /// Sessions of agents.
    pub sessions: Vec<Glob>,
}

/// What is known of some spend; `None` where nobody says.
#[derive(Clone, Copy, Debug, Default)]
pub struct Facts<'a> {
    /// Source id.
    pub source: &'a str,
    /// Provider.
    pub provider: Option<&'a str>,
    /// Who pays.
    pub account: &'a str,
    /// Model.
    pub model: Option<&'a str>,
    /// Folder.
    pub project: Option<&'a str>,
    /// Session.
    pub session: Option<&'a str>,
}

impl Lists {
    /// For each list that is not empty, whether it names this.
    fn answers<'a>(&'a self, facts: &'a Facts<'a>) -> impl Iterator<Item = bool> + 'a {
        let same = |names: &[String], name: Option<&str>| {
            name.is_some_and(|name| names.iter().any(|known| known.eq_ignore_ascii_case(name)))
        };
        let fits = |globs: &[Glob], name: Option<&str>, fits: fn(&Glob, &str) -> bool| {
            name.is_some_and(|name| globs.iter().any(|glob| fits(glob, name)))
        };
        [
            (!self.sources.is_empty()).then(|| same(&self.sources, Some(facts.source))),
            (!self.providers.is_empty()).then(|| same(&self.providers, facts.provider)),
            (!self.accounts.is_empty()).then(|| same(&self.accounts, Some(facts.account))),
            (!self.models.is_empty()).then(|| fits(&self.models, facts.model, Glob::fits)),
            (!self.projects.is_empty())
                .then(|| fits(&self.projects, facts.project, Glob::holds_folder)),
            (!self.sessions.is_empty()).then(|| fits(&self.sessions, facts.session, Glob::fits)),
        ]
        .into_iter()
        .flatten()
    }

    /// Nothing is named.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Every name with the word of its list; sources are known by their names alone.
    fn words(&self) -> Vec<String> {
        let plain = |names: &Vec<String>| names.clone();
        let globs = |globs: &Vec<Glob>| globs.iter().map(|glob| glob.as_str().to_owned()).collect();
        let lists = [
            ("", plain(&self.sources)),
            ("provider ", plain(&self.providers)),
            ("account ", plain(&self.accounts)),
            ("model ", globs(&self.models)),
            ("project ", globs(&self.projects)),
            ("session ", globs(&self.sessions)),
        ];
        let said = |(word, names): (&str, Vec<String>)| {
            names.into_iter().map(move |name| format!("{word}{name}")).collect::<Vec<_>>()
        };
        lists.into_iter().flat_map(said).collect()
    }
}

/// Which spend is meant: what every list of `only` names, and no list of `except`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Filter {
    /// Where a list names something, nothing else is meant.
    pub only: Lists,
    /// What is left out.
    pub except: Lists,
}

impl Filter {
    /// Everything.
    pub fn everything() -> Self {
        Self::default()
    }

    /// These sources; all where there are none.
    pub fn of_sources(sources: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let sources = sources.into_iter().map(Into::into).collect();
        Self { only: Lists { sources, ..Lists::default() }, ..Self::default() }
    }

    /// Whether everything is meant.
    pub fn is_everything(&self) -> bool {
        self.only.is_empty() && self.except.is_empty()
    }

    /// Whether this is meant.
    pub fn takes(&self, facts: &Facts<'_>) -> bool {
        self.only.answers(facts).all(|named| named)
            && !self.except.answers(facts).any(|named| named)
    }

    /// Whether folders or sessions decide, which no bill tells.
    pub fn tells_work_apart(&self) -> bool {
        [&self.only, &self.except]
            .iter()
            .any(|names| !names.projects.is_empty() || !names.sessions.is_empty())
    }

    /// Whether models decide, which some bills tell.
    pub fn tells_models_apart(&self) -> bool {
        !self.only.models.is_empty() || !self.except.models.is_empty()
    }

    /// In words, `codex, model claude-*, not project ~/x`; empty for everything.
    pub fn words(&self) -> String {
        let except = self.except.words().into_iter().map(|name| format!("not {name}"));
        self.only.words().into_iter().chain(except).collect::<Vec<_>>().join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn globs(texts: &[&str]) -> Vec<Glob> {
        texts.iter().map(|text| Glob::new(text).expect(text)).collect()
    }

    const FACTS: Facts<'static> = Facts {
        source: "claude-code",
        provider: Some("anthropic"),
        account: "work",
        model: Some("claude-opus-4-1"),
        project: Some("/home/ada/work/engine/src"),
        session: Some("0b1c"),
    };

    #[test]
    fn every_list_has_to_name_it_and_one_name_of_each_is_enough() {
        let takes = |only: Lists| Filter { only, ..Filter::default() }.takes(&FACTS);
        assert!(Filter::everything().takes(&FACTS));
        assert!(takes(Lists { models: globs(&["gpt-*", "claude-*"]), ..Lists::default() }));
        assert!(!takes(Lists { models: globs(&["gpt-*"]), ..Lists::default() }));
        let accounts = vec!["Work".to_owned()];
        assert!(takes(Lists { accounts: accounts.clone(), ..Lists::default() }));
        let models = globs(&["gpt-*"]);
        assert!(!takes(Lists { accounts, models, ..Lists::default() }));
        assert!(Filter::of_sources(["claude-code"]).takes(&FACTS));
        assert!(!Filter::of_sources(["codex"]).takes(&FACTS));
    }

    #[test]
    fn what_is_left_out_is_out_and_what_nobody_says_is_in_no_list() {
        let models = globs(&["*opus*"]);
        let without = |except: Lists| Filter { except, ..Filter::default() };
        assert!(!without(Lists { models: models.clone(), ..Lists::default() }).takes(&FACTS));
        let unknown = Facts { model: None, ..FACTS };
        assert!(without(Lists { models: models.clone(), ..Lists::default() }).takes(&unknown));
        let only = Filter { only: Lists { models, ..Lists::default() }, ..Filter::default() };
        assert!(!only.takes(&unknown));
    }

    #[test]
    fn a_folder_means_all_below_it() {
        let takes = |text: &str| {
            let projects = globs(&[text]);
            Filter { only: Lists { projects, ..Lists::default() }, ..Filter::default() }
                .takes(&FACTS)
        };
        for text in ["/home/ada/work", "/home/*/work", "/home/ada/work/engine/src", "/**/engine"] {
            assert!(takes(text), "{text}");
        }
        for text in ["/home/ada/wor", "/home/*/engine", "work", "/home/ada/work/engine/src/x"] {
            assert!(!takes(text), "{text}");
        }
    }

    #[test]
    fn it_is_said_in_words() {
        let filter = Filter {
            only: Lists { sources: vec!["codex".into()], ..Lists::default() },
            except: Lists { models: globs(&["gpt-5*"]), ..Lists::default() },
        };
        assert_eq!(filter.words(), "codex, not model gpt-5*");
        assert_eq!(Filter::everything().words(), "");
        assert!(filter.tells_models_apart() && !filter.tells_work_apart());
    }
}
