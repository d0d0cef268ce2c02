//! The registry of reasons: every failure that a caller or an operator can see.

use std::fmt;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::Kind;

macro_rules! reasons {
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:literal, $kind:ident;)*) => {
        /// Why a call failed. Programs branch on this; the texts are for people.
        ///
        /// The names ([`Reason::as_str`]) are part of the API and never change their meaning.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Reason {
            $($(#[doc = $doc])+ $variant,)*
        }

        impl Reason {
            /// Every reason.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// Returns the reason of this name.
            pub fn from_name(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|reason| reason.as_str() == name)
            }

            /// Returns the name in UPPER_SNAKE, as it appears in `google.rpc.ErrorInfo`.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }

            /// Returns the class of the failure.
            pub const fn kind(self) -> Kind {
                match self {
                    $(Self::$variant => Kind::$kind,)*
                }
            }

            /// Returns the line of documentation: what happened, whether the request may have
            /// run, what to do.
            pub const fn description(self) -> &'static str {
                match self {
                    $(Self::$variant => concat!($($doc),+).trim_ascii(),)*
                }
            }
        }
    };
}

reasons! {
    /// The call names an account that is not configured. Nothing was sent. Correct the name or configure the account.
    AccountNotFound = "ACCOUNT_NOT_FOUND", NotFound;
    /// WeChat knows no such card template for this account. Nothing was changed. Check the card id and the account.
    TemplateNotFound = "TEMPLATE_NOT_FOUND", NotFound;
    /// WeChat knows no such member (template, code and openid together). Nothing was changed. Check all three.
    MemberNotFound = "MEMBER_NOT_FOUND", NotFound;
    /// WeChat knows no such thing (activity, rule, record). Nothing was changed. Check the identifiers of the call.
    ResourceNotFound = "RESOURCE_NOT_FOUND", NotFound;
    /// WeChat has this already. Nothing was changed by this call. Read the current state.
    AlreadyExists = "ALREADY_EXISTS", AlreadyExists;
    /// WeChat has seen the request number before: this change, or another one under the same number, has run. Nothing more was changed by this call. Read the current state, and use a new number only for another change.
    RequestNumberUsed = "REQUEST_NUMBER_USED", AlreadyExists;
    /// Fields are missing, too long or malformed; the violations list each one. Nothing was changed. Correct the fields.
    FieldInvalid = "FIELD_INVALID", InvalidArgument;
    /// The field mask is empty or names a field that does not exist or cannot be updated. Nothing was sent. Correct the mask.
    FieldMaskInvalid = "FIELD_MASK_INVALID", InvalidArgument;
    /// A resource name does not have the documented form. Nothing was sent. Correct the name.
    NameInvalid = "NAME_INVALID", InvalidArgument;
    /// The request id does not fit the family's request numbers. Nothing was sent. Use a UUID, or at most 32 letters, digits, `-` and `_`.
    RequestIdInvalid = "REQUEST_ID_INVALID", InvalidArgument;
    /// The page token is none of this gateway's or belongs to a list with other arguments. Nothing was sent. Start the list anew.
    PageTokenInvalid = "PAGE_TOKEN_INVALID", InvalidArgument;
    /// There is no such service or method, or it cannot be called in this encoding. Nothing was sent. Compare with the protos or with server reflection.
    MethodNotFound = "METHOD_NOT_FOUND", Unimplemented;
    /// The family of this account has no such operation or field. Nothing was sent. Use the family's own service if it offers something close.
    NotSupportedByFamily = "NOT_SUPPORTED_BY_FAMILY", Unimplemented;
    /// The operation belongs to another family than the account. Nothing was sent. Name an account of the operation's family.
    FamilyMismatch = "FAMILY_MISMATCH", FailedPrecondition;
    /// The account has no credential of the kind this operation needs. Nothing was sent. Configure the credential or use another account.
    CredentialMissing = "CREDENTIAL_MISSING", FailedPrecondition;
    /// The answer would be a credential of the account, and the operator did not say that callers may see it. Nothing was sent. Call the operations that need it instead: the gateway adds it itself.
    CredentialNotExposed = "CREDENTIAL_NOT_EXPOSED", PermissionDenied;
    /// The call does not say who calls: it has no bearer token and no client certificate, or one that names nobody the gateway knows. Nothing was sent. Call with a token or a certificate that the operator gave out.
    Unauthenticated = "UNAUTHENTICATED", Unauthenticated;
    /// The operator's policy does not let this caller use this method for this account; whether there is such an account is not told. Nothing was sent. Ask the operator for the right, or correct the name of the account.
    PermissionDenied = "PERMISSION_DENIED", PermissionDenied;
    /// The request id was used for another change before. Nothing was sent. Use a new id for another change, and the same content for a repeat.
    RequestIdReused = "REQUEST_ID_REUSED", InvalidArgument;
    /// The change of this request id is still under way, or another call of this batch. Nothing more was sent. Repeat the call: it waits for the end, and gets the first answer.
    InProgress = "IN_PROGRESS", Aborted;
    /// An earlier change of the same member, template or other setting has not ended, and this one has to come after it. Nothing was sent. Wait, or find out about the earlier change with ChangeService.
    EarlierChangeOpen = "EARLIER_CHANGE_OPEN", Aborted;
    /// The journal has no such change: nothing was sent under this id, or it is older than the retention. Check account and id.
    ChangeNotFound = "CHANGE_NOT_FOUND", NotFound;
    /// The change has ended, so there is nothing to decide. Nothing was changed. Read the change.
    ChangeEnded = "CHANGE_ENDED", FailedPrecondition;
    /// The gateway's own store does not work (full disk, failed write, lost database), and nothing may be changed that it could not remember. Nothing was sent. Repeat later; reads go on.
    Store = "STORE", Unavailable;
    /// The caller's deadline passed. Nothing was sent, or the call only reads. Repeat with more time.
    DeadlineExceeded = "DEADLINE_EXCEEDED", DeadlineExceeded;
    /// The caller went away. A write that was already sent runs on to its end. Read the current state before repeating.
    Cancelled = "CANCELLED", Cancelled;
    /// A write left the machine and no verified answer came back, so it may or may not have run. Read the current state, then decide.
    OutcomeUnknown = "OUTCOME_UNKNOWN", Unknown;
    /// WeChat could not be reached or answered with a server error. Nothing was changed. Repeat later.
    UpstreamUnavailable = "UPSTREAM_UNAVAILABLE", Unavailable;
    /// WeChat did not answer in time. Nothing was changed. Repeat later.
    UpstreamTimeout = "UPSTREAM_TIMEOUT", Unavailable;
    /// The TLS handshake with WeChat failed. Nothing was sent. Check the host, the clock and the trusted roots.
    UpstreamTls = "UPSTREAM_TLS", Unavailable;
    /// WeChat refused for a business rule; its code and message tell which. Nothing was changed. Correct the state or the call.
    UpstreamRefused = "UPSTREAM_REFUSED", FailedPrecondition;
    /// The member's state (waiting, active, expired, deleted, invalidated) does not allow this. Nothing was changed. Read the member and act by its state.
    MemberStateInvalid = "MEMBER_STATE_INVALID", FailedPrecondition;
    /// The template's state or settings (not approved, deleted, expired, code mode, sections) do not allow this. Nothing was changed. Read the template; correct it or use another.
    TemplateStateInvalid = "TEMPLATE_STATE_INVALID", FailedPrecondition;
    /// The state of an activity, a record or an order does not allow this: it is over or was answered. Nothing was changed. Read it and act by its state.
    ResourceStateInvalid = "RESOURCE_STATE_INVALID", FailedPrecondition;
    /// No stock is left. Nothing was changed. Raise the stock of the template.
    OutOfStock = "OUT_OF_STOCK", FailedPrecondition;
    /// There are as many already as WeChat allows. Nothing was changed. Remove one, or use what there is.
    LimitReached = "LIMIT_REACHED", FailedPrecondition;
    /// WeChat does not let this user become a member this way: no payment within a year, or the user deleted the card before. Nothing was changed. Use another way to join.
    UserNotEligible = "USER_NOT_ELIGIBLE", FailedPrecondition;
    /// A text or a picture does not pass WeChat's content review. Nothing was changed. Change the text or the picture.
    ContentRefused = "CONTENT_REFUSED", InvalidArgument;
    /// WeChat limits the rate or the number of calls, and so does the gateway before it has to. Nothing was changed. Wait for the given time and repeat more slowly; if it is not retryable, a quota of the day is used up.
    UpstreamRateLimited = "UPSTREAM_RATE_LIMITED", ResourceExhausted;
    /// An answer to a read, or a notification, has no signature, a wrong one or a stale one, and was discarded unread. Check for proxies in between, the trusted keys and the clock.
    UpstreamUnverified = "UPSTREAM_UNVERIFIED", Internal;
    /// An answer to a read is verified but not what the documents describe. Nothing was changed. Report it together with the request id.
    UpstreamMalformed = "UPSTREAM_MALFORMED", Internal;
    /// An answer is larger than the configured bound and was not read to its end. The call only reads. Raise the bound if the answer is genuine.
    UpstreamTooLarge = "UPSTREAM_TOO_LARGE", Internal;
    /// WeChat does not allow this account to do this: a permission or a binding is missing, or the thing is another account's. Nothing was changed. Request the permission or the binding.
    UpstreamPermissionDenied = "UPSTREAM_PERMISSION_DENIED", PermissionDenied;
    /// WeChat rejected the account's own key, certificate serial number, clock or app secret. Nothing was changed. Repair the account's configuration.
    CredentialRejected = "CREDENTIAL_REJECTED", FailedPrecondition;
    /// There is no key of WeChat Pay to encrypt or verify with, WeChat does not take the configured one any more, or the signer of the account's own private key (a hardware module, for example) does not work. Nothing was changed. Configure the WeChat Pay public key that is valid now, check the certificate download, or look at the signer.
    KeyUnavailable = "KEY_UNAVAILABLE", FailedPrecondition;
    /// A condition of the call does not hold. Nothing was sent. The message names the condition.
    PreconditionFailed = "PRECONDITION_FAILED", FailedPrecondition;
    /// Too many calls of this account or process are in flight. Nothing was sent. Wait for the given time and repeat.
    Overloaded = "OVERLOADED", ResourceExhausted;
    /// A message is larger than allowed. Nothing was sent. Send less at once.
    MessageTooLarge = "MESSAGE_TOO_LARGE", ResourceExhausted;
    /// Something that must not happen has happened. Report it together with the request id.
    Internal = "INTERNAL", Internal;
    /// The code that served the call panicked; a write may have run. Report it together with the request id.
    Panic = "PANIC", Internal;
}

impl Reason {
    /// Returns true if repeating the same call later may succeed, as far as the reason alone tells.
    pub(crate) const fn is_transient(self) -> bool {
        matches!(
            self,
            Self::DeadlineExceeded
                | Self::UpstreamUnavailable
                | Self::UpstreamTimeout
                | Self::UpstreamTls
                | Self::UpstreamRateLimited
                | Self::Overloaded
                | Self::InProgress
                | Self::EarlierChangeOpen
                | Self::Store
        )
    }

    /// Returns true if the reason itself says that a write may have run.
    pub(crate) const fn is_uncertain(self) -> bool {
        matches!(
            self,
            Self::OutcomeUnknown | Self::RequestNumberUsed | Self::Panic
        )
    }
}

/// By name, in what is kept.
impl Serialize for Reason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Reason {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        Self::from_name(&name).ok_or_else(|| D::Error::custom("a reason that is not known"))
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn names_are_unique_upper_snake_and_each_has_its_line() {
        let mut seen = HashSet::new();
        for reason in Reason::ALL {
            let name = reason.as_str();
            assert!(seen.insert(name), "{name} twice");
            assert!(
                name.bytes()
                    .all(|byte| byte.is_ascii_uppercase() || byte == b'_'),
                "{name}"
            );
            assert!(reason.description().ends_with('.'), "{name}");
            assert!(!reason.description().starts_with(' '), "{name}");
            assert_eq!(Reason::from_name(name), Some(*reason));
        }
        assert_eq!(Reason::from_name("NO_SUCH_REASON"), None);
        assert_eq!(seen.len(), 50);
    }

    #[test]
    fn an_uncertain_outcome_is_never_called_transient() {
        for reason in Reason::ALL {
            assert!(
                !(reason.is_transient() && reason.is_uncertain()),
                "{reason}"
            );
        }
    }
}
