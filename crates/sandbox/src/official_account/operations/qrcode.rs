//! QR codes that bring a card to whoever scans them.

use kabao_models::official_account::QrActionName;
use kabao_models::official_account::qrcode::{
    CreateQrcode, CreateQrcodeResponse, QrcodeCard, QrcodeListedCard,
};
use kabao_models::{Personal, Secret};

use crate::official_account::{Context, Core, Refused};
use crate::official_account::{NewQrCode, Scene};

pub(super) fn create(
    core: &mut Core,
    context: &Context<'_>,
    request: CreateQrcode,
) -> Result<CreateQrcodeResponse, Refused> {
    let info = request.action_info.ok_or(Refused::ActionInfo)?;
    let scenes = match request.action_name {
        Some(QrActionName::QrCard) => vec![scene(info.card.ok_or(Refused::ActionInfo)?)],
        Some(QrActionName::QrMultipleCard) => {
            let list = info
                .multiple_card
                .and_then(|cards| cards.card_list)
                .ok_or(Refused::ActionInfo)?;
            list.into_iter().map(listed).collect()
        }
        _ => return Err(Refused::ActionInfo),
    };
    let new = NewQrCode {
        scenes,
        expire_seconds: request.expire_seconds,
    };
    let made = core.create_qrcode(context, new)?;
    Ok(CreateQrcodeResponse {
        ticket: Some(Secret::new(made.ticket)),
        expire_seconds: Some(made.expire_seconds),
        url: Some(made.url),
        show_qrcode_url: Some(made.show_qrcode_url),
        ..CreateQrcodeResponse::default()
    })
}

/// An empty text is not given: SDKs send every member that they know.
fn given(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}

fn scene(card: QrcodeCard) -> Scene {
    Scene {
        card_id: card.card_id.unwrap_or_default(),
        code: given(card.code.map(Personal::into_exposed)),
        openid: given(card.openid.map(Personal::into_exposed)),
        is_unique_code: card.is_unique_code == Some(true),
        outer_id: card.outer_id,
        outer_str: given(card.outer_str),
    }
}

fn listed(card: QrcodeListedCard) -> Scene {
    Scene {
        card_id: card.card_id.unwrap_or_default(),
        code: given(card.code.map(Personal::into_exposed)),
        openid: given(card.openid.map(Personal::into_exposed)),
        is_unique_code: card.is_unique_code == Some(true),
        outer_id: card.outer_id,
        outer_str: given(card.outer_str),
    }
}
