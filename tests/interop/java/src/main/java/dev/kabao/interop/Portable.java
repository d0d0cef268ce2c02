package dev.kabao.interop;

import com.google.gson.JsonObject;
import com.google.protobuf.Any;
import com.google.protobuf.FieldMask;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.rpc.ErrorInfo;
import com.google.rpc.RequestInfo;
import com.google.rpc.Status;
import dev.kabao.v1.GetMemberRequest;
import dev.kabao.v1.GetTemplateRequest;
import dev.kabao.v1.Member;
import dev.kabao.v1.MemberServiceGrpc;
import dev.kabao.v1.Template;
import dev.kabao.v1.TemplateServiceGrpc;
import dev.kabao.v1.UpdateMemberRequest;
import dev.kabao.v1.UpdateTemplateRequest;
import io.grpc.Channel;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Reads and changes a template and a member of each family with the same code. */
final class Portable {
  /** One account of the demo data; the openid is needed by brand only. */
  private record Family(String name, String account, String card, String code, String openid) {
    String template() {
      return "accounts/" + account + "/templates/" + card;
    }

    String member() {
      return template() + "/members/" + code;
    }
  }

  private static final List<Family> FAMILIES =
      List.of(
          new Family("merchant", "demo-merchant", "pbLatjvWOibDc5-TBnbUk1pD12o0", "478515832665", ""),
          new Family(
              "brand",
              "demo-brand",
              "pbLatjvWOibDc5-TBnbUk1pD12o0",
              "478515832665",
              "obLatjnx9gnqzS4myYGmLZ7LgLBA"),
          new Family(
              "official_account",
              "demo-official-account",
              "ph_gmt7cUVrlRk8swPwx7aDyF-pg",
              "916679873278",
              ""));

  private Portable() {}

  static JsonObject everyFamily(Channel channel, String run) {
    JsonObject seen = new JsonObject();
    for (Family family : FAMILIES) {
      JsonObject both = new JsonObject();
      both.add("template", template(channel, family, run));
      both.add("member", member(channel, family, run));
      seen.add(family.name(), both);
    }
    return seen;
  }

  private static JsonObject template(Channel channel, Family family, String run) {
    var client = TemplateServiceGrpc.newBlockingStub(channel).withDeadlineAfter(10, TimeUnit.SECONDS);
    var query = GetTemplateRequest.newBuilder().setName(family.template()).build();
    JsonObject seen = new JsonObject();
    seen.add("before", Main.asJson(client.getTemplate(query)));
    seen.add(
        "changed",
        Main.asJson(
            client.updateTemplate(
                UpdateTemplateRequest.newBuilder()
                    .setTemplate(
                        Template.newBuilder()
                            .setName(family.template())
                            .setServicePhone("020-" + run))
                    .setUpdateMask(FieldMask.newBuilder().addPaths("service_phone"))
                    .setRequestId("t-" + family.account() + "-" + run)
                    .build())));
    seen.add("after", Main.asJson(client.getTemplate(query)));
    return seen;
  }

  private static JsonObject member(Channel channel, Family family, String run) {
    var client = MemberServiceGrpc.newBlockingStub(channel).withDeadlineAfter(10, TimeUnit.SECONDS);
    var query = GetMemberRequest.newBuilder().setName(family.member()).setOpenid(family.openid()).build();
    var change = Member.newBuilder().setName(family.member());
    var mask = FieldMask.newBuilder();
    if (family.name().equals("official_account")) {
      change.setBackgroundPictureUrl("https://mmbiz.qlogo.cn/mmbiz/" + run + "/0");
      mask.addPaths("background_picture_url");
    } else {
      change.setLevel("L" + run.substring(run.length() - 4));
      mask.addPaths("level");
    }
    JsonObject seen = new JsonObject();
    seen.add("before", Main.asJson(client.getMember(query)));
    seen.add(
        "changed",
        Main.asJson(
            client.updateMember(
                UpdateMemberRequest.newBuilder()
                    .setMember(change)
                    .setUpdateMask(mask)
                    .setRequestId("m-" + family.account() + "-" + run)
                    .setOpenid(family.openid())
                    .build())));
    seen.add("after", Main.asJson(client.getMember(query)));
    return seen;
  }

  /** Shows what a program can read from a refusal. */
  static JsonObject unknownAccount(Channel channel) {
    try {
      TemplateServiceGrpc.newBlockingStub(channel)
          .withDeadlineAfter(10, TimeUnit.SECONDS)
          .getTemplate(
              GetTemplateRequest.newBuilder().setName("accounts/nobody/templates/none").build());
    } catch (StatusRuntimeException refused) {
      return details(StatusProto.fromThrowable(refused));
    }
    throw new IllegalStateException("an unknown account has a template");
  }

  private static JsonObject details(Status status) {
    JsonObject seen = new JsonObject();
    seen.addProperty("code", status.getCode());
    try {
      for (Any detail : status.getDetailsList()) {
        if (detail.is(ErrorInfo.class)) {
          ErrorInfo info = detail.unpack(ErrorInfo.class);
          seen.addProperty("reason", info.getReason());
          seen.addProperty("domain", info.getDomain());
        } else if (detail.is(RequestInfo.class)) {
          seen.addProperty("request_id", detail.unpack(RequestInfo.class).getRequestId());
        }
      }
    } catch (InvalidProtocolBufferException malformed) {
      throw new IllegalStateException(malformed);
    }
    return seen;
  }
}
