//! Generated protobuf messages, gRPC stubs and the encoded descriptor set of Kabao.
//!
//! Nothing here is written by hand but [`Encoded`] and the `Debug` of messages: they carry personal
//! data, so it tells the name of a message and nothing else. The protos themselves, with all comments, are in
//! `proto/`; `cargo run -p kabao-codegen` compiles them without a system `protoc`.

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
