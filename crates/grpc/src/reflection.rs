//! Server reflection, both versions: grpcurl works without a file.
//!
//! Descriptors are served byte for byte as they were compiled, so that comments
//! and options such as `google.api.field_behavior` survive, and only the services
//! that are really served are listed.

use tonic::service::RoutesBuilder;
use tonic_reflection::server::Builder;

/// Adds `grpc.reflection.v1` and `v1alpha`, listing `services` and themselves.
pub(crate) fn register(routes: &mut RoutesBuilder, services: &[&'static str]) {
    #[expect(
        clippy::expect_used,
        reason = "the descriptor sets are constants of this build, and a test decodes them"
    )]
    {
        let v1 = builder(services, "grpc.reflection.v1.ServerReflection")
            .build_v1()
            .expect("valid descriptors");
        let v1alpha = builder(services, "grpc.reflection.v1alpha.ServerReflection")
            .build_v1alpha()
            .expect("valid descriptors");
        routes.add_service(v1).add_service(v1alpha);
    }
}

fn builder(services: &[&'static str], own: &'static str) -> Builder<'static> {
    services.iter().fold(
        Builder::configure()
            .register_encoded_file_descriptor_set(kabao_proto::DESCRIPTOR_SET)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
            // The details of errors, so that tools can print them.
            .register_encoded_file_descriptor_set(tonic_types::pb::FILE_DESCRIPTOR_SET)
            .with_service_name(own),
        |builder, service| builder.with_service_name(*service),
    )
}
