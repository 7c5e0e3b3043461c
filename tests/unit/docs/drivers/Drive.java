import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.Base64;
import java.util.HashMap;
import java.util.Map;

/** As drive.py says. */
public final class Drive {
    public static void main(String[] arguments) throws Exception {
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, UTF_8));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            String[] fields = line.split("\t", -1);
            Map<String, String> headers = new HashMap<>();
            for (String each : new String(decoded(fields[1]), UTF_8).split("\n")) {
                String[] pair = each.split(": ", 2);
                if (pair.length == 2) {
                    headers.put(pair[0], pair[1]);
                }
            }
            try {
                Verify.verify(new String(decoded(fields[0]), UTF_8), headers::get, decoded(fields[2]));
                System.out.println("verified");
            } catch (Verify.NotVerifiedException refused) {
                System.out.println("refused");
            } catch (IllegalArgumentException unusable) {
                System.out.println("unusable");
            }
        }
    }

    private static byte[] decoded(String text) {
        return Base64.getDecoder().decode(text);
    }
}
