//! Where traces go, and whose decide.

use kabao_gateway::config::TraceParents;

use crate::{OFFICIAL, with_official};

#[test]
fn the_collector_is_an_address_without_a_user() {
    let folder = with_official("collector");
    for (endpoint, is_good) in [
        ("http://collector:4317", true),
        ("http://[::1]:4317", true),
        ("https://collector:4317", false),
        ("http://kabao:s3cret@collector:4317", false),
        ("http://kabao@collector:4317", false),
        ("collector:4317", false),
    ] {
        let text = format!("[telemetry]\notlp_endpoint = \"{endpoint}\"\n{OFFICIAL}");
        let faults = folder.parse(&text).err().unwrap_or_default();
        assert_eq!(faults.is_empty(), is_good, "{endpoint}: {faults:?}");
        assert!(
            is_good || faults[0].contains("must be `http://host:port` of a collector"),
            "{faults:?}"
        );
        assert!(!format!("{faults:?}").contains("s3cret"), "{faults:?}");
    }
}

#[test]
fn callers_who_are_known_decide_by_traceparent_unless_a_setting_says_otherwise() {
    let folder = with_official("parents");
    for (value, expected) in [
        ("", Some(TraceParents::Known)),
        ("traceparent = \"known\"", Some(TraceParents::Known)),
        ("traceparent = \"all\"", Some(TraceParents::All)),
        ("traceparent = \"none\"", Some(TraceParents::None)),
        ("traceparent = \"everybody\"", None),
    ] {
        let found = folder.parse(&format!("[telemetry]\n{value}\n{OFFICIAL}"));
        match expected {
            Some(expected) => assert_eq!(found.unwrap().telemetry.traceparent, expected),
            None => assert_eq!(
                found.unwrap_err(),
                ["kabao.toml:2:1: telemetry.traceparent: must be one of `known`, `all`, `none`"]
            ),
        }
    }
}
