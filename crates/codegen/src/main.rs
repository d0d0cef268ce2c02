//! `cargo run -p kabao-codegen [-- --check]`: writes everything that is generated, or tells
//! whether what is checked in differs from what would be written.

use std::path::PathBuf;
use std::process::ExitCode;

use kabao_codegen::Output;

#[expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "this is a command-line tool"
)]
fn main() -> ExitCode {
    let check = std::env::args()
        .skip(1)
        .any(|argument| argument == "--check");
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    let result = kabao_codegen::generate(&root).and_then(|output: Output| {
        if check {
            output.differences(&root)
        } else {
            output.write(&root).map(|()| Vec::new())
        }
    });
    match result {
        Ok(differences) if differences.is_empty() => {
            println!(
                "{}",
                if check {
                    "generated code is up to date"
                } else {
                    "generated code is written"
                }
            );
            ExitCode::SUCCESS
        }
        Ok(differences) => {
            eprintln!(
                "generated code differs from the catalogue; run `cargo run -p kabao-codegen`:"
            );
            for path in differences {
                eprintln!("  {}", path.display());
            }
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("kabao-codegen: {error}");
            ExitCode::FAILURE
        }
    }
}
