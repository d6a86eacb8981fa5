// Package otlptest reads, for tests, the profiles that were sent with OTLP.
package otlptest

import (
	"compress/gzip"
	"io"
	"net/http"

	"go.opentelemetry.io/collector/pdata/pprofile"
	"go.opentelemetry.io/collector/pdata/pprofile/pprofileotlp"
)

// Decode returns the profiles in the body of a request.
func Decode(r *http.Request) (pprofile.Profiles, error) {
	in := pprofileotlp.NewExportRequest()
	zip, err := gzip.NewReader(r.Body)
	if err != nil {
		return in.Profiles(), err
	}
	body, err := io.ReadAll(zip)
	if err != nil {
		return in.Profiles(), err
	}
	err = in.UnmarshalProto(body)
	return in.Profiles(), err
}

// Sums returns the sum of the values of each sample type in all profiles. Types without a sample are missing.
func Sums(all ...pprofile.Profiles) map[string]int64 {
	out := map[string]int64{}
	for _, p := range all {
		for _, r := range p.ResourceProfiles().All() {
			for _, s := range r.ScopeProfiles().All() {
				for _, one := range s.Profiles().All() {
					name := p.Dictionary().StringTable().At(int(one.SampleType().TypeStrindex()))
					for _, sample := range one.Samples().All() {
						out[name] += sample.Values().At(0)
					}
				}
			}
		}
	}
	return out
}
