//! Generated protobuf messages, gRPC stubs and the encoded descriptor set of Kabao.
//!
//! Nothing here is written by hand but [`Encoded`] and the `Debug` of messages: they carry personal
//! data, so it tells the name of a message and nothing else. The protos themselves, with all comments, are in
//! `proto/`; `cargo run -p kabao-codegen` compiles them without a system `protoc`.
//!
//! # Calling a gateway
//!
//! A program that calls a gateway takes the feature `client`, or `portable-client` if `kabao.v1` is enough for it, and
//! `tonic` of the same version with its feature `channel` (and one of TLS). A program that would rather talk to WeChat
//! itself, with keys of its own, takes `kabao-client`, and no gateway.
//!
#![cfg_attr(feature = "portable-client", doc = "```no_run")]
#![cfg_attr(not(feature = "portable-client"), doc = "```ignore")]
//! use kabao_proto::kabao::v1::GetMemberRequest;
//! use kabao_proto::kabao::v1::member_service_client::MemberServiceClient;
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let gateway = tonic::transport::Endpoint::from_static("http://localhost:50051");
//! let mut members = MemberServiceClient::new(gateway.connect().await?);
//! let get = GetMemberRequest {
//!     name: "accounts/acme/templates/pbLatjvWOibDc5-TBnbUk1pD12o0/members/478515832665".to_owned(),
//!     ..GetMemberRequest::default()
//! };
//! let member = members.get_member(get).await?.into_inner();
//! println!("{:?}", member.state());
//! # Ok(())
//! # }
//! ```
//!
//! `examples/first_call.rs` changes a member as well, and tells errors apart by their reason.

#[macro_use]
mod redact;
mod encoded;

pub use self::encoded::Encoded;

/// Packages below `kabao`.
#[allow(
    missing_docs,
    clippy::all,
    clippy::pedantic,
    clippy::restriction,
    rustdoc::all,
    unused_qualifications,
    reason = "written by prost-build and tonic-prost-build from commented protos"
)]
#[path = "generated.rs"]
pub mod kabao;

/// The encoded `google.protobuf.FileDescriptorSet` of all packages and their imports, for
/// reflection. Extension options such as `google.api.field_behavior` and all comments are kept.
pub const DESCRIPTOR_SET: &[u8] = include_bytes!("generated/descriptor.bin");
