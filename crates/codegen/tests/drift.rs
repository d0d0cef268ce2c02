//! What is checked in is what the generator writes.

use std::path::Path;

#[test]
fn generated_code_is_what_the_catalogue_and_the_protos_give() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let output = kabao_codegen::generate(&root).unwrap();
    let differences = output.differences(&root).unwrap();
    assert!(
        differences.is_empty(),
        "run `cargo run -p kabao-codegen`; these files differ: {differences:#?}"
    );
}
