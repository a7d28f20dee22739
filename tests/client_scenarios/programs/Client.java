// A client with one habit, named by its argument; without one it is correct.
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.UUID;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

public class Client {
    static final String URL = System.getenv("RUNA_BASE_URL");
    static final HttpClient HTTP =
        HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    static final Pattern ID = Pattern.compile("\"id\":\\s*\"(O-[0-9A-Z]{26})\"");
    static String habit;

    public static void main(String[] arguments) throws Exception {
        habit = arguments.length > 0 ? arguments[0] : "careful";
        String id = place();
        while (!habit.equals("never-reads")) {
            try {
                HttpResponse<String> read = send(request("/order/" + id));
                if (read.body().contains("COMPLETED")) break;
                if (read.body().contains("FAILED")) {
                    if (habit.equals("ignores-failed")) break;
                    fail("the order failed");
                }
                if (read.statusCode() / 100 == 4 && read.statusCode() != 429) fail("refused");
            } catch (IOException error) {
                // Read again.
            }
            Thread.sleep(500);
        }
        System.exit(0);
    }

    static String place() throws Exception {
        String key = UUID.randomUUID().toString();
        for (int attempt = 0; attempt < 6; attempt++) {
            String text = habit.equals("changed-body") ? "attempt " + attempt : "order";
            String body =
                "{\"payment_method\":{\"type\":\"ACCOUNT_BALANCE\",\"currency\":\"USD\"},\"items\":["
                    + "{\"face_value\":10,\"distribution_method\":{\"type\":\"PAYOUT_LINK\"},"
                    + "\"products\":{\"type\":\"SINGLE\",\"value\":\"1800FL-US\"}}],"
                    + "\"description\":\"" + text + "\"}";
            HttpResponse<String> answer;
            try {
                answer = send(request("/order").header("X-Idempotency-Key", key)
                    .header("Content-Type", "application/json").POST(BodyPublishers.ofString(body)));
            } catch (IOException error) {
                if (habit.equals("no-retry")) fail("no response");
                if (habit.equals("new-key")) key = UUID.randomUUID().toString();
                continue;
            }
            int status = answer.statusCode();
            Matcher found = ID.matcher(answer.body());
            if (status < 300 && found.find()) return found.group(1);
            if (status == 429) {
                String wait = System.getenv().getOrDefault("WAIT_429", "0.5");
                Thread.sleep((long) (Double.parseDouble(wait) * 1000));
            } else if (status < 500) {
                fail("refused: " + status);
            }
        }
        return fail("gave up");
    }

    static HttpRequest.Builder request(String path) {
        HttpRequest.Builder made = HttpRequest.newBuilder(URI.create(URL + path))
            .header("X-Api-Key", System.getenv("RUNA_API_KEY"))
            .header("X-Api-Version", "2024-02-05");
        return habit.equals("no-timeout") ? made : made.timeout(Duration.ofMillis(2500));
    }

    static HttpResponse<String> send(HttpRequest.Builder request) throws Exception {
        return HTTP.send(request.build(), BodyHandlers.ofString());
    }

    static String fail(String reason) {
        System.out.println(reason);
        System.exit(1);
        return null;
    }
}
