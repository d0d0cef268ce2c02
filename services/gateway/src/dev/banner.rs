//! What `kabao dev` says when it is up.

use std::fmt;

use super::demo::ACCOUNTS;
use super::{Content, Dev};

/// Addresses, files and commands to copy; `Display` ends in a line break.
#[derive(Debug)]
pub struct Banner<'a>(&'a Dev);

impl<'a> Banner<'a> {
    pub(super) fn new(dev: &'a Dev) -> Self {
        Self(dev)
    }
}

impl fmt::Display for Banner<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(dev) = self;
        let grpc = dev.gateway.grpc();
        writeln!(f, "kabao {}", env!("CARGO_PKG_VERSION"))?;
        writeln!(f)?;
        writeln!(f, "  gRPC      {grpc} (plain text, reflection on)")?;
        writeln!(f, "  admin     http://{}/metrics", dev.gateway.admin())?;
        writeln!(f, "  sandbox   {}", dev.sandbox.base_url())?;
        writeln!(f, "  control   http://{}/", dev.sandbox.control_addr())?;
        if let Some(files) = dev.sandbox.files() {
            writeln!(f, "  files     {}", files.display())?;
        }
        writeln!(f)?;
        writeln!(f, "Accounts:")?;
        for account in dev.sandbox.accounts() {
            writeln!(f, "  {}  {}", account.name, account.family)?;
        }
        writeln!(f)?;
        if dev.content == Content::Empty {
            return writeln!(
                f,
                r#"There are no templates and members yet. What an account can do:

grpcurl -plaintext -d '{{"name":"accounts/demo-merchant"}}' \
  {grpc} kabao.v1.AccountService/GetAccount"#
            );
        }
        writeln!(f, "Read the demo members:")?;
        for demo in &ACCOUNTS {
            let name = format!(
                "accounts/{}/templates/{}/members/{}",
                demo.account, demo.card_id, demo.code
            );
            let openid = demo
                .openid
                .map(|openid| format!(r#","openid":"{openid}""#))
                .unwrap_or_default();
            writeln!(f)?;
            writeln!(
                f,
                r#"grpcurl -plaintext -d '{{"name":"{name}"{openid}}}' \
  {grpc} kabao.v1.MemberService/GetMember"#
            )?;
        }
        Ok(())
    }
}
