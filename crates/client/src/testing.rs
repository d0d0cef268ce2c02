//! What unit tests need: operations, keys, and a WeChat that answers from a script.

mod memory;

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use kabao_api::{AccountId, CallContext, MockUpstream};
use kabao_auth::{
    ApiV3Key, Identity, KeyId, KeyKind, KeySet, PrivateKey, PublicKey, ResponseToSign,
    Scheme as AuthScheme, TrustedKey, sign_response,
};
use kabao_models::protocol::GetCertificates;
use kabao_models::{Body, Effect, Family, Operation, Repeat};
use serde_json::Value;

pub(crate) use self::memory::Memory;
use crate::backend::Ground;
use crate::call::Sending;
use crate::clock::{Clock, MockClock};
use crate::keys::{CertificateSource, KeyStore, Trust};
use crate::member_locks::MemberLocks;
use crate::origin::{Hosts, Origin};
use crate::pipeline::Pipeline;
use crate::pipeline::credentials::{Credentials, SignedCredential};
use crate::pipeline::quota::Quotas;
use crate::replays::Replays;
use crate::route::Route;
use crate::settings::Settings;
use crate::signing::{Key, Keyring, RequestSigner, Signing};
use crate::token::{TokenMode, TokenSource};
use crate::transport::{HttpRequest, HttpResponse, MockTransport, Transport, TransportError};

const fn operation(
    id: &'static str,
    effect: Effect,
    request_number: Option<&'static str>,
) -> Operation {
    let mut operation =
        Operation::new::<GetCertificates>(Family::Merchant, id, Method::POST, "/v3/test", "a test");
    operation.body = Body::Json;
    operation.effect = effect;
    operation.request_number = request_number;
    operation.repeat = Repeat::Harmful;
    operation
}

pub(crate) static GET: Operation = operation("test.things.get", Effect::Read, None);
pub(crate) static UPDATE: Operation = operation("test.things.update", Effect::Write, None);
pub(crate) static CREATE: Operation =
    operation("test.things.create", Effect::Write, Some("out_request_no"));

pub(crate) const READ: Sending = sending(&GET, true);
pub(crate) const WRITE: Sending = sending(&UPDATE, false);
pub(crate) const WRITE_ABSOLUTE: Sending = sending(&UPDATE, true);
pub(crate) const WRITE_NUMBERED: Sending = sending(&CREATE, true);

const fn sending(operation: &'static Operation, is_repeatable: bool) -> Sending {
    Sending {
        operation,
        is_repeatable,
        is_repeatable_by_caller: is_repeatable,
        answer_members: &["card_id", "code"],
    }
}

/// The clock of the shared vectors.
pub(crate) const NOW: i64 = 1_767_225_600;

static VECTORS: LazyLock<Value> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../../auth/tests/data/auth_vectors.json"))
        .expect("the vectors are JSON")
});

/// A member of a throw-away key of the shared vectors.
pub(crate) fn key(name: &str, member: &str) -> &'static str {
    VECTORS["keys"][name][member]
        .as_str()
        .expect("a key of the vectors")
}

/// The cases of a section of the shared vectors.
pub(crate) fn cases(section: &str) -> &'static [Value] {
    VECTORS[section].as_array().expect("a list")
}

/// The answer of a certificate download from the shared vectors.
pub(crate) fn certificate_download(name: &str) -> HttpResponse {
    let case = cases("certificates_download")
        .iter()
        .find(|case| case["name"] == name)
        .expect("a case");
    let mut headers = HeaderMap::new();
    for (name, value) in case["headers"].as_object().expect("headers") {
        let name: HeaderName = name.to_lowercase().parse().expect("a name");
        headers.insert(
            name,
            value.as_str().expect("text").parse().expect("a value"),
        );
    }
    let body = Bytes::from(case["body_utf8"].as_str().expect("text").to_owned());
    HttpResponse {
        status: StatusCode::OK,
        headers,
        body,
    }
}

/// Stands still at [`NOW`]; nonces count up; delays have no spread.
pub(crate) fn clock() -> Arc<dyn Clock> {
    let mut clock = MockClock::new();
    let count = AtomicU32::new(0);
    clock.expect_unix_seconds().returning(|| NOW);
    clock
        .expect_nonce()
        .returning(move || Some(format!("{:032}", count.fetch_add(1, Ordering::Relaxed))));
    clock.expect_jitter().returning(|| 0);
    Arc::new(clock)
}

/// The account of every client under test.
pub(crate) fn account() -> AccountId {
    "demo".parse().expect("a valid id")
}

pub(crate) fn context() -> CallContext {
    CallContext::new(account(), "call-1".parse().expect("a valid id"))
}

/// One host.
pub(crate) fn hosts() -> Hosts {
    Hosts {
        main: Origin::parse("https://api.mch.weixin.qq.com").expect("a valid URL"),
        backup: None,
    }
}

/// The way of a credential to one host.
pub(crate) fn route(hosts: &Hosts) -> Route {
    Route::new(account(), hosts, &Settings::default().breaker)
}

pub(crate) fn unsigned(status: u16, body: &str) -> HttpResponse {
    HttpResponse {
        status: StatusCode::from_u16(status).expect("a status"),
        headers: HeaderMap::from_iter([(
            HeaderName::from_static("request-id"),
            HeaderValue::from_static("08F5B8C2B506102C18FDDFEEA30620BE-0"),
        )]),
        body: Bytes::from(body.to_owned()),
    }
}

/// An answer signed by the key `name`, which calls itself `id`, at `timestamp`.
pub(crate) fn signed_with(
    name: &str,
    id: &str,
    timestamp: i64,
    status: u16,
    body: &str,
) -> HttpResponse {
    static NONCES: AtomicU64 = AtomicU64::new(0);
    let private_key = PrivateKey::from_pem(key(name, "private_key_pem")).expect("a key");
    let id: KeyId = id.parse().expect("a key id");
    let scheme = if name.starts_with("brand") {
        AuthScheme::Brand
    } else {
        AuthScheme::Merchant
    };
    let nonce = format!("{:032x}", NONCES.fetch_add(1, Ordering::Relaxed));
    let to_sign = ResponseToSign {
        timestamp,
        nonce: &nonce,
        body: body.as_bytes(),
    };
    let signature = sign_response(&private_key, &id, scheme, &to_sign).expect("a signature");
    let mut answer = unsigned(status, body);
    for (name, value) in signature.headers() {
        answer.headers.insert(
            HeaderName::from_static(name),
            HeaderValue::from_str(value).expect("a value"),
        );
    }
    answer
}

/// An answer signed as WeChat Pay does in public-key mode.
pub(crate) fn signed(status: u16, body: &str) -> HttpResponse {
    signed_with(
        "wechatpay_public_key",
        key("wechatpay_public_key", "id"),
        NOW,
        status,
        body,
    )
}

/// Everything that was sent, in order.
pub(crate) type Sent = Arc<Mutex<Vec<HttpRequest>>>;

/// Answers each request by what `answer` makes of it.
pub(crate) fn answering(
    answer: impl Fn(&HttpRequest) -> Result<HttpResponse, TransportError> + Send + Sync + 'static,
) -> (Arc<dyn Transport>, Sent) {
    let sent = Sent::default();
    let record = Arc::clone(&sent);
    let mut transport = MockTransport::new();
    transport.expect_handshakes().returning(Default::default);
    transport.expect_send().returning(move |request| {
        let result = answer(&request);
        record.lock().expect("not poisoned").push(request);
        result
    });
    (Arc::new(transport), sent)
}

/// Answers each request by what `answer` makes of it, half of `delay` after it was sent and half
/// before the answer arrives.
pub(crate) fn slow(
    delay: Duration,
    answer: impl Fn(&HttpRequest) -> Result<HttpResponse, TransportError> + Send + Sync + 'static,
) -> Arc<dyn Transport> {
    Arc::new(Slow { delay, answer })
}

struct Slow<F> {
    delay: Duration,
    answer: F,
}

#[async_trait]
impl<F> Transport for Slow<F>
where
    F: Fn(&HttpRequest) -> Result<HttpResponse, TransportError> + Send + Sync,
{
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, TransportError> {
        tokio::time::sleep(self.delay / 2).await;
        let answer = (self.answer)(&request);
        tokio::time::sleep(self.delay / 2).await;
        answer
    }
}

/// Answers from a list; one request more than answers is a failed test.
pub(crate) fn scripted(
    answers: impl IntoIterator<Item = Result<HttpResponse, TransportError>>,
) -> (Arc<dyn Transport>, Sent) {
    let answers: Mutex<VecDeque<_>> = Mutex::new(answers.into_iter().collect());
    answering(move |_| {
        answers
            .lock()
            .expect("not poisoned")
            .pop_front()
            .expect("a request too many")
    })
}

/// The trust in WeChat Pay's public key of the vectors.
pub(crate) fn public_key(name: &str) -> TrustedKey {
    TrustedKey::PublicKey {
        id: key(name, "id").parse().expect("an id"),
        key: PublicKey::from_pem(key(name, "public_key_pem")).expect("a key"),
    }
}

/// A credential of the vectors (`merchant` or `brand`) that trusts `trusted`.
pub(crate) fn credential(
    name: &str,
    transport: &Arc<dyn Transport>,
    clock: &Arc<dyn Clock>,
    trusted: impl IntoIterator<Item = TrustedKey>,
) -> SignedCredential {
    let scheme = if name == "brand" {
        AuthScheme::Brand
    } else {
        AuthScheme::Merchant
    };
    let private_key = PrivateKey::from_pem(key(name, "private_key_pem")).expect("a key");
    let serial = key(name, "serial_no").parse().expect("a serial number");
    let number = key(name, scheme.identity_field());
    let identity = Identity::new(scheme, number, serial).expect("an identity");
    let keyring = Arc::new(keyring(identity, private_key, &hosts()));
    let api_v3_key = ApiV3Key::new(VECTORS["apiv3_key"].as_str().expect("text")).expect("a key");
    let source = CertificateSource {
        transport: Arc::clone(transport),
        clock: Arc::clone(clock),
        keyring: Arc::clone(&keyring),
        api_v3_key: api_v3_key.clone(),
        authorities: None,
    };
    let keys = KeySet::new(serial, trusted).expect("a set");
    let source = (scheme == AuthScheme::Merchant).then_some(source);
    SignedCredential {
        keyring,
        signing: Signing::Inline,
        route: route(&hosts()),
        keys: Arc::new(KeyStore::new(Trust {
            named: match keys.has(KeyKind::PublicKey, NOW) {
                true => KeyKind::PublicKey,
                false => KeyKind::Certificate,
            },
            configured: keys,
            source,
            refresh: Settings::default().certificate_refresh,
            place: "platform_certificates/test".to_owned(),
        })),
        api_v3_key: Some(api_v3_key),
        replays: Replays::default(),
        health: crate::health::Health::default(),
    }
}

/// The key `name` of the vectors, which signs as the merchant.
pub(crate) fn request_signer(name: &str, key: Key) -> RequestSigner {
    let serial = self::key(name, "serial_no")
        .parse()
        .expect("a serial number");
    let number = self::key("merchant", "mchid");
    let identity = Identity::new(AuthScheme::Merchant, number, serial).expect("an identity");
    RequestSigner::new(identity, key, None, hosts())
}

/// A pipeline of the brand family, whose service provider has these keys.
pub(crate) fn brand_of(
    transport: Arc<dyn Transport>,
    keyring: Keyring,
    settings: Settings,
) -> Pipeline {
    let clock = clock();
    let trusted = [public_key("wechatpay_public_key")];
    let mut provider = credential("merchant", &transport, &clock, trusted);
    provider.keyring = Arc::new(keyring);
    let credentials = Credentials {
        merchant: Some(Arc::new(provider)),
        ..Credentials::default()
    };
    Pipeline::new(
        account(),
        Family::Brand,
        credentials,
        transport,
        clock,
        settings,
        &Quotas::default(),
    )
}

/// One key of this process.
pub(crate) fn keyring(identity: Identity, private_key: PrivateKey, hosts: &Hosts) -> Keyring {
    let signer = RequestSigner::new(identity, Key::Here(private_key), None, hosts.clone());
    Keyring::new(signer, [])
}

/// What a backend stands on that reaches WeChat by `pipeline`.
pub(crate) fn ground(pipeline: Pipeline) -> Ground {
    Ground::new(Arc::new(pipeline.clone()), &pipeline)
}

/// A pipeline of the merchant family with a WeChat Pay public key.
pub(crate) fn merchant(transport: Arc<dyn Transport>, settings: Settings) -> Pipeline {
    merchant_at(&hosts(), transport, settings)
}

/// The same at other hosts.
pub(crate) fn merchant_at(
    hosts: &Hosts,
    transport: Arc<dyn Transport>,
    settings: Settings,
) -> Pipeline {
    let route = Route::new(account(), hosts, &settings.breaker);
    merchant_by(route, hosts, transport, settings)
}

/// The same by a way of its own.
pub(crate) fn merchant_by(
    route: Route,
    hosts: &Hosts,
    transport: Arc<dyn Transport>,
    settings: Settings,
) -> Pipeline {
    let clock = clock();
    let mut merchant = credential(
        "merchant",
        &transport,
        &clock,
        [public_key("wechatpay_public_key")],
    );
    let identity = merchant.keyring.identity().clone();
    let private_key = PrivateKey::from_pem(key("merchant", "private_key_pem")).expect("a key");
    merchant.keyring = Arc::new(keyring(identity, private_key, hosts));
    merchant.route = route;
    let credentials = Credentials {
        merchant: Some(Arc::new(merchant)),
        ..Credentials::default()
    };
    Pipeline::new(
        account(),
        Family::Merchant,
        credentials,
        transport,
        clock,
        settings,
        &Quotas::default(),
    )
}

/// A pipeline of the brand family, served by a service provider.
pub(crate) fn brand(transport: Arc<dyn Transport>) -> Pipeline {
    brand_with(transport, &Quotas::default())
}

/// The same, with limits that others may share.
pub(crate) fn brand_with(transport: Arc<dyn Transport>, quotas: &Quotas) -> Pipeline {
    let clock = clock();
    let provider = credential(
        "merchant",
        &transport,
        &clock,
        [public_key("wechatpay_public_key")],
    );
    let credentials = Credentials {
        merchant: Some(Arc::new(provider)),
        ..Credentials::default()
    };
    Pipeline::new(
        account(),
        Family::Brand,
        credentials,
        transport,
        clock,
        Settings::default(),
        quotas,
    )
}

/// A pipeline of the brand family, for a brand that calls directly.
pub(crate) fn direct_brand(transport: Arc<dyn Transport>) -> Pipeline {
    let clock = clock();
    let own = credential(
        "brand",
        &transport,
        &clock,
        [public_key("brand_wechatpay_public_key")],
    );
    let credentials = Credentials {
        brand: Some(Arc::new(own)),
        ..Credentials::default()
    };
    Pipeline::new(
        account(),
        Family::Brand,
        credentials,
        transport,
        clock,
        Settings::default(),
        &Quotas::default(),
    )
}

/// An answer to a brand that calls directly.
pub(crate) fn signed_for_brand(status: u16, body: &str) -> HttpResponse {
    let name = "brand_wechatpay_public_key";
    signed_with(name, key(name, "id"), NOW, status, body)
}

/// What a backend stands on that reaches nothing but `upstream`.
pub(crate) fn mocked(upstream: MockUpstream) -> Ground {
    Ground {
        upstream: Arc::new(upstream),
        clock: clock(),
        locks: MemberLocks::new(Duration::from_secs(30)),
        credentials: Credentials::default(),
        call_timeout: Duration::from_secs(30),
    }
}

/// A token source of an official account.
pub(crate) fn tokens(transport: &Arc<dyn Transport>, mode: TokenMode) -> Arc<TokenSource> {
    Arc::new(TokenSource::new(
        Arc::clone(transport),
        hosts(),
        route(&hosts()),
        "wx0123456789abcdef".to_owned(),
        "app-secret".into(),
        mode,
        clock(),
    ))
}

/// A pipeline of the official-account family.
pub(crate) fn official_account(transport: Arc<dyn Transport>) -> Pipeline {
    official_account_with(transport, clock())
}

/// The same, by a clock that moves.
pub(crate) fn official_account_with(
    transport: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
) -> Pipeline {
    let tokens = tokens(&transport, TokenMode::Stable);
    let credentials = Credentials {
        token: Some(tokens),
        ..Credentials::default()
    };
    Pipeline::new(
        account(),
        Family::OfficialAccount,
        credentials,
        transport,
        clock,
        Settings::default(),
        &Quotas::default(),
    )
}
