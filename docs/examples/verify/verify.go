// Package webhook verifies webhook requests signed as Standard Webhooks says, with the standard library alone.
package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Tolerance is how far a request's time may be from ours.
const Tolerance = 5 * time.Minute

// ErrNotVerified: answer 401, and do nothing else with the request.
var ErrNotVerified = errors.New("webhook: not verified")

// Verify returns nil if the request was signed with secret, is unchanged and was sent just now.
// The body is the bytes as they came.
func Verify(secret string, header http.Header, body []byte) error {
	key, err := keyOf(secret)
	if err != nil {
		return err
	}
	timestamp := header.Get("webhook-timestamp")
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil || time.Since(time.Unix(seconds, 0)).Abs() > Tolerance {
		return ErrNotVerified
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(header.Get("webhook-id") + "." + timestamp + "."))
	mac.Write(body)
	expected := []byte("v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	// There are several while a secret is being changed: one that fits is enough.
	for _, given := range strings.Split(header.Get("webhook-signature"), " ") {
		if hmac.Equal([]byte(given), expected) {
			return nil
		}
	}
	return ErrNotVerified
}

func keyOf(secret string) ([]byte, error) {
	encoded, found := strings.CutPrefix(secret, "whsec_")
	key, err := base64.StdEncoding.DecodeString(encoded)
	if !found || err != nil || len(key) < 24 {
		return nil, errors.New("webhook: the secret is not whsec_ and base64")
	}
	return key, nil
}
