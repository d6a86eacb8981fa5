package enforcer

import "github.com/lsmprof/lsmprof/internal/enforcer/rules"

// decoderOf returns the decoder of a kind of rules that are in maps of maps.
func (d decoders) of(kind string) decoder {
	return d.outer[map[string]int{rules.File: file, rules.Exec: exec, rules.Net: net, rules.Mount: mount}[kind]]
}

// DecodeReference decodes a rule of the reference enforcer.
func DecodeReference(kind string, value []byte) (string, *rules.Scope) {
	return referenceDecoders.of(kind)(value)
}
