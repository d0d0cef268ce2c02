//! Refused in the handshake, and counted by what is wrong.

use rcgen::{DnType, ExtendedKeyUsagePurpose, date_time_ymd};
use rustls::HandshakeKind;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tonic::Code;

use crate::authority::{Authority, Identity, dns};
use crate::world::{Folder, ask, channel, connect, evicted, failed, trusting, until};

const MUTUAL: &str = "client_ca_file = \"clients.pem\"\ncrl_files = [\"clients.crl\"]\n";

#[tokio::test]
async fn each_kind_of_refusal_is_counted_as_such() {
    let folder = Folder::new("kinds");
    let (servers, clients) = (Authority::new("servers"), Authority::new("clients"));
    // The name proves nothing.
    let (strangers, twin) = (Authority::new("strangers"), Authority::new("clients"));
    let below = clients.below("below", 8);
    folder.put_server(&servers.server());
    folder.put("clients.pem", &clients.pem());
    folder.put("clients.crl", &clients.list(&[7]));
    let gateway = folder.start("", MUTUAL, "").await;

    let dated = |from: i32, to: i32| {
        clients.issue(|parameters| {
            parameters.subject_alt_names = vec![dns("till")];
            parameters.not_before = date_time_ymd(from, 1, 1);
            parameters.not_after = date_time_ymd(to, 1, 1);
        })
    };
    let with_chain = |identity: Identity| Identity {
        certificate: format!("{}{}", identity.certificate, below.pem()),
        key: identity.key,
    };
    for (kind, identity) in [
        ("expired", Some(dated(2020, 2021))),
        ("not_yet_valid", Some(dated(2098, 2099))),
        ("foreign", Some(strangers.client("till", 1))),
        ("revoked", Some(clients.client("till", 7))),
        ("no_certificate", None),
        ("no_name", Some(clients.issue(|_| {}))),
        (
            "revocation_unknown",
            Some(with_chain(below.client("till", 1))),
        ),
        (
            "bad_certificate",
            Some(clients.issue(|parameters| {
                parameters.subject_alt_names = vec![dns("till")];
                parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
            })),
        ),
    ] {
        let config = trusting(&servers, identity.as_ref());
        assert_eq!(
            ask(&channel(&gateway, &config), None).await,
            Code::Unavailable,
            "{kind}"
        );
        until(&gateway, &failed(kind), 1).await;
    }
    let config = trusting(&servers, Some(&twin.client("till", 1)));
    let stream = connect(&gateway, &config).await;
    drop(stream);
    until(&gateway, &failed("foreign"), 2).await;
    // The caller does not take the gateway.
    let config = trusting(&strangers, Some(&clients.client("till", 1)));
    assert!(connect(&gateway, &config).await.is_err());
    until(&gateway, &failed("caller_refused"), 1).await;

    // Plain HTTP is none.
    let mut stream = TcpStream::connect(gateway.grpc()).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    until(&gateway, &failed("tls"), 1).await;
    drop(stream);

    // A common name is a name.
    let named = clients.issue(|parameters| {
        parameters
            .distinguished_name
            .push(DnType::CommonName, "till");
    });
    for identity in [clients.client("till", 1), named] {
        let config = trusting(&servers, Some(&identity));
        assert_eq!(ask(&channel(&gateway, &config), None).await, Code::Ok);
    }
}

/// A session that goes on would not ask for the certificate again, which may have ended or been revoked.
#[tokio::test]
async fn a_caller_with_a_certificate_shows_it_in_every_handshake() {
    let folder = Folder::new("resumption");
    let (servers, clients) = (Authority::new("servers"), Authority::new("clients"));
    folder.put_server(&servers.server());
    folder.put("clients.pem", &clients.pem());
    let gateway = folder
        .start("", "client_ca_file = \"clients.pem\"\n", "")
        .await;
    let config = trusting(&servers, Some(&clients.client("till", 1)));
    for _ in 0..2 {
        let mut stream = connect(&gateway, &config).await.unwrap();
        // A ticket would come before what the gateway answers.
        let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
        stream.write_all(preface).await.unwrap();
        stream.read_exact(&mut [0; 9]).await.unwrap();
        assert_eq!(
            stream.get_ref().1.handshake_kind(),
            Some(HandshakeKind::Full)
        );
    }
}

const EITHER: &str = "client_ca_file = \"clients.pem\"\ncrl_files = [\"clients.crl\"]\nclient_certificates = \"optional\"\n";
/// Its token is `abc`.
const OFFICE: &str = "[[callers]]\nname = \"office\"\ntoken_sha256 = [\"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\"]\n";

#[tokio::test]
async fn where_certificates_are_optional_a_token_is_enough_and_a_bad_certificate_is_refused() {
    let folder = Folder::new("optional");
    let (servers, clients) = (Authority::new("servers"), Authority::new("clients"));
    folder.put_server(&servers.server());
    folder.put("clients.pem", &clients.pem());
    folder.put("clients.crl", &clients.list(&[7]));
    let rule = |name: &str| {
        format!("[[callers]]\nname = \"{name}\"\naccounts = [\"*\"]\nmethods = [\"read\"]\n")
    };
    folder.put(
        "policy.toml",
        &format!("{}{}", rule("office"), rule("till")),
    );
    let policy = "policy_file = \"policy.toml\"";
    let gateway = folder.start(policy, EITHER, OFFICE).await;

    let said = async |identity: Option<&Identity>, token| {
        ask(&channel(&gateway, &trusting(&servers, identity)), token).await
    };
    // Neither, each, and both.
    assert_eq!(said(None, None).await, Code::Unauthenticated);
    assert_eq!(said(None, Some("abd")).await, Code::Unauthenticated);
    assert_eq!(said(None, Some("abc")).await, Code::Ok);
    let till = clients.client("till", 1);
    assert_eq!(said(Some(&till), None).await, Code::Ok);
    assert_eq!(said(Some(&till), Some("abc")).await, Code::Ok);
    assert_eq!(said(Some(&till), Some("abd")).await, Code::Unauthenticated);
    let stranger = clients.client("stranger", 2);
    assert_eq!(said(Some(&stranger), None).await, Code::PermissionDenied);
    // A token excuses no certificate.
    let revoked = clients.client("till", 7);
    let foreign = Authority::new("strangers").client("till", 1);
    let nameless = clients.issue(|_| {});
    for (identity, kind) in [
        (revoked, "revoked"),
        (foreign, "foreign"),
        (nameless, "no_name"),
    ] {
        assert_eq!(
            said(Some(&identity), Some("abc")).await,
            Code::Unavailable,
            "{kind}"
        );
        until(&gateway, &failed(kind), 1).await;
    }

    // A certificate that is revoked takes its own connections along, and no other.
    let (by_token, by_certificate) = (
        channel(&gateway, &trusting(&servers, None)),
        channel(&gateway, &trusting(&servers, Some(&till))),
    );
    assert_eq!(ask(&by_token, Some("abc")).await, Code::Ok);
    assert_eq!(ask(&by_certificate, None).await, Code::Ok);
    folder.put("clients.crl", &clients.list(&[1, 7]));
    until(&gateway, &evicted("revoked"), 1).await;
    assert_eq!(ask(&by_token, Some("abc")).await, Code::Ok);
    assert_eq!(ask(&by_certificate, None).await, Code::Unavailable);
}

#[test]
fn certificates_are_optional_only_where_tokens_are_known() {
    let folder = Folder::new("optional-settings");
    let authority = Authority::new("servers");
    folder.put_server(&authority.server());
    folder.put("clients.pem", &authority.pem());
    let tls = "client_ca_file = \"clients.pem\"\nclient_certificates = \"optional\"\n";
    for (tls, rest, told) in [
        (
            tls,
            "",
            Some("client_certificates: lets whoever shows no certificate"),
        ),
        (
            tls,
            "callers = []\n",
            Some("client_certificates: lets whoever shows no certificate"),
        ),
        (tls, OFFICE, None),
        (
            "client_certificates = \"optional\"\n",
            OFFICE,
            Some("is about client certificates; add `client_ca_file`"),
        ),
        (
            "client_ca_file = \"clients.pem\"\nclient_certificates = \"never\"\n",
            OFFICE,
            Some("must be one of `required`, `optional`"),
        ),
    ] {
        let (before, after) = match rest.starts_with("callers") {
            true => (rest, ""),
            false => ("", rest),
        };
        let told_by = folder
            .settings_of(before, "", tls, after)
            .err()
            .map(|it| it.to_string());
        match told {
            None => assert_eq!(told_by, None),
            Some(told) => assert!(
                told_by.clone().unwrap_or_default().contains(told),
                "{told_by:?}"
            ),
        }
    }
}
