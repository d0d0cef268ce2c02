//! What our signing, verifying, encrypting and opening add to the library's.

use std::time::Duration;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{OAEP_SHA1_MGF1SHA1, OaepPublicEncryptingKey, PublicEncryptingKey};
use aws_lc_rs::signature::RSA_PKCS1_SHA256;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kabao_auth::{
    ApiV3Key, Identity, KeyId, KeySet, PrivateKey, RequestToSign, ResponseToSign, Scheme, Sealed,
    SignatureHeaders, TrustedKey, authorization, sign_response, verify,
};
use kabao_models::merchant::notifications::Notification;
use rustls_pki_types::SubjectPublicKeyInfoDer;
use rustls_pki_types::pem::PemObject as _;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Run;
use crate::clock::{float, now};
use crate::measure::{Report, Samples, Target, Unit};
use crate::pay::Keys;
use crate::{Result, member};

const NOW: i64 = 1_767_225_600;
const NONCE: &str = "593BEC0C930BF1AFEB40B4A08C8FB242";
const SERIAL: &str = "5157F09EFDC096DE15EBE81A47057A7232F1B8E1";
const PUBLIC_KEY_ID: &str = "PUB_KEY_ID_0119000000012025010100000000000001";
const API_KEY: &str = "0123456789abcdef0123456789abcdef";
const RESOURCE_NONCE: &str = "fdasflkja484";
const ASSOCIATED: &str = "membercard_open";
/// The kind of notification that is opened.
const EVENT: &str = "MEMBERCARD.ACCEPT_CARD";
const PHONE: &[u8] = b"13900000000";

/// Something that is timed, with what it adds to.
struct Pair<'a> {
    name: &'static str,
    against: &'static str,
    target: f64,
    ours: Box<dyn FnMut() -> Result<()> + 'a>,
    raw: Box<dyn FnMut() -> Result<()> + 'a>,
}

pub(super) fn measure(run: &Run, report: &mut Report) -> Result<()> {
    let names = [
        "crypto.sign",
        "crypto.verify",
        "crypto.encrypt",
        "crypto.notification",
    ];
    if !run.filter.wants_any(names) {
        return Ok(());
    }
    let pem = PrivateKey::generate_pem()?;
    let pem = pem.to_str()?;
    let key = PrivateKey::from_pem(pem)?;
    let keys = Keys::read(pem, &key.public_key().to_pem())?;
    let identity = Identity::new(Scheme::Merchant, "1900000001", SERIAL.parse()?)?;
    let request = RequestToSign {
        method: "GET",
        target: &member::target(0),
        timestamp: NOW,
        nonce: NONCE,
        body: b"",
    };
    let message = request.message();

    let key_id: KeyId = PUBLIC_KEY_ID.parse()?;
    let trusted = TrustedKey::PublicKey {
        id: PUBLIC_KEY_ID.parse()?,
        key: key.public_key().clone(),
    };
    let trusted = KeySet::new(SERIAL.parse()?, [trusted])?;
    let api_key = ApiV3Key::new(API_KEY)?;
    let notification = notification(&api_key)?;
    let answer = Signed::new(&key, &key_id, include_str!("../../data/user_card.json"))?;
    let told = Signed::new(&key, &key_id, &notification)?;

    let public = key.public_key().to_pem();
    let public = SubjectPublicKeyInfoDer::from_pem_slice(public.as_bytes())?;
    let encrypting = OaepPublicEncryptingKey::new(PublicEncryptingKey::from_der(&public)?)?;
    let aead = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, API_KEY.as_bytes())?);
    let sealed: Value = serde_json::from_str(&notification)?;
    let sealed = sealed
        .pointer("/resource/ciphertext")
        .and_then(Value::as_str)
        .ok_or("no ciphertext")?;
    let sealed = STANDARD.decode(sealed)?;

    let mut pairs = [
        Pair {
            name: "crypto.sign",
            against: "raw signature",
            target: 1.02,
            ours: Box::new(|| {
                let header = authorization(&identity, &key, &request)?;
                check(header.len() > 400)
            }),
            raw: Box::new(|| {
                let mut signature = [0; 256];
                let random = SystemRandom::new();
                keys.signing
                    .sign(&RSA_PKCS1_SHA256, &random, &message, &mut signature)?;
                Ok(())
            }),
        },
        Pair {
            name: "crypto.verify",
            against: "raw verification",
            target: 1.10,
            ours: Box::new(|| {
                let verified = verify(&answer.headers(), answer.body.as_bytes(), &trusted, NOW)?;
                check(!verified.body().is_empty())
            }),
            raw: Box::new(|| {
                keys.verifying.verify_sig(&answer.message, &answer.raw)?;
                Ok(())
            }),
        },
        Pair {
            name: "crypto.encrypt",
            against: "raw encryption",
            target: 1.05,
            ours: Box::new(|| check(key.public_key().encrypt(PHONE)?.len() == 344)),
            raw: Box::new(|| {
                let mut ciphertext = [0; 256];
                encrypting.encrypt(&OAEP_SHA1_MGF1SHA1, PHONE, &mut ciphertext, None)?;
                Ok(())
            }),
        },
        Pair {
            name: "crypto.notification",
            against: "raw verify + open",
            target: 1.25,
            ours: Box::new(|| open(&told, &trusted, &api_key)),
            raw: Box::new(|| {
                keys.verifying.verify_sig(&told.message, &told.raw)?;
                let nonce = Nonce::try_assume_unique_for_key(RESOURCE_NONCE.as_bytes())?;
                let mut buffer = sealed.clone();
                let plain = aead.open_in_place(nonce, Aad::from(ASSOCIATED), &mut buffer)?;
                check(!plain.is_empty())
            }),
        },
    ];
    for pair in &mut pairs {
        if !run.filter.wants(pair.name) {
            continue;
        }
        let mut samples = Samples {
            name: pair.name.to_owned(),
            unit: Unit::Microseconds,
            values: Vec::new(),
            against: pair.against,
            limits: Vec::new(),
            target: Target::AtMost(pair.target),
        };
        for _ in 0..run.form.rounds {
            samples
                .limits
                .push(time(run.form.length / 2, &mut pair.raw)?);
            samples
                .values
                .push(time(run.form.length / 2, &mut pair.ours)?);
        }
        report.add(&samples)?;
    }
    Ok(())
}

fn check(as_it_should_be: bool) -> Result<()> {
    match as_it_should_be {
        true => Ok(()),
        false => Err("a result is not what it should be".into()),
    }
}

/// Microseconds that one run takes, over `length`.
fn time(length: Duration, mut run: impl FnMut() -> Result<()>) -> Result<f64> {
    run()?;
    let started = now();
    let mut count = 0_u64;
    loop {
        run()?;
        count += 1;
        let elapsed = started.elapsed();
        if elapsed >= length {
            return Ok(elapsed.as_secs_f64() * 1e6 / float(count));
        }
    }
}

/// A body as WeChat Pay sends it.
struct Signed {
    body: String,
    signature: kabao_auth::ResponseSignature,
    message: Vec<u8>,
    raw: Vec<u8>,
}

impl Signed {
    fn new(key: &PrivateKey, key_id: &KeyId, body: &str) -> Result<Self> {
        let response = ResponseToSign {
            timestamp: NOW,
            nonce: NONCE,
            body: body.as_bytes(),
        };
        let signature = sign_response(key, key_id, Scheme::Merchant, &response)?;
        let raw = signature.as_headers().signature.ok_or("no signature")?;
        Ok(Self {
            raw: STANDARD.decode(raw)?,
            message: format!("{NOW}\n{NONCE}\n{body}\n").into_bytes(),
            body: body.to_owned(),
            signature,
        })
    }

    fn headers(&self) -> SignatureHeaders<'_> {
        self.signature.as_headers()
    }
}

/// A notification of about a kilobyte.
fn notification(key: &ApiV3Key) -> Result<String> {
    let payload = json!({
        "event_type": "ACCEPT_CARD",
        "card_id": "pbLatjvWOibDc5-TBnbUk1pD12o0",
        "code": "478515832665",
        "event_time": "2026-01-01T12:00:00+08:00",
        "openid": "obLatjnx9gnqzS4myYGmLZ7LgLBA",
        "unionid": "oVWsDwWSd-xZkJZkFlYeUGXEDVyQ",
        "outer_str": "门店".repeat(30),
    });
    let ciphertext = key.seal(RESOURCE_NONCE, ASSOCIATED, payload.to_string().as_bytes())?;
    Ok(json!({
        "id": "EV-2018022511223320873",
        "create_time": "2026-01-01T12:00:00+08:00",
        "event_type": EVENT,
        "resource_type": "encrypt-resource",
        "resource": {
            "algorithm": "AEAD_AES_256_GCM",
            "original_type": "membercard",
            "nonce": RESOURCE_NONCE,
            "associated_data": ASSOCIATED,
            "ciphertext": ciphertext,
        },
    })
    .to_string())
}

#[derive(Deserialize)]
struct Envelope<'a> {
    event_type: &'a str,
    #[serde(borrow)]
    resource: Resource<'a>,
}

#[derive(Deserialize)]
struct Resource<'a> {
    algorithm: &'a str,
    nonce: &'a str,
    associated_data: &'a str,
    ciphertext: &'a str,
}

/// From the bytes of a notification to what they tell: verify, read the envelope, decrypt, read the payload.
fn open(told: &Signed, trusted: &KeySet, key: &ApiV3Key) -> Result<()> {
    let verified = verify(&told.headers(), told.body.as_bytes(), trusted, NOW)?;
    let envelope: Envelope<'_> = serde_json::from_slice(verified.body())?;
    let resource = envelope.resource;
    let sealed = Sealed {
        algorithm: resource.algorithm,
        nonce: resource.nonce,
        associated_data: resource.associated_data,
        ciphertext: resource.ciphertext,
    };
    let plain = key.open(&verified, &sealed)?;
    let event = Notification::parse(envelope.event_type, plain.as_bytes())?;
    check(event.is_some())
}
