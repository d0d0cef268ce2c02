//! The gRPC facade: what callers of Kabao in any language see.
//!
//! This is the only crate where protobuf messages, the domain of `kabao-api`
//! and `google.rpc.Status` meet. It knows no HTTP client and no keys: services
//! stand on the `dyn` traits of [`kabao_api::Account`], and
//! [`Server`] puts around them the layers that callers expect of a gRPC
//! server. It opens no sockets either: the result is a tower service that the
//! gateway gives to its listeners.
//!
//! ```
//! use std::sync::Arc;
//! use kabao_api::Accounts;
//! use kabao_grpc::Server;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let (service, health) = Server::builder(Arc::new(Accounts::new()))
//!     .max_calls(256)
//!     .into_service();
//! // `service` goes to hyper, connection by connection; then:
//! health.serving();
//! # drop(service);
//! # }
//! ```
//!
//! What stands where:
//!
//! - `kabao.v1.MemberService`, `TemplateService`, `MediaService`,
//!   `AccountService` and `ChangeService`: [`MemberGrpc`], [`TemplateGrpc`],
//!   [`MediaGrpc`], [`AccountGrpc`] and [`ChangeGrpc`], hand-written, for every
//!   family.
//! - Changes: each runs under an id, the caller's or one made here, and every
//!   answer tells it as `x-kabao-request-id`.
//! - The family services: one RPC per operation of WeChat, a row each in a
//!   generated table that one service answers from. Those
//!   whose answers are credentials are served only if an account lets callers
//!   see them, and then answer with what it holds. Beside them stands
//!   `ClientSignatureService` of official accounts, behind which there is no
//!   operation.
//! - Errors: one function turns a [`kabao_api::Error`] into a status with
//!   `google.rpc` details; their size is bounded, since Java clients refuse
//!   more than 8 KiB of metadata.
//! - [`Health`]: the standard health service, driven by the gateway.
//! - Callers: a bearer token ([`Tokens`]) or a client certificate
//!   ([`Certified`]) says who calls, and a [`Policy`] what they may do: which
//!   methods before the body is read, which accounts where they are looked up.
//! - [`Generations`]: accounts, callers and policy are one value, which is replaced
//!   while calls run; a call keeps the one that it began with.
//! - [`Audit`]: hears of every change and of every caller who was refused.
//! - [`Pool`]: places that nobody can use up for the others; [`Load`] says how
//!   many calls have one.

mod access;
mod arrival;
mod audit;
mod call;
mod client_signature;
mod credential;
mod family;
mod generated;
mod generation;
mod health;
mod idempotency;
mod layer;
mod load;
mod method;
mod observer;
mod policy;
mod portable;
mod reflection;
mod router;
mod server;
mod share;
mod shed;
mod sizes;
mod status;
mod tokens;
mod upload;
mod wire;

pub use self::access::Certified;
pub use self::audit::{Audit, AuditKind, AuditRecord};
pub use self::generation::{Generation, Generations, WeakGenerations};
pub use self::health::Health;
pub use self::load::Load;
pub use self::observer::{CallObserver, Sender, code_name};
pub use self::policy::{
    Group, Methods, Pattern, PatternError, Policy, Rule, Verdict, group_of, method_named, methods,
};
pub use self::portable::{AccountGrpc, ChangeGrpc, MediaGrpc, MemberGrpc, TemplateGrpc};
pub use self::server::{GrpcFuture, GrpcService, Server};
pub use self::share::{Bound, Bounds, Caller, Peer, Place, Pool};
pub use self::tokens::Tokens;
