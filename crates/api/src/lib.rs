//! Kabao's vocabulary: what a WeChat membership card is to a program that does
//! not care which of WeChat's three API generations keeps it.
//!
//! ```
//! use kabao_api::{AdjustMember, CallContext, Change, Error, MemberApi, MemberName};
//!
//! /// Works for an account of any family that has points. Who asks again about the same order,
//! /// spends nothing more.
//! async fn spend(
//!     members: &dyn MemberApi,
//!     context: &CallContext,
//!     name: MemberName,
//!     order: &str,
//! ) -> Result<i64, Error> {
//!     let spend = AdjustMember::new(name, Change::Add(-5)).with_request_id(order.parse()?);
//!     Ok(members.adjust_points(context, spend).await?.after)
//! }
//! ```
//!
//! Programs that talk to WeChat find all of this in `kabao-client`, with ten examples that run; this
//! crate alone is for what stands in front of any such client, and for tests without one.
//!
//! Everything above this crate (the gRPC facade, tests, programs that use the
//! SDK) and everything below it (the client that talks to WeChat) meets in
//! these types, so neither side knows the other.
//!
//! - **Names**: [`AccountId`], [`TemplateName`], [`MemberName`]; [`CallId`] for a
//!   call, [`RequestId`] for a change that a repeat must not make twice. They are
//!   parsed once and valid from then on.
//! - **Resources**: [`Template`] and [`Member`], with the fields that mean the
//!   same in every family, and with [`View::Full`] the family's own answer.
//! - **Traits**: [`MemberApi`], [`TemplateApi`] and [`MediaApi`], one request
//!   struct per method, made by `new` with what it needs and by `with_*` with
//!   what it may have; [`CardSigner`] signs what pages of official accounts
//!   pass on; [`Upstream`] executes any operation of any family, and [`call`]
//!   does so with types.
//! - **Contexts**: a [`CallContext`] travels with every call. Its [`Progress`] is how a
//!   write and the caller that leaves it agree on whether it happens.
//! - **Pages**: lists come as [`Page`]s; a [`PageToken`] hides whether the family
//!   pages by item, by page number or not at all.
//! - **Accounts**: an [`Account`] bundles the traits for one set of
//!   credentials, and [`AccountApi`] tells what it can do and proves that its
//!   credentials are good; [`Accounts`] finds it by name. There is no default
//!   account.
//! - **Errors**: one [`Error`] with a [`Reason`] from a published registry and
//!   the two questions that matter after a failure: [`Error::is_retryable`] and
//!   [`Error::may_have_executed`].
//!
//! - **Memory**: requests that change something, their answers and errors have `serde`'s traits for a
//!   journal, which compares the first with a repeat and gives the others back after a restart. That is
//!   not the wire, it outlives a version, and it holds personal data in clear: a store seals it, and what
//!   `serde_json` says of a text that it cannot read, which quotes it, belongs in no log.
//!
//! - **Limits**: processes that serve the same accounts share WeChat's limits of calls by [`portions`].
//!
//! The feature `model` publishes a model of what keeps them. The feature `mock` publishes mockall fakes: `MockMemberApi`,
//! `MockTemplateApi`, `MockMediaApi`, `MockAccountApi`, `MockCardSigner`,
//! `MockHeldCredentials` and `MockUpstream`.
//!
//! ```
//! use kabao_api::{Error, MemberName, Reason};
//!
//! let name: MemberName = "accounts/acme/templates/pbLatjvWOibDc5-TBnbUk1pD12o0/members/478515832665".parse()?;
//! assert_eq!(name.template().id().as_str(), "pbLatjvWOibDc5-TBnbUk1pD12o0");
//! // A member code is personal data, so it does not print.
//! assert!(!format!("{name:?}").contains("478515832665"));
//!
//! let error = "accounts/Acme".parse::<MemberName>().unwrap_err();
//! assert_eq!(error.reason(), Reason::NameInvalid);
//! # Ok::<(), Error>(())
//! ```

mod account;
mod account_api;
mod adjustment;
mod call_id;
mod caller;
mod change_api;
mod change_record;
mod context;
mod credential_store;
mod entry;
mod error;
mod freshness;
#[cfg(test)]
mod kept;
mod kind;
mod mask;
mod media_api;
mod member;
mod member_api;
mod member_requests;
mod method;
mod moment;
mod name;
mod new_template;
mod official_account_api;
mod page;
mod portable_request;
pub mod portions;
mod precondition;
mod progress;
mod reason;
mod request_id;
mod setters;
mod support;
mod template;
mod template_api;
mod template_requests;
mod text;
mod turn;
mod upstream;
mod upstream_error;
mod view;
mod violation;
mod witness;

pub use self::account::{Account, Accounts};
pub use self::account_api::{
    AccessTokenState, AccountApi, Capability, Check, CredentialKind, CredentialProblem,
    CredentialState, TrustedKeyState,
};
pub use self::adjustment::{AdjustMember, Adjustment, Change};
pub use self::call_id::CallId;
pub use self::caller::CallerId;
pub use self::change_api::ChangeApi;
pub use self::change_record::{
    ChangeName, ChangeRecord, ChangeState, Decision, ListChanges, MemberValue, PlannedValue,
};
pub use self::context::CallContext;
pub use self::credential_store::{CredentialRight, CredentialStore, StoredCredential};
pub use self::entry::Entry;
pub use self::error::Error;
pub use self::freshness::Freshness;
pub use self::kind::Kind;
pub use self::mask::mask;
pub use self::media_api::{MediaApi, UploadImage, UploadedImage};
pub use self::member::{Member, MemberState, MemberUpdate, UpstreamMember};
pub use self::member_api::MemberApi;
pub use self::member_requests::{
    ActivateMember, ActivationOutcome, GetMember, ImportMember, ImportedUser, InvalidateMember,
    ListMembers, UpdateMember,
};
pub use self::method::Method;
pub use self::name::{AccountId, MemberName, TemplateId, TemplateName};
pub use self::new_template::{NewTemplate, UpstreamNewTemplate};
pub use self::official_account_api::{
    AddCard, CardSigner, ChooseCard, HeldCredential, HeldCredentials, SignedAddCard,
    SignedChooseCard,
};
pub use self::page::{Cursor, Page, PageRequest, PageScope, PageToken};
pub use self::portable_request::{MemberRequest, TemplateRequest};
pub use self::precondition::Precondition;
pub use self::progress::Progress;
pub use self::reason::Reason;
pub use self::request_id::RequestId;
pub use self::support::Support;
pub use self::template::{
    Stock, Template, TemplateState, TemplateUpdate, UpstreamTemplate, Validity,
};
pub use self::template_api::TemplateApi;
pub use self::template_requests::{
    CreateTemplate, DeleteTemplate, GetTemplate, ListTemplates, UpdateTemplate,
};
pub use self::turn::{CallerKey, Urgency};
pub use self::upstream::{Upstream, call};
pub use self::upstream_error::{UpstreamDetail, UpstreamError};
pub use self::view::View;
pub use self::violation::FieldViolation;
pub use self::witness::Witness;

#[cfg(feature = "mock")]
pub use self::{
    account_api::MockAccountApi,
    change_api::MockChangeApi,
    media_api::MockMediaApi,
    member_api::MockMemberApi,
    official_account_api::{MockCardSigner, MockHeldCredentials},
    template_api::MockTemplateApi,
    upstream::MockUpstream,
};

// The parts of the upstream vocabulary that stand in signatures here.
pub use kabao_models::{Family, Personal, Secret, Upload};
