//! Reads and changes a member over gRPC, and tells errors apart by their reason.
//!
//! Start a gateway with `cargo run -- dev`, then:
//!
//! ```text
//! cargo run -p kabao-proto --features client --example first_call -- http://localhost:50051
//! ```

#![expect(clippy::print_stdout, reason = "an example talks to its reader")]

use kabao_proto::kabao::v1::member_service_client::MemberServiceClient;
use kabao_proto::kabao::v1::{GetMemberRequest, Member, UpdateMemberRequest};
use prost_types::FieldMask;
use tonic::transport::Endpoint;
use tonic_types::StatusExt;

const MEMBER: &str =
    "accounts/demo-merchant/templates/pbLatjvWOibDc5-TBnbUk1pD12o0/members/478515832665";

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let address = std::env::args().nth(1).ok_or("usage: first_call ADDRESS")?;
    let mut members = MemberServiceClient::new(Endpoint::from_shared(address)?.connect().await?);
    let changed = members
        .update_member(UpdateMemberRequest {
            member: Some(Member {
                name: MEMBER.to_owned(),
                level: "黄金会员".to_owned(),
                ..Member::default()
            }),
            update_mask: Some(FieldMask {
                paths: vec!["level".to_owned()],
            }),
            ..UpdateMemberRequest::default()
        })
        .await?;
    println!("level {}", changed.into_inner().level);

    let nobody = GetMemberRequest {
        name: "accounts/nobody/templates/x/members/1".to_owned(),
        ..GetMemberRequest::default()
    };
    if let Err(status) = members.get_member(nobody).await {
        // The reason is for programs, the message for people.
        let reason = status.get_details_error_info().map(|info| info.reason);
        println!("nobody: {}", reason.unwrap_or_default());
    }
    Ok(())
}
