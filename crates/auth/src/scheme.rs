//! The two RSA credential schemes and where each of them belongs.

/// A credential scheme: the first word of `Authorization` and the value of `Wechatpay-Signature-Type`.
///
/// Both schemes sign with RSASSA-PKCS1-v1_5 over SHA-256 and share their message layouts.
/// The national algorithms (`WECHATPAY2-SM2-WITH-SM3`) are not supported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// Merchants and service providers: paths under `/v3/`.
    Merchant,
    /// Brands that call directly: paths under `/brand/`.
    Brand,
}

impl Scheme {
    /// Returns the scheme's token as it stands in headers.
    pub const fn token(self) -> &'static str {
        match self {
            Self::Merchant => "WECHATPAY2-SHA256-RSA2048",
            Self::Brand => "WECHATPAY-BRAND-SHA256-RSA2048",
        }
    }

    /// Returns the name of the field that carries the caller's number in `Authorization`.
    pub const fn identity_field(self) -> &'static str {
        match self {
            Self::Merchant => "mchid",
            Self::Brand => "brand_id",
        }
    }

    /// Finds the scheme of a token; `None` for a token that is not understood.
    pub fn from_token(token: &str) -> Option<Self> {
        [Self::Merchant, Self::Brand]
            .into_iter()
            .find(|scheme| scheme.token() == token)
    }

    /// Returns the scheme that a request target calls for: `/brand/...` is the brand's, the rest the merchant's.
    pub fn of_target(target: &str) -> Self {
        if target.starts_with("/brand/") {
            Self::Brand
        } else {
            Self::Merchant
        }
    }
}

impl std::fmt::Display for Scheme {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.token())
    }
}
