//! The way to the database: encrypted, and only to whom the certificate names.

use std::fs;
use std::path::Path;

use kabao_store::testing::PostgresServer;
use kabao_store::{DatabaseUrl, PostgresSettings, Store};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};

use crate::directory::Directory;

struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut parameters = CertificateParams::new(Vec::new()).unwrap();
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = parameters.self_signed(&key).unwrap().pem();
        Self {
            pem,
            issuer: Issuer::new(parameters, key),
        }
    }
}

#[tokio::test]
#[ignore = "needs PostgreSQL: run .ci/postgres"]
async fn the_server_has_to_show_a_certificate_of_its_name() {
    let authority = Authority::new();
    let key = KeyPair::generate().unwrap();
    let parameters = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let certificate = parameters.signed_by(&key, &authority.issuer).unwrap();
    let directory = Directory::new();
    fs::write(directory.path().join("ca.pem"), &authority.pem).unwrap();
    fs::write(directory.path().join("other.pem"), Authority::new().pem).unwrap();

    let server = PostgresServer::start().unwrap();
    server.write("server.crt", &certificate.pem()).unwrap();
    server.write("server.key", &key.serialize_pem()).unwrap();
    let rules = "local all all trust\nhostssl all all 127.0.0.1/32 scram-sha-256\n";
    server.write("pg_hba.conf", rules).unwrap();
    let database = server.database().await.unwrap();
    for statement in [
        "CREATE USER alice PASSWORD 'open sesame'",
        "GRANT CREATE ON DATABASE d0 TO alice",
        "ALTER SYSTEM SET ssl = on",
    ] {
        server.execute(&database, statement).await.unwrap();
    }
    let port = server.listen().await.unwrap();

    let settings = |user: &str, host: &str, parameters: &str| {
        let url = format!("postgres://{user}@{host}:{port}/d0?{parameters}");
        let url = DatabaseUrl::parse(&url, directory.path()).unwrap();
        PostgresSettings::new(url, directory.path().join("store.key")).into()
    };
    let alice = "alice:open%20sesame";
    let opened = Store::open(&settings(alice, "localhost", "sslrootcert=ca.pem")).await;
    drop(opened.unwrap());
    for (user, host, parameters, why) in [
        (alice, "localhost", "sslrootcert=other.pem", "certificate"),
        (alice, "localhost", "sslmode=verify-full", "certificate"),
        (alice, "127.0.0.1", "sslrootcert=ca.pem", "certificate"),
        (alice, "localhost", "sslmode=disable", "no encryption"),
        (
            "alice:sesame",
            "localhost",
            "sslrootcert=ca.pem",
            "password authentication failed",
        ),
        ("alice", "localhost", "sslrootcert=ca.pem", "password"),
    ] {
        let opened = Store::open(&settings(user, host, parameters)).await;
        let error = opened.unwrap_err().to_string();
        assert!(error.contains(why), "{user} {host} {parameters}: {error}");
        assert!(!error.contains("sesame"), "{error}");
    }
    // A server without TLS is refused by whoever wants it.
    let off = "ALTER SYSTEM SET ssl = off";
    let url = format!(
        "postgres:///d0?user=kabao&host={}&port={port}",
        server.folder().display()
    );
    server.execute(&url, off).await.unwrap();
    let port = server.listen().await.unwrap();
    let url = format!("postgres://{alice}@localhost:{port}/d0?sslmode=require");
    let url = DatabaseUrl::parse(&url, Path::new("")).unwrap();
    let settings = PostgresSettings::new(url, directory.path().join("store.key"));
    let error = Store::open(&settings.into()).await.unwrap_err().to_string();
    assert!(error.contains("does not support TLS"), "{error}");
}
