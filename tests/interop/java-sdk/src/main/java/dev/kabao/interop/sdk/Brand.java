package dev.kabao.interop.sdk;

import com.google.gson.JsonObject;
import com.wechat.pay.java.core.Config;
import com.wechat.pay.java.core.cipher.PrivacyEncryptor;
import com.wechat.pay.java.core.http.FileRequestBody;
import com.wechat.pay.java.core.http.HttpHeaders;
import com.wechat.pay.java.core.util.ShaUtil;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import javax.imageio.ImageIO;

/** A service provider's template and member of the family brand. */
final class Brand {
  private static final String UPLOAD =
      "https://api.mch.weixin.qq.com/v3/marketing/favor/media/image-upload";
  private static final String FAMILY = "/v3/brand/partner/card-member";
  private static final String CARD_ID = "pbLatjvWOibDc5-TBnbUk1pD12o0";
  private static final String CARD = FAMILY + "/cards/" + CARD_ID;
  private static final String MEMBER = FAMILY + "/user-cards/478515832665";
  private static final String OPENID = "obLatjnx9gnqzS4myYGmLZ7LgLBA";

  private final Sandbox sandbox;
  private final Sandbox.Account account;

  Brand(Sandbox sandbox, Sandbox.Account account) {
    this.sandbox = sandbox;
    this.account = account;
  }

  /**
   * A picture in the SDK's own multipart body, of which it signs the part {@code meta}. Its FileUploadService does the
   * same, but reads no {@code media_url} from the answer.
   */
  JsonObject upload() throws IOException {
    var picture = new ByteArrayOutputStream();
    ImageIO.write(new BufferedImage(8, 5, BufferedImage.TYPE_INT_RGB), "png", picture);
    JsonObject meta = new JsonObject();
    meta.addProperty("filename", "card.png");
    meta.addProperty("sha256", ShaUtil.getSha256HexString(picture.toByteArray()));
    var body =
        new FileRequestBody.Builder()
            .meta(meta.toString())
            .fileName("card.png")
            .file(picture.toByteArray())
            .build();
    HttpHeaders headers = new HttpHeaders();
    headers.addHeader("Accept", "*/*");
    headers.addHeader("Content-Type", "multipart/form-data");
    return sandbox
        .client(account.publicKeyConfig())
        .post(headers, UPLOAD, body, JsonObject.class)
        .getServiceResponse();
  }

  /** Changes template and member, with a phone number encrypted both ways, and ends the template. */
  JsonObject update(String run) {
    Config config = account.publicKeyConfig();
    Calls calls = new Calls(sandbox.client(config));
    PrivacyEncryptor encryptor = config.createEncryptor();
    String brandId = account.setting("brand_id");
    String query = CARD + "?brand_id=" + brandId;
    JsonObject seen = new JsonObject();
    seen.add("before", calls.get(query));
    JsonObject benefits = new JsonObject();
    benefits.addProperty("brand_id", brandId);
    benefits.addProperty("benefits", "java-sdk" + run);
    calls.patch(CARD, benefits, encryptor.getWechatpaySerial());
    seen.add("after", calls.get(query));

    String phone = "138" + run;
    JsonObject change = new JsonObject();
    change.addProperty("brand_id", brandId);
    change.addProperty("card_id", CARD_ID);
    change.addProperty("openid", OPENID);
    change.addProperty("level", "Gold");
    change.addProperty("phone_number", encryptor.encrypt(phone));
    calls.patch(MEMBER, change, encryptor.getWechatpaySerial());
    String owner = "?brand_id=" + brandId + "&card_id=" + CARD_ID + "&openid=" + OPENID;
    JsonObject member = calls.get(MEMBER + owner);
    String encrypted = member.get("phone_number").getAsString();
    member.addProperty("phone_number", config.createDecryptor().decrypt(encrypted));
    seen.add("member", member);
    seen.addProperty("phone", phone);

    JsonObject end = new JsonObject();
    end.addProperty("brand_id", brandId);
    seen.add("invalidated", calls.post(CARD + "/invalidate", end));
    return seen;
  }
}
