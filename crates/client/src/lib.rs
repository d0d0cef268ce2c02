//! Talks to WeChat: the client of all three families of membership cards.
//!
//! WeChat's card APIs come in three generations with two kinds of authentication. This crate hides
//! the difference in *how* they are called, and leaves the difference in *what* they can do
//! visible.
//!
//! # The first twenty lines
//!
//! This crate alone is enough: it brings what its users need of the crates below it.
//!
//! ```no_run
//! use kabao_client::{
//!     Client, GetMember, MemberApi, MemberUpdate, PayCredential, UpdateMember, WeChatPayKey,
//! };
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let key = WeChatPayKey::from_file("PUB_KEY_ID_0119000000012026010100123400000001", "pub_key.pem")?;
//! let (private_key, certificate) = ("apiclient_key.pem", "apiclient_cert.pem");
//! let credential = PayCredential::from_files("1900000001", private_key, certificate)?;
//! let shop = Client::merchant("acme")
//!     .credential(credential.with_wechat_pay_key(key))
//!     .build()?;
//!
//! let name = shop.member("pbLatjvWOibDc5-TBnbUk1pD12o0", "478515832665")?;
//! let get = GetMember::new(name.clone());
//! let member = shop.get_member(&shop.context(), get).await?;
//! println!("before: level {:?}, {:?}", member.level, member.state);
//!
//! let update = UpdateMember::new(name, MemberUpdate::new().with_level("黄金会员"));
//! match shop.update_member(&shop.context(), update).await {
//!     Ok(member) => println!("after: level {:?}", member.level),
//!     Err(error) if error.may_have_executed() => println!("read before you repeat: {error}"),
//!     Err(error) => println!("not done, {}: {error}", error.reason()),
//! }
//! # Ok(())
//! # }
//! ```
//!
//! The [examples](https://github.com/kabao-io/kabao/tree/main/crates/client/examples) run against
//! `kabao dev`, the last one by itself, one for each task:
//!
//! | example | shows how to |
//! | --- | --- |
//! | `first_lines` | make a client from key files, read a member and change it |
//! | `change_template` | change a template of a brand, and a member of it |
//! | `spend_points` | take points away, never below a floor and never twice |
//! | `list_cards` | list all templates, and all cards of one user |
//! | `create_and_activate` | make a template and activate the card that a user takes of it |
//! | `upload_image` | upload a picture that templates may name |
//! | `read_many` | read many members, some at a time |
//! | `handle_errors` | tell what failed, and repeat what may or may not have happened |
//! | `several_accounts` | use accounts of every family by the same code |
//! | `family_call` | call an operation of one family, with its own types |
//! | `notifications` | believe, open and read what WeChat Pay pushes |
//!
//! # What there is
//!
//! One builder for each family, each of which lists every fault of a configuration at once:
//! [`Client::merchant`], [`Client::brand`], [`Client::official_account`]. They take the name of the
//! account, and the [`Client`] says it from then on, in the names of [templates](Client::template) and
//! [members](Client::member) and in the [contexts](Client::context) of calls. It offers
//!
//! - the portable traits [`MemberApi`], [`TemplateApi`], [`MediaApi`] and [`AccountApi`], whose
//!   requests are made by `new` and `with_*`, and over their lists the streams
//!   [`list_all_templates`] and [`list_all_members`];
//! - [`call`](Client::call) for any operation of its family, one to one, with the request types of
//!   [`merchant`], [`brand`] and [`official_account`];
//! - [`read_notification`](Client::read_notification) for what WeChat Pay tells by a request of its own, whichever
//!   server takes it;
//! - [`into_account`](Client::into_account), which makes it one of the [`Accounts`] of a registry.
//!
//! Nothing has to be kept running for it: tokens and platform certificates are fetched beside the
//! calls that need them.
//!
//! # What every call goes through
//!
//! One ordered list (`src/pipeline.rs`) for every operation of every family: check all documented
//! limits, pick the credential, make sure that the answer can be verified, encrypt the sensitive
//! fields, serialise once, wait for a permit; then, per attempt, sign with fresh time and nonce,
//! send, verify over the raw bytes, classify; at last decode and decrypt.
//!
//! - The bytes that are signed are the bytes that are sent; the bytes that are verified are the
//!   bytes that were received. Nothing unverified is decoded.
//! - Without a trusted key nothing is sent. Keys are swapped as a whole; an unknown key in an
//!   answer leads to one download at a time and at most one a minute.
//! - Answers of official accounts are not signed: there, TLS is the proof.
//! - Requests go to the configured hosts only, and redirects are not followed.
//! - Every wait, queue and buffer has a bound ([`Settings`]).
//!
//! # When WeChat is slow, busy or away
//!
//! Calls of an account above what WeChat can take at the moment wait shortly, the newest first if they are many,
//! and are refused as [`OVERLOADED`](Reason::Overloaded) with a delay, before they cost a signature. A host that
//! fails five times in a row is left alone: calls fail at once, or go to the backup host
//! (`https://api2.mch.weixin.qq.com` for WeChat Pay) if they may be sent again; one call at a time finds out
//! whether it works again. A token that cannot be had is asked for once a pause. None of it is seen on good days,
//! and each account has its own.
//!
//! A signature takes a processor for up to a millisecond. A server hands [`SigningThreads`] to its clients, so that
//! nothing else waits behind one.
//!
//! A private key that lies elsewhere, in a hardware module for example, is a [`Signer`]
//! ([`PayCredential::signer`]). It has [`Settings::signer_timeout`] for each signature, and while it does not work, it
//! is left alone as a host is: calls fail at once as [`KEY_UNAVAILABLE`](Reason::KeyUnavailable), and nothing is sent.
//!
//! WeChat's documented limits of calls are kept to: a call waits for its turn, in a queue that is fair among the callers
//! that contexts name ([`CallContext::with_caller`]), or is refused at once if its turn would come after its deadline. A
//! server hands [`Quotas`] to its clients, so that those of one merchant number share its limits.
//!
//! # What may stand in between
//!
//! A [`Decorator`] puts something of your own around the parts of a client: around the portable
//! API, and around [`Upstream`], which every call of every way passes.
//!
//! # Repeats, and writes whose fate is open
//!
//! Reads are repeated up to three times, and so are writes that do no more the second time: those
//! with a request number, with that number, and those of absolute values. Other writes are repeated
//! only if nothing of them was sent; all within the caller's deadline and a budget. After a write
//! left the process, only a verified answer about the very thing that was asked for ends it:
//! everything else is [`OUTCOME_UNKNOWN`](Reason::OutcomeUnknown). WeChat's word that it
//! accepted a request (202) is no such answer, and an answer without error is not one either.
//!
//! A write method runs on a task of its own. When its caller goes away, it runs on to its end if
//! anything was sent, reading back included; if nothing was sent, nothing ever is.
//!
//! # Points and stored value
//!
//! WeChat wants the value before and after a change, and is not documented to notice when two
//! changes overlap. So a change reads the present value, checks the sum and writes, and the changes
//! of one member follow one another inside a client and its clones. The lock outlives a caller that
//! leaves while the write is in flight.
//!
//! # Features and runtime
//!
//! The crate needs a tokio runtime with time and I/O enabled. It has no features.

mod backend;
mod bounds;
mod breaker;
mod call;
mod client;
mod clock;
mod configuration;
mod connections;
mod decorator;
mod door;
mod errand;
mod failure;
mod faults;
mod health;
mod held;
mod key_check;
mod keys;
mod list;
mod member_locks;
mod notification;
mod observer;
mod origin;
mod paging;
mod pause;
mod pipeline;
mod portable;
mod proxy;
mod refusal;
mod replays;
mod route;
mod settings;
mod shelf;
mod signing;
#[cfg(test)]
mod testing;
mod token;
mod transport;
mod vitals;

pub use self::backend::merchant::ListOffset;
pub use self::client::Client;
#[cfg(test)]
pub(crate) use self::clock::MockClock;
pub use self::clock::{Clock, SystemClock};
pub use self::configuration::{
    BrandBuilder, MerchantBuilder, MerchantKey, OfficialAccountBuilder, PayCredential,
    WeChatPayKey, WechatpaySerial,
};
pub use self::connections::Connections;
pub use self::decorator::Decorator;
pub use self::faults::{ConfigurationError, ConfigurationFault};
pub use self::list::{Listing, list_all_members, list_all_templates};
pub use self::notification::{Event, Notification};
pub use self::observer::{ATTEMPTS, Discarded, End, Host, Observer};
pub use self::pipeline::quota::Quotas;
pub use self::proxy::Proxy;
pub use self::settings::{BreakerSettings, RetrySettings, Settings};
pub use self::signing::SigningThreads;
pub use self::token::TokenMode;
pub use self::vitals::{
    BreakerState, CredentialVitals, Handshakes, HostVitals, LimitVitals, SignerVitals, TokenVitals,
    Vitals,
};

// What users need of the crates below. Whoever writes a facade or a server finds the rest there.

// Keys that lie elsewhere.
pub use kabao_auth::{Plaintext, PublicKey, Signer, SignerError};
// Notifications, and why one is not believed.
pub use kabao_auth::{SignatureHeaders, VerificationError};
// Names and contexts.
pub use kabao_api::{
    AccountId, CallContext, CallId, CallerKey, MemberName, Progress, RequestId, TemplateId,
    TemplateName, Urgency,
};
// The portable traits, what they answer, and the registry of accounts.
pub use kabao_api::{
    AccessTokenState, Account, AccountApi, Accounts, Adjustment, Capability, CardSigner, Check,
    CredentialKind, CredentialProblem, CredentialState, HeldCredential, HeldCredentials, MediaApi,
    Member, MemberApi, MemberState, Method, Page, PageToken, SignedAddCard, SignedChooseCard,
    Stock, Template, TemplateApi, TemplateState, TrustedKeyState, UploadedImage, Upstream,
    UpstreamMember, UpstreamTemplate, Validity,
};
// Their requests.
pub use kabao_api::{
    ActivateMember, ActivationOutcome, AddCard, AdjustMember, Change, ChooseCard, CreateTemplate,
    DeleteTemplate, GetMember, GetTemplate, ImportMember, ImportedUser, InvalidateMember,
    ListMembers, ListTemplates, MemberUpdate, NewTemplate, PageRequest, TemplateUpdate,
    UpdateMember, UpdateTemplate, UploadImage, UpstreamNewTemplate, View,
};
// Errors.
pub use kabao_api::{Error, FieldViolation, Precondition, Reason, UpstreamDetail, UpstreamError};
// The families' own operations, and what their requests and answers are made of.
pub use kabao_models::{
    AnyAnswer, AnyEndpoint, Endpoint, Extra, Family, NoContent, Operation, Personal, Secret,
    Sensitive, Upload, brand, merchant, official_account,
};
