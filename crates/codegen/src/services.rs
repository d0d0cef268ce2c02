//! Writes the family services.

use crate::catalogue::{Catalogue, Operation};
use crate::conversions::answer_name;
use crate::output::Output;
use crate::protos::package;
use crate::text::{MARK, service_name, snake};

pub(crate) fn write(catalogue: &Catalogue, output: &mut Output) {
    let package = package(catalogue);
    let mut out = format!(
        "{MARK}//! The services of the family `{}`.\n\nuse kabao_proto::kabao::{package}::v1 as p;\n\
         use tonic::{{Request, Response, Status}};\n\nuse crate::family::{{FamilyService, Register}};\nuse crate::server::MAX_MESSAGE_BYTES;\n\n",
        catalogue.family
    );
    let mut registrations = [String::new(), String::new()];
    for resource in catalogue.resources() {
        let served: Vec<&Operation> = catalogue
            .operations_of(resource)
            .filter(|operation| operation.served)
            .collect();
        if served.is_empty() {
            continue;
        }
        let service = service_name(resource);
        let module = format!("{}_server", snake(&service));
        out.push_str(&format!(
            "#[tonic::async_trait]\nimpl p::{module}::{service} for FamilyService {{\n"
        ));
        let guarded = served.iter().all(|operation| operation.credential);
        for operation in served {
            let answer = answer_name(operation);
            let message = format!("p::{}Request", operation.rpc);
            let (message, serve) = if operation.is_upload() {
                (format!("tonic::Streaming<{message}>"), "upload")
            } else if operation.credential {
                (message, "credential")
            } else {
                (message, "unary")
            };
            out.push_str(&format!(
                "async fn {}(&self, request: Request<{message}>) -> Result<Response<p::{answer}>, Status> {{\nBox::pin(self.{serve}(request)).await\n}}\n\n",
                snake(&operation.rpc)
            ));
        }
        out.push_str("}\n\n");
        if let Some(registrations) = registrations.get_mut(usize::from(guarded)) {
            registrations.push_str(&format!(
                "visit.service(p::{module}::{service}Server::new(service.clone()).max_encoding_message_size(MAX_MESSAGE_BYTES));\n"
            ));
        }
    }
    let [open, guarded] = registrations;
    for (function, about, registrations) in [
        (
            "register",
            "Hands every service of the family to `visit` that is always served.",
            open,
        ),
        (
            "register_credentials",
            "The same for services whose answers are credentials.",
            guarded,
        ),
    ] {
        let (service, visit) = if registrations.is_empty() {
            ("_", "_")
        } else {
            ("service", "visit")
        };
        out.push_str(&format!(
            "/// {about}\npub(crate) fn {function}({service}: &FamilyService, {visit}: &mut impl Register) {{\n{registrations}}}\n\n"
        ));
    }
    output.add(
        format!("crates/grpc/src/generated/{}/services.rs", catalogue.family),
        out,
    );
}
