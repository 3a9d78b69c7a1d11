{{- define "artifact-registry.name" -}}
{{- default "artifact-registry" .Values.nameOverride | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{- define "artifact-registry.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else if contains (include "artifact-registry.name" .) .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "artifact-registry.name" .) | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "artifact-registry.selectorLabels" -}}
app.kubernetes.io/name: {{ include "artifact-registry.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "artifact-registry.labels" -}}
{{ include "artifact-registry.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{- define "artifact-registry.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "artifact-registry.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "artifact-registry.image" -}}
{{- with .Values.image -}}
{{- $_ := required "image.repository must name the image that you built and pushed (docs/container.md): none is published" .repository -}}
{{- if .digest -}}{{ .repository }}@{{ .digest }}{{- else -}}{{ .repository }}:{{ .tag | default $.Chart.AppVersion }}{{- end -}}
{{- end -}}
{{- end -}}

{{/* The name of a pull secret's CronJob, account and rights: CronJobs may have 52 characters. */}}
{{- define "artifact-registry.pullSecretFullname" -}}
{{- printf "%s-%s" (include "artifact-registry.fullname" .root) (printf "%s/%s" .namespace .secret.name | sha256sum | trunc 8) -}}
{{- end -}}

{{/* http or https: how the server is spoken to, and what its port is called. */}}
{{- define "artifact-registry.scheme" -}}
{{- ternary "https" "http" (not (empty .Values.tls.secretName)) -}}
{{- end -}}

{{/* The account of a pod before the cluster's API server: its token, and the CA. */}}
{{- define "artifact-registry.clusterSources" -}}
- serviceAccountToken:
    path: token
    expirationSeconds: 3600
- configMap:
    name: kube-root-ca.crt
    items:
      - key: ca.crt
        path: ca.crt
{{- end -}}

{{/* Accounts, which bindings name by their paths. */}}
{{- define "artifact-registry.secretMounts" -}}
{{- range .Values.secretMounts }}
- name: secret-{{ .name }}
  mountPath: /etc/artifact-registry/secrets/{{ .name }}
  readOnly: true
{{- end }}
{{- end -}}

{{- define "artifact-registry.secretVolumes" -}}
{{- range .Values.secretMounts }}
- name: secret-{{ .name }}
  secret:
    secretName: {{ .secretName }}
    defaultMode: 288 # 0440, which YAML 1.2 reads as another number
{{- end }}
{{- end -}}

{{- define "artifact-registry.tlsMount" -}}
{{- if .Values.tls.secretName }}
- name: tls
  mountPath: /etc/artifact-registry/tls
  readOnly: true
{{- end }}
{{- end -}}

{{- define "artifact-registry.tlsVolume" -}}
{{- with .Values.tls.secretName }}
- name: tls
  secret:
    secretName: {{ . }}
    defaultMode: 288 # 0440, which YAML 1.2 reads as another number
{{- end }}
{{- end -}}

{{- define "artifact-registry.caMount" -}}
{{- if .Values.caBundle.configMap }}
- name: ca-bundle
  mountPath: /etc/artifact-registry/ca
  readOnly: true
{{- end }}
{{- end -}}

{{- define "artifact-registry.caVolume" -}}
{{- with .Values.caBundle }}
{{- if .configMap }}
- name: ca-bundle
  configMap:
    name: {{ .configMap }}
    items:
      - key: {{ .key }}
        path: ca.crt
{{- end }}
{{- end }}
{{- end -}}

{{/* The bindings' variables, as the server makes them of the names. Two names of one variable are refused, as by the server. */}}
{{- define "artifact-registry.bindings" -}}
{{- $names := keys .Values.bindings -}}
{{- range .Values.accessRules -}}
{{- range .registries -}}
{{- if regexMatch "^[A-Za-z0-9_-]{1,64}$" . -}}{{- $names = append $names . -}}{{- end -}}
{{- end -}}
{{- end -}}
{{- $seen := dict -}}
{{- range $name := $names | uniq | sortAlpha -}}
{{- $variable := printf "ALIEN_%s_BINDING" ($name | replace "-" "_" | upper) -}}
{{- with get $seen $variable -}}
{{- fail (printf "bindings: %s and %s are both %s; rename one" . $name $variable) -}}
{{- end -}}
{{- $_ := set $seen $variable $name -}}
{{- with get $.Values.bindings $name }}
{{ $variable }}: {{ toJson . | quote }}
{{- end }}
{{- end -}}
{{- end -}}

{{- define "artifact-registry.issuers" -}}
{{- $issuers := .Values.oidc.issuers -}}
{{- with .Values.oidc.cluster -}}
{{- if .enabled -}}
{{- $files := "/var/run/secrets/artifact-registry/cluster" -}}
{{- $own := dict "issuer" .issuer "audience" .audience "jwksUri" "https://kubernetes.default.svc/openid/v1/jwks" "caFile" (printf "%s/ca.crt" $files) "tokenFile" (printf "%s/token" $files) -}}
{{- $issuers = prepend $issuers $own -}}
{{- end -}}
{{- end -}}
{{- $issuers | toJson -}}
{{- end -}}
