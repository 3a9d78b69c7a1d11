use crate::{
    error::ArtifactRegistryError,
    generated::Client,
    retry::{ATTEMPTS, wait_after},
    token::Token,
    types,
};
use bytes::Bytes;
use progenitor_client::{ClientHooks, ClientInfo, Error, OperationInfo};
use reqwest::{
    Body, Request, Response, StatusCode, Url,
    header::{AUTHORIZATION, HeaderMap, HeaderValue, RETRY_AFTER},
};
use std::time::{Duration, Instant};

/// The settings of a generated [`Client`].
#[derive(Clone, Debug)]
pub struct Connection {
    /// Proves who calls.
    pub token: Token,
    /// How long a call may take with all its tries.
    pub timeout: Duration,
}

impl Connection {
    /// Sets the default timeout of 60 seconds.
    pub fn new(token: Token) -> Self {
        Self { token, timeout: Duration::from_secs(60) }
    }
}

/// Makes the HTTP client. It follows no redirect, since a redirect would carry the token elsewhere or lose the body, and
/// none of our doors sends one. Plain HTTP goes to a host near by; it uses no proxy, which would see the token in the clear.
pub(crate) fn transport(url: &str) -> reqwest::Result<reqwest::Client> {
    let builder =
        reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).connect_timeout(Duration::from_secs(15));
    let encrypted = Url::parse(url).is_ok_and(|url| url.scheme() == "https");
    if encrypted { builder } else { builder.no_proxy() }.build()
}

impl ClientHooks<Connection> for Client {
    async fn pre<E>(&self, request: &mut Request, _info: &OperationInfo) -> Result<(), Error<E>> {
        let token = self.inner().token.get().await.map_err(Error::Custom)?;
        let mut value = HeaderValue::try_from(format!("Bearer {token}"))
            .map_err(|_| Error::Custom("The token has a character that no header can carry.".to_owned()))?;
        value.set_sensitive(true);
        request.headers_mut().insert(AUTHORIZATION, value);
        Ok(())
    }

    /// Sends a request again that may have been lost. This is safe, since every operation is idempotent.
    async fn exec(&self, request: Request, _info: &OperationInfo) -> reqwest::Result<Response> {
        let deadline = Instant::now() + self.inner().timeout;
        let mut attempt = 1;
        loop {
            let Some(mut copy) = request.try_clone() else {
                return self.client().execute(request).await;
            };
            *copy.timeout_mut() = Some(deadline.saturating_duration_since(Instant::now()));
            let (answer, retryable, asked) = match send(self.client(), copy).await {
                Ok(answer) if answer.status().as_u16() < 400 => return Ok(answer.map(Body::from).into()),
                Ok(answer) => refusal(answer),
                Err(error) => {
                    let again = !error.is_builder();
                    (Err(error), again, None)
                }
            };
            let wait = if retryable && attempt < ATTEMPTS { wait_after(attempt, asked) } else { None };
            match wait {
                Some(wait) if Instant::now() + wait < deadline => tokio::time::sleep(wait).await,
                _ => return answer,
            }
            attempt += 1;
        }
    }
}

type Refusal = (reqwest::Result<Response>, bool, Option<Duration>);

/// Sends a request and reads the whole answer, so that an answer that breaks off in its body is a try that failed.
async fn send(client: &reqwest::Client, request: Request) -> reqwest::Result<http::Response<Bytes>> {
    let answer = client.execute(request).await?;
    let (status, headers) = (answer.status(), answer.headers().clone());
    let mut whole = http::Response::new(answer.bytes().await?);
    *whole.status_mut() = status;
    *whole.headers_mut() = headers;
    Ok(whole)
}

/// Reads an answer that refuses the request. Returns the refusal in the form of our own errors, whether the same call can
/// succeed later, and the wait that the other side asks for.
fn refusal(mut answer: http::Response<Bytes>) -> Refusal {
    let asked = text(answer.headers(), RETRY_AFTER.as_str()).parse().ok().map(Duration::from_secs);
    // An answer in another form comes from the platform in front of the function.
    let error = serde_json::from_slice::<types::Error>(answer.body()).unwrap_or_else(|_| {
        let error = ArtifactRegistryError::from_platform(answer.status(), text(answer.headers(), "x-request-id"));
        let status = u16::try_from(error.http_status_code).ok().and_then(|code| StatusCode::from_u16(code).ok());
        *answer.status_mut() = status.unwrap_or(StatusCode::BAD_GATEWAY);
        (*error).clone()
    });
    let body = serde_json::to_vec(&error).unwrap_or_default();
    (Ok(answer.map(|_| Body::from(body)).into()), error.retryable, asked)
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}
