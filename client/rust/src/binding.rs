use crate::{
    error::{ArtifactRegistryError, Result},
    identity,
    token::Token,
    types::ErrorCode,
};
use reqwest::Url;
use serde::Deserialize;

/// The file at which the Helm chart mounts a service-account token.
const TOKEN_FILE: &str = "/var/run/secrets/artifact-registry/token";

/// Says where a registry's function is and how to prove who calls. It is the JSON of `ALIEN_{NAME}_BINDING`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FunctionBinding {
    service: String,
    #[serde(default)]
    pub url: String,
    #[serde(default)]
    platform: String,
    auth: Option<Auth>,
    registry_endpoint: Option<String>,
    upstream_repository_prefix: Option<String>,
}

/// The forms of authentication of the TypeScript client. `Other` stands for those that this crate does not support.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum Auth {
    Token {
        file: Option<String>,
        variable: Option<String>,
    },
    Gcp {
        audience: Option<String>,
    },
    Azure {
        audience: String,
        #[serde(rename = "clientId")]
        client_id: Option<String>,
    },
    Github {
        audience: String,
    },
    #[serde(other)]
    Other,
}

impl FunctionBinding {
    /// Reads the binding of a registry from its variable.
    pub fn read(registry: &str, lookup: &impl Fn(&str) -> Option<String>) -> Result<Self> {
        let variable = format!("ALIEN_{}_BINDING", registry.replace('-', "_").to_uppercase());
        let text = lookup(&variable).ok_or_else(|| {
            let message = format!("No function is bound for the registry \"{registry}\".");
            ArtifactRegistryError::new(ErrorCode::BindingNotConfigured, message)
                .hint(format!("Set {variable} to {{\"service\":\"function\",\"url\":…,\"platform\":…}}."))
        })?;
        // The message of serde may quote the binding, and with it a secret.
        let binding: Self =
            serde_json::from_str(&text).map_err(|_| refused(&variable, "is not the binding of a function."))?;
        if binding.service != "function" {
            return Err(refused(&variable, &format!("binds the service \"{}\", not a function.", binding.service)));
        }
        check_url(&binding.url, &variable)?;
        if binding.registry_endpoint.is_some() != binding.upstream_repository_prefix.is_some() {
            return Err(refused(
                &variable,
                "has only one of registryEndpoint and upstreamRepositoryPrefix. Give both or neither.",
            ));
        }
        Ok(binding)
    }

    /// Returns the registry's endpoint and prefix, if the binding says them.
    pub fn facts(&self) -> Option<(String, String)> {
        self.registry_endpoint.clone().zip(self.upstream_repository_prefix.clone())
    }

    /// Returns the token that the binding asks for, or else the default one of its platform.
    pub fn token(self, lookup: &impl Fn(&str) -> Option<String>) -> Result<Token> {
        match self.auth.unwrap_or_else(|| default_auth(&self.platform, lookup)) {
            Auth::Token { file: Some(file), .. } => Ok(Token::file(file)),
            Auth::Token { variable: Some(name), .. } => Ok(match lookup(&name) {
                Some(token) => Token::fixed(token),
                None => Token::variable(name),
            }),
            Auth::Gcp { audience } => Ok(identity::google(audience.unwrap_or_else(|| origin(&self.url)), lookup)),
            Auth::Azure { audience, client_id } if !audience.is_empty() => {
                Ok(identity::azure(audience, client_id, lookup))
            }
            Auth::Azure { .. } => Err(refused("The binding", "has no auth.audience.")
                .hint("Set it to the application ID URI of the function's authentication.")),
            Auth::Github { audience } => Ok(identity::github(audience, lookup)),
            _ => Err(refused("The binding", "asks for a form of authentication that this crate does not support.")
                .hint("Pass a Token to Registry::connect. On AWS, call a function behind the oidc door.")),
        }
    }
}

fn default_auth(platform: &str, lookup: &impl Fn(&str) -> Option<String>) -> Auth {
    match platform {
        "gcp" => Auth::Gcp { audience: None },
        "azure" => Auth::Azure { audience: lookup("ALIEN_AUDIENCE").unwrap_or_default(), client_id: None },
        "kubernetes" => {
            let file = lookup("ALIEN_TOKEN_FILE").unwrap_or_else(|| TOKEN_FILE.to_owned());
            Auth::Token { file: Some(file), variable: None }
        }
        "local" => Auth::Token { file: None, variable: Some("ALIEN_CALLER_TOKEN".to_owned()) },
        _ => Auth::Other,
    }
}

/// The audience of a token for a function on Google Cloud: the origin of the function's URL.
fn origin(url: &str) -> String {
    Url::parse(url).map(|url| url.origin().ascii_serialization()).unwrap_or_default()
}

/// Refuses a URL to which no token may be sent. A token never crosses a network in the clear.
pub(crate) fn check_url(url: &str, place: &str) -> Result<()> {
    let safe = Url::parse(url).is_ok_and(|url| {
        let bare = url.username().is_empty() && url.password().is_none() && url.query().is_none();
        let private = match url.scheme() {
            "https" => true,
            "http" => url.host_str().is_some_and(is_near),
            _ => false,
        };
        bare && url.fragment().is_none() && private
    });
    if safe {
        return Ok(());
    }
    Err(refused(place, "has no usable url.")
        .hint("Use https, or http on this machine, since tokens are sent to it. Leave out user, query and fragment."))
}

/// Whether the host is this machine or is inside a cluster, where it is often the network that encrypts.
fn is_near(host: &str) -> bool {
    let loopback = host.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
    loopback || host == "localhost" || host.ends_with(".svc") || host.ends_with(".svc.cluster.local")
}

fn refused(place: &str, why: &str) -> ArtifactRegistryError {
    ArtifactRegistryError::new(ErrorCode::BindingConfigInvalid, format!("{place} {why}"))
}
