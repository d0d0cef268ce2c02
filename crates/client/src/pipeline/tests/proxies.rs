//! Who is blamed where the way leads through a proxy.

use std::sync::Mutex;

use super::*;
use crate::origin::{Hosts, Origin};
use crate::proxy::Proxy;
use crate::route::Route;
use crate::route::Tunnels;
use crate::testing::{account, merchant_by};
use crate::transport::ProxyFault;
use crate::vitals::BreakerState::{self, Closed, Open};

const MAIN: &str = "main.example";
const BACKUP: &str = "backup.example";
const PROXY: &str = "proxy.example:3128";

type Answer = fn(&str) -> Result<HttpResponse, TransportError>;

/// Two hosts behind a proxy.
struct WeChat {
    pipeline: Pipeline,
    sent: Sent,
    answer: Arc<Mutex<Answer>>,
}

fn wechat(answer: Answer) -> WeChat {
    let answer = Arc::new(Mutex::new(answer));
    let present = Arc::clone(&answer);
    let (transport, sent) =
        answering(move |request| present.lock().unwrap()(request.origin.name()));
    let origin = |name: &str| Origin::parse(&format!("https://{name}")).unwrap();
    let hosts = Hosts {
        main: origin(MAIN),
        backup: Some(origin(BACKUP)),
    };
    let mut settings = Settings::default();
    settings.retry.max_attempts = 1;
    let proxy = Proxy::new(&format!("http://{PROXY}"), None).unwrap();
    let tunnels = Tunnels::new(account(), &proxy, &settings.breaker);
    let route = Route::new(account(), &hosts, &settings.breaker).through(Some(tunnels));
    WeChat {
        pipeline: merchant_by(route, &hosts, transport, settings),
        sent,
        answer,
    }
}

impl WeChat {
    async fn read(&self) -> Result<(), Error> {
        self.pipeline.execute(&context(), read()).await.map(drop)
    }

    /// Where requests went since the last look.
    fn went(&self) -> Vec<String> {
        let sent = std::mem::take(&mut *self.sent.lock().unwrap());
        let names = sent.iter().map(|request| request.origin.name().to_owned());
        names.collect()
    }

    /// How main host, backup and proxy are taken to be.
    fn states(&self) -> [BreakerState; 3] {
        let hosts = self.pipeline.vitals().hosts;
        [MAIN, BACKUP, PROXY].map(|name| {
            let host = hosts.iter().find(|host| host.host == name);
            host.unwrap().breaker
        })
    }
}

fn fault(fault: ProxyFault) -> Result<HttpResponse, TransportError> {
    Err(TransportError::Proxy(fault, "x".into()))
}

#[tokio::test(start_paused = true)]
async fn a_proxy_that_does_not_work_is_left_alone_and_no_host_is_blamed() {
    let answers: [Answer; 5] = [
        |_| fault(ProxyFault::Unreachable),
        |_| fault(ProxyFault::Credentials),
        |_| fault(ProxyFault::Refused(403)),
        |_| fault(ProxyFault::Broken),
        |_| fault(ProxyFault::Unreadable),
    ];
    for answer in answers {
        let wechat = wechat(answer);
        for _ in 0..5 {
            wechat.read().await.unwrap_err();
        }
        assert_eq!(
            wechat.went(),
            [MAIN; 5],
            "the same proxy is before the backup"
        );
        assert_eq!(wechat.states(), [Closed, Closed, Open]);

        let error = wechat.read().await.unwrap_err();
        assert_eq!(error.reason(), Reason::UpstreamUnavailable);
        assert_eq!(error.retry_after(), Some(Duration::from_secs(1)));
        assert!(error.is_retryable() && !error.may_have_executed());
        assert!(error.message().contains("proxy"), "{error}");
        assert!(error.remedy().unwrap().contains("proxy_url"), "{error:?}");
        assert_eq!(wechat.went(), [""; 0]);

        tokio::time::advance(Duration::from_secs(1)).await;
        *wechat.answer.lock().unwrap() = |_| Ok(signed(200, CARD));
        wechat.read().await.unwrap();
        assert_eq!(wechat.went(), [MAIN]);
        assert_eq!(wechat.states(), [Closed; 3]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_host_that_is_away_behind_a_proxy_that_works_is_left_alone_for_the_backup() {
    let answers: [Answer; 4] = [
        |host| match host {
            MAIN => fault(ProxyFault::Refused(502)),
            _ => Ok(signed(200, CARD)),
        },
        |host| match host {
            MAIN => fault(ProxyFault::TimedOut),
            _ => Ok(signed(200, CARD)),
        },
        |host| match host {
            MAIN => Err(TransportError::Tls("x".into())),
            _ => Ok(signed(200, CARD)),
        },
        |host| match host {
            MAIN => Ok(unsigned(503, "")),
            _ => Ok(signed(200, CARD)),
        },
    ];
    for answer in answers {
        let wechat = wechat(answer);
        for _ in 0..5 {
            wechat.read().await.unwrap();
        }
        wechat.went();
        wechat.read().await.unwrap();
        assert_eq!(wechat.went(), [BACKUP]);
        assert_eq!(wechat.states(), [Open, Closed, Closed]);
    }
}

#[tokio::test(start_paused = true)]
async fn one_at_a_time_finds_out_whether_the_proxy_works_again() {
    let wechat = wechat(|_| fault(ProxyFault::Unreachable));
    for _ in 0..5 {
        wechat.read().await.unwrap_err();
    }
    tokio::time::advance(Duration::from_secs(1)).await;
    wechat.went();
    wechat.read().await.unwrap_err();
    assert_eq!(wechat.went(), [MAIN]);
    let error = wechat.read().await.unwrap_err();
    assert_eq!(error.retry_after(), Some(Duration::from_secs(2)));
    assert_eq!(wechat.went(), [""; 0]);
}
