use std::error::Error as _;
use std::sync::Arc;

use async_trait::async_trait;
use http::{HeaderMap, HeaderName};
use kabao_auth::{ApiV3Key, Certificate, PublicKey, Signer, SignerError, TrustedKey};
use kabao_models::{Secret, Sensitive};
use serde_json::{Value, json};

use super::*;
use crate::settings::Settings;
use crate::signing::{Key, Keyring, Remote};
use crate::testing::{
    NOW, account, answering, cases, certificate_download, clock, credential, key, public_key,
    request_signer, signed, signed_for_brand, unsigned,
};
use crate::transport::HttpResponse;
use crate::{MockClock, PayCredential, WeChatPayKey};

const PATIENCE: Duration = Duration::from_secs(10);
const API_KEY: &str = "k7Qm2ZxV9aT4rLp8WsD1eYh6NbUc3JfG";

fn case(name: &str) -> &'static Value {
    let found = cases("notifications")
        .iter()
        .find(|case| case["name"] == name);
    found.expect("a case of the vectors")
}

/// A notification as a server has it.
struct Request {
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Request {
    fn of(case: &Value) -> Self {
        let headers = case["headers"].as_object().unwrap().iter();
        let headers = headers.map(|(name, value)| {
            let name: HeaderName = name.to_lowercase().parse().unwrap();
            (name, value.as_str().unwrap().parse().unwrap())
        });
        Self {
            headers: headers.collect(),
            body: case["body_utf8"].as_str().unwrap().as_bytes().to_vec(),
        }
    }

    /// What WeChat Pay has signed: headers and body are those of an answer.
    fn signed(answer: HttpResponse) -> Self {
        Self {
            headers: answer.headers,
            body: answer.body.to_vec(),
        }
    }

    fn signature(&self) -> SignatureHeaders<'_> {
        SignatureHeaders::read(|name| self.headers.get(name)?.to_str().ok())
    }

    async fn read(&self, family: Family, credentials: &Credentials) -> Result<Notification, Error> {
        let received = Received {
            headers: &self.signature(),
            body: &self.body,
            now: NOW,
        };
        received.read(family, credentials, PATIENCE).await
    }
}

/// The body of a notification that says this.
fn sealed(api_key: &str, event_type: &str, says: &Value) -> String {
    let nonce = "j9g1wAzF9Xn1";
    let ciphertext = ApiV3Key::new(api_key)
        .and_then(|key| key.seal(nonce, "", says.to_string().as_bytes()))
        .unwrap();
    let resource =
        json!({ "algorithm": "AEAD_AES_256_GCM", "nonce": nonce, "ciphertext": ciphertext });
    json!({ "id": "n-1", "event_type": event_type, "resource": resource }).to_string()
}

fn trusted(name: &str) -> TrustedKey {
    match name.starts_with("platform") {
        true => {
            TrustedKey::Certificate(Certificate::from_pem(key(name, "certificate_pem")).unwrap())
        }
        false => public_key(name),
    }
}

/// The merchant of the vectors, where downloads answer with `download`.
fn merchant(
    keys: impl IntoIterator<Item = TrustedKey>,
    download: fn() -> HttpResponse,
) -> SignedCredential {
    let (transport, _) = answering(move |_| Ok(download()));
    credential("merchant", &transport, &clock(), keys)
}

fn of_merchant(credential: SignedCredential) -> Credentials {
    Credentials {
        merchant: Some(Arc::new(credential)),
        ..Credentials::default()
    }
}

fn no_download() -> HttpResponse {
    unsigned(500, "")
}

fn by_public_key() -> Credentials {
    of_merchant(merchant([trusted("wechatpay_public_key")], no_download))
}

/// The name that the vectors have for a failure.
fn named(error: &Error) -> &'static str {
    let source = error.source().expect("a cause");
    match (source.downcast_ref(), source.downcast_ref()) {
        (Some(error), _) => VerificationError::reason(error),
        (_, Some(kabao_auth::Error::AeadTagMismatch)) => "AEAD_TAG_MISMATCH",
        _ => "another",
    }
}

#[tokio::test(start_paused = true)]
async fn what_the_vectors_have_is_believed_and_read_or_refused() {
    for case in cases("notifications") {
        let keys = case["trust"].as_array().unwrap().iter();
        let mut credential = merchant(
            keys.map(|name| trusted(name.as_str().unwrap())),
            no_download,
        );
        let api_key = case["apiv3_key"].as_str().unwrap();
        credential.api_v3_key = Some(ApiV3Key::new(api_key).unwrap());
        let event_type: Option<Value> = serde_json::from_str(case["body_utf8"].as_str().unwrap())
            .ok()
            .map(|body: Value| body["event_type"].clone());
        let family = match event_type {
            Some(event) if event.as_str().unwrap().starts_with("BRAND") => Family::Brand,
            _ => Family::Merchant,
        };
        let read = Request::of(case)
            .read(family, &of_merchant(credential))
            .await;
        let outcome = read.as_ref().map_or_else(named, |_| "ok");
        assert_eq!(outcome, case["expect"], "{}", case["name"]);
        let Ok(notification) = read else { continue };
        let payload = match &notification.event {
            Event::Merchant(event) => event.to_json(),
            Event::Brand(event) => event.to_json(),
            Event::Other(_) => panic!("{}: {notification:?}", case["name"]),
        };
        let read: Value = serde_json::from_slice(&payload.unwrap()).unwrap();
        let said: Value = serde_json::from_str(case["plaintext_utf8"].as_str().unwrap()).unwrap();
        assert_eq!(read, said, "{}", case["name"]);
        assert!(!format!("{notification:?}").contains("478515832665"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_reads_what_its_server_has_received_and_a_repeat_of_it() {
    let mut clock = MockClock::new();
    clock.expect_unix_seconds().return_const(NOW);
    let credential = PayCredential {
        number: key("merchant", "mchid").to_owned(),
        private_key: Secret::new(key("merchant", "private_key_pem")),
        serial_no: Some(key("merchant", "serial_no").to_owned()),
        apiv3_key: Some(Secret::new(API_KEY)),
        wechat_pay_key: Some(WeChatPayKey {
            id: key("wechatpay_public_key", "id").to_owned(),
            public_key: key("wechatpay_public_key", "public_key_pem").to_owned(),
        }),
        ..PayCredential::default()
    };
    let client = Client::brand("acme")
        .brand_id("1077")
        .provider(credential)
        .clock(clock)
        .build()
        .unwrap();
    for (name, id) in [
        (
            "user_card_create_public_key",
            "8b33f79f-8869-5ae5-b41b-3c0b59f957d0",
        ),
        (
            "resent_same_id_fresh_signature",
            "8b33f79f-8869-5ae5-b41b-3c0b59f957d0",
        ),
    ] {
        for _ in 0..2 {
            let (client, request) = (client.clone(), Request::of(case(name)));
            // As servers do, on a task of its own.
            let reading = tokio::spawn(async move {
                let headers = request.signature();
                client.read_notification(&headers, &request.body).await
            });
            let read = reading.await.unwrap().unwrap();
            assert_eq!(
                (read.id.as_str(), read.summary.as_deref()),
                (id, Some("用户开通会员卡通知"))
            );
            assert!(matches!(
                read.event,
                Event::Brand(brand::Notification::BrandMemberCardSpUserCardCreate(_))
            ));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_certificate_that_is_not_known_yet_is_downloaded() {
    let request = Request::of(case("membercard_activate_platform_certificate"));
    let download = || certificate_download("two_certificates_bootstrap");
    let credentials = of_merchant(merchant([], download));
    let read = request.read(Family::Merchant, &credentials);
    assert_eq!(read.await.unwrap().event_type, "MEMBERCARD.ACTIVATE_CARD");
}

#[tokio::test(start_paused = true)]
async fn fields_that_came_encrypted_are_decrypted_and_others_stay() {
    let own = PublicKey::from_pem(key("merchant", "public_key_pem")).unwrap();
    let encrypted = own.encrypt(b"13800000417").unwrap();
    for (phone_number, expected) in [
        (encrypted.as_str(), Sensitive::plain("13800000417")),
        ("13800000417", Sensitive::encrypted("13800000417")),
    ] {
        let says = json!({ "phone_number": phone_number });
        let body = sealed(API_KEY, "MEMBERCARD.ACCEPT_CARD", &says);
        let request = Request::signed(signed(200, &body));
        let read = request
            .read(Family::Merchant, &by_public_key())
            .await
            .unwrap();
        let Event::Merchant(merchant::Notification::MembercardAcceptCard(card)) = read.event else {
            panic!("{read:?}");
        };
        assert_eq!(card.phone_number, Some(expected));
    }
}

/// A key that lies where nobody answers.
#[derive(Debug)]
struct Gone(PublicKey);

#[async_trait]
impl Signer for Gone {
    fn public_key(&self) -> &PublicKey {
        &self.0
    }

    async fn sign(&self, _: &[u8]) -> Result<String, SignerError> {
        Err(SignerError::Unavailable("the device is gone".into()))
    }

    async fn decrypt(&self, _: &str) -> Result<Plaintext, SignerError> {
        Err(SignerError::Unavailable("the device is gone".into()))
    }
}

#[tokio::test(start_paused = true)]
async fn a_signer_that_is_gone_fails_what_it_would_decrypt_and_nothing_else() {
    let own = PublicKey::from_pem(key("merchant", "public_key_pem")).unwrap();
    let encrypted = own.encrypt(b"13800000417").unwrap();
    let settings = Settings::default();
    let remote = Remote::new(account(), Arc::new(Gone(own)), clock(), &settings);
    let signer = request_signer("merchant", Key::Elsewhere(Box::new(remote)));
    let mut credential = merchant([trusted("wechatpay_public_key")], no_download);
    credential.keyring = Arc::new(Keyring::new(signer, []));
    let credentials = of_merchant(credential);
    for (phone_number, expected) in [
        (encrypted.as_str(), Some(Reason::KeyUnavailable)),
        ("13800000417", None),
    ] {
        let says = json!({ "phone_number": phone_number });
        let body = sealed(API_KEY, "MEMBERCARD.ACCEPT_CARD", &says);
        let request = Request::signed(signed(200, &body));
        let read = request.read(Family::Merchant, &credentials).await;
        assert_eq!(read.err().map(|error| error.reason()), expected);
    }
}

#[tokio::test(start_paused = true)]
async fn a_brand_has_keys_of_its_own_beside_those_of_its_provider() {
    const BRAND_KEY: &str = "another.key.of.thirty-two.bytes.";
    let (transport, _) = answering(|_| Ok(no_download()));
    let keys = [public_key("brand_wechatpay_public_key")];
    let mut brand = credential("brand", &transport, &clock(), keys);
    brand.api_v3_key = Some(ApiV3Key::new(BRAND_KEY).unwrap());
    let credentials = Credentials {
        brand: Some(Arc::new(brand)),
        ..by_public_key()
    };
    let says = json!({ "brand_id": "1077" });
    for answer in [
        signed_for_brand(
            200,
            &sealed(BRAND_KEY, "BRAND_MEMBER_CARD.SYNC_USER_POINT", &says),
        ),
        signed(
            200,
            &sealed(API_KEY, "BRAND_MEMBER_CARD_SP.SYNC_USER_POINT", &says),
        ),
    ] {
        let request = Request::signed(answer);
        let read = request.read(Family::Brand, &credentials).await.unwrap();
        assert!(matches!(read.event, Event::Brand(_)));
    }
}

#[tokio::test(start_paused = true)]
async fn what_the_family_does_not_have_is_passed_on_as_it_was_said() {
    let says = json!({ "echo_message": "hello" });
    for (event_type, family) in [
        ("SECURITY_ECHO.SUCCESS", Family::Merchant),
        ("MEMBERCARD.ACTIVATE_CARD", Family::Brand),
    ] {
        let request = Request::signed(signed(200, &sealed(API_KEY, event_type, &says)));
        let read = request.read(family, &by_public_key()).await.unwrap();
        let Event::Other(text) = &read.event else {
            panic!("{read:?}");
        };
        assert_eq!(text.to_str().unwrap(), says.to_string());
        assert!(!format!("{read:?}").contains("hello"));
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_cannot_read_one_is_told_why_and_nothing_of_it() {
    let mut without_api_key = merchant([trusted("wechatpay_public_key")], no_download);
    without_api_key.api_v3_key = None;
    let without_api_key = of_merchant(without_api_key);
    let good = sealed(API_KEY, "MEMBERCARD.ACCEPT_CARD", &json!({}));
    let other_algorithm = good.replace("AEAD_AES_256_GCM", "AEAD_SM4_GCM");
    let no_object = sealed(API_KEY, "MEMBERCARD.ACCEPT_CARD", &json!("13800000417"));
    let (merchant, official) = (Family::Merchant, Family::OfficialAccount);
    let known = by_public_key();
    for (body, family, credentials, reason) in [
        (
            good.as_str(),
            official,
            &known,
            Reason::NotSupportedByFamily,
        ),
        (&good, merchant, &without_api_key, Reason::CredentialMissing),
        (
            &other_algorithm,
            merchant,
            &known,
            Reason::UpstreamMalformed,
        ),
        (&no_object, merchant, &known, Reason::UpstreamMalformed),
        (
            r#"{"id":13800000417}"#,
            merchant,
            &known,
            Reason::UpstreamMalformed,
        ),
        ("13800000417", merchant, &known, Reason::UpstreamMalformed),
    ] {
        let request = Request::signed(signed(200, body));
        let error = request.read(family, credentials).await.unwrap_err();
        assert_eq!(error.reason(), reason, "{body}");
        let source = error.source().map(ToString::to_string).unwrap_or_default();
        assert!(
            !format!("{error} {error:?} {source}").contains("13800000417"),
            "{error:?}"
        );
    }
}
