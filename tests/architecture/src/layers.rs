//! Which crate may know which: the table of ARCHITECTURE.md.

use std::collections::BTreeMap;

use crate::repository::{Kind, Package, expect_none, linked_into, packages};

/// Edges between our crates that are part of what is built.
/// A crate that is not named here is unknown to the architecture.
const EDGES: [(&str, &[&str]); 20] = [
    ("kabao-derive", &[]),
    ("kabao-models", &["kabao-derive"]),
    ("kabao-auth", &[]),
    // Beside the client, which knows signers by their trait.
    ("kabao-pkcs11", &["kabao-auth"]),
    ("kabao-api", &["kabao-models"]),
    ("kabao-proto", &[]),
    ("kabao-journal", &["kabao-api", "kabao-models"]),
    ("kabao-store", &["kabao-api", "kabao-auth", "kabao-journal"]),
    ("kabao-reads", &["kabao-api", "kabao-models"]),
    ("kabao-client", &["kabao-api", "kabao-auth", "kabao-models"]),
    ("kabao-grpc", &["kabao-api", "kabao-models", "kabao-proto"]),
    // Never the client: an emulator that shares its decisions confirms its bugs.
    ("kabao-sandbox", &["kabao-auth", "kabao-models"]),
    ("kabao-codegen", &[]),
    (
        "kabao",
        &[
            "kabao-api",
            "kabao-auth",
            "kabao-client",
            "kabao-grpc",
            "kabao-journal",
            "kabao-models",
            "kabao-pkcs11",
            // Its commands are clients of a gateway, too.
            "kabao-proto",
            "kabao-reads",
            "kabao-sandbox",
            "kabao-store",
        ],
    ),
    ("kabao-sandbox-server", &["kabao-sandbox"]),
    ("kabao-architecture", &[]),
    // Is gateway, sandbox and bare client in turn.
    (
        "kabao-bench",
        &[
            "kabao",
            "kabao-api",
            "kabao-auth",
            "kabao-client",
            "kabao-grpc",
            "kabao-journal",
            "kabao-models",
            "kabao-proto",
            "kabao-sandbox",
            "kabao-store",
        ],
    ),
    // Runs the journal over models, and is gateway, sandbox and callers in turn.
    (
        "kabao-chaos",
        &[
            "kabao",
            "kabao-api",
            "kabao-journal",
            "kabao-models",
            "kabao-proto",
            "kabao-sandbox",
            // Its servers of PostgreSQL.
            "kabao-store",
        ],
    ),
    ("kabao-e2e", &[]),
    // Drives programs of other languages from outside.
    ("kabao-interop", &[]),
];

/// Heavy dependencies, and who may name them in a normal dependency.
const HEAVY: [(&str, &[&str]); 33] = [
    // Cryptography.
    ("aws-lc-rs", &["kabao-auth", "kabao-bench"]),
    ("jsonwebtoken", &["kabao-auth"]),
    ("rcgen", &["kabao-bench", "kabao-sandbox"]),
    // Keys in hardware.
    ("cryptoki", &["kabao-pkcs11"]),
    // gRPC.
    (
        "tonic",
        &[
            "kabao",
            "kabao-bench",
            "kabao-chaos",
            "kabao-grpc",
            "kabao-proto",
        ],
    ),
    ("tonic-health", &["kabao", "kabao-bench", "kabao-grpc"]),
    ("tonic-prost", &["kabao-proto"]),
    ("tonic-reflection", &["kabao-grpc"]),
    // The stubs use its `google.rpc.Status`.
    (
        "tonic-types",
        &["kabao", "kabao-chaos", "kabao-grpc", "kabao-proto"],
    ),
    (
        "prost",
        &["kabao-bench", "kabao-codegen", "kabao-grpc", "kabao-proto"],
    ),
    (
        "prost-types",
        &["kabao", "kabao-codegen", "kabao-grpc", "kabao-proto"],
    ),
    // Code generation.
    ("prost-build", &["kabao-codegen"]),
    ("protox", &["kabao-codegen"]),
    ("tonic-prost-build", &["kabao-codegen"]),
    // HTTP and TLS.
    // Nobody: hyper is enough.
    ("axum", &[]),
    ("hyper", &["kabao", "kabao-bench", "kabao-sandbox"]),
    ("hyper-rustls", &["kabao-client"]),
    (
        "hyper-util",
        &["kabao", "kabao-bench", "kabao-client", "kabao-sandbox"],
    ),
    (
        "rustls",
        &[
            "kabao",
            "kabao-bench",
            "kabao-client",
            "kabao-sandbox",
            "kabao-store",
        ],
    ),
    (
        "tokio-rustls",
        &["kabao", "kabao-bench", "kabao-sandbox", "kabao-store"],
    ),
    ("webpki-roots", &["kabao-client", "kabao-store"]),
    // The runtime.
    (
        "tokio",
        &[
            "kabao",
            "kabao-bench",
            "kabao-chaos",
            "kabao-client",
            "kabao-grpc",
            "kabao-journal",
            "kabao-pkcs11",
            "kabao-reads",
            "kabao-sandbox",
            "kabao-sandbox-server",
            "kabao-store",
        ],
    ),
    ("tokio-stream", &["kabao-grpc"]),
    // Databases.
    ("rusqlite", &["kabao-store"]),
    ("tokio-postgres", &["kabao-store"]),
    // Telemetry export: libraries speak `tracing`.
    ("opentelemetry", &["kabao"]),
    ("opentelemetry-otlp", &["kabao"]),
    ("opentelemetry_sdk", &["kabao"]),
    ("tracing-opentelemetry", &["kabao"]),
    ("tracing-subscriber", &["kabao", "kabao-sandbox-server"]),
    // Command lines.
    (
        "clap",
        &[
            "kabao",
            "kabao-bench",
            "kabao-chaos",
            "kabao-sandbox-server",
        ],
    ),
    ("csv", &["kabao"]),
    ("indicatif", &["kabao"]),
];

/// Crates without I/O: nothing of a runtime, a socket or gRPC may be linked into them, through whatever door.
const SANS_IO: [(&str, &[&str]); 3] = [
    (
        "kabao-models",
        &[
            "tokio",
            "hyper",
            "tonic",
            "prost",
            "rustls",
            "aws-lc-rs",
            "mio",
        ],
    ),
    (
        "kabao-auth",
        &["tokio", "hyper", "tonic", "prost", "rustls", "mio"],
    ),
    (
        "kabao-api",
        &[
            "tokio",
            "hyper",
            "tonic",
            "prost",
            "rustls",
            "aws-lc-rs",
            "mio",
        ],
    ),
];

#[test]
fn every_crate_has_a_place_in_the_table() {
    let table: BTreeMap<&str, &[&str]> = EDGES.into_iter().collect();
    let unknown: Vec<String> = packages()
        .iter()
        .filter(|package| !table.contains_key(package.name.as_str()))
        .map(|package| format!("{} ({})", package.name, package.directory))
        .collect();
    expect_none(
        "a new crate gets a row in EDGES (tests/architecture/src/layers.rs) and in ARCHITECTURE.md:",
        &unknown,
    );
}

#[test]
fn no_row_is_stale() {
    let packages = packages();
    let uses = |package: &str, name: &str| {
        let mut named = packages.iter().filter(|known| known.name == package);
        named.any(|package| package.normal().any(|dependency| dependency == name))
    };
    let mut stale = Vec::new();
    for (package, allowed) in EDGES {
        if !packages.iter().any(|known| known.name == package) {
            stale.push(format!("EDGES: there is no {package}"));
        }
        let unused = allowed.iter().filter(|name| !uses(package, name));
        stale.extend(unused.map(|name| format!("EDGES: {package} does not name {name}")));
    }
    for (dependency, owners) in HEAVY {
        let unused = owners.iter().filter(|owner| !uses(owner, dependency));
        stale.extend(unused.map(|owner| format!("HEAVY: {owner} does not name {dependency}")));
    }
    expect_none(
        "rows of tests/architecture/src/layers.rs that allow what nobody does:",
        &stale,
    );
}

#[test]
fn our_crates_know_each_other_only_along_the_table() {
    let table: BTreeMap<&str, &[&str]> = EDGES.into_iter().collect();
    let mut violations = Vec::new();
    for package in packages() {
        let allowed = table.get(package.name.as_str()).copied().unwrap_or(&[]);
        for dependency in package.normal().filter(|name| is_ours(name)) {
            if !allowed.contains(&dependency) {
                violations.push(format!(
                    "{} -> {dependency} in {}/Cargo.toml",
                    package.name, package.directory
                ));
            }
        }
    }
    expect_none(
        "edges between our crates that the layers do not have:",
        &violations,
    );
}

#[test]
fn tests_of_a_layer_reach_no_higher_layer() {
    let violations: Vec<String> = packages()
        .iter()
        .filter(|package| package.directory.starts_with("crates/"))
        .flat_map(|package| {
            edges(package, Kind::Dev)
                .filter(|name| ["kabao", "kabao-sandbox-server", "kabao-e2e"].contains(name))
                .map(|name| format!("{} -> {name} (dev) in {}", package.name, package.directory))
                .collect::<Vec<_>>()
        })
        .collect();
    expect_none(
        "a library's own tests must not need the services; such tests live in tests/e2e:",
        &violations,
    );
}

#[test]
fn only_its_owner_names_a_heavy_dependency() {
    let heavy: BTreeMap<&str, &[&str]> = HEAVY.into_iter().collect();
    let mut violations = Vec::new();
    for package in packages() {
        for dependency in package.normal() {
            let Some(owners) = heavy.get(dependency) else {
                continue;
            };
            if !owners.contains(&package.name.as_str()) {
                violations.push(format!(
                    "{} names {dependency} in {}/Cargo.toml; it belongs to {}",
                    package.name,
                    package.directory,
                    owners.join(", ")
                ));
            }
        }
    }
    expect_none("heavy dependencies outside their layer:", &violations);
}

#[test]
fn crates_without_io_link_no_runtime_socket_or_grpc() {
    let mut violations = Vec::new();
    for (package, forbidden) in SANS_IO {
        let linked = linked_into(package);
        for name in forbidden.iter().filter(|name| linked.contains(**name)) {
            violations.push(format!(
                "{package} links {name}; see: cargo tree -p {package} -e normal -i {name}"
            ));
        }
    }
    expect_none("crates below the client stay free of I/O:", &violations);
}

#[test]
fn the_sandbox_shares_no_code_with_the_client_or_the_facade() {
    let mut violations = Vec::new();
    for package in ["kabao-sandbox", "kabao-sandbox-server"] {
        let linked = linked_into(package);
        for name in [
            "kabao-client",
            "kabao-api",
            "kabao-grpc",
            "kabao-proto",
            "tonic",
        ] {
            if linked.contains(name) {
                violations.push(format!("{package} links {name}"));
            }
        }
    }
    expect_none(
        "the emulator must not repeat the mistakes of what it tests:",
        &violations,
    );
}

#[test]
fn the_gateway_links_one_tls_stack_and_one_crypto_library() {
    let linked = linked_into("kabao");
    let violations: Vec<String> = ["ring", "rsa", "openssl", "openssl-sys", "native-tls"]
        .iter()
        .filter(|name| linked.contains(**name))
        .map(|name| format!("kabao links {name}; see: cargo tree -p kabao -e normal -i {name}"))
        .collect();
    expect_none(
        "aws-lc-rs is the only crypto library; two rustls providers panic at the first handshake:",
        &violations,
    );
}

fn edges(package: &Package, kind: Kind) -> impl Iterator<Item = &str> {
    package
        .dependencies
        .iter()
        .filter(move |dependency| dependency.kind == kind)
        .map(|dependency| dependency.name.as_str())
}

fn is_ours(name: &str) -> bool {
    name == "kabao" || name.starts_with("kabao-")
}
