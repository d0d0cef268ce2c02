//! Compiles all protos and writes `crates/proto/src/generated`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use prost_build::{Config, Module, ServiceGenerator};
use prost_types::{DescriptorProto, EnumDescriptorProto, FileDescriptorProto};
use protox::file::{ChainFileResolver, File, FileResolver, GoogleFileResolver};
use protox::prost_reflect::DescriptorPool;

use crate::Error;
use crate::descriptors::commented;
use crate::output::{HAND_WRITTEN, Output};
use crate::text::{MARK, pascal, snake};

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

    generate(compiler.file_descriptor_set().file, output)?;

    // protox keeps extension options, which decoding through prost would drop. Comments are kept
    // too: who explores by reflection has no other documentation at hand.
    output.add(
        format!("{ROOT}/descriptor.bin"),
        commented(&compiler.encode_file_descriptor_set())?,
    );
    Ok(compiler.descriptor_pool())
}

/// Writes messages and stubs: those that are served by tonic's own servers, and those of the family
/// services, for clients only, since models and a table of methods serve them.
///
/// Comments stand in `proto/` and in the descriptor set, and nowhere else.
fn generate(mut files: Vec<FileDescriptorProto>, output: &mut Output) -> Result<(), Error> {
    for file in &mut files {
        file.source_code_info = None;
    }
    let shared = foreign(&files);
    let pieces = split(files, &shared);
    let mut packages = BTreeSet::new();
    for kind in [Kind::Served, Kind::Family] {
        for (package, code) in stubs(kind, &pieces, &shared)? {
            output.add(format!("{ROOT}/{}/{package}.rs", kind.folder()), code);
            packages.insert((package, kind));
        }
    }
    output.add(format!("{ROOT}.rs"), root_module(&packages));
    Ok(())
}

/// Who implements the services of a file.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    /// tonic's generated servers.
    Served,
    /// The table of methods, over the models.
    Family,
}

impl Kind {
    fn of(file: &FileDescriptorProto) -> Option<Self> {
        let by_hand = HAND_WRITTEN
            .iter()
            .any(|path| import_path(Path::new(path)) == file.name());
        match file.package() {
            "kabao.v1" => Some(Self::Served),
            package if package.starts_with("kabao.") && by_hand => Some(Self::Served),
            package if package.starts_with("kabao.") => Some(Self::Family),
            _ => None,
        }
    }

    fn folder(self) -> &'static str {
        match self {
            Self::Served => "served",
            Self::Family => "family",
        }
    }
}

/// Tells the files of both kinds apart; others are imports. An enumeration of a family that a served
/// message has goes with the message.
fn split(
    files: Vec<FileDescriptorProto>,
    shared: &BTreeSet<String>,
) -> Vec<(Option<Kind>, FileDescriptorProto)> {
    let mut pieces = Vec::new();
    for mut file in files {
        let kind = Kind::of(&file);
        if kind == Some(Kind::Family) {
            let prefix = format!(".{}.", file.package());
            let is_shared =
                |one: &EnumDescriptorProto| shared.contains(&format!("{prefix}{}", one.name()));
            let (shared, own) = file.enum_type.into_iter().partition(is_shared);
            file.enum_type = own;
            let shared = FileDescriptorProto {
                name: file.name.clone(),
                package: file.package.clone(),
                syntax: file.syntax.clone(),
                enum_type: shared,
                ..FileDescriptorProto::default()
            };
            pieces.push((Some(Kind::Served), shared));
        }
        pieces.push((kind, file));
    }
    pieces
}

/// The full names of the types of families that fields of served messages have.
fn foreign(files: &[FileDescriptorProto]) -> BTreeSet<String> {
    fn visit(message: &DescriptorProto, found: &mut BTreeSet<String>) {
        found.extend(
            message
                .field
                .iter()
                .filter_map(|field| field.type_name.clone()),
        );
        for nested in &message.nested_type {
            visit(nested, found);
        }
    }
    let (mut used, mut declared) = (BTreeSet::new(), BTreeSet::new());
    for file in files {
        let full = |name: &str| format!(".{}.{name}", file.package());
        match Kind::of(file) {
            Some(Kind::Served) => file
                .message_type
                .iter()
                .for_each(|one| visit(one, &mut used)),
            Some(Kind::Family) => {
                declared.extend(file.message_type.iter().map(|one| full(one.name())));
                declared.extend(file.enum_type.iter().map(|one| full(one.name())));
            }
            None => {}
        }
    }
    used.intersection(&declared).cloned().collect()
}

/// Returns the code of each package that has pieces of a kind. The compiler of prost sees all of
/// them, since messages have fields of other kinds; what it makes of those is left.
fn stubs(
    kind: Kind,
    pieces: &[(Option<Kind>, FileDescriptorProto)],
    shared: &BTreeSet<String>,
) -> Result<Vec<(String, String)>, Error> {
    let mut debug = BTreeMap::<String, String>::new();
    let mut requests = Vec::new();
    for (of, piece) in pieces {
        let package = if *of == Some(kind) {
            piece.package()
        } else {
            ""
        };
        if !package.is_empty() {
            let impls = debug.entry(package.to_owned()).or_default();
            debug_impls(piece, impls);
        }
        requests.push((Module::from_protobuf_package_name(package), piece.clone()));
    }
    let mut config = Config::new();
    config
        // Messages carry personal data: `Debug` is written by hand in kabao-proto.
        .skip_debug(["."])
        .bytes(["."])
        .btree_map(["."])
        .extern_path(".google.rpc.Status", "::tonic_types::Status")
        .service_generator(services(kind));
    if kind == Kind::Served {
        // A family's message inside a served one stays bytes. Enumerations are there.
        let messages = pieces.iter().flat_map(|(_, file)| {
            file.message_type
                .iter()
                .map(|one| (file.package(), one.name()))
        });
        for (package, name) in messages {
            let name = format!(".{package}.{name}");
            if shared.contains(&name) {
                config.extern_path(name, "crate::Encoded");
            }
        }
    }
    let modules = config
        .generate(requests)
        .map_err(|error| Error::new(format!("the stubs: {error}")))?;
    Ok(modules
        .into_iter()
        .filter_map(|(module, code)| {
            let package = module.parts().collect::<Vec<_>>().join(".");
            let debug = debug.get(&package)?;
            let is_empty = code.trim().is_empty();
            (!is_empty).then(|| (package, format!("{MARK}{code}{debug}")))
        })
        .collect())
}

/// The families are served by the table of methods, so only clients need their stubs.
fn services(kind: Kind) -> Box<dyn ServiceGenerator> {
    let builder = tonic_prost_build::configure().build_transport(false);
    let builder = match kind {
        Kind::Served => builder.client_mod_attribute(".", "#[cfg(feature = \"portable-client\")]"),
        Kind::Family => builder.build_server(false),
    };
    builder.service_generator()
}

/// Nests `kabao.merchant.v1` as `merchant::v1`.
fn root_module(packages: &BTreeSet<(String, Kind)>) -> String {
    let mut out = format!("{MARK}//! Packages below `kabao`.\n\n");
    let names: BTreeSet<&String> = packages.iter().map(|(package, _)| package).collect();
    for package in names {
        let parts: Vec<&str> = package.split('.').skip(1).collect();
        for (depth, part) in parts.iter().enumerate() {
            let path = parts.get(..=depth).unwrap_or_default().join(".");
            out.push_str(&format!("/// `kabao.{path}`\npub mod {part} {{\n"));
        }
        for (_, kind) in packages.iter().filter(|(name, _)| name == package) {
            if *kind == Kind::Family {
                out.push_str("#[cfg(feature = \"client\")]\n");
            }
            out.push_str(&format!(
                "include!(\"generated/{}/{package}.rs\");\n",
                kind.folder()
            ));
        }
        out.push_str(&"}\n".repeat(parts.len()));
    }
    out
}

/// A `Debug` for each message that tells its name and nothing else, and for each enumeration.
fn debug_impls(file: &FileDescriptorProto, out: &mut String) {
    for message in &file.message_type {
        debug_message("", message, out);
    }
    for kind in &file.enum_type {
        out.push_str(&format!("named_debug!({});\n", pascal(kind.name())));
    }
}

/// What is nested in a message stands in a module of its name.
fn debug_message(outer: &str, message: &DescriptorProto, out: &mut String) {
    if message
        .options
        .as_ref()
        .is_some_and(|options| options.map_entry())
    {
        return;
    }
    out.push_str(&format!(
        "opaque_debug!({outer}{});\n",
        pascal(message.name())
    ));
    let inner = format!("{outer}{}::", snake(message.name()));
    for (index, oneof) in message.oneof_decl.iter().enumerate() {
        // The compiler makes one for every `optional` field, too.
        let is_real = message.field.iter().any(|field| {
            field
                .oneof_index
                .and_then(|index| usize::try_from(index).ok())
                == Some(index)
                && !field.proto3_optional()
        });
        if is_real {
            out.push_str(&format!(
                "opaque_debug!({inner}{});\n",
                pascal(oneof.name())
            ));
        }
    }
    for nested in &message.nested_type {
        debug_message(&inner, nested, out);
    }
    for kind in &message.enum_type {
        out.push_str(&format!("named_debug!({inner}{});\n", pascal(kind.name())));
    }
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
