//! `kabao` under the name of this package, so that whoever builds the tests has the gateway that they kill.

use std::process::ExitCode;

fn main() -> ExitCode {
    kabao_gateway::run()
}
