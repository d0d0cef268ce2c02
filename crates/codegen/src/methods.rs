//! Writes the table of the methods that the family services have.

use crate::catalogue::{Catalogue, Operation};
use crate::conversions::answer_name;
use crate::output::Output;
use crate::protos::package;
use crate::text::{MARK, service_name};

pub(crate) fn write(catalogues: &[Catalogue], output: &mut Output) {
    let mut out = format!(
        "{MARK}//! The methods of the family services.\n\n\
         use crate::family::Method;\n\n\
         pub(crate) static METHODS: &[Method] = &[\n"
    );
    for catalogue in catalogues {
        let package = package(catalogue);
        for resource in catalogue.resources() {
            for operation in catalogue.operations_of(resource).filter(|one| one.served) {
                out.push_str(&method(&package, operation));
            }
        }
    }
    out.push_str("];\n");
    output.add("crates/grpc/src/generated/methods.rs", out);
}

fn method(package: &str, operation: &Operation) -> String {
    let make = if operation.is_upload() {
        "upload"
    } else {
        "unary"
    };
    format!(
        "Method::{make}::<kabao_proto::kabao::{package}::v1::{rpc}Request, kabao_proto::kabao::{package}::v1::{answer}>(\"/kabao.{package}.v1.{service}/{rpc}\"),\n",
        rpc = operation.rpc,
        answer = answer_name(operation),
        service = service_name(&operation.resource),
    )
}
