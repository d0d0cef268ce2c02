//! The upstream vocabulary of Kabao: every WeChat membership-card operation and
//! notification as Rust types.
//!
//! WeChat's three membership-card families describe some 2,900 fields. Typing
//! them by hand four times (client, emulator, gRPC, tests) would guarantee
//! that they drift apart, so they are generated from one catalogue
//! (`catalogue/*.json`) by `cargo run -p kabao-codegen`:
//!
//! - [`merchant`] covers WeChat Pay v3 `membercard-open` and `membercard-activity`;
//! - [`brand`] covers WeChat Pay v3 `card-member`, for service providers and for
//!   brands that call directly;
//! - [`official_account`] covers `api.weixin.qq.com/card/...`.
//!
//! Each operation is a type that implements [`Endpoint`], which works in both
//! directions: a client turns it into an HTTP request and an answer back into
//! types, a server does the reverse. Both sides therefore share one definition
//! of every path, parameter and body.
//!
//! # Rules of the types
//!
//! - Every member is an `Option`, except path parameters: absent and empty are
//!   different things upstream, and `required` is a rule of
//!   [`Endpoint::violations`], which reports all violations at once, not a
//!   reason to fail at the first missing member.
//! - Enumerations are open: a value that WeChat introduces later survives a
//!   round trip.
//! - Members that the catalogue does not know are kept in [`Extra`] as the
//!   text that was received.
//! - Integers are `i64`; no number passes through floating point.
//! - Whoever has to keep a message and give it back exactly archives it ([`archive`]): that is not the
//!   wire, which says less than a message holds.
//! - Answers and notifications are read tolerantly: one member of another type hides no other
//!   (see [`Deviation`]). Requests are read strictly, and everything is written strictly.
//! - Personal data is [`Personal`], credentials are [`Secret`], fields that
//!   travel RSA-encrypted are [`Sensitive`]: their `Debug` shows nothing.
//!
//! ```
//! use kabao_models::{Endpoint, merchant::user_cards};
//!
//! let request = user_cards::GetUserCard::new("pbLatjvWOibDc5-TBnbUk1pD12o0", "478515832665");
//! assert!(request.violations().is_empty());
//! let http = request.into_http().unwrap();
//! assert_eq!(
//!     http.target,
//!     "/v3/marketing/membercard-open/cards/pbLatjvWOibDc5-TBnbUk1pD12o0/codes/478515832665",
//! );
//! ```

mod any;
pub mod archive;
mod catalogue;
mod characters;
mod check;
mod declaration;
mod endpoint;
mod error;
mod extra;
mod family;
mod http_request;
mod image_format;
mod json;
mod limits;
mod meaning;
mod multipart;
mod notification;
mod object;
mod open_enum;
mod operation;
mod params;
mod pattern;
mod prelude;
mod private;
pub mod protocol;
mod record;
pub mod refusal;
mod sensitive;
mod subject;
mod tolerant;
mod upload;
mod variant;
mod violation;

mod generated;

pub use self::any::Decoded;
pub use self::catalogue::operations;
pub use self::endpoint::{Answer, Endpoint, NoContent};
pub use self::error::{DecodeError, EncodeError, Location};
pub use self::extra::Extra;
pub use self::family::Family;
pub use self::generated::{brand, merchant, official_account};
pub use self::http_request::{Incoming, Outgoing};
pub use self::image_format::ImageFormat;
pub use self::limits::Limits;
pub use self::multipart::{Multipart, MultipartError, Part, multipart_part};
pub use self::notification::NotificationType;
pub use self::object::{Object, VisitSensitive};
pub use self::operation::{
    AnyAnswer, AnyEndpoint, Body, Effect, Errcode, ErrorRow, Operation, RateLimit, Repeat, Scheme,
    Target,
};
pub use self::params::{ParamsIn, encode_component};
pub use self::pattern::Pattern;
pub use self::private::{Personal, Secret};
pub use self::record::{
    Field, Inner, Kind, List, Place, Record, Ref, Shape, Slot, Usage, Value, Words,
};
pub use self::sensitive::Sensitive;
pub use self::tolerant::{Deviation, DeviationKind, LooseObject, json_text};
pub use self::upload::{Upload, UploadedFile};
pub use self::variant::Variant;
pub use self::violation::{Breach, LengthUnit, Violation};
