use kabao_api::CallId;
use kabao_models::Secret;

use crate::testing::{NOW, key};
use crate::{
    Client, ConfigurationError, MockClock, PayCredential, Settings, WeChatPayKey, WechatpaySerial,
};

/// Makes the test independent of the day on which it runs.
fn clock() -> MockClock {
    let mut clock = MockClock::new();
    clock.expect_unix_seconds().return_const(NOW);
    clock
}

fn merchant() -> PayCredential {
    PayCredential {
        number: key("merchant", "mchid").to_owned(),
        private_key: Secret::new(key("merchant", "private_key_pem")),
        certificate: Some(key("merchant", "certificate_pem").to_owned()),
        serial_no: Some(key("merchant", "serial_no").to_owned()),
        apiv3_key: Some(Secret::new("k7Qm2ZxV9aT4rLp8WsD1eYh6NbUc3JfG")),
        wechat_pay_key: Some(WeChatPayKey {
            id: key("wechatpay_public_key", "id").to_owned(),
            public_key: key("wechatpay_public_key", "public_key_pem").to_owned(),
        }),
        ..PayCredential::default()
    }
}

fn build(credential: PayCredential) -> Result<Client, ConfigurationError> {
    Client::merchant("acme")
        .credential(credential)
        .clock(clock())
        .build()
}

fn fields(error: &ConfigurationError) -> Vec<&str> {
    error
        .faults()
        .iter()
        .map(|fault| fault.field.as_str())
        .collect()
}

#[test]
fn a_whole_configuration_and_each_sufficient_part_are_taken() {
    assert!(build(merchant()).is_ok());
    assert!(
        build(PayCredential {
            certificate: None,
            ..merchant()
        })
        .is_ok()
    );
    assert!(
        build(PayCredential {
            serial_no: None,
            ..merchant()
        })
        .is_ok()
    );
    assert!(
        build(PayCredential {
            wechat_pay_key: None,
            ..merchant()
        })
        .is_ok()
    );
    assert!(
        build(PayCredential {
            apiv3_key: None,
            ..merchant()
        })
        .is_ok()
    );
}

#[test]
fn every_fault_is_listed_at_once() {
    let error = Client::merchant("Acme")
        .credential(PayCredential {
            apiv3_key: Some(Secret::new("short")),
            ..PayCredential::default()
        })
        .base_url("http://api.mch.weixin.qq.com")
        .root_certificates("not PEM")
        .settings(Settings {
            max_concurrent_calls: 0,
            ..Settings::default()
        })
        .clock(clock())
        .build()
        .unwrap_err();
    assert_eq!(
        fields(&error),
        [
            "account",
            "max_concurrent_calls",
            "base_url",
            "root_certificates",
            "private_key",
            "serial_no",
            "apiv3_key",
            "mchid"
        ]
    );
    let text = error.to_string();
    assert!(text.contains("base_url must begin with https://"), "{text}");
    assert!(
        !text.contains("short;") && !text.contains("not PEM"),
        "{text}"
    );
}

#[test]
fn parts_that_do_not_belong_together_are_found() {
    let other = |member| key("merchant_other", member).to_owned();
    let rows = [
        (
            PayCredential {
                certificate: Some(other("certificate_pem")),
                serial_no: None,
                ..merchant()
            },
            vec!["certificate", "certificate"],
        ),
        (
            PayCredential {
                serial_no: Some(other("serial_no")),
                ..merchant()
            },
            vec!["serial_no"],
        ),
        (
            PayCredential {
                number: other("mchid"),
                ..merchant()
            },
            vec!["certificate"],
        ),
        (
            PayCredential {
                private_key: Secret::new(key("merchant", "certificate_pem")),
                ..merchant()
            },
            vec!["private_key"],
        ),
        (
            PayCredential {
                wechat_pay_key: None,
                apiv3_key: None,
                ..merchant()
            },
            vec!["public_key_id"],
        ),
        (
            PayCredential {
                wechatpay_serial: Some(WechatpaySerial::Certificate),
                apiv3_key: None,
                ..merchant()
            },
            vec!["wechatpay_serial"],
        ),
        (
            PayCredential {
                wechatpay_serial: Some(WechatpaySerial::PublicKey),
                wechat_pay_key: None,
                ..merchant()
            },
            vec!["wechatpay_serial"],
        ),
        (
            PayCredential {
                platform_ca: Some("no PEM".to_owned()),
                ..merchant()
            },
            vec!["platform_ca"],
        ),
        (
            PayCredential {
                platform_ca: Some(key("merchant", "certificate_pem").to_owned()),
                apiv3_key: None,
                ..merchant()
            },
            vec!["platform_ca"],
        ),
    ];
    for (credential, expected) in rows {
        assert_eq!(fields(&build(credential).unwrap_err()), expected);
    }
    for good in [WechatpaySerial::Certificate, WechatpaySerial::PublicKey] {
        let credential = PayCredential {
            wechatpay_serial: Some(good),
            platform_ca: Some(key("merchant", "certificate_pem").to_owned()),
            ..merchant()
        };
        assert!(build(credential).is_ok(), "{good:?}");
    }
}

#[test]
fn an_expired_certificate_is_found() {
    let mut late = MockClock::new();
    late.expect_unix_seconds()
        .return_const(NOW + 10 * 365 * 86_400);
    let error = Client::merchant("acme")
        .credential(merchant())
        .clock(late)
        .build()
        .unwrap_err();
    assert_eq!(fields(&error), ["certificate"]);
}

#[test]
fn faults_of_a_brands_own_key_material_have_their_prefix() {
    let error = Client::brand("acme")
        .brand_id("1077")
        .provider(merchant())
        .direct(PayCredential {
            number: "1004".to_owned(),
            ..PayCredential::default()
        })
        .clock(clock())
        .build()
        .unwrap_err();
    assert_eq!(
        fields(&error),
        [
            "direct.brand_id",
            "direct.private_key",
            "direct.serial_no",
            "direct.public_key_id"
        ]
    );
    let named = PayCredential {
        wechatpay_serial: Some(WechatpaySerial::Certificate),
        ..merchant()
    };
    let direct = Client::brand("acme").brand_id("1077").direct(named);
    let error = direct.clock(clock()).build().unwrap_err();
    assert!(
        fields(&error).contains(&"direct.wechatpay_serial"),
        "{error}"
    );
    let error = Client::brand("acme").clock(clock()).build().unwrap_err();
    assert_eq!(fields(&error), ["brand_id", "private_key"]);
    assert!(
        Client::brand("acme")
            .brand_id("1004")
            .provider(merchant())
            .clock(clock())
            .build()
            .is_ok()
    );
}

/// A journal keeps it for days, so it must not change with a key.
#[test]
fn who_an_account_is_to_wechat_is_said_without_its_keys() {
    let number = merchant().number;
    assert_eq!(
        build(merchant()).unwrap().party(),
        format!("merchant {number}")
    );
    let brand = Client::brand("acme").brand_id("1004").clock(clock());
    let provided = brand.clone().provider(merchant()).build().unwrap();
    assert_eq!(provided.party(), format!("brand 1004 by merchant {number}"));
    let own = PayCredential {
        number: "1004".to_owned(),
        certificate: None,
        ..merchant()
    };
    assert_eq!(brand.direct(own).build().unwrap().party(), "brand 1004");
    let account = Client::official_account("acme")
        .appid("wx1")
        .app_secret("s");
    let account = account.build().unwrap();
    assert_eq!(account.party(), "official account wx1");
}

#[test]
fn no_secret_is_printed() {
    let shown = format!("{:?}", merchant());
    assert!(
        !shown.contains("PRIVATE KEY") && !shown.contains("k7Qm2"),
        "{shown}"
    );
}

#[test]
fn a_client_says_its_account_in_names_and_contexts() {
    let mut clock = clock();
    let mut nonces = (1..=2).map(|count| format!("{count:032}"));
    clock.expect_nonce().returning(move || nonces.next());
    let client = Client::merchant("acme").credential(merchant()).clock(clock);
    let client = client.build().unwrap();
    assert_eq!(
        client.member("card", "1/2").unwrap().resource_name(),
        "accounts/acme/templates/card/members/1%2F2"
    );
    let template = client.template("card").unwrap();
    assert_eq!(template.to_string(), "accounts/acme/templates/card");
    let wrong = client.template("c d").unwrap_err();
    assert_eq!(wrong.violations()[0].field, "card_id");
    let wrong = client.member("card", "").unwrap_err();
    assert_eq!(wrong.violations()[0].field, "code");

    let (first, second) = (client.context(), client.context());
    assert_eq!(first.account.as_str(), "acme");
    assert_ne!(first.call_id, second.call_id);
    // Without randomness there is no id, and a call all the same.
    assert_eq!(client.context().call_id, CallId::unknown());
    assert_eq!(client.into_account().id.as_str(), "acme");
}

#[test]
fn wechat_pay_has_a_backup_and_a_host_of_ones_own_has_one_only_if_it_is_named() {
    use crate::configuration::{Common, DefaultUrls, Faults};

    const MAIN: &str = "https://api.mch.weixin.qq.com";
    const BACKUP: &str = "https://api2.mch.weixin.qq.com";
    const WECHAT: &str = "https://api.weixin.qq.com";
    const OWN: &str = "https://127.0.0.1:8443";
    const OTHER: &str = "https://127.0.0.1:9443";
    let (pay, official) = (DefaultUrls::PAY, DefaultUrls::OFFICIAL_ACCOUNT);
    type Row<'r> = (DefaultUrls, Option<&'r str>, Option<&'r str>, &'r [&'r str]);
    let rows: [Row<'_>; 7] = [
        (pay, None, None, &[MAIN, BACKUP]),
        (pay, Some(OWN), None, &[OWN]),
        (pay, Some(OWN), Some(OTHER), &[OWN, OTHER]),
        (pay, None, Some(OTHER), &[MAIN, OTHER]),
        // Saying what is so anyway changes the main host to one's own.
        (pay, Some(MAIN), None, &[MAIN]),
        (official, None, None, &[WECHAT]),
        (official, None, Some(OTHER), &[WECHAT, OTHER]),
    ];
    let common = |urls, main: Option<&str>, backup: Option<&str>| Common {
        base_url: main.map(str::to_owned),
        backup_base_url: backup.map(str::to_owned),
        ..Common::new("acme".to_owned(), urls)
    };
    for (urls, main, backup, expected) in rows {
        let hosts = common(urls, main, backup)
            .hosts(&mut Faults::default())
            .unwrap();
        let hosts: Vec<_> = hosts.iter().map(|host| format!("{host:?}")).collect();
        assert_eq!(hosts, expected, "{main:?} {backup:?}");
    }
    for (backup, description) in [
        (MAIN, "must be another host than base_url"),
        (
            "http://x",
            "must begin with https://: credentials never travel in clear",
        ),
    ] {
        let mut faults = Faults::default();
        common(pay, None, Some(backup)).hosts(&mut faults);
        let error = faults.finish();
        assert_eq!(fields(&error), ["backup_base_url"]);
        assert_eq!(error.faults()[0].description, description);
    }
}
