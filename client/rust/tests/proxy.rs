//! This test is a program of its own, since it sets a proxy in its environment.

mod support;

use artifact_registry_functions::{Registry, Token};
use serde_json::json;
use support::Server;

#[tokio::test]
async fn what_may_be_in_the_clear_near_by_goes_through_no_proxy() {
    let proxy = Server::start(vec![]).await;
    // This is sound: nothing else in this program reads the environment yet.
    unsafe {
        std::env::set_var("HTTP_PROXY", &proxy.url);
        std::env::set_var("http_proxy", &proxy.url);
    }
    let description = json!({
        "service": "local", "registryEndpoint": "http://127.0.0.1:5050", "upstreamRepositoryPrefix": "images",
        "capabilities": {
            "credentials": {"authMethod": "basic", "scope": "repository"}, "tellsAbsence": true, "unsupported": {},
        },
        "health": {"status": "healthy", "findings": []},
    });
    let function = Server::start(vec![(200, "content-type: application/json\r\n", description.to_string())]).await;
    let registry = Registry::connect("images", &function.url, Token::fixed("caller-token")).await;
    assert!(proxy.asked().is_empty(), "a proxy would see the token");
    assert_eq!(registry.expect("a registry").upstream_repository_prefix(), "images");
    assert_eq!(function.asked()[0].headers["authorization"], "Bearer caller-token");
}
