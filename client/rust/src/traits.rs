use crate::{error::Result, registry::Registry, types};
use async_trait::async_trait;

/// What a program needs of an artifact registry, whoever provides it. [`Registry`] provides it by calling a function of the
/// suite; a test may provide its own. The trait is dyn compatible: `Box<dyn ArtifactRegistry>` and `Arc<dyn ArtifactRegistry>`
/// work.
///
/// # Examples
///
/// ```
/// use artifact_registry_functions::{ArtifactRegistry, Result};
///
/// async fn release(registry: &dyn ArtifactRegistry) -> Result<String> {
///     Ok(registry.create_repository("my-app").await?.name)
/// }
/// ```
#[async_trait]
pub trait ArtifactRegistry: Send + Sync {
    /// Creates a repository, or returns the one that exists already. `repo_name` is its logical name; the answer's `name` is
    /// what the other operations take.
    async fn create_repository(&self, repo_name: &str) -> Result<types::RepositoryResponse>;

    /// Returns a repository.
    async fn get_repository(&self, repo_id: &str) -> Result<types::RepositoryResponse>;

    /// Lets the consumers that `access` names pull, beside those that may pull already.
    async fn add_cross_account_access(&self, repo_id: &str, access: types::CrossAccountAccess) -> Result<()>;

    /// Revokes what `access` names. [`Registry::remove_cross_account_access`] also tells what still lets them in.
    async fn remove_cross_account_access(&self, repo_id: &str, access: types::CrossAccountAccess) -> Result<()>;

    /// Reads who else may pull.
    async fn get_cross_account_access(&self, repo_id: &str) -> Result<types::CrossAccountPermissions>;

    /// Mints credentials for one repository and one permission. `ttl_seconds` is the lifetime that you want, in seconds.
    async fn generate_credentials(
        &self,
        repo_id: &str,
        permissions: types::ArtifactRegistryPermissions,
        ttl_seconds: Option<u32>,
    ) -> Result<types::ArtifactRegistryCredentials>;

    /// Deletes this repository, and no other, with all its images.
    async fn delete_repository(&self, repo_id: &str) -> Result<()>;

    /// The URL at which image clients reach the registry. It is empty where the implementation knows none.
    fn registry_endpoint(&self) -> String {
        String::new()
    }

    /// The path under which all repositories of the registry live. It may be empty.
    fn upstream_repository_prefix(&self) -> String {
        String::new()
    }
}

/// Each method is the one of the same name that [`Registry`] has by itself.
#[async_trait]
impl ArtifactRegistry for Registry {
    async fn create_repository(&self, repo_name: &str) -> Result<types::RepositoryResponse> {
        Registry::create_repository(self, repo_name).await
    }

    async fn get_repository(&self, repo_id: &str) -> Result<types::RepositoryResponse> {
        Registry::get_repository(self, repo_id).await
    }

    async fn add_cross_account_access(&self, repo_id: &str, access: types::CrossAccountAccess) -> Result<()> {
        Registry::add_cross_account_access(self, repo_id, access).await
    }

    async fn remove_cross_account_access(&self, repo_id: &str, access: types::CrossAccountAccess) -> Result<()> {
        Registry::remove_cross_account_access(self, repo_id, access).await.map(drop)
    }

    async fn get_cross_account_access(&self, repo_id: &str) -> Result<types::CrossAccountPermissions> {
        Registry::get_cross_account_access(self, repo_id).await
    }

    async fn generate_credentials(
        &self,
        repo_id: &str,
        permissions: types::ArtifactRegistryPermissions,
        ttl_seconds: Option<u32>,
    ) -> Result<types::ArtifactRegistryCredentials> {
        Registry::generate_credentials(self, repo_id, permissions, ttl_seconds).await
    }

    async fn delete_repository(&self, repo_id: &str) -> Result<()> {
        Registry::delete_repository(self, repo_id).await
    }

    fn registry_endpoint(&self) -> String {
        Registry::registry_endpoint(self).to_owned()
    }

    fn upstream_repository_prefix(&self) -> String {
        Registry::upstream_repository_prefix(self).to_owned()
    }
}
