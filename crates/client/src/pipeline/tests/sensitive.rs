//! Fields that travel encrypted.

use kabao_auth::{PrivateKey, PublicKey};
use kabao_models::Sensitive;
use kabao_models::brand::user_cards::UpdateUserCard;

use super::*;

#[tokio::test(start_paused = true)]
async fn sensitive_fields_are_encrypted_on_the_way_up_and_decrypted_on_the_way_down() {
    let (transport, sent) = answering(|_| {
        let merchant = PublicKey::from_pem(key("merchant", "public_key_pem")).unwrap();
        let phone = merchant.encrypt("13800000417".as_bytes()).unwrap();
        Ok(signed(
            200,
            &format!(
                r#"{{"phone_number":"{phone}","user_information":{{"common_field_list":[{{"name":"USER_FORM_FLAG_NAME","value":"林间"}}]}}}}"#
            ),
        ))
    });
    let mut request =
        UpdateUserCard::new("478515832665", "1004", "p1", "obLatjnx9gnqzS4myYGmLZ7LgLBA");
    request.phone_number = Some(Sensitive::plain("13800000417"));
    let card = call(&brand(transport), &context(), request).await.unwrap();
    assert_eq!(card.phone_number, Some(Sensitive::plain("13800000417")));
    // What is no ciphertext for our key stays as it was received.
    let fields = card.user_information.unwrap().common_field_list.unwrap();
    assert_eq!(fields[0].value, Some(Sensitive::encrypted("林间")));

    let sent = sent.lock().unwrap();
    assert_eq!(
        sent[0].headers["wechatpay-serial"],
        key("wechatpay_public_key", "id")
    );
    let body: serde_json::Value = serde_json::from_slice(&sent[0].body).unwrap();
    let ciphertext = body["phone_number"].as_str().unwrap();
    let wechat = PrivateKey::from_pem(key("wechatpay_public_key", "private_key_pem")).unwrap();
    assert_eq!(
        wechat.decrypt(ciphertext).unwrap().to_str().unwrap(),
        "13800000417"
    );
}
