//! Makes the calls of the overview. Set `ALIEN_IMAGES_BINDING` to a function's binding, and run
//! `cargo run --example overview`.

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
    // Write `creds.password.reveal()` to the standard input of `docker login --password-stdin`.
    Ok(())
}
