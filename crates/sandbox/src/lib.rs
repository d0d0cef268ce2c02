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
//! Plain HTTP with JSON on a port of its own, without authentication: keep it on loopback.
//! Errors are `{"error": ..., "field": ...}`. A query parameter or member that an endpoint does not
//! know, and a body that nobody would read, are errors.
//!
//! | request | body | effect |
//! | --- | --- | --- |
//! | `GET /healthz` | | `{"status":"ok"}` |
//! | `GET /state?family=` | | templates and members of all families or one, personal data in clear |
//! | `GET /ledger?account=&operation=&since=` | | `{"entries":[...]}`, see [`LedgerEntry`] |
//! | `GET /requests?account=&operation=&outcome=&since=&bodies=true`, `DELETE /requests` | | `{"requests":[...]}`, see [`Exchange`]; `outcome` is `ok`, `refused`, `unanswered`, a status, or a code |
//! | `GET /clock`, `POST /clock` | `{"advance_seconds":60}` or `{"set":"2026-12-31T23:59:00+08:00"}` | moves the clock by which cards and tokens age; signatures keep the real time unless `authentication.signatures_follow_clock` is set |
//! | `GET /settings`, `PATCH /settings` | any part of [`Settings`] | changes the named members |
//! | `GET /faults`, `POST /faults`, `DELETE /faults` | a [`FaultRule`] | lets a fault wait for its requests |
//! | `GET /accounts?family=`, `GET /accounts/{account}` | | credentials, permission, key phase, certificates; of one account the PEM texts, too |
//! | `POST /accounts` | `name`, `family`: `merchant`, `brand`, `brand_direct` or `official_account`; optional `mchid`, `brand_id`, `appid`, `apiv3_key`, `app_secret`, `certificate_pem` or `public_key_pem` | an account of one's own; what is not given is made, and the answer is what a client needs |
//! | `DELETE /accounts/{account}` | | an added account goes, with its folder |
//! | `PATCH /accounts/{account}` | `{"permitted":false}`, `{"key_phase":"public_key"}` | product permission; [`KeyPhase`] |
//! | `POST /cards/claim` | `account`, `card_id`, `openid`, optional `code`, `phone_number`, `activated` | a user takes a card |
//! | `POST /members/activate`, `/members/delete` | `account`, `card_id`, `code` | a waiting card becomes active; the user deletes a card |
//! | `POST /templates/approve`, `/templates/reject` | `account`, `card_id` | WeChat's staff ends a review |
//! | `POST /actions/{account}/{action}` | by action | what only one family has; merchant: `dynamic-code`, `open-link`, `start-activation`, `submit-form`, `restore`, `record-payment`, `remind-phone-member`, `create-old-card` |
//! | `POST /keys/rotate` | `account`, `key`: `platform_certificate` (with `signs`), `sign_with_newest`, `public_key`, `client_certificate` | makes a new key |
//! | `POST /keys/revoke`, `/keys/restore` | `account`, optional `serial_no` | requests with the certificate get 401 |
//! | `POST /reset` | `{"keys":true}`, `{"accounts":true}` | data, settings, faults, ledger, journal and clock as at the start; keys and added accounts stay unless the body says so |
//!
//! Lists of records come oldest first, the newest `limit` of them; with `cursor` (the number of a
//! record) the first ones behind it. The answer's `cursor` is where the next page begins, `left_out`
//! tells how many more match. `since` is RFC 3339 or Unix seconds, on the sandbox's clock.
//!
//! ## Tickets
//!
//! What has to be so before an action gives a ticket that the account's calls can use:
//!
//! - `activate_ticket` of an official account, by `submit-form`: the card has `wx_activate` and
//!   `wx_activate_after_submit`, its form was set by `activateuserform/set`, the member is not active
//!   (claimed with `"activated":false`) and every required field is filled in. It is good for one
//!   read, for as long as `official_account.activate_ticket_seconds` says. With `wx_activate` alone
//!   the form activates the card and there is no ticket; with `auto_activate` the claim does.
//! - `encrypt_code` of an official account, by `encrypt-code`: the member exists.
//! - `encrypt_code` and `activate_ticket` of a merchant, by `start-activation` or by `open-link` with
//!   a link made for `JUMP_ACTIVATE`: the template is approved and not invalid, stock is left, and
//!   the user holds no active card of it; `REAL_TIME` templates need `code`. A new pass replaces the
//!   user's earlier one; each half is good once.
//! - tokens of a brand, used by `join` and `open-payment-code`: made by the account's own calls for
//!   this user and this template, not used, not expired.

mod account;
mod account_watch;
mod accounts;
mod brand;
mod clock;
mod control;
mod demo;
mod directory;
mod dynamic_code;
mod error;
mod exchange;
mod fault;
mod keys;
mod ledger;
mod merchant;
mod numbers;
mod odd_values;
mod official_account;
mod overlay;
mod pay;
mod picture;
mod random;
mod rates;
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
pub use self::directory::Directory;
pub use self::error::StartError;
pub use self::fault::{Fault, FaultRule, RawBytes, RawEdit};
pub use self::keys::{KeyMaterial, KeyPhase};
pub use self::ledger::{Change, LedgerEntry};
pub use self::requests::{Exchange, ExchangeFilter, ExchangeOutcome, Message};
pub use self::sandbox::{Builder, Running, Sandbox};
pub use self::settings::Settings;
pub use self::trail::{Check, Complaint};
