//! WeChat's membership-card servers as a library: an emulator that verifies, keeps state, signs
//! and answers like WeChat.
//!
//! WeChat has no sandbox for membership cards: no service that checks a signature, says what is
//! wrong with it, and answers with one of its own. So every client is first tested against real
//! members. This crate is the missing server. It shares the endpoint types of `kabao-models` and
//! the primitives of `kabao-auth` with our client, and no decision: a bug of the client cannot
//! hide here.
//!
//! ```
//! use kabao_sandbox::{Fault, FaultRule, Sandbox};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let sandbox = Sandbox::builder().start().await?;
//! let account = sandbox.account("demo-merchant").ok_or("no such account")?;
//! println!("{} trusts {} bytes of PEM", account.base_url, sandbox.ca_pem().len());
//! // The next balance change takes effect and loses its answer.
//! let lost = Fault::DropConnection { applied: true };
//! sandbox.inject(FaultRule::next(lost).on("merchant.user_cards.update"))?;
//! // ... the client under test acts, then:
//! assert!(sandbox.ledger().is_empty());
//! sandbox.shutdown().await;
//! # Ok(())
//! # }
//! ```
//!
//! # What it does
//!
//! - **TLS** with an authority of its own, for `api.mch.weixin.qq.com`, `api2.mch.weixin.qq.com`,
//!   `api.weixin.qq.com`, `localhost` and the loopback addresses, so that foreign SDKs run
//!   unchanged with a hosts entry. HTTP/1.1 with header names in the documented spelling.
//! - **WeChat Pay** (`/v3/...`): checks in the order of the service: route (404 and 405 without a
//!   body), `Accept` and `User-Agent` (400), scheme and syntax of `Authorization`, clock, serial number,
//!   signature (401), encrypted fields, parameters (400 with the field), permission (403), rate
//!   (429), business rules. What comes after authentication is signed, errors included. Platform
//!   certificates (`GET /v3/certificates`), public-key mode and the migration between them.
//! - **Official accounts** (`/cgi-bin/...`, `/card/...`): access tokens with their real lifetimes,
//!   HTTP 200 with `errcode` for everything.
//! - **State**: templates and members with their documented life cycles, one core per family.
//! - **[`Settings`]**: every choice that the documents leave open, by name, with a default.
//! - **[`Fault`]s**: hanging and dropped connections, lost answers to applied writes, spoiled
//!   signatures, rate limits, gateways' error pages; and any answer that you can think of:
//!   [`Fault::EditJson`] changes members of an answer, or puts bytes in their place, before it is
//!   signed, [`Fault::ReplaceBody`] makes up a whole one.
//! - **A ledger** of every effect that was really applied, and **a request journal** of every
//!   exchange: its outcome, the checks that it passed, the one that it failed and the member at
//!   fault. The last 10,000 are kept, 16 MB of heads and bodies in all and 16 kB of one body;
//!   `Authorization`, access tokens and secrets are left out. Each one is a line of the log at debug.
//!
//! # Accounts
//!
//! `demo-merchant`, `demo-brand` (a service provider), `demo-brand-direct` (the same brand, calling
//! directly) and `demo-official-account` always exist; [`Builder::account`] adds others at the
//! start, for which `NAME=FAMILY` is enough ([`AccountConfig`] reads it from text),
//! [`Running::add_account`] and `POST /accounts` while the sandbox runs. With
//! [`Builder::directory`] keys and secrets survive restarts, below `DIRECTORY/sandbox`: `ca.pem`,
//! and per account `account.json`, `apiclient_key.pem`, `apiclient_cert.pem` and `pub_key.pem`;
//! accounts that were added are there again after a restart. A directory belongs to one sandbox at
//! a time.
//! Accounts start in the key phase `migrating`: answers are signed with the key that the request's
//! `Wechatpay-Serial` names, with the platform certificate if it names none.
//!
//! # Answers as odd as you like
//!
//! Faults go through `POST /faults` or [`Running::inject`]:
//!
//! ```json
//! {"operation": "merchant.user_cards.get", "fault": {"kind": "edit_json",
//!   "merge": {"has_active": 1, "level": null},
//!   "raw": [{"path": "/balance_information/balance", "value": "12.5"},
//!           {"path": "/user_information", "value": {"base64": "IhQi"}}]}}
//! {"operation": "merchant.user_cards.update", "fault": {"kind": "replace_body",
//!   "status": 202, "headers": {"Retry-After": "1"}, "body": "{}", "signed": true, "applied": true}}
//! ```
//!
//! `merge` is a JSON merge patch (RFC 7396): null removes a member. `raw` puts bytes in place of
//! the value at a JSON pointer, verbatim, be they JSON, text or neither. Nothing else of the body
//! changes. Both answers are signed after the change, as if WeChat had sent them.
//!
//! # Control API
//!
//! Plain HTTP with JSON on a port of its own, without authentication: keep it on loopback. It acts
//! for users and WeChat's staff, and shows what the sandbox holds and did. Errors are
//! `{"error": ..., "field": ...}`. A query parameter or member that an endpoint does not know, and a
//! body that nobody would read, are errors. [`control_help`] lists all endpoints, actions and
//! faults; `docs/sandbox-control.md` tells what each member means and what must be so before an
//! action gives a ticket.

mod account;
mod account_watch;
mod accounts;
mod bounded;
mod brand;
mod clock;
mod control;
mod demo;
mod described;
mod directory;
mod dynamic_code;
mod error;
mod exchange;
mod fault;
mod files;
mod gate;
mod keys;
mod ledger;
mod merchant;
mod numbers;
mod odd_values;
mod official_account;
mod overlay;
mod picture;
mod pointer;
mod random;
mod rates;
mod records;
mod refusal;
mod requests;
mod sandbox;
mod serve;
mod server;
pub mod settings;
mod site;
mod sync;
mod trail;
mod world;

pub use self::account::{AccountConfig, Credentials};
pub use self::account_watch::AccountWatcher;
pub use self::clock::{Clock, ManualClock, SystemClock};
pub use self::control::control_help;
pub use self::directory::Directory;
pub use self::error::StartError;
pub use self::fault::{Fault, FaultRule, RawBytes, RawEdit};
pub use self::keys::KeyMaterial;
pub use self::ledger::{Change, LedgerEntry};
pub use self::requests::{Exchange, ExchangeFilter, ExchangeOutcome, Message};
pub use self::sandbox::{Builder, Running, Sandbox};
pub use self::settings::Settings;
pub use self::trail::{Check, Complaint};
