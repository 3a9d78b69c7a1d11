use crate::{
    error::{ArtifactRegistryError, Result},
    token::Token,
    types::ErrorCode,
};
use reqwest::Url;
use serde::Deserialize;

/// Where a mounted service-account token is looked for, as the Helm chart mounts it.
const TOKEN_FILE: &str = "/var/run/secrets/artifact-registry/token";

/// Where a registry's function is, and how to prove who calls: JSON of `ALIEN_{NAME}_BINDING`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FunctionBinding {
    service: String,
    #[serde(default)]
    pub url: String,
    #[serde(default)]
    platform: String,
    auth: Option<Auth>,
    pub registry_endpoint: Option<String>,
    pub upstream_repository_prefix: Option<String>,
}

#[derive(Deserialize)]
struct Auth {
    r#type: String,
    file: Option<String>,
    variable: Option<String>,
}

impl FunctionBinding {
    /// The binding of a registry, looked up by the name of its variable.
    pub fn read(registry: &str, lookup: &impl Fn(&str) -> Option<String>) -> Result<Self> {
        let variable = format!("ALIEN_{}_BINDING", registry.replace('-', "_").to_uppercase());
        let text = lookup(&variable).ok_or_else(|| {
            let message = format!("No function is bound for the registry \"{registry}\".");
            ArtifactRegistryError::new(ErrorCode::BindingNotConfigured, message)
                .hint(format!("Set {variable} to {{\"service\":\"function\",\"url\":…,\"platform\":…}}."))
        })?;
        // What serde says may quote the binding, which nobody promised to hold no secret.
        let binding: Self = serde_json::from_str(&text).map_err(|_| refused(&variable, "is no function's binding."))?;
        if binding.service != "function" {
            return Err(refused(&variable, &format!("binds the service \"{}\", not a function.", binding.service)));
        }
        check_url(&binding.url, &variable)?;
        if binding.registry_endpoint.is_some() != binding.upstream_repository_prefix.is_some() {
            return Err(refused(
                &variable,
                "has one of registryEndpoint and upstreamRepositoryPrefix: give both or none.",
            ));
        }
        Ok(binding)
    }

    /// The token that the binding names, or that is usual on its platform.
    pub fn token(&self, lookup: &impl Fn(&str) -> Option<String>) -> Result<Token> {
        let caller_token = || match lookup("ALIEN_CALLER_TOKEN") {
            Some(token) => Token::fixed(token),
            None => Token::variable("ALIEN_CALLER_TOKEN"),
        };
        match (&self.auth, self.platform.as_str()) {
            (Some(Auth { r#type, file: Some(file), .. }), _) if r#type == "token" => Ok(Token::file(file)),
            (Some(Auth { r#type, variable: Some(name), .. }), _) if r#type == "token" => Ok(Token::variable(name)),
            (None, "kubernetes") => {
                Ok(Token::file(lookup("ALIEN_TOKEN_FILE").unwrap_or_else(|| TOKEN_FILE.to_owned())))
            }
            (None, "local") => Ok(caller_token()),
            _ => Err(refused("The binding", "asks for a form of authentication that this crate does not have.")
                .hint("Pass a Token to Registry::connect, or name one: \"auth\":{\"type\":\"token\",\"file\":…}.")),
        }
    }
}

/// Tokens travel to this URL: never in the clear over a network.
pub(crate) fn check_url(url: &str, place: &str) -> Result<()> {
    let safe = Url::parse(url).is_ok_and(|url| match url.scheme() {
        "https" => true,
        "http" => url.host_str().is_some_and(is_near),
        _ => false,
    });
    if safe {
        return Ok(());
    }
    Err(refused(place, "has no usable url.").hint("https, or http on this machine: tokens travel to it."))
}

/// This machine, or inside a cluster, where TLS is often the network's own affair.
fn is_near(host: &str) -> bool {
    let loopback = host.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
    loopback || host == "localhost" || host.ends_with(".svc") || host.ends_with(".svc.cluster.local")
}

fn refused(place: &str, why: &str) -> ArtifactRegistryError {
    ArtifactRegistryError::new(ErrorCode::BindingConfigInvalid, format!("{place} {why}"))
}
