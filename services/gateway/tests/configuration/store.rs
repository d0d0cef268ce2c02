//! Where the memory lies.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use kabao_gateway::config::Summary;

use crate::{NOW, OFFICIAL, with_official};

#[test]
fn a_store_lies_in_a_folder_or_in_a_database() {
    let folder = with_official("store");
    let store = |keys: &str| format!("[store]\n{keys}\n{OFFICIAL}");
    folder.write("url", "postgres://u:s3cret@db/kabao\n");
    let environment = [("KABAO_DATABASE", "postgres://u:s3cret@db/kabao")];
    for url in [
        "url = \"postgres://u@db/kabao\"",
        "url_file = \"url\"",
        "url_env = \"KABAO_DATABASE\"",
    ] {
        let text = store(&format!("{url}\nkey_file = \"store.key\""));
        let settings = folder.parse_with(&text, &environment).unwrap();
        let told = format!("{} {settings:?}", Summary::new(&settings, NOW));
        assert!(told.contains("PostgreSQL at db:5432/kabao"), "{told}");
        assert!(!told.contains("s3cret"), "{told}");
    }
    folder.check_faults(
        &store("directory = \"store\"\nurl = \"postgres://u@db/kabao\""),
        &[
            "kabao.toml:2:1: store.directory: stands beside `url`: `directory` is where the embedded store is, `url` \
             names a database; only one of the two can be used",
            "kabao.toml:1:2: store.key_file: is required beside `url`: the keys that all replicas share; the first replica \
             makes the file together with the store",
        ],
    );
    folder.check_faults(
        &store("url_file = \"absent\"\nurl_env = \"X\"\nkey_file = \"k\"\nconnections = 1"),
        &[
            "kabao.toml:3:1: store.url_env: stands beside `url_file`; only one of the two can be used",
            "kabao.toml:2:1: store.url_file: cannot read absent: No such file or directory (os error 2)",
            "kabao.toml:5:1: store.connections: must be between 2 and 256",
        ],
    );
    folder.check_faults(
        &store("url = \"postgres://u:s3cret@x@db/kabao\"\nkey_file = \"k\""),
        &["kabao.toml:2:1: store.url: the URL of the database has a sign in a place where it means something else: \
           within user, password and parameters write `@` as %40, `/` as %2F, `?` as %3F, `#` as %23, `:` as %3A, `&` \
           as %26"],
    );
    folder.check_faults(
        &store("directory = \"store\"\ntakeover_after = \"6s\""),
        &["kabao.toml:3:1: store.takeover_after: is for a database that replicas share (`url`)"],
    );
    fs::set_permissions(folder.0.join("url"), Permissions::from_mode(0o644)).unwrap();
    folder.check_faults(
        &store("url_file = \"url\"\nkey_file = \"k\""),
        &[
            "kabao.toml:2:1: store.url_file: url has mode 0644, so everybody on this machine can use it; `chmod 600 url`, or \
           `keys.allow_loose_files = true` where nobody else is",
        ],
    );
    let exposed = "url = \"postgres://db/kabao?sslmode=disable\"\nkey_file = \"k\"";
    let settings = folder.parse(&store(exposed)).unwrap();
    let warnings = Summary::new(&settings, NOW).warnings();
    assert!(warnings[0].contains("sslmode=disable"), "{warnings:?}");
}

#[test]
fn the_password_of_a_database_does_not_stand_in_the_configuration() {
    let folder = with_official("store-password");
    let store = |url: &str| format!("[store]\n{url}key_file = \"k\"\n{OFFICIAL}");
    for url in [
        "postgres://u:s3cret@db/kabao",
        "postgres://u@db/kabao?password=s3cret",
    ] {
        folder.check_faults(
            &store(&format!("url = \"{url}\"\n")),
            &["kabao.toml:2:1: store.url: holds a password, and a secret does not stand in the configuration itself; use \
               `url_file` or `url_env`"],
        );
        // Nor does it where a variable overrides it.
        let variables = [("KABAO__STORE__URL", url)];
        folder.parse_with(&store(""), &variables).unwrap();
    }
}
