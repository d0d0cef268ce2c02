//! The services of `kabao.v1`: proto to domain, `dyn` trait, domain to proto.

mod account;
mod arguments;
mod media;
mod member;
mod template;

use kabao_models::Record;
use kabao_proto::Encoded;

use crate::wire;

pub use self::account::AccountGrpc;
pub use self::media::MediaGrpc;
pub use self::member::MemberGrpc;
pub use self::template::TemplateGrpc;

/// A message of a family inside a portable one.
fn inner(record: &dyn Record) -> Encoded {
    Encoded::new(wire::write_inner(record))
}

/// Text of the domain as a proto3 string: what is not known is empty.
fn text(value: Option<impl Into<String>>) -> String {
    value.map(Into::into).unwrap_or_default()
}

#[cfg(test)]
pub(crate) mod testing;
