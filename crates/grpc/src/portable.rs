//! The services of `kabao.v1`: proto to domain, `dyn` trait, domain to proto.

mod account;
mod arguments;
mod media;
mod member;
mod template;

pub use self::account::AccountGrpc;
pub use self::media::MediaGrpc;
pub use self::member::MemberGrpc;
pub use self::template::TemplateGrpc;

/// Text of the domain as a proto3 string: what is not known is empty.
fn text(value: Option<impl Into<String>>) -> String {
    value.map(Into::into).unwrap_or_default()
}

#[cfg(test)]
pub(crate) mod testing;
