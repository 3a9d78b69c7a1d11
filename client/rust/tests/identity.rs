//! The client asks each identity service as its documentation says, and sends the token on.

mod support;

use artifact_registry_functions::{ErrorCode, Registry, Result};
use serde_json::{Value, json};
use std::collections::HashMap;
use support::{Asked, Server};

/// Connects with the variables that the test gives, and makes one call.
async fn get_repository(function: &Server, more: Value, variables: &[(&str, String)]) -> Result<()> {
    let mut binding = json!({
        "service": "function", "url": format!("{}/api", function.url),
        "registryEndpoint": "http://127.0.0.1:5050", "upstreamRepositoryPrefix": "images",
    });
    binding.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    let mut all: HashMap<&str, String> = variables.iter().cloned().collect();
    all.insert("ALIEN_IMAGES_BINDING", binding.to_string());
    let registry = Registry::from_variables("images", |name| all.get(name).cloned()).await?;
    registry.get_repository("my-app").await.map(|_| ())
}

async fn function() -> Server {
    Server::start(vec![(200, "", json!({"name": "images/my-app"}).to_string())]).await
}

fn query_of(asked: &Asked) -> HashMap<String, String> {
    let url = reqwest::Url::parse(&format!("http://here{}", asked.path)).expect("a URL");
    url.query_pairs().into_owned().collect()
}

fn sent(function: &Server) -> String {
    function.asked()[0].headers["authorization"].clone()
}

#[tokio::test]
async fn google_gives_an_id_token_for_the_functions_url() {
    let metadata = Server::start(vec![(200, "", "google-token".to_owned())]).await;
    let function = function().await;
    let host = metadata.url.replace("http://", "");
    get_repository(&function, json!({"platform": "gcp"}), &[("GCE_METADATA_HOST", host)]).await.expect("a repository");
    let asked = &metadata.asked()[0];
    assert!(asked.path.starts_with("/computeMetadata/v1/instance/service-accounts/default/identity?"));
    assert_eq!(query_of(asked)["audience"], function.url, "the origin, without a path");
    assert_eq!(asked.headers["metadata-flavor"], "Google");
    assert_eq!(sent(&function), "Bearer google-token");
}

#[tokio::test]
async fn a_metadata_server_that_is_busy_for_a_moment_is_asked_again() {
    let answers = [Server::whole(503, "busy"), Server::cut_off(200, "google-"), Server::whole(200, "google-token")];
    let metadata = Server::start_raw(answers.to_vec()).await;
    let function = function().await;
    let host = metadata.url.replace("http://", "");
    get_repository(&function, json!({"platform": "gcp"}), &[("GCE_METADATA_HOST", host)]).await.expect("a repository");
    assert_eq!(metadata.asked().len(), 3);
    assert_eq!(sent(&function), "Bearer google-token");
}

#[tokio::test]
async fn a_metadata_server_that_refuses_or_stays_busy_is_given_up() {
    for (status, tries) in [(404, 1), (503, 4)] {
        let metadata = Server::start_raw(vec![Server::whole(status, "no"); 5]).await;
        let host = metadata.url.replace("http://", "");
        let asked = get_repository(&function().await, json!({"platform": "gcp"}), &[("GCE_METADATA_HOST", host)]).await;
        let refused = asked.expect_err("no token");
        assert_eq!(refused.code, ErrorCode::AuthenticationError);
        assert_eq!(refused.message, format!("Google's metadata server answered {status} instead of a token."));
        assert_eq!(metadata.asked().len(), tries);
    }
}

#[tokio::test]
async fn azure_gives_a_token_of_the_managed_identity_for_the_application() {
    let answer = json!({"access_token": "entra-token", "expires_on": "1"}).to_string();
    let place = Server::start(vec![(200, "", answer)]).await;
    let function = function().await;
    let variables =
        [("IDENTITY_ENDPOINT", format!("{}/msi/token", place.url)), ("IDENTITY_HEADER", "proof".to_owned())];
    let auth = json!({"platform": "azure", "auth": {"type": "azure", "audience": "api://app/", "clientId": "c-1"}});
    get_repository(&function, auth, &variables).await.expect("a repository");
    let asked = &place.asked()[0];
    let query = query_of(asked);
    assert_eq!((query["resource"].as_str(), query["api-version"].as_str()), ("api://app", "2019-08-01"));
    assert_eq!(query["client_id"], "c-1");
    assert_eq!(asked.headers["x-identity-header"], "proof");
    assert_eq!(sent(&function), "Bearer entra-token");
}

#[tokio::test]
async fn azure_without_an_audience_is_refused() {
    let refused = get_repository(&function().await, json!({"platform": "azure"}), &[]).await.expect_err("no audience");
    assert_eq!(refused.code, ErrorCode::BindingConfigInvalid);
}

#[tokio::test]
async fn github_gives_the_workflows_token() {
    let runner = Server::start(vec![(200, "", json!({"value": "workflow-token"}).to_string())]).await;
    let function = function().await;
    let variables = [
        ("ACTIONS_ID_TOKEN_REQUEST_URL", format!("{}/token?api-version=2", runner.url)),
        ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "proof".to_owned()),
    ];
    let auth = json!({"platform": "aws", "auth": {"type": "github", "audience": "artifact-registry"}});
    get_repository(&function, auth, &variables).await.expect("a repository");
    let asked = &runner.asked()[0];
    let query = query_of(asked);
    assert_eq!((query["audience"].as_str(), query["api-version"].as_str()), ("artifact-registry", "2"));
    assert_eq!(asked.headers["authorization"], "Bearer proof");
    assert_eq!(sent(&function), "Bearer workflow-token");
}

#[tokio::test]
async fn a_mounted_token_is_sent_without_its_line_end() {
    let function = function().await;
    let file = std::env::temp_dir().join(format!("token-{}", std::process::id()));
    std::fs::write(&file, "mounted-token\n").expect("a file");
    let variables = [("ALIEN_TOKEN_FILE", file.display().to_string())];
    let called = get_repository(&function, json!({"platform": "kubernetes"}), &variables).await;
    std::fs::remove_file(&file).expect("the file");
    called.expect("a repository");
    assert_eq!(sent(&function), "Bearer mounted-token");
}

#[tokio::test]
async fn without_an_identity_nothing_is_sent_and_the_error_says_why() {
    let function = function().await;
    let silent = Server::start(vec![(404, "", "no identity".to_owned())]).await;
    let host = silent.url.replace("http://", "");
    let github = json!({"platform": "aws", "auth": {"type": "github", "audience": "artifact-registry"}});
    for (binding, variables, why) in [
        (json!({"platform": "gcp"}), vec![("GCE_METADATA_HOST", host)], "answered 404"),
        (github, vec![], "id-token: write"),
        (json!({"platform": "kubernetes"}), vec![("ALIEN_TOKEN_FILE", "/nowhere/token".to_owned())], "/nowhere/token"),
    ] {
        let refused = get_repository(&function, binding, &variables).await.expect_err("no token");
        assert_eq!(refused.code, ErrorCode::AuthenticationError);
        assert!(refused.message.contains(why), "{refused}");
    }
    assert!(function.asked().is_empty());
}
