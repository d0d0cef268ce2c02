//! The portable upload of pictures.

use std::fmt;

use async_trait::async_trait;
use bytes::Bytes;
use kabao_models::Upload;
use serde::{Deserialize, Serialize};

use crate::{AccountId, CallContext, Error};

/// Uploads pictures, in whatever family the account is.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait MediaApi: Send + Sync {
    /// Tells what WeChat takes of this account, so that nobody reads a file further than that.
    /// Nothing is sent.
    fn limits(&self) -> Upload;

    /// Uploads a picture and returns its address on WeChat's servers.
    ///
    /// No family has a request number for this; a second upload of the same picture makes a second
    /// address and does no other harm.
    ///
    /// # Errors
    ///
    /// [`Reason::FieldInvalid`](crate::Reason::FieldInvalid) about `filename` or `content`;
    /// [`Reason::OutcomeUnknown`](crate::Reason::OutcomeUnknown) if no verified answer came back.
    async fn upload_image(
        &self,
        context: &CallContext,
        request: UploadImage,
    ) -> Result<UploadedImage, Error>;
}

/// Arguments of [`MediaApi::upload_image`].
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct UploadImage {
    /// Whose templates and members may name the picture.
    pub account: AccountId,
    /// The name of the file; its ending names the kind of picture.
    pub filename: String,
    /// The file.
    pub content: Bytes,
}

impl UploadImage {
    /// Uploads this file for the templates and members of this account.
    pub fn new(account: AccountId, filename: impl Into<String>, content: impl Into<Bytes>) -> Self {
        Self {
            account,
            filename: filename.into(),
            content: content.into(),
        }
    }
}

/// Shows the size only.
impl fmt::Debug for UploadImage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UploadImage")
            .field("account", &self.account)
            .field("bytes", &self.content.len())
            .finish_non_exhaustive()
    }
}

/// A picture that WeChat took.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UploadedImage {
    /// Its address.
    pub url: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_neither_name_nor_content() {
        let request = UploadImage {
            account: "demo".parse().unwrap(),
            filename: "face-of-anna.png".to_owned(),
            content: Bytes::from_static(b"BM"),
        };
        let text = format!("{request:?}");
        assert!(text.contains('2') && !text.contains("anna"), "{text}");
    }
}
