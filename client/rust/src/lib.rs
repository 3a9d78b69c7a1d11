//! Client of the artifact-registry functions: repositories, short-lived credentials and cross-account pulls, the same on
//! every platform.
//!
//! [`artifact_registry`] finds the function that serves a registry by `ALIEN_{NAME}_BINDING`; [`Registry`] has the
//! operations. Beneath it lies [`Client`], generated from the suite's OpenAPI document when the crate is built, with every
//! operation as it goes over the wire.

mod binding;
mod connection;
mod error;
mod identity;
mod password;
mod registry;
mod retry;
mod token;

/// What progenitor made from `openapi.json`.
#[allow(clippy::all, unused_imports)]
mod generated {
    include!(concat!(env!("OUT_DIR"), "/generated.rs"));
}

pub use connection::Connection;
pub use error::{ArtifactRegistryError, Result};
pub use generated::{Client, types};
pub use password::Password;
pub use registry::{Registry, artifact_registry};
pub use token::Token;
pub use types::{
    ArtifactRegistryCredentials, ArtifactRegistryPermissions, AuthMethod, CrossAccountAccess, CrossAccountPermissions,
    ErrorCode, RepositoryResponse, Scope, ServiceType,
};

/// What the pages show compiles.
#[cfg(doctest)]
mod pages {
    #[doc = include_str!("../README.md")]
    struct Readme;
    #[doc = include_str!("../../../docs/other-languages.md")]
    struct OtherLanguages;
}
