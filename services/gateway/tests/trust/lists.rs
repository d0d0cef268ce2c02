//! Revocation lists that would refuse everybody, or be overlooked.

use tonic::Code;

use crate::authority::Authority;
use crate::world::{Folder, REFUSED, ask, channel, failed, metric, trusting, until};

const REVOKING: &str = "client_ca_file = \"clients.pem\"\ncrl_files = [\"clients.crl\"]\n";

#[test]
fn a_list_that_cannot_serve_is_a_mistake_that_says_what_to_do() {
    let folder = Folder::new("lists");
    let (clients, others) = (Authority::new("clients"), Authority::new("others"));
    let twin = Authority::new("clients");
    folder.put_server(&clients.server());
    folder.put("clients.pem", &clients.pem());
    let good = clients.list(&[7]);
    let expired = clients.list_until(&[7], 2021);
    let accepting = format!("{REVOKING}expired_crl = \"accept\"\n");
    for (tls, list, expected) in [
        (REVOKING, good.clone(), None),
        (REVOKING, format!("{good}{}", others.list(&[])), None),
        (accepting.as_str(), expired.clone(), None),
        (REVOKING, expired, Some("has expired; fetch a new one")),
        (REVOKING, twin.list(&[]), Some("is not signed by it")),
        (
            REVOKING,
            others.list(&[]),
            Some("no file holds the revocation list of the authority \"clients\""),
        ),
        (
            REVOKING,
            format!("{good}{}", clients.list(&[8])),
            Some("a second revocation list of the same authority"),
        ),
        (
            REVOKING,
            "nothing".to_owned(),
            Some("holds no revocation list in PEM or DER"),
        ),
        (
            REVOKING,
            good.replace("MII", "MIJ").replace("MIH", "MIJ"),
            Some("holds a revocation list that cannot be used"),
        ),
        (
            "crl_files = [\"clients.crl\"]\n",
            good.clone(),
            Some("is about client certificates; add `client_ca_file`"),
        ),
        (
            "client_ca_file = \"clients.pem\"\ncrl_files = []\n",
            good.clone(),
            Some("must not be empty"),
        ),
        (
            "client_ca_file = \"clients.pem\"\ncrl_files = [\"none.crl\"]\n",
            good.clone(),
            Some("cannot read "),
        ),
        (
            "client_ca_file = \"clients.pem\"\nexpired_crl = \"accept\"\n",
            good.clone(),
            Some("add `crl_files`"),
        ),
    ] {
        folder.put("clients.crl", &list);
        let told = folder
            .settings("", tls, "")
            .map_err(|mistakes| mistakes.to_string());
        match (told, expected) {
            (Ok(_), None) => {}
            (Err(told), Some(expected)) => {
                assert!(told.contains(expected), "{expected} in {told}");
                assert!(told.contains("grpc.tls."), "{told}");
            }
            (told, expected) => panic!("{told:?}, not {expected:?}"),
        }
    }
}

#[tokio::test]
async fn an_expired_list_that_is_accepted_still_revokes() {
    let folder = Folder::new("accepted");
    let (servers, clients) = (Authority::new("servers"), Authority::new("clients"));
    folder.put_server(&servers.server());
    folder.put("clients.pem", &clients.pem());
    folder.put("clients.crl", &clients.list_until(&[7], 2021));
    let tls = format!("{REVOKING}expired_crl = \"accept\"\n");
    let gateway = folder.start("", &tls, "").await;
    let of = |serial| trusting(&servers, Some(&clients.client("till", serial)));
    assert_eq!(ask(&channel(&gateway, &of(8)), None).await, Code::Ok);
    assert_eq!(
        ask(&channel(&gateway, &of(7)), None).await,
        Code::Unavailable
    );
    until(&gateway, &failed("revoked"), 1).await;
    let left = metric(&gateway, "kabao_tls_crl_expires_in_seconds").await;
    let age = metric(&gateway, "kabao_tls_crl_age_seconds").await;
    assert!(left.unwrap() < 0 && age.unwrap() > 0, "{left:?}, {age:?}");
}

#[tokio::test]
async fn a_caller_is_refused_if_an_authority_between_is_revoked() {
    let folder = Folder::new("between");
    let (servers, root) = (Authority::new("servers"), Authority::new("root"));
    let (good, bad) = (root.below("good", 8), root.below("bad", 9));
    folder.put_server(&servers.server());
    folder.put("clients.pem", &root.pem());
    let lists = [root.list(&[9]), good.list(&[7]), bad.list(&[])];
    folder.put("clients.crl", &lists.concat());
    let gateway = folder.start("", REVOKING, "").await;
    for (between, serial, expected) in [
        (&good, 1, Code::Ok),
        (&good, 7, Code::Unavailable),
        (&bad, 1, Code::Unavailable),
    ] {
        let mut identity = between.client("till", serial);
        identity.certificate.push_str(&between.pem());
        let caller = channel(&gateway, &trusting(&servers, Some(&identity)));
        assert_eq!(ask(&caller, None).await, expected, "{serial}");
    }
    until(&gateway, &failed("revoked"), 2).await;
}

/// A new list that cannot serve changes nothing, also not for the better.
#[tokio::test]
async fn a_list_that_is_refused_leaves_the_old_one_in_use() {
    let folder = Folder::new("refused-list");
    let (servers, clients) = (Authority::new("servers"), Authority::new("clients"));
    let twin = Authority::new("clients");
    folder.put_server(&servers.server());
    folder.put("clients.pem", &clients.pem());
    folder.put("clients.crl", &clients.list(&[7]));
    let gateway = folder.start("", REVOKING, "").await;
    folder.put("clients.crl", &twin.list(&[]));
    until(&gateway, REFUSED, 1).await;
    let of = |serial| trusting(&servers, Some(&clients.client("till", serial)));
    assert_eq!(ask(&channel(&gateway, &of(8)), None).await, Code::Ok);
    assert_eq!(
        ask(&channel(&gateway, &of(7)), None).await,
        Code::Unavailable
    );
}
