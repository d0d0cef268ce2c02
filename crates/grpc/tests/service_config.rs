//! The service config that callers paste names every method, and repeats only what reads.

use std::collections::BTreeSet;

use prost::Message;
use prost_types::FileDescriptorSet;
use serde_json::Value;

const CONFIG: &str = include_str!("../../../proto/kabao/v1/kabao_grpc_service_config.json");

#[test]
fn every_method_has_its_timeout_and_only_reads_are_repeated() {
    let config: Value = serde_json::from_str(CONFIG).unwrap();
    let mut configured = BTreeSet::new();
    for entry in config["methodConfig"].as_array().unwrap() {
        assert!(entry["timeout"].is_string());
        let repeats = !entry["retryPolicy"].is_null();
        for name in entry["name"].as_array().unwrap() {
            let (service, method) = (
                name["service"].as_str().unwrap(),
                name["method"].as_str().unwrap(),
            );
            assert!(
                !repeats || method.starts_with("Get") || method.starts_with("List"),
                "{method}"
            );
            assert!(
                configured.insert(format!("{service}/{method}")),
                "{method} twice"
            );
        }
    }
    let files = FileDescriptorSet::decode(kabao_proto::DESCRIPTOR_SET)
        .unwrap()
        .file;
    let served: BTreeSet<String> = files
        .iter()
        .filter(|file| file.package() == "kabao.v1")
        .flat_map(|file| &file.service)
        .flat_map(|service| {
            service
                .method
                .iter()
                .map(|method| format!("kabao.v1.{}/{}", service.name(), method.name()))
        })
        .collect();
    assert_eq!(configured, served);
}
