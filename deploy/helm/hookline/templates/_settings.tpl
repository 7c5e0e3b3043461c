{{/* What pods are told by their environment. */}}

{{/* A value as text: Helm has read whole numbers as fractions. */}}
{{- define "hookline.text" -}}
{{- if kindIs "float64" . -}}{{ int64 . }}{{- else -}}{{ toString . }}{{- end -}}
{{- end }}

{{- define "hookline.durationMs" -}}
{{- $unit := get (dict "ms" 1 "s" 1000 "m" 60000 "h" 3600000) (regexFind "[a-z]+$" .) -}}
{{ mul (regexFind "^[0-9]+" . | int64) $unit }}
{{- end }}

{{/* A supervisor ends what has not drained 1.5 s after HOOKLINE_DRAIN_FOR, and not before 9.5 s. Five seconds more are
for the kubelet and a node that is busy. Takes the values and the seconds of a preStop. */}}
{{- define "hookline.graceSeconds" -}}
{{- $drained := max 9500 (add (include "hookline.durationMs" .values.drainFor | int64) 1500) -}}
{{ add (div (add $drained 999) 1000) .preStop 5 }}
{{- end }}

{{/* Of a role: what it says, or else static; but dynamic where pods come and go by themselves, and for those that stand
by, so that the next one leads at once. */}}
{{- define "hookline.membership" -}}
{{- $role := index .top.Values .role -}}
{{- if $role.membership -}}
{{ $role.membership }}
{{- else if or (has .role (list "projection" "jobs")) (dig "autoscaling" "enabled" false $role) -}}
dynamic
{{- else -}}
static
{{- end -}}
{{- end }}

{{/* The plain settings of every pod, as a map. */}}
{{- define "hookline.config" -}}
{{- range $name, $value := .Values.config }}
{{- $text := include "hookline.text" $value }}
{{- if ne $text "" }}
{{ $name }}: {{ $text | quote }}
{{- end }}
{{- end }}
HOOKLINE_DRAIN_FOR: {{ .Values.drainFor | quote }}
HOOKLINE_STATE_DIR: /var/lib/hookline
HOOKLINE_ADMIN_LISTEN: {{ printf "%s:9464" .Values.listenHost | quote }}
HOOKLINE_API_LISTEN: {{ printf "%s:8080" .Values.listenHost | quote }}
{{- with .Values.brandsConfigMap }}
HOOKLINE_BRANDS_DIR: /etc/hookline/brands
{{- end }}
{{- with .Values.kafka.tls }}
{{- if .caSecret }}
HOOKLINE_KAFKA_SSL_CA_LOCATION: {{ printf "/etc/hookline/kafka-ca/%s" .caKey }}
{{- end }}
{{- if .clientSecret }}
HOOKLINE_KAFKA_SSL_CERTIFICATE_LOCATION: {{ printf "/etc/hookline/kafka-client/%s" .certificateKey }}
HOOKLINE_KAFKA_SSL_KEY_LOCATION: {{ printf "/etc/hookline/kafka-client/%s" .keyKey }}
{{- end }}
{{- end }}
{{- end }}

{{/* Of one role: its own settings, and the secrets that it needs and no other. */}}
{{- define "hookline.env" -}}
{{- $top := .top }}
{{- $role := .role }}
{{- $of := index $top.Values $role }}
{{- if eq $role "deliver" }}
- name: HOOKLINE_PROCESSES
  value: {{ include "hookline.text" $of.processes | quote }}
{{- end }}
{{- if has $role (list "deliver" "retry") }}
- name: HOOKLINE_MEMORY_MB
  value: {{ include "hookline.text" $of.memoryMb | quote }}
{{- end }}
{{- if ne $role "api" }}
{{- $membership := include "hookline.membership" . }}
- name: HOOKLINE_MEMBERSHIP
  value: {{ $membership }}
{{- if and (eq $membership "static") (ne (toString (index $top.Values.config "HOOKLINE_GROUP_PROTOCOL")) "consumer") }}
- name: HOOKLINE_KAFKA_SESSION_TIMEOUT_MS
  value: {{ mul 1000 (int64 $top.Values.staticSessionSeconds) | quote }}
{{- end }}
{{- end }}
{{- include "hookline.secretEnv" . }}
{{- end }}

{{- define "hookline.secretEnv" -}}
{{- $top := .top }}
{{- $role := .role }}
{{- range $name, $key := $top.Values.secret.keys }}
{{- $of := list "deliver" "retry" "log" "projection" "jobs" "api" }}
{{- if eq $name "HOOKLINE_ENCRYPTION_KEYS" }}
{{- $of = list "deliver" "retry" "api" }}
{{- else if eq $name "HOOKLINE_OPERATOR_KEY" }}
{{- $of = list "api" }}
{{- else if eq $name "HOOKLINE_LOG_REDIS_URL" }}
{{- $of = list "log" "jobs" "api" }}
{{- else if eq $name "HOOKLINE_EGRESS_PROXY" }}
{{- $of = list "deliver" "retry" "api" }}
{{- end }}
{{- if and $key (has $role $of) }}
- name: {{ $name }}
  valueFrom:
    secretKeyRef:
      name: {{ required "secret.existingSecret: name the Secret that has the encryption keys; see docs/kubernetes.md" $top.Values.secret.existingSecret | quote }}
      key: {{ $key | quote }}
{{- end }}
{{- end }}
{{- range $name, $key := $top.Values.kafka.secretKeys }}
- name: {{ $name }}
  valueFrom:
    secretKeyRef:
      name: {{ required "kafka.existingSecret: name the Secret that kafka.secretKeys are in" $top.Values.kafka.existingSecret | quote }}
      key: {{ $key | quote }}
{{- end }}
{{- end }}

{{/* Nothing can run without these. */}}
{{- define "hookline.asked" -}}
{{- $_ := required "config.HOOKLINE_KAFKA_BOOTSTRAP_SERVERS: say where Kafka is, as in kafka-1:9092,kafka-2:9092" (index .Values.config "HOOKLINE_KAFKA_BOOTSTRAP_SERVERS") -}}
{{- if or .Values.deliver.enabled .Values.jobs.enabled -}}
{{- $_ := required "config.HOOKLINE_EVENT_TOPICS: name the topics that your events are on" (index .Values.config "HOOKLINE_EVENT_TOPICS") -}}
{{- end -}}
{{- $_ := required "secret.keys.HOOKLINE_REDIS_URL: name the key of your Secret that says where Redis is; without a password in it, config.HOOKLINE_REDIS_URL does as well" (coalesce (index .Values.config "HOOKLINE_REDIS_URL") .Values.secret.keys.HOOKLINE_REDIS_URL) -}}
{{- end }}
