//! Answers that a gateway keeps for a while because its configuration says so.

use std::time::Duration;

use kabao_gateway::config::{AccountSettings, CacheSettings, MemorySettings, Settings};
use kabao_proto::kabao::v1::Member;
use tonic::{Request, Response};

use crate::demo::OFFICIAL_ACCOUNT;
use crate::world::{World, get_member, update_member};

const READ: &str = "official_account.member.userinfo_get";

fn age<T>(response: &Response<T>) -> Option<&str> {
    let age = response.metadata().get("x-kabao-age")?;
    Some(age.to_str().unwrap())
}

#[tokio::test]
async fn an_answer_is_kept_for_its_lifetime_until_a_write_and_tells_its_age() {
    let folder = std::env::temp_dir().join(format!("kabao-e2e-kept-{}", std::process::id()));
    let world = World::with_settings(|sandbox| {
        let client = World::official_account(OFFICIAL_ACCOUNT.account, sandbox, false);
        let mut cache = CacheSettings::default();
        cache.lifetimes.keep(READ, Duration::from_secs(300));
        Settings {
            store: Some(MemorySettings::embedded(&folder)),
            accounts: vec![AccountSettings::new(client)],
            cache,
            ..Settings::default()
        }
    });
    let world = world.await;
    let read = async |no_cache: bool| {
        let mut request = Request::new(get_member(&OFFICIAL_ACCOUNT));
        if no_cache {
            let value = "no-cache".parse().unwrap();
            request.metadata_mut().insert("cache-control", value);
        }
        world.members().get_member(request).await.unwrap()
    };
    let calls = || world.requests_of(READ);

    let first = read(false).await;
    assert_eq!((age(&first), calls()), (None, 1));
    let again = read(false).await;
    assert_eq!((age(&again), calls()), (Some("0"), 1));
    assert_eq!(first.get_ref(), again.get_ref());
    let anew = read(true).await;
    assert_eq!((age(&anew), calls()), (None, 2));

    let mut item = update_member(&OFFICIAL_ACCOUNT, Member::default(), &["points"]);
    let points = 4321;
    if let Some(member) = &mut item.member {
        member.points = Some(points);
    }
    world.members().update_member(item).await.unwrap();
    let before = calls();
    let written = read(false).await;
    assert_eq!((age(&written), calls()), (None, before + 1));
    assert_eq!(written.get_ref().points, Some(points));
    drop(world);
    let _ = std::fs::remove_dir_all(folder);
}

#[tokio::test]
async fn without_a_lifetime_every_read_is_made() {
    let world = World::start().await;
    for number in 1..=2 {
        let answer = world.get_member(&OFFICIAL_ACCOUNT).await.unwrap();
        assert_eq!((age(&answer), world.requests_of(READ)), (None, number));
    }
}
