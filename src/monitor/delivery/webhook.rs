//! A webhook: an alert is posted to an address, under the rules that hold for keys. It goes to
//! https or to this machine, no redirect to another host is followed, and nothing of the address but
//! its host is ever told.

use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

use crate::config::alerts::{SecretUrl, Webhook, WebhookAddress};
use crate::monitor::look::World;
use crate::secrets::Store;
use crate::sources::SourceError;
use crate::sources::providers::http::Request;

use super::plan::Refusal;

/// What is read of an answer, of which only the status counts.
const MOST_BYTES: usize = 64 * 1024;

/// Posts a body. `key` is the same for each try of a message, so that a receiver that knows it can
/// tell a repeat.
///
/// # Errors
/// There is no address, or nobody took it.
pub async fn post(
    world: &Arc<World>,
    webhook: &Webhook,
    key: &str,
    body: Vec<u8>,
) -> Result<(), Refusal> {
    let url = address(world, webhook).await?;
    let key = HeaderValue::from_str(key)
        .map_err(|_| Refusal::Final("its key fits into no header".into()))?;
    let request = Request {
        url: url.expose().clone(),
        headers: HeaderMap::from_iter([(HeaderName::from_static("idempotency-key"), key)]),
        body: Some(body),
        waits: &[],
        refusal: Some(refused_for_good),
        configured: true,
        now: world.clock.now(),
        most_bytes: MOST_BYTES,
    };
    match world.http.attempt(&request).await {
        // With a 2xx it was taken, whatever the body is.
        Ok(_) | Err(SourceError::FormatChanged { .. }) => Ok(()),
        Err(error) => Err(refusal(&error, &url.host())),
    }
}

/// Every status that does not ask to come back.
fn refused_for_good(status: u16, _: &[u8], _: Option<Duration>) -> Option<SourceError> {
    let may_come_back = matches!(status, 408 | 429 | 500..);
    (!may_come_back).then(|| SourceError::NotOffered { what: format!("answered {status}") })
}

fn refusal(error: &SourceError, host: &str) -> Refusal {
    let for_now = |what: String, after| Refusal::ForNow { error: what, after };
    match error {
        SourceError::Unreachable { what } => for_now(format!("{host}: {what}"), None),
        SourceError::ProviderDown { status, retry_after } => {
            for_now(format!("{host} answered {status}"), *retry_after)
        }
        SourceError::RateLimited { retry_after } => {
            for_now(format!("{host} was asked too often"), *retry_after)
        }
        SourceError::NotOffered { what } => Refusal::Final(format!("{host} {what}")),
        SourceError::Misconfigured { .. } => {
            Refusal::Final(format!("{host} redirects to another address, which is not followed"))
        }
        other => Refusal::Final(format!("{host}: {other}")),
    }
}

/// Where it is to go.
async fn address(world: &Arc<World>, webhook: &Webhook) -> Result<SecretUrl, Refusal> {
    let missing = |error: String| Refusal::ForNow { error, after: None };
    let written = match &webhook.address {
        WebhookAddress::Written(url) => return Ok(url.clone()),
        WebhookAddress::Variable(name) => {
            world.places.variable(name).map(str::to_owned).ok_or_else(|| {
                missing(format!("the variable {name} with its address is not set"))
            })?
        }
        WebhookAddress::Keyring => {
            let (world, key) = (world.clone(), webhook.key());
            let asked = tokio::task::spawn_blocking(move || {
                Store::new(&world.places).without_asking().get_named(&key)
            });
            let found = asked.await.map_err(|error| missing(error.to_string()))?;
            let found = found.map_err(|error| missing(error.to_string()))?;
            let hint = format!(
                "its address is not in the keyring; set it: spendbar key set {}",
                webhook.key()
            );
            found.ok_or_else(|| missing(hint))?.expose().to_owned()
        }
    };
    SecretUrl::parse(&written).map_err(|what| Refusal::Final(format!("its address: {what}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_tried_again() {
        let is_final = |status| refused_for_good(status, b"", None).is_some();
        for status in [301, 400, 401, 402, 403, 404, 405, 410, 413, 422] {
            assert!(is_final(status), "{status}");
        }
        for status in [408, 429, 500, 502, 503, 504, 599] {
            assert!(!is_final(status), "{status}");
        }
        let down = SourceError::ProviderDown { status: 503, retry_after: None };
        let expected = Refusal::ForNow { error: "h answered 503".into(), after: None };
        assert_eq!(refusal(&down, "h"), expected);
        let gone = SourceError::NotOffered { what: "answered 410".into() };
        assert_eq!(refusal(&gone, "h"), Refusal::Final("h answered 410".into()));
    }
}
