//! What is compiled for benchmarks never gets into a product.

use std::fs;

use crate::repository::{expect_none, files, relative, root};

/// Set for one executable of `tests/bench`, in which signatures are digests that anybody can make.
const WITHOUT_RSA: &str = concat!("kabao_bench", "_without_rsa");

/// Where it may be named: where it is declared, where it takes effect, and where it is refused.
const NAMED: [&str; 7] = [
    "Cargo.toml",
    "crates/auth/src/lib.rs",
    "crates/auth/src/private_key.rs",
    "crates/auth/src/public_key.rs",
    "crates/auth/src/without_rsa.rs",
    "services/gateway/src/main.rs",
    "services/sandbox/src/main.rs",
];

#[test]
fn signatures_without_rsa_are_known_to_the_benchmarks_alone() {
    let violations: Vec<String> = files()
        .iter()
        // Documents may tell of it.
        .filter(|path| path.extension().is_none_or(|extension| extension != "md"))
        .filter(|path| fs::read_to_string(path).is_ok_and(|text| text.contains(WITHOUT_RSA)))
        .map(|path| relative(path))
        .filter(|path| !path.starts_with("tests/bench/") && !NAMED.contains(&path.as_str()))
        .collect();
    expect_none("signatures that prove nothing stay out of:", &violations);
}

#[test]
fn every_product_refuses_to_be_compiled_without_rsa() {
    let refusal = format!("#[cfg({WITHOUT_RSA})]\ncompile_error!(");
    let violations: Vec<String> = [
        "services/gateway/src/main.rs",
        "services/sandbox/src/main.rs",
    ]
    .into_iter()
    .filter(|path| !fs::read_to_string(root().join(path)).is_ok_and(|text| text.contains(&refusal)))
    .map(str::to_owned)
    .collect();
    expect_none("a product says compile_error! to it:", &violations);
}
