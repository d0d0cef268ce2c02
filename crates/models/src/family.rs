//! The families of WeChat.

use std::fmt;

/// One upstream API generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Family {
    /// WeChat Pay v3 `membercard-open` and `membercard-activity`.
    Merchant,
    /// WeChat Pay v3 `card-member`, for service providers or brand-direct.
    Brand,
    /// `api.weixin.qq.com/card/...`.
    OfficialAccount,
}

impl Family {
    /// Returns the name used in configuration, resource documents and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Merchant => "merchant",
            Self::Brand => "brand",
            Self::OfficialAccount => "official_account",
        }
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
