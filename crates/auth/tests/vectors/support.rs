//! Reading the vectors and judging every case of a section.

use std::fmt::Debug;
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kabao_auth::{
    ApiV3Key, Certificate, KeySet, PrivateKey, PublicKey, ResponseToSign, Scheme, SerialNumber,
    SignatureHeaders, TrustedKey, Verified, sign_response, verify,
};
use serde_json::Value;

/// The outcome of a case that is accepted.
pub(crate) const OK: &str = "ok";

/// One file of vectors.
pub(crate) struct Vectors {
    origin: String,
    root: Value,
}

/// One case; missing members panic with the names of case and member.
#[derive(Clone, Copy)]
pub(crate) struct Case<'a> {
    section: &'a str,
    value: &'a Value,
}

/// Runs `judge` on every case of a section in every file and compares its outcome with `expect`.
///
/// Further assertions belong into `judge`; `Case::equal` names the case in its message.
pub(crate) fn check(section: &str, judge: impl Fn(&Vectors, Case<'_>) -> String) {
    for vectors in Vectors::all() {
        let cases = vectors.cases(section);
        let mut failures = Vec::new();
        for case in &cases {
            let outcome = judge(&vectors, *case);
            let expected = case.text("expect");
            if outcome != expected {
                failures.push(format!(
                    "{}: expected {expected}, got {outcome}",
                    case.name()
                ));
            }
        }
        assert!(
            !cases.is_empty(),
            "{}: section {section} holds no case",
            vectors.origin
        );
        assert!(
            failures.is_empty(),
            "{}: section {section}:\n{}",
            vectors.origin,
            failures.join("\n")
        );
    }
}

impl Vectors {
    pub(crate) fn all() -> Vec<Self> {
        let own = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/auth_vectors.json");
        let other = std::env::var_os("KABAO_AUTH_VECTORS").map(PathBuf::from);
        std::iter::once(own)
            .chain(other)
            .map(|path| {
                let origin = path.display().to_string();
                let text = std::fs::read_to_string(&path)
                    .unwrap_or_else(|error| panic!("{origin}: {error}"));
                let root =
                    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{origin}: {error}"));
                Self { origin, root }
            })
            .collect()
    }

    pub(crate) fn cases<'a>(&'a self, section: &'a str) -> Vec<Case<'a>> {
        let value = &self.root[section];
        let list = value.as_array().or_else(|| value["cases"].as_array());
        let list = list.unwrap_or_else(|| panic!("{}: no section {section}", self.origin));
        list.iter().map(|value| Case { section, value }).collect()
    }

    /// The names of everything in the file that is not about the file or its keys.
    pub(crate) fn sections(&self) -> impl Iterator<Item = &str> {
        let about = [
            "format",
            "about",
            "conventions",
            "clock",
            "error_names",
            "keys",
        ];
        let names = self.root.as_object().unwrap().keys().map(String::as_str);
        names.filter(move |name| {
            !about.contains(name) && !name.ends_with("_key") && !name.ends_with("_key_other")
        })
    }

    /// The members of one entry of `keys`.
    pub(crate) fn key<'a>(&'a self, name: &'a str) -> Case<'a> {
        let value = &self.root["keys"][name];
        assert!(value.is_object(), "{}: no key {name}", self.origin);
        Case {
            section: "keys",
            value,
        }
    }

    pub(crate) fn private_key(&self, name: &str) -> PrivateKey {
        PrivateKey::from_pem(self.key(name).text("private_key_pem")).unwrap()
    }

    pub(crate) fn public_key(&self, name: &str) -> PublicKey {
        PublicKey::from_pem(self.key(name).text("public_key_pem")).unwrap()
    }

    pub(crate) fn certificate(&self, name: &str) -> Certificate {
        Certificate::from_pem(self.key(name).text("certificate_pem")).unwrap()
    }

    pub(crate) fn official_key(&self, name: &str) -> PublicKey {
        let pem = self.root["official_known_answers"]["public_keys"][name].as_str();
        PublicKey::from_pem(pem.unwrap_or_else(|| panic!("no official key {name}"))).unwrap()
    }

    /// The merchant's own serial number.
    pub(crate) fn own_serial(&self) -> SerialNumber {
        self.key("merchant").text("serial_no").parse().unwrap()
    }

    /// A key set of names under `keys`.
    pub(crate) fn trust(&self, names: &[Value]) -> KeySet {
        let keys = names.iter().map(|name| {
            let name = name.as_str().unwrap();
            match self.key(name).value["id"].as_str() {
                Some(id) => TrustedKey::PublicKey {
                    id: id.parse().unwrap(),
                    key: self.public_key(name),
                },
                None => TrustedKey::Certificate(self.certificate(name)),
            }
        });
        KeySet::new(self.own_serial(), keys).unwrap()
    }

    /// A proof for cases that hold an encrypted resource without the body it came in.
    pub(crate) fn proof(&self) -> Verified<&'static [u8]> {
        let body: &[u8] = b"{}";
        let certificate = self.certificate("platform_current");
        let now = certificate.not_before();
        let response = ResponseToSign {
            timestamp: now,
            nonce: "c5ac7061fccab6bf3e254dcf98995b8c",
            body,
        };
        let key = self.private_key("platform_current");
        let signed =
            sign_response(&key, &certificate.key_id(), Scheme::Merchant, &response).unwrap();
        let keys = KeySet::new(self.own_serial(), [TrustedKey::Certificate(certificate)]).unwrap();
        verify(&signed.as_headers(), body, &keys, now).unwrap()
    }
}

impl<'a> Case<'a> {
    pub(crate) fn name(&self) -> &'a str {
        self.value["name"].as_str().unwrap_or("(unnamed)")
    }

    pub(crate) fn get(&self, member: &str) -> &'a Value {
        &self.value[member]
    }

    pub(crate) fn text(&self, member: &str) -> &'a str {
        self.optional_text(member)
            .unwrap_or_else(|| panic!("{}/{}: no text {member}", self.section, self.name()))
    }

    pub(crate) fn optional_text(&self, member: &str) -> Option<&'a str> {
        self.value[member].as_str()
    }

    pub(crate) fn number(&self, member: &str) -> i64 {
        self.value[member]
            .as_i64()
            .unwrap_or_else(|| panic!("{}/{}: no number {member}", self.section, self.name()))
    }

    pub(crate) fn list(&self, member: &str) -> &'a [Value] {
        self.value[member]
            .as_array()
            .unwrap_or_else(|| panic!("{}/{}: no list {member}", self.section, self.name()))
    }

    pub(crate) fn bytes(&self, member: &str) -> Vec<u8> {
        STANDARD.decode(self.text(member)).unwrap()
    }

    pub(crate) fn api_key(&self, member: &str) -> ApiV3Key {
        ApiV3Key::new(self.text(member)).unwrap()
    }

    /// A header by its name in any case.
    pub(crate) fn header(&self, name: &str) -> Option<&'a str> {
        let headers = self.value["headers"].as_object()?;
        let (_, value) = headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))?;
        value.as_str()
    }

    pub(crate) fn signature_headers(&self) -> SignatureHeaders<'a> {
        SignatureHeaders::read(|name| self.header(name))
    }

    /// What a verified answer comes to: the `code` of an error if the case expects one, else ok.
    ///
    /// A case whose answer is an error may also be about the signature alone, and expect ok.
    pub(crate) fn answer(&self, body: &[u8]) -> String {
        let is_error = self.value["status"]
            .as_i64()
            .is_some_and(|status| status >= 400);
        if !is_error || self.text("expect") == OK {
            return OK.to_owned();
        }
        let error: Value = serde_json::from_slice(body).unwrap_or_default();
        error["code"].as_str().unwrap_or("(no code)").to_owned()
    }

    /// The bytes that count as signed: the body, or the `meta` part of an upload.
    pub(crate) fn signed_body(&self) -> Vec<u8> {
        let body = self.bytes("body_base64");
        let multipart = self
            .header("Content-Type")
            .is_some_and(|kind| kind.starts_with("multipart/"));
        if !multipart {
            return body;
        }
        let start = position(&body, b"name=\"meta\"");
        let part = &body[start..];
        let content = &part[position(part, b"\r\n\r\n") + 4..];
        content[..position(content, b"\r\n--")].to_vec()
    }

    /// Asserts equality with the names of the case and of the thing compared.
    pub(crate) fn equal<T: PartialEq<U> + Debug, U: Debug>(
        &self,
        what: &str,
        actual: T,
        expected: U,
    ) {
        assert!(
            actual == expected,
            "{}/{}: {what}: got {actual:?}, expected {expected:?}",
            self.section,
            self.name()
        );
    }
}

fn position(haystack: &[u8], needle: &[u8]) -> usize {
    haystack
        .windows(needle.len())
        .position(|window| window == needle)
        .unwrap_or_else(|| {
            panic!(
                "multipart body without {:?}",
                String::from_utf8_lossy(needle)
            )
        })
}
