//! What `KABAO_LOG` of `kabao-sandbox` may be.

#![allow(clippy::unwrap_used, reason = "a step that fails fails the test")]

use std::process::Command;

#[test]
fn a_level_with_a_slip_in_it_is_refused_and_silences_nothing() {
    let ended = Command::new(env!("CARGO_BIN_EXE_kabao-sandbox"))
        // Were the level taken, this would end it.
        .args(["--listen", "nowhere", "--dir", env!("CARGO_TARGET_TMPDIR")])
        .env_clear()
        .env("KABAO_LOG", "degub")
        .output()
        .unwrap();
    let said = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(1), "{said}");
    assert!(
        said.starts_with("kabao-sandbox: KABAO_LOG: `degub` is no level;"),
        "{said}"
    );
}
