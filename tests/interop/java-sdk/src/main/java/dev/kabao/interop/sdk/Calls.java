package dev.kabao.interop.sdk;

import com.google.gson.JsonObject;
import com.wechat.pay.java.core.http.HttpClient;
import com.wechat.pay.java.core.http.HttpHeaders;
import com.wechat.pay.java.core.http.JsonRequestBody;

/** JSON calls through the SDK's client: membership cards have no service of their own in it. */
final class Calls {
  private static final String SERVER = "https://api.mch.weixin.qq.com";

  private final HttpClient client;

  Calls(HttpClient client) {
    this.client = client;
  }

  JsonObject get(String path) {
    return client.get(headers(), SERVER + path, JsonObject.class).getServiceResponse();
  }

  JsonObject post(String path, JsonObject body) {
    return client.post(headers(), SERVER + path, json(body), JsonObject.class).getServiceResponse();
  }

  /** The serial number names the key that sensitive members of the body are encrypted with. */
  HttpHeaders patch(String path, JsonObject body, String serial) {
    HttpHeaders headers = headers();
    headers.addHeader("Wechatpay-Serial", serial);
    return client.patch(headers, SERVER + path, json(body), JsonObject.class).getHeaders();
  }

  private static HttpHeaders headers() {
    HttpHeaders headers = new HttpHeaders();
    headers.addHeader("Accept", "application/json");
    headers.addHeader("Content-Type", "application/json");
    return headers;
  }

  private static JsonRequestBody json(JsonObject body) {
    return new JsonRequestBody.Builder().body(body.toString()).build();
  }
}
