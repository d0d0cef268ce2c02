//! The generator of Kabao.
//!
//! The catalogue (`crates/models/catalogue/*.json`) describes each upstream operation once. From
//! it this crate writes
//!
//! - `crates/models/src/generated`: request and answer types with their HTTP metadata;
//! - `proto/kabao/{merchant,brand,officialaccount}/v1`: the family services and messages;
//! - `crates/proto/src/generated`: Rust stubs of all protos and the encoded descriptor set;
//! - `crates/grpc/src/generated.rs`: the table of the methods of the family services;
//! - `docs/reference`: a page per family service and a table of coverage.
//!
//! What it writes is checked in; a test regenerates and compares. Numbers of proto fields and
//! enumeration values are part of the catalogue and never move: append, do not renumber.

mod catalogue;
mod descriptors;
mod endpoints;
mod error;
mod methods;
mod models;
mod output;
mod pages;
mod portable_page;
mod protos;
mod refusals;
mod stubs;
mod text;
mod words;
mod worked;

use std::path::Path;

pub use self::error::Error;
pub use self::output::Output;

use self::catalogue::Catalogue;
use self::refusals::Refusals;

/// Generates everything below `root`, the root of the workspace, in memory.
///
/// # Errors
///
/// Fails if a catalogue is malformed or contradicts itself, if a proto does not compile, or if
/// `rustfmt` cannot be run.
pub fn generate(root: &Path) -> Result<Output, Error> {
    let mut output = Output::default();
    let mut catalogues = Vec::new();
    for family in ["brand", "merchant", "official_account"] {
        let path = root
            .join("crates/models/catalogue")
            .join(format!("{family}.json"));
        catalogues.push(Catalogue::read(&path)?);
    }
    let refusals = Refusals::read(root, &catalogues)?;
    for catalogue in &catalogues {
        models::write(catalogue, &mut output);
        protos::write(catalogue, &refusals, &mut output);
        pages::write(catalogue, &mut output);
    }
    models::write_root(&catalogues, &mut output);
    endpoints::write(&catalogues, &mut output);
    refusals.write(&catalogues, &mut output);
    methods::write(&catalogues, &mut output);
    pages::write_root(&catalogues, &mut output);
    let descriptors = stubs::write(root, &mut output)?;
    portable_page::write(&descriptors, &mut output)?;
    output.format()?;
    Ok(output)
}
