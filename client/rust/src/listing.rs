//! What a registry holds, and what one consumer may pull. Lists come a page at a time: pass the answer's `next_page_token` to the
//! next call, until there is none. A page may be short or empty, and the list still goes on.

use crate::{
    error::Result,
    registry::{Registry, id, invalid, parse},
    types,
};
use std::num::NonZeroU64;

/// Which page of a list, and how much it may have.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// The `next_page_token` of the page before; none for the first.
    pub token: Option<types::PageToken>,
    /// 1 to 1,000; 100 by default.
    pub size: Option<u32>,
}

impl Page {
    fn size(&self) -> Result<Option<NonZeroU64>> {
        let positive =
            |size: u32| NonZeroU64::new(size.into()).ok_or_else(|| invalid("pageSize", "must be at least 1"));
        self.size.map(positive).transpose()
    }
}

impl Registry {
    /// Lists the repositories, as far as the caller's rules for this operation cover them.
    pub async fn list_repositories(&self, page: Page) -> Result<types::ListRepositoriesResponse> {
        let page_size = page.size()?;
        let body = types::ListRepositoriesBody { registry: self.name.clone(), page_token: page.token, page_size };
        Ok(self.client.list_repositories(&body).await?.into_inner())
    }

    /// Lists the images of a repository, also those without a tag where the platform knows them.
    pub async fn list_images(&self, repo_id: &str, page: Page) -> Result<types::ListImagesResponse> {
        let page_size = page.size()?;
        let body = types::ListImagesBody {
            registry: self.name.clone(),
            repo_id: id(repo_id)?,
            page_token: page.token,
            page_size,
        };
        Ok(self.client.list_images(&body).await?.into_inner())
    }

    /// Deletes an image with its tags, if `reference` is a digest, or one tag alone.
    ///
    /// # Errors
    ///
    /// `OPERATION_NOT_SUPPORTED` for a tag, where the registry deletes by digest alone.
    pub async fn delete_image(&self, repo_id: &str, reference: &str) -> Result<()> {
        let body = types::DeleteImageBody {
            registry: self.name.clone(),
            repo_id: id(repo_id)?,
            reference: parse(reference, "reference")?,
        };
        self.client.delete_image(&body).await?;
        Ok(())
    }

    /// Lists what one consumer may pull, such as `aws:123456789012`: an account with its roles and workers.
    pub async fn list_grantee_access(
        &self,
        grantee: &str,
        token: Option<types::PageToken>,
    ) -> Result<types::ListGranteeAccessResponse> {
        let body = types::ListGranteeAccessBody {
            registry: self.name.clone(),
            grantee: parse(grantee, "grantee")?,
            page_token: token,
        };
        Ok(self.client.list_grantee_access(&body).await?.into_inner())
    }

    /// Ends a consumer's access to every repository, as far as a page reaches. It is complete when a pass through all pages
    /// changes nothing, and safe to begin again.
    pub async fn remove_grantee_access(
        &self,
        grantee: &str,
        token: Option<types::PageToken>,
    ) -> Result<types::RemoveGranteeAccessResponse> {
        let body = types::RemoveGranteeAccessBody {
            registry: self.name.clone(),
            grantee: parse(grantee, "grantee")?,
            page_token: token,
        };
        Ok(self.client.remove_grantee_access(&body).await?.into_inner())
    }
}
