package dev.kabao.interop.sdk;

import com.google.gson.JsonObject;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * Reads one member over and over, as it is told on standard input.
 *
 * <p>{@code Bench SANDBOX_DIRECTORY HOST:PORT} answers {@code run read IN_FLIGHT MILLISECONDS} with {@code ran CALLS
 * SECONDS}. The package tests/bench asks.
 */
public final class Bench {
  /** The threads live on: the time of those that have ended could not be read. */
  private static final ExecutorService CALLERS = Executors.newFixedThreadPool(64);

  private Bench() {}

  public static void main(String[] arguments) throws Exception {
    var sandbox = new Sandbox(Path.of(arguments[0]), arguments[1]);
    Sandbox.Account account = sandbox.new Account("demo-merchant");
    Calls calls = new Calls(sandbox.client(account.publicKeyConfig()));
    System.out.println("ready");
    var questions = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String question = questions.readLine();
        question != null;
        question = questions.readLine()) {
      String[] words = question.split(" ");
      System.out.println(run(calls, Integer.parseInt(words[2]), Long.parseLong(words[3])));
    }
    // The SDK keeps threads for its connections.
    System.exit(0);
  }

  private static String run(Calls calls, int inFlight, long milliseconds) throws Exception {
    long started = System.nanoTime();
    long ends = started + milliseconds * 1_000_000;
    Callable<Long> repeat =
        () -> {
          long count = 0;
          while (System.nanoTime() < ends) {
            JsonObject member = calls.get(Merchant.MEMBER);
            if (!member.get("code").getAsString().equals(Merchant.CODE)) {
              throw new IllegalStateException("another member");
            }
            count++;
          }
          return count;
        };
    List<Callable<Long>> all = Collections.nCopies(inFlight, repeat);
    long sum = 0;
    for (Future<Long> count : CALLERS.invokeAll(all)) {
      sum += count.get();
    }
    return "ran " + sum + " " + (System.nanoTime() - started) / 1e9;
  }
}
