//! What is asked of a repository's settings (git-config(1)): whose commits are made here, and where
//! else it is kept. Of a remote's address host and path are taken; a user or password in it is not.

use url::Url;

use super::call::{Git, GitError};
use super::log::short;
use crate::spend::Remote;

/// The remotes that people send pull requests to.
const REMOTES: [&str; 2] = ["origin", "upstream"];
const ASKED: &str = r"^(user\.email|remote\.(origin|upstream)\.url|url\..*\.insteadof)$";

/// What the settings say.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Settings {
    /// The address that commits made here get; `None` where none is set.
    pub(super) email: Option<String>,
    /// Where else the repository is kept.
    pub(super) remotes: Vec<Remote>,
}

pub(super) fn read(git: &Git<'_>) -> Result<Settings, GitError> {
    const NOTHING_SET: i32 = 1;
    let arguments = ["config", "-z", "--get-regexp", ASKED];
    let answer = git.run(&arguments, String::new(), Some(NOTHING_SET))?;
    Ok(parse(&String::from_utf8_lossy(&answer)))
}

/// Each setting is its name, a line break, its value and a NUL. Of several values the last one holds,
/// but of a remote's addresses the first is the one that is fetched from.
fn parse(answer: &str) -> Settings {
    let pairs: Vec<(&str, &str)> =
        answer.split('\0').filter_map(|pair| pair.split_once('\n')).collect();
    let email = pairs.iter().rev().find(|(name, _)| *name == "user.email");
    let email = email.map(|(_, value)| short(value.trim())).filter(|email| !email.is_empty());
    let remotes = REMOTES.into_iter().filter_map(|name| {
        let key = format!("remote.{name}.url");
        let (_, written) = pairs.iter().find(|(name, _)| *name == key)?;
        remote(name, &meant(written, &pairs))
    });
    Settings { email, remotes: remotes.collect() }
}

/// The address that is meant where `url.<meant>.insteadOf` stands for its beginning; of several that
/// fit the longest.
fn meant(written: &str, pairs: &[(&str, &str)]) -> String {
    let shorts = pairs.iter().filter_map(|(name, short)| {
        let long = name.strip_prefix("url.")?.strip_suffix(".insteadof")?;
        Some((long, written.strip_prefix(short)?))
    });
    match shorts.min_by_key(|(_, rest)| rest.len()) {
        Some((long, rest)) => format!("{long}{rest}"),
        None => written.to_owned(),
    }
}

/// Host and path of an address: `https://host/path`, `ssh://user@host/path`, `user@host:path`. `None`
/// for folders, and for whatever else leads to no host.
fn remote(name: &str, address: &str) -> Option<Remote> {
    let (host, port, path) = match Url::parse(address) {
        Ok(url) if address.contains("://") => {
            let is_web = matches!(url.scheme(), "https" | "http");
            if !is_web && !matches!(url.scheme(), "ssh" | "git" | "git+ssh" | "ssh+git") {
                return None;
            }
            let port = url.port().filter(|_| is_web);
            (url.host_str()?.to_owned(), port, url.path().to_owned())
        }
        _ => {
            // As git tells them apart: a slash before the colon makes it a folder.
            let (host, path) = address.split_once(':').filter(|(host, _)| !host.contains('/'))?;
            let host = host.rsplit_once('@').map_or(host, |(_user, host)| host);
            // One letter is a drive of Windows.
            (Some(host).filter(|host| host.len() > 1)?.to_owned(), None, path.to_owned())
        }
    };
    let path = path.trim_matches('/');
    let path = path.strip_suffix(".git").unwrap_or(path);
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "._-/".contains(c);
    let is_path = path.split('/').count() >= 2
        && path.chars().all(is_plain)
        && !path.split('/').any(|part| matches!(part, "" | "." | ".."));
    is_path.then(|| Remote {
        name: name.to_owned(),
        host: host.to_ascii_lowercase(),
        port,
        path: path.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn found(address: &str) -> Option<(String, Option<u16>, String)> {
        remote("origin", address).map(|it| (it.host, it.port, it.path))
    }

    #[test]
    fn host_and_path_are_read_from_every_form() {
        let tea = |host: &str, port| Some((host.to_owned(), port, "ada/tea".to_owned()));
        for (address, expected) in [
            ("https://github.com/ada/tea.git", tea("github.com", None)),
            ("https://GitHub.com/ada/tea/", tea("github.com", None)),
            ("https://ada:secret@github.com/ada/tea.git", tea("github.com", None)),
            ("http://127.0.0.1:4000/ada/tea", tea("127.0.0.1", Some(4000))),
            ("git@github.com:ada/tea.git", tea("github.com", None)),
            ("github.com:ada/tea", tea("github.com", None)),
            ("git@github.com:/ada/tea.git", tea("github.com", None)),
            ("ssh://git@github.com:22/ada/tea.git", tea("github.com", None)),
            ("git://github.com/ada/tea.git", tea("github.com", None)),
            ("/srv/git/tea.git", None),
            ("../tea", None),
            ("./a:b/tea", None),
            (r"C:\work\tea", None),
            ("C:/work/tea", None),
            ("file:///srv/ada/tea.git", None),
            ("https://github.com/tea", None),
            ("https://github.com/ada/../tea%20x", None),
            ("git@github.com:ada/te a", None),
            ("", None),
        ] {
            assert_eq!(found(address), expected, "{address}");
        }
        let nested = found("git@gitlab.com:shop/china/tea.git").expect("a remote");
        assert_eq!(nested.2, "shop/china/tea");
    }

    #[test]
    fn short_forms_stand_for_what_the_settings_say() {
        let settings = parse(
            "user.email\nold@example.com\0user.email\nada@example.com\0\
             remote.origin.url\ngh:ada/tea\0remote.origin.url\nhttps://other.example/x/y\0\
             remote.upstream.url\nssh://git@gitlab.com/shop/tea.git\0\
             url.https://github.com/.insteadof\ngh:\0url.https://wrong.example/.insteadof\ng\0",
        );
        assert_eq!(settings.email.as_deref(), Some("ada@example.com"));
        let told: Vec<_> =
            settings.remotes.iter().map(|it| (&*it.name, &*it.host, &*it.path)).collect();
        assert_eq!(
            told,
            [("origin", "github.com", "ada/tea"), ("upstream", "gitlab.com", "shop/tea")]
        );
        assert_eq!(parse(""), Settings::default());
    }

    proptest! {
        #[test]
        fn no_secret_of_an_address_is_kept(secret in "[a-zA-Z0-9]{12,20}", address in "(https|ssh)://ada:SECRET@[a-z]{1,8}\\.com/[a-z]{1,9}/[a-z]{1,9}") {
            let address = address.replace("SECRET", &secret);
            let kept = format!("{:?}", remote("origin", &address).expect("a remote"));
            prop_assert!(!kept.contains(&secret));
        }

        #[test]
        fn no_setting_makes_it_panic(text in "\\PC{0,80}", name in "[a-z.]{0,20}") {
            parse(&format!("{name}\n{text}\0remote.origin.url\n{text}"));
        }
    }
}
