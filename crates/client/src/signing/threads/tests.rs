use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join_all;
use http::Method;
use kabao_auth::{Identity, PublicKey, Scheme};
use kabao_models::Sensitive;
use kabao_models::brand::UserCard;
use tokio::time::Instant;

use super::*;
use crate::clock::SystemClock;
use crate::origin::Origin;
use crate::settings::Settings;
use crate::signing::{Key, Signing};
use crate::testing::{READ, context, hosts, key};

/// Counts signatures by their nonces, and makes them wait until it is told.
struct Gate {
    made: AtomicUsize,
    open: Mutex<mpsc::Receiver<()>>,
}

impl Clock for Gate {
    fn unix_seconds(&self) -> i64 {
        SystemClock.unix_seconds()
    }

    fn nonce(&self) -> Option<String> {
        // A gate whose other end is gone stands open.
        let _ = self.open.lock().unwrap().recv();
        self.made.fetch_add(1, Ordering::SeqCst);
        SystemClock.nonce()
    }

    fn jitter(&self) -> u32 {
        0
    }
}

/// One client of the threads.
struct Client {
    signing: Signing,
    signer: Arc<RequestSigner>,
    gate: Arc<Gate>,
    clock: Arc<dyn Clock>,
}

fn clients(threads: &SigningThreads, count: usize) -> (Vec<Arc<Client>>, mpsc::SyncSender<()>) {
    let (open, gate) = mpsc::sync_channel(1024);
    let gate = Arc::new(Gate {
        made: AtomicUsize::new(0),
        open: Mutex::new(gate),
    });
    let private_key = PrivateKey::from_pem(key("merchant", "private_key_pem")).unwrap();
    let identity = Identity::new(
        Scheme::Merchant,
        key("merchant", "mchid"),
        key("merchant", "serial_no").parse().unwrap(),
    )
    .unwrap();
    let client = |_| {
        let clock: Arc<dyn Clock> = Arc::<Gate>::clone(&gate);
        Arc::new(Client {
            signing: Signing::Threads(threads.seat()),
            signer: Arc::new(RequestSigner::new(
                identity.clone(),
                Key::Here(private_key.clone()),
                None,
                hosts(),
            )),
            gate: Arc::clone(&gate),
            clock,
        })
    };
    ((0..count).map(client).collect(), open)
}

impl Client {
    async fn sign(&self, within: Duration) -> Result<HeaderValue, Error> {
        let deadline = (Instant::now() + within).into_std();
        let context = context().with_deadline(deadline);
        let call = Call::open(&context, READ, &Settings::default());
        self.sign_for(&call).await
    }

    async fn sign_for(&self, call: &Call) -> Result<HeaderValue, Error> {
        let hosts = hosts();
        let request = Unsigned {
            origin: &hosts.main,
            method: &Method::GET,
            target: "/v3/certificates",
            signed: &Bytes::new(),
        };
        self.signing
            .authorize(&self.signer, &self.clock, &request, call)
            .await
    }

    fn made(&self) -> usize {
        self.gate.made.load(Ordering::SeqCst)
    }
}

const PATIENT: Duration = Duration::from_secs(20);

fn one_thread() -> SigningThreads {
    SigningThreads::with(NonZeroUsize::MIN)
}

/// Lets every task get as far as it can.
async fn settle() {
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
}

/// Waits until so many requests wait.
async fn until_waiting(threads: &SigningThreads, count: usize) {
    while threads.0.shared.lock().turns.len() != count {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn what_is_signed_is_what_would_have_been_signed_inline() {
    let threads = SigningThreads::new();
    let (clients, open) = clients(&threads, 1);
    drop(open);
    let header = clients[0].sign(PATIENT).await.unwrap();
    assert!(header.is_sensitive());
    let text = header.to_str().unwrap();
    assert!(
        text.starts_with("WECHATPAY2-SHA256-RSA2048 mchid="),
        "{text}"
    );
}

#[tokio::test]
async fn a_foreign_host_is_refused_there_too() {
    let threads = one_thread();
    let (clients, open) = clients(&threads, 1);
    drop(open);
    let call = Call::open(&context(), READ, &Settings::default());
    let request = Unsigned {
        origin: &Origin::parse("https://evil.example").unwrap(),
        method: &Method::GET,
        target: "/",
        signed: &Bytes::new(),
    };
    let Client {
        signing,
        signer,
        clock,
        ..
    } = &*clients[0];
    let refused = signing.authorize(signer, clock, &request, &call).await;
    assert_eq!(refused.unwrap_err().reason(), Reason::Internal);
    assert_eq!(clients[0].made(), 0);
}

#[tokio::test]
async fn the_runtime_goes_on_while_a_signature_is_made() {
    let threads = one_thread();
    let (clients, open) = clients(&threads, 1);
    let client = Arc::clone(&clients[0]);
    let signing = tokio::spawn(async move { client.sign(PATIENT).await });
    settle().await;
    assert!(
        !signing.is_finished(),
        "this very line runs on the one thread of the runtime"
    );
    open.send(()).unwrap();
    signing.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_burst_of_one_client_does_not_keep_the_others_waiting() {
    let threads = one_thread();
    let (clients, open) = clients(&threads, 3);
    let order = Arc::new(Mutex::new(Vec::new()));
    let sign = |number: usize| {
        let (client, order) = (Arc::clone(&clients[number]), Arc::clone(&order));
        tokio::spawn(async move {
            client.sign(PATIENT).await.unwrap();
            order.lock().unwrap().push(number);
        })
    };
    let mut tasks: Vec<_> = (0..50).map(|_| sign(0)).collect();
    settle().await;
    tasks.extend([sign(1), sign(2)]);
    settle().await;
    for signatures in 1..=52 {
        open.send(()).unwrap();
        while order.lock().unwrap().len() < signatures {
            tokio::task::yield_now().await;
        }
    }
    join_all(tasks).await;
    let order = order.lock().unwrap();
    let place = |client: usize| order.iter().position(|other| *other == client).unwrap();
    // One is under way, and one of the burst has its turn before them.
    assert!(place(1) <= 2 && place(2) <= 3, "{order:?}");
}

#[tokio::test]
async fn whoever_leaves_or_is_late_costs_no_signature() {
    let threads = one_thread();
    let (clients, open) = clients(&threads, 1);
    let sign = |within| {
        let client = Arc::clone(&clients[0]);
        tokio::spawn(async move { client.sign(within).await })
    };
    let first = sign(PATIENT);
    settle().await;
    let (leaves, late) = (sign(PATIENT), sign(Duration::from_millis(1)));
    settle().await;
    leaves.abort();
    assert!(leaves.await.unwrap_err().is_cancelled());
    let deadline = Instant::now() + Duration::from_millis(2);
    while Instant::now() < deadline {
        tokio::task::yield_now().await;
    }
    open.send(()).unwrap();
    first.await.unwrap().unwrap();
    let refused = late.await.unwrap().unwrap_err();
    assert_eq!(refused.reason(), Reason::DeadlineExceeded);
    assert_eq!(clients[0].made(), 1);

    // The caller of a write leaves, while its task goes on.
    let context = context().detached();
    let call = Call::open(&context, READ, &Settings::default());
    let next = sign(PATIENT);
    settle().await;
    let (told, ()) = tokio::join!(clients[0].sign_for(&call), async {
        settle().await;
        assert!(context.progress().abandon());
    });
    assert_eq!(told.unwrap_err().reason(), Reason::Cancelled);
    drop(open);
    next.await.unwrap().unwrap();
    assert_eq!(clients[0].made(), 2);
}

#[tokio::test]
async fn what_finds_no_place_is_refused_at_once_and_a_burst_gives_way_to_others() {
    let threads = one_thread();
    let (clients, open) = clients(&threads, 2);
    let sign = |number: usize| {
        let client = Arc::clone(&clients[number]);
        tokio::spawn(async move { client.sign(PATIENT).await })
    };
    let first = sign(0);
    settle().await;
    until_waiting(&threads, 0).await;
    let burst: Vec<_> = (0..WAITING_PER_THREAD).map(|_| sign(0)).collect();
    until_waiting(&threads, WAITING_PER_THREAD).await;
    let queued = [&clients[0], &clients[1]].map(|client| client.signing.queued());
    assert_eq!(queued, [WAITING_PER_THREAD, 0]);
    let refused = clients[0].sign(PATIENT).await.unwrap_err();
    assert_eq!(refused.reason(), Reason::Overloaded);
    assert!(refused.is_retryable() && refused.retry_after().is_some());

    let other = sign(1);
    settle().await;
    until_waiting(&threads, WAITING_PER_THREAD).await;
    drop(open);
    other.await.unwrap().unwrap();
    first.await.unwrap().unwrap();
    let ends: Vec<_> = join_all(burst)
        .await
        .into_iter()
        .map(Result::unwrap)
        .collect();
    let refused = ends.iter().filter(|end| end.is_err()).count();
    assert_eq!(refused, 1);
}

#[tokio::test]
async fn a_panic_fails_one_call_and_the_threads_end_with_the_last_client() {
    struct Panics;

    impl Clock for Panics {
        fn unix_seconds(&self) -> i64 {
            0
        }

        fn nonce(&self) -> Option<String> {
            panic!("no randomness")
        }

        fn jitter(&self) -> u32 {
            0
        }
    }

    let threads = one_thread();
    let shared = Arc::clone(&threads.0.shared);
    let (clients, open) = clients(&threads, 1);
    drop(open);
    let broken = Client {
        signing: Signing::Threads(threads.seat()),
        signer: Arc::clone(&clients[0].signer),
        gate: Arc::clone(&clients[0].gate),
        clock: Arc::new(Panics),
    };
    let lost = broken.sign(PATIENT).await.unwrap_err();
    assert_eq!(lost.reason(), Reason::Internal);
    clients[0].sign(PATIENT).await.unwrap();

    drop((broken, clients, threads));
    while Arc::strong_count(&shared) > 1 {
        tokio::task::yield_now().await;
    }
}

/// An answer with a field that is encrypted for the merchant.
fn encrypted_answer() -> Box<dyn AnyAnswer> {
    let merchant = PublicKey::from_pem(key("merchant", "public_key_pem")).unwrap();
    let ciphertext = merchant.encrypt(b"13800000417").unwrap();
    Box::new(UserCard {
        phone_number: Some(Sensitive::Encrypted(ciphertext)),
        ..UserCard::default()
    })
}

fn phone(answer: Box<dyn AnyAnswer>) -> Option<Sensitive> {
    answer
        .into_any()
        .downcast::<UserCard>()
        .unwrap()
        .phone_number
}

#[tokio::test]
async fn fields_are_decrypted_there_too_and_an_answer_is_never_refused() {
    let threads = one_thread();
    let (clients, open) = clients(&threads, 1);
    let client = &clients[0];
    let keys = || [client.signer.key()].into_iter();
    let call = Call::open(&context(), READ, &Settings::default());
    // Behind as many signatures as find a place.
    let sign = || {
        let client = Arc::clone(client);
        tokio::spawn(async move { client.sign(PATIENT).await })
    };
    let mut signing = vec![sign()];
    settle().await;
    until_waiting(&threads, 0).await;
    signing.extend((0..WAITING_PER_THREAD).map(|_| sign()));
    until_waiting(&threads, WAITING_PER_THREAD).await;
    let answer = client
        .signing
        .decrypt(encrypted_answer(), keys(), &call)
        .await;
    assert_eq!(
        phone(answer.unwrap()),
        Some(Sensitive::plain("13800000417"))
    );
    drop(open);
    join_all(signing).await;
    // On the thread.
    let answer = client
        .signing
        .decrypt(encrypted_answer(), keys(), &call)
        .await;
    assert_eq!(
        phone(answer.unwrap()),
        Some(Sensitive::plain("13800000417"))
    );
    // With nothing to decrypt nothing is queued.
    let empty: Box<dyn AnyAnswer> = Box::new(UserCard::default());
    let answer = client.signing.decrypt(empty, keys(), &call).await;
    assert_eq!(phone(answer.unwrap()), None);
}
