{{/* What objects are called, and how they are found. */}}

{{- define "hookline.name" -}}
{{ .Values.nameOverride | default .Chart.Name | trunc 40 | trimSuffix "-" }}
{{- end }}

{{- define "hookline.fullname" -}}
{{- $name := include "hookline.name" . -}}
{{- $both := ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) -}}
{{- /* With the longest role and a pod's own ending it has 63 characters at most. */ -}}
{{ .Values.fullnameOverride | default $both | trunc 40 | trimSuffix "-" }}
{{- end }}

{{- define "hookline.chart" -}}
{{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "hookline.selector" -}}
app.kubernetes.io/name: {{ include "hookline.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "hookline.labels" -}}
helm.sh/chart: {{ include "hookline.chart" . }}
{{ include "hookline.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "hookline.image" -}}
{{- with .Values.image -}}
{{- if .digest -}}
{{ .repository }}@{{ .digest }}
{{- else -}}
{{ .repository }}:{{ .tag | default $.Chart.AppVersion }}
{{- end -}}
{{- end -}}
{{- end }}

{{- define "hookline.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{ .Values.serviceAccount.name | default (include "hookline.fullname" .) }}
{{- else -}}
{{ .Values.serviceAccount.name | default "default" }}
{{- end -}}
{{- end }}

{{/* The roles that are wanted, as JSON: each with its name and kind. */}}
{{- define "hookline.roles" -}}
{{- $roles := list -}}
{{- range $role, $kind := dict "deliver" "StatefulSet" "retry" "StatefulSet" "log" "StatefulSet" "projection" "Deployment" "jobs" "Deployment" "api" "Deployment" -}}
{{- if (index $.Values $role).enabled -}}
{{- $roles = append $roles (dict "name" $role "kind" $kind) -}}
{{- end -}}
{{- end -}}
{{ dict "roles" $roles | toJson }}
{{- end }}
