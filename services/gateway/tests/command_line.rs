//! The binary from outside: what it prints, where, and with which exit code.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a step that fails fails the test"
)]

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn kabao(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_kabao"))
        .args(arguments)
        .env_clear()
        .output()
        .unwrap()
}

/// Exit code, standard output, standard error.
fn said(arguments: &[&str]) -> (i32, String, String) {
    let output = kabao(arguments);
    (
        output.status.code().unwrap(),
        String::from_utf8(output.stdout).unwrap(),
        String::from_utf8(output.stderr).unwrap(),
    )
}

fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("command-line-{name}"));
    fs::create_dir_all(&folder).unwrap();
    folder
}

fn write(folder: &Path, name: &str, content: &str) -> String {
    let path = folder.join(name);
    fs::write(&path, content).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    path.display().to_string()
}

const GOOD: &str = r#"
[[accounts]]
id = "wechat"
family = "official_account"
appid = "wx0123456789abcdef"
app_secret_file = "secret"
"#;

#[test]
fn check_sums_up_a_good_configuration_and_exits_with_0() {
    let folder = folder("good");
    write(&folder, "secret", "hush-hush");
    let file = write(&folder, "kabao.toml", GOOD);
    let (code, out, err) = said(&["check", "--config", &file]);
    assert_eq!((code, err.as_str()), (0, ""));
    assert!(out.starts_with(&format!("{file} is good\n")), "{out}");
    assert!(
        out.contains("wechat  official_account, appid wx0123456789abcdef"),
        "{out}"
    );
    assert!(!out.contains("hush"), "{out}");
}

#[test]
fn check_lists_every_mistake_on_standard_error_and_exits_with_1() {
    let folder = folder("bad");
    let text = GOOD.replace("\"secret\"", "\"gone\"")
        + "[log]\nlevl = \"info\"\n[admin]\nlisten = \"x\"\n";
    let file = write(&folder, "kabao.toml", &text);
    let (code, out, err) = said(&["check", "--config", &file]);
    assert_eq!((code, out.as_str()), (1, ""));
    let lines: Vec<_> = err.lines().collect();
    assert_eq!(lines.len(), 4, "{err}");
    assert!(
        lines
            .iter()
            .take(3)
            .all(|line| line.starts_with(&format!("{file}:"))),
        "{err}"
    );
    assert_eq!(lines[3], "kabao: the configuration has 3 mistakes");
}

#[test]
fn serve_refuses_what_check_refuses() {
    let (code, out, err) = said(&["serve", "--config", "nowhere.toml"]);
    assert_eq!((code, out.as_str()), (1, ""));
    assert!(
        err.contains("nowhere.toml: cannot be read: No such file"),
        "{err}"
    );
}

#[test]
fn a_busy_port_names_setting_and_address() {
    let folder = folder("busy");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    write(&folder, "secret", "hush-hush");
    let file = write(
        &folder,
        "kabao.toml",
        &format!("[grpc]\nlisten = \"{address}\"\n[admin]\nlisten = \"127.0.0.1:0\"\n{GOOD}"),
    );
    let (code, out, err) = said(&["serve", "--config", &file]);
    assert_eq!((code, out.as_str()), (1, ""));
    let expected = format!("kabao: grpc.listen {address}: the address is in use");
    assert!(err.contains(&expected), "{err}");

    // The other addresses are free ports: somebody may be using the default ones.
    let folder = folder.display().to_string();
    for busy in ADDRESSES {
        let mut arguments = vec!["dev", "--dir", &folder];
        let address = address.to_string();
        for flag in ADDRESSES {
            let value = if flag == busy {
                &*address
            } else {
                "127.0.0.1:0"
            };
            arguments.extend([flag, value]);
        }
        let (code, out, err) = said(&arguments);
        assert_eq!((code, out.as_str()), (1, ""), "{busy}");
        let expected = format!("kabao: {busy} {address}: the address is in use");
        assert!(err.contains(&expected), "{err}");
    }
}

const ADDRESSES: [&str; 4] = ["--grpc", "--admin", "--sandbox", "--control"];

#[test]
fn a_misspelt_command_line_exits_with_2() {
    for arguments in [
        &["serv"][..],
        &["serve"],
        &["check", "kabao.toml"],
        &["dev", "--grpc", "50051"],
        &["dev", "--account", "acme"],
        &["dev", "--account", "acme=coupons"],
        &["dev", "--log", "inof"],
        &["store"],
        &["store", "check"],
        &["store", "check", "--config", "a", "--directory", "b"],
        &["store", "stats", "--config", "a", "--key-file", "b"],
        &["store", "backup", "--directory", "a"],
        &[],
    ] {
        let (code, out, _) = said(arguments);
        assert_eq!((code, out.as_str()), (2, ""), "{arguments:?}");
    }
}

#[test]
fn help_and_version_go_to_standard_output() {
    for arguments in [
        &["--help"][..],
        &["dev", "--help"],
        &["serve", "--help"],
        &["check", "--help"],
        &["store", "--help"],
        &["store", "check", "--help"],
        &["store", "backup", "--help"],
        &["store", "stats", "--help"],
    ] {
        let (code, out, err) = said(arguments);
        assert_eq!((code, err.as_str()), (0, ""), "{arguments:?}");
        assert!(out.contains("Example"), "{out}");
    }
    let (code, out, _) = said(&["--version"]);
    assert_eq!(
        (code, out.trim()),
        (0, concat!("kabao ", env!("CARGO_PKG_VERSION")))
    );
}

#[test]
fn policy_explain_names_the_line_that_allows_a_call_or_what_is_missing() {
    let folder = folder("policy");
    write(&folder, "secret", "hush-hush");
    let policy = write(
        &folder,
        "policy.toml",
        "[[callers]]\nname = \"till-*\"\naccounts = [\"we*\"]\nmethods = [\"read\"]\n",
    );
    let token = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    let text = format!(
        "[grpc]\npolicy_file = \"policy.toml\"\n[[callers]]\nname = \"till-7\"\ntoken_sha256 = [\"{token}\"]\n{GOOD}"
    );
    let file = write(&folder, "kabao.toml", &text);
    let explain = |caller: &str, method: &str, account: &str| {
        let method = format!("kabao.v1.MemberService/{method}");
        let asked = [
            "policy", "explain", caller, &method, account, "--config", &file,
        ];
        said(&asked)
    };
    let rule = format!("{policy}:1:1: callers[till-*]");
    assert_eq!(
        explain("till-7", "GetMember", "wechat"),
        (0, format!("allowed by {rule}\n"), String::new())
    );
    let weighing =
        "[[callers]]\nname = \"till-8\"\naccounts = [\"we*\"]\nmethods = [\"read\"]\nweight = 3\n";
    let all = format!("{}{weighing}", fs::read_to_string(&policy).unwrap());
    write(&folder, "policy.toml", &all);
    let (_, out, _) = explain("till-8", "GetMember", "wechat");
    assert_eq!(
        out,
        format!("allowed by {rule}\nweight 3 where a limit of calls is shared out\n")
    );
    let (code, out, _) = explain("till-7", "GetMember", "wechats");
    assert_eq!(code, 0);
    assert!(
        out.contains("note: account wechats is not configured"),
        "{out}"
    );
    for (caller, method, account, why) in [
        (
            "office",
            "GetMember",
            "wechat",
            "speaks of the caller office".to_owned(),
        ),
        (
            "till-7",
            "AdjustPoints",
            "wechat",
            format!("(group money)\n  {rule}"),
        ),
        (
            "till-7",
            "GetMember",
            "other",
            format!("has the account other\n  {rule}"),
        ),
    ] {
        let (code, out, err) = explain(caller, method, account);
        assert_eq!((code, err.as_str()), (1, ""));
        assert!(out.starts_with("denied: ") && out.contains(&why), "{out}");
    }
    let (code, out, err) = explain("till-7", "GetMembers", "wechat");
    assert_eq!((code, out.as_str()), (2, ""));
    assert!(
        err.contains("did you mean `kabao.v1.MemberService/GetMember`?"),
        "{err}"
    );
    // A group is none of its methods.
    let asked = ["policy", "explain", "till-7", "read", "wechat"];
    let (code, _, err) = said(&[&asked[..], &["--config", &file]].concat());
    assert_eq!(code, 2);
    assert!(
        err.starts_with("kabao: read is a group of methods; name one method"),
        "{err}"
    );
    write(&folder, "policy.toml", "[[callers]]\nname = 7\n");
    let (code, out, err) = explain("till-7", "GetMember", "wechat");
    assert_eq!((code, out.as_str()), (2, ""));
    assert!(err.contains("the configuration has 3 mistakes"), "{err}");
}
