//! Writes the lists of request types, which other code goes through by macro.

use crate::catalogue::{Catalogue, Operation};
use crate::output::Output;
use crate::text::{MARK, ident};

/// Writes a list of each family, and the requests that are variants of others.
pub(crate) fn write(catalogues: &[Catalogue], output: &mut Output) {
    let mut lists = String::from(MARK);
    lists.push_str("//! The request types of the families, as lists for macros.\n\n");
    for catalogue in catalogues {
        lists.push_str(&endpoints(catalogue));
    }
    for catalogue in catalogues {
        lists.push_str(&variants(catalogue));
    }
    output.add("crates/models/src/generated/endpoints.rs", lists);
}

/// The path of a request type from any crate.
fn path(catalogue: &Catalogue, operation: &Operation) -> String {
    format!(
        "$crate::{}::{}::{}",
        catalogue.family, operation.resource, operation.rpc
    )
}

fn endpoints(catalogue: &Catalogue) -> String {
    let family = &catalogue.family;
    let mut out = format!(
        "/// Gives a macro every request type of the family `{family}`, in the order of the catalogue.\n\
         #[macro_export]\nmacro_rules! {family}_endpoints {{\n($callback:ident) => {{\n$callback! {{\n"
    );
    for operation in &catalogue.operations {
        out.push_str(&format!("{},\n", path(catalogue, operation)));
    }
    out.push_str("}\n};\n}\n\n");
    out
}

/// Writes `variant = original { members of the variant };`.
fn variants(catalogue: &Catalogue) -> String {
    let pairs: Vec<(&Operation, &Operation)> = catalogue
        .operations
        .iter()
        .filter_map(|variant| Some((variant, catalogue.original(variant)?)))
        .collect();
    if pairs.is_empty() {
        return String::new();
    }
    let family = &catalogue.family;
    let mut out = format!(
        "/// Gives a macro every request of the family `{family}` that is a variant of another one, with\n\
         /// the members of the variant.\n\
         #[macro_export]\nmacro_rules! {family}_variants {{\n($callback:ident) => {{\n$callback! {{\n"
    );
    for (variant, original) in pairs {
        let members: Vec<String> = variant
            .request
            .iter()
            .map(|field| ident(&field.name))
            .collect();
        out.push_str(&format!(
            "{} = {} {{ {} }};\n",
            path(catalogue, variant),
            path(catalogue, original),
            members.join(", ")
        ));
    }
    out.push_str("}\n};\n}\n\n");
    out
}
