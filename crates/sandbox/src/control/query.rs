//! Query parameters of control requests: each one acts or is refused.

use std::fmt::Write as _;

use jiff::Timestamp;
use kabao_models::{Family, ParamsIn};

use super::answer::Problem;
use crate::clock::parse_rfc3339;
use crate::described::Parameter;

/// The parameters of one request, all of which its endpoint knows.
#[derive(Debug)]
pub(super) struct Query(Vec<(&'static str, String)>);

impl Query {
    /// Reads a query; a parameter that is not among `known`, or that comes twice, is an error.
    pub(super) fn read(raw: &str, known: &[Parameter]) -> Result<Self, Problem> {
        let invalid = |error: kabao_models::DecodeError| Problem::new(400, error.to_string());
        let mut found = Vec::new();
        for pair in raw.split('&').filter(|pair| !pair.is_empty()) {
            let name = pair.split('=').next().unwrap_or_default();
            let Some(known_name) = known
                .iter()
                .map(|known| known.name)
                .find(|known| *known == name)
            else {
                return Err(unknown(name, known));
            };
            if found.iter().any(|(earlier, _)| *earlier == known_name) {
                return Err(Problem::field(
                    known_name,
                    format!("{known_name}: is given twice"),
                ));
            }
            let value: String = ParamsIn::new(Vec::new(), pair)
                .map_err(invalid)?
                .query(known_name)
                .unwrap_or_default();
            found.push((known_name, value));
        }
        Ok(Self(found))
    }

    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, value)| value.as_str())
    }

    /// Reads a whole number within bounds.
    pub(super) fn number(
        &self,
        name: &'static str,
        bounds: std::ops::RangeInclusive<u64>,
    ) -> Result<Option<u64>, Problem> {
        let Some(text) = self.text(name) else {
            return Ok(None);
        };
        match text.parse() {
            Ok(number) if bounds.contains(&number) => Ok(Some(number)),
            _ => {
                let mut problem = format!("{name}: must be a whole number from {}", bounds.start());
                if *bounds.end() != u64::MAX {
                    let _ = write!(problem, " to {}", bounds.end());
                }
                Err(Problem::field(name, problem))
            }
        }
    }

    pub(super) fn flag(&self, name: &'static str) -> Result<bool, Problem> {
        match self.text(name) {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(_) => Err(Problem::field(
                name,
                format!("{name}: must be true or false"),
            )),
        }
    }

    /// Reads a moment: RFC 3339 or Unix seconds.
    pub(super) fn moment(&self, name: &'static str) -> Result<Option<Timestamp>, Problem> {
        self.text(name)
            .map(|text| {
                moment(text).ok_or_else(|| {
                    let problem = format!(
                        "{name}: must be an RFC 3339 time (a plus sign is %2B) or Unix seconds"
                    );
                    Problem::field(name, problem)
                })
            })
            .transpose()
    }

    pub(super) fn family(&self) -> Result<Option<Family>, Problem> {
        match self.text("family") {
            None => Ok(None),
            Some("merchant") => Ok(Some(Family::Merchant)),
            Some("brand") => Ok(Some(Family::Brand)),
            Some("official_account") => Ok(Some(Family::OfficialAccount)),
            Some(_) => Err(Problem::field(
                "family",
                "family: must be merchant, brand or official_account",
            )),
        }
    }
}

/// Reads RFC 3339 or Unix seconds as text.
pub(super) fn moment(text: &str) -> Option<Timestamp> {
    // A plus sign that nobody escaped arrives as it was typed.
    parse_rfc3339(text).or_else(|| {
        let seconds = text.parse().ok()?;
        Timestamp::from_second(seconds).ok()
    })
}

fn unknown(name: &str, known: &[Parameter]) -> Problem {
    let known: Vec<_> = known.iter().map(|known| known.name).collect();
    let there_are = if known.is_empty() {
        "this endpoint takes none".to_owned()
    } else {
        format!("there are: {}", known.join(", "))
    };
    Problem::new(
        400,
        format!("there is no query parameter `{name}`; {there_are}"),
    )
    .with_field(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_parameter_is_known_once_and_of_its_type() {
        let known = ["account", "limit", "since", "bodies", "family"]
            .map(|name| Parameter::query(name, "text", ""));
        let query = Query::read(
            "account=a%2Fb&limit=7&since=2026-01-01T00:00:00%2B08:00&bodies=true",
            &known,
        )
        .unwrap();
        assert_eq!(query.text("account"), Some("a/b"));
        assert_eq!(query.number("limit", 1..=10).unwrap(), Some(7));
        assert_eq!(
            query.moment("since").unwrap().unwrap().as_second(),
            1_767_196_800
        );
        assert!(query.flag("bodies").unwrap());
        assert_eq!(query.family().unwrap(), None);
        for (raw, problem) in [
            ("acount=x", "`acount`; there are: account"),
            ("account=x&account=y", "account: is given twice"),
            ("account", "`account`; this endpoint takes none"),
        ] {
            let known: &[Parameter] = if raw == "account" { &[] } else { &known };
            let error = Query::read(raw, known).unwrap_err();
            assert!(format!("{error:?}").contains(problem), "{raw}: {error:?}");
        }
        let query = Query::read("limit=0&since=x&bodies=1&family=x", &known).unwrap();
        assert!(query.number("limit", 1..=10).is_err());
        assert!(query.moment("since").is_err() && query.flag("bodies").is_err());
        assert!(query.family().is_err());
    }
}
