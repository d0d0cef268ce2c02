//! The methods that exist, so that a caller cannot invent labels.

use std::collections::BTreeSet;

use prost::Message;
use prost_types::FileDescriptorSet;

/// What calls of methods that do not exist are counted as (gRFC A66).
const OTHER: &str = "other";

/// Full method names such as `kabao.v1.MemberService/GetMember`.
#[derive(Clone, Debug)]
pub(crate) struct Methods(BTreeSet<&'static str>);

impl FromIterator<String> for Methods {
    /// Keeps the names for the rest of the process; there are no more of them than the API has methods.
    fn from_iter<I: IntoIterator<Item = String>>(names: I) -> Self {
        Self(
            names
                .into_iter()
                .map(|name| &*Box::leak(name.into_boxed_str()))
                .collect(),
        )
    }
}

/// Services that stand beside the API and that its descriptors do not hold.
const STANDARD: [&str; 4] = [
    "grpc.health.v1.Health/Check",
    "grpc.health.v1.Health/Watch",
    "grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
    "grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
];

impl Methods {
    /// Every method of the descriptors, health and reflection.
    pub(crate) fn of_the_api() -> Self {
        let files = FileDescriptorSet::decode(kabao_proto::DESCRIPTOR_SET).unwrap_or_default();
        let mut names: Vec<String> = STANDARD.map(str::to_owned).into();
        for file in &files.file {
            for service in &file.service {
                for method in &service.method {
                    names.push(format!(
                        "{}.{}/{}",
                        file.package(),
                        service.name(),
                        method.name()
                    ));
                }
            }
        }
        names.into_iter().collect()
    }

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
        let api = Methods::of_the_api();
        let name = "kabao.v1.MemberService/GetMember";
        assert_eq!(api.label(&format!("/{name}")), name);
    }
}
