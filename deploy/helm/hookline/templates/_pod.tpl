{{/* A pod of a role. Takes `top`, and `role`. */}}

{{- define "hookline.podTemplate" -}}
{{- $top := .top }}
{{- $role := .role }}
{{- $of := index $top.Values $role }}
{{- $pods := mergeOverwrite (deepCopy $top.Values.pods) (deepCopy $of.pods) }}
metadata:
  labels:
    {{- include "hookline.labels" $top | nindent 4 }}
    app.kubernetes.io/component: {{ $role }}
    {{- with $pods.labels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  annotations:
    checksum/config: {{ include "hookline.config" $top | sha256sum }}
    {{- with $pods.annotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  serviceAccountName: {{ include "hookline.serviceAccountName" $top }}
  automountServiceAccountToken: false
  # Kubernetes would add variables for the address of each service: those of this release begin as settings do.
  enableServiceLinks: false
  terminationGracePeriodSeconds: {{ include "hookline.graceSeconds" (dict "values" $top.Values "preStop" (dig "preStopSeconds" 0 $of)) }}
  {{- with $top.Values.imagePullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $top.Values.podSecurityContext }}
  securityContext:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $pods.priorityClassName }}
  priorityClassName: {{ . }}
  {{- end }}
  {{- with $pods.dnsConfig }}
  dnsConfig:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $pods.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $pods.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $pods.affinity }}
  affinity:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  topologySpreadConstraints:
    {{- with $pods.topologySpreadConstraints }}
    {{- toYaml . | nindent 4 }}
    {{- else }}
    {{- range $key := list "kubernetes.io/hostname" "topology.kubernetes.io/zone" }}
    - maxSkew: 1
      topologyKey: {{ $key }}
      whenUnsatisfiable: ScheduleAnyway
      labelSelector:
        matchLabels:
          {{- include "hookline.selector" $top | nindent 10 }}
          app.kubernetes.io/component: {{ $role }}
    {{- end }}
    {{- end }}
  containers:
    - name: hookline
      image: {{ include "hookline.image" $top | quote }}
      imagePullPolicy: {{ $top.Values.image.pullPolicy }}
      args: [run, {{ $role }}]
      {{- with $top.Values.securityContext }}
      securityContext:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      envFrom:
        - configMapRef:
            name: {{ include "hookline.fullname" $top }}
      env:
        {{- include "hookline.env" . | nindent 8 }}
        {{- with $pods.extraEnv }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      ports:
        - name: admin
          containerPort: 9464
        {{- if eq $role "api" }}
        - name: http
          containerPort: 8080
        {{- end }}
      # Two minutes to read what there is. /livez asks neither Kafka nor Redis: they are no reason to start anew.
      startupProbe:
        httpGet: {path: /livez, port: admin}
        periodSeconds: 3
        timeoutSeconds: 6
        failureThreshold: 40
      livenessProbe:
        httpGet: {path: /livez, port: admin}
        periodSeconds: 15
        timeoutSeconds: 6
        failureThreshold: 3
      # A rolling update waits for it: that the pod has joined its group, and does what it is for.
      readinessProbe:
        httpGet: {path: /readyz, port: admin}
        periodSeconds: 5
        timeoutSeconds: 6
        failureThreshold: 2
      {{- with (dig "preStopSeconds" 0 $of) }}
      lifecycle:
        preStop:
          sleep:
            seconds: {{ . }}
      {{- end }}
      {{- with $of.resources }}
      resources:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      volumeMounts:
        - name: state
          mountPath: /var/lib/hookline
        {{- include "hookline.mounts" $top | nindent 8 }}
        {{- with $pods.extraVolumeMounts }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
  volumes:
    # Locks and checkpoints, of use while the pod lives.
    - name: state
      emptyDir: {}
    {{- include "hookline.volumes" $top | nindent 4 }}
    {{- with $pods.extraVolumes }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
{{- end }}

{{- define "hookline.mounts" -}}
{{- with .Values.brandsConfigMap }}
- name: brands
  mountPath: /etc/hookline/brands
  readOnly: true
{{- end }}
{{- with .Values.kafka.tls.caSecret }}
- name: kafka-ca
  mountPath: /etc/hookline/kafka-ca
  readOnly: true
{{- end }}
{{- with .Values.kafka.tls.clientSecret }}
- name: kafka-client
  mountPath: /etc/hookline/kafka-client
  readOnly: true
{{- end }}
{{- end }}

{{- define "hookline.volumes" -}}
{{- with .Values.brandsConfigMap }}
- name: brands
  configMap:
    name: {{ . | quote }}
{{- end }}
{{- with .Values.kafka.tls }}
{{- if .caSecret }}
- name: kafka-ca
  secret:
    secretName: {{ .caSecret | quote }}
    items:
      - key: {{ .caKey | quote }}
        path: {{ .caKey | quote }}
{{- end }}
{{- if .clientSecret }}
- name: kafka-client
  secret:
    secretName: {{ .clientSecret | quote }}
    defaultMode: 288
    items:
      - key: {{ .certificateKey | quote }}
        path: {{ .certificateKey | quote }}
      - key: {{ .keyKey | quote }}
        path: {{ .keyKey | quote }}
{{- end }}
{{- end }}
{{- end }}
