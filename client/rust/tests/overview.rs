//! Makes the calls of the overview against a local platform, which `npm run test:rust` starts. `ALIEN_IMAGES_BINDING` and
//! `ALIEN_CALLER_TOKEN` say where it is.

use artifact_registry_functions::{
    ArtifactRegistryPermissions, AuthMethod, CrossAccountAccess, ErrorCode, Registry, Scope, ServiceType, Token,
    artifact_registry, types::ErrorContextValue,
};
use chrono::{TimeDelta, Utc};
use std::env;

async fn images() -> Registry {
    artifact_registry("images").await.expect("a local platform: run this with npm run test:rust")
}

fn aws() -> CrossAccountAccess {
    CrossAccountAccess::Aws {
        account_ids: vec!["987654321098".parse().expect("an account")],
        regions: vec!["us-east-1".parse().expect("a region")],
        role_arns: vec!["arn:aws:iam::987654321098:role/lambda-execution".parse().expect("a role")],
        allowed_service_types: vec![ServiceType::Worker],
    }
}

fn gcp() -> CrossAccountAccess {
    CrossAccountAccess::Gcp {
        project_numbers: vec!["123456789".parse().expect("a project")],
        service_account_emails: vec!["sa@project.iam.gserviceaccount.com".parse().expect("an account")],
        allowed_service_types: vec![ServiceType::Worker],
    }
}

#[tokio::test]
async fn creates_a_repository_and_mints_credentials_for_it() {
    let registry = images().await;
    let repo = registry.create_repository("rust-app").await.expect("a repository");
    assert_eq!(repo.name, "images/rust-app");
    let host = registry.registry_endpoint().strip_prefix("http://").expect("a URL").to_owned();
    assert_eq!(repo.uri, Some(format!("{host}/images/rust-app")));
    assert_eq!(registry.upstream_repository_prefix(), "images");
    assert!(repo.created_at.is_some_and(|created| (Utc::now() - created).abs() < TimeDelta::hours(1)));

    let creds = registry.generate_credentials("rust-app", ArtifactRegistryPermissions::PushPull, Some(3600)).await;
    let creds = creds.expect("credentials");
    assert_eq!(
        (creds.auth_method, creds.username.as_str(), creds.scope),
        (AuthMethod::Basic, "token", Scope::Repository)
    );
    assert!(!creds.password.reveal().is_empty());
    let left = creds.expires_at.expect("an end") - Utc::now();
    assert!(left > TimeDelta::minutes(50) && left < TimeDelta::minutes(61), "{left}");
}

#[tokio::test]
async fn the_registry_takes_what_the_credentials_say_and_no_more() {
    let registry = images().await;
    let repo = registry.create_repository("rust-scope").await.expect("a repository");
    registry.create_repository("rust-other").await.expect("a repository");
    let creds =
        registry.generate_credentials(&repo.name, ArtifactRegistryPermissions::Pull, None).await.expect("credentials");
    let tags = async |repository: &str, password: &str| {
        let url = format!("{}/v2/{repository}/tags/list", registry.registry_endpoint());
        let request = reqwest::Client::new().get(url).basic_auth(&creds.username, Some(password));
        request.send().await.expect("an answer").status().as_u16()
    };
    assert_eq!(tags(&repo.name, creds.password.reveal()).await, 200);
    assert!(matches!(tags("images/rust-other", creds.password.reveal()).await, 401 | 403));
    assert_eq!(tags(&repo.name, "no-password").await, 401);
    let base = registry.create_repository("rust-base").await.expect("a repository");
    let pull = ArtifactRegistryPermissions::Pull;
    let creds = registry.generate_build_credentials(&repo.name, pull, None, &["rust-base"]).await.expect("credentials");
    assert_eq!(tags(&repo.name, creds.password.reveal()).await, 200);
    assert_eq!(tags(&base.name, creds.password.reveal()).await, 200);
    assert!(matches!(tags("images/rust-other", creds.password.reveal()).await, 401 | 403));
}

#[tokio::test]
async fn a_region_reaches_the_function_and_is_refused_where_tokens_are_not_regional() {
    let registry = images().await;
    let repo = registry.create_repository("rust-region").await.expect("a repository");
    for region in ["eu-west-1", "no region"] {
        let refused = registry.generate_regional_credentials(&repo.name, None, region).await.expect_err("a refusal");
        assert_eq!(refused.code, ErrorCode::InvalidInput);
        assert!(matches!(refused.context.get("field"), Some(ErrorContextValue::String(field)) if field == "region"));
        // Only the one that is no region is refused before it is sent.
        assert_eq!(refused.request_id.is_empty(), region == "no region");
    }
}

#[tokio::test]
async fn cross_account_access_is_refused_locally_with_a_reason_and_another_way() {
    let registry = images().await;
    registry.create_repository("rust-access").await.expect("a repository");
    for refused in [
        registry.add_cross_account_access("rust-access", aws()).await.expect_err("no accounts"),
        registry.add_cross_account_access("rust-access", gcp()).await.expect_err("no accounts"),
        registry.remove_cross_account_access("rust-access", aws()).await.expect_err("no accounts"),
        registry.get_cross_account_access("rust-access").await.err().expect("no accounts"),
        registry.setup_repository("rust-access", vec![aws(), gcp()]).await.expect_err("no accounts"),
    ] {
        assert_eq!(refused.code, ErrorCode::OperationNotSupported);
        assert_eq!((refused.http_status_code, refused.retryable), (501, false));
        assert!(refused.hint.as_ref().is_some_and(|hint| hint.contains("generateCredentials")));
        assert!(!refused.request_id.is_empty());
    }
}

#[tokio::test]
async fn what_was_deleted_is_gone_and_deleting_it_again_is_no_error() {
    let registry = images().await;
    let repo = registry.setup_repository("rust-gone", vec![]).await.expect("a repository");
    assert_eq!(registry.get_repository("rust-gone").await.expect("the same").name, repo.name);
    registry.delete_repository(&repo.name).await.expect("nothing");
    registry.delete_repository(&repo.name).await.expect("nothing again");
    let gone = registry.get_repository(&repo.name).await.expect_err("an absence");
    assert_eq!((gone.code, gone.http_status_code), (ErrorCode::ResourceNotFound, 404));
}

#[tokio::test]
async fn a_wrong_token_and_an_unknown_registry_are_told_apart() {
    let binding: serde_json::Value =
        serde_json::from_str(&env::var("ALIEN_IMAGES_BINDING").expect("a binding")).expect("JSON");
    let url = binding["url"].as_str().expect("a url");
    let wrong = Registry::connect("images", url, Token::fixed("somebody-else")).await.err().expect("a refusal");
    assert_eq!(wrong.code, ErrorCode::AuthenticationError);
    let token = Token::variable("ALIEN_CALLER_TOKEN");
    let unknown = Registry::connect("nobody-bound-this", url, token).await.err().expect("a refusal");
    assert_eq!(unknown.code, ErrorCode::BindingNotConfigured);
}

#[tokio::test]
async fn counts_characters_as_the_function_does() {
    let registry = images().await;
    let longest = "\u{1F980}".repeat(256);
    let created = registry.create_repository(&longest).await.expect("256 characters are a name");
    registry.delete_repository(&created.name).await.expect("nothing");
    let refused = registry.create_repository(&format!("{longest}x")).await.expect_err("257 are none");
    assert_eq!((refused.code, refused.request_id.as_str()), (ErrorCode::InvalidInput, ""));
}
