package dev.kabao.interop.sdk;

import com.google.gson.Gson;
import com.google.gson.JsonObject;
import com.wechat.pay.java.core.Config;
import com.wechat.pay.java.core.RSAAutoCertificateConfig;
import com.wechat.pay.java.core.RSAPublicKeyConfig;
import com.wechat.pay.java.core.http.DefaultHttpClientBuilder;
import com.wechat.pay.java.core.http.HttpClient;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Proxy;
import java.net.Socket;
import java.net.SocketAddress;
import java.net.UnknownHostException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.time.Duration;
import java.util.List;
import javax.net.SocketFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509TrustManager;
import okhttp3.OkHttpClient;

/**
 * The sandbox as this program finds it: its files, and sockets that take the place of a hosts entry. The SDK itself is
 * unchanged: it talks to https://api.mch.weixin.qq.com and checks certificate and name.
 */
final class Sandbox {
  private static final String WECHAT_PAY = "api.mch.weixin.qq.com";

  private final Path directory;
  private final OkHttpClient connections;

  Sandbox(Path directory, String address) throws IOException, GeneralSecurityException {
    this.directory = directory;
    int colon = address.lastIndexOf(':');
    var sandbox =
        new InetSocketAddress(
            address.substring(0, colon), Integer.parseInt(address.substring(colon + 1)));
    X509TrustManager trust = trust(directory.resolve("ca.pem"));
    SSLContext tls = SSLContext.getInstance("TLS");
    tls.init(null, new X509TrustManager[] {trust}, null);
    connections =
        new OkHttpClient.Builder()
            .callTimeout(Duration.ofSeconds(15))
            .proxy(Proxy.NO_PROXY)
            .dns(name -> resolve(name, sandbox))
            .socketFactory(new Redirecting(sandbox))
            .sslSocketFactory(tls.getSocketFactory(), trust)
            .build();
  }

  /** What one account's folder holds, and clients of the SDK for it. */
  final class Account {
    private final Path folder;
    private final JsonObject settings;

    Account(String name) throws IOException {
      folder = directory.resolve(name);
      settings = new Gson().fromJson(Files.readString(folder.resolve("account.json")), JsonObject.class);
    }

    String setting(String name) {
      return settings.get(name).getAsString();
    }

    /** Verifies and encrypts with WeChat Pay's public key. */
    Config publicKeyConfig() {
      return new RSAPublicKeyConfig.Builder()
          .merchantId(setting("mchid"))
          .merchantSerialNumber(setting("serial_no"))
          .privateKeyFromPath(folder.resolve("apiclient_key.pem").toString())
          .publicKeyId(setting("public_key_id"))
          .publicKeyFromPath(folder.resolve("pub_key.pem").toString())
          .apiV3Key(setting("apiv3_key"))
          .build();
    }

    /** Downloads WeChat Pay's certificates with the SDK's own downloader, and trusts those. */
    Config certificateConfig() {
      return new RSAAutoCertificateConfig.Builder()
          .merchantId(setting("mchid"))
          .merchantSerialNumber(setting("serial_no"))
          .privateKeyFromPath(folder.resolve("apiclient_key.pem").toString())
          .apiV3Key(setting("apiv3_key"))
          .httpClientBuilder(new DefaultHttpClientBuilder().okHttpClient(connections))
          .build();
    }
  }

  HttpClient client(Config config) {
    return new DefaultHttpClientBuilder().config(config).okHttpClient(connections).build();
  }

  private static List<InetAddress> resolve(String name, InetSocketAddress sandbox)
      throws UnknownHostException {
    if (!name.equals(WECHAT_PAY)) {
      throw new UnknownHostException(name + " is not the sandbox");
    }
    return List.of(sandbox.getAddress());
  }

  private static X509TrustManager trust(Path ca) throws IOException, GeneralSecurityException {
    KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
    store.load(null, null);
    try (InputStream pem = Files.newInputStream(ca)) {
      store.setCertificateEntry(
          "ca", CertificateFactory.getInstance("X.509").generateCertificate(pem));
    }
    TrustManagerFactory factory =
        TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    factory.init(store);
    return (X509TrustManager) factory.getTrustManagers()[0];
  }

  /** Makes sockets that connect to the sandbox, whatever port is asked for. */
  private static final class Redirecting extends SocketFactory {
    private final InetSocketAddress sandbox;

    Redirecting(InetSocketAddress sandbox) {
      this.sandbox = sandbox;
    }

    @Override
    public Socket createSocket() {
      return new Socket() {
        @Override
        public void connect(SocketAddress ignored, int timeout) throws IOException {
          super.connect(sandbox, timeout);
        }
      };
    }

    @Override
    public Socket createSocket(String host, int port) {
      throw new UnsupportedOperationException();
    }

    @Override
    public Socket createSocket(String host, int port, InetAddress local, int localPort) {
      throw new UnsupportedOperationException();
    }

    @Override
    public Socket createSocket(InetAddress host, int port) {
      throw new UnsupportedOperationException();
    }

    @Override
    public Socket createSocket(InetAddress host, int port, InetAddress local, int localPort) {
      throw new UnsupportedOperationException();
    }
  }
}
