use std::sync::Mutex;

use kabao_auth::{ApiV3Key, Identity, PlatformAuthorities, PrivateKey, Scheme, TrustedKey};
use tokio::task::yield_now;
use tokio::time::advance;

use super::*;
use crate::clock::{Clock, MockClock};
use crate::testing::{
    Memory, NOW, Sent, answering, certificate_download, clock, hosts, key, keyring, public_key,
    slow, unsigned,
};
use crate::transport::{HttpResponse, Transport};

const REFRESH: Duration = Duration::from_secs(36_000);
const PLACE: &str = "platform_certificates/test";
const DOWNLOAD: &str = "two_certificates_bootstrap";

/// A store of keys over a WeChat that answers downloads from a script; the last answer stays.
struct Bench {
    keys: Arc<KeyStore>,
    sent: Sent,
}

struct Setup {
    named: KeyKind,
    trusted: Vec<TrustedKey>,
    authorities: Option<PlatformAuthorities>,
    clock: Arc<dyn Clock>,
}

impl Setup {
    /// Certificates alone.
    fn certificates() -> Self {
        Self {
            named: KeyKind::Certificate,
            trusted: Vec::new(),
            authorities: None,
            clock: clock(),
        }
    }

    /// Both kinds of keys, of which requests name this one.
    fn both(named: KeyKind) -> Self {
        Self {
            named,
            trusted: vec![public_key("wechatpay_public_key")],
            ..Self::certificates()
        }
    }

    fn start(self, answers: impl IntoIterator<Item = HttpResponse>) -> Bench {
        let answers = Mutex::new(
            answers
                .into_iter()
                .collect::<std::collections::VecDeque<_>>(),
        );
        let (transport, sent) = answering(move |_| {
            let mut answers = answers.lock().unwrap();
            Ok(match answers.len() {
                0 => panic!("nothing more is downloaded"),
                1 => answers[0].clone(),
                _ => answers.pop_front().unwrap(),
            })
        });
        self.over(&transport, sent)
    }

    fn over(self, transport: &Arc<dyn Transport>, sent: Sent) -> Bench {
        let own = key("merchant", "serial_no").parse().unwrap();
        let private = PrivateKey::from_pem(key("merchant", "private_key_pem")).unwrap();
        let number = key("merchant", "mchid");
        let identity = Identity::new(Scheme::Merchant, number, own).unwrap();
        let source = CertificateSource {
            transport: Arc::clone(transport),
            clock: self.clock,
            keyring: Arc::new(keyring(identity, private, &hosts())),
            api_v3_key: ApiV3Key::new("k7Qm2ZxV9aT4rLp8WsD1eYh6NbUc3JfG").unwrap(),
            authorities: self.authorities,
        };
        let keys = KeyStore::new(Trust {
            configured: KeySet::new(own, self.trusted).unwrap(),
            source: Some(source),
            named: self.named,
            refresh: REFRESH,
            place: PLACE.to_owned(),
        });
        let keys = Arc::new(keys);
        Bench { keys, sent }
    }
}

impl Bench {
    /// What a call does, and what goes on beside it.
    async fn trusted(&self, now: i64) -> Result<KeySet, Error> {
        let trusted = self.keys.trusted(now).await;
        settle().await;
        trusted
    }

    fn downloads(&self) -> usize {
        self.sent.lock().unwrap().len()
    }
}

async fn settle() {
    for _ in 0..50 {
        yield_now().await;
    }
}

fn current() -> KeyId {
    key("platform_current", "serial_no").parse().unwrap()
}

fn away() -> HttpResponse {
    unsigned(500, "")
}

/// A store in which another process has kept the certificates of a download.
async fn kept() -> Arc<Memory> {
    let memory = Arc::new(Memory::default());
    let bench = Setup::certificates().start([certificate_download(DOWNLOAD)]);
    bench.keys.shelf().use_store(Arc::<Memory>::clone(&memory));
    bench.trusted(NOW).await.unwrap();
    memory.until_released(PLACE).await;
    assert!(memory.find_kept(PLACE).is_some(), "it was kept");
    memory
}

#[tokio::test(start_paused = true)]
async fn a_start_needs_no_download_where_the_last_good_certificates_lie_in_the_store() {
    let memory = kept().await;
    let bench = Setup::certificates().start([away()]);
    bench.keys.shelf().use_store(memory);
    let keys = bench.trusted(NOW + 60).await.unwrap();
    assert!(keys.get(&current()).is_some());
    assert_eq!(bench.downloads(), 0);
    // They are as old as they are: the refresh is due when it would have been.
    advance(REFRESH - Duration::from_secs(61)).await;
    bench.trusted(NOW).await.unwrap();
    assert_eq!(bench.downloads(), 0);
    advance(Duration::from_secs(1)).await;
    let keys = bench.trusted(NOW).await.unwrap();
    assert_eq!(bench.downloads(), 1);
    assert!(keys.get(&current()).is_some(), "it failed, and they go on");
}

#[tokio::test(start_paused = true)]
async fn what_lies_in_the_store_for_long_is_used_and_refreshed_at_once() {
    let memory = kept().await;
    let bench = Setup::certificates().start([certificate_download(DOWNLOAD)]);
    bench.keys.shelf().use_store(memory);
    let late = NOW + 40 * 86_400;
    // Nobody waits for the download.
    let keys = bench.keys.trusted(late).await.unwrap();
    assert!(keys.get(&current()).is_some());
    assert_eq!(bench.downloads(), 0);
    bench.trusted(late).await.unwrap();
    assert_eq!(bench.downloads(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_lies_in_the_store_beyond_its_validity_is_not_used() {
    let memory = kept().await;
    let bench = Setup::certificates().start([away()]);
    bench.keys.shelf().use_store(memory);
    let error = bench.trusted(NOW + 20 * 366 * 86_400).await.unwrap_err();
    assert_eq!(error.reason(), Reason::UpstreamUnavailable);
    assert_eq!(bench.downloads(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_store_that_does_not_work_is_a_download() {
    let memory = Arc::new(Memory::default());
    memory.set_broken(true);
    for payload in [None, Some("no JSON"), Some(r#"{"version":9,"content":1}"#)] {
        if let Some(payload) = payload {
            memory.set_broken(false);
            memory.set(PLACE, payload.as_bytes());
        }
        let bench = Setup::certificates().start([certificate_download(DOWNLOAD)]);
        bench.keys.shelf().use_store(Arc::<Memory>::clone(&memory));
        let keys = bench.trusted(NOW).await.unwrap();
        assert!(keys.get(&current()).is_some());
        assert_eq!(bench.downloads(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn many_processes_do_not_refresh_at_one_moment() {
    for (jitter, seconds) in [(0, 36_000), (500, 34_200), (1000, 32_400)] {
        let mut clock = MockClock::new();
        clock.expect_unix_seconds().returning(|| NOW);
        clock.expect_nonce().returning(|| Some("0".repeat(32)));
        clock.expect_jitter().returning(move || jitter);
        let setup = Setup {
            clock: Arc::new(clock),
            ..Setup::certificates()
        };
        let bench = setup.start([certificate_download(DOWNLOAD)]);
        bench.trusted(NOW).await.unwrap();
        advance(Duration::from_secs(seconds - 1)).await;
        bench.trusted(NOW).await.unwrap();
        assert_eq!(bench.downloads(), 1, "{jitter}");
        advance(Duration::from_secs(1)).await;
        bench.trusted(NOW).await.unwrap();
        assert_eq!(bench.downloads(), 2, "{jitter}");
    }
}

#[tokio::test(start_paused = true)]
async fn requests_name_the_kind_of_key_that_the_account_says() {
    for named in [KeyKind::PublicKey, KeyKind::Certificate] {
        let bench = Setup::both(named).start([certificate_download(DOWNLOAD)]);
        let keys = bench.trusted(NOW).await.unwrap();
        let named_key = keys.encryption_key(bench.keys.named(), NOW).unwrap();
        assert_eq!(named_key.kind(), named);
        let downloads = usize::from(named == KeyKind::Certificate);
        assert_eq!(bench.downloads(), downloads, "{named:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn while_no_certificate_can_be_had_the_public_key_goes_on() {
    let bench =
        Setup::both(KeyKind::Certificate).start([away(), away(), certificate_download(DOWNLOAD)]);
    for (pause, downloads) in [(0, 1), (0, 1), (1, 2)] {
        advance(Duration::from_secs(pause)).await;
        let keys = bench.trusted(NOW).await.unwrap();
        let named = keys.encryption_key(KeyKind::Certificate, NOW).unwrap();
        assert_eq!(named.kind(), KeyKind::PublicKey);
        assert_eq!(bench.downloads(), downloads);
    }
    advance(Duration::from_secs(2)).await;
    let keys = bench.trusted(NOW).await.unwrap();
    assert!(keys.has(KeyKind::Certificate, NOW));
}

#[tokio::test(start_paused = true)]
async fn a_merchant_that_has_changed_to_the_public_key_keeps_what_it_had_and_asks_seldom() {
    let none = unsigned(404, r#"{"code":"RESOURCE_NOT_EXISTS","message":"m"}"#);
    let setup = Setup::both(KeyKind::PublicKey);
    let bench = setup.start([certificate_download(DOWNLOAD), none]);
    bench.trusted(NOW).await.unwrap();
    assert!(bench.keys.look_for(&current(), NOW).await.is_some());
    advance(REFRESH).await;
    for _ in 0..3 {
        let keys = bench.trusted(NOW).await.unwrap();
        assert!(keys.get(&current()).is_some(), "answers may come late");
        assert_eq!((bench.downloads(), bench.keys.failures()), (2, 0));
        advance(RETRY_REFRESH).await;
    }
}

#[tokio::test(start_paused = true)]
async fn certificates_in_the_store_serve_beside_a_public_key_without_a_download() {
    let memory = kept().await;
    let bench = Setup::both(KeyKind::PublicKey).start([away()]);
    bench.keys.shelf().use_store(memory);
    bench.trusted(NOW).await.unwrap();
    assert!(bench.keys.snapshot().get(&current()).is_some());
    assert_eq!(bench.downloads(), 0);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_downloaded_for_a_public_key_that_is_unknown() {
    let bench = Setup::both(KeyKind::PublicKey).start([away()]);
    let forged = "PUB_KEY_ID_0999".parse().unwrap();
    for _ in 0..100 {
        assert!(bench.keys.look_for(&forged, NOW).await.is_none());
        advance(Duration::from_secs(61)).await;
    }
    assert_eq!(bench.downloads(), 0);
}

#[tokio::test(start_paused = true)]
async fn forged_serials_in_a_flood_lead_to_one_download_a_minute() {
    let bench = Setup::certificates().start([certificate_download(DOWNLOAD)]);
    bench.trusted(NOW).await.unwrap();
    advance(UNKNOWN_KEY_INTERVAL).await;
    let before = bench.downloads();
    for round in 1..=3 {
        let flood = (0..500).map(|number| {
            let keys = Arc::clone(&bench.keys);
            tokio::spawn(async move {
                let forged = format!("{number:040X}").parse().unwrap();
                keys.look_for(&forged, NOW).await.is_some()
            })
        });
        for found in flood.collect::<Vec<_>>() {
            assert!(!found.await.unwrap());
        }
        assert_eq!(bench.downloads(), before + round);
        advance(UNKNOWN_KEY_INTERVAL).await;
    }
    assert!(bench.keys.snapshot().get(&current()).is_some());
}

#[tokio::test(start_paused = true)]
async fn a_key_that_is_unknown_right_after_a_download_is_looked_for_at_once() {
    let bench = Setup::certificates().start([certificate_download(DOWNLOAD)]);
    bench.trusted(NOW).await.unwrap();
    let unknown = "1234".parse().unwrap();
    for _ in 0..3 {
        assert!(bench.keys.look_for(&unknown, NOW).await.is_none());
        assert_eq!(bench.downloads(), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn callers_that_leave_drive_no_further_download() {
    let sent = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&sent);
    let transport = slow(Duration::from_secs(3), move |_| {
        count.fetch_add(1, Ordering::SeqCst);
        Ok(certificate_download(DOWNLOAD))
    });
    let bench = Setup::certificates().over(&transport, Sent::default());
    let forged = "1234".parse().unwrap();
    for _ in 0..20 {
        let looked = bench.keys.look_for(&forged, NOW);
        let looked = tokio::time::timeout(Duration::from_secs(1), looked).await;
        assert!(!matches!(looked, Ok(Some(_))));
    }
    assert_eq!(sent.load(Ordering::SeqCst), 1);
    assert!(bench.keys.snapshot().get(&current()).is_some());
}

#[tokio::test(start_paused = true)]
async fn a_forged_list_is_refused_and_counted_and_the_old_certificates_stay() {
    let forged = "response_signed_by_outsider";
    let bench =
        Setup::certificates().start([certificate_download(DOWNLOAD), certificate_download(forged)]);
    bench.trusted(NOW).await.unwrap();
    advance(REFRESH).await;
    let keys = bench.trusted(NOW).await.unwrap();
    assert_eq!(bench.downloads(), 2);
    assert!(keys.get(&current()).is_some());
    assert_eq!((bench.keys.failures(), bench.keys.refused()), (1, 1));
    // A WeChat that is away forges nothing.
    let bench = Setup::certificates().start([away()]);
    bench.trusted(NOW).await.unwrap_err();
    assert_eq!((bench.keys.failures(), bench.keys.refused()), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn certificates_of_another_authority_are_refused_also_out_of_the_store() {
    let root = rcgen::KeyPair::generate().unwrap();
    let root = rcgen::CertificateParams::default().self_signed(&root);
    let authorities = PlatformAuthorities::from_pem(&root.unwrap().pem()).unwrap();
    let memory = kept().await;
    let setup = Setup {
        authorities: Some(authorities),
        ..Setup::certificates()
    };
    let bench = setup.start([certificate_download(DOWNLOAD)]);
    bench.keys.shelf().use_store(memory);
    let error = bench.trusted(NOW).await.unwrap_err();
    assert_eq!(error.reason(), Reason::KeyUnavailable);
    assert_eq!((bench.downloads(), bench.keys.refused()), (1, 1));
    assert!(bench.keys.snapshot().is_empty());
}
