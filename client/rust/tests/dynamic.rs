//! The trait as programs use it that know no implementation.

mod support;

use artifact_registry_functions::{
    ArtifactRegistry, ArtifactRegistryCredentials, ArtifactRegistryPermissions, CrossAccountAccess,
    CrossAccountPermissions, ErrorCode, Registry, RepositoryResponse, Result,
};
use async_trait::async_trait;
use serde_json::json;
use std::sync::Arc;
use support::Server;

/// Does all that a deployment does, on a thread of its own.
async fn deploy(registry: Arc<dyn ArtifactRegistry>) -> Result<(String, Option<ErrorCode>)> {
    let work = async move {
        let created = registry.create_repository("my-app").await?;
        let minted = registry.generate_credentials(&created.name, ArtifactRegistryPermissions::Pull, Some(900)).await;
        registry.delete_repository(&created.name).await?;
        let place =
            format!("{} {} {}", registry.registry_endpoint(), registry.upstream_repository_prefix(), created.name);
        Ok((place, minted.err().map(|refused| refused.code)))
    };
    tokio::spawn(work).await.expect("no panic")
}

#[tokio::test]
async fn the_client_is_one_implementation() {
    let refusal = json!({
        "code": "ACCESS_DENIED", "message": "No.", "retryable": false, "httpStatusCode": 403, "requestId": "r-1", "context": {},
    });
    let created = json!({"name": "images/my-app"}).to_string();
    let server =
        Server::start(vec![(200, "", created), (403, "", refusal.to_string()), (200, "", "{}".to_owned())]).await;
    let binding = json!({
        "service": "function", "url": server.url, "platform": "local",
        "registryEndpoint": "http://127.0.0.1:5050", "upstreamRepositoryPrefix": "images",
    });
    let registry = Registry::from_variables("images", |name| {
        Some(if name == "ALIEN_IMAGES_BINDING" { binding.to_string() } else { "a-token".to_owned() })
    });
    let done = deploy(Arc::new(registry.await.expect("a good binding"))).await.expect("a deployment");
    assert_eq!(done, ("http://127.0.0.1:5050 images images/my-app".to_owned(), Some(ErrorCode::AccessDenied)));
    let paths: Vec<String> = server.asked().into_iter().map(|asked| asked.path).collect();
    assert_eq!(paths, ["/v1/createRepository", "/v1/generateCredentials", "/v1/deleteRepository"]);
}

/// A registry in memory, as a test of somebody's program has one. It keeps what the trait provides.
struct InMemory;

#[async_trait]
impl ArtifactRegistry for InMemory {
    async fn create_repository(&self, repo_name: &str) -> Result<RepositoryResponse> {
        Ok(RepositoryResponse { name: format!("memory/{repo_name}"), uri: None, created_at: None })
    }

    async fn get_repository(&self, repo_id: &str) -> Result<RepositoryResponse> {
        Ok(RepositoryResponse { name: repo_id.to_owned(), uri: None, created_at: None })
    }

    async fn add_cross_account_access(&self, _: &str, _: CrossAccountAccess) -> Result<()> {
        Ok(())
    }

    async fn remove_cross_account_access(&self, _: &str, _: CrossAccountAccess) -> Result<()> {
        Ok(())
    }

    async fn get_cross_account_access(&self, repo_id: &str) -> Result<CrossAccountPermissions> {
        unreachable!("nobody asks who may pull {repo_id}")
    }

    async fn generate_credentials(
        &self,
        _: &str,
        _: ArtifactRegistryPermissions,
        _: Option<u32>,
    ) -> Result<ArtifactRegistryCredentials> {
        let minted =
            json!({"authMethod": "basic", "username": "token", "password": "(a secret)", "scope": "repository"});
        Ok(serde_json::from_value(minted).expect("credentials"))
    }

    async fn delete_repository(&self, _: &str) -> Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn somebody_elses_is_another_and_need_not_know_an_endpoint() {
    assert_eq!(deploy(Arc::new(InMemory)).await.expect("a deployment"), ("  memory/my-app".to_owned(), None));
}
