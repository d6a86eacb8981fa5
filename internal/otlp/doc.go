// Package otlp sends profiles to an OpenTelemetry Collector, or to whatever else receives OTLP over HTTP.
//
// The profiles signal of OTLP is experimental: its protobuf is v1development. The types come from the Collector's own
// pdata, so that sender and receiver agree if their versions do.
package otlp
