//! Client of the artifact-registry functions: repositories, short-lived credentials and cross-account pulls, the same on
//! every platform.
//!
//! [`artifact_registry`] opens a registry. The variable `ALIEN_{NAME}_BINDING` says which function serves it. [`Registry`] has
//! the operations for repositories, and is one implementation of the trait [`ArtifactRegistry`]. It calls [`Client`], which is generated from the suite's OpenAPI document when the crate
//! is built, and which has every operation as it goes over the wire.

mod binding;
mod connection;
mod error;
mod identity;
mod listing;
mod password;
mod registry;
mod retry;
mod token;
mod traits;

/// The client that progenitor generates from `openapi.json`.
#[allow(clippy::all, unused_imports)]
mod generated {
    include!(concat!(env!("OUT_DIR"), "/generated.rs"));
}

pub use connection::Connection;
pub use error::{ArtifactRegistryError, Result};
pub use generated::{Client, types};
pub use listing::Page;
pub use password::Password;
pub use registry::{Registry, WhichCredentials, artifact_registry};
pub use token::Token;
pub use traits::ArtifactRegistry;
pub use types::{
    ArtifactRegistryCredentials, ArtifactRegistryPermissions, AuthMethod, Caller, CrossAccountAccess,
    CrossAccountPermissions, ErrorCode, GranteeAccess, Image, PageToken, RepositoryResponse, RevokedAccess, Scope,
    ServiceType, Unmanaged,
};

/// Compiles the programs that the documentation shows.
#[cfg(doctest)]
mod pages {
    #[doc = include_str!("../README.md")]
    struct Readme;
    #[doc = include_str!("../../../docs/other-languages.md")]
    struct OtherLanguages;
}
