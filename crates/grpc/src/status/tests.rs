use std::time::Duration;

use kabao_api::{UpstreamDetail, UpstreamError};
use tonic::metadata::MetadataMap;
use tonic_types::StatusExt as _;

use super::*;

fn id() -> CallId {
    CallId::new("req-1").unwrap()
}

fn refused(error: &Error) -> Status {
    let id = id();
    let account = "demo-brand".parse().unwrap();
    Refusal {
        id: &id,
        account: Some(&account),
        rename: None,
    }
    .status(error)
}

#[test]
fn every_reason_has_its_code_and_travels_with_domain_and_request_id() {
    use Reason as R;
    let rows = [
        (R::AccountNotFound, Code::NotFound),
        (R::TemplateNotFound, Code::NotFound),
        (R::MemberNotFound, Code::NotFound),
        (R::ResourceNotFound, Code::NotFound),
        (R::AlreadyExists, Code::AlreadyExists),
        (R::RequestNumberUsed, Code::AlreadyExists),
        (R::FieldInvalid, Code::InvalidArgument),
        (R::FieldMaskInvalid, Code::InvalidArgument),
        (R::NameInvalid, Code::InvalidArgument),
        (R::RequestIdInvalid, Code::InvalidArgument),
        (R::PageTokenInvalid, Code::InvalidArgument),
        (R::MethodNotFound, Code::Unimplemented),
        (R::NotSupportedByFamily, Code::Unimplemented),
        (R::FamilyMismatch, Code::FailedPrecondition),
        (R::CredentialMissing, Code::FailedPrecondition),
        (R::CredentialNotExposed, Code::PermissionDenied),
        (R::Unauthenticated, Code::Unauthenticated),
        (R::PermissionDenied, Code::PermissionDenied),
        (R::DeadlineExceeded, Code::DeadlineExceeded),
        (R::Cancelled, Code::Cancelled),
        (R::OutcomeUnknown, Code::Unknown),
        (R::UpstreamUnavailable, Code::Unavailable),
        (R::UpstreamTimeout, Code::Unavailable),
        (R::UpstreamTls, Code::Unavailable),
        (R::UpstreamRefused, Code::FailedPrecondition),
        (R::MemberStateInvalid, Code::FailedPrecondition),
        (R::TemplateStateInvalid, Code::FailedPrecondition),
        (R::ResourceStateInvalid, Code::FailedPrecondition),
        (R::OutOfStock, Code::FailedPrecondition),
        (R::LimitReached, Code::FailedPrecondition),
        (R::UserNotEligible, Code::FailedPrecondition),
        (R::ContentRefused, Code::InvalidArgument),
        (R::UpstreamRateLimited, Code::ResourceExhausted),
        (R::UpstreamUnverified, Code::Internal),
        (R::UpstreamMalformed, Code::Internal),
        (R::UpstreamTooLarge, Code::Internal),
        (R::UpstreamPermissionDenied, Code::PermissionDenied),
        (R::CredentialRejected, Code::FailedPrecondition),
        (R::KeyUnavailable, Code::FailedPrecondition),
        (R::PreconditionFailed, Code::FailedPrecondition),
        (R::Overloaded, Code::ResourceExhausted),
        (R::MessageTooLarge, Code::ResourceExhausted),
        (R::Internal, Code::Internal),
        (R::Panic, Code::Internal),
        (R::RequestIdReused, Code::InvalidArgument),
        (R::InProgress, Code::Aborted),
        (R::EarlierChangeOpen, Code::Aborted),
        (R::ChangeNotFound, Code::NotFound),
        (R::ChangeEnded, Code::FailedPrecondition),
        (R::Store, Code::Unavailable),
    ];
    assert_eq!(rows.len(), Reason::ALL.len());
    for (reason, code) in rows {
        let status = refused(&Error::new(reason, "a sentence"));
        assert_eq!(status.code(), code, "{reason}");
        assert_eq!(status.message(), "a sentence");
        let info = status.get_details_error_info().unwrap();
        assert_eq!(
            (info.reason.as_str(), info.domain.as_str()),
            (reason.as_str(), "kabao")
        );
        assert_eq!(info.metadata["account"], "demo-brand");
        let failed: Vec<_> = status
            .get_details_precondition_failure()
            .map(|failure| failure.violations)
            .unwrap_or_default();
        if code == Code::FailedPrecondition {
            assert_eq!(failed.len(), 1);
            assert_eq!(
                (
                    failed[0].r#type.as_str(),
                    failed[0].subject.as_str(),
                    failed[0].description.as_str()
                ),
                (reason.as_str(), "accounts/demo-brand", "a sentence")
            );
        } else {
            assert!(failed.is_empty(), "{reason}");
        }
        assert_eq!(
            status.get_details_request_info().unwrap().request_id,
            "req-1"
        );
    }
}

#[test]
fn the_registry_of_the_protos_is_the_registry_of_the_api() {
    use kabao_proto::kabao::v1::ErrorReason;
    let proto = include_str!("../../../../proto/kabao/v1/error_reason.proto");
    let published = proto.matches("\n  ERROR_REASON_").count() - 1;
    assert_eq!(published, Reason::ALL.len());
    for reason in Reason::ALL {
        let name = format!("ERROR_REASON_{reason}");
        assert!(
            ErrorReason::from_str_name(&name).is_some(),
            "{name} is not published"
        );
        // The first word of the comment is the canonical code.
        let (before, _) = proto.split_once(&format!("\n  {name} = ")).unwrap();
        let comment = before.rsplit("\n\n").next().unwrap();
        let code = format!("{:?}", canonical(reason.kind()));
        let upper: String = code
            .char_indices()
            .flat_map(|(i, c)| {
                (i > 0 && c.is_uppercase())
                    .then_some('_')
                    .into_iter()
                    .chain([c.to_ascii_uppercase()])
            })
            .collect();
        assert!(
            comment.trim_start().starts_with(&format!("// {upper}.")),
            "{name}: {comment}"
        );
    }
}

#[test]
fn what_wechat_said_travels_as_metadata() {
    let error = Error::new(Reason::UpstreamRefused, "WeChat refused the change")
        .with_operation("brand.user_cards.update")
        .with_upstream(UpstreamError {
            http_status: 400,
            code: "INVALID_REQUEST".to_owned(),
            message: "用户会员卡状态不正确".to_owned(),
            request_id: Some("08F78BB5AF0610D302".to_owned()),
            detail: Some(UpstreamDetail {
                field: "/user_card_code".to_owned(),
                issue: "状态".to_owned(),
                location: "url".to_owned(),
            }),
        });
    let metadata = refused(&error).get_details_error_info().unwrap().metadata;
    let rows = [
        ("operation", "brand.user_cards.update"),
        ("upstream_http_status", "400"),
        ("upstream_code", "INVALID_REQUEST"),
        ("upstream_message", "用户会员卡状态不正确"),
        ("upstream_request_id", "08F78BB5AF0610D302"),
        ("upstream_field", "/user_card_code"),
        ("upstream_location", "url"),
        ("may_have_executed", "false"),
        ("retryable", "false"),
    ];
    for (key, value) in rows {
        assert_eq!(metadata[key], value, "{key}");
    }
    assert_eq!(
        refused(&error).message(),
        "WeChat refused the change: 用户会员卡状态不正确"
    );
}

#[test]
fn a_precondition_names_the_present_value_and_the_bound() {
    let error = kabao_api::Change::Add(-15)
        .apply(Some(10), None)
        .unwrap_err();
    let status = refused(&error);
    assert_eq!(status.code(), Code::FailedPrecondition);
    let failed = status.get_details_precondition_failure().unwrap();
    assert_eq!(failed.violations.len(), 1);
    let violation = &failed.violations[0];
    assert_eq!(
        (violation.r#type.as_str(), violation.subject.as_str()),
        ("MINIMUM", "minimum")
    );
    for text in [status.message(), &violation.description] {
        for value in ["10", "-5", " 0"] {
            assert!(text.contains(value), "{value} in {text}");
        }
    }
}

#[test]
fn a_daily_quota_invites_nobody_to_repeat() {
    let error = Error::new(Reason::UpstreamRateLimited, "used up").mark_not_retryable();
    let status = refused(&error);
    assert!(status.get_details_retry_info().is_none());
    let info = status.get_details_error_info().unwrap();
    assert_eq!(info.metadata["retryable"], "false");
    let quota = status.get_details_quota_failure().unwrap();
    assert!(quota.violations[0].description.contains("daily quota"));

    // Where it is known until when, that is told.
    let midnight = Duration::from_secs(3600);
    let status = refused(&error.with_retry_after(midnight));
    let info = status.get_details_retry_info().unwrap();
    assert_eq!(info.retry_delay, Some(midnight));
    let quota = status.get_details_quota_failure().unwrap();
    assert!(quota.violations[0].description.contains("daily quota"));
}

#[test]
fn an_uncertain_outcome_says_so() {
    let metadata = refused(&Error::new(Reason::OutcomeUnknown, "x"))
        .get_details_error_info()
        .unwrap()
        .metadata;
    assert_eq!(metadata["may_have_executed"], "true");
    assert_eq!(metadata["retryable"], "false");
}

#[test]
fn clients_are_not_invited_to_repeat_a_write_that_may_have_run() {
    let error = Error::new(
        Reason::UpstreamUnavailable,
        "the change is done, reading it back failed",
    )
    .with_retry_after(Duration::from_secs(1));
    let read = refused(&error);
    assert_eq!(read.code(), Code::Unavailable);
    assert!(read.get_details_retry_info().is_some());
    let write = refused(&error.mark_may_have_executed());
    assert_eq!(write.code(), Code::Unknown);
    assert_eq!(
        write.get_details_error_info().unwrap().reason,
        "UPSTREAM_UNAVAILABLE"
    );
    assert!(write.get_details_retry_info().is_none());
    assert!(write.metadata().get("grpc-retry-pushback-ms").is_none());
}

#[test]
fn limits_come_with_the_delay_and_the_name_of_the_limit() {
    let error = Error::new(Reason::UpstreamRateLimited, "too fast")
        .with_operation("brand.cards.get")
        .with_retry_after(Duration::from_millis(250));
    let status = refused(&error);
    assert_eq!(
        status.get_details_retry_info().unwrap().retry_delay,
        Some(Duration::from_millis(250))
    );
    let pushback = status.metadata().get("grpc-retry-pushback-ms").unwrap();
    assert_eq!(pushback, "250", "for clients that know no details");
    let quota = status.get_details_quota_failure().unwrap();
    assert_eq!(quota.violations[0].subject, "accounts/demo-brand");
    assert!(quota.violations[0].description.contains("brand.cards.get"));
}

#[test]
fn every_violation_is_listed_in_the_callers_words() {
    let error = Error::field_invalid([
        FieldViolation::new("level", "has 6 characters, at most 5 are allowed"),
        FieldViolation::new("openid", "is required"),
    ]);
    let id = id();
    let refusal = Refusal {
        id: &id,
        account: None,
        rename: Some(|field| (field == "level").then(|| format!("member.{field}"))),
    };
    let status = refusal.status(&error);
    let fields: Vec<_> = status
        .get_details_bad_request()
        .unwrap()
        .field_violations
        .into_iter()
        .map(|v| v.field)
        .collect();
    assert_eq!(fields, ["member.level", "openid"]);
    assert_eq!(
        status.message(),
        "member.level has 6 characters, at most 5 are allowed; openid is required",
    );
}

#[test]
fn what_wechat_refused_keeps_its_sentence_and_tells_its_words() {
    let error = Error::new(
        Reason::FieldInvalid,
        "WeChat refused a parameter (PARAM_ERROR)",
    )
    .with_upstream(UpstreamError {
        code: "PARAM_ERROR".to_owned(),
        message: "太长".to_owned(),
        ..UpstreamError::default()
    })
    .with_violations([FieldViolation::new("title", "is refused by WeChat: 太长")])
    .with_remedy("shorten it");
    let status = refused(&error);
    assert_eq!(
        status.message(),
        "WeChat refused a parameter (PARAM_ERROR): 太长; shorten it"
    );
    let bad = status.get_details_bad_request().unwrap();
    assert_eq!(
        bad.field_violations[0].description,
        "is refused by WeChat: 太长"
    );
}

/// Java refuses more than 8 KiB of metadata; the size counts names, values and 32 bytes each.
#[test]
fn the_largest_error_stays_under_the_metadata_limit_of_java() {
    let long = "汉".repeat(5000);
    let error = Error::field_invalid(
        (0..400).map(|i| FieldViolation::new(format!("{long}[{i}]"), long.clone())),
    )
    .with_operation("official_account.pay_gift_member_card.delete")
    .with_retry_after(Duration::from_secs(1))
    .with_remedy(long.clone())
    .with_upstream(UpstreamError {
        http_status: 400,
        code: long.clone(),
        message: long.clone(),
        request_id: Some(long.clone()),
        detail: Some(UpstreamDetail {
            field: long.clone(),
            issue: long.clone(),
            location: long.clone(),
        }),
    });
    let precondition = Error::new(Reason::PreconditionFailed, long.clone()).with_precondition(
        kabao_api::Precondition::new("MINIMUM", long.clone(), long.clone()),
    );
    let refused_long = Error::new(Reason::UpstreamRefused, long.clone()).with_remedy(long.clone());
    for error in [
        error,
        precondition,
        refused_long,
        Error::new(Reason::Internal, long),
    ] {
        let headers = refused(&error).into_http::<Body>().into_parts().0.headers;
        let size: usize = headers
            .iter()
            .map(|(name, value)| name.as_str().len() + value.len() + 32)
            .sum();
        assert!(size < 7 * 1024, "{size}");
        assert!(
            MetadataMap::from_headers(headers)
                .get_bin("grpc-status-details-bin")
                .is_some()
        );
    }
}

#[test]
fn what_tonic_finds_keeps_its_code_and_gets_a_reason() {
    let id = CallId::new("req-1").unwrap();
    for (code, reason) in [
        (Code::Unimplemented, "METHOD_NOT_FOUND"),
        (Code::NotFound, "RESOURCE_NOT_FOUND"),
        (Code::OutOfRange, "FIELD_INVALID"),
        (Code::Unavailable, "OVERLOADED"),
        (Code::DataLoss, "INTERNAL"),
    ] {
        let status = of_tonic(code, "a sentence of tonic", &id);
        assert_eq!(
            (status.code(), status.message()),
            (code, "a sentence of tonic")
        );
        assert_eq!(status.get_details_error_info().unwrap().reason, reason);
        let message = to_message(&status);
        assert_eq!(message.code, i32::from(code));
        assert!(!message.details.is_empty());
    }
    let bare = of_tonic(Code::Unimplemented, "", &id);
    assert_eq!(bare.message(), "no such service or method");
    let without = to_message(&Status::new(Code::Aborted, "bare"));
    assert_eq!((without.code, without.message.as_str()), (10, "bare"));
}
