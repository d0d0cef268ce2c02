//! Server reflection, both versions: grpcurl works without a file.
//!
//! Descriptors are served byte for byte as they were compiled, so that comments
//! and options such as `google.api.field_behavior` survive, and only the services
//! that are really served are listed. Files whose services are not served are left
//! out.

use prost::Message as _;
use tonic_reflection::server::Builder;

use crate::router::RouterBuilder;
use crate::sizes::MAX_QUESTION_BYTES;

/// Adds `grpc.reflection.v1` and `v1alpha`, listing what is there already and themselves.
pub(crate) fn register(router: &mut RouterBuilder) {
    let services = router.names();
    let set = served(kabao_proto::DESCRIPTOR_SET, services);
    #[expect(
        clippy::expect_used,
        reason = "the descriptor sets are constants of this build, and a test decodes them"
    )]
    {
        let v1 = builder(&set, services, "grpc.reflection.v1.ServerReflection")
            .build_v1()
            .expect("valid descriptors");
        let v1alpha = builder(&set, services, "grpc.reflection.v1alpha.ServerReflection")
            .build_v1alpha()
            .expect("valid descriptors");
        router.add(v1.max_decoding_message_size(MAX_QUESTION_BYTES));
        router.add(v1alpha.max_decoding_message_size(MAX_QUESTION_BYTES));
    }
}

fn builder<'s>(set: &'s [u8], services: &[&'static str], own: &'static str) -> Builder<'s> {
    services.iter().fold(
        Builder::configure()
            .register_encoded_file_descriptor_set(set)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
            // The details of errors, so that tools can print them.
            .register_encoded_file_descriptor_set(tonic_types::pb::FILE_DESCRIPTOR_SET)
            .with_service_name(own),
        |builder, service| builder.with_service_name(*service),
    )
}

/// Leaves out the files that have services of which none is served, byte for byte.
fn served(set: &[u8], services: &[&'static str]) -> Vec<u8> {
    let mut kept = Vec::with_capacity(set.len());
    let mut rest = set;
    while !rest.is_empty() {
        let before = rest;
        let Some(file) = file(&mut rest) else {
            // Not what the generator writes; a test decodes it.
            return set.to_vec();
        };
        let name = |service: &prost_types::ServiceDescriptorProto| {
            format!("{}.{}", file.package(), service.name())
        };
        let is_served = |service| services.contains(&name(service).as_str());
        if file.service.is_empty() || file.service.iter().any(is_served) {
            let length = before.len() - rest.len();
            kept.extend_from_slice(before.get(..length).unwrap_or_default());
        }
    }
    kept
}

/// Takes one file off a set, which is nothing but files in the field 1.
fn file(rest: &mut &[u8]) -> Option<prost_types::FileDescriptorProto> {
    const FILE: u64 = 1 << 3 | 2;
    if prost::encoding::decode_varint(rest).ok()? != FILE {
        return None;
    }
    let length = usize::try_from(prost::encoding::decode_varint(rest).ok()?).ok()?;
    let (file, after) = rest.split_at_checked(length)?;
    *rest = after;
    prost_types::FileDescriptorProto::decode(file).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_without_a_served_service_are_left_out_and_the_others_stay_as_they_are() {
        let set = kabao_proto::DESCRIPTOR_SET;
        let all = served(set, &["kabao.officialaccount.v1.TicketService"]);
        let files = prost_types::FileDescriptorSet::decode(all.as_slice()).unwrap();
        let names: Vec<_> = files.file.iter().map(|file| file.name()).collect();
        assert!(
            names.contains(&"kabao/officialaccount/v1/ticket.proto"),
            "{names:?}"
        );
        assert!(
            names.contains(&"kabao/officialaccount/v1/types.proto"),
            "{names:?}"
        );
        assert!(
            !names.contains(&"kabao/officialaccount/v1/token.proto"),
            "{names:?}"
        );
    }
}
