//! What a family cannot do, said once: refusals, `GetAccount` and `docs/families.md` follow from it.

use std::borrow::Cow;

use crate::{Capability, Error, Family, Method, Reason};

/// What the accounts of a family do of a method, as far as that is not all of it.
#[derive(Clone, Copy, Debug)]
pub struct Support {
    family: Family,
    /// Only brands that call without a service provider.
    direct: bool,
    method: Method,
    fields: Fields,
    note: &'static str,
}

/// Which of the fields that a call may set are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fields {
    /// The family does not have the method at all.
    Nothing,
    All,
    Only(&'static [&'static str]),
    Without(&'static [&'static str]),
}

use Fields::{All, Nothing, Only, Without};

/// Every method of which a family does not do all; a row for direct brands stands before that of
/// brands, and batches are what their single calls are.
const SUPPORT: &[Support] = &[
    row(
        Family::Merchant,
        Method::UpdateMember,
        Only(&["level", "membership_number", "background_picture_url"]),
        "points and balance by AdjustPoints and AdjustBalance",
    ),
    row(
        Family::Merchant,
        Method::AdjustPoints,
        Without(&["remark"]),
        "",
    ),
    row(
        Family::Merchant,
        Method::ActivateMember,
        Only(&["membership_number"]),
        "the outcome is ENROLLED",
    ),
    row(
        Family::Merchant,
        Method::ImportMember,
        Only(&["openid", "phone_number", "code"]),
        "",
    ),
    row(
        Family::Merchant,
        Method::UploadImage,
        All,
        "JPEG, BMP or PNG of at most 2 MiB",
    ),
    direct(
        Method::ImportMember,
        Only(&[
            "openid",
            "code",
            "pickup_time",
            "validity",
            "level",
            "background_picture_url",
        ]),
        "needs code",
    ),
    row(
        Family::Brand,
        Method::CreateTemplate,
        Without(&["description", "logo_url", "brand_name", "stock.total"]),
        "",
    ),
    row(
        Family::Brand,
        Method::UpdateTemplate,
        Only(&["title", "service_phone", "background_picture_url"]),
        "",
    ),
    row(
        Family::Brand,
        Method::DeleteTemplate,
        All,
        "invalidates the template, which can still be read",
    ),
    row(Family::Brand, Method::GetMember, All, "needs openid"),
    row(
        Family::Brand,
        Method::UpdateMember,
        Only(&["level", "background_picture_url"]),
        "needs openid",
    ),
    row(
        Family::Brand,
        Method::AdjustBalance,
        Nothing,
        "WeChat has no operation for stored value in this family",
    ),
    row(
        Family::Brand,
        Method::AdjustPoints,
        Without(&["add", "remark", "notify"]),
        "set_to only, since WeChat never returns the points; needs openid",
    ),
    row(
        Family::Brand,
        Method::ActivateMember,
        Only(&["outcome", "level", "background_picture_url"]),
        "needs openid",
    ),
    row(Family::Brand, Method::InvalidateMember, All, "needs openid"),
    row(
        Family::Brand,
        Method::ImportMember,
        Only(&[
            "openid",
            "phone_number",
            "code",
            "pickup_time",
            "validity",
            "level",
            "background_picture_url",
        ]),
        "needs code; by phone number it needs pickup_time and validity too, and WeChat has not opened it",
    ),
    row(
        Family::Brand,
        Method::UploadImage,
        All,
        "JPEG, BMP or PNG of at most 2 MiB",
    ),
    row(
        Family::OfficialAccount,
        Method::CreateTemplate,
        Without(&["brand_id", "appid"]),
        "WeChat has no request numbers, so that nothing proves a creation whose answer was lost",
    ),
    row(
        Family::OfficialAccount,
        Method::UpdateMember,
        Only(&["background_picture_url", "points", "balance"]),
        "",
    ),
    row(
        Family::OfficialAccount,
        Method::ActivateMember,
        Only(&[
            "membership_number",
            "background_picture_url",
            "points",
            "balance",
        ]),
        "the outcome is ENROLLED",
    ),
    row(
        Family::OfficialAccount,
        Method::ImportMember,
        Nothing,
        "WeChat has no operation for it in this family",
    ),
    row(
        Family::OfficialAccount,
        Method::UploadImage,
        All,
        "JPEG or PNG of at most 1 MiB",
    ),
];

const fn row(family: Family, method: Method, fields: Fields, note: &'static str) -> Support {
    Support {
        family,
        direct: false,
        method,
        fields,
        note,
    }
}

/// A row for brands that call without a service provider.
const fn direct(method: Method, fields: Fields, note: &'static str) -> Support {
    Support {
        direct: true,
        ..row(Family::Brand, method, fields, note)
    }
}

impl Error {
    /// Says that a family does not have a method of the portable API at all.
    pub fn method_not_supported(family: Family, method: Method) -> Self {
        Self::new(
            Reason::NotSupportedByFamily,
            format!("the {family} family cannot do this: {method}"),
        )
    }
}

impl Support {
    /// Returns what the accounts of a family do of a method; `None` if that is all of it.
    pub fn of(family: Family, method: Method) -> Option<&'static Self> {
        SUPPORT
            .iter()
            .find(|row| row.family == family && row.method == method.single() && !row.direct)
    }

    /// The same for a brand without a service provider.
    pub fn of_direct_brand(method: Method) -> Option<&'static Self> {
        SUPPORT
            .iter()
            .find(|row| row.family == Family::Brand && row.method == method.single())
    }

    /// Fails if the call of a method sets what the family cannot do.
    ///
    /// # Errors
    ///
    /// [`Reason::NotSupportedByFamily`], which names every such field.
    pub fn require(&self, set: impl IntoIterator<Item = &'static str>) -> Result<(), Error> {
        let foreign: Vec<_> = set
            .into_iter()
            .filter(|field| match self.fields {
                Nothing | All => false,
                Only(fields) => !fields.contains(field),
                Without(fields) => fields.contains(field),
            })
            .collect();
        if self.fields == Nothing {
            return Err(Error::method_not_supported(self.family, self.method));
        }
        if foreign.is_empty() {
            Ok(())
        } else {
            Err(Error::not_supported(self.family, &foreign))
        }
    }

    /// Says it in words.
    pub fn limitation(&self) -> Cow<'static, str> {
        let (word, fields) = match self.fields {
            Nothing | All => return self.note.into(),
            Only(fields) => ("only", fields),
            Without(fields) => ("without", fields),
        };
        // One text, written once: `GetAccount` says several of them.
        let mut text = String::with_capacity(160);
        text.push_str(word);
        for (index, field) in fields.iter().enumerate() {
            text.push_str(match index {
                0 => " ",
                _ if index + 1 == fields.len() => " and ",
                _ => ", ",
            });
            text.push_str(field);
        }
        if !self.note.is_empty() {
            text.push_str("; ");
            text.push_str(self.note);
        }
        text.into()
    }

    /// Answers for every method, by what `of` knows of it.
    pub fn capabilities(of: impl Fn(Method) -> Option<&'static Self>) -> Vec<Capability> {
        let capability = |method: &Method| {
            let support = of(*method);
            Capability {
                method: *method,
                supported: support.is_none_or(|support| support.fields != Nothing),
                limitation: support.map(Self::limitation),
            }
        };
        Method::ALL.iter().map(capability).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;
    use std::path::Path;

    use super::*;
    use crate::Reason;

    #[test]
    fn what_is_not_taken_is_refused_by_name() {
        let refused = |family, method, set: &[&'static str]| -> Vec<String> {
            let done = Support::of(family, method)
                .map_or(Ok(()), |support| support.require(set.iter().copied()));
            let fields = |error: Error| {
                assert_eq!(error.reason(), Reason::NotSupportedByFamily);
                let violations = error.violations().iter();
                violations
                    .map(|violation| violation.field.clone())
                    .collect()
            };
            done.map_or_else(fields, |()| Vec::new())
        };
        let update = Method::UpdateMember;
        assert!(refused(Family::Merchant, update, &["level"]).is_empty());
        assert_eq!(
            refused(Family::Merchant, update, &["points", "level", "balance"]),
            ["points", "balance"]
        );
        let adjust = Method::AdjustPoints;
        assert_eq!(refused(Family::Merchant, adjust, &["remark"]), ["remark"]);
        assert!(refused(Family::OfficialAccount, adjust, &["remark"]).is_empty());
        let nothing = Support::of(Family::Brand, Method::AdjustBalance).unwrap();
        let error = nothing.require([]).unwrap_err();
        assert_eq!(error.reason(), Reason::NotSupportedByFamily);
    }

    #[test]
    fn an_account_answers_for_every_method() {
        let table = Support::capabilities(|method| Support::of(Family::Brand, method));
        assert_eq!(table.len(), Method::ALL.len());
        let of = |table: &[Capability], method| {
            let found = table.iter().find(|capability| capability.method == method);
            found.cloned().unwrap()
        };
        let balance = of(&table, Method::AdjustBalance);
        assert!(!balance.supported && balance.limitation.is_some());
        assert_eq!(of(&table, Method::ListMembers).limitation, None);
        let title = of(&table, Method::UpdateTemplate).limitation.unwrap();
        assert_eq!(
            title,
            "only title, service_phone and background_picture_url"
        );
        let direct = Support::capabilities(Support::of_direct_brand);
        let import = of(&direct, Method::ImportMember).limitation.unwrap();
        assert!(!import.contains("phone_number"), "{import}");
        assert_eq!(of(&direct, Method::AdjustBalance), balance);
    }

    #[test]
    fn every_row_says_something_and_only_once() {
        let mut seen = std::collections::HashSet::new();
        for row in SUPPORT {
            assert!(!row.limitation().is_empty(), "{row:?}");
            assert_eq!(row.method.single(), row.method, "{row:?}");
            assert!(seen.insert((row.family, row.direct, row.method)), "{row:?}");
        }
    }

    fn page() -> String {
        let mut out = "# What each family can do\n\nThe portable API has the same methods for every family, and a call that a family cannot serve is refused with\n`NOT_SUPPORTED_BY_FAMILY`, never done by half. `GetAccount` says the same of one account. A cell that is empty\nmeans that the method does all that it is documented to do.\n\n| method | merchant | brand | official_account |\n| --- | --- | --- | --- |\n".to_owned();
        for method in Method::ALL {
            let cell = |family| {
                Support::of(family, *method).map_or_else(String::new, |support| {
                    let words = support.limitation();
                    match support.fields {
                        Nothing => format!("no: {words}"),
                        _ => words.into_owned(),
                    }
                })
            };
            let mut brand = cell(Family::Brand);
            if let Some(direct) = Support::of_direct_brand(*method).filter(|row| row.direct) {
                let _ = write!(
                    brand,
                    ". Without a service provider: {}",
                    direct.limitation()
                );
            }
            let _ = writeln!(
                out,
                "| {method} | {} | {brand} | {} |",
                cell(Family::Merchant),
                cell(Family::OfficialAccount)
            );
        }
        out
    }

    #[test]
    fn the_page_of_the_families_is_what_the_table_says() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/families.md");
        let expected = page();
        if std::env::var_os("KABAO_WRITE_PAGES").is_some() {
            std::fs::write(&path, &expected).unwrap();
        }
        let found = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            found == expected,
            "docs/families.md is out of date; run KABAO_WRITE_PAGES=1 cargo test -p kabao-api --lib support"
        );
    }
}
