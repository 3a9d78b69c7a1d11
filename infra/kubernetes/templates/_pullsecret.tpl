{{/* What a refresher's Job is made of, for its schedule and for the run after an installation. Takes root, secret, name and namespace. */}}
{{- define "artifact-registry.pullSecretJob" -}}
{{- $root := .root -}}
{{- $secret := .secret -}}
backoffLimit: 3
template:
  metadata:
    labels:
      {{- include "artifact-registry.labels" $root | nindent 6 }}
      app.kubernetes.io/component: pull-secret
  spec:
    restartPolicy: Never
    serviceAccountName: {{ .name }}
    automountServiceAccountToken: false
    enableServiceLinks: false
    {{- with $root.Values.imagePullSecrets }}
    imagePullSecrets:
      {{- toYaml . | nindent 6 }}
    {{- end }}
    securityContext:
      {{- toYaml $root.Values.podSecurityContext | nindent 6 }}
    containers:
      - name: refresh
        image: {{ include "artifact-registry.image" $root }}
        imagePullPolicy: {{ $root.Values.image.pullPolicy }}
        args: [/app/refresh.js]
        env:
          - name: PULL_SECRET_NAME
            value: {{ $secret.name | quote }}
          {{- if $secret.namespaceSelector }}
          - name: PULL_SECRET_NAMESPACE_SELECTOR
            value: {{ $secret.namespaceSelector | quote }}
          {{- else }}
          - name: PULL_SECRET_NAMESPACE
            value: {{ .namespace | quote }}
          {{- end }}
          - name: PULL_SECRET_CREATE
            value: {{ $secret.create | quote }}
          {{- with $secret.serviceAccounts }}
          - name: PULL_SECRET_SERVICE_ACCOUNTS
            value: {{ toJson . | quote }}
          {{- end }}
          - name: PULL_SECRET_REGISTRY
            value: {{ $secret.registry | quote }}
          - name: PULL_SECRET_REPOSITORIES
            value: {{ $secret.repositories | toJson | quote }}
          - name: PULL_SECRET_HOST
            value: {{ $secret.host | quote }}
          - name: PULL_SECRET_TTL_SECONDS
            value: {{ $secret.ttlSeconds | int | quote }}
          - name: PULL_SECRET_INTERVAL_SECONDS
            value: {{ mul (int $secret.intervalMinutes) 60 | quote }}
          - name: KUBERNETES_CA_FILE
            value: /var/run/secrets/artifact-registry/cluster/ca.crt
          - name: KUBERNETES_TOKEN_FILE
            value: /var/run/secrets/artifact-registry/cluster/token
          {{- with $secret.function }}
          - name: FUNCTION_URL
            value: {{ .url | quote }}
          - name: FUNCTION_TOKEN_FILE
            value: /var/run/secrets/artifact-registry/function/token
          {{- if .plainHttp }}
          - name: FUNCTION_PLAIN_HTTP
            value: "true"
          {{- end }}
          {{- if .useCaBundle }}
          - name: FUNCTION_CA_FILE
            value: /etc/artifact-registry/ca/ca.crt
          {{- end }}
          {{- end }}
          {{- with $root.Values.extraEnv }}
          {{- toYaml . | nindent 10 }}
          {{- end }}
        {{- if not $secret.function }}
        envFrom:
          - configMapRef:
              name: {{ include "artifact-registry.fullname" $root }}
        {{- end }}
        resources:
          requests:
            cpu: 20m
            memory: 64Mi
          limits:
            memory: 192Mi
        securityContext:
          {{- toYaml $root.Values.securityContext | nindent 10 }}
        volumeMounts:
          - name: cluster
            mountPath: /var/run/secrets/artifact-registry/cluster
            readOnly: true
          {{- if $secret.function }}
          - name: function
            mountPath: /var/run/secrets/artifact-registry/function
            readOnly: true
          {{- end }}
          {{- if not $secret.function }}
          {{- include "artifact-registry.secretMounts" $root | nindent 10 }}
          {{- end }}
          {{- include "artifact-registry.caMount" $root | nindent 10 }}
          {{- with $root.Values.extraVolumeMounts }}
          {{- toYaml . | nindent 10 }}
          {{- end }}
    volumes:
      - name: cluster
        projected:
          sources:
            {{- include "artifact-registry.clusterSources" $root | nindent 12 }}
      {{- with $secret.function }}
      - name: function
        projected:
          sources:
            - serviceAccountToken:
                path: token
                audience: {{ .audience | quote }}
                expirationSeconds: 3600
      {{- end }}
      {{- if not $secret.function }}
      {{- include "artifact-registry.secretVolumes" $root | nindent 6 }}
      {{- end }}
      {{- include "artifact-registry.caVolume" $root | nindent 6 }}
      {{- with $root.Values.extraVolumes }}
      {{- toYaml . | nindent 6 }}
      {{- end }}
    {{- with $root.Values.nodeSelector }}
    nodeSelector:
      {{- toYaml . | nindent 6 }}
    {{- end }}
    {{- with $root.Values.tolerations }}
    tolerations:
      {{- toYaml . | nindent 6 }}
    {{- end }}
{{- end -}}
