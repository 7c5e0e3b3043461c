<?php

// As drive.py says.

declare(strict_types=1);

require $argv[1];

while (($line = fgets(STDIN)) !== false) {
    [$secret, $lines, $body] = array_map('base64_decode', explode("\t", rtrim($line, "\n")));
    $headers = [];
    foreach (array_filter(explode("\n", $lines)) as $each) {
        [$name, $value] = explode(': ', $each, 2);
        $headers[$name] = $value;
    }
    try {
        verify_webhook($secret, $headers, $body);
        echo "verified\n";
    } catch (WebhookNotVerified) {
        echo "refused\n";
    } catch (InvalidArgumentException) {
        echo "unusable\n";
    }
}
