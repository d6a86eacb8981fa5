package otlp

import (
	"cmp"
	"crypto/rand"
	"maps"
	"slices"

	pprof "github.com/google/pprof/profile"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pprofile"
)

// resourceAttributes are the labels that identify a workload, and the attributes that the semantic conventions have for
// them. All other labels are attributes of samples, lsmprof.LABEL.
var resourceAttributes = map[string]string{
	"container_id": "container.id",
	"container":    "k8s.container.name",
	"pod":          "k8s.pod.name",
	"namespace":    "k8s.namespace.name",
	"image":        "container.image.name",
	"workload":     "service.name",
}

// Convert returns one resource for each workload with one profile for each sample type. The labels of the profile must
// be strings, see projection. The resources also get the attributes given, such as host.name.
func Convert(p *pprof.Profile, attributes map[string]string) pprofile.Profiles {
	out := pprofile.NewProfiles()
	d := newDictionary(out.Dictionary())
	type resource struct {
		labels  map[string]string
		samples []*pprof.Sample
	}
	resources := map[string]*resource{}
	for _, s := range p.Sample {
		labels := map[string]string{}
		for label := range resourceAttributes {
			if values := s.Label[label]; len(values) > 0 {
				labels[label] = values[0]
			}
		}
		key := cmp.Or(labels["container_id"], labels["workload"])
		r := resources[key]
		if r == nil {
			r = &resource{labels: labels}
			resources[key] = r
		}
		r.samples = append(r.samples, s)
	}
	for _, key := range slices.Sorted(maps.Keys(resources)) {
		r := resources[key]
		to := out.ResourceProfiles().AppendEmpty()
		for name, value := range attributes {
			to.Resource().Attributes().PutStr(name, value)
		}
		for label, value := range r.labels {
			to.Resource().Attributes().PutStr(resourceAttributes[label], value)
		}
		scope := to.ScopeProfiles().AppendEmpty()
		scope.Scope().SetName("github.com/lsmprof/lsmprof")
		for i := range p.SampleType {
			d.profile(scope.Profiles().AppendEmpty(), p, i, r.samples)
		}
	}
	return out
}

// profile fills in the profile of one sample type. Samples whose value is 0 are left out.
func (d *dictionary) profile(to pprofile.Profile, p *pprof.Profile, sampleType int, samples []*pprof.Sample) {
	t := p.SampleType[sampleType]
	to.SampleType().SetTypeStrindex(d.str(t.Type))
	to.SampleType().SetUnitStrindex(d.str(t.Unit))
	to.SetTime(pcommon.Timestamp(p.TimeNanos))
	to.SetDurationNano(uint64(max(0, p.DurationNanos)))
	if p.PeriodType != nil {
		to.PeriodType().SetTypeStrindex(d.str(p.PeriodType.Type))
		to.PeriodType().SetUnitStrindex(d.str(p.PeriodType.Unit))
	}
	to.SetPeriod(max(1, p.Period))
	var id pprofile.ProfileID
	_, _ = rand.Read(id[:]) // never fails
	to.SetProfileID(id)
	for _, s := range samples {
		value := s.Value[sampleType]
		if value == 0 {
			continue
		}
		sample := to.Samples().AppendEmpty()
		sample.SetStackIndex(d.stack(s.Location))
		sample.Values().Append(value)
		for _, label := range slices.Sorted(maps.Keys(s.Label)) {
			if _, ok := resourceAttributes[label]; !ok {
				sample.AttributeIndices().Append(d.attribute("lsmprof."+label, s.Label[label][0]))
			}
		}
	}
}
