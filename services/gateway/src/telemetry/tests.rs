//! The page of metrics, the dashboard and the alert rules against what is shown.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use http::HeaderMap;
use kabao_api::{AccountId, CredentialKind, Reason};
use kabao_client::{
    BreakerState, CredentialVitals, Discarded, End, Host, HostVitals, Observer, SignerVitals,
    TokenVitals, Vitals,
};
use kabao_grpc::{Bound, CallObserver, Sender};
use kabao_models::merchant;
use kabao_proto::kabao::v1::GetMemberRequest;
use kabao_proto::kabao::v1::member_service_client::MemberServiceClient;
use kabao_store::{Commit, DatabaseVitals, Failure, StoreVitals};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tonic::Code;
use tonic::transport::Endpoint;

use super::{Metrics, ReloadBoard};
use crate::files::{Changed, Faults, Reload};
use crate::tls::TlsVitals;
use crate::{Dev, DevOptions};

const DOCUMENT: &str = include_str!("../../../../docs/metrics.md");
const ALERTS: &str = include_str!("../../deploy/alerts.yaml");
const DASHBOARD: &str = include_str!("../../deploy/dashboard.json");

/// What the dashboard leaves out: what it draws from another side, and what is for whoever looks into one process.
const NOT_DRAWN: [&str; 8] = [
    "kabao_access_token_age_seconds",
    "kabao_config_loaded_at",
    "kabao_runtime_tasks",
    "kabao_tls_crl_age_seconds",
    "kabao_wechatpay_certificates",
    "kabao_wechatpay_public_keys",
    "process_threads",
    "process_virtual_memory_bytes",
];

/// What Prometheus itself adds.
const ADDED: [&str; 3] = ["instance", "job", "le"];

/// Metrics by name, with the names of their labels.
type Shapes = BTreeMap<String, BTreeSet<String>>;

/// A row of the document.
struct Row {
    kind: String,
    labels: BTreeSet<String>,
    is_always_shown: bool,
}

fn documented() -> BTreeMap<String, Row> {
    let rows = DOCUMENT.lines().filter(|line| line.starts_with("| `"));
    rows.map(|line| {
        let cells: Vec<_> = line.split('|').map(str::trim).collect();
        let [_, name, kind, labels, meaning, shown, _] = cells[..] else {
            panic!("{line}");
        };
        assert!(!meaning.is_empty(), "{line}");
        let labels = labels.split(',').map(|label| label.trim().replace('`', ""));
        let row = Row {
            kind: kind.to_owned(),
            labels: labels.filter(|label| !label.is_empty()).collect(),
            is_always_shown: shown.is_empty(),
        };
        (name.replace('`', ""), row)
    })
    .collect()
}

/// Reads a page: types, labels, and whether everything is explained.
fn shown(page: &str) -> (BTreeMap<String, String>, Shapes) {
    let mut kinds = BTreeMap::new();
    let mut explained = BTreeSet::new();
    let mut shapes = Shapes::new();
    for line in page.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, text) = rest.split_once(' ').unwrap();
            assert!(text.len() > 5, "{line}");
            explained.insert(name.to_owned());
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap();
            kinds.insert(name.to_owned(), kind.to_owned());
        } else if !line.is_empty() {
            let uses = uses(line);
            let (name, labels) = uses.first().unwrap_or_else(|| panic!("{line}"));
            let shape = shapes.entry(base(name, &kinds)).or_default();
            shape.extend(labels.iter().filter(|label| *label != "le").cloned());
        }
    }
    assert_eq!(explained, kinds.keys().cloned().collect());
    (kinds, shapes)
}

/// A histogram's name, without what its series have behind it.
fn base(name: &str, kinds: &BTreeMap<String, String>) -> String {
    let of_histogram = ["_bucket", "_count", "_sum"]
        .iter()
        .filter_map(|end| name.strip_suffix(end))
        .find(|base| kinds.get(*base).is_some_and(|kind| kind == "histogram"));
    of_histogram.unwrap_or(name).to_owned()
}

/// The metrics of a line or an expression, each with the labels in its braces.
fn uses(text: &str) -> Vec<(String, BTreeSet<String>)> {
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find(|c: char| c.is_ascii_alphabetic() || c == '"') {
        rest = &rest[start..];
        if let Some(quoted) = rest.strip_prefix('"') {
            rest = quoted.split_once('"').unwrap().1;
            continue;
        }
        let end = rest.bytes().position(|byte| !is_name(byte));
        let (name, after) = rest.split_at(end.unwrap_or(rest.len()));
        rest = after;
        let ours = ["kabao_", "grpc_", "process_", "db_client_"];
        // Labels in clauses have such names too; they are judged as labels.
        if !ours.iter().any(|prefix| name.starts_with(prefix)) {
            continue;
        }
        let mut labels = BTreeSet::new();
        if let Some(inside) = rest.strip_prefix('{') {
            let mut pairs = inside;
            while !pairs.starts_with('}') {
                let (label, value) = pairs.split_once('"').unwrap();
                labels.insert(label.trim_matches([',', ' ', '=', '~', '!']).to_owned());
                pairs = value.split_once('"').unwrap().1;
            }
            rest = &pairs[1..];
        }
        found.push((name.to_owned(), labels));
    }
    found
}

/// The labels of `by (...)` and its like.
fn grouped(expression: &str) -> BTreeSet<String> {
    let words = ["by (", "on (", "group_left ("];
    let clauses = words.iter().flat_map(|word| expression.split(word).skip(1));
    clauses
        .flat_map(|clause| clause.split(')').next().unwrap().split(','))
        .map(|label| label.trim().to_owned())
        .collect()
}

fn check_expression(expression: &str, known: &BTreeMap<String, Row>) {
    let kinds = known
        .iter()
        .map(|(name, row)| (name.clone(), row.kind.clone()))
        .collect();
    let groups = grouped(expression);
    let mut labels: BTreeSet<_> = ADDED.map(str::to_owned).into();
    let mut metrics = 0;
    for (name, used) in uses(expression) {
        if groups.contains(&name) && used.is_empty() {
            continue;
        }
        let row = known.get(&base(&name, &kinds));
        let row = row.unwrap_or_else(|| panic!("{name} of {expression} is no metric"));
        let is_bare = known.contains_key(&name);
        assert_ne!(is_bare, row.kind == "histogram", "{name} of {expression}");
        for label in used {
            let is_known = row.labels.contains(&label) || ADDED.contains(&label.as_str());
            assert!(is_known, "{label} of {name} in {expression}");
        }
        labels.extend(row.labels.iter().cloned());
        metrics += 1;
    }
    assert!(metrics > 0, "{expression}");
    assert!(groups.is_subset(&labels), "{groups:?} of {expression}");
}

/// Files that never change.
#[derive(Debug)]
struct Still;

impl Reload for Still {
    fn name(&self) -> &'static str {
        "still"
    }

    fn reload(&self) -> Result<Changed, Faults> {
        Ok(Changed::default())
    }

    fn is_refused(&self) -> bool {
        false
    }
}

/// Has everything happen once.
fn everything() -> String {
    let metrics = Metrics::new().unwrap();
    let account = AccountId::new("a").unwrap();
    let operation = merchant::OPERATIONS[0];
    let end = End::new(Some(Reason::OutcomeUnknown), Duration::from_millis(120));
    let span = tracing::Span::none();
    metrics.arrived("a.B/C", &HeaderMap::new(), Sender::Known, &span);
    metrics.ended("a.B/C", Code::Ok, Duration::ZERO, &span);
    metrics.refused("calls", Bound::Total);
    metrics.connection_refused(Bound::Caller);
    metrics.connection_evicted("flood");
    metrics.handshake_failed("tls");
    metrics.token_refused("expired");
    metrics.configuration(&ReloadBoard::default());
    metrics.audit(Arc::default());
    metrics.tls(|| TlsVitals {
        certificate_ends: Some(0),
        crl_made: Some(0),
        crl_ends: Some(0),
    });
    metrics.files(vec![Arc::new(Still)]);
    let store = metrics.store_observer();
    store.commit_ended(Commit::new(1, Duration::ZERO, None));
    store.write_failed(Failure::Refused);
    store.connection_taken(Duration::ZERO, None);
    store.operation_ended("begin", Duration::ZERO, Some(Failure::Unknown));
    let mut database = DatabaseVitals::new(1, 2, 16);
    database.heartbeat_age = Some(Duration::ZERO);
    metrics.store(move || StoreVitals::of_database(true, database));
    let observer: &dyn Observer = &metrics;
    observer.answer_discarded(&account, operation, Discarded::Unsigned);
    observer.call_ended(&account, operation, end);
    observer.attempt_ended(operation, Host::Main, Some(502), end);
    observer.call_released(&account, operation);
    let mut vitals = Vitals::default();
    let host = HostVitals::new("api.mch.weixin.qq.com", BreakerState::Open);
    vitals.hosts.push(host);
    let mut signed = CredentialVitals::new(CredentialKind::Merchant);
    signed.certificate_ends = Some(0);
    signed.signers = vec![SignerVitals::new(1, 2, BreakerState::Closed)];
    signed.public_keys = 1;
    signed.platform_certificates_end = vec![0, 1];
    let mut token = CredentialVitals::new(CredentialKind::AccessToken);
    token.access_token = Some(TokenVitals::new(Duration::ZERO, Duration::from_hours(2)));
    vitals.credentials = vec![signed, token];
    metrics.page_with("a", &vitals)
}

/// What a gateway shows that has answered a few calls.
async fn running() -> String {
    let dev = Dev::start(DevOptions::default()).await.unwrap();
    let url = format!("http://{}", dev.gateway().grpc());
    let channel = Endpoint::from_shared(url).unwrap().connect().await.unwrap();
    let mut members = MemberServiceClient::new(channel);
    let template = "accounts/demo-merchant/templates/pbLatjvWOibDc5-TBnbUk1pD12o0";
    let openid = || "obLatjnx9gnqzS4myYGmLZ7LgLBA".to_owned();
    for code in ["478515832665", "000000000000"] {
        let request = GetMemberRequest {
            name: format!("{template}/members/{code}"),
            openid: openid(),
            ..GetMemberRequest::default()
        };
        let found = members.get_member(request).await;
        assert_eq!(found.is_ok(), code == "478515832665", "{found:?}");
    }
    let mut stream = TcpStream::connect(dev.gateway().admin()).await.unwrap();
    let request = b"GET /metrics HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    stream.write_all(request).await.unwrap();
    let mut said = String::new();
    stream.read_to_string(&mut said).await.unwrap();
    let (_, page) = said.split_once("\r\n\r\n").unwrap();
    page.to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_document_has_what_is_shown_and_nothing_else() {
    let known = documented();
    let page = running().await;
    for line in [
        r#"kabao_upstream_calls_total{kabao_account="demo-merchant",kabao_reason="OK"} "#,
        r#"kabao_upstream_calls_total{kabao_account="demo-merchant",kabao_reason="MEMBER_NOT_FOUND"} "#,
        r#"grpc_server_call_duration_seconds_count{grpc_method="kabao.v1.MemberService/GetMember",grpc_status="NOT_FOUND"} 1"#,
        "kabao_connections_open 1",
    ] {
        assert!(page.contains(line), "{line} in\n{page}");
    }
    let (mut kinds, mut shapes) = shown(&page);
    for (name, row) in &known {
        let is_shown = shapes.contains_key(name);
        assert!(is_shown || !row.is_always_shown, "{name} in\n{page}");
    }
    let (more_kinds, more_shapes) = shown(&everything());
    kinds.extend(more_kinds);
    for (name, labels) in more_shapes {
        shapes.entry(name).or_default().extend(labels);
    }
    // Only accounts have it; the end-to-end tests look at it.
    let problem = "kabao_credential_problem";
    for (name, row) in known.iter().filter(|(name, _)| *name != problem) {
        assert_eq!(kinds.get(name), Some(&row.kind), "{name}");
        assert_eq!(shapes.get(name), Some(&row.labels), "{name}");
    }
    for name in shapes.keys() {
        assert!(known.contains_key(name), "{name} is not in docs/metrics.md");
    }
}

#[test]
fn alert_rules_use_what_there_is() {
    let known = documented();
    let lines = || ALERTS.lines().map(str::trim);
    let expressions: Vec<_> = lines()
        .filter_map(|line| line.strip_prefix("expr: "))
        .collect();
    for expression in &expressions {
        check_expression(expression, &known);
    }
    let alerts = lines().filter(|line| line.starts_with("- alert: ")).count();
    let count = |start: &str| lines().filter(|line| line.starts_with(start)).count();
    let parts = ["expr: ", "labels: { severity: ", "summary: "].map(count);
    assert!(alerts > 10);
    assert_eq!(parts, [alerts; 3]);
    // What reasons are asked for exists.
    let reasons = expressions.iter().flat_map(|expression| {
        let quoted = expression.split("kabao_reason=").skip(1);
        quoted.map(|rest| rest.split('"').nth(1).unwrap())
    });
    for reason in reasons.flat_map(|reasons| reasons.split('|')) {
        let prefix = reason.strip_suffix(".*");
        let exists = Reason::ALL.iter().map(|known| known.as_str()).any(|known| {
            prefix.map_or(known == reason || reason == "OK", |prefix| {
                known.starts_with(prefix)
            })
        });
        assert!(exists, "{reason}");
    }
}

#[test]
fn the_dashboard_draws_what_there_is_and_nothing_else() {
    let known = documented();
    let kinds = known
        .iter()
        .map(|(name, row)| (name.clone(), row.kind.clone()))
        .collect();
    let dashboard: Value = serde_json::from_str(DASHBOARD).unwrap();
    let mut drawn = BTreeSet::new();
    for panel in dashboard["panels"].as_array().unwrap() {
        for target in panel["targets"].as_array().into_iter().flatten() {
            let expression = target["expr"].as_str().unwrap();
            check_expression(expression, &known);
            drawn.extend(
                uses(expression)
                    .into_iter()
                    .map(|(name, _)| base(&name, &kinds)),
            );
        }
    }
    for name in known.keys() {
        let is_left_out = NOT_DRAWN.contains(&name.as_str());
        assert_ne!(drawn.contains(name), is_left_out, "{name}");
    }
}

#[test]
#[should_panic(expected = "is no metric")]
fn an_expression_with_another_metric_is_noticed() {
    check_expression("rate(kabao_upstream_answers_total[5m])", &documented());
}

#[test]
#[should_panic(expected = "kabao_card of kabao_changes")]
fn an_expression_with_another_label_is_noticed() {
    check_expression(r#"kabao_changes{kabao_card="x"}"#, &documented());
}
