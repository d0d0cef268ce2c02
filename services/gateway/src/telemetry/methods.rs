//! The methods that exist, so that a caller cannot invent labels.

use std::collections::BTreeSet;

/// What calls of methods that do not exist are counted as (gRFC A66).
const OTHER: &str = "other";

/// Full method names such as `kabao.v1.MemberService/GetMember`.
#[derive(Clone, Debug)]
pub(crate) struct Methods(BTreeSet<&'static str>);

impl FromIterator<String> for Methods {
    /// Keeps the names for the rest of the process: there are as many as the API has methods.
    fn from_iter<I: IntoIterator<Item = String>>(names: I) -> Self {
        Self(
            names
                .into_iter()
                .map(|name| &*Box::leak(name.into_boxed_str()))
                .collect(),
        )
    }
}

impl Methods {
    /// The label for a request path.
    pub(crate) fn label(&self, path: &str) -> &'static str {
        path.strip_prefix('/')
            .and_then(|name| self.0.get(name))
            .copied()
            .unwrap_or(OTHER)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_methods_that_exist_have_a_label_of_their_own() {
        let methods: Methods = ["a.B/C".to_owned()].into_iter().collect();
        assert_eq!(methods.label("/a.B/C"), "a.B/C");
        for path in ["/a.B/D", "a.B/C", "//a.B/C", "/", ""] {
            assert_eq!(methods.label(path), "other", "{path}");
        }
    }
}
