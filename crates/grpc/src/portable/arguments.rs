//! Reads the arguments of a request and finds everything that is wrong with them at once.

use std::str::FromStr;
use std::time::SystemTime;

use kabao_api::{
    AccountId, Error, FieldViolation, PageRequest, PageToken, Personal, Reason, RequestId,
    TemplateId, TemplateName, Validity, View,
};
use kabao_proto::kabao::v1 as proto;
use prost_types::FieldMask;

use crate::idempotency::Idempotency;

/// Collects violations, with the paths that the caller wrote.
#[derive(Debug, Default)]
pub(super) struct Arguments {
    /// The reason of the first violation.
    reason: Option<Reason>,
    violations: Vec<FieldViolation>,
}

impl Arguments {
    /// Notes that `field` is wrong.
    pub(super) fn report(&mut self, reason: Reason, field: &str, description: impl Into<String>) {
        self.reason.get_or_insert(reason);
        self.violations
            .push(FieldViolation::new(field, description));
    }

    /// Reads a resource name.
    pub(super) fn name<N: FromStr<Err = Error>>(&mut self, field: &str, text: &str) -> Option<N> {
        if text.is_empty() {
            self.report(Reason::NameInvalid, field, "is required");
            return None;
        }
        match text.parse() {
            Ok(name) => Some(name),
            Err(error) => {
                for FieldViolation {
                    field: part,
                    description,
                } in error.violations()
                {
                    let description = match part.as_str() {
                        "name" => description.clone(),
                        part => format!("has a segment {{{part}}} that {description}"),
                    };
                    self.report(error.reason(), field, description);
                }
                None
            }
        }
    }

    /// Reads how much to return.
    pub(super) fn view(&mut self, value: i32) -> View {
        match proto::View::try_from(value) {
            Ok(proto::View::Unspecified | proto::View::Basic) => View::Basic,
            Ok(proto::View::Full) => View::Full,
            Err(_) => {
                self.report(
                    Reason::FieldInvalid,
                    "view",
                    "must be VIEW_BASIC or VIEW_FULL",
                );
                View::Basic
            }
        }
    }

    /// Reads `accounts/{account}`.
    pub(super) fn account(&mut self, field: &str, text: &str) -> Option<AccountId> {
        let id = match (text.is_empty(), text.strip_prefix("accounts/")) {
            (false, Some(id)) => AccountId::new(id).ok(),
            _ => None,
        };
        if id.is_none() {
            let description = if text.is_empty() {
                "is required"
            } else {
                "must be the name of an account: accounts/{account}"
            };
            self.report(Reason::NameInvalid, field, description);
        }
        id
    }

    /// Reads `accounts/{account}/templates/{card_id}`, or `-` in place of the id for all templates.
    pub(super) fn template_or_all(
        &mut self,
        field: &str,
        text: &str,
    ) -> Option<(AccountId, Option<TemplateId>)> {
        match text.strip_suffix("/templates/-") {
            Some(account) => self.account(field, account).map(|id| (id, None)),
            None if !text.is_empty() && text.split('/').count() != 4 => {
                let form =
                    "must be accounts/{account}/templates/{card_id}, with - for all templates";
                self.report(Reason::NameInvalid, field, form);
                None
            }
            None => {
                let name: TemplateName = self.name(field, text)?;
                Some((name.account().clone(), Some(name.id().clone())))
            }
        }
    }

    /// Reads which page of a list.
    pub(super) fn page(&mut self, size: i32, token: String) -> PageRequest {
        let size = u32::try_from(size).unwrap_or_else(|_| {
            self.report(Reason::FieldInvalid, "page_size", "must not be negative");
            0
        });
        PageRequest {
            size: (size > 0).then_some(size),
            token: (!token.is_empty()).then(|| PageToken::new(token)),
        }
    }

    /// Reads the id of a change, which the metadata may have too.
    pub(super) fn request_id(
        &mut self,
        text: String,
        idempotency: &Idempotency,
    ) -> Option<RequestId> {
        let field = match given(text).map(RequestId::new).transpose() {
            Ok(field) => field,
            Err(error) => {
                self.report_all(&error);
                None
            }
        };
        idempotency.given(field).unwrap_or_else(|violations| {
            self.report_all(&Error::violated(Reason::RequestIdInvalid, violations));
            None
        })
    }

    fn report_all(&mut self, error: &Error) {
        for FieldViolation { field, description } in error.violations() {
            self.report(error.reason(), field, description.as_str());
        }
    }

    /// Reads a moment.
    pub(super) fn time(
        &mut self,
        field: &str,
        time: Option<prost_types::Timestamp>,
    ) -> Option<SystemTime> {
        let time = SystemTime::try_from(time?);
        if time.is_err() {
            self.report(Reason::FieldInvalid, field, "is not a moment");
        }
        time.ok()
    }

    /// Reads how long cards are valid.
    pub(super) fn validity(
        &mut self,
        field: &str,
        validity: Option<proto::Validity>,
    ) -> Option<Validity> {
        use proto::validity::{Days, Kind};
        Some(match validity?.kind {
            Some(Kind::Range(range)) => Validity::Range {
                begin: self.time(&format!("{field}.range.begin_time"), range.begin_time),
                end: self.time(&format!("{field}.range.end_time"), range.end_time),
            },
            Some(Kind::Days(Days {
                valid_days,
                wait_days,
            })) => Validity::Days {
                valid_days,
                wait_days,
            },
            Some(Kind::Permanent(())) => Validity::Permanent,
            Some(Kind::UpstreamKind(_)) | None => {
                self.report(
                    Reason::FieldInvalid,
                    field,
                    "must be a range, a number of days, or permanent",
                );
                return None;
            }
        })
    }

    /// Reads which fields to change: those of `paths` that the mask names, or without a mask those
    /// that are populated.
    pub(super) fn mask(
        &mut self,
        mask: Option<FieldMask>,
        paths: &'static [&'static str],
        populated: impl Fn(&str) -> bool,
    ) -> Vec<&'static str> {
        let mut named = mask.unwrap_or_default().paths;
        if named == ["*"] {
            named.clear();
        }
        if named.is_empty() {
            let all: Vec<_> = paths
                .iter()
                .copied()
                .filter(|path| populated(path))
                .collect();
            if all.is_empty() {
                let description = format!("selects nothing: populate one of {}", paths.join(", "));
                self.report(Reason::FieldMaskInvalid, "update_mask", description);
            }
            return all;
        }
        for unknown in named.iter().filter(|path| !paths.contains(&path.as_str())) {
            let description = format!(
                "names {}, which is not one of {}",
                quoted(unknown),
                paths.join(", ")
            );
            self.report(Reason::FieldMaskInvalid, "update_mask", description);
        }
        paths
            .iter()
            .copied()
            .filter(|path| named.iter().any(|name| name == path))
            .collect()
    }

    /// Returns the arguments if nothing is wrong with them.
    ///
    /// # Errors
    ///
    /// Every violation, with the reason of the first.
    pub(super) fn finish<T>(self, arguments: Option<T>) -> Result<T, Error> {
        match (self.reason, arguments) {
            (None, Some(arguments)) => Ok(arguments),
            (reason, _) => Err(Error::violated(
                reason.unwrap_or(Reason::FieldInvalid),
                self.violations,
            )),
        }
    }
}

/// A text of proto3, where an empty one is none.
pub(super) fn given(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}

/// What may name a user: an openid, or what somebody wrote about one. An empty text is none.
pub(super) fn personal(text: String) -> Option<Personal> {
    (!text.is_empty()).then(|| Personal::from(text))
}

/// A path in an error text. Anything but a short name stays out: it could be anything.
fn quoted(path: &str) -> String {
    let word = |byte: u8| byte.is_ascii_lowercase() || b"_.*".contains(&byte);
    if !path.is_empty() && path.len() <= 64 && path.bytes().all(word) {
        format!("`{path}`")
    } else {
        "a path that is no field name".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use kabao_api::MemberName;

    use super::*;

    const PATHS: &[&str] = &["level", "points"];

    fn mask(paths: &[&str], populated: &[&str]) -> Result<Vec<&'static str>, Error> {
        let mut arguments = Arguments::default();
        let mask = FieldMask {
            paths: paths.iter().map(|&path| path.to_owned()).collect(),
        };
        let chosen = arguments.mask(Some(mask), PATHS, |path| populated.contains(&path));
        arguments.finish(Some(chosen))
    }

    #[test]
    fn a_mask_chooses_and_no_mask_chooses_what_is_populated() {
        let rows: &[(&[&str], &[&str], &[&str])] = &[
            (&["level"], &[], &["level"]),
            (&["points", "level", "points"], &[], &["level", "points"]),
            (&[], &["points"], &["points"]),
            (&["*"], &["level"], &["level"]),
        ];
        for (paths, populated, expected) in rows {
            assert_eq!(mask(paths, populated).unwrap(), *expected, "{paths:?}");
        }
    }

    #[test]
    fn every_wrong_path_is_named_together_with_the_right_ones() {
        let error = mask(&["level", "state", "member.level"], &[]).unwrap_err();
        assert_eq!(error.reason(), Reason::FieldMaskInvalid);
        let texts: Vec<_> = error.violations().iter().map(ToString::to_string).collect();
        assert_eq!(
            texts,
            [
                "update_mask names `state`, which is not one of level, points",
                "update_mask names `member.level`, which is not one of level, points",
            ],
        );
    }

    #[test]
    fn a_change_of_nothing_is_refused() {
        for paths in [&[][..], &["*"]] {
            let error = mask(paths, &[]).unwrap_err();
            assert_eq!(error.reason(), Reason::FieldMaskInvalid);
            assert_eq!(error.violations()[0].field, "update_mask");
        }
    }

    #[test]
    fn a_path_that_is_no_field_name_is_not_repeated() {
        for path in [
            "oYgnd5Gx 张三",
            "13900417884",
            "obLatCanaryCanary_",
            "a@b.example",
        ] {
            let error = mask(&[path], &[]).unwrap_err();
            assert!(!error.to_string().contains(path), "{error}");
        }
    }

    #[test]
    fn a_request_id_that_is_none_is_refused_under_its_own_reason() {
        let mut arguments = Arguments::default();
        let none = Idempotency::default();
        assert_eq!(arguments.request_id(String::new(), &none), None);
        let good = arguments.request_id("order-1_b".to_owned(), &none);
        assert_eq!(good.unwrap().as_str(), "order-1_b");
        assert_eq!(arguments.request_id("a b".to_owned(), &none), None);
        let error = arguments.finish(Some(())).unwrap_err();
        assert_eq!(error.reason(), Reason::RequestIdInvalid);
        assert_eq!(error.violations()[0].field, "request_id");
    }

    #[test]
    fn all_faults_are_reported_at_once_and_a_name_says_which_part() {
        let mut arguments = Arguments::default();
        let name: Option<MemberName> = arguments.name("name", "accounts/A/templates/t/members/1");
        let _ = arguments.view(7);
        let error = arguments.finish(name).unwrap_err();
        assert_eq!(error.reason(), Reason::NameInvalid);
        let fields: Vec<_> = error
            .violations()
            .iter()
            .map(|v| v.field.as_str())
            .collect();
        assert_eq!(fields, ["name", "view"]);
        assert!(error.violations()[0].description.contains("{account}"));
    }

    #[test]
    fn parents_name_an_account_one_template_or_all_of_them() {
        let read = |text: &str| {
            let mut arguments = Arguments::default();
            let parent = arguments.template_or_all("parent", text);
            arguments.finish(parent)
        };
        let (account, template) = read("accounts/a/templates/t").unwrap();
        assert_eq!((account.as_str(), template.unwrap().as_str()), ("a", "t"));
        assert_eq!(read("accounts/a/templates/-").unwrap().1, None);
        for wrong in [
            "",
            "accounts/a",
            "accounts/A/templates/-",
            "accounts/-/templates/-",
            "/templates/-",
            "accounts/a/templates/-/members/1",
        ] {
            let error = read(wrong).unwrap_err();
            assert_eq!(error.reason(), Reason::NameInvalid, "{wrong}");
            assert_eq!(error.violations()[0].field, "parent", "{wrong}");
            let tells_of_all = error.violations()[0].description.contains("- for all");
            assert_eq!(
                tells_of_all,
                wrong == "accounts/a" || wrong.contains("members")
            );
        }
    }

    #[test]
    fn a_page_has_no_negative_size() {
        let mut arguments = Arguments::default();
        let page = arguments.page(0, String::new());
        assert_eq!(page, PageRequest::default());
        let page = arguments.page(i32::MAX, "t".to_owned());
        assert_eq!(page.size, Some(2_147_483_647));
        assert_eq!(page.token.unwrap().as_str(), "t");
        let _ = arguments.page(-1, String::new());
        let error = arguments.finish(Some(())).unwrap_err();
        assert_eq!(error.violations()[0].field, "page_size");
    }
}
