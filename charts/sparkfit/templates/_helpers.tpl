{{/* The full name. It leaves room for suffixes and for the names of pods within 63 characters; what is cut off is
     replaced by a hash of it, and a Service must begin with a letter. */}}
{{- define "sparkfit.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- $full := ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) -}}
{{- $full = default $full .Values.fullnameOverride | replace "." "-" -}}
{{- if not (regexMatch "^[a-z]" $full) -}}{{- $full = printf "%s-%s" .Chart.Name $full -}}{{- end -}}
{{- if gt (len $full) 46 -}}
{{- $full = printf "%s-%s" (trunc 39 $full | trimSuffix "-") (sha256sum $full | trunc 6) -}}
{{- end -}}
{{- $full -}}
{{- end }}

{{- define "sparkfit.namespace" -}}
{{- default .Release.Namespace .Values.namespaceOverride -}}
{{- end }}

{{- define "sparkfit.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end }}

{{/* What never changes: selectors are immutable. */}}
{{- define "sparkfit.instanceLabels" -}}
app.kubernetes.io/name: {{ include "sparkfit.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{/* Of the controller's pods alone: that of `helm test` has another component. */}}
{{- define "sparkfit.selectorLabels" -}}
{{ include "sparkfit.instanceLabels" . }}
app.kubernetes.io/component: controller
{{- end }}

{{- define "sparkfit.labels" -}}
{{ include "sparkfit.instanceLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* (list . SUFFIX [NAMESPACE]): name, namespace and labels; the namespace "" is for objects of the cluster. */}}
{{- define "sparkfit.metadata" -}}
{{- $root := first . -}}
name: {{ include "sparkfit.fullname" $root }}{{ index . 1 }}
{{- $namespace := include "sparkfit.namespace" $root -}}
{{- if gt (len .) 2 }}{{ $namespace = index . 2 }}{{ end }}
{{- with $namespace }}
namespace: {{ . }}
{{- end }}
labels:
  {{- include "sparkfit.labels" $root | nindent 2 }}
{{- end }}

{{/* As container engines read it: what stands before the first slash is a registry if it has a dot or a port, or is
     `localhost`; a colon or @ after the last slash begins a tag or digest. */}}
{{- define "sparkfit.image" -}}
{{- $image := .Values.image -}}
{{- $registry := default $image.registry (.Values.global).imageRegistry -}}
{{- if regexMatch `^([^/]*[.:][^/]*|localhost)/` $image.repository }}{{ $registry = "" }}{{ end -}}
{{- with $registry }}{{ . }}/{{ end }}{{ $image.repository -}}
{{- if $image.digest }}@{{ $image.digest -}}
{{- else if not (regexMatch `[:@][^/]*$` $image.repository) }}:{{ default .Chart.AppVersion $image.tag }}{{ end -}}
{{- end }}

{{- define "sparkfit.imagePullSecrets" -}}
{{- with concat ((.Values.global).imagePullSecrets | default list) .Values.imagePullSecrets -}}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "sparkfit.serviceAccountName" -}}
{{- default (include "sparkfit.fullname" .) .Values.serviceAccount.name -}}
{{- end }}

{{/* Whether the pods serve anything by TLS, and with a certificate of their own making. */}}
{{- define "sparkfit.tls" -}}
{{- if or (eq .Values.mode "autoscale") .Values.metrics.secure }}true{{ end }}
{{- end }}

{{- define "sparkfit.selfManaged" -}}
{{- if and (include "sparkfit.tls" .) (eq .Values.webhook.certificates.mode "self-managed") }}true{{ end }}
{{- end }}

{{- define "sparkfit.certificateSecret" -}}
{{- default (printf "%s-webhook-tls" (include "sparkfit.fullname" .)) .Values.webhook.certificates.secretName -}}
{{- end }}

{{/* Whose drivers are asked: off, optIn or observed. Trials need drivers that tell, so that sizing has them asked. */}}
{{- define "sparkfit.driverMetrics" -}}
{{- $usual := eq .Values.mode "autoscale" | ternary "observed" "off" -}}
{{- $set := hasKey .Values.config "driverMetrics" | ternary (toString .Values.config.driverMetrics) "" -}}
{{- get (dict "" $usual "true" "optIn" "false" "off") $set | default $set -}}
{{- end }}

{{/* The controller's configuration: what the chart decides, and `config`. */}}
{{- define "sparkfit.config" -}}
{{- $full := include "sparkfit.fullname" . -}}
{{- $own := dict "mode" .Values.mode "leaseName" $full "listen" (printf "[::]:%d" (int .Values.metrics.port)) -}}
{{- if not .Values.metrics.legacyNames }}{{ $_ := set $own "legacyMetricNames" false }}{{ end -}}
{{- with .Values.watchNamespaces }}{{ $_ := set $own "namespaces" (join "," .) }}{{ end -}}
{{- $asked := include "sparkfit.driverMetrics" . -}}
{{- if ne $asked "off" }}{{ $_ := set $own "driverMetrics" $asked }}{{ end -}}
{{- if eq .Values.mode "autoscale" -}}
{{- $_ := set $own "webhookListen" (printf "[::]:%d" (int .Values.webhook.port)) -}}
{{- if include "sparkfit.selfManaged" . -}}
{{- $_ := set $own "webhookConfiguration" $full -}}
{{- $_ := set $own "webhookService" (printf "%s-webhook" $full) -}}
{{- end -}}
{{- end -}}
{{- if .Values.metrics.secure -}}
{{- $_ := set $own "metricsSecure" true -}}
{{- $_ := set $own "metricsService" (printf "%s-metrics" $full) -}}
{{- end -}}
{{- if include "sparkfit.selfManaged" . -}}
{{- $_ := set $own "webhookSecret" (printf "%s-webhook-ca" $full) -}}
{{- else if include "sparkfit.tls" . -}}
{{- $_ := set $own "webhookCertificateFile" "/etc/sparkfit-webhook/tls.crt" -}}
{{- $_ := set $own "webhookKeyFile" "/etc/sparkfit-webhook/tls.key" -}}
{{- end -}}
{{- merge $own .Values.config | toYaml -}}
{{- end }}

{{/* (list . SUFFIX NAMESPACES RULES): a Role and its binding in each namespace; "" is the cluster. */}}
{{- define "sparkfit.grant" -}}
{{- $root := index . 0 -}}{{- $suffix := index . 1 -}}{{- $rules := index . 3 -}}
{{- range index . 2 }}
{{- $kind := empty . | ternary "ClusterRole" "Role" }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ $kind }}
metadata:
  {{- include "sparkfit.metadata" (list $root $suffix .) | nindent 2 }}
rules:
  {{- $rules | trim | nindent 2 }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ $kind }}Binding
metadata:
  {{- include "sparkfit.metadata" (list $root $suffix .) | nindent 2 }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: {{ $kind }}
  name: {{ include "sparkfit.fullname" $root }}{{ $suffix }}
subjects:
  - kind: ServiceAccount
    name: {{ include "sparkfit.serviceAccountName" $root }}
    namespace: {{ include "sparkfit.namespace" $root }}
{{- end }}
{{- end }}

{{/* (list . MONITOR): a ServiceMonitor's or PodMonitor's endpoint, from its values. The metrics carry `namespace`
     themselves. */}}
{{- define "sparkfit.endpoint" -}}
{{- $root := first . -}}
{{- with last . -}}
- port: metrics
  path: /metrics
  interval: {{ .interval }}
  honorLabels: true
  {{- if $root.Values.metrics.secure }}
  scheme: https
  {{- if .authorization }}
  authorization:
    {{- toYaml .authorization | nindent 4 }}
  {{- else }}
  bearerTokenFile: /var/run/secrets/kubernetes.io/serviceaccount/token
  {{- end }}
  tlsConfig:
    {{- .tlsConfig | default (include "sparkfit.trust" $root | fromYaml) | toYaml | nindent 4 }}
  {{- end }}
  {{- with .relabelings }}
  relabelings:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .metricRelabelings }}
  metricRelabelings:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}
{{- end }}

{{/* Who signed the certificate that metrics are served with, as a monitor's tlsConfig. */}}
{{- define "sparkfit.trust" -}}
serverName: {{ include "sparkfit.fullname" . }}-metrics.{{ include "sparkfit.namespace" . }}.svc
ca:
  secret:
    {{- if include "sparkfit.selfManaged" . }}
    name: {{ include "sparkfit.fullname" . }}-webhook-ca
    key: ca-bundle.crt
    {{- else }}
    name: {{ include "sparkfit.certificateSecret" . }}
    key: ca.crt
    {{- end }}
{{- end }}
