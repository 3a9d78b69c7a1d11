//! Gets tokens for the identity that a cloud, or GitHub, gives to this process.

use crate::{
    connection::transport,
    retry::{ATTEMPTS, wait_after},
    token::Token,
};
use reqwest::{Client, RequestBuilder, Url};
use serde::Deserialize;
use std::time::{Duration, Instant};

/// Looks an environment variable up.
type Lookup<'a> = &'a dyn Fn(&str) -> Option<String>;
/// A value, or a sentence that says why there is none.
type Asked<T> = std::result::Result<T, String>;

/// Gets an ID token from the metadata server, for a function on Google Cloud (cloud.google.com, "Get an ID token").
pub(crate) fn google(audience: String, lookup: Lookup) -> Token {
    let host = lookup("GCE_METADATA_HOST").unwrap_or_else(|| "metadata.google.internal".to_owned());
    let path = format!("http://{host}/computeMetadata/v1/instance/service-accounts/default/identity");
    Token::from_fn(move || {
        let url = with_query(&path, &[("audience", &audience), ("format", "full")]);
        async move {
            let who = "Google's metadata server";
            text(get(url?)?.header("metadata-flavor", "Google"), who).await
        }
    })
}

/// Gets an Entra token of the managed identity, from the endpoint of App Service and Container Apps, or of a virtual machine
/// (learn.microsoft.com, "How to use managed identities").
pub(crate) fn azure(audience: String, client_id: Option<String>, lookup: Lookup) -> Token {
    #[derive(Deserialize)]
    struct Answer {
        access_token: String,
    }
    let place = lookup("IDENTITY_ENDPOINT").zip(lookup("IDENTITY_HEADER"));
    Token::from_fn(move || {
        let (endpoint, version, header, proof) = match &place {
            Some((endpoint, proof)) => (endpoint.as_str(), "2019-08-01", "x-identity-header", proof.as_str()),
            None => ("http://169.254.169.254/metadata/identity/oauth2/token", "2018-02-01", "metadata", "true"),
        };
        let mut query = vec![("api-version", version), ("resource", audience.trim_end_matches('/'))];
        query.extend(client_id.as_deref().map(|id| ("client_id", id)));
        let request = with_query(endpoint, &query).and_then(get).map(|request| request.header(header, proof));
        async move { json::<Answer>(request?, "The managed identity").await.map(|answer| answer.access_token) }
    })
}

/// Gets the OIDC token of a GitHub Actions workflow (docs.github.com, "OpenID Connect reference").
pub(crate) fn github(audience: String, lookup: Lookup) -> Token {
    #[derive(Deserialize)]
    struct Answer {
        value: String,
    }
    let job = lookup("ACTIONS_ID_TOKEN_REQUEST_URL").zip(lookup("ACTIONS_ID_TOKEN_REQUEST_TOKEN"));
    Token::from_fn(move || {
        let request = match &job {
            Some((url, proof)) => {
                with_query(url, &[("audience", &audience)]).and_then(get).map(|request| request.bearer_auth(proof))
            }
            None => {
                Err("There is no OIDC token. Give the GitHub Actions job the permission `id-token: write`.".to_owned())
            }
        };
        async move { json::<Answer>(request?, "GitHub").await.map(|answer| answer.value) }
    })
}

fn with_query(url: &str, query: &[(&str, &str)]) -> Asked<Url> {
    let mut url = Url::parse(url).map_err(|_| "The endpoint of the identity is not a URL.".to_owned())?;
    url.query_pairs_mut().extend_pairs(query);
    Ok(url)
}

/// Milliseconds would be enough for an answer. Elsewhere nobody is at these addresses, and the caller waits.
const LIMIT: Duration = Duration::from_secs(10);

fn get(url: Url) -> Asked<RequestBuilder> {
    let client: Client =
        transport(url.as_str()).map_err(|_| "This machine cannot open HTTP connections.".to_owned())?;
    Ok(client.get(url))
}

/// Asks up to four times within the limit: an identity service may be busy for a moment, or restart.
async fn text(request: RequestBuilder, who: &str) -> Asked<String> {
    let deadline = Instant::now() + LIMIT;
    let mut attempt = 1;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let again = request.try_clone().ok_or_else(|| format!("{who} cannot be asked."))?;
        let (why, retryable) = match answer(again.timeout(left), who).await {
            Ok(text) => return Ok(text),
            Err(failed) => failed,
        };
        match wait_after(attempt, None) {
            Some(wait) if retryable && attempt < ATTEMPTS && Instant::now() + wait < deadline => {
                tokio::time::sleep(wait).await
            }
            _ => return Err(why),
        }
        attempt += 1;
    }
}

/// Asks once. An error comes with whether the next try may succeed.
async fn answer(request: RequestBuilder, who: &str) -> std::result::Result<String, (String, bool)> {
    let answer = request
        .send()
        .await
        .map_err(|_| (format!("{who} cannot be reached. Check that this machine has an identity."), true))?;
    let status = answer.status().as_u16();
    if !answer.status().is_success() {
        // 410: Azure's service is being updated.
        return Err((format!("{who} answered {status} instead of a token."), matches!(status, 410 | 429 | 500..)));
    }
    answer.text().await.map_err(|_| (format!("{who} did not finish its answer."), true))
}

async fn json<T: for<'a> Deserialize<'a>>(request: RequestBuilder, who: &str) -> Asked<T> {
    serde_json::from_str(&text(request, who).await?).map_err(|_| format!("{who} answered without a token."))
}
