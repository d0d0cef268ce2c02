//! The methods of the portable API, as data.

use std::fmt;

use serde::Serialize;

use crate::{Error, Reason};

macro_rules! methods {
    ($($(#[doc = $doc:literal])+ $variant:ident = $service:literal;)*) => {
        /// A method of the portable API.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum Method {
            $($(#[doc = $doc])+ $variant,)*
        }

        impl Method {
            /// Every method, in the order of the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// Returns the name, such as `GetTemplate`.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => stringify!($variant),)*
                }
            }

            /// Returns the service that it belongs to, such as `TemplateService`.
            pub const fn service(self) -> &'static str {
                match self {
                    $(Self::$variant => $service,)*
                }
            }
        }
    };
}

methods! {
    /// Reads one template.
    GetTemplate = "TemplateService";
    /// Lists the templates of an account.
    ListTemplates = "TemplateService";
    /// Makes a new template.
    CreateTemplate = "TemplateService";
    /// Changes fields of a template.
    UpdateTemplate = "TemplateService";
    /// Takes a template out of circulation.
    DeleteTemplate = "TemplateService";
    /// Reads one member.
    GetMember = "MemberService";
    /// Lists the cards of one user.
    ListMembers = "MemberService";
    /// Reads several members at once.
    BatchGetMembers = "MemberService";
    /// Changes fields of a member.
    UpdateMember = "MemberService";
    /// Changes the stored value.
    AdjustBalance = "MemberService";
    /// Changes the points.
    AdjustPoints = "MemberService";
    /// Makes a received card usable.
    ActivateMember = "MemberService";
    /// Makes a card invalid for good.
    InvalidateMember = "MemberService";
    /// Makes a card for somebody who became a member elsewhere.
    ImportMember = "MemberService";
    /// Changes the points of many members.
    BatchAdjustPoints = "MemberService";
    /// Changes fields of many members.
    BatchUpdateMembers = "MemberService";
    /// Makes many cards.
    BatchImportMembers = "MemberService";
    /// Uploads a picture.
    UploadImage = "MediaService";
}

impl Method {
    /// Returns all that a call of it asks for, as a journal compares it: the same under one id is a repeat, anything else
    /// is another change.
    ///
    /// # Errors
    ///
    /// `INTERNAL` for a request that cannot be written down.
    pub fn content(self, request: &impl Serialize) -> Result<Vec<u8>, Error> {
        let mut content = self.as_str().as_bytes().to_vec();
        content.push(b' ');
        match serde_json::to_writer(&mut content, request) {
            Ok(()) => Ok(content),
            Err(error) => {
                let message = "the call cannot be written down";
                Err(Error::new(Reason::Internal, message).with_source(error))
            }
        }
    }

    /// Returns the method that a batch makes many calls of; every other one is its own.
    pub const fn single(self) -> Self {
        match self {
            Self::BatchGetMembers => Self::GetMember,
            Self::BatchAdjustPoints => Self::AdjustPoints,
            Self::BatchUpdateMembers => Self::UpdateMember,
            Self::BatchImportMembers => Self::ImportMember,
            single => single,
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
