package dev.kabao.interop;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.google.protobuf.MessageOrBuilder;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;

/** The life of one card: what the gateway answers, and what users and reviewers do through the control API. */
final class Story {
  private final HttpClient http = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
  private final String control;
  private final String account;
  private final JsonObject seen = new JsonObject();

  Story(String control, String account) {
    this.control = control;
    this.account = account;
  }

  /** The account as requests spell it. */
  String name() {
    return "accounts/" + account;
  }

  /** A member in the words of the portable API. */
  String member(String card, String code) {
    return name() + "/templates/" + card + "/members/" + code;
  }

  /** Keeps an answer under the name of the step. */
  void tell(String step, MessageOrBuilder answer) {
    seen.add(step, Main.asJson(answer));
  }

  /** What was seen, by step. */
  JsonObject end() {
    return seen;
  }

  /** WeChat's reviewers accept a template. */
  void approve(String card) {
    act("/templates/approve", order(card));
  }

  /** A user takes a card, which then waits for the merchant; returns its code. */
  String claim(String card, String openid) {
    JsonObject order = order(card);
    order.addProperty("openid", openid);
    order.addProperty("activated", false);
    JsonObject member = act("/cards/claim", order).getAsJsonObject("member");
    String name = member.has("code") ? "code" : "user_card_code";
    return member.get(name).getAsString();
  }

  private JsonObject order(String card) {
    JsonObject order = new JsonObject();
    order.addProperty("account", account);
    order.addProperty("card_id", card);
    return order;
  }

  private JsonObject act(String path, JsonObject order) {
    var request =
        HttpRequest.newBuilder(URI.create("http://" + control + path))
            .timeout(Duration.ofSeconds(10))
            .header("Content-Type", "application/json")
            .POST(BodyPublishers.ofString(order.toString()))
            .build();
    try {
      var response = http.send(request, BodyHandlers.ofString());
      if (response.statusCode() != 200) {
        throw new IllegalStateException(path + ": " + response.statusCode() + " " + response.body());
      }
      return JsonParser.parseString(response.body()).getAsJsonObject();
    } catch (IOException | InterruptedException failure) {
      throw new IllegalStateException("POST " + path, failure);
    }
  }
}
