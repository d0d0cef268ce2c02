use std::time::Duration;

use super::*;
use crate::testing::{account, clock};

fn hosts() -> Hosts {
    let origin = |name: &str| Origin::parse(&format!("https://{name}.example")).unwrap();
    Hosts {
        main: origin("main"),
        backup: Some(origin("backup")),
    }
}

fn route(hosts: &Hosts) -> Route {
    Route::new(account(), hosts, &BreakerSettings::default())
}

/// Sends one attempt and tells where to.
fn attempt(route: &Route, may_repeat: bool, outcome: Outcome) -> Result<String, Error> {
    let clock = clock();
    let mut leg = route.pick(may_repeat, clock.as_ref())?;
    leg.report(Verdict::of_host(outcome));
    Ok(format!("{:?}", leg.origin()))
}

const MAIN: &str = "https://main.example";
const BACKUP: &str = "https://backup.example";
use Outcome::{Bad, Good};

#[tokio::test(start_paused = true)]
async fn the_backup_is_used_while_the_main_host_does_not_work_and_no_longer() {
    let route = route(&hosts());
    for _ in 0..5 {
        assert_eq!(attempt(&route, true, Bad).unwrap(), MAIN);
    }
    assert_eq!(attempt(&route, true, Good).unwrap(), BACKUP);
    tokio::time::advance(Duration::from_secs(1)).await;
    // Only what may go to the backup as well finds out.
    assert_eq!(attempt(&route, false, Good).unwrap(), BACKUP);
    assert_eq!(attempt(&route, true, Bad).unwrap(), MAIN);
    assert_eq!(attempt(&route, true, Good).unwrap(), BACKUP);
    tokio::time::advance(Duration::from_secs(2)).await;
    assert_eq!(attempt(&route, true, Good).unwrap(), MAIN);
    assert_eq!(attempt(&route, false, Good).unwrap(), MAIN);
}

#[tokio::test(start_paused = true)]
async fn where_no_host_works_nothing_passes_until_one_may_be_asked_again() {
    let route = route(&hosts());
    for host in [MAIN, BACKUP] {
        route.require().unwrap();
        for _ in 0..5 {
            assert_eq!(attempt(&route, true, Bad).unwrap(), host);
        }
        tokio::time::advance(Duration::from_millis(100)).await;
    }
    for error in [
        route.require().unwrap_err(),
        attempt(&route, true, Good).unwrap_err(),
    ] {
        assert_eq!(error.reason(), Reason::UpstreamUnavailable);
        assert_eq!(error.retry_after(), Some(Duration::from_millis(800)));
        assert!(error.is_retryable() && !error.may_have_executed());
    }
    tokio::time::advance(Duration::from_millis(800)).await;
    route.require().unwrap();
    // Now that there is nothing to fall back on, anything finds out.
    assert_eq!(attempt(&route, false, Good).unwrap(), MAIN);
}

#[tokio::test(start_paused = true)]
async fn what_is_dropped_without_a_report_showed_nothing() {
    let route = route(&Hosts {
        backup: None,
        ..hosts()
    });
    let clock = clock();
    for _ in 0..9 {
        drop(route.pick(true, clock.as_ref()).unwrap());
    }
    for _ in 0..5 {
        attempt(&route, true, Bad).unwrap();
    }
    assert!(route.pick(true, clock.as_ref()).is_err());
    tokio::time::advance(Duration::from_secs(1)).await;
    let probe = route.pick(true, clock.as_ref()).unwrap();
    assert!(probe.is_probe() && probe.is_main());
    assert!(route.pick(true, clock.as_ref()).is_err(), "one at a time");
    drop(probe);
    assert!(route.pick(true, clock.as_ref()).unwrap().is_probe());
}
