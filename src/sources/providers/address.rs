//! Where a request may go: https anywhere, plain http to this machine only.

use url::{Host, Url};

use crate::sources::SourceError;

/// Refuses a base address that no request can be built on.
///
/// # Errors
/// [`SourceError::Misconfigured`] with the reason.
pub fn check_base(base: &Url) -> Result<(), SourceError> {
    check(base)?;
    if base.query().is_some() || base.fragment().is_some() {
        let host = base.host_str().unwrap_or_default();
        let what = format!("base_url on {host} holds a ? or #; take that part out");
        return Err(SourceError::Misconfigured { what });
    }
    Ok(())
}

/// Refuses addresses that would carry a key in the open or keep a password in the config.
///
/// # Errors
/// [`SourceError::Misconfigured`] with the reason.
pub fn check(url: &Url) -> Result<(), SourceError> {
    let refuse = |what: String| Err(SourceError::Misconfigured { what });
    let Some(host) = url.host_str() else {
        return refuse("base_url names no host; write it as https://host".into());
    };
    if !url.username().is_empty() || url.password().is_some() {
        return refuse(format!("base_url holds a user or password before {host}; take it out"));
    }
    match url.scheme() {
        "https" => Ok(()),
        "http" if is_loopback(url) => Ok(()),
        "http" => refuse(format!(
            "base_url sends the key to {host} unencrypted; use https (http is for this machine only)"
        )),
        other => refuse(format!("base_url starts with {other}:, which is not https:")),
    }
}

/// Whether the address is on this machine: 127.0.0.0/8, ::1 or `localhost`.
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        None => false,
    }
}

/// `base` with `path` after its own. Where the end of the one repeats the beginning of the other
/// (`https://gateway/v1` and `/v1/organization/costs`), as people copy addresses from manuals,
/// the repeat is written once.
pub fn join(base: &Url, path: &str, query: &[(&str, String)]) -> Url {
    let parts =
        |path: &str| path.split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect();
    let mut all: Vec<String> = parts(base.path());
    let added: Vec<String> = parts(path);
    let repeated = (1..=all.len().min(added.len()))
        .rev()
        .find(|length| all.ends_with(&added[..*length]))
        .unwrap_or(0);
    all.extend_from_slice(&added[repeated..]);
    let end = if path.len() > 1 && path.ends_with('/') { "/" } else { "" };
    let mut url = base.clone();
    url.set_path(&(all.join("/") + end));
    if !query.is_empty() {
        url.query_pairs_mut().extend_pairs(query);
    }
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        text.parse().unwrap()
    }

    #[test]
    fn https_goes_anywhere_and_http_stays_here() {
        for good in [
            "https://api.openai.com",
            "https://gateway.example:8443/openai/",
            "http://127.0.0.1:4000",
            "http://127.8.9.1",
            "http://[::1]:4000/v1",
            "http://LocalHost:4000",
        ] {
            assert_eq!(check_base(&url(good)), Ok(()), "{good}");
        }
        for bad in [
            "http://gateway.example",
            "http://10.0.0.1",
            "http://0.0.0.0:4000",
            "http://localhost.example",
            "http://[::ffff:10.0.0.1]",
            "ftp://gateway.example",
            "data:text/plain,x",
            "https://user@gateway.example",
            "https://user:hunter2@gateway.example",
            "https://gateway.example/?token=x",
            "https://gateway.example/#x",
        ] {
            let error = check_base(&url(bad)).unwrap_err();
            assert!(matches!(&error, SourceError::Misconfigured { .. }), "{bad}: {error}");
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn a_slash_at_the_end_of_a_path_stays() {
        assert_eq!(join(&url("https://a.example/"), "/x/", &[]).as_str(), "https://a.example/x/");
        assert_eq!(join(&url("https://a.example/"), "/", &[]).as_str(), "https://a.example/");
    }

    #[test]
    fn paths_are_joined_and_repeats_written_once() {
        let query = [("group_by[]", "a b".to_owned())];
        let check = |base: &str, want: &str| {
            assert_eq!(join(&url(base), "/api/v1/credits", &query).as_str(), want);
        };
        check("https://a.example", "https://a.example/api/v1/credits?group_by%5B%5D=a+b");
        check("https://a.example/", "https://a.example/api/v1/credits?group_by%5B%5D=a+b");
        check("https://a.example/api/v1/", "https://a.example/api/v1/credits?group_by%5B%5D=a+b");
        check("https://a.example/x/api", "https://a.example/x/api/v1/credits?group_by%5B%5D=a+b");
        check("https://a.example/v1", "https://a.example/v1/api/v1/credits?group_by%5B%5D=a+b");
    }
}
