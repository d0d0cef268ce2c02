package dev.kabao.interop.mp;

import com.google.gson.Gson;
import com.google.gson.JsonObject;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;
import me.chanjar.weixin.common.util.http.apache.DefaultApacheHttpClientBuilder;
import me.chanjar.weixin.mp.api.WxMpService;
import me.chanjar.weixin.mp.api.impl.WxMpServiceImpl;
import me.chanjar.weixin.mp.config.WxMpHostConfig;
import me.chanjar.weixin.mp.config.impl.WxMpDefaultConfigImpl;
import org.apache.http.conn.ssl.SSLConnectionSocketFactory;

/**
 * The sandbox as this program finds it: the files of an account, and the SDK's own setting for another host. Certificate
 * and name are checked.
 */
final class Sandbox {
  private Sandbox() {}

  static WxMpService service(Path directory, String address)
      throws IOException, GeneralSecurityException {
    Path folder = directory.resolve("demo-official-account");
    var settings =
        new Gson().fromJson(Files.readString(folder.resolve("account.json")), JsonObject.class);
    var http = DefaultApacheHttpClientBuilder.get();
    http.sslConnectionSocketFactory(
        new SSLConnectionSocketFactory(trusting(directory.resolve("ca.pem"))));
    var config = new WxMpDefaultConfigImpl();
    config.setAppId(settings.get("appid").getAsString());
    config.setSecret(settings.get("app_secret").getAsString());
    config.setHostConfig(WxMpHostConfig.builder().apiHost("https://" + address).build());
    config.setApacheHttpClientBuilder(http);
    WxMpService service = new WxMpServiceImpl();
    service.setWxMpConfigStorage(config);
    return service;
  }

  /** Writes the sandbox's authority as a file that the JVM can be told to trust. */
  static void storeAuthority(Path ca, Path file, String password)
      throws IOException, GeneralSecurityException {
    try (OutputStream out = Files.newOutputStream(file)) {
      authority(ca).store(out, password.toCharArray());
    }
  }

  private static SSLContext trusting(Path ca) throws IOException, GeneralSecurityException {
    var factory = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    factory.init(authority(ca));
    SSLContext tls = SSLContext.getInstance("TLS");
    tls.init(null, factory.getTrustManagers(), null);
    return tls;
  }

  private static KeyStore authority(Path ca) throws IOException, GeneralSecurityException {
    KeyStore store = KeyStore.getInstance("PKCS12");
    store.load(null, null);
    try (InputStream pem = Files.newInputStream(ca)) {
      store.setCertificateEntry(
          "ca", CertificateFactory.getInstance("X.509").generateCertificate(pem));
    }
    return store;
  }
}
