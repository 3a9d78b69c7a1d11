//! What the client makes of answers, over real sockets.

mod support;

use artifact_registry_functions::{
    ArtifactRegistryPermissions, CrossAccountAccess, ErrorCode, Page, Registry, Scope, Token, WhichCredentials,
    types::ErrorContextValue,
};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicUsize, Ordering};
use support::Server;

/// Opens a registry whose binding says its facts, so that only the test makes requests.
async fn registry_at(url: &str) -> Registry {
    let binding = json!({
        "service": "function", "url": url, "platform": "local",
        "registryEndpoint": "http://127.0.0.1:5050", "upstreamRepositoryPrefix": "images",
    });
    let variables = |name: &str| match name {
        "ALIEN_IMAGES_BINDING" => Some(binding.to_string()),
        "ALIEN_CALLER_TOKEN" => Some("a-caller-of-the-tests".to_owned()),
        _ => None,
    };
    Registry::from_variables("images", variables).await.expect("a good binding")
}

fn error(code: &str, status: u16, retryable: bool) -> String {
    json!({
        "code": code, "message": "No.", "retryable": retryable, "httpStatusCode": status, "requestId": "r-1",
        "hint": "Ask.", "context": {"field": "name", "limit": 3, "known": true},
    })
    .to_string()
}

fn repository() -> String {
    json!({"name": "images/my-app", "uri": "127.0.0.1:5050/images/my-app", "addedLater": 1}).to_string()
}

#[tokio::test]
async fn sends_the_operation_with_the_token_and_reads_past_fields_it_does_not_know() {
    let server = Server::start(vec![(200, "", repository())]).await;
    let repository = registry_at(&server.url).await.create_repository("my-app").await.expect("an answer");
    assert_eq!(repository.name, "images/my-app");
    assert_eq!(repository.created_at, None);
    let asked = server.asked();
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].path, "/v1/createRepository");
    assert_eq!(asked[0].headers["authorization"], "Bearer a-caller-of-the-tests");
    let sent: Value = serde_json::from_str(&asked[0].body).expect("JSON");
    assert_eq!(sent, json!({"registry": "images", "name": "my-app"}));
}

#[tokio::test]
async fn an_error_keeps_all_that_the_function_said() {
    let server = Server::start(vec![(429, "", error("QUOTA_EXCEEDED", 429, false))]).await;
    let refused = registry_at(&server.url).await.get_repository("my-app").await.expect_err("a refusal");
    assert_eq!(refused.code, ErrorCode::QuotaExceeded);
    assert_eq!(refused.http_status_code, 429);
    assert!(!refused.retryable);
    assert_eq!(refused.request_id, "r-1");
    assert_eq!(refused.to_string(), "QUOTA_EXCEEDED: No. Ask.");
    assert!(matches!(refused.context.get("limit"), Some(ErrorContextValue::Number(limit)) if *limit == 3.0));
    assert!(matches!(refused.context.get("known"), Some(ErrorContextValue::Boolean(true))));
    assert_eq!(server.asked().len(), 1, "what is not retryable is asked once");
}

#[tokio::test]
async fn what_is_retryable_is_asked_again_until_it_succeeds() {
    let busy = error("SERVICE_UNAVAILABLE", 503, true);
    let server =
        Server::start(vec![(503, "", busy.clone()), (502, "", "<html>".to_owned()), (200, "", repository())]).await;
    registry_at(&server.url).await.get_repository("my-app").await.expect("an answer at the third try");
    assert_eq!(server.asked().len(), 3);
}

#[tokio::test]
async fn what_stays_retryable_is_handed_on_after_four_tries() {
    let busy = (503, "", error("SERVICE_UNAVAILABLE", 503, true));
    let server = Server::start(vec![busy.clone(), busy.clone(), busy.clone(), busy.clone(), busy]).await;
    let refused = registry_at(&server.url).await.get_repository("my-app").await.expect_err("a refusal");
    assert_eq!((refused.code, refused.retryable), (ErrorCode::ServiceUnavailable, true));
    assert_eq!(server.asked().len(), 4);
}

#[tokio::test]
async fn a_wait_that_is_too_long_for_a_caller_is_the_callers() {
    let server = Server::start(vec![(429, "retry-after: 60\r\n", error("RATE_LIMIT_EXCEEDED", 429, true))]).await;
    let refused = registry_at(&server.url).await.get_repository("my-app").await.expect_err("a refusal");
    assert_eq!(refused.code, ErrorCode::RateLimitExceeded);
    assert_eq!(server.asked().len(), 1);
}

#[tokio::test]
async fn what_the_platform_says_before_the_function_is_understood_by_its_status() {
    for (status, code) in [
        (401, ErrorCode::AuthenticationError),
        (403, ErrorCode::AccessDenied),
        (404, ErrorCode::BindingConfigInvalid),
        (413, ErrorCode::PayloadTooLarge),
        (418, ErrorCode::UnexpectedResponseFormat),
    ] {
        let server = Server::start(vec![(status, "x-request-id: p-1\r\n", "<html>".to_owned())]).await;
        let refused = registry_at(&server.url).await.get_repository("my-app").await.expect_err("a refusal");
        assert_eq!((refused.code, refused.request_id.as_str()), (code, "p-1"), "status {status}");
        assert_eq!(server.asked().len(), 1);
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed_with_the_token() {
    let elsewhere = Server::start(vec![(200, "", repository())]).await;
    let location = format!("location: {}/v1/getRepository\r\n", elsewhere.url);
    let server = Server::start(vec![(307, &location, String::new())]).await;
    let refused = registry_at(&server.url).await.get_repository("my-app").await.expect_err("a refusal");
    assert_eq!(refused.code, ErrorCode::UnexpectedResponseFormat);
    assert!(elsewhere.asked().is_empty());
}

#[tokio::test]
async fn a_connection_that_breaks_is_tried_again_and_then_told() {
    let server = Server::start(vec![]).await;
    let refused = registry_at(&server.url).await.get_repository("my-app").await.expect_err("no answer");
    assert_eq!((refused.code, refused.retryable), (ErrorCode::ServiceUnavailable, true));
    assert_eq!(server.asked().len(), 4);
}

#[tokio::test]
async fn an_answer_that_is_cut_off_in_its_body_is_asked_for_again() {
    let busy = error("SERVICE_UNAVAILABLE", 503, true);
    let answers = [Server::cut_off(200, &repository()), Server::cut_off(503, &busy), Server::whole(200, &repository())];
    let server = Server::start_raw(answers.to_vec()).await;
    registry_at(&server.url).await.get_repository("my-app").await.expect("an answer at the third try");
    assert_eq!(server.asked().len(), 3);

    let server = Server::start_raw(vec![Server::cut_off(200, &repository()); 4]).await;
    let refused = registry_at(&server.url).await.get_repository("my-app").await.expect_err("never a whole answer");
    assert_eq!((refused.code, refused.retryable), (ErrorCode::ServiceUnavailable, true));
    assert_eq!(server.asked().len(), 4);
}

#[tokio::test]
async fn an_answer_that_is_no_answer_of_ours_is_an_error() {
    let server = Server::start(vec![(200, "", "{}".to_owned())]).await;
    let refused = registry_at(&server.url).await.get_repository("my-app").await.expect_err("no repository");
    assert_eq!(refused.code, ErrorCode::UnexpectedResponseFormat);
}

#[tokio::test]
async fn a_token_is_asked_for_at_each_call_and_what_keeps_it_away_is_told() {
    static CALLS: AtomicUsize = AtomicUsize::new(0);
    let facts = example("describeRegistry", "ecr").1.to_string();
    let server = Server::start(vec![(200, "", facts), (200, "", repository())]).await;
    let token = Token::from_fn(|| async {
        match CALLS.fetch_add(1, Ordering::SeqCst) {
            2 => Err("The metadata server does not answer.".to_owned()),
            call => Ok(format!("token-{call}\n")),
        }
    });
    assert_eq!(format!("{token:?}"), "Token([redacted])");
    let registry = Registry::connect("images", &server.url, token).await.expect("a description");
    assert_eq!(registry.upstream_repository_prefix(), "images");
    registry.get_repository("my-app").await.expect("a repository");
    let refused = registry.get_repository("my-app").await.expect_err("no token");
    assert_eq!(refused.code, ErrorCode::AuthenticationError);
    assert_eq!(refused.message, "The metadata server does not answer.");
    let sent: Vec<String> = server.asked().into_iter().map(|asked| asked.headers["authorization"].clone()).collect();
    assert_eq!(sent, ["Bearer token-0", "Bearer token-1"]);
}

#[tokio::test]
async fn what_the_function_would_refuse_is_not_sent() {
    let server = Server::start(vec![]).await;
    let registry = registry_at(&server.url).await;
    let empty = registry.create_repository("").await.expect_err("a name");
    assert_eq!(empty.code, ErrorCode::InvalidInput);
    assert!(matches!(empty.context.get("field"), Some(ErrorContextValue::String(field)) if field == "name"));
    let long = registry.get_repository(&"x".repeat(513)).await.expect_err("a shorter id");
    assert_eq!(long.code, ErrorCode::InvalidInput);
    let none =
        registry.generate_credentials("my-app", ArtifactRegistryPermissions::Pull, Some(0)).await.expect_err("a time");
    assert_eq!(none.code, ErrorCode::InvalidInput);
    assert!(server.asked().is_empty());
}

#[tokio::test]
async fn bindings_that_cannot_be_used_are_refused() {
    for (binding, code) in [
        (None, ErrorCode::BindingNotConfigured),
        (Some("no JSON"), ErrorCode::BindingConfigInvalid),
        (Some(r#"{"service":"ecr"}"#), ErrorCode::BindingConfigInvalid),
        (
            Some(r#"{"service":"function","platform":"local","url":"http://example.com"}"#),
            ErrorCode::BindingConfigInvalid,
        ),
        (
            Some(r#"{"service":"function","platform":"aws","url":"https://example.com"}"#),
            ErrorCode::BindingConfigInvalid,
        ),
        (
            Some(r#"{"service":"function","platform":"local","url":"http://user:word@127.0.0.1:1"}"#),
            ErrorCode::BindingConfigInvalid,
        ),
        (
            Some(r#"{"service":"function","platform":"local","url":"http://127.0.0.1:1?a=b"}"#),
            ErrorCode::BindingConfigInvalid,
        ),
        (
            Some(
                r#"{"service":"function","platform":"local","url":"https://example.com","registryEndpoint":"https://x"}"#,
            ),
            ErrorCode::BindingConfigInvalid,
        ),
    ] {
        let variables =
            |name: &str| (name == "ALIEN_MY_IMAGES_BINDING").then_some(binding).flatten().map(str::to_owned);
        let refused = Registry::from_variables("my-images", variables).await.err().expect("a refusal");
        assert_eq!(refused.code, code, "{binding:?}");
    }
}

#[tokio::test]
async fn the_documents_examples_are_read_as_they_are_meant() {
    let (request, answer) = example("generateCredentials", "ecr");
    let (_, granted) = example("getCrossAccountAccess", "gcp");
    let (grant, nothing) = example("addCrossAccountAccess", "aws");
    let (revocation, revoked) = example("revokeCredentials", "caller");
    let server =
        Server::start([answer, granted, nothing, revoked].map(|value| (200, "", value.to_string())).to_vec()).await;
    let registry = registry_at(&server.url).await;

    let minted =
        registry.generate_credentials("images-my-app", ArtifactRegistryPermissions::PushPull, Some(3600)).await;
    let minted = minted.expect("credentials");
    assert_eq!((minted.username.as_str(), minted.password.reveal()), ("AWS", "(a secret)"));
    assert_eq!(minted.scope, Scope::Repository);
    assert!(format!("{minted:?}").contains("[redacted]") && !format!("{minted:?}").contains("(a secret)"));

    let permissions = registry.get_cross_account_access("my-app").await.expect("permissions");
    let CrossAccountAccess::Gcp { project_numbers, .. } = permissions.access else { panic!("Google Cloud's") };
    assert_eq!(project_numbers[0].as_str(), "123456789");
    assert_eq!(permissions.scope, Some(Scope::Registry));

    let access = serde_json::from_value(grant["access"].clone()).expect("an access");
    registry.add_cross_account_access("images-my-app", access).await.expect("nothing");

    let which = WhichCredentials {
        repo_id: Some("images/my-app".to_owned()),
        permissions: Some(ArtifactRegistryPermissions::PushPull),
        caller: serde_json::from_value(revocation["caller"].clone()).expect("a caller"),
        credential_id: None,
    };
    let revoked = registry.revoke_credentials(which).await.expect("the moment");
    assert_eq!(revoked.not_before, revoked.certain_by);
    let sent: Vec<Value> =
        server.asked().iter().map(|asked| serde_json::from_str(&asked.body).expect("JSON")).collect();
    assert_eq!((&sent[0], &sent[2], &sent[3]), (&request, &grant, &revocation));
}

#[tokio::test]
async fn lists_go_on_by_their_tokens_and_a_consumer_is_ended() {
    let (first, one) = example("listRepositories", "first");
    let (last, other) = example("listRepositories", "last");
    let (images, image) = example("listImages", "ecr");
    let (deletion, nothing) = example("deleteImage", "tag");
    let (who, may) = example("listGranteeAccess", "aws");
    let (end, ended) = example("removeGranteeAccess", "role");
    let answers = [one, other, image, nothing, may, ended].map(|value| (200, "", value.to_string()));
    let server = Server::start(answers.to_vec()).await;
    let registry = registry_at(&server.url).await;

    let page = registry.list_repositories(Page { token: None, size: Some(1) }).await.expect("a page");
    assert_eq!(page.repositories[0].name, "images-my-app");
    let page = Page { token: page.next_page_token, size: Some(1) };
    let page = registry.list_repositories(page).await.expect("the last page");
    assert_eq!((page.repositories.len(), page.next_page_token.is_none()), (1, true));
    let refused = registry.list_repositories(Page { token: None, size: Some(0) }).await.expect_err("a refusal");
    assert_eq!(refused.code, ErrorCode::InvalidInput);

    let listed = registry.list_images("images-my-app", Page::default()).await.expect("the images");
    assert_eq!((listed.images[0].tags.len(), listed.images[0].size_bytes), (2, Some(4_214_503)));
    registry.delete_image("images-my-app", "1.0").await.expect("nothing");

    let may = registry.list_grantee_access("aws:987654321098", None).await.expect("its grants");
    assert_eq!(may.repositories[0].repo_id, "images-my-app");
    let role = "aws:arn:aws:iam::987654321098:role/lambda-execution";
    let ended = registry.remove_grantee_access(role, None).await.expect("its end");
    assert_eq!((ended.changed.len(), ended.unmanaged.len()), (1, 1));
    let refused = registry.remove_grantee_access("aws:*", None).await.expect_err("a refusal");
    assert_eq!(refused.code, ErrorCode::InvalidInput);

    let sent: Vec<Value> =
        server.asked().iter().map(|asked| serde_json::from_str(&asked.body).expect("JSON")).collect();
    assert_eq!(sent, [first, last, images, deletion, who, end]);
}

/// Returns the request and the answer of an example in the OpenAPI document.
fn example(operation: &str, key: &str) -> (Value, Value) {
    let document: Value = serde_json::from_str(include_str!("../openapi.json")).expect("JSON");
    let method = &document["paths"][format!("/v1/{operation}")]["post"];
    let value = |content: &Value| content["application/json"]["examples"][key]["value"].clone();
    (value(&method["requestBody"]["content"]), value(&method["responses"]["200"]["content"]))
}
