package serve

import (
	"fmt"
	"math"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// histogramBounds are the upper bounds of the classic buckets, ns. The last bucket has none.
var histogramBounds = [...]float64{100, 250, 500, 1e3, 2500, 5e3, 10e3, 25e3, 100e3, 1e6}

// nativeSchema of the native histogram: eight buckets to a power of two, so that a quantile is within 9 %.
const nativeSchema = 3

// costHistogram counts hook costs in classic and in native buckets.
type costHistogram struct {
	classic [len(histogramBounds) + 1]uint64
	native  map[int]int64 // by bucket: 2^((i-1)/8) s < cost <= 2^(i/8) s
	zero    uint64        // costs that are not above 0: a reading within its bias
}

// add counts calls that took cost ns each.
func (h *costHistogram) add(cost float64, calls uint64) {
	i := 0
	for i < len(histogramBounds) && cost > histogramBounds[i] {
		i++
	}
	h.classic[i] += calls
	if cost <= 0 {
		h.zero += calls
		return
	}
	if h.native == nil {
		h.native = map[int]int64{}
	}
	h.native[int(math.Ceil(math.Log2(cost/1e9)*(1<<nativeSchema)))] += int64(calls)
}

// histogram sends both forms as one metric: a scraper that asks for protobuf gets both, all others the classic one.
func (e emitter) histogram(d *prometheus.Desc, h *costHistogram, sum float64, labels ...string) {
	buckets := make(map[float64]uint64, len(histogramBounds))
	var n uint64
	for i, bound := range histogramBounds {
		n += h.classic[i]
		buckets[bound/1e9] = n
	}
	n += h.classic[len(histogramBounds)]
	classic := prometheus.MustNewConstHistogram(d, n, sum/1e9, buckets, labels...)
	native, err := prometheus.NewConstNativeHistogram(d, n, sum/1e9, h.native, nil, h.zero, nativeSchema,
		prometheus.DefNativeHistogramZeroThreshold, time.Time{}, labels...)
	if err != nil {
		e.ch <- prometheus.NewInvalidMetric(d, err)
		return
	}
	e.ch <- histograms{classic, native}
}

// histograms is one histogram in both forms.
type histograms struct{ classic, native prometheus.Metric }

// Desc implements prometheus.Metric.
func (h histograms) Desc() *prometheus.Desc { return h.classic.Desc() }

// Write implements prometheus.Metric.
func (h histograms) Write(out *dto.Metric) error {
	if err := h.classic.Write(out); err != nil {
		return fmt.Errorf("classic histogram: %w", err)
	}
	var native dto.Metric
	if err := h.native.Write(&native); err != nil {
		return fmt.Errorf("native histogram: %w", err)
	}
	to, from := out.GetHistogram(), native.GetHistogram()
	to.Schema, to.ZeroThreshold, to.ZeroCount = from.Schema, from.ZeroThreshold, from.ZeroCount
	to.PositiveSpan, to.PositiveDelta = from.PositiveSpan, from.PositiveDelta
	return nil
}
