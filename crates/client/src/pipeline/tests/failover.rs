//! The backup host.

use std::collections::VecDeque;
use std::sync::Mutex;

use super::*;
use crate::origin::{Hosts, Origin};
use crate::testing::merchant_at;

const MAIN: &str = "https://api.mch.weixin.qq.com";
const BACKUP: &str = "https://api2.mch.weixin.qq.com";

/// What a host does.
#[derive(Clone, Copy, Debug)]
enum Manner {
    Answers,
    Refuses,
    IsAway,
    Breaks,
    Hangs,
    IsBusy,
}

use Manner::{Answers, Breaks, Hangs, IsAway, IsBusy, Refuses};

impl Manner {
    fn answer(self) -> Result<HttpResponse, TransportError> {
        match self {
            Answers => Ok(signed(204, "")),
            Refuses => Ok(signed(
                404,
                r#"{"code":"RESOURCE_NOT_EXISTS","message":"m"}"#,
            )),
            IsAway => Err(TransportError::Connect("x".into())),
            Breaks => Err(TransportError::Broken("x".into())),
            Hangs => Err(TransportError::Timeout),
            IsBusy => Ok(unsigned(503, "")),
        }
    }
}

/// Two hosts, each of which does one thing after the other and the last one for ever.
struct WeChat {
    pipeline: Pipeline,
    sent: Sent,
    manners: Arc<Mutex<[VecDeque<Manner>; 2]>>,
}

fn wechat(main: &[Manner], backup: &[Manner], attempts: u32) -> WeChat {
    let manners = Arc::new(Mutex::new(
        [main, backup].map(|all| all.iter().copied().collect()),
    ));
    let present = Arc::clone(&manners);
    let (transport, sent) = answering(move |request| {
        let is_backup = format!("{:?}", request.origin) == BACKUP;
        let mut both = present.lock().unwrap();
        let manners: &mut VecDeque<Manner> = &mut both[usize::from(is_backup)];
        let manner = manners[0];
        if manners.len() > 1 {
            manners.pop_front();
        }
        manner.answer()
    });
    let hosts = Hosts {
        main: Origin::parse(MAIN).unwrap(),
        backup: Some(Origin::parse(BACKUP).unwrap()),
    };
    let mut settings = Settings::default();
    settings.retry.max_attempts = attempts;
    WeChat {
        pipeline: merchant_at(&hosts, transport, settings),
        sent,
        manners,
    }
}

impl WeChat {
    async fn call(&self, request: Box<dyn AnyEndpoint>) -> Result<(), Error> {
        self.pipeline.execute(&context(), request).await.map(drop)
    }

    /// Where requests went since the last look.
    fn went(&self) -> Vec<String> {
        let sent = std::mem::take(&mut *self.sent.lock().unwrap());
        sent.iter()
            .map(|request| format!("{:?}", request.origin))
            .collect()
    }

    fn main_is(&self, manner: Manner) {
        self.manners.lock().unwrap()[0] = VecDeque::from([manner]);
    }
}

type Request = fn() -> Box<dyn AnyEndpoint>;

#[tokio::test(start_paused = true)]
async fn the_table_of_what_goes_to_the_other_host() {
    const BOTH: &[&str] = &[MAIN, BACKUP];
    // The request, what the main host does, where it goes, and the failure.
    let rows: [(Request, Manner, &[&str], Option<Reason>); 18] = [
        (write, Answers, &[MAIN], None),
        (write, Refuses, &[MAIN], Some(Reason::TemplateNotFound)),
        (write, IsAway, BOTH, None),
        (write, Breaks, BOTH, None),
        (write, Hangs, BOTH, None),
        (write, IsBusy, BOTH, None),
        (numbered, Answers, &[MAIN], None),
        (numbered, Refuses, &[MAIN], Some(Reason::MemberNotFound)),
        (numbered, IsAway, BOTH, None),
        (numbered, Breaks, BOTH, None),
        (numbered, Hangs, BOTH, None),
        (numbered, IsBusy, BOTH, None),
        // What may act twice goes there only if nothing was sent.
        (harmful, Answers, &[MAIN], None),
        (harmful, Refuses, &[MAIN], Some(Reason::ResourceNotFound)),
        (harmful, IsAway, BOTH, None),
        (harmful, Breaks, &[MAIN], Some(Reason::OutcomeUnknown)),
        (harmful, Hangs, &[MAIN], Some(Reason::OutcomeUnknown)),
        (harmful, IsBusy, &[MAIN], Some(Reason::OutcomeUnknown)),
    ];
    for (number, (request, manner, hosts, reason)) in rows.into_iter().enumerate() {
        let wechat = wechat(&[manner], &[Answers], 1);
        let failure = wechat.call(request()).await.err();
        let found = failure.as_ref().map(Error::reason);
        assert_eq!(found, reason, "row {number}: {failure:?}");
        assert_eq!(wechat.went(), hosts, "row {number}");
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_could_not_be_reached_is_left_alone_until_a_probe_is_answered() {
    let wechat = wechat(&[IsAway], &[Answers], 3);
    wechat.call(numbered()).await.unwrap();
    assert_eq!(wechat.went(), [MAIN, BACKUP]);
    for request in [numbered, write, harmful] {
        wechat.call(request()).await.unwrap();
        assert_eq!(wechat.went(), [BACKUP]);
    }
    tokio::time::advance(Duration::from_secs(1)).await;
    // A probe that fails costs its caller nothing but time, and what may act twice is none.
    wechat.call(harmful()).await.unwrap();
    assert_eq!(wechat.went(), [BACKUP]);
    wechat.call(write()).await.unwrap();
    assert_eq!(wechat.went(), [MAIN, BACKUP]);
    wechat.main_is(Answers);
    wechat.call(write()).await.unwrap();
    assert_eq!(wechat.went(), [BACKUP], "not before the pause is over");
    tokio::time::advance(Duration::from_secs(2)).await;
    for request in [write, harmful] {
        wechat.call(request()).await.unwrap();
        assert_eq!(wechat.went(), [MAIN]);
    }
}

#[tokio::test(start_paused = true)]
async fn one_broken_connection_or_bad_answer_is_no_reason_to_stay_away() {
    for manner in [Breaks, IsBusy] {
        let wechat = wechat(&[manner, Answers], &[Answers], 3);
        wechat.call(write()).await.unwrap();
        assert_eq!(wechat.went(), [MAIN, BACKUP], "{manner:?}");
        wechat.call(write()).await.unwrap();
        assert_eq!(wechat.went(), [MAIN], "{manner:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_may_have_run_at_the_main_host_stays_open_whatever_the_other_one_says() {
    for manner in [Refuses, IsAway, Hangs] {
        let wechat = wechat(&[Breaks], &[manner], 1);
        let error = wechat.call(numbered()).await.unwrap_err();
        assert_eq!(error.reason(), Reason::OutcomeUnknown, "{manner:?}");
        assert_eq!(wechat.went(), [MAIN, BACKUP]);
    }
    let wechat = wechat(&[IsAway], &[Refuses], 1);
    let error = wechat.call(harmful()).await.unwrap_err();
    assert_eq!(error.reason(), Reason::ResourceNotFound);
}

#[tokio::test(start_paused = true)]
async fn where_both_hosts_fail_the_other_one_is_asked_within_the_budget() {
    let wechat = wechat(&[IsBusy], &[IsBusy], 1);
    for _ in 0..5 {
        assert!(wechat.call(write()).await.is_err());
    }
    assert_eq!(wechat.went().len(), 10);
    let error = wechat.call(write()).await.unwrap_err();
    assert_eq!(error.reason(), Reason::UpstreamUnavailable);
    assert!(wechat.went().is_empty(), "both are left alone");
}

#[tokio::test(start_paused = true)]
async fn both_hosts_get_the_same_bytes_each_under_a_signature_of_its_own() {
    let wechat = wechat(&[Breaks], &[Answers], 1);
    wechat.call(numbered()).await.unwrap();
    let sent = wechat.sent.lock().unwrap();
    assert_eq!(sent[0].body, sent[1].body);
    let proof = |index: usize| sent[index].headers["authorization"].clone();
    assert_ne!(proof(0), proof(1));
}
