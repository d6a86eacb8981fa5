{{- define "lsmprof.selector" -}}
app.kubernetes.io/name: lsmprof
{{- if ne .Release.Name "lsmprof" }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}
{{- end }}

{{- define "lsmprof.name" -}}
{{- if contains "lsmprof" .Release.Name }}{{ .Release.Name | trunc 63 | trimSuffix "-" }}
{{- else }}{{ printf "%s-lsmprof" .Release.Name | trunc 63 | trimSuffix "-" }}
{{- end }}
{{- end }}
