//! `kabao policy`: what the policy says to a call.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use kabao_api::{AccountId, CallerId};
use kabao_grpc::{Group, Rule, Verdict, group_of, method_named};

use super::check::refuse;
use super::output::{fail, print};
use crate::clock;
use crate::config::{self, Environment, Settings, no_method};

const EXAMPLES: &str = "\
Example:
  kabao policy explain till-7 kabao.v1.MemberService/AdjustPoints acme --config kabao.toml";

/// Looks into the policy: who may use which methods for which accounts.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment, after_help = EXAMPLES)]
pub(super) struct PolicyArguments {
    #[command(subcommand)]
    command: PolicyCommand,
}

#[derive(Debug, Subcommand)]
enum PolicyCommand {
    Explain(ExplainArguments),
}

const EXPLAIN_EXAMPLES: &str = "\
Example:
  kabao policy explain spiffe://acme.example/till kabao.v1.MemberService/GetMember acme --config kabao.toml

Exit codes:
  0  the call is allowed
  1  it is denied
  2  neither can be told: there is no such method, or the configuration has mistakes";

/// The exit code where nothing is known of the call, which a script must not take for a denial.
const UNTOLD: u8 = 2;

/// Says whether a call is allowed, and by which line of the policy, or why not.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment, after_help = EXPLAIN_EXAMPLES)]
struct ExplainArguments {
    /// Who calls: the name in its certificate, that of its token in [[callers]], or that in its signed token.
    caller: CallerId,
    /// The full name of the method, such as kabao.v1.MemberService/GetMember.
    method: String,
    /// The id of the account.
    account: AccountId,
    /// The configuration of the gateway, which names the policy.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
}

pub(super) fn run(arguments: &PolicyArguments) -> ExitCode {
    let PolicyCommand::Explain(asked) = &arguments.command;
    if Group::ALL
        .iter()
        .any(|group| group.as_str() == asked.method)
    {
        return untold(&format!(
            "{} is a group of methods; name one method, such as kabao.v1.MemberService/GetMember",
            asked.method
        ));
    }
    let Some(method) = method_named(&asked.method) else {
        return untold(&format!("{} {}", asked.method, no_method(&asked.method)));
    };
    let environment = Environment::of_process();
    match config::load(&asked.config, &environment, clock::unix_seconds()) {
        Ok(settings) => explain(asked, method, &settings),
        Err(mistakes) => {
            refuse(&mistakes);
            ExitCode::from(UNTOLD)
        }
    }
}

fn untold(why: &str) -> ExitCode {
    fail(why);
    ExitCode::from(UNTOLD)
}

fn explain(asked: &ExplainArguments, method: &'static str, settings: &Settings) -> ExitCode {
    let ExplainArguments {
        caller, account, ..
    } = asked;
    let is_configured = settings
        .accounts
        .iter()
        .any(|settings| settings.client.account() == account);
    let note = match is_configured {
        true => String::new(),
        false => format!("note: account {account} is not configured\n"),
    };
    let Some(policy) = &settings.grpc.policy else {
        print(&format_args!(
            "allowed: there is no grpc.policy_file, so whoever may call may do everything\n{note}"
        ));
        return ExitCode::SUCCESS;
    };
    let group = group_of(method).map_or("", |group| group.as_str());
    let (why, code) = match policy.policy.explain(caller, method, account) {
        Verdict::Allowed(rule) => {
            let weight = match policy.policy.weight(caller) {
                1 => String::new(),
                weight => format!("weight {weight} where a limit of calls is shared out\n"),
            };
            let why = format!("allowed by {}\n{weight}", line(rule));
            (why, ExitCode::SUCCESS)
        }
        Verdict::UnknownCaller => (
            format!(
                "denied: nothing in {} speaks of the caller {caller}\n",
                policy.file.display()
            ),
            ExitCode::FAILURE,
        ),
        Verdict::DeniedMethod(rules) => (
            format!(
                "denied: none of these gives the caller {method} (group {group})\n{}",
                lines(&rules)
            ),
            ExitCode::FAILURE,
        ),
        Verdict::DeniedAccount(rules) => (
            format!(
                "denied: none of these, which give the caller {method}, has the account {account}\n{}",
                lines(&rules)
            ),
            ExitCode::FAILURE,
        ),
    };
    print(&format_args!("{why}{note}"));
    code
}

fn line(rule: &Rule) -> String {
    format!("{}: callers[{}]", rule.place, rule.caller)
}

fn lines(rules: &[&Rule]) -> String {
    rules.iter().fold(String::new(), |mut lines, rule| {
        let _ = writeln!(lines, "  {}", line(rule));
        lines
    })
}
