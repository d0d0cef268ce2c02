//! Certificates and authorities that change while callers call.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::time::Duration;

use kabao_gateway::Gateway;
use kabao_gateway::config::{Environment, Source};
use tonic::Code;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

use crate::authority::Authority;
use crate::world::{
    Folder, REFUSED, ask, channel, configuration, connect, evicted, failed, metric, say, trusting,
    until,
};

const MUTUAL: &str = "client_ca_file = \"clients.pem\"\n";
const REVOKING: &str = "client_ca_file = \"clients.pem\"\ncrl_files = [\"clients.crl\"]\n";

/// Waits until handshakes with these clients come to what is wanted.
macro_rules! until_connects {
    ($gateway:expr, $config:expr, $wanted:expr) => {
        tokio::time::timeout(crate::world::PATIENCE, async {
            while connect($gateway, $config).await.is_ok() != $wanted {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        })
        .await
        .expect("what lies there comes into use")
    };
}

#[tokio::test]
async fn new_handshakes_use_what_lies_there_and_old_connections_live_on() {
    let folder = Folder::new("swap");
    let (old, new) = (Authority::new("old"), Authority::new("new"));
    folder.put_server(&old.server());
    let gateway = folder.start("", "", "[[callers]]\nname = \"x\"\ntoken_sha256 = [\"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\"]\n").await;
    let before = channel(&gateway, &trusting(&old, None));
    assert_eq!(ask(&before, Some("abc")).await, Code::Ok);

    folder.put_server(&new.server());
    until_connects!(&gateway, &trusting(&new, None), true);
    assert!(connect(&gateway, &trusting(&old, None)).await.is_err());
    // It trusts the old authority alone, so a new connection would have failed.
    assert_eq!(ask(&before, Some("abc")).await, Code::Ok);
    let after = channel(&gateway, &trusting(&new, None));
    assert_eq!(ask(&after, Some("abc")).await, Code::Ok);
}

#[tokio::test]
async fn a_key_of_another_certificate_is_refused_and_the_old_ones_serve() {
    let folder = Folder::new("mismatch");
    let (old, new) = (Authority::new("old"), Authority::new("new"));
    folder.put_server(&old.server());
    let gateway = folder.start("", "", "").await;
    assert_eq!(metric(&gateway, REFUSED).await, Some(0));
    let server = new.server();
    for (name, text) in [
        ("cert.pem", server.certificate.as_str()),
        ("cert.pem", "no certificate"),
    ] {
        folder.put(name, text);
        until(&gateway, REFUSED, 1).await;
        assert!(connect(&gateway, &trusting(&old, None)).await.is_ok());
    }
    folder.put_server(&server);
    until(&gateway, REFUSED, 0).await;
    assert!(connect(&gateway, &trusting(&new, None)).await.is_ok());
}

#[tokio::test]
async fn a_new_key_that_others_can_read_is_refused_until_its_mode_is_right() {
    let folder = Folder::new("loose");
    let (old, new) = (Authority::new("old"), Authority::new("new"));
    folder.put_server(&old.server());
    let gateway = folder.start("", "", "").await;
    let server = new.server();
    let mode = |mode| Permissions::from_mode(mode);
    fs::write(folder.path("loose.pem"), &server.key).unwrap();
    fs::set_permissions(folder.path("loose.pem"), mode(0o644)).unwrap();
    fs::rename(folder.path("loose.pem"), folder.path("key.pem")).unwrap();
    folder.put("cert.pem", &server.certificate);
    until(&gateway, REFUSED, 1).await;
    assert!(connect(&gateway, &trusting(&old, None)).await.is_ok());
    fs::set_permissions(folder.path("key.pem"), mode(0o600)).unwrap();
    until(&gateway, REFUSED, 0).await;
    assert!(connect(&gateway, &trusting(&new, None)).await.is_ok());
}

/// As Kubernetes mounts secrets: files are links into a folder, which is itself a link that is exchanged.
#[tokio::test]
async fn the_exchange_of_a_link_to_a_folder_counts() {
    let folder = Folder::new("links");
    let (old, new) = (Authority::new("old"), Authority::new("new"));
    for (version, authority) in [("v1", &old), ("v2", &new)] {
        fs::create_dir(folder.path(version)).unwrap();
        let server = authority.server();
        folder.put(&format!("{version}/cert.pem"), &server.certificate);
        folder.put(&format!("{version}/key.pem"), &server.key);
    }
    symlink("v1", folder.path("data")).unwrap();
    for name in ["cert.pem", "key.pem"] {
        symlink(format!("data/{name}"), folder.path(name)).unwrap();
    }
    let gateway = folder.start("", "", "").await;
    assert!(connect(&gateway, &trusting(&old, None)).await.is_ok());
    symlink("v2", folder.path("data.new")).unwrap();
    fs::rename(folder.path("data.new"), folder.path("data")).unwrap();
    until_connects!(&gateway, &trusting(&new, None), true);
}

#[tokio::test]
async fn the_connections_of_a_revoked_certificate_are_closed_and_those_of_others_not() {
    let folder = Folder::new("revoked");
    let (servers, clients) = (Authority::new("servers"), Authority::new("clients"));
    folder.put_server(&servers.server());
    folder.put("clients.pem", &clients.pem());
    folder.put("clients.crl", &clients.list(&[]));
    let gateway = folder.start("", REVOKING, "").await;
    let of = |serial| trusting(&servers, Some(&clients.client("till", serial)));
    let (bad, good) = (channel(&gateway, &of(7)), channel(&gateway, &of(8)));
    for channel in [&bad, &good] {
        assert_eq!(ask(channel, None).await, Code::Ok);
    }
    folder.put("clients.crl", &clients.list(&[7]));
    until(&gateway, &evicted("revoked"), 1).await;
    until(&gateway, "kabao_connections_open", 1).await;
    assert_eq!(ask(&bad, None).await, Code::Unavailable);
    assert_eq!(ask(&good, None).await, Code::Ok);
    // The latter did so over the connection that it had.
    until(&gateway, &failed("revoked"), 1).await;
    assert_eq!(metric(&gateway, "kabao_connections_open").await, Some(1));
    assert_eq!(metric(&gateway, &evicted("revoked")).await, Some(1));
}

/// A stream without an end would otherwise keep the connection of somebody who is not to be served any more.
#[tokio::test]
async fn what_is_in_flight_on_a_revoked_connection_ends_within_its_grace() {
    let folder = Folder::new("grace");
    let (servers, clients) = (Authority::new("servers"), Authority::new("clients"));
    folder.put_server(&servers.server());
    folder.put("clients.pem", &clients.pem());
    folder.put("clients.crl", &clients.list(&[]));
    let grace = "[grpc.timeouts]\nmax_connection_age_grace = \"300ms\"\n";
    let gateway = folder.start("", REVOKING, grace).await;
    let caller = trusting(&servers, Some(&clients.client("till", 7)));
    let mut health = HealthClient::new(channel(&gateway, &caller));
    let watch = health.watch(HealthCheckRequest::default()).await.unwrap();
    let mut watch = watch.into_inner();
    assert!(watch.message().await.unwrap().is_some());
    folder.put("clients.crl", &clients.list(&[7]));
    until(&gateway, &evicted("revoked"), 1).await;
    let ended = tokio::time::timeout(crate::world::PATIENCE, watch.message()).await;
    assert!(ended.expect("it is cut").is_err());
    until(&gateway, "kabao_connections_open", 0).await;
}

#[tokio::test]
async fn the_connections_of_an_authority_that_is_gone_are_closed() {
    let folder = Folder::new("gone");
    let servers = Authority::new("servers");
    let (old, new) = (Authority::new("old"), Authority::new("new"));
    folder.put_server(&servers.server());
    folder.put("clients.pem", &old.pem());
    let gateway = folder.start("", MUTUAL, "").await;
    let before = channel(&gateway, &trusting(&servers, Some(&old.client("till", 1))));
    assert_eq!(ask(&before, None).await, Code::Ok);
    // While both are there, both are taken.
    folder.put("clients.pem", &format!("{}{}", old.pem(), new.pem()));
    let renewed = trusting(&servers, Some(&new.client("till", 1)));
    tokio::time::timeout(crate::world::PATIENCE, async {
        while ask(&channel(&gateway, &renewed), None).await != Code::Ok {
            tokio::task::yield_now().await;
        }
    })
    .await
    .unwrap();
    assert_eq!(ask(&before, None).await, Code::Ok);
    assert_eq!(metric(&gateway, &evicted("foreign")).await, None);
    folder.put("clients.pem", &new.pem());
    until(&gateway, &evicted("foreign"), 1).await;
    assert_eq!(ask(&before, None).await, Code::Unavailable);
    assert_eq!(ask(&channel(&gateway, &renewed), None).await, Code::Ok);
}

#[tokio::test]
async fn a_connection_ends_with_the_certificate_of_its_caller() {
    let folder = Folder::new("end");
    let (servers, clients) = (Authority::new("servers"), Authority::new("clients"));
    folder.put_server(&servers.server());
    folder.put("clients.pem", &clients.pem());
    let gateway = folder.start("", MUTUAL, "").await;
    let short = clients.client_for("till", Duration::from_secs(2));
    let caller = channel(&gateway, &trusting(&servers, Some(&short)));
    assert_eq!(ask(&caller, None).await, Code::Ok);
    until(&gateway, &evicted("expired"), 1).await;
    until(&gateway, "kabao_connections_open", 0).await;
    assert_eq!(ask(&caller, None).await, Code::Unavailable);
    until(&gateway, &failed("expired"), 1).await;
}

#[tokio::test]
async fn a_connection_ends_with_an_authority_between() {
    let folder = Folder::new("end-between");
    let (servers, root) = (Authority::new("servers"), Authority::new("root"));
    folder.put_server(&servers.server());
    folder.put("clients.pem", &root.pem());
    let gateway = folder.start("", MUTUAL, "").await;
    let between = root.below_for("between", Duration::from_secs(2));
    let mut identity = between.client("till", 1);
    identity.certificate.push_str(&between.pem());
    let caller = channel(&gateway, &trusting(&servers, Some(&identity)));
    assert_eq!(ask(&caller, None).await, Code::Ok);
    until(&gateway, &evicted("expired"), 1).await;
    until(&gateway, "kabao_connections_open", 0).await;
    assert_eq!(ask(&caller, None).await, Code::Unavailable);
}

/// Where nobody looks by itself, as with `reload.poll = "0s"`.
#[tokio::test]
async fn files_are_read_when_somebody_asks_for_the_configuration_to_be_read() {
    let folder = Folder::new("asked");
    let (old, new) = (Authority::new("old"), Authority::new("new"));
    folder.put_server(&old.server());
    let text = configuration("", "", "").replace("100ms", "0s");
    folder.put("kabao.toml", &text);
    let source = Source::new(folder.path("kabao.toml"), Environment::default());
    let loaded = source.load(0).unwrap();
    let gateway = Gateway::start_from(source, loaded).await.unwrap();
    gateway.ready();
    folder.put_server(&new.server());
    assert!(connect(&gateway, &trusting(&old, None)).await.is_ok());
    let said = say(&gateway, "POST /reload HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
    assert!(said.starts_with("HTTP/1.1 200 "), "{said}");
    assert!(connect(&gateway, &trusting(&new, None)).await.is_ok());
    assert!(connect(&gateway, &trusting(&old, None)).await.is_err());
}
