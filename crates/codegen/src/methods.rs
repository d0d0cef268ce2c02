//! Writes the table of the methods that the family services have.

use crate::catalogue::Catalogue;
use crate::output::Output;
use crate::text::{MARK, screaming, service_name};

pub(crate) fn write(catalogues: &[Catalogue], output: &mut Output) {
    let mut out = format!(
        "{MARK}//! The methods of the family services.\n\n\
         pub(crate) static METHODS: &[crate::method::Method] = crate::method::methods! {{\n"
    );
    for catalogue in catalogues {
        let (family, package) = (&catalogue.family, catalogue.package());
        for resource in catalogue.resources() {
            let operations = catalogue.operations_of(resource);
            let methods: String = operations
                .filter(|operation| operation.served)
                .map(|operation| {
                    let rpc = &operation.rpc;
                    format!("        \"{rpc}\" {},\n", screaming(rpc))
                })
                .collect();
            if !methods.is_empty() {
                let service = service_name(resource);
                out.push_str(&format!(
                    "    \"kabao.{package}.v1.{service}\" of {family}::{resource} {{\n{methods}    }}\n"
                ));
            }
        }
    }
    out.push_str("};\n");
    output.add("crates/grpc/src/generated.rs", out);
}
