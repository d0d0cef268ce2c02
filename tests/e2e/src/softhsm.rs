//! A gateway whose private key lies in a token. `.ci/softhsm` runs it, with a folder for tokens.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use kabao_gateway::config::{Environment, Source};
use kabao_gateway::{Dev, DevOptions, Gateway};
use kabao_proto::kabao::v1::Member;
use kabao_sandbox::{Clock as _, SystemClock};

use crate::demo::BRAND;
use crate::world::World;

const MODULE: &str = "/usr/lib/softhsm/libsofthsm2.so";
const PIN: &str = "4711-of-the-user";

fn write(file: &Path, content: &str) {
    fs::write(file, content).unwrap();
    fs::set_permissions(file, Permissions::from_mode(0o600)).unwrap();
}

fn tool(arguments: &[&str]) {
    assert!(
        std::env::var_os("SOFTHSM2_CONF").is_some(),
        "SOFTHSM2_CONF says where tokens lie; .ci/softhsm sets it"
    );
    let output = Command::new("softhsm2-util").args(arguments).output();
    let output = output.unwrap();
    assert!(output.status.success(), "{arguments:?}: {output:?}");
}

#[tokio::test]
#[ignore = "needs SoftHSM; .ci/softhsm runs it"]
async fn a_gateway_whose_key_lies_in_a_token_serves_as_any_other() {
    let dev = Dev::start(DevOptions::default()).await.unwrap();
    let (_, sandbox) = dev.into_parts();
    let account = sandbox.account(BRAND.account).unwrap();
    let folder = std::env::temp_dir().join(format!("kabao-e2e-{}-softhsm", std::process::id()));
    fs::create_dir_all(&folder).unwrap();

    // The key goes into the token, and is nowhere else.
    let (token, key) = (
        format!("e2e-{}", std::process::id()),
        folder.join("key.pem"),
    );
    write(&key, account.private_key_pem.as_deref().unwrap());
    tool(&[
        "--init-token",
        "--free",
        "--label",
        &token,
        "--so-pin",
        "4711-of-the-officer",
        "--pin",
        PIN,
    ]);
    tool(&[
        "--import",
        key.to_str().unwrap(),
        "--token",
        &token,
        "--label",
        "acme",
        "--id",
        "01",
        "--pin",
        PIN,
    ]);
    fs::remove_file(&key).unwrap();

    write(&folder.join("pin"), PIN);
    write(
        &folder.join("cert.pem"),
        account.certificate_pem.as_deref().unwrap(),
    );
    write(
        &folder.join("pub.pem"),
        account.public_key_pem.as_deref().unwrap(),
    );
    write(&folder.join("ca.pem"), sandbox.ca_pem());
    let text = format!(
        "[grpc]\nlisten = \"127.0.0.1:0\"\n[admin]\nlisten = \"127.0.0.1:0\"\n\
         [[accounts]]\nid = \"{}\"\nfamily = \"brand\"\nbrand_id = \"{}\"\nmchid = \"{}\"\nbase_url = \"{}\"\n\
         extra_ca_file = \"ca.pem\"\npublic_key_file = \"pub.pem\"\npublic_key_id = \"{}\"\ncertificate_file = \"cert.pem\"\n\
         private_key_uri = \"pkcs11:token={token};object=acme?module-path={MODULE}&pin-source=pin\"\n",
        BRAND.account,
        account.brand_id.as_deref().unwrap(),
        account.mchid.as_deref().unwrap(),
        sandbox.base_url(),
        account.public_key_id.as_deref().unwrap(),
    );
    write(&folder.join("kabao.toml"), &text);
    let source = Source::new(folder.join("kabao.toml"), Environment::default());
    let loaded = source.load(SystemClock.now().as_second()).unwrap();
    let gateway = Gateway::start_from(source, loaded).await.unwrap();
    gateway.ready();
    let world = World::of(gateway, sandbox).await;

    let level = Member {
        level: "金卡".to_owned(),
        ..Member::default()
    };
    world
        .update_member(&BRAND, level, &["level"])
        .await
        .unwrap();
    // Among what is read are fields that came encrypted for the key in the token.
    let member = world.get_member(&BRAND).await.unwrap().into_inner();
    assert_eq!(member.level, "金卡");
    assert_eq!(world.effects_of("brand.user_cards.update").len(), 1);
    fs::remove_dir_all(&folder).unwrap();
}
