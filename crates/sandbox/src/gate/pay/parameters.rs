//! Parameters: decoding them, and refusing those that break a documented limit.

use kabao_models::{
    AnyEndpoint, Body, Breach, DecodeError, Incoming, LengthUnit, Location, Violation,
};
use serde_json::Value;

use super::Inbound;
use super::strict::{self, FlawKind};
use crate::pointer;
use crate::refusal::{Detail, Refusal};
use crate::trail::Complaint;

/// Decodes path, query and body.
pub(super) fn decode(inbound: &Inbound<'_>) -> Result<Box<dyn AnyEndpoint>, Refusal> {
    let (received, operation) = (inbound.received, inbound.call.operation);
    if operation.body == Body::Json && !received.body.is_empty() {
        check_json(inbound, operation.path)?;
    }
    let incoming = Incoming {
        path: received.path(),
        query: received.query(),
        content_type: received.header("content-type"),
        body: &received.body,
    };
    let mut request = operation.new_request();
    request
        .read_http(incoming)
        .map_err(|error| undecodable(&error, &received.body))?;
    Ok(request)
}

fn check_json(inbound: &Inbound<'_>, path: &str) -> Result<(), Refusal> {
    let received = inbound.received;
    let rules = &inbound.call.settings.authentication;
    let content_type = received.header("content-type").unwrap_or_default();
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    if rules.require_json_content_type && !media_type.eq_ignore_ascii_case("application/json") {
        return Err(Refusal::parameter(
            "Http头Content-Type错误，请使用application/json",
            "the header Content-Type must be application/json",
            Detail {
                field: "Content-Type".to_owned(),
                value: content_type.into(),
                issue: "unsupported content type".to_owned(),
                location: "header",
            },
        ));
    }
    let document: Value = serde_json::from_slice(&received.body)
        .map_err(|error| broken_json(error.line(), error.column()))?;
    if !rules.strict_json {
        return Ok(());
    }
    if let Some(flaw) = strict::first_flaw(&document) {
        let (chinese, english) = match flaw.kind {
            FlawKind::Null => ("不允许为null", "null is not allowed; leave the member out"),
            FlawKind::Supplementary => (
                "包含不支持的字符",
                "characters beyond three bytes of UTF-8 are not allowed",
            ),
        };
        return Err(at_body(&document, &flaw.pointer, chinese, english));
    }
    let names = path
        .split('/')
        .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    for name in names {
        if document.get(name).is_some() {
            return Err(Refusal::parameter(
                format!("此字段并非多重字段但被输入源“/uri_template/{name}”映射过了。"),
                format!("{name} stands in the path already"),
                Detail {
                    field: format!("/{name}"),
                    value: document.get(name).cloned().unwrap_or_default(),
                    issue: "mapped twice".to_owned(),
                    location: "body",
                },
            ));
        }
    }
    Ok(())
}

fn broken_json(line: usize, column: usize) -> Refusal {
    Refusal::parameter(
        format!("解析 Json 出错 (位置: /body): 第 {line} 行第 {column} 列"),
        format!("the body is not JSON: line {line}, column {column}"),
        Detail {
            field: String::new(),
            value: "".into(),
            issue: format!("invalid JSON at line {line}, column {column}"),
            location: "body",
        },
    )
}

fn at_body(document: &Value, pointer: &str, chinese: &str, english: &str) -> Refusal {
    Refusal::parameter(
        format!("输入源“/body{pointer}”{chinese}"),
        format!("{pointer}: {english}"),
        Detail {
            field: pointer.to_owned(),
            value: document
                .pointer(pointer)
                .cloned()
                .unwrap_or_else(|| "".into()),
            issue: english.to_owned(),
            location: "body",
        },
    )
}

fn undecodable(error: &DecodeError, body: &[u8]) -> Refusal {
    let location = match error.location() {
        Location::Path => "url",
        Location::Query => "query",
        Location::Body => "body",
    };
    if let Some(complaint) = Complaint::of_member(error, body) {
        let document = serde_json::from_slice::<Value>(body).unwrap_or_default();
        return at_body(
            &document,
            &complaint.field,
            "类型转换失败，字段类型错误",
            &complaint.issue,
        );
    }
    let field = error.field().unwrap_or_default();
    Refusal::parameter(
        format!("输入源“/{location}/{field}”解析失败"),
        error.to_string(),
        Detail {
            field: field.to_owned(),
            value: "".into(),
            issue: error.to_string(),
            location,
        },
    )
}

/// Refuses the first member that breaks a documented limit.
pub(super) fn check_limits(
    inbound: &Inbound<'_>,
    request: &dyn AnyEndpoint,
) -> Result<(), Refusal> {
    let violations = request.strict_violations();
    let Some(first) = violations.first() else {
        return Ok(());
    };
    let refusal = violated(inbound, first);
    let trail = &inbound.received.trail;
    refusal
        .complaint()
        .into_iter()
        .chain(violations.iter().skip(1).map(Complaint::from))
        .for_each(|complaint| trail.complain(complaint));
    Err(refusal)
}

fn violated(inbound: &Inbound<'_>, violation: &Violation) -> Refusal {
    let operation = inbound.call.operation;
    let in_path = operation.path.split('/').any(|part| {
        part.strip_prefix('{')
            .and_then(|part| part.strip_suffix('}'))
            == Some(violation.field.as_str())
    });
    let location = match operation.body {
        _ if in_path => "url",
        Body::Empty => "query",
        Body::Json | Body::Multipart => "body",
    };
    let (field, value) = if location == "body" {
        let pointer = pointer::of_field(&violation.field);
        let document = serde_json::from_slice::<Value>(&inbound.received.body).unwrap_or_default();
        let value = document
            .pointer(&pointer)
            .cloned()
            .unwrap_or_else(|| "".into());
        (pointer, value)
    } else {
        // Codes and openids stand in path and query; the answer repeats them only to their sender.
        (
            violation.field.clone(),
            query_value(inbound.received.query(), &violation.field).into(),
        )
    };
    let slash = if location == "body" { "" } else { "/" };
    let chinese = format!(
        "输入源“/{location}{slash}{field}”映射到字段“{}”{}",
        violation.field,
        rule(&violation.breach)
    );
    let english = violation.to_string();
    let issue = violation.breach.to_string();
    Refusal::parameter(
        chinese,
        english,
        Detail {
            field,
            value,
            issue,
            location,
        },
    )
}

fn query_value(query: &str, name: &str) -> String {
    query
        .split('&')
        .find_map(|pair| pair.split_once('=').filter(|(key, _)| *key == name))
        .map(|(_, value)| value.to_owned())
        .unwrap_or_default()
}

/// Words a reason like the texts seen live.
fn rule(reason: &Breach) -> String {
    match reason {
        Breach::Required => "必填性规则校验失败，此字段为必填项".to_owned(),
        Breach::TooLong {
            limit,
            actual,
            unit,
        } => {
            let unit = match unit {
                LengthUnit::Characters => "字符数",
                LengthUnit::Bytes => "字节数",
            };
            format!("字符串规则校验失败，{unit} {actual}，大于最大值 {limit}")
        }
        Breach::TooShort { limit, actual } => {
            format!("字符串规则校验失败，字符数 {actual}，小于最小值 {limit}")
        }
        Breach::Form(_) => "字符串规则校验失败，格式错误".to_owned(),
        Breach::TooSmall { limit } => format!("整型规则校验失败，小于最小值 {limit}"),
        Breach::TooLarge { limit } => format!("整型规则校验失败，大于最大值 {limit}"),
        Breach::TooFewItems { limit, actual } => {
            format!("数组规则校验失败，元素数 {actual}，小于最小值 {limit}")
        }
        Breach::TooManyItems { limit, actual } => {
            format!("数组规则校验失败，元素数 {actual}，大于最大值 {limit}")
        }
        Breach::UnknownValue { known } => {
            format!("枚举规则校验失败，取值应为 {}", known.join(", "))
        }
        _ => "校验失败".to_owned(),
    }
}
