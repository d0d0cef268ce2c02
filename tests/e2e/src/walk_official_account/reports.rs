//! The figures of the day before.

use serde_json::json;

use crate::walk::Walk;

/// Today becomes yesterday, whose figures can be read. The gateway's token ran out on the way.
pub(super) async fn figures(walk: &mut Walk<'_>, card_id: &str) {
    let clock = json!({"advance_seconds": 86_400});
    walk.world().order("POST", "/clock", &clock).await;
    let (begin, end) = ("2029-06-01", "2029-06-01");
    // Recorded answers have no `errcode`, the documents have.
    let settings = json!({"official_account": {"datacube_errcode": true}});
    walk.world().order("PATCH", "/settings", &settings).await;
    let all = json!({"begin_date": begin, "end_date": end, "cond_source": 1});
    let id = "official_account.datacube.member_card_info";
    let answer = walk.call(id, all).await;
    assert_eq!(answer["list"][0]["ref_date"], begin);
    assert_eq!(answer["list"][0]["receive_cnt"], 4);

    let one = json!({"begin_date": begin, "end_date": end, "card_id": card_id});
    let id = "official_account.datacube.member_card_detail";
    let answer = walk.call(id, one).await;
    assert_eq!(answer["list"][0]["cardid"], card_id);
    assert_eq!(answer["list"][0]["receive_user"], 1);
}
