import static java.nio.charset.StandardCharsets.UTF_8;

import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.time.Duration;
import java.time.Instant;
import java.util.Base64;
import java.util.function.UnaryOperator;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/** Verifies webhook requests signed as Standard Webhooks says. Needs nothing but Java 11. */
public final class Verify {
    private static final Duration TOLERANCE = Duration.ofMinutes(5);

    /** Answer 401, and do nothing else with the request. */
    public static final class NotVerifiedException extends Exception {
        private NotVerifiedException(String message) {
            super(message);
        }
    }

    private Verify() {}

    /**
     * Returns if the request was signed with this secret, is unchanged and was sent just now.
     *
     * @param secret {@code whsec_…}
     * @param header finds a header by its name, or null, as {@code request::getHeader} does
     * @param body the bytes as they came
     */
    public static void verify(String secret, UnaryOperator<String> header, byte[] body)
            throws NotVerifiedException, GeneralSecurityException {
        String id = header.apply("webhook-id");
        String timestamp = header.apply("webhook-timestamp");
        String signatures = header.apply("webhook-signature");
        if (id == null || timestamp == null || signatures == null) {
            throw new NotVerifiedException("not signed");
        }
        if (!timestamp.matches("[0-9]{1,12}")
                || Duration.between(Instant.ofEpochSecond(Long.parseLong(timestamp)), Instant.now())
                                .abs()
                                .compareTo(TOLERANCE)
                        > 0) {
            throw new NotVerifiedException("too old, or from the future");
        }
        Mac mac = Mac.getInstance("HmacSHA256");
        mac.init(new SecretKeySpec(key(secret), "HmacSHA256"));
        mac.update((id + "." + timestamp + ".").getBytes(UTF_8));
        byte[] expected = ("v1," + Base64.getEncoder().encodeToString(mac.doFinal(body))).getBytes(UTF_8);
        // There are several while a secret is being changed: one that fits is enough.
        for (String given : signatures.split(" ")) {
            if (MessageDigest.isEqual(given.getBytes(UTF_8), expected)) {
                return;
            }
        }
        throw new NotVerifiedException("no signature fits");
    }

    private static byte[] key(String secret) {
        byte[] key = secret.startsWith("whsec_")
                ? Base64.getDecoder().decode(secret.substring("whsec_".length()))
                : new byte[0];
        if (key.length < 24) {
            throw new IllegalArgumentException("the secret is not whsec_ and base64");
        }
        return key;
    }
}
