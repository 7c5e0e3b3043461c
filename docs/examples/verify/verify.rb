# frozen_string_literal: true

require "openssl"

# Verifies webhook requests signed as Standard Webhooks says. Needs nothing but Ruby.
module Webhook
  TOLERANCE_S = 5 * 60

  # Answer 401, and do nothing else with the request.
  class NotVerified < StandardError; end

  # Raises NotVerified unless the request was signed with `secret`, is unchanged and was sent just now.
  # `headers` are found by lower-case name, as in Rails' `request.headers`; `body` is the bytes as they came.
  def self.verify(secret, headers, body)
    id, timestamp, signatures = %w[id timestamp signature].map { |name| headers["webhook-#{name}"].to_s }
    recent = timestamp.match?(/\A[0-9]{1,12}\z/) && (Time.now.to_i - timestamp.to_i).abs <= TOLERANCE_S
    raise NotVerified, "too old, or from the future" unless recent

    signed = "#{id}.#{timestamp}.".b + body.b
    expected = "v1," + [OpenSSL::HMAC.digest("SHA256", key(secret), signed)].pack("m0")
    # There are several while a secret is being changed: one that fits is enough.
    fits = signatures.split(" ").any? { |given| OpenSSL.secure_compare(given, expected) }
    raise NotVerified, "no signature fits" unless fits
  end

  def self.key(secret)
    key = secret.start_with?("whsec_") ? secret.delete_prefix("whsec_").unpack1("m0") : ""
    raise ArgumentError, "the secret is not whsec_ and base64" if key.bytesize < 24

    key
  end
  private_class_method :key
end
