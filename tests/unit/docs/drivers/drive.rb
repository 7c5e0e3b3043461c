# As drive.py says.

require File.expand_path(ARGV.shift)

$stdin.each_line(chomp: true) do |line|
  secret, lines, body = line.split("\t", -1).map { |each| each.unpack1("m0") }
  headers = lines.force_encoding("UTF-8").split("\n").to_h { |each| each.split(": ", 2) }
  begin
    Webhook.verify(secret, headers, body)
    puts "verified"
  rescue Webhook::NotVerified
    puts "refused"
  rescue ArgumentError
    puts "unusable"
  end
end
