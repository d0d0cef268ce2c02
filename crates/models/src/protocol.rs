//! Operations that belong to the protocol of WeChat Pay and to no card family, so that the catalogue
//! has none of them; declared by hand.

use crate::prelude::*;

operation! {
    GET_CERTIFICATES for GetCertificates = Merchant "certificates.get"
    GET "/v3/certificates"
    "Download the platform certificates"
    .rate_limit(RateLimit::new("merchant", Some(1000), None, None))
    errors {}
    docs ["pay.weixin.qq.com/doc/v3/merchant/4012551764"]
}

/// Download the platform certificates.
#[request(GET_CERTIFICATES, Certificates)]
pub struct GetCertificates {}

/// The platform certificates of a merchant.
#[answer(answer)]
pub struct Certificates {
    /// The certificates, at most ten.
    #[field(1, required)]
    pub data: Option<Vec<Certificate>>,
}

/// A platform certificate.
#[message(answer)]
pub struct Certificate {
    /// Its serial number, hexadecimal.
    #[field(1, required)]
    pub serial_no: Option<String>,
    /// When it begins to be valid.
    #[field(2, required, form = Rfc3339)]
    pub effective_time: Option<String>,
    /// When it ceases to be valid.
    #[field(3, required, form = Rfc3339)]
    pub expire_time: Option<String>,
    /// The certificate itself.
    #[field(4, required)]
    pub encrypt_certificate: Option<EncryptCertificate>,
}

/// A certificate that is encrypted with the APIv3 key.
#[message(answer)]
pub struct EncryptCertificate {
    /// The algorithm: `AEAD_AES_256_GCM`.
    #[field(1, required)]
    pub algorithm: Option<String>,
    /// The nonce.
    #[field(2, required)]
    pub nonce: Option<String>,
    /// What is authenticated and not encrypted: `certificate`.
    #[field(3, required)]
    pub associated_data: Option<String>,
    /// The certificate as PEM, encrypted, in base64.
    #[field(4, required)]
    pub ciphertext: Option<String>,
}
