//! The overview's calls: `cargo run --example overview`, where `ALIEN_IMAGES_BINDING` names a function.

use artifact_registry_functions::{ArtifactRegistryPermissions, Result, artifact_registry};

#[tokio::main]
async fn main() -> Result<()> {
    let registry = artifact_registry("images").await?;
    let repo = registry.create_repository("my-app").await?;
    let creds = registry.generate_credentials("my-app", ArtifactRegistryPermissions::PushPull, Some(3600)).await?;

    println!("repository: {}", repo.uri.unwrap_or(repo.name));
    println!("user: {}", creds.username);
    if let Some(expires_at) = creds.expires_at {
        println!("until: {expires_at}");
    }
    // `creds.password.reveal()` is what docker login --password-stdin reads.
    Ok(())
}
