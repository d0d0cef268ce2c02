//! The binary `kabao`; everything of it is in the library beside it.

use std::process::ExitCode;

fn main() -> ExitCode {
    kabao_gateway::run()
}
