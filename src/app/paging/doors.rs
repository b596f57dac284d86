//! Who may come in. The page shows what somebody works on and what it costs, to one person on one
//! machine; others try to come in over the browser that this person uses for everything else.
//!
//! | who | what stops them |
//! |---|---|
//! | other machines | the port is open on loopback alone |
//! | other users and programs of this machine | a token of 256 random bits, new at each start |
//! | another site's page that asks this port | the cookie is `SameSite=Strict`; `Origin` and `Sec-Fetch-Site` are checked; no answer allows another origin |
//! | another site whose name is made to lead here (DNS rebinding) | `Host` is checked |
//! | another site that frames the page or posts to it | `frame-ancestors 'none'`; a second token in every form |
//! | names in logs that are HTML or script | escaped; the policy allows no script but the page's own file |

use axum::http::header::{COOKIE, HOST, ORIGIN};
use axum::http::{HeaderMap, HeaderName, Method};

/// Said of the page's own addresses and of nothing else.
pub(super) const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// The secrets of one run.
#[derive(Clone)]
pub(super) struct Doors {
    port: u16,
    token: String,
    csrf: String,
}

/// Why somebody was turned away; only the log is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The request is for another name than this port's.
    Host,
    /// Another site asks.
    Origin,
    /// There is no cookie of this run.
    Cookie,
    /// A change without this run's second token.
    Csrf,
}

impl Doors {
    /// New secrets.
    ///
    /// # Errors
    /// The system gives no random numbers.
    pub(super) fn new(port: u16) -> Result<Self, getrandom::Error> {
        Ok(Self { port, token: secret()?, csrf: secret()? })
    }

    /// The address that brings the token along.
    pub(super) fn opening_address(&self) -> String {
        format!("http://{}/open?token={}", self.host(), self.token)
    }

    /// The second token.
    pub(super) fn csrf(&self) -> &str {
        &self.csrf
    }

    /// Browsers send the cookies of all ports of an address to each of them: the name tells them
    /// apart.
    pub(super) fn cookie(&self) -> String {
        format!("{}={}; HttpOnly; SameSite=Strict; Path=/", self.cookie_name(), self.token)
    }

    /// Whether this is the token of the run.
    pub(super) fn is_token(&self, token: &str) -> bool {
        is_same(token, &self.token)
    }

    /// Whether the request is meant for this port, and not sent by another site.
    pub(super) fn is_meant(&self, method: &Method, headers: &HeaderMap) -> Result<(), Refusal> {
        let mut hosts = headers.get_all(HOST).iter();
        let host = hosts.next().and_then(|host| host.to_str().ok());
        if host != Some(&self.host()) || hosts.next().is_some() {
            return Err(Refusal::Host);
        }
        let own = format!("http://{}", self.host());
        match headers.get(ORIGIN) {
            Some(origin) if origin.as_bytes() != own.as_bytes() => return Err(Refusal::Origin),
            // Browsers name the origin of every change.
            None if *method == Method::POST => return Err(Refusal::Origin),
            _ => {}
        }
        Ok(())
    }

    /// Whether the request comes from the page itself, or from an address that was typed.
    pub(super) fn is_own(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        const SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
        match headers.get(SITE).map(|site| site.as_bytes()) {
            None | Some(b"same-origin" | b"none") => {}
            Some(_) => return Err(Refusal::Origin),
        }
        let cookies = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
        let mut pairs = cookies.flat_map(|value| value.split(';')).filter_map(|pair| {
            let (name, value) = pair.trim().split_once('=')?;
            (name == self.cookie_name()).then_some(value)
        });
        // The browser sends one of each name; a second one is somebody else's.
        match (pairs.next(), pairs.next()) {
            (Some(token), None) if self.is_token(token) => Ok(()),
            _ => Err(Refusal::Cookie),
        }
    }

    /// Whether a change was asked for by a form of the page.
    pub(super) fn is_asked(&self, csrf: Option<&str>) -> Result<(), Refusal> {
        match csrf {
            Some(csrf) if is_same(csrf, &self.csrf) => Ok(()),
            _ => Err(Refusal::Csrf),
        }
    }

    fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    fn cookie_name(&self) -> String {
        format!("spendbar-{}", self.port)
    }
}

/// 256 random bits in hexadecimal digits.
pub(super) fn secret() -> Result<String, getrandom::Error> {
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Compares every byte, so that the time taken tells nothing of where two texts differ.
pub(super) fn is_same(one: &str, two: &str) -> bool {
    let differs = one.bytes().zip(two.bytes()).fold(0, |differs, (a, b)| differs | (a ^ b));
    one.len() == two.len() && std::hint::black_box(differs) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn doors() -> Doors {
        Doors { port: 4711, token: "t".repeat(64), csrf: "c".repeat(64) }
    }

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, value.parse().unwrap());
        }
        headers
    }

    #[test]
    fn only_this_port_by_its_own_name_is_meant() {
        let meant = |pairs: &[_]| doors().is_meant(&Method::GET, &headers(pairs));
        assert_eq!(meant(&[("host", "127.0.0.1:4711")]), Ok(()));
        for host in
            ["localhost:4711", "evil.example:4711", "127.0.0.1", "127.0.0.1:80", "[::1]:4711", ""]
        {
            assert_eq!(meant(&[("host", host)]), Err(Refusal::Host), "{host}");
        }
        assert_eq!(meant(&[]), Err(Refusal::Host));
        let twice = [("host", "127.0.0.1:4711"), ("host", "evil.example")];
        assert_eq!(meant(&twice), Err(Refusal::Host));
    }

    #[test]
    fn other_origins_are_turned_away_and_changes_name_theirs() {
        let host = ("host", "127.0.0.1:4711");
        let own = ("origin", "http://127.0.0.1:4711");
        let post = |pairs: &[_]| doors().is_meant(&Method::POST, &headers(pairs));
        assert_eq!(post(&[host, own]), Ok(()));
        assert_eq!(post(&[host]), Err(Refusal::Origin));
        for origin in
            ["null", "https://127.0.0.1:4711", "http://127.0.0.1:4712", "http://evil.example"]
        {
            assert_eq!(post(&[host, ("origin", origin)]), Err(Refusal::Origin), "{origin}");
        }
    }

    #[test]
    fn the_cookie_of_the_run_is_asked_for_once() {
        let own = |cookie: &str| doors().is_own(&headers(&[("cookie", cookie)]));
        let right = format!("spendbar-4711={}", "t".repeat(64));
        assert_eq!(own(&right), Ok(()));
        assert_eq!(own(&format!("other=1; {right}")), Ok(()));
        assert_eq!(own(&format!("{right}; {right}")), Err(Refusal::Cookie));
        assert_eq!(own(&right.replace("4711", "4712")), Err(Refusal::Cookie));
        assert_eq!(own("spendbar-4711="), Err(Refusal::Cookie));
        let crossing = headers(&[("cookie", &right), ("sec-fetch-site", "cross-site")]);
        assert_eq!(doors().is_own(&crossing), Err(Refusal::Origin));
    }

    #[test]
    fn secrets_are_long_and_new_each_time() {
        let (one, two) = (Doors::new(1).unwrap(), Doors::new(1).unwrap());
        assert_eq!(one.token.len(), 64);
        assert!(one.token != two.token && one.csrf != two.csrf && one.token != one.csrf);
    }
}
