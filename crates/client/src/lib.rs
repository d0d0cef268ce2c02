//! Talks to WeChat: the client of all three families of membership cards.
//!
//! WeChat's card APIs come in three generations with two kinds of authentication. This crate hides
//! the difference in *how* they are called, and leaves the difference in *what* they can do
//! visible.
//!
//! # Where to start
//!
//! One builder per family, each of which lists every fault of a configuration at once:
//! [`Client::merchant`], [`Client::brand`], [`Client::official_account`]. The [`Client`] offers
//!
//! - `call` for any operation of its family, one to one, with the request types of
//!   [`kabao_models`];
//! - the portable traits [`MemberApi`](kabao_api::MemberApi),
//!   [`TemplateApi`](kabao_api::TemplateApi) and [`AccountApi`](kabao_api::AccountApi) of
//!   [`kabao_api`], and over their lists the streams [`list_all_templates`] and
//!   [`list_all_members`];
//! - `into_account`, which gives it a name among the accounts of a gateway.
//!
//! ```no_run
//! use kabao_api::CallContext;
//! use kabao_client::{Client, PayCredential, WeChatPayKey};
//! use kabao_models::merchant::user_cards::GetUserCard;
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let merchant = Client::merchant()
//!     .credential(PayCredential {
//!         number: "1900000001".to_owned(),
//!         private_key: std::fs::read_to_string("apiclient_key.pem")?.into(),
//!         certificate: Some(std::fs::read_to_string("apiclient_cert.pem")?),
//!         wechat_pay_key: Some(WeChatPayKey {
//!             id: "PUB_KEY_ID_0119000000012026010100123400000001".to_owned(),
//!             public_key: std::fs::read_to_string("pub_key.pem")?,
//!         }),
//!         ..PayCredential::default()
//!     })
//!     .build()?;
//!
//! let context = CallContext::new("acme".parse()?, "call-1".parse()?);
//! let card = merchant.call(&context, GetUserCard::new("pbLatjvWOibDc5-TBnbUk1pD12o0", "478515832665")).await?;
//! assert!(card.level.is_some());
//! # Ok(())
//! # }
//! ```
//!
//! The examples in `crates/client/examples` run against the sandbox.
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
//! - Requests go to the configured host only, and redirects are not followed.
//! - Every wait, queue and buffer has a bound ([`Settings`]).
//!
//! # What may stand in between
//!
//! A [`Decorator`] puts something of your own around the parts of a client: around the portable
//! API, and around [`Upstream`](kabao_api::Upstream), which every call of every way passes.
//!
//! # Repeats, and writes whose fate is open
//!
//! Reads are repeated up to three times, and so are writes that do no more the second time: those
//! with a request number, with that number, and those of absolute values. Other writes are repeated
//! only if nothing of them was sent; all within the caller's deadline and a budget. After a write
//! left the process, only a verified answer about the very thing that was asked for ends it:
//! everything else is [`OUTCOME_UNKNOWN`](kabao_api::Reason::OutcomeUnknown). WeChat's word that it
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
mod brand;
mod client;
mod clock;
mod configuration;
mod connections;
mod decorator;
mod door;
mod health;
mod held;
mod keys;
mod list;
mod member_locks;
mod merchant;
mod observer;
mod official_account;
mod origin;
mod paging;
mod pipeline;
mod portable;
mod settings;
mod signing;
#[cfg(test)]
mod testing;
mod token;
mod transport;

pub use self::brand::BrandBuilder;
pub use self::client::Client;
#[cfg(test)]
pub(crate) use self::clock::MockClock;
pub use self::clock::{Clock, SystemClock};
pub use self::configuration::{
    ConfigurationError, ConfigurationFault, PayCredential, WeChatPayKey,
};
pub use self::connections::Connections;
pub use self::decorator::Decorator;
pub use self::list::{list_all_members, list_all_templates};
pub use self::merchant::{ListOffset, MerchantBuilder};
pub use self::observer::{Discarded, Observer};
pub use self::official_account::OfficialAccountBuilder;
pub use self::settings::{RetrySettings, Settings};
pub use self::token::TokenMode;
