use super::*;

const ROOT: &str = "root.pem";

#[track_caller]
fn parse(text: &str) -> DatabaseUrl {
    DatabaseUrl::parse(text, Path::new("")).unwrap()
}

#[track_caller]
fn refused(text: &str) -> String {
    let error = DatabaseUrl::parse(text, Path::new("")).unwrap_err();
    assert!(error.is_refusal());
    error.to_string()
}

#[test]
fn what_leaves_the_machine_is_encrypted_unless_that_is_turned_off() {
    use SslMode::{Disable, Require};
    for (url, mode, is_exposed) in [
        ("postgres://u:p@db.example.com/kabao", Require, false),
        ("postgresql://u:p@10.0.0.1:5433/kabao", Require, false),
        ("postgres://u@db/kabao?sslmode=require", Require, false),
        ("postgres://u@db/kabao?sslmode=verify-ca", Require, false),
        ("postgres://u@db/kabao?sslmode=verify-full", Require, false),
        ("postgres://u@db/kabao?sslmode=disable", Disable, true),
        ("postgres://u@db/kabao?sslrootcert=system", Require, false),
        ("postgres://u@localhost/kabao", Disable, false),
        (
            "postgres://u@127.0.0.1/kabao?sslmode=prefer",
            Disable,
            false,
        ),
        ("postgres://u@[::1]/kabao?sslmode=require", Require, false),
        ("postgres:///kabao?host=/run/postgresql", Disable, false),
        ("postgres://u@localhost,db/kabao", Require, false),
        // The name is this machine's, the address is not.
        ("postgres://u@localhost/k?hostaddr=10.0.0.1", Require, false),
        ("postgres://u@db/k?hostaddr=127.0.0.1", Disable, false),
    ] {
        let url_of = parse(url);
        assert_eq!(url_of.config().get_ssl_mode(), mode, "{url}");
        assert_eq!(url_of.is_exposed(), is_exposed, "{url}");
        let attributes = url_of.config().get_target_session_attrs();
        assert_eq!(attributes, TargetSessionAttrs::ReadWrite);
    }
}

#[test]
fn what_would_not_do_what_it_seems_to_is_refused() {
    for (url, why) in [
        ("kabao.db", "must begin with `postgres://`"),
        ("mysql://db/kabao", "must begin with `postgres://`"),
        ("postgres:///kabao", "names no host"),
        ("postgres://u@/kabao", "names no host"),
        ("postgres://u@a,b:1,c/k?port=2", "numbers of hosts"),
        ("postgres://u@db:x/kabao", "cannot be used"),
        ("postgres://u@db/k?sslmode=prefer", "on the way"),
        ("postgres://u@db/k?sslmode=allow", "on the way"),
        ("postgres://u@db/k?sslmode=on", "unknown `sslmode`"),
        ("postgres://u@db/k?sslcert=a", "parameter that is not known"),
        ("postgres://u@db/k?sslrootcert=absent.pem", "absent.pem"),
        ("postgres:///k?host=/run&sslmode=require", "over a socket"),
        ("postgres://u@/k?hostaddr=10.0.0.1", "names no `host`"),
        ("postgres://u@db/k?channel_binding=require", "not supported"),
    ] {
        let error = refused(url);
        assert!(error.contains(why), "{url}: {error}");
    }
}

#[test]
fn roots_are_those_of_the_file() {
    let folder = std::env::temp_dir().join(format!("kabao-url-{}", std::process::id()));
    fs::create_dir(&folder).unwrap();
    let url = format!("postgres://u@db/k?sslrootcert={ROOT}");
    for content in [
        "no certificate",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    ] {
        fs::write(folder.join(ROOT), content).unwrap();
        let error = DatabaseUrl::parse(&url, &folder).unwrap_err().to_string();
        assert!(error.contains("sslrootcert"), "{error}");
    }
    fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn nobody_hears_of_the_user_or_the_password() {
    let url = parse("postgres://alice:s3cret@db.example.com:6432,db2/kabao");
    assert_eq!(url.to_string(), "db.example.com:6432,db2:5432/kabao");
    let debug = format!("{url:?}");
    assert_eq!(debug, "DatabaseUrl(\"db.example.com:6432,db2:5432/kabao\")");
    for url in [
        "postgres://alice:s3cret@x@db/kabao",
        "postgres://alice:s3cret/x@db/kabao",
        "postgres://alice:s3cret?x@db/kabao",
        "postgres://alice:s3cret#x@db/kabao",
        "postgres://alice:s3cret:x@db:s3cret/kabao",
        "postgres://db/kabao?password=s3cret@x",
        "postgres://db/kabao?password=a&s3cret=1",
        "postgres://db/kabao?s3cret",
        "postgres://db/kabao?port=s3cret",
        "s3cret",
    ] {
        let error = DatabaseUrl::parse(url, Path::new("")).unwrap_err();
        let told = format!("{error} {error:?}");
        assert!(!told.contains("s3cret"), "{told}");
    }
}
