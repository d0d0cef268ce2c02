//! What the generated declarations name.

pub(crate) use bytes::Bytes;
pub(crate) use kabao_derive::{answer, message, request};

pub(crate) use crate::declaration::operation;
pub(crate) use crate::endpoint::NoContent;
pub(crate) use crate::image_format::ImageFormat;
pub(crate) use crate::notification::notifications;
pub(crate) use crate::open_enum::open_enum;
pub(crate) use crate::operation::{Errcode, RateLimit, Repeat, Scheme};
pub(crate) use crate::private::{Personal, Secret};
pub(crate) use crate::sensitive::Sensitive;
pub(crate) use crate::upload::Upload;
