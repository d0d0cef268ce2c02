//! Private keys that lie elsewhere, and accounts with more than one.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use kabao_auth::{Plaintext, PrivateKey, PublicKey, Signer, SignerError};
use kabao_models::Sensitive;
use kabao_models::brand::UserCard;
use kabao_models::brand::user_cards::{GetUserCard as GetBrandCard, UpdateUserCard};
use tokio::time::{Instant, sleep};

use super::*;
use crate::signing::{Key, Keyring, Remote};
use crate::testing::{account, brand_of, clock, request_signer};
use crate::transport::Transport;
use crate::vitals::BreakerState;

/// How a signer behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mood {
    Works,
    Fails,
    Refuses,
    Hangs,
    /// Signs with the other key.
    Mixes,
    CannotDecrypt,
}

/// A signer of a key of the vectors, which takes a second for everything and does as it is told.
#[derive(Debug)]
struct Elsewhere {
    key: PrivateKey,
    mood: Mutex<Mood>,
    asked: AtomicUsize,
    busy: AtomicUsize,
    busiest: AtomicUsize,
}

fn private_key(name: &str) -> PrivateKey {
    PrivateKey::from_pem(key(name, "private_key_pem")).unwrap()
}

impl Elsewhere {
    fn new(name: &str, mood: Mood) -> Arc<Self> {
        Arc::new(Self {
            key: private_key(name),
            mood: Mutex::new(mood),
            asked: AtomicUsize::new(0),
            busy: AtomicUsize::new(0),
            busiest: AtomicUsize::new(0),
        })
    }

    fn becomes(&self, mood: Mood) {
        *self.mood.lock().unwrap() = mood;
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    async fn think(&self) -> Result<Mood, SignerError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let busy = self.busy.fetch_add(1, Ordering::SeqCst) + 1;
        self.busiest.fetch_max(busy, Ordering::SeqCst);
        let _leaves = Leaves(&self.busy);
        sleep(SECOND).await;
        let mood = *self.mood.lock().unwrap();
        match mood {
            Mood::Fails => Err(SignerError::Unavailable("the device is gone".into())),
            Mood::Refuses => Err(SignerError::Refused("the key is gone".into())),
            Mood::Hangs => std::future::pending().await,
            mood => Ok(mood),
        }
    }
}

struct Leaves<'b>(&'b AtomicUsize);

impl Drop for Leaves<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[async_trait]
impl Signer for Elsewhere {
    fn public_key(&self) -> &PublicKey {
        self.key.public_key()
    }

    async fn sign(&self, message: &[u8]) -> Result<String, SignerError> {
        match self.think().await? {
            Mood::Mixes => Signer::sign(&private_key("merchant_other"), message).await,
            _ => Signer::sign(&self.key, message).await,
        }
    }

    async fn decrypt(&self, ciphertext: &str) -> Result<Plaintext, SignerError> {
        match self.think().await? {
            Mood::CannotDecrypt => Err(SignerError::Unavailable("no decryption today".into())),
            _ => Signer::decrypt(&self.key, ciphertext).await,
        }
    }
}

const SECOND: Duration = Duration::from_secs(1);

fn remote(signer: &Arc<Elsewhere>, settings: &Settings) -> Key {
    let signer: Arc<dyn Signer> = Arc::<Elsewhere>::clone(signer);
    Key::Elsewhere(Box::new(Remote::new(account(), signer, clock(), settings)))
}

fn pipeline(
    transport: Arc<dyn Transport>,
    signer: &Arc<Elsewhere>,
    settings: Settings,
) -> Pipeline {
    let key = remote(signer, &settings);
    let keyring = Keyring::new(request_signer("merchant", key), []);
    brand_of(transport, keyring, settings)
}

/// Answers with a phone number that is encrypted for one of the merchant's keys.
fn encrypting(name: &'static str) -> (Arc<dyn Transport>, Sent) {
    answering(move |_| {
        let merchant = PublicKey::from_pem(private_key(name).public_key().to_pem().as_str());
        let phone = merchant.unwrap().encrypt(b"13800000417").unwrap();
        let body = format!(
            r#"{{"phone_number":"{phone}","user_information":{{"common_field_list":[{{"name":"USER_FORM_FLAG_NAME","value":"林间"}}]}}}}"#
        );
        Ok(signed(200, &body))
    })
}

fn brand_read() -> GetBrandCard {
    GetBrandCard::new("478515832665", "1004", "p1", "obLatjnx9gnqzS4myYGmLZ7LgLBA")
}

fn brand_write() -> UpdateUserCard {
    let mut write =
        UpdateUserCard::new("478515832665", "1004", "p1", "obLatjnx9gnqzS4myYGmLZ7LgLBA");
    write.phone_number = Some(Sensitive::plain("13800000417"));
    write
}

async fn update(pipeline: &Pipeline) -> Result<UserCard, Error> {
    call(pipeline, &context(), brand_write()).await
}

async fn get(pipeline: &Pipeline) -> Result<UserCard, Error> {
    call(pipeline, &context(), brand_read()).await
}

fn problem(pipeline: &Pipeline) -> Option<Reason> {
    let states = pipeline.credentials().states(NOW);
    states[0].problem.as_ref().map(|problem| problem.reason)
}

fn breaker(pipeline: &Pipeline) -> (u64, BreakerState) {
    let vitals = pipeline.vitals();
    let signer = vitals.credentials[0].signers[0];
    (signer.failures, signer.breaker)
}

#[tokio::test(start_paused = true)]
async fn a_key_elsewhere_signs_requests_and_decrypts_answers() {
    let (transport, sent) = encrypting("merchant");
    let signer = Elsewhere::new("merchant", Mood::Works);
    let pipeline = pipeline(transport, &signer, Settings::default());
    let card = update(&pipeline).await.unwrap();
    assert_eq!(card.phone_number, Some(Sensitive::plain("13800000417")));
    // One signature, one ciphertext: what can be none for the key was not asked about.
    assert_eq!((signer.asked(), count(&sent)), (2, 1));
    let fields = card.user_information.unwrap().common_field_list.unwrap();
    assert_eq!(fields[0].value, Some(Sensitive::encrypted("林间")));
    let header = sent.lock().unwrap()[0].headers["authorization"].clone();
    assert!(header.is_sensitive());
}

#[tokio::test(start_paused = true)]
async fn whatever_is_wrong_with_a_signer_nothing_is_sent_and_the_failure_is_clean() {
    for (mood, retryable, told) in [
        (Mood::Fails, true, "does not work at present"),
        (Mood::Refuses, false, "does not let the key be used"),
        (Mood::Hangs, true, "did not answer in time"),
        (Mood::Mixes, false, "signs with another key"),
    ] {
        let (transport, sent) = encrypting("merchant");
        let signer = Elsewhere::new("merchant", mood);
        let pipeline = pipeline(transport, &signer, Settings::default());
        let error = update(&pipeline).await.unwrap_err();
        assert_eq!(error.reason(), Reason::KeyUnavailable, "{mood:?}");
        assert!(error.message().contains(told), "{error}");
        assert_eq!(error.is_retryable(), retryable, "{mood:?}");
        assert!(!error.may_have_executed(), "{mood:?}");
        assert_eq!(count(&sent), 0, "{mood:?}");
        assert_eq!(problem(&pipeline), Some(Reason::KeyUnavailable));
        assert_eq!(breaker(&pipeline), (1, BreakerState::Closed));
        // Whatever call comes next shows that it works again.
        signer.becomes(Mood::Works);
        get(&pipeline).await.unwrap();
        assert_eq!(problem(&pipeline), None, "{mood:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_signer_that_hangs_is_left_alone_until_one_call_has_found_out() {
    let (transport, _) = encrypting("merchant");
    let signer = Elsewhere::new("merchant", Mood::Hangs);
    let settings = Settings::default();
    let pipeline = pipeline(transport, &signer, settings.clone());
    let begun = Instant::now();
    for _ in 0..settings.breaker.failures_in_a_row {
        get(&pipeline).await.unwrap_err();
    }
    assert_eq!(begun.elapsed(), 5 * settings.signer_timeout);
    assert_eq!(breaker(&pipeline), (5, BreakerState::Open));

    let refused = get(&pipeline).await.unwrap_err();
    assert_eq!(refused.reason(), Reason::KeyUnavailable);
    assert!(refused.is_retryable() && !refused.may_have_executed());
    assert_eq!(begun.elapsed(), 5 * settings.signer_timeout, "at once");
    assert_eq!(signer.asked(), 5);

    signer.becomes(Mood::Works);
    sleep(refused.retry_after().unwrap()).await;
    get(&pipeline).await.unwrap();
    assert_eq!(breaker(&pipeline), (5, BreakerState::Closed));
}

#[tokio::test(start_paused = true)]
async fn a_signer_that_refuses_has_answered_and_is_asked_again() {
    let (transport, _) = encrypting("merchant");
    let signer = Elsewhere::new("merchant", Mood::Refuses);
    let pipeline = pipeline(transport, &signer, Settings::default());
    for _ in 0..30 {
        get(&pipeline).await.unwrap_err();
    }
    assert_eq!(breaker(&pipeline), (30, BreakerState::Closed));
    assert_eq!(signer.asked(), 30);
}

#[tokio::test(start_paused = true)]
async fn callers_that_leave_do_not_hide_a_signer_that_hangs() {
    let (transport, sent) = encrypting("merchant");
    let signer = Elsewhere::new("merchant", Mood::Hangs);
    let pipeline = pipeline(transport, &signer, Settings::default());
    for _ in 0..5 {
        let soon = (Instant::now() + SECOND + SECOND / 2).into_std();
        let context = context().with_deadline(soon);
        let late = call(&pipeline, &context, brand_write()).await.unwrap_err();
        assert_eq!(late.reason(), Reason::DeadlineExceeded);
        assert!(!late.may_have_executed());
    }
    assert_eq!(breaker(&pipeline), (5, BreakerState::Open));
    assert_eq!(count(&sent), 0);
}

#[tokio::test(start_paused = true)]
async fn no_more_are_asked_of_a_signer_than_it_is_allowed_at_once() {
    let (transport, sent) = encrypting("merchant");
    let signer = Elsewhere::new("merchant", Mood::Works);
    let settings = Settings {
        max_concurrent_signatures: 3,
        signer_timeout: 60 * SECOND,
        ..Settings::default()
    };
    let pipeline = pipeline(transport, &signer, settings);
    let reads: Vec<_> = (0..20).map(|_| get(&pipeline)).collect();
    for read in futures_util::future::join_all(reads).await {
        read.unwrap();
    }
    assert_eq!(signer.busiest.load(Ordering::SeqCst), 3);
    assert_eq!(count(&sent), 20);
}

#[tokio::test(start_paused = true)]
async fn a_read_whose_answer_nobody_can_decrypt_now_fails_and_a_write_is_confirmed() {
    let (transport, sent) = encrypting("merchant");
    let signer = Elsewhere::new("merchant", Mood::CannotDecrypt);
    let pipeline = pipeline(transport, &signer, Settings::default());
    let error = get(&pipeline).await.unwrap_err();
    assert_eq!(error.reason(), Reason::KeyUnavailable);
    assert!(error.is_retryable() && !error.may_have_executed());
    assert_eq!(problem(&pipeline), Some(Reason::KeyUnavailable));
    let card = update(&pipeline).await.unwrap();
    assert!(matches!(card.phone_number, Some(Sensitive::Encrypted(_))));
    assert_eq!(count(&sent), 2);
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_decrypted_with_the_key_that_signed_and_else_with_the_others() {
    // The key that the answer is encrypted for, and how often either is asked to sign or to decrypt.
    for (name, expected) in [("merchant", [2, 0]), ("merchant_other", [2, 1])] {
        let signers = [
            Elsewhere::new("merchant", Mood::Works),
            Elsewhere::new("merchant_other", Mood::Works),
        ];
        let settings = Settings::default();
        let keys = ["merchant", "merchant_other"];
        let mut keys = keys
            .into_iter()
            .zip(&signers)
            .map(|(name, signer)| request_signer(name, remote(signer, &settings)));
        let (transport, sent) = encrypting(name);
        let keyring = Keyring::new(keys.next().unwrap(), keys);
        let pipeline = brand_of(transport, keyring, settings);
        let card = get(&pipeline).await.unwrap();
        assert_eq!(card.phone_number, Some(Sensitive::plain("13800000417")));
        assert_eq!(signers.map(|signer| signer.asked()), expected, "{name}");
        let header = sent.lock().unwrap()[0].headers["authorization"].clone();
        let serial = key("merchant", "serial_no");
        assert!(header.to_str().unwrap().contains(serial), "{header:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_old_key_of_this_process_decrypts_while_the_new_one_lies_elsewhere() {
    let signer = Elsewhere::new("merchant", Mood::CannotDecrypt);
    let settings = Settings::default();
    let (transport, _) = encrypting("merchant_other");
    let new = request_signer("merchant", remote(&signer, &settings));
    let old = request_signer("merchant_other", Key::Here(private_key("merchant_other")));
    let pipeline = brand_of(transport, Keyring::new(new, [old]), settings);
    // The one that cannot be asked does not matter, since another one can decrypt all there is.
    let card = get(&pipeline).await.unwrap();
    assert_eq!(card.phone_number, Some(Sensitive::plain("13800000417")));
}
