use crate::{
    binding::{FunctionBinding, check_url},
    connection::{Connection, transport},
    error::{ArtifactRegistryError, Result},
    generated::Client,
    token::Token,
    types::{self, ErrorCode, LogicalName, RegistryName, RepositoryId},
};
use std::{env, num::NonZeroU64};

/// A registry by the name that its stack gave it, found by `ALIEN_{NAME}_BINDING`.
pub async fn artifact_registry(name: &str) -> Result<Registry> {
    Registry::from_variables(name, |variable| env::var(variable).ok()).await
}

/// One registry, and what can be done with it. Every operation is idempotent, and is tried again where that can help.
#[derive(Clone)]
pub struct Registry {
    client: Client,
    name: RegistryName,
    endpoint: String,
    prefix: String,
}

impl Registry {
    /// As [`artifact_registry`], with the variables from elsewhere than the process.
    pub async fn from_variables(name: &str, lookup: impl Fn(&str) -> Option<String>) -> Result<Self> {
        let registry: RegistryName = parse(name, "registry")?;
        let binding = FunctionBinding::read(name, &lookup)?;
        let (url, facts) = (binding.url.clone(), binding.facts());
        let client = client_of(&url, binding.token(&lookup)?)?;
        match facts {
            Some((endpoint, prefix)) => Ok(Self { client, name: registry, endpoint, prefix }),
            None => Self::described(client, registry).await,
        }
    }

    /// The registry `name` behind the function at `url`, asked as whom the token proves.
    pub async fn connect(name: &str, url: &str, token: Token) -> Result<Self> {
        check_url(url, "The connection")?;
        Self::over(client_of(url, token)?, name).await
    }

    /// The registry `name` behind a client of your own making: with another transport (a proxy, a CA) or another patience.
    pub async fn over(client: Client, name: &str) -> Result<Self> {
        Self::described(client, parse(name, "registry")?).await
    }

    async fn described(client: Client, name: RegistryName) -> Result<Self> {
        let body = types::DescribeRegistryBody { registry: name.clone() };
        let facts = client.describe_registry(&body).await?.into_inner();
        Ok(Self { client, name, endpoint: facts.registry_endpoint, prefix: facts.upstream_repository_prefix })
    }

    /// Creates a repository. `repo_name` is its logical name; the answer's `name` is the routable one, which every other
    /// operation takes.
    pub async fn create_repository(&self, repo_name: &str) -> Result<types::RepositoryResponse> {
        let body =
            types::CreateRepositoryBody { registry: self.name.clone(), name: parse::<LogicalName>(repo_name, "name")? };
        Ok(self.client.create_repository(&body).await?.into_inner())
    }

    /// Details of a repository. `repo_id` is what [`Self::create_repository`] answered; the logical name is understood too.
    pub async fn get_repository(&self, repo_id: &str) -> Result<types::RepositoryResponse> {
        let body = types::GetRepositoryBody { registry: self.name.clone(), repo_id: id(repo_id)? };
        Ok(self.client.get_repository(&body).await?.into_inner())
    }

    /// Deletes exactly this repository, with all its images.
    pub async fn delete_repository(&self, repo_id: &str) -> Result<()> {
        let body = types::DeleteRepositoryBody { registry: self.name.clone(), repo_id: id(repo_id)? };
        self.client.delete_repository(&body).await?;
        Ok(())
    }

    /// Credentials for one repository and one permission level. `ttl_seconds` is a wish: raised or capped to what the
    /// platform allows; `expires_at` tells what was granted.
    pub async fn generate_credentials(
        &self,
        repo_id: &str,
        permissions: types::ArtifactRegistryPermissions,
        ttl_seconds: Option<u32>,
    ) -> Result<types::ArtifactRegistryCredentials> {
        let positive = |seconds: u32| {
            NonZeroU64::new(seconds.into()).ok_or_else(|| invalid("ttlSeconds", "must be at least 1 second"))
        };
        let body = types::GenerateCredentialsBody {
            registry: self.name.clone(),
            repo_id: id(repo_id)?,
            permissions,
            ttl_seconds: ttl_seconds.map(positive).transpose()?,
        };
        Ok(self.client.generate_credentials(&body).await?.into_inner())
    }

    /// Adds what `access` spells out to what is granted already.
    pub async fn add_cross_account_access(&self, repo_id: &str, access: types::CrossAccountAccess) -> Result<()> {
        let body = types::AddCrossAccountAccessBody { registry: self.name.clone(), repo_id: id(repo_id)?, access };
        self.client.add_cross_account_access(&body).await?;
        Ok(())
    }

    /// Takes away what `access` spells out, erring on the side of revoking.
    pub async fn remove_cross_account_access(&self, repo_id: &str, access: types::CrossAccountAccess) -> Result<()> {
        let body = types::RemoveCrossAccountAccessBody { registry: self.name.clone(), repo_id: id(repo_id)?, access };
        self.client.remove_cross_account_access(&body).await?;
        Ok(())
    }

    /// The union of all grants, and the exact list of them.
    pub async fn get_cross_account_access(&self, repo_id: &str) -> Result<types::CrossAccountPermissions> {
        let body = types::GetCrossAccountAccessBody { registry: self.name.clone(), repo_id: id(repo_id)? };
        Ok(self.client.get_cross_account_access(&body).await?.into_inner())
    }

    /// Creates the repository, then adds each access.
    pub async fn setup_repository(
        &self,
        repo_name: &str,
        access: Vec<types::CrossAccountAccess>,
    ) -> Result<types::RepositoryResponse> {
        let body = types::SetupRepositoryBody { registry: self.name.clone(), name: parse(repo_name, "name")?, access };
        Ok(self.client.setup_repository(&body).await?.into_inner())
    }

    /// URL of the registry, as image clients reach it.
    pub fn registry_endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Path under which all its repositories live; may be empty.
    pub fn upstream_repository_prefix(&self) -> &str {
        &self.prefix
    }
}

fn client_of(url: &str, token: Token) -> Result<Client> {
    let transport = transport(url).map_err(|_| {
        ArtifactRegistryError::new(ErrorCode::InternalError, "This machine gives no way to open HTTP connections.")
    })?;
    Ok(Client::new_with_client(url.trim_end_matches('/'), transport, Connection::new(token)))
}

fn id(repo_id: &str) -> Result<RepositoryId> {
    parse(repo_id, "repoId")
}

fn parse<T: std::str::FromStr>(text: &str, field: &str) -> Result<T> {
    text.parse().map_err(|_| invalid(field, "has a length or a character that it may not have"))
}

fn invalid(field: &str, why: &str) -> ArtifactRegistryError {
    ArtifactRegistryError::new(ErrorCode::InvalidInput, format!("\"{field}\" {why}.")).field(field)
}
