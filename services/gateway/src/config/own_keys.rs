//! The private keys of an account: one, or several while a certificate is renewed (`[[accounts.keys]]`).

use std::sync::Arc;

use kabao_auth::{Certificate, Signer};
use kabao_client::MerchantKey;

use super::material::Material;
use super::verdict::complain_about;

/// The keys of a private key and its certificate, in the account itself or in one of its `keys`.
const OWN: [&str; 4] = [
    "private_key_file",
    "private_key_uri",
    "certificate_file",
    "serial_no",
];

/// The first key, and the others.
pub(super) struct OwnKeys {
    pub(super) first: MerchantKey,
    pub(super) further: Vec<MerchantKey>,
}

impl OwnKeys {
    /// Reads them. `number` is that of the merchant or the brand.
    pub(super) fn read(material: &mut Material<'_, '_>, number: &str) -> Self {
        if !material.has("keys") {
            material.ignore("keys");
            return Self {
                first: one(material),
                further: Vec::new(),
            };
        }
        for key in OWN {
            material.refuse(
                key,
                "stands beside `[[accounts.keys]]`; only one of the two can be used",
            );
        }
        let keys = material.parts("keys", |part| {
            let key = one(part);
            // Told here, where each has its place. Without a number there is nothing to compare with.
            if !number.is_empty()
                && let Err(error) = key.check(number)
            {
                complain_about(part, &error);
                part.spoil();
            }
            key
        });
        let mut keys = keys.into_iter();
        let Some(first) = keys.next() else {
            material.mistake("keys", "there is none");
            return Self {
                first: MerchantKey::default(),
                further: Vec::new(),
            };
        };
        Self {
            first,
            further: keys.collect(),
        }
    }

    /// The serial numbers of the certificates, as far as they are known, and when the last one ends, if all are.
    pub(super) fn certificates(&self) -> (Vec<String>, Option<i64>) {
        let mut serials = Vec::new();
        let mut ends = Some(i64::MIN);
        for key in [&self.first].into_iter().chain(&self.further) {
            let certificate = key.certificate.as_deref();
            let certificate = certificate.and_then(|pem| Certificate::from_pem(pem).ok());
            match &certificate {
                Some(certificate) => serials.push(certificate.serial().to_string()),
                None => serials.extend(key.serial_no.clone()),
            }
            let end = certificate.map(|certificate| certificate.not_after());
            ends = ends.zip(end).map(|(last, end)| last.max(end));
        }
        (serials, ends)
    }
}

fn one(material: &mut Material<'_, '_>) -> MerchantKey {
    let (file, uri) = ("private_key_file", "private_key_uri");
    let private_key = material.secret_file(file).unwrap_or_default();
    let place = material.key_uri(uri);
    match (material.has(file), material.has(uri)) {
        (true, true) => {
            let message = format!("stands beside `{file}`; only one of the two can be used");
            material.mistake(uri, message);
        }
        (false, false) => material.mistake(file, format!("is required, or `{uri}`")),
        _ => {}
    }
    let signer = place.and_then(|place| {
        let opened = material.present().shared.tokens.open(&place);
        let opened = opened.map_err(|error| material.mistake(uri, error.to_string()));
        opened
            .ok()
            .map(|signer| -> Arc<dyn Signer> { Arc::new(signer) })
    });
    MerchantKey {
        private_key,
        signer,
        certificate: material.file("certificate_file"),
        serial_no: material.text("serial_no"),
    }
}
