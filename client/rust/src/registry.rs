use crate::{
    binding::{FunctionBinding, check_url},
    connection::{Connection, transport},
    error::{ArtifactRegistryError, Result},
    generated::Client,
    token::Token,
    types::{self, ErrorCode, LogicalName, RegistryName, RepositoryId},
};
use std::{env, num::NonZeroU64};

/// Opens a registry by the name that its stack gave it. The variable `ALIEN_{NAME}_BINDING` says which function serves it.
/// Where the binding does not say the registry's endpoint, this calls `describeRegistry` once.
///
/// # Errors
///
/// `INVALID_INPUT` for a name that no registry may have, `BINDING_NOT_CONFIGURED`, `BINDING_CONFIG_INVALID`, and what the call
/// of `describeRegistry` answers.
///
/// # Examples
///
/// ```no_run
/// # async fn example() -> artifact_registry_functions::Result<()> {
/// let registry = artifact_registry_functions::artifact_registry("images").await?;
/// let repo = registry.create_repository("my-app").await?;
/// # Ok(())
/// # }
/// ```
pub async fn artifact_registry(name: &str) -> Result<Registry> {
    Registry::from_variables(name, |variable| env::var(variable).ok()).await
}

/// Which credentials to end. What is left out is not looked at.
#[derive(Clone, Debug, Default)]
pub struct WhichCredentials {
    /// The repository that they open.
    pub repo_id: Option<String>,
    /// What they allow.
    pub permissions: Option<types::ArtifactRegistryPermissions>,
    /// Who got them, as the audit log names the caller.
    pub caller: Option<types::Caller>,
    /// The one that the audit log names so.
    pub credential_id: Option<String>,
}

/// The operations of one registry. Every operation is idempotent, and a call is tried again where that can help.
#[derive(Clone)]
pub struct Registry {
    pub(crate) client: Client,
    pub(crate) name: RegistryName,
    endpoint: String,
    prefix: String,
}

impl Registry {
    /// Does the same as [`artifact_registry`], but takes the variables from `lookup` instead of the process.
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

    /// Opens the registry `name` behind the function at `url`. The token proves who calls.
    pub async fn connect(name: &str, url: &str, token: Token) -> Result<Self> {
        check_url(url, "The connection")?;
        Self::over(client_of(url, token)?, name).await
    }

    /// Opens the registry `name` with a client of your own, which may have another transport (a proxy, a CA) or timeout.
    pub async fn over(client: Client, name: &str) -> Result<Self> {
        Self::described(client, parse(name, "registry")?).await
    }

    async fn described(client: Client, name: RegistryName) -> Result<Self> {
        let body = types::DescribeRegistryBody { registry: name.clone() };
        let facts = client.describe_registry(&body).await?.into_inner();
        Ok(Self { client, name, endpoint: facts.registry_endpoint, prefix: facts.upstream_repository_prefix })
    }

    /// Creates a repository, or returns the one that exists already. `repo_name` is its logical name. The answer's `name` is
    /// what the other operations take.
    pub async fn create_repository(&self, repo_name: &str) -> Result<types::RepositoryResponse> {
        let body =
            types::CreateRepositoryBody { registry: self.name.clone(), name: parse::<LogicalName>(repo_name, "name")? };
        Ok(self.client.create_repository(&body).await?.into_inner())
    }

    /// Returns a repository. `repo_id` is the name that [`Self::create_repository`] answered, or the logical name.
    pub async fn get_repository(&self, repo_id: &str) -> Result<types::RepositoryResponse> {
        let body = types::GetRepositoryBody { registry: self.name.clone(), repo_id: id(repo_id)? };
        Ok(self.client.get_repository(&body).await?.into_inner())
    }

    /// Deletes this repository, and no other, with all its images.
    pub async fn delete_repository(&self, repo_id: &str) -> Result<()> {
        let body = types::DeleteRepositoryBody { registry: self.name.clone(), repo_id: id(repo_id)? };
        self.client.delete_repository(&body).await?;
        Ok(())
    }

    /// Mints credentials for one repository and one permission. `ttl_seconds` is the lifetime that you want, in seconds. It is
    /// raised or capped to what the platform allows; `expires_at` says how long the credentials are good for.
    pub async fn generate_credentials(
        &self,
        repo_id: &str,
        permissions: types::ArtifactRegistryPermissions,
        ttl_seconds: Option<u32>,
    ) -> Result<types::ArtifactRegistryCredentials> {
        self.mint(repo_id, permissions, ttl_seconds, &[], None).await
    }

    /// Does the same as [`Self::generate_credentials`], for a build that starts from other repositories of the registry: the
    /// credentials pull from each of `also_pull` as well, at most 10. The caller's rules must allow to pull from them.
    pub async fn generate_build_credentials(
        &self,
        repo_id: &str,
        permissions: types::ArtifactRegistryPermissions,
        ttl_seconds: Option<u32>,
        also_pull: &[&str],
    ) -> Result<types::ArtifactRegistryCredentials> {
        self.mint(repo_id, permissions, ttl_seconds, also_pull, None).await
    }

    /// Mints credentials that pull from one repository in one region of the registry: home, or a replica region. On Amazon ECR
    /// tokens are regional, and `registry_endpoint` in the answer says where these count. Other platforms refuse a region.
    pub async fn generate_regional_credentials(
        &self,
        repo_id: &str,
        ttl_seconds: Option<u32>,
        region: &str,
    ) -> Result<types::ArtifactRegistryCredentials> {
        self.mint(repo_id, types::ArtifactRegistryPermissions::Pull, ttl_seconds, &[], Some(region)).await
    }

    async fn mint(
        &self,
        repo_id: &str,
        permissions: types::ArtifactRegistryPermissions,
        ttl_seconds: Option<u32>,
        also_pull: &[&str],
        region: Option<&str>,
    ) -> Result<types::ArtifactRegistryCredentials> {
        let positive = |seconds: u32| {
            NonZeroU64::new(seconds.into()).ok_or_else(|| invalid("ttlSeconds", "must be at least 1 second"))
        };
        let body = types::GenerateCredentialsBody {
            registry: self.name.clone(),
            repo_id: id(repo_id)?,
            permissions,
            ttl_seconds: ttl_seconds.map(positive).transpose()?,
            region: region.map(|region| parse(region, "region")).transpose()?,
            also_pull: also_pull.iter().map(|id| parse(id, "alsoPull")).collect::<Result<_>>()?,
        };
        Ok(self.client.generate_credentials(&body).await?.into_inner())
    }

    /// Ends credentials before their time, where the registry checks them by itself. Everything in `which` that is given must
    /// fit; nothing given means every credential of the registry.
    ///
    /// # Errors
    ///
    /// `OPERATION_NOT_SUPPORTED` where a cloud checks the credentials. Its hint says how to end them there.
    pub async fn revoke_credentials(&self, which: WhichCredentials) -> Result<types::RevokeCredentialsResponse> {
        let WhichCredentials { repo_id, permissions, caller, credential_id } = which;
        let body = types::RevokeCredentialsBody {
            registry: self.name.clone(),
            repo_id: repo_id.as_deref().map(id).transpose()?,
            permissions,
            caller,
            credential_id: credential_id.as_deref().map(|text| parse(text, "credentialId")).transpose()?,
        };
        Ok(self.client.revoke_credentials(&body).await?.into_inner())
    }

    /// Lets the consumers that `access` names pull, beside those that may pull already.
    pub async fn add_cross_account_access(&self, repo_id: &str, access: types::CrossAccountAccess) -> Result<()> {
        let body = types::AddCrossAccountAccessBody { registry: self.name.clone(), repo_id: id(repo_id)?, access };
        self.client.add_cross_account_access(&body).await?;
        Ok(())
    }

    /// Revokes what `access` names. Where a grant cannot be split, this revokes more rather than less. The answer is mostly
    /// empty: it names statements of others that still let one of them in, and whom else AWS refused, who had to go as well.
    pub async fn remove_cross_account_access(
        &self,
        repo_id: &str,
        access: types::CrossAccountAccess,
    ) -> Result<types::RevokedAccess> {
        let body = types::RemoveCrossAccountAccessBody { registry: self.name.clone(), repo_id: id(repo_id)?, access };
        Ok(self.client.remove_cross_account_access(&body).await?.into_inner())
    }

    /// Reads who else may pull: the union of all grants, and the exact list of them.
    pub async fn get_cross_account_access(&self, repo_id: &str) -> Result<types::CrossAccountPermissions> {
        let body = types::GetCrossAccountAccessBody { registry: self.name.clone(), repo_id: id(repo_id)? };
        Ok(self.client.get_cross_account_access(&body).await?.into_inner())
    }

    /// Creates the repository and then adds all accesses in one edit.
    pub async fn setup_repository(
        &self,
        repo_name: &str,
        access: Vec<types::CrossAccountAccess>,
    ) -> Result<types::RepositoryResponse> {
        let body = types::SetupRepositoryBody { registry: self.name.clone(), name: parse(repo_name, "name")?, access };
        Ok(self.client.setup_repository(&body).await?.into_inner())
    }

    /// The URL at which image clients reach the registry.
    pub fn registry_endpoint(&self) -> &str {
        &self.endpoint
    }

    /// The path under which all repositories of the registry live. It may be empty.
    pub fn upstream_repository_prefix(&self) -> &str {
        &self.prefix
    }
}

fn client_of(url: &str, token: Token) -> Result<Client> {
    let transport = transport(url).map_err(|_| {
        ArtifactRegistryError::new(ErrorCode::InternalError, "This machine cannot open HTTP connections.")
    })?;
    Ok(Client::new_with_client(url.trim_end_matches('/'), transport, Connection::new(token)))
}

pub(crate) fn id(repo_id: &str) -> Result<RepositoryId> {
    parse(repo_id, "repoId")
}

pub(crate) fn parse<T: std::str::FromStr>(text: &str, field: &str) -> Result<T> {
    text.parse().map_err(|_| invalid(field, "is too short, too long, or has a character that is not allowed"))
}

pub(crate) fn invalid(field: &str, why: &str) -> ArtifactRegistryError {
    ArtifactRegistryError::new(ErrorCode::InvalidInput, format!("\"{field}\" {why}.")).field(field)
}
