//! Compiles all protos and writes `crates/proto/src/generated`.

use std::fs;
use std::path::{Path, PathBuf};

use prost::Message as _;
use prost::encoding::{
    DecodeContext, WireType, decode_key, decode_varint, encode_key, encode_varint, skip_field,
};
use protox::file::{ChainFileResolver, File, FileResolver, GoogleFileResolver};
use protox::prost_reflect::DescriptorPool;

use crate::Error;
use crate::output::{HAND_WRITTEN, Output};
use crate::text::MARK;

const ROOT: &str = "crates/proto/src/generated";

/// Compiles the protos of `output` together with the hand-written ones below `root`.
/// Returns the descriptors of all of them.
pub(crate) fn write(root: &Path, output: &mut Output) -> Result<DescriptorPool, Error> {
    let mut names: Vec<String> = output.protos().map(|(path, _)| import_path(path)).collect();
    let hand_written = root.join("proto/kabao/v1");
    let entries = fs::read_dir(&hand_written).map_err(|error| Error::at(&hand_written, error))?;
    for entry in entries.flatten() {
        if entry
            .path()
            .extension()
            .is_some_and(|extension| extension == "proto")
        {
            names.push(format!("kabao/v1/{}", entry.file_name().to_string_lossy()));
        }
    }
    names.extend(HAND_WRITTEN.iter().map(|path| import_path(Path::new(path))));
    names.sort_unstable();

    let mut resolver = ChainFileResolver::new();
    resolver.add(Memory::new(output));
    resolver.add(Disk(root.join("proto")));
    resolver.add(GoogleFileResolver::new());
    let mut compiler = protox::Compiler::with_file_resolver(resolver);
    compiler.include_imports(true).include_source_info(true);
    for name in &names {
        compiler
            .open_file(name)
            .map_err(|error| Error::new(format!("{error:?}")))?;
    }

    let descriptors = compiler.file_descriptor_set();
    let folder = std::env::temp_dir().join(format!("kabao-codegen-{}", std::process::id()));
    fs::create_dir_all(&folder).map_err(|error| Error::at(&folder, error))?;
    let result = generate(descriptors, &folder, output);
    // What is left behind in the temporary folder does no harm.
    let _ = fs::remove_dir_all(&folder);
    result?;

    // protox keeps extension options, which decoding through prost would drop. Comments are kept
    // too: who explores by reflection has no other documentation at hand.
    output.add(
        format!("{ROOT}/descriptor.bin"),
        commented(&compiler.encode_file_descriptor_set())?,
    );
    Ok(compiler.descriptor_pool())
}

/// Drops the source locations that carry no comment: most of them, and three quarters of the size. All else stays byte
/// for byte.
fn commented(set: &[u8]) -> Result<Vec<u8>, Error> {
    const FILE: u32 = 1;
    const SOURCE_CODE_INFO: u32 = 9;
    const LOCATION: u32 = 1;
    fields(set, &mut |tag, file| {
        let in_file = &mut |tag, info: &[u8]| {
            let has_comment = &mut |tag, location: &[u8]| {
                if tag != LOCATION {
                    return Ok(Some(location.to_vec()));
                }
                let place = prost_types::source_code_info::Location::decode(location)
                    .map_err(|error| Error::new(error.to_string()))?;
                let is_told = place.leading_comments.is_some()
                    || place.trailing_comments.is_some()
                    || !place.leading_detached_comments.is_empty();
                Ok(is_told.then(|| location.to_vec()))
            };
            if tag == SOURCE_CODE_INFO {
                fields(info, has_comment).map(Some)
            } else {
                Ok(Some(info.to_vec()))
            }
        };
        if tag == FILE {
            fields(file, in_file).map(Some)
        } else {
            Ok(Some(file.to_vec()))
        }
    })
}

/// What becomes of a length-delimited field.
type Keep<'a> = dyn FnMut(u32, &[u8]) -> Result<Option<Vec<u8>>, Error> + 'a;

/// Writes a message again with what `keep` makes of each length-delimited field; `None` drops it.
fn fields(mut message: &[u8], keep: &mut Keep<'_>) -> Result<Vec<u8>, Error> {
    let fault = |error: prost::DecodeError| Error::new(error.to_string());
    let mut out = Vec::with_capacity(message.len());
    while !message.is_empty() {
        let start = message;
        let (tag, kind) = decode_key(&mut message).map_err(fault)?;
        if kind == WireType::LengthDelimited {
            let length = decode_varint(&mut message).map_err(fault)?;
            let length = usize::try_from(length).map_err(|error| Error::new(error.to_string()))?;
            let (content, rest) = message
                .split_at_checked(length)
                .ok_or_else(|| Error::new("a descriptor ends in its middle".to_owned()))?;
            message = rest;
            if let Some(content) = keep(tag, content)? {
                encode_key(tag, kind, &mut out);
                let length = u64::try_from(content.len());
                encode_varint(
                    length.map_err(|error| Error::new(error.to_string()))?,
                    &mut out,
                );
                out.extend_from_slice(&content);
            }
        } else {
            skip_field(kind, tag, &mut message, DecodeContext::default()).map_err(fault)?;
            let (copied, _) = start.split_at(start.len() - message.len());
            out.extend_from_slice(copied);
        }
    }
    Ok(out)
}

fn generate(
    descriptors: prost_types::FileDescriptorSet,
    folder: &Path,
    output: &mut Output,
) -> Result<(), Error> {
    debug_assert!(descriptors.encoded_len() > 0, "there are protos");
    tonic_prost_build::configure()
        .out_dir(folder)
        .build_transport(false)
        // Messages carry personal data: `Debug` is written by hand in kabao-proto.
        .skip_debug(["."])
        .bytes(".")
        .btree_map(".")
        .extern_path(".google.rpc.Status", "::tonic_types::Status")
        .compile_fds(descriptors)
        .map_err(|error| Error::at(folder, error))?;

    let mut packages = Vec::new();
    let entries = fs::read_dir(folder).map_err(|error| Error::at(folder, error))?;
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let Some(package) = name.strip_suffix(".rs") else {
            continue;
        };
        if !package.starts_with("kabao.") {
            continue;
        }
        let code =
            fs::read_to_string(entry.path()).map_err(|error| Error::at(&entry.path(), error))?;
        let code = code.replacen("// This file is @generated by prost-build.\n", "", 1);
        let debug = debug_impls(&code);
        output.add(
            format!("{ROOT}/{package}.rs"),
            format!("{MARK}{code}{debug}"),
        );
        packages.push(package.to_owned());
    }
    packages.sort_unstable();
    output.add(format!("{ROOT}.rs"), root_module(&packages));
    Ok(())
}

/// Nests `kabao.merchant.v1` as `merchant::v1`.
fn root_module(packages: &[String]) -> String {
    let mut out = format!("{MARK}//! Packages below `kabao`.\n\n");
    for package in packages {
        let parts: Vec<&str> = package.split('.').skip(1).collect();
        for (depth, part) in parts.iter().enumerate() {
            let path = parts.get(..=depth).unwrap_or_default().join(".");
            out.push_str(&format!("/// `kabao.{path}`\npub mod {part} {{\n"));
        }
        out.push_str(&format!("include!(\"generated/{package}.rs\");\n"));
        out.push_str(&"}\n".repeat(parts.len()));
    }
    out
}

/// A `Debug` for each message that tells its name and nothing else, and for each enumeration.
fn debug_impls(code: &str) -> String {
    let mut out = String::new();
    let mut modules: Vec<String> = Vec::new();
    let mut derived = None;
    for line in code.lines() {
        let depth = (line.len() - line.trim_start().len()) / 4;
        let trimmed = line.trim_start();
        modules.truncate(depth);
        if trimmed.starts_with("#[derive(") {
            derived = if trimmed.contains("::prost::Message") || trimmed.contains("::prost::Oneof")
            {
                Some("opaque_debug")
            } else if trimmed.contains("::prost::Enumeration") {
                Some("named_debug")
            } else {
                None
            };
        } else if let Some(rest) = trimmed.strip_prefix("pub mod ") {
            modules.push(rest.trim_end_matches(" {").to_owned());
        } else if let Some(rest) = trimmed
            .strip_prefix("pub struct ")
            .or_else(|| trimmed.strip_prefix("pub enum "))
            && let Some(debug) = derived.take()
        {
            let name: String = rest
                .chars()
                .take_while(|c| c.is_ascii_alphanumeric() || *c == '_')
                .collect();
            let path = modules
                .iter()
                .map(|module| format!("{module}::"))
                .collect::<String>()
                + &name;
            out.push_str(&format!("{debug}!({path});\n"));
        }
    }
    out
}

fn import_path(path: &Path) -> String {
    path.strip_prefix("proto")
        .unwrap_or(path)
        .to_string_lossy()
        .into_owned()
}

/// Protos that were just generated.
struct Memory(Vec<(String, String)>);

impl Memory {
    fn new(output: &Output) -> Self {
        Self(
            output
                .protos()
                .map(|(path, content)| {
                    (
                        import_path(path),
                        String::from_utf8_lossy(content).into_owned(),
                    )
                })
                .collect(),
        )
    }
}

impl FileResolver for Memory {
    fn open_file(&self, name: &str) -> Result<File, protox::Error> {
        match self.0.iter().find(|(path, _)| path == name) {
            Some((_, source)) => File::from_source(name, source),
            None => Err(protox::Error::file_not_found(name)),
        }
    }
}

/// Hand-written and vendored protos. Stale generated ones must not be seen.
struct Disk(PathBuf);

impl FileResolver for Disk {
    fn open_file(&self, name: &str) -> Result<File, protox::Error> {
        let path = self.0.join(name);
        let by_hand = HAND_WRITTEN
            .iter()
            .any(|path| import_path(Path::new(path)) == name);
        let allowed = by_hand
            || name.starts_with("kabao/v1/")
            || name.starts_with("google/api/")
            || name.starts_with("google/rpc/");
        match fs::read_to_string(&path) {
            Ok(source) if allowed => File::from_source(name, &source),
            _ => Err(protox::Error::file_not_found(name)),
        }
    }
}
