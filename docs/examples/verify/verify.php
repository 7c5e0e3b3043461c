<?php

// Verify a webhook request signed as Standard Webhooks says. Needs nothing but PHP.

declare(strict_types=1);

const WEBHOOK_TOLERANCE_S = 5 * 60;

/** Answer 401, and do nothing else with the request. */
final class WebhookNotVerified extends RuntimeException
{
}

/**
 * Throw WebhookNotVerified unless the request was signed with $secret, is unchanged and was sent just now.
 *
 * @param array<string, string> $headers by name in any case, as from getallheaders()
 * @param string $body the bytes as they came, as from file_get_contents('php://input')
 */
function verify_webhook(string $secret, array $headers, string $body): void
{
    $headers = array_change_key_case($headers, CASE_LOWER);
    $id = $headers['webhook-id'] ?? '';
    $timestamp = $headers['webhook-timestamp'] ?? '';
    $signatures = $headers['webhook-signature'] ?? '';
    if (!preg_match('/^[0-9]{1,12}$/D', $timestamp) || abs(time() - (int) $timestamp) > WEBHOOK_TOLERANCE_S) {
        throw new WebhookNotVerified('too old, or from the future');
    }
    $mac = hash_hmac('sha256', "{$id}.{$timestamp}.{$body}", webhook_key($secret), true);
    $expected = 'v1,' . base64_encode($mac);
    // There are several while a secret is being changed: one that fits is enough.
    foreach (explode(' ', $signatures) as $given) {
        if (hash_equals($expected, $given)) {
            return;
        }
    }
    throw new WebhookNotVerified('no signature fits');
}

function webhook_key(string $secret): string
{
    $key = str_starts_with($secret, 'whsec_') ? base64_decode(substr($secret, strlen('whsec_')), true) : false;
    if ($key === false || strlen($key) < 24) {
        throw new InvalidArgumentException('the secret is not whsec_ and base64');
    }
    return $key;
}
